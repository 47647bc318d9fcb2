//! The client's certificate and key, read from files and prepared for TLS.

use std::path::Path;
use std::sync::Arc;

use rustls::sign::CertifiedKey;

use crate::certs::order::by_names;
use crate::certs::{CertificateDer, PrivateKey, key, pem, pkcs12};
use crate::files::{self, PEM_LIMIT};
use crate::hex;
use crate::ops::failure::Failure;
use crate::ops::password;
use crate::ops::pem_files::certificates_of;
use crate::probe::codes::Code;
use crate::probe::expectation::ClientPair;
use crate::probe::served;
use crate::probe::verdict::Verdict;
use crate::problem::Problem;

/// Reads a client's key pair. An unusable pair is a verdict, not a failure of the
/// command.
///
/// # Errors
/// If a file cannot be read, or contains something else.
pub fn read_pair(
    cert: &Path,
    key: &Path,
    password_file: Option<&Path>,
) -> Result<Result<Arc<ClientPair>, Verdict>, Failure> {
    let (cert_name, key_name) = (cert.display().to_string(), key.display().to_string());
    let password = password_file.map(password::of_file).transpose()?;
    let content = zeroize::Zeroizing::new(files::read_given(cert, PEM_LIMIT).map_err(Failure::usage)?);
    if pkcs12::is_pkcs12(&content) {
        let given = password.as_ref().map(|password| password.as_str());
        return of_bundle(&content, &cert_name, (cert != key).then_some(key), given);
    }
    let chain = certificates_of(&content, &cert_name)?;
    let content = zeroize::Zeroizing::new(files::read_given(key, PEM_LIMIT).map_err(Failure::usage)?);
    if password.is_none() && is_encrypted(&content, &key_name) {
        return Ok(Err(Verdict::new(
            Code::ClientKeyEncrypted,
            format!("the client's key {key_name} is encrypted: a password is required"),
            "a password",
            "none given",
            "--key-password-file FILE",
        )));
    }
    let password = password.as_ref().map(|password| password.as_str());
    let key = key::read(&content, &key_name, password).map_err(Failure::usage)?;
    client_pair(chain, &key, cert_name, key_name)
}

/// The pair in a PKCS#12 bundle; its key is used unless another is given.
fn of_bundle(
    content: &[u8],
    name: &str,
    key: Option<&Path>,
    password: Option<&str>,
) -> Result<Result<Arc<ClientPair>, Verdict>, Failure> {
    let bundle = match pkcs12::read(content, name, password) {
        Ok(bundle) => bundle,
        Err(_) if password.is_none() => {
            return Ok(Err(Verdict::new(
                Code::ClientKeyEncrypted,
                format!("the client's bundle {name} is encrypted: a password is required"),
                "a password",
                "none given",
                "--key-password-file FILE",
            )));
        }
        Err(problem) => return Err(Failure::usage(problem)),
    };
    let chain = by_names(&bundle.certificates);
    if chain.is_empty() {
        return Err(Failure::usage(Problem::new(format!("{name} holds no certificate"))));
    }
    let Some(path) = key else {
        // The leaf's key, if there are several.
        let mut keys = bundle.keys.iter();
        let fitting = bundle.keys.iter().find(|key| key.fits(&chain[0]));
        let Some(key) = fitting.or_else(|| keys.next()) else {
            return Err(Failure::usage(
                Problem::new(format!("{name} holds no private key")).fix("give it with --key"),
            ));
        };
        return client_pair(chain, key, name.to_owned(), name.to_owned());
    };
    let key_name = path.display().to_string();
    let content = zeroize::Zeroizing::new(files::read_given(path, PEM_LIMIT).map_err(Failure::usage)?);
    let key = key::read(&content, &key_name, password).map_err(Failure::usage)?;
    client_pair(chain, &key, name.to_owned(), key_name)
}

/// A client's key pair, ready for use. A mismatch is a verdict, not a failure of the
/// command.
///
/// # Errors
/// If TLS cannot use such a key.
pub fn client_pair(
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKey,
    cert_name: String,
    key_name: String,
) -> Result<Result<Arc<ClientPair>, Verdict>, Failure> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let signer = provider
        .key_provider
        .load_private_key(key.to_rustls())
        .map_err(|error| {
            Failure::usage(Problem::new(format!("{key_name} holds no key that TLS can use")).why(error.to_string()))
        })?;
    let of_cert = chain
        .first()
        .and_then(|leaf| served::public_key(leaf))
        .map(|spki| short_hash(&spki));
    let of_key = signer.public_key().map(|spki| short_hash(&spki));
    if let (Some(of_cert), Some(of_key)) = (&of_cert, &of_key)
        && of_cert != of_key
    {
        return Ok(Err(Verdict::new(
            Code::ClientKeyMismatch,
            format!(
                "the client's key does not belong to its certificate: {cert_name} is for public key SHA-256 {of_cert}, {key_name} has {of_key}"
            ),
            of_cert.clone(),
            of_key.clone(),
            "give the key that belongs to the certificate, with --key",
        )));
    }
    Ok(Ok(Arc::new(ClientPair {
        source: cert_name,
        key_source: key_name,
        key: Arc::new(CertifiedKey::new(chain.clone(), signer)),
        chain,
    })))
}

fn short_hash(spki: &[u8]) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, spki);
    hex::digits(&hash.as_ref()[..8])
}

fn is_encrypted(content: &[u8], name: &str) -> bool {
    pem::is_pem(content)
        && pem::blocks(content, name).is_ok_and(|blocks| {
            blocks
                .iter()
                .find(|block| block.is_private_key())
                .is_some_and(|block| block.legacy_encrypted || block.label == pem::ENCRYPTED_PRIVATE_KEY)
        })
}
