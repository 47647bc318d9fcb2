//! `apply -f` of part of a configuration: what its objects refer to may be in the cluster
//! already, so look there before a finding stops the run.

use crate::cluster::client::Client;
use crate::lint::{Finding, Severity, codes};
use crate::ops::lint::cluster::live;
use crate::ops::lint::judging::Judging;
use crate::ops::lint::made::stop_on_errors;
use crate::ops::{Failure, Surroundings};
use crate::problem::Problem;
use crate::sources::Collected;

/// Codes for a reference to something missing.
const REFERENCES: &[&codes::Code] = &[
    &codes::SELECTOR_NO_PODS,
    &codes::CREDENTIAL_MISSING,
    &codes::CREDENTIAL_IN_OTHER_NAMESPACE,
    &codes::CREDENTIAL_FILE_NOT_MOUNTED,
    &codes::CLIENT_CA_MISSING,
    &codes::VS_GATEWAY_NOT_FOUND,
    &codes::DESTINATION_NOT_FOUND,
    &codes::DESTINATION_SUBSET_NOT_FOUND,
    &codes::CLAIM_WITHOUT_AUTHENTICATION,
    &codes::DELEGATE_NOT_FOUND,
    &codes::ROUTE_NO_GATEWAY,
    &codes::ROUTE_BACKEND,
];

fn is_reference(finding: &Finding) -> bool {
    finding.severity == Severity::Error && REFERENCES.iter().any(|code| code.id == finding.code)
}

/// What the files of -f refer to but do not contain.
pub struct Missing<'f> {
    findings: Vec<Finding>,
    given: Collected<'f>,
}

/// Stops on errors that no cluster can resolve; returns those that one may. They are
/// notes if no cluster is contacted.
///
/// # Errors
/// Exit 1 if the objects themselves have an error.
pub(super) fn stop_on_others<'f>(
    findings: Vec<Finding>,
    given: Collected<'f>,
    is_asked: bool,
    here: &Surroundings,
) -> Result<Option<Missing<'f>>, Failure> {
    let is_other = |finding: &Finding| finding.severity == Severity::Error && !is_reference(finding);
    if findings.iter().any(is_other) {
        stop_on_errors(findings, here)?;
        return Ok(None);
    }
    let (missing, warnings): (Vec<Finding>, Vec<Finding>) = findings.into_iter().partition(is_reference);
    stop_on_errors(warnings, here)?;
    if missing.is_empty() {
        return Ok(None);
    }
    if !is_asked {
        for finding in missing {
            let problem = Problem::from(finding);
            here.say_always(&format!(
                "note: unless the cluster has it, which --dry-run client does not check: {}",
                problem.text(&here.aim)
            ));
        }
        return Ok(None);
    }
    let findings = missing;
    Ok(Some(Missing { findings, given }))
}

impl Missing<'_> {
    /// What is missing from the cluster's objects as well; what may not be read there
    /// does not count as missing.
    ///
    /// # Errors
    /// If the server cannot be reached.
    pub(super) async fn beside(mut self, client: &Client<'_>, here: &Surroundings) -> Result<Vec<Finding>, Failure> {
        let (live, _) = live(client, self.given.config.as_ref(), here).await?;
        self.given.put_beside(&live);
        let report = Judging::default().of_sources(&self.given, false, here.now);
        self.findings.retain(|finding| {
            let is_same = |left: &Finding| {
                left.code == finding.code && left.object == finding.object && left.path == finding.path
            };
            report.findings.iter().any(is_same)
        });
        Ok(self.findings)
    }
}
