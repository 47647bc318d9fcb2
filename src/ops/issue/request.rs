//! What the user wants of `gen-certs`.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::certs::csr::CertificateRequest;
use crate::certs::plan::{LeafValidity, San, Subtree};
use crate::certs::{Bad, Profile};
use crate::names::Host;
use crate::workspace::config::Mode;

/// What the user wants.
pub struct Request {
    /// The hosts, each once.
    pub hosts: Vec<Host>,
    /// Types of key, lifetimes, subject.
    pub profile: Profile,
    /// Validity of leaves in place of the profile's.
    pub leaf_validity: LeafValidity,
    /// Further names of the server certificate.
    pub sans: Vec<San>,
    /// What new CAs may sign for.
    pub name_constraints: Vec<Subtree>,
    /// Further clients.
    pub clients: Vec<String>,
    /// Nothing but clients was asked for, so that an existing chain may stay.
    pub only_clients: bool,
    /// How the gateway treats client certificates.
    pub mode: Option<Mode>,
    /// What is to be wrong with the server certificate.
    pub bad: Option<Bad>,
    /// The request to sign in place of making a server key.
    pub csr: Option<CertificateRequest>,
    /// Who signs.
    pub signer: Signer,
    /// Encrypts and decrypts CA keys, and encrypts bundles.
    pub password: Option<Zeroizing<String>>,
    /// A PKCS#12 bundle for each client.
    pub bundles: bool,
    /// Chains that exist are replaced.
    pub force: bool,
    /// Chains that exist are left alone.
    pub skip_existing: bool,
}

/// Who signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// A root and an intermediate per host.
    Own,
    /// An intermediate per host under the root of this folder.
    Root(PathBuf),
    /// The intermediate of this folder.
    Intermediate(PathBuf),
}

impl Request {
    /// What `gen-certs HOST --skip-existing` without another flag wants.
    pub fn defaults(hosts: Vec<Host>) -> Self {
        Self {
            hosts,
            profile: Profile::default(),
            leaf_validity: LeafValidity::default(),
            sans: Vec::new(),
            name_constraints: Vec::new(),
            clients: Vec::new(),
            only_clients: false,
            mode: None,
            bad: None,
            csr: None,
            signer: Signer::Own,
            password: None,
            bundles: false,
            force: false,
            skip_existing: true,
        }
    }
}
