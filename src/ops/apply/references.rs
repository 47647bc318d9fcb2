//! `apply -f` of a part of the whole: what its objects refer to may be in the
//! cluster already, and is looked for there before a finding stops anything.

use crate::cluster::client::Client;
use crate::lint::{Finding, Severity, codes};
use crate::ops::lint::cluster::live;
use crate::ops::lint::judging::Judging;
use crate::ops::lint::made::stop_on_errors;
use crate::ops::{Failure, Surroundings};
use crate::problem::Problem;
use crate::sources::Collected;

/// Codes that say that something is not there which an object refers to.
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

/// What the files of -f refer to and do not hold.
pub struct Missing<'f> {
    findings: Vec<Finding>,
    given: Collected<'f>,
}

/// Stops on errors that no cluster can mend; gives those that one may. They are
/// notes where none is asked.
///
/// # Errors
/// Exit 1 when there is an error of the objects themselves.
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
                "note: unless the cluster has it, which --dry-run client does not ask: {}",
                problem.text(&here.aim)
            ));
        }
        return Ok(None);
    }
    let findings = missing;
    Ok(Some(Missing { findings, given }))
}

impl Missing<'_> {
    /// What is missing beside the objects of the cluster, too; what may not be
    /// seen there is not called missing.
    ///
    /// # Errors
    /// When the server cannot be asked.
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
