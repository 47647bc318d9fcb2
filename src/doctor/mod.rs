//! Examines a running cluster, from the control plane to the certificate that
//! clients get, as the task page's troubleshooting does by hand. Pure:
//! [`facts`] in, findings out; a file here is one subject.
//!
//! - [`facts`] is what is known; [`read`] and [`envoy`] make it of JSON.
//! - `control_plane`, `gateways`, `pods`, `service`, `rights`, `linted`,
//!   `mounts`, `proxy`, `served`, `logs` and `dns` are the rules, in the order
//!   in which they look.
//! - `causes` keeps one fault from being told several times; `withheld` keeps
//!   keys in logs from being told at all.

mod causes;
mod control_plane;
mod dns;
pub mod envoy;
pub mod facts;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod gateways;
mod linted;
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
use crate::shell::aimed;

/// Runs every rule. Findings stand in the order of the way that a connection
/// takes; what could not be looked at, or is explained by another finding, is
/// listed as skipped.
pub fn examine(facts: &Facts) -> Report {
    let mut found = Findings::default();
    let mut causes = Causes::default();
    if control_plane::check(facts, &mut causes, &mut found) {
        gateways::check(facts, &mut causes, &mut found);
        pods::check(facts, &mut causes, &mut found);
        service::check(facts, &mut causes, &mut found);
        rights::check(facts, &mut causes, &mut found);
        linted::check(facts, &mut causes, &mut found);
        mounts::check(facts, &mut causes, &mut found);
        proxy::check(facts, &mut causes, &mut found);
        served::check(facts, &causes, &mut found);
        logs::check(facts, &causes, &mut found);
        dns::check(facts, &mut found);
    }
    let (mut findings, mut skipped) = found.into_parts();
    for finding in &mut findings {
        finding.fix = aimed(&finding.fix, &facts.flags);
    }
    skipped.sort();
    skipped.dedup();
    Report { findings, skipped }
}
