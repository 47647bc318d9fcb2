//! PKCS#12 bundles (RFC 7292) for browsers and OpenSSL: a key with its chain.

use p12_keystore::error::Error;
use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, Pkcs12Archive, PrivateKeyChain,
};
use rustls::pki_types::CertificateDer;

use super::der;
use super::key::PrivateKey;
use crate::problem::Problem;

/// The OID of scrypt (RFC 7914 section 7), as an element.
const SCRYPT_OID: &[u8] = &[0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];

/// The content of a bundle.
pub struct Bundle {
    /// The private keys.
    pub keys: Vec<PrivateKey>,
    /// The certificates, in the bundle's order.
    pub certificates: Vec<CertificateDer<'static>>,
}

/// The encryption and MAC algorithms of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// PBES2 with AES-256 and HMAC-SHA256, as in OpenSSL 3; macOS up to 13, Windows Server 2016 and
    /// Java before 8u301 refuse it.
    #[default]
    Modern,
    /// Triple DES and HMAC-SHA1 (RFC 7292 appendix C), which everything reads; its encryption is
    /// weak.
    Legacy,
}

impl Form {
    /// All forms with their names in flags.
    pub const WORDS: &[(&str, Self)] = &[("modern", Self::Modern), ("legacy", Self::Legacy)];

    /// The form of a bundle: PBES2 or not.
    pub fn of(content: &[u8]) -> Self {
        match memchr::memmem::find(content, PBES2_OID) {
            Some(_) => Self::Modern,
            None => Self::Legacy,
        }
    }
}

/// The OID of PBES2 (RFC 8018 appendix A.4), as an element.
const PBES2_OID: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];

/// Writes a bundle: the key, its certificate, then its issuers up to the root. `name` is the
/// friendly name that importers show.
///
/// # Errors
/// If the key or a certificate cannot be read.
pub fn write(
    name: &str,
    key: &PrivateKey,
    chain: &[CertificateDer<'_>],
    password: &str,
    form: Form,
) -> Result<Vec<u8>, Problem> {
    let refused =
        |error: Error| Problem::new(format!("the PKCS#12 bundle of {name} cannot be written")).why(error.to_string());
    let certificates = chain
        .iter()
        .map(|der| Certificate::from_der(der).map_err(refused))
        .collect::<Result<Vec<_>, _>>()?;
    let leaf = chain.first().map_or(&[][..], |leaf| leaf.as_ref());
    // As in OpenSSL, the local key ID is the SHA-1 of the certificate.
    let id = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, leaf);
    let private = p12_keystore::PrivateKey::from_der(key.pkcs8()).map_err(refused)?;
    let mut store = KeyStore::new();
    store.add_entry(
        name,
        KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new(id.as_ref(), private, certificates)),
    );
    let writer = store.writer(password);
    let writer = match form {
        Form::Modern => writer,
        Form::Legacy => writer
            .encryption_algorithm(EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc)
            .mac_algorithm(MacAlgorithm::HmacSha1),
    };
    writer.write().map_err(refused)
}

/// Reads a bundle; without a password, the empty one is tried. Errors contain `source`.
///
/// # Errors
/// If it is not PKCS#12, or the password is missing or wrong.
pub fn read(content: &[u8], source: &str, password: Option<&str>) -> Result<Bundle, Problem> {
    if has_scrypt_without_cost(content) {
        return Err(Problem::new(format!("the PKCS#12 bundle {source} cannot be read"))
            .why("its scrypt encryption has the invalid cost 0 (RFC 7914 section 2)"));
    }
    let archive = Pkcs12Archive::from_pkcs12(content, password.unwrap_or_default()).map_err(|error| {
        let wrong = matches!(error, Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_));
        match (wrong, password) {
            (true, None) => Problem::new(format!("{source} is a PKCS#12 bundle, but no password was given"))
                .fix("pass the password with --password-file FILE or --password-stdin"),
            (true, Some(_)) => {
                Problem::new(format!("the PKCS#12 bundle {source} cannot be opened")).why("the password is wrong")
            }
            (false, _) => Problem::new(format!("the PKCS#12 bundle {source} cannot be read")).why(error.to_string()),
        }
    })?;
    Ok(Bundle {
        keys: archive
            .keys
            .iter()
            .map(|bag| PrivateKey::from_pkcs8(bag.key.as_der().to_vec()))
            .collect(),
        certificates: archive
            .certs
            .iter()
            .map(|bag| CertificateDer::from(bag.cert.as_der().to_vec()))
            .collect(),
    })
}

/// Whether scrypt parameters have the cost 0, with which decryption would panic. They are found by
/// their OID, at any position.
fn has_scrypt_without_cost(content: &[u8]) -> bool {
    memchr::memmem::find_iter(content, SCRYPT_OID).any(|at| {
        let cost = der::take_tag(&content[at..], der::OID)
            .and_then(|oid| der::take_tag(oid.rest, der::SEQUENCE))
            .and_then(|parameters| der::take_tag(parameters.content, der::OCTET_STRING))
            .and_then(|salt| der::take_tag(salt.rest, der::INTEGER));
        cost.is_some_and(|cost| cost.content.iter().all(|byte| *byte == 0))
    })
}

/// Whether the bytes look like PKCS#12: a SEQUENCE that begins with version 3, followed by a
/// ContentInfo.
pub fn is_pkcs12(content: &[u8]) -> bool {
    let version = der::take_tag(content, der::SEQUENCE).and_then(|outer| der::take_tag(outer.content, der::INTEGER));
    version.is_some_and(|version| {
        version.content == [3]
            && der::take_tag(version.rest, der::SEQUENCE)
                .is_some_and(|info| der::take_tag(info.content, der::OID).is_some())
    })
}
