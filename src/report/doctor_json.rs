//! An examination, for programs (docs/json.md).

use schemars::JsonSchema;
use serde::Serialize;

use super::lint_json;
use crate::lint::{Report, Severity};
use crate::ops::doctor::fix::lines;
use crate::ops::object_change::ObjectChange;
use crate::remedy::Aim;

/// What was found, and beside it what `--fix` did.
#[derive(Serialize, JsonSchema)]
pub struct DoctorJson<'r> {
    /// As `lint`.
    #[serde(flatten)]
    report: lint_json::Json<'r>,
    /// What `--fix` did.
    fixed: Vec<String>,
}

/// What `--fix` did before it failed.
#[derive(Serialize, JsonSchema)]
pub struct FixedJson {
    /// What `--fix` did before it failed.
    fixed: Vec<String>,
}

impl<'r> DoctorJson<'r> {
    /// An examination for a user who stands at `aim`; findings below `shown_from` are
    /// left out.
    pub fn new(report: &'r Report, shown_from: Severity, fixed: &[ObjectChange], aim: &Aim) -> Self {
        Self {
            report: lint_json::json(report, shown_from, aim),
            fixed: lines(fixed),
        }
    }
}

impl FixedJson {
    /// What is stored.
    pub fn new(fixed: &[ObjectChange]) -> Self {
        Self { fixed: lines(fixed) }
    }
}
