//! Probe results as JSON, schema 1.

use schemars::JsonSchema;
use serde::Serialize;

use super::remedy_json::RemedyJson;
use super::schema_number::SchemaNumber;
use crate::probe::codes::{Code, Fault};
use crate::probe::facts::Facts;
use crate::probe::run::Outcome;
use crate::probe::served::ServedCertificate;
use crate::probe::steps::{Step, steps};
use crate::probe::verdict::Verdict;
use crate::remedy::Aim;

/// The whole report.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report<'a> {
    /// The number of this format.
    schema: SchemaNumber,
    /// Whether every check passed.
    ok: bool,
    /// The checks, in order.
    results: Vec<Row<'a>>,
}

/// One check.
#[derive(Debug, Serialize, JsonSchema)]
struct Row<'a> {
    /// The host: a DNS name, a wildcard or an IP address.
    host: &'a str,
    /// What was expected, in words.
    check: &'a str,
    /// The address that was asked.
    target: &'a str,
    /// Whether it passed.
    ok: bool,
    /// What happened, step by step.
    steps: Vec<Step>,
    /// The served certificates, the leaf first.
    chain: &'a [ServedCertificate],
    /// The judgement.
    verdict: VerdictJson<'a>,
    /// How often it was tried (`--wait`).
    attempts: u32,
    /// What was seen.
    facts: &'a Facts,
}

/// A verdict as programs read it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct VerdictJson<'a> {
    /// The code.
    code: Code,
    /// Whose fault it is; null when all is well.
    fault: Option<Fault>,
    /// What was found, in words.
    summary: &'a str,
    /// The value that was wanted.
    expected: Option<&'a str>,
    /// The value that was found instead.
    found: Option<&'a str>,
    /// What to do about it, for people.
    fix: Option<String>,
    /// The same for programs.
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
        schema: SchemaNumber,
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
