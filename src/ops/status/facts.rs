//! The facts that `status` collected: files, Secrets, and what a gateway presents.

use time::OffsetDateTime;

use crate::certs::summary::CertificateSummary;
use crate::names::Host;
use crate::ops::host_secrets::Elsewhere;
use crate::workspace::config::Mode;

/// The role of a certificate in its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The leaf that the gateway serves.
    Server,
    /// The leaf of the client of this name.
    Client(String),
    /// The intermediate CA.
    Intermediate,
    /// The root CA.
    Root,
    /// The previous intermediate, while the CA is being replaced.
    PreviousIntermediate,
    /// The previous root.
    PreviousRoot,
    /// A CA in a Secret that is not in the files.
    Authority,
}

impl Role {
    /// `client alice`.
    pub fn words(&self) -> String {
        match self {
            Self::Server => "server".into(),
            Self::Client(name) => format!("client {name}"),
            Self::Intermediate => "intermediate".into(),
            Self::Root => "root".into(),
            Self::PreviousIntermediate => "previous intermediate".into(),
            Self::PreviousRoot => "previous root".into(),
            Self::Authority => "CA".into(),
        }
    }
}

/// What the gateway presented for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Served {
    /// This leaf.
    Leaf(CertificateSummary),
    /// None: the probe's code and summary, and which `--target` reaches the same gateway,
    /// if it is not this workspace's.
    Nothing {
        code: &'static str,
        summary: String,
        again: Option<String>,
    },
}

/// All that is known of a host.
#[derive(Debug, Clone)]
pub(super) struct HostState {
    pub(super) host: Host,
    pub(super) mode: Mode,
    /// Role, file, certificate.
    pub(super) files: Vec<(Role, String, CertificateSummary)>,
    /// The nextUpdate times of CRLs, and their files.
    pub(super) lists: Vec<(String, OffsetDateTime)>,
    /// Parts that are missing or cannot be read.
    pub(super) broken: Vec<Broken>,
    /// What is wrong with the server's key.
    pub(super) key_fault: Option<KeyFault>,
    /// The server's leaf is from the current CA, as when a replacement of the CA is
    /// nearly finished.
    pub(super) leaf_in_force: bool,
    /// What clients are verified with, according to the files.
    pub(super) bundle: Vec<CertificateSummary>,
    /// Its Secrets; none if no cluster is used.
    pub(super) secrets: Vec<SecretState>,
    /// Where it was requested, and the result; none if nothing is running.
    pub(super) served: Option<(String, Served)>,
    /// Clients that were presented to that gateway.
    pub(super) clients: Vec<ShownClient>,
}

/// A part that is missing or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    /// Its file.
    pub(super) file: String,
    /// Why.
    pub(super) why: String,
    /// Its purpose.
    pub(super) part: BrokenPart,
}

/// The purpose of a broken part, as far as it determines the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BrokenPart {
    /// The certificate of the client of this name.
    Client(String),
    /// A CRL.
    List,
    /// The server's certificate, or that of a CA.
    Chain,
}

/// A client's certificate in the files, and what the gateway did with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShownClient {
    /// `the client chain of the removed CA`.
    pub(super) label: &'static str,
    /// According to the files it must be accepted.
    pub(super) is_trusted: bool,
    /// Whether it was required and accepted; none if neither was observed.
    pub(super) outcome: Option<Shown>,
}

/// What the gateway did with a client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    LetIn,
    /// Refused, in words.
    Refused(String),
}

/// Why the server's key cannot be used with the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyFault {
    pub(super) file: String,
    pub(super) why: String,
    /// It does not exist.
    pub(super) is_missing: bool,
}

/// The content of one Secret of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SecretState {
    /// `istio-system/httpbin-credential`.
    pub(super) title: String,
    /// None if it does not exist.
    pub(super) held: Option<Held>,
    /// The program that manages it, in words.
    pub(super) controller: Option<String>,
    /// Where it is, or will be, instead, if it does not exist.
    pub(super) elsewhere: Option<Elsewhere>,
}

/// The certificates in a Secret, or why they cannot be read; none if the Secret is not
/// for that kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) leaf: Option<Result<CertificateSummary, String>>,
    /// What is wrong with the leaf's key.
    pub(super) key: Option<String>,
    pub(super) authorities: Option<Result<Vec<CertificateSummary>, String>>,
}

impl HostState {
    /// The server's leaf in the files.
    pub(super) fn leaf(&self) -> Option<(&str, &CertificateSummary)> {
        let server = self.files.iter().find(|(role, ..)| *role == Role::Server);
        server.map(|(_, file, certificate)| (file.as_str(), certificate))
    }
}
