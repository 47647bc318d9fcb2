//! What was done.

use super::job::Job;
use super::request::Signer;
use crate::certs::inspect::CertificateFacts;
use crate::problem::Problem;
use crate::remedy::Remedy;
use crate::workspace::file::WorkspaceFile;
use crate::workspace::layout::RootLayout;

/// Everything that was done.
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
    pub notes: Vec<Remedy>,
    /// What the user has hardly meant.
    pub warnings: Vec<Problem>,
    /// Who signed.
    pub signer: Signer,
    /// CA keys are encrypted.
    pub encrypted: bool,
    /// Each client that was issued has a PKCS#12 bundle.
    pub bundles: bool,
}

/// What was done for one host.
pub struct Made {
    /// What was to be done.
    pub job: Job,
    /// The server's certificate; where that stays, the first added client's.
    pub leaf: LeafFacts,
    /// The server's key is in the folder.
    pub has_server_key: bool,
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
