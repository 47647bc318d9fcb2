//! What the user wants of `gen-certs`.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::certs::csr::CertificateRequest;
use crate::certs::plan::{LeafValidity, San, Subtree};
use crate::certs::{Bad, ChainPlan, Profile, pkcs12};
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
    /// How the gateway treats client certificates, where a chain is made.
    pub mode: Option<Mode>,
    /// The same, where the user typed it: an existing chain gets it, too.
    pub typed_mode: Option<Mode>,
    /// What was typed besides that cannot be met on every existing chain.
    pub typed: Vec<Flag>,
    /// What is to be wrong with the server certificate.
    pub bad: Option<Bad>,
    /// The request to sign in place of making a server key.
    pub csr: Option<CertificateRequest>,
    /// Who signs.
    pub signer: Signer,
    /// Encrypts and decrypts CA keys, and encrypts bundles.
    pub password: Option<Zeroizing<String>>,
    /// A PKCS#12 bundle for each client.
    pub bundles: Option<pkcs12::Form>,
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

/// A flag that says how something new is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// `--days`: of leaves and clients.
    Days,
    /// `--not-before`, of the same.
    NotBefore,
    /// `--not-after`, of the same.
    NotAfter,
    /// `--key-type`.
    KeyType,
    /// `--compat`.
    Compat,
    /// `--subject`.
    Subject,
    /// `--csr`.
    Csr,
    /// `--bad`.
    Bad,
    /// `--ca`.
    Ca,
    /// `--root`.
    Root,
    /// `--name-constraints`.
    NameConstraints,
}

impl Flag {
    /// Every flag with its name.
    pub const NAMES: &[(&str, Self)] = &[
        ("days", Self::Days),
        ("not-before", Self::NotBefore),
        ("not-after", Self::NotAfter),
        ("key-type", Self::KeyType),
        ("compat", Self::Compat),
        ("subject", Self::Subject),
        ("csr", Self::Csr),
        ("bad", Self::Bad),
        ("ca", Self::Ca),
        ("root", Self::Root),
        ("name-constraints", Self::NameConstraints),
    ];

    /// As it is typed.
    pub fn typed(self) -> String {
        let name = Self::NAMES.iter().find(|(_, flag)| *flag == self);
        format!("--{}", name.map_or("", |(name, _)| name))
    }

    /// Whether it says how a new client's certificate is made.
    pub(super) fn shapes_clients(self) -> bool {
        !matches!(
            self,
            Self::Csr | Self::Bad | Self::Ca | Self::Root | Self::NameConstraints
        )
    }
}

impl Request {
    /// The password, as certificates take it.
    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_ref().map(|password| password.as_str())
    }

    /// What the certificates of a client of an existing chain are to say.
    pub(super) fn client_plan(&self, host: &Host) -> ChainPlan {
        ChainPlan {
            profile: self.profile.clone(),
            leaf_validity: self.leaf_validity,
            ..ChainPlan::new(host.clone())
        }
    }

    /// What `gen-certs HOST --skip-existing` without another flag wants.
    pub fn defaults(hosts: Vec<Host>) -> Self {
        Self {
            hosts,
            profile: Profile::default(),
            leaf_validity: LeafValidity::default(),
            sans: Vec::new(),
            name_constraints: Vec::new(),
            clients: Vec::new(),
            mode: None,
            typed_mode: None,
            typed: Vec::new(),
            bad: None,
            csr: None,
            signer: Signer::Own,
            password: None,
            bundles: None,
            force: false,
            skip_existing: true,
        }
    }
}
