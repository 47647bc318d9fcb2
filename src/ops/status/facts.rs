//! What `status` has read and seen: files, Secrets, and what a gateway presents.

use time::OffsetDateTime;

use crate::certs::summary::CertificateSummary;
use crate::names::Host;
use crate::ops::host_secrets::Elsewhere;
use crate::workspace::config::Mode;

/// What a certificate is in its chain.
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
    /// The intermediate that goes when the rotation of the CA ends.
    PreviousIntermediate,
    /// The root that goes with it.
    PreviousRoot,
    /// A CA in a Secret that is none of the files'.
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
    /// None: the probe's code and words, and which `--target` asks the same gateway
    /// again, where that is none of this workspace's.
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
    /// The ends (nextUpdate) of revocation lists, and their files.
    pub(super) lists: Vec<(String, OffsetDateTime)>,
    /// Parts that are missing or cannot be read.
    pub(super) broken: Vec<Broken>,
    /// What is wrong with the server's key.
    pub(super) key_fault: Option<KeyFault>,
    /// The server's leaf is of the CA in force, as where a rotation of the CA is
    /// nearly finished.
    pub(super) leaf_in_force: bool,
    /// What clients are verified with, by the files.
    pub(super) bundle: Vec<CertificateSummary>,
    /// Its Secrets; none where no cluster is in play.
    pub(super) secrets: Vec<SecretState>,
    /// Where it was asked for, and what came; none where nothing runs.
    pub(super) served: Option<(String, Served)>,
    /// Clients that were shown to that gateway.
    pub(super) clients: Vec<ShownClient>,
}

/// A part that is missing or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    /// Its file.
    pub(super) file: String,
    /// Why.
    pub(super) why: String,
    /// What it is for.
    pub(super) part: BrokenPart,
}

/// What a broken part is for, as far as that decides what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BrokenPart {
    /// The certificate of the client of this name.
    Client(String),
    /// A revocation list.
    List,
    /// The server's certificate, or one of the CAs'.
    Chain,
}

/// A client's certificate of the files, and what the gateway did with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShownClient {
    /// `the client chain of the CA that went`.
    pub(super) label: &'static str,
    /// By the files it is to be let in.
    pub(super) is_trusted: bool,
    /// It was asked for and let in; none where neither was seen.
    pub(super) outcome: Option<Shown>,
}

/// What the gateway did with a client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    LetIn,
    /// Refused, in words.
    Refused(String),
}

/// Why the server's key cannot be served with the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyFault {
    pub(super) file: String,
    pub(super) why: String,
    /// It is not there at all.
    pub(super) is_missing: bool,
}

/// What one Secret of a host holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SecretState {
    /// `istio-system/httpbin-credential`.
    pub(super) title: String,
    /// None when it is not there.
    pub(super) held: Option<Held>,
    /// The program that keeps it as it wants it, in words.
    pub(super) controller: Option<String>,
    /// Where it is, or is to be, instead, when it is not there.
    pub(super) elsewhere: Option<Elsewhere>,
}

/// The certificates of a Secret, or why they cannot be read; none of a kind that
/// the Secret is not for.
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
