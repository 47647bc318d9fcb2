//! Probe results as JSON, schema 1.

use serde::Serialize;

use super::remedy_json::RemedyJson;
use crate::probe::codes::{Code, Fault};
use crate::probe::facts::Facts;
use crate::probe::run::Outcome;
use crate::probe::served::ServedCertificate;
use crate::probe::steps::{Step, steps};
use crate::probe::verdict::Verdict;
use crate::remedy::Aim;

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
    verdict: VerdictJson<'a>,
    attempts: u32,
    facts: &'a Facts,
}

/// A verdict as programs read it.
#[derive(Debug, Serialize)]
pub(super) struct VerdictJson<'a> {
    code: Code,
    fault: Option<Fault>,
    summary: &'a str,
    expected: Option<&'a str>,
    found: Option<&'a str>,
    fix: Option<String>,
    remedy: Option<RemedyJson>,
}

impl<'a> VerdictJson<'a> {
    /// The verdict for a user who stands at `aim`.
    pub(super) fn new(verdict: &'a Verdict, aim: &Aim) -> Self {
        Self {
            code: verdict.code,
            fault: verdict.fault,
            summary: &verdict.summary,
            expected: verdict.expected.as_deref(),
            found: verdict.found.as_deref(),
            fix: verdict.fix.as_ref().map(|fix| fix.words(aim)),
            remedy: verdict.fix.as_ref().map(|fix| RemedyJson::new(fix, aim)),
        }
    }
}

/// The report of these outcomes, for a user who stands at `aim`.
pub fn report<'a>(outcomes: &'a [Outcome], aim: &Aim) -> Report<'a> {
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
                verdict: VerdictJson::new(&outcome.verdict, aim),
                attempts: outcome.attempts,
                facts: &outcome.facts,
            })
            .collect(),
    }
}

/// The report of checks of a run that ended before all had: it is not well.
pub fn unfinished<'a>(outcomes: &'a [Outcome], aim: &Aim) -> Report<'a> {
    Report {
        ok: false,
        ..report(outcomes, aim)
    }
}
