//! Revocation lists that leave a CA out: Envoy then refuses every client, where
//! this gateway's verifier stops at the first CA that it trusts.

use x509_parser::prelude::{CertificateRevocationList, FromDer as _, X509Certificate};

use super::table::ClientVerification;

/// The subjects of CAs for which there is no list, while there is one for
/// another CA. What cannot be parsed is passed over: others report it.
pub(super) fn uncovered(verification: &ClientVerification) -> Vec<String> {
    if verification.crls.is_empty() || verification.unlisted_allowed {
        return Vec::new();
    }
    let lists: Vec<_> = verification
        .crls
        .iter()
        .filter_map(|crl| CertificateRevocationList::from_der(crl).ok())
        .collect();
    verification
        .authorities
        .iter()
        .filter_map(|authority| Some(X509Certificate::from_der(authority).ok()?.1))
        .filter(|authority| {
            !lists
                .iter()
                .any(|(_, list)| list.issuer().as_raw() == authority.subject().as_raw())
        })
        .map(|authority| authority.subject().to_string())
        .collect()
}
