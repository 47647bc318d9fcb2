//! The result of `status`.

use super::rows::Row;
use crate::lint::{Finding, Severity, Skipped, codes};
use crate::ops::Failure;

/// The result of `status`.
#[derive(Debug)]
pub struct Outcome {
    /// The context of the cluster.
    pub context: Option<String>,
    /// Every certificate, host by host.
    pub rows: Vec<Row>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What could not be checked.
    pub skipped: Vec<Skipped>,
    /// The same, because no gateway to probe is known.
    pub unserved: Vec<Skipped>,
    /// Why the cluster could not be reached; the rest is known nevertheless.
    pub failure: Option<Failure>,
}

impl Outcome {
    /// Whether there is anything to fix.
    pub fn has_findings(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity >= Severity::Warning)
    }
}

/// What a gateway serves is unknown, and why.
pub(super) fn not_served(reason: &str) -> [Skipped; 4] {
    [
        &codes::STATUS_DRIFT,
        &codes::STATUS_NOT_SERVED,
        &codes::STATUS_CA_STAYS,
        &codes::STATUS_CLIENT_REFUSED,
    ]
    .map(|code| Skipped {
        code: code.id,
        reason: reason.to_owned(),
    })
}
