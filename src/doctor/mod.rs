//! Examines a running cluster, from the control plane to the certificate that clients get,
//! automating the task page's troubleshooting. Pure: [`facts`] in, findings out; each file is one
//! subject.
//!
//! - [`facts`] is the input; [`read`] and [`envoy`] parse it from JSON. [`kube_gateways`] reads
//!   Gateways of the Gateway API.
//! - `control_plane`, `gateways`, `chains`, `pods`, `service`, `rights`, `linted`, `listeners`,
//!   `mounts`, `proxy`, `served`, `logs` and `dns` are the rules, in the order in which they run.
//! - `addresses` and `advice` belong to `served`: several addresses of a gateway, and remedies
//!   based on the facts.
//! - `causes` prevents a fault from being reported several times; `withheld` prevents keys in logs
//!   from being shown.

mod addresses;
mod advice;
mod causes;
mod chains;
mod control_plane;
mod dns;
pub mod envoy;
pub mod facts;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod gateways;
pub mod kube_gateways;
mod linted;
mod listeners;
mod logs;
mod mounts;
mod pods;
mod proxy;
pub mod read;
mod rights;
mod served;
mod service;
#[cfg(any(test, fuzzing))]
#[allow(clippy::unwrap_used, reason = "a module of tests, of which the fuzzer needs a part")]
#[cfg_attr(fuzzing, allow(dead_code, reason = "the fuzzer needs a part of it"))]
mod testing;
#[cfg(test)]
mod tests;
mod withheld;

pub use dns::not_expected;
pub use linted::is_of_doctor;

use causes::Causes;
use facts::Facts;

use crate::lint::{Findings, Report};

/// Examines several gateways; findings and skips that several of them share are reported once.
pub fn examine_all(gateways: &[Facts]) -> Report {
    let mut all = Report::default();
    for facts in gateways {
        let report = examine(facts);
        for finding in report.findings {
            if !all.findings.contains(&finding) {
                all.findings.push(finding);
            }
        }
        all.skipped.extend(report.skipped);
    }
    all.skipped.sort();
    all.skipped.dedup();
    all
}

/// Runs all rules. Findings are in the order of a connection's path; checks that were impossible,
/// or that another finding explains, are listed as skipped.
pub fn examine(facts: &Facts) -> Report {
    let mut found = Findings::default();
    let mut causes = Causes::default();
    if control_plane::check(facts, &mut causes, &mut found) {
        gateways::check(facts, &mut causes, &mut found);
        chains::check(facts, &mut found);
        pods::check(facts, &mut causes, &mut found);
        service::check(facts, &mut causes, &mut found);
        rights::check(facts, &mut causes, &mut found);
        linted::check(facts, &mut causes, &mut found);
        listeners::check(facts, &mut causes, &mut found);
        mounts::check(facts, &mut causes, &mut found);
        proxy::check(facts, &mut causes, &mut found);
        served::check(facts, &causes, &mut found);
        logs::check(facts, &causes, &mut found);
        dns::check(facts, &mut found);
    }
    let (mut findings, mut skipped) = found.into_parts();
    for finding in &mut findings {
        if let Some(fix) = chains::with_refusal(facts, &finding.fix) {
            finding.fix = fix;
        }
        finding.fix = std::mem::take(&mut finding.fix).at_cluster(&facts.flags);
    }
    skipped.sort();
    skipped.dedup();
    Report { findings, skipped }
}
