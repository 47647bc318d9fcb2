//! A failure as JSON: the object `error` of every command.

use serde::Serialize;

use super::remedy_json::RemedyJson;
use crate::problem::Problem;
use crate::remedy::Aim;

/// A problem as programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProblemJson {
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<RemedyJson>,
}

impl ProblemJson {
    /// The problem for a user who stands at `aim`.
    pub fn new(problem: &Problem, aim: &Aim) -> Self {
        let Problem { what, at, why, fix } = problem;
        Self {
            what: what.clone(),
            at: at.clone(),
            why: why.clone(),
            fix: fix.as_ref().map(|fix| fix.words(aim)),
            remedy: fix.as_ref().map(|fix| RemedyJson::new(fix, aim)),
        }
    }
}
