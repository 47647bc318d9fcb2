//! A finding as JSON: one shape for lint, doctor and status (docs/json.md).

use serde::Serialize;

use super::remedy_json::RemedyJson;
use crate::lint::{Finding, Severity};
use crate::remedy::Aim;

/// A finding as programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingJson<'f> {
    code: &'f str,
    istio: Option<&'f str>,
    severity: Severity,
    object: &'f str,
    file: &'f str,
    /// Null where the object stands in no file.
    line: Option<u32>,
    column: Option<u32>,
    path: &'f str,
    what: &'f str,
    why: &'f str,
    fix: String,
    remedy: RemedyJson,
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
