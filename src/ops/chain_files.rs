//! Issued chains as workspace files: PEM, CA keys encrypted if there is a password,
//! client bundles on request.

use zeroize::Zeroizing;

use crate::certs::{CertificateDer, Chain, Client, PrivateKey, pem, pkcs12, renew};
use crate::problem::Problem;
use crate::workspace::layout::Part;

/// A part of a chain and its file's content, wiped when dropped.
pub type PartFile<'a> = (Part<'a>, Zeroizing<Vec<u8>>);

/// The default password of bundles, the same as other local CAs use: browsers refuse an
/// empty one on import.
pub const BUNDLE_PASSWORD: &str = "changeit";

/// How keys are stored.
#[derive(Clone, Copy, Default)]
pub struct KeyStorage<'a> {
    /// Encrypts CA keys.
    pub password: Option<&'a str>,
    /// Writes a PKCS#12 bundle per client.
    pub bundles: Option<pkcs12::Form>,
}

/// Every file of a chain.
///
/// # Errors
/// If a key cannot be encrypted or a bundle cannot be created.
pub fn of_chain<'a>(chain: &'a Chain, storage: KeyStorage<'_>) -> Result<Vec<PartFile<'a>>, Problem> {
    let text = |text: String| Zeroizing::new(text.into_bytes());
    let mut files = vec![
        (Part::RootCert, text(chain.root_pem())),
        (Part::IntermediateCert, text(chain.intermediate_pem())),
        (Part::CaChain, text(chain.ca_chain_pem())),
        (Part::ServerCert, text(chain.server_pem())),
    ];
    for (part, issued) in [
        (Part::RootKey, &chain.root),
        (Part::IntermediateKey, &chain.intermediate),
    ] {
        if let Some(key) = &issued.key {
            files.push((part, ca_key(key, storage.password)?));
        }
    }
    if let Some(key) = &chain.server.key {
        files.push((Part::ServerKey, leaf_key(key)));
    }
    let above = [chain.intermediate.certificate.clone(), chain.root.certificate.clone()];
    files.extend(of_clients(&chain.clients, &above, storage)?);
    Ok(files)
}

/// The files of clients; `above` is the intermediate and the root, or twice the root if
/// it issues clients itself.
///
/// # Errors
/// If a bundle cannot be created.
pub fn of_clients<'a>(
    clients: &'a [Client],
    above: &[CertificateDer<'static>; 2],
    storage: KeyStorage<'_>,
) -> Result<Vec<PartFile<'a>>, Problem> {
    let mut files = Vec::new();
    for Client { name, issued } in clients {
        let issuers = if above[0] == above[1] { &above[1..] } else { &above[..] };
        let intermediate = &issuers[..issuers.len() - 1];
        let chain = pem::certificates_text(std::iter::once(&issued.certificate).chain(intermediate));
        files.push((Part::ClientCert(name), Zeroizing::new(chain.into_bytes())));
        if let Some(key) = &issued.key {
            files.push((Part::ClientKey(name), leaf_key(key)));
            if let Some(form) = storage.bundles {
                let chain: Vec<_> = std::iter::once(&issued.certificate).chain(issuers).cloned().collect();
                let password = storage.password.unwrap_or(BUNDLE_PASSWORD);
                let bundle = pkcs12::write(name, key, &chain, password, form)?;
                files.push((Part::ClientBundle(name), Zeroizing::new(bundle)));
            }
        }
    }
    Ok(files)
}

/// The server's file with a new leaf: the issuers above it stay the same as in `old`, or
/// become `issuer`, unless that is a root.
pub fn with_leaf(
    leaf: CertificateDer<'static>,
    old: &[CertificateDer<'static>],
    issuer: &CertificateDer<'static>,
) -> Vec<CertificateDer<'static>> {
    let mut chain = vec![leaf];
    match old.get(1) {
        Some(known) if known == issuer => chain.extend_from_slice(&old[1..]),
        _ if !renew::is_issued_by(issuer, issuer) => chain.push(issuer.clone()),
        _ => {}
    }
    chain
}

/// A CA's key, encrypted if there is a password.
///
/// # Errors
/// If it cannot be encrypted.
pub fn ca_key(key: &PrivateKey, password: Option<&str>) -> Result<Zeroizing<Vec<u8>>, Problem> {
    match password {
        Some(password) => Ok(Zeroizing::new(key.encrypted_pem(password)?.as_bytes().to_vec())),
        None => Ok(leaf_key(key)),
    }
}

fn leaf_key(key: &PrivateKey) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(key.pem().as_bytes().to_vec())
}
