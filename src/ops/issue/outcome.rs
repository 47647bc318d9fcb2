//! The result.

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
    /// istio-tls.yaml as written.
    pub file: WorkspaceFile,
    /// The shared root that was created.
    pub new_root: Option<RootLayout>,
    /// Hosts that were skipped, since they have a chain.
    pub skipped: usize,
    /// Notes on all of them.
    pub notes: Vec<Remedy>,
    /// Warnings about what the user probably did not intend.
    pub warnings: Vec<Problem>,
    /// Who signed.
    pub signer: Signer,
    /// CA keys are encrypted.
    pub encrypted: bool,
    /// Each client that was issued has a PKCS#12 bundle.
    pub bundles: bool,
}

/// The result for one host.
pub struct Made {
    /// The plan.
    pub job: Job,
    /// The server certificate; if it did not change, the first added client's.
    pub leaf: LeafFacts,
    /// The server's key is in the folder.
    pub has_server_key: bool,
    /// Notes on this chain.
    pub notes: Vec<String>,
}

/// Facts about a certificate; few, since there may be very many.
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
