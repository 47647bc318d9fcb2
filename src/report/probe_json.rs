//! Probe results as JSON, schema 1.

use serde::Serialize;

use crate::probe::facts::Facts;
use crate::probe::run::Outcome;
use crate::probe::served::ServedCertificate;
use crate::probe::steps::{Step, steps};
use crate::probe::verdict::Verdict;

/// The whole report.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    schema: u32,
    ok: bool,
    results: Vec<Row<'a>>,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    host: &'a str,
    check: &'a str,
    target: &'a str,
    ok: bool,
    steps: Vec<Step>,
    chain: &'a [ServedCertificate],
    verdict: &'a Verdict,
    attempts: u32,
    facts: &'a Facts,
}

/// The report of these outcomes.
pub fn report(outcomes: &[Outcome]) -> Report<'_> {
    Report {
        schema: 1,
        ok: outcomes.iter().all(|outcome| outcome.verdict.is_ok()),
        results: outcomes
            .iter()
            .map(|outcome| Row {
                host: &outcome.host,
                check: &outcome.check,
                target: &outcome.target,
                ok: outcome.verdict.is_ok(),
                steps: steps(outcome),
                chain: &outcome.chain,
                verdict: &outcome.verdict,
                attempts: outcome.attempts,
                facts: &outcome.facts,
            })
            .collect(),
    }
}
