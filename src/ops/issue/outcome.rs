//! What was made.

use super::plan::Job;
use super::request::Signer;
use crate::certs::inspect::CertificateFacts;
use crate::workspace::file::WorkspaceFile;
use crate::workspace::layout::RootLayout;

/// Everything that was made.
pub struct Outcome {
    /// Host by host, in the order of the request.
    pub made: Vec<Made>,
    /// istio-tls.yaml as it was written.
    pub file: WorkspaceFile,
    /// The shared root that was made.
    pub new_root: Option<RootLayout>,
    /// Hosts that were passed over, since they have a chain.
    pub skipped: usize,
    /// What holds for all of them.
    pub notes: Vec<String>,
    /// Who signed.
    pub signer: Signer,
    /// A server key was made.
    pub has_server_key: bool,
    /// CA keys are encrypted.
    pub encrypted: bool,
    /// Each client has a PKCS#12 bundle.
    pub bundles: bool,
}

/// What was made for one host.
pub struct Made {
    /// What was to be made.
    pub job: Job,
    /// The server's certificate, or the first added client's.
    pub leaf: LeafFacts,
    /// What the user should know of this chain.
    pub notes: Vec<String>,
}

/// What is told of a certificate; little, since there may be very many.
#[derive(Debug, Clone)]
pub struct LeafFacts {
    /// Hex with colons.
    pub serial: String,
    /// RFC 3339.
    pub not_before: String,
    /// RFC 3339.
    pub not_after: String,
}

impl From<CertificateFacts> for LeafFacts {
    fn from(facts: CertificateFacts) -> Self {
        Self {
            serial: facts.serial,
            not_before: facts.not_before,
            not_after: facts.not_after,
        }
    }
}
