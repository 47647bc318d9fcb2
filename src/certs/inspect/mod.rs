//! Explains the content of a file: every certificate, key, request and CRL, and which of them
//! belong together. Also reads what verifiers refuse: X.509 version 1, SHA-1, short keys.

mod algorithms;
mod certificate;
mod items;

pub use algorithms::KeyFacts;
pub(crate) use algorithms::{public_key, signature_algorithm};
pub(crate) use certificate::extended_key_usages;
pub use certificate::{CertificateFacts, NameFact, Validity, Warning, certificate, sha256};
pub use items::{CrlFacts, Found, Item, PrivateKeyFacts, RequestFacts, RevokedFact, from_certificates, relate, scan};
