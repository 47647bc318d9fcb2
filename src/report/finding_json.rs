//! A finding as JSON: one shape for lint, doctor and status (docs/json.md).

use schemars::JsonSchema;
use serde::Serialize;

use super::remedy_json::RemedyJson;
use crate::lint::{Finding, Severity};
use crate::remedy::Aim;

/// A finding as programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FindingJson<'f> {
    /// The code, such as `ITL0301`; docs/lint-rules.md lists them.
    code: &'f str,
    /// Istio's own code for the same finding.
    istio: Option<&'f str>,
    /// The severity.
    severity: Severity,
    /// The object, such as `Gateway default/edge`; empty if the finding is not about one.
    object: &'f str,
    /// The file as the user named it; empty for an object of a cluster.
    file: &'f str,
    /// Null if the object is not in a file.
    line: Option<u32>,
    /// Null if `line` is.
    column: Option<u32>,
    /// The field, such as `spec.servers[0].tls.credentialName`; empty for the whole
    /// object.
    path: &'f str,
    /// What is wrong.
    what: &'f str,
    /// Why it matters.
    why: &'f str,
    /// What to do about it, for people.
    fix: String,
    /// The same as data.
    remedy: RemedyJson,
    /// The documentation that states the rule.
    doc: &'f str,
}

impl<'f> FindingJson<'f> {
    /// The finding; `aim` completes the command lines.
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
