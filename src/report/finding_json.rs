//! A finding as JSON: one shape for lint, doctor and status (docs/json.md).

use schemars::JsonSchema;
use serde::Serialize;

use super::remedy_json::RemedyJson;
use crate::lint::{Finding, Severity};
use crate::remedy::Aim;

/// A finding as programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FindingJson<'f> {
    /// The code, as `ITL0301`; docs/lint-rules.md lists them.
    code: &'f str,
    /// Istio's own code of the same finding.
    istio: Option<&'f str>,
    /// How much it matters.
    severity: Severity,
    /// The object, as `Gateway default/edge`; empty where none is meant.
    object: &'f str,
    /// The file as the user named it; empty for an object of a cluster.
    file: &'f str,
    /// Null where the object stands in no file.
    line: Option<u32>,
    /// Null as `line` is.
    column: Option<u32>,
    /// The field, as `spec.servers[0].tls.credentialName`; empty for the whole object.
    path: &'f str,
    /// What is wrong.
    what: &'f str,
    /// Why that matters.
    why: &'f str,
    /// What to do about it, for people.
    fix: String,
    /// The same for programs.
    remedy: RemedyJson,
    /// The reference that says so.
    doc: &'f str,
}

impl<'f> FindingJson<'f> {
    /// The finding for a user who stands at `aim`.
    pub fn new(finding: &'f Finding, aim: &Aim) -> Self {
        let known = finding.line > 0;
        Self {
            code: finding.code,
            istio: finding.istio,
            severity: finding.severity,
            object: &finding.object,
            file: &finding.file,
            line: known.then_some(finding.line),
            column: known.then_some(finding.column),
            path: &finding.path,
            what: &finding.what,
            why: &finding.why,
            fix: finding.fix.words(aim),
            remedy: RemedyJson::new(&finding.fix, aim),
            doc: finding.doc,
        }
    }
}
