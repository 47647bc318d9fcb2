//! A failure as JSON: the object `error` of every command.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::remedy_json::RemedyJson;
use super::schema_number::SchemaNumber;
use crate::problem::Problem;
use crate::remedy::Aim;

/// The output of every command that fails without a result.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FailedJson<'r> {
    /// What it had done until then: the fields that it prints on success.
    #[serde(flatten)]
    #[schemars(skip)]
    result: Map<String, Value>,
    /// The number of this format.
    schema: SchemaNumber,
    /// Why it failed.
    error: &'r ProblemJson,
}

/// A problem as programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProblemJson {
    /// What failed.
    what: String,
    /// The file, object or host.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// What to do about it, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
    /// The same as data.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<RemedyJson>,
}

impl<'r> FailedJson<'r> {
    /// The failure `error` of a command that had reached `result`.
    pub fn new(error: &'r ProblemJson, mut result: Map<String, Value>) -> Self {
        result.remove("schema");
        Self {
            result,
            schema: SchemaNumber,
            error,
        }
    }
}

impl ProblemJson {
    /// The problem; `aim` completes the command lines.
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
