//! What `status` has read and seen: files, Secrets, and what a gateway presents.

use time::OffsetDateTime;

use crate::certs::summary::CertificateSummary;
use crate::names::Host;
use crate::ops::host_secrets::Elsewhere;
use crate::workspace::config::Mode;

/// What a certificate is in its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    Server,
    Client(String),
    Intermediate,
    Root,
    PreviousIntermediate,
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
pub enum Served {
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
pub struct HostState {
    pub host: Host,
    pub mode: Mode,
    /// Role, file, certificate.
    pub files: Vec<(Role, String, CertificateSummary)>,
    /// The ends (nextUpdate) of revocation lists, and their files.
    pub lists: Vec<(String, OffsetDateTime)>,
    /// Parts that are missing or cannot be read: file and reason.
    pub broken: Vec<(String, String)>,
    /// What is wrong with the server's key.
    pub key_fault: Option<KeyFault>,
    /// The server's leaf is of the CA in force, as where a rotation of the CA is
    /// nearly finished.
    pub leaf_in_force: bool,
    /// What clients are verified with, by the files.
    pub bundle: Vec<CertificateSummary>,
    /// Its Secrets; none where no cluster is in play.
    pub secrets: Vec<SecretState>,
    /// Where it was asked for, and what came; none where nothing runs.
    pub served: Option<(String, Served)>,
    /// Clients that were shown to that gateway.
    pub clients: Vec<ShownClient>,
}

/// A client's certificate of the files, and what the gateway did with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownClient {
    /// `the client chain of the CA that went`.
    pub label: &'static str,
    /// By the files it is to be let in.
    pub is_trusted: bool,
    /// It was asked for and let in; none where neither was seen.
    pub outcome: Option<Shown>,
}

/// What the gateway did with a client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    LetIn,
    /// Refused, in words.
    Refused(String),
}

/// Why the server's key cannot be served with the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFault {
    pub file: String,
    pub why: String,
    /// It is not there at all.
    pub is_missing: bool,
}

/// What one Secret of a host holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretState {
    /// `istio-system/httpbin-credential`.
    pub title: String,
    /// None when it is not there.
    pub held: Option<Held>,
    /// The program that keeps it as it wants it, in words.
    pub controller: Option<String>,
    /// Where it is, or is to be, instead, when it is not there.
    pub elsewhere: Option<Elsewhere>,
}

/// The certificates of a Secret, or why they cannot be read; none of a kind that
/// the Secret is not for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub leaf: Option<Result<CertificateSummary, String>>,
    /// What is wrong with the leaf's key.
    pub key: Option<String>,
    pub authorities: Option<Result<Vec<CertificateSummary>, String>>,
}

impl HostState {
    /// The server's leaf in the files.
    pub fn leaf(&self) -> Option<(&str, &CertificateSummary)> {
        let server = self.files.iter().find(|(role, ..)| *role == Role::Server);
        server.map(|(_, file, certificate)| (file.as_str(), certificate))
    }
}
