//! An examination, as JSON (docs/json.md).

use schemars::JsonSchema;
use serde::Serialize;

use super::lint_json;
use crate::lint::{Report, Severity};
use crate::ops::doctor::fix::lines;
use crate::ops::object_change::ObjectChange;
use crate::remedy::Aim;

/// The findings, and what `--fix` did.
#[derive(Serialize, JsonSchema)]
pub struct DoctorJson<'r> {
    /// The same form as `lint`.
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
    /// An examination; findings below `shown_from` are left out, `aim` completes the
    /// command lines.
    pub fn new(report: &'r Report, shown_from: Severity, fixed: &[ObjectChange], aim: &Aim) -> Self {
        Self {
            report: lint_json::json(report, shown_from, aim),
            fixed: lines(fixed),
        }
    }
}

impl FixedJson {
    /// The objects that were stored.
    pub fn new(fixed: &[ObjectChange]) -> Self {
        Self { fixed: lines(fixed) }
    }
}
