//! What `status` found.

use super::rows::Row;
use crate::lint::{Finding, Severity, Skipped, codes};
use crate::ops::Failure;

/// What `status` found.
#[derive(Debug)]
pub struct Outcome {
    /// The context of the cluster that was asked.
    pub context: Option<String>,
    /// Every certificate, host by host.
    pub rows: Vec<Row>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What could not be looked at.
    pub skipped: Vec<Skipped>,
    /// The same, since no gateway is known that could be asked.
    pub unserved: Vec<Skipped>,
    /// Why the cluster could not be asked; the rest is known all the same.
    pub failure: Option<Failure>,
}

impl Outcome {
    /// Whether something was found that is to be seen to.
    pub fn has_findings(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity >= Severity::Warning)
    }
}

/// That nothing is known of what a gateway serves, and why.
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
