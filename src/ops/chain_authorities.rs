//! The CAs whose certificates are in a chain's folder, and which of them issued a leaf.

use super::authority;
use super::chain_clients::certificates;
use super::failure::Failure;
use crate::certs::{CertificateAuthority, CertificateDer, renew};
use crate::workspace::layout::{ChainLayout, Part};

/// A CA of a chain, by the files that hold it.
pub struct ChainAuthority {
    /// The folder: the previous CA's while the CA is being replaced.
    pub layout: ChainLayout,
    /// The file of its certificate.
    pub cert: Part<'static>,
    /// The file of its key, which may not exist here.
    pub key: Part<'static>,
    /// Its certificate.
    pub certificate: CertificateDer<'static>,
}

/// Every CA in these folders that has a certificate, intermediates before roots.
///
/// # Errors
/// If one cannot be read.
pub fn of(layouts: &[ChainLayout]) -> Result<Vec<ChainAuthority>, Failure> {
    let mut found = Vec::new();
    for layout in layouts {
        for (cert, key) in [
            (Part::IntermediateCert, Part::IntermediateKey),
            (Part::RootCert, Part::RootKey),
        ] {
            if let Some(certificate) = certificates(layout, cert)?.into_iter().next() {
                found.push(ChainAuthority {
                    layout: layout.clone(),
                    cert,
                    key,
                    certificate,
                });
            }
        }
    }
    Ok(found)
}

/// The CA that issued a leaf; matched by name only if the leaf's signature is wrong on
/// purpose (gen-certs --bad wrong-ca).
pub fn issuer_of<'a>(authorities: &'a [ChainAuthority], leaf: &CertificateDer<'_>) -> Option<&'a ChainAuthority> {
    let mut found = authorities.iter();
    found
        .find(|ca| renew::is_issued_by(leaf, &ca.certificate))
        .or_else(|| authorities.iter().find(|ca| renew::names_issuer(leaf, &ca.certificate)))
}

impl ChainAuthority {
    /// Reads it, ready to sign.
    ///
    /// # Errors
    /// If its key is missing, encrypted and there is no password, or another CA's.
    pub fn open(&self, password: Option<&str>) -> Result<CertificateAuthority, Failure> {
        authority::ca(&self.layout.path(self.cert), &self.layout.path(self.key), password)
    }
}
