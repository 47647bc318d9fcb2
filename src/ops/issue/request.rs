//! The request of `gen-certs`.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::certs::csr::CertificateRequest;
use crate::certs::plan::{LeafValidity, San, Subtree};
use crate::certs::{Bad, ChainPlan, Profile, pkcs12};
use crate::names::Host;
use crate::workspace::config::Mode;

/// The request.
pub struct Request {
    /// The hosts, each once.
    pub hosts: Vec<Host>,
    /// Key types, validity periods, subject.
    pub profile: Profile,
    /// Validity of leaves; overrides the profile's.
    pub leaf_validity: LeafValidity,
    /// Additional names of the server certificate.
    pub sans: Vec<San>,
    /// Name constraints of new CAs.
    pub name_constraints: Vec<Subtree>,
    /// Additional clients.
    pub clients: Vec<String>,
    /// The mode of new chains.
    pub mode: Option<Mode>,
    /// The mode, if typed by the user: it is set for an existing chain, too.
    pub typed_mode: Option<Mode>,
    /// Other typed flags that are not applicable to every existing chain.
    pub typed: Vec<Flag>,
    /// The intentional defect of the server certificate.
    pub bad: Option<Bad>,
    /// The request to sign instead of creating a server key.
    pub csr: Option<CertificateRequest>,
    /// Who signs.
    pub signer: Signer,
    /// Encrypts and decrypts CA keys, and encrypts bundles.
    pub password: Option<Zeroizing<String>>,
    /// Create a PKCS#12 bundle for each client.
    pub bundles: Option<pkcs12::Form>,
    /// Replace existing chains.
    pub force: bool,
    /// Skip existing chains.
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

/// A flag about something new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// `--days`: of server and client certificates.
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
    /// Every flag with its spelling.
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

    /// The flag as typed.
    pub fn typed(self) -> String {
        let name = Self::NAMES.iter().find(|(_, flag)| *flag == self);
        format!("--{}", name.map_or("", |(name, _)| name))
    }

    /// Whether it affects a new client's certificate.
    pub(super) fn shapes_clients(self) -> bool {
        !matches!(
            self,
            Self::Csr | Self::Bad | Self::Ca | Self::Root | Self::NameConstraints
        )
    }
}

impl Request {
    /// The password, in the form that certificates need.
    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_ref().map(|password| password.as_str())
    }

    /// The profile for client certificates of an existing chain.
    pub(super) fn client_plan(&self, host: &Host) -> ChainPlan {
        ChainPlan {
            profile: self.profile.clone(),
            leaf_validity: self.leaf_validity,
            ..ChainPlan::new(host.clone())
        }
    }

    /// The equivalent of `gen-certs HOST --skip-existing` without other flags.
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
