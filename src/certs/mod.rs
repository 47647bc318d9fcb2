//! Certificates: plan, issue, inspect, verify. Pure: bytes and structs in,
//! values out; the time is an argument, randomness is the crypto provider's.

mod authority;
mod constraints;
pub mod crl;
pub mod csr;
mod der;
pub mod inspect;
pub mod issue;
pub mod key;
pub mod loadable;
pub(crate) mod names;
pub mod order;
pub mod pem;
pub mod pkcs12;
pub mod pkcs7;
pub mod plan;
mod reissue;
pub mod renew;
mod signature;
pub mod summary;
pub(crate) mod times;
pub mod verify;

pub use issue::{Authority, CertificateAuthority, Chain, Client, Issued, issue_chain};
pub use key::PrivateKey;
pub use plan::{Bad, ChainPlan, KeyType, Profile};
pub use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

#[cfg(test)]
mod issue_tests;
#[cfg(test)]
mod plan_tests;
