//! What `serve` reports about its sources, at the start and after each change.

use time::OffsetDateTime;

use super::judging::Judging;
use crate::gateway::follow::remark::Remark;
use crate::gateway::follow::source::Check;
use crate::lint::{Finding, Severity};
use crate::problem::Problem;

/// A judge for the gateway: errors and warnings, with the time from `clock` at each
/// reading.
pub fn serve_check(certs_given: bool, clock: fn() -> OffsetDateTime) -> Check {
    Box::new(move |collected| {
        let report = Judging::default().of_sources(collected, certs_given, clock());
        let findings = report.findings.into_iter();
        findings
            .filter(|finding| finding.severity >= Severity::Warning)
            .map(remark)
            .collect()
    })
}

fn remark(finding: Finding) -> Remark {
    let place = if finding.line == 0 && !finding.file.is_empty() {
        format!("{}, generated from {}", finding.path, finding.file)
    } else {
        finding.at()
    };
    Remark {
        place,
        stops_strict: finding.severity == Severity::Error,
        problem: Problem::from(finding),
    }
}
