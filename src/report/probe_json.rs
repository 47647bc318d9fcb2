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
    /// The address that was probed.
    target: &'a str,
    /// Whether it passed.
    ok: bool,
    /// What happened, step by step.
    steps: Vec<Step>,
    /// The served certificates, the leaf first.
    chain: &'a [ServedCertificate],
    /// The verdict.
    verdict: VerdictJson<'a>,
    /// The number of attempts (`--wait`).
    attempts: u32,
    /// What was observed.
    facts: &'a Facts,
}

/// A verdict as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct VerdictJson<'a> {
    /// The code.
    code: Code,
    /// Who is at fault; null if the check passed.
    fault: Option<Fault>,
    /// What was found, in words.
    summary: &'a str,
    /// The expected value.
    expected: Option<&'a str>,
    /// The actual value.
    found: Option<&'a str>,
    /// What to do about it, for people.
    fix: Option<String>,
    /// The same as data.
    remedy: Option<RemedyJson>,
}

impl<'a> VerdictJson<'a> {
    /// The verdict; `aim` completes the command lines.
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

/// The report of these outcomes; `aim` completes the command lines.
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

/// The report of a run that was interrupted before all checks ended: it counts as failed.
pub fn unfinished<'a>(outcomes: &'a [Outcome], aim: &Aim) -> Report<'a> {
    Report {
        ok: false,
        ..report(outcomes, aim)
    }
}
