//! What lint found, as JSON (docs/json.md).

use serde::Serialize;

use crate::lint::{Finding, Report, Severity, Skipped};

/// The whole report.
#[derive(Serialize)]
pub struct Json<'r> {
    schema: u32,
    findings: Vec<One<'r>>,
    skipped: &'r [Skipped],
}

#[derive(Serialize)]
struct One<'r> {
    code: &'r str,
    istio: Option<&'r str>,
    severity: Severity,
    object: &'r str,
    file: &'r str,
    /// Null where the object stands in no file.
    line: Option<u32>,
    column: Option<u32>,
    path: &'r str,
    what: &'r str,
    why: &'r str,
    fix: &'r str,
    doc: &'r str,
}

/// The report as a value to serialize; findings below `shown_from` are left out.
pub fn json(report: &Report, shown_from: Severity) -> Json<'_> {
    let shown = |finding: &&Finding| finding.severity >= shown_from;
    Json {
        schema: 1,
        findings: report.findings.iter().filter(shown).map(One::new).collect(),
        skipped: &report.skipped,
    }
}

impl<'r> One<'r> {
    fn new(finding: &'r Finding) -> Self {
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
            fix: &finding.fix,
            doc: finding.doc,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::lint::{Finding, Place, Report, Severity, Skipped, codes};

    #[test]
    fn fields_are_as_documented() {
        let place = Place::file("a.pem", 0);
        let report = Report {
            findings: vec![
                Finding::new(&codes::INPUT_TYPE, place.clone(), "x").why("y").fix("z"),
                Finding::new(&codes::IGNORES_NOTHING, place, "hidden"),
            ],
            skipped: vec![Skipped {
                code: "ITL0501",
                reason: "no Service".into(),
            }],
        };
        let expected = json!({
            "schema": 1,
            "findings": [{
                "code": "ITL0002", "istio": "IST0106", "severity": "error", "object": "", "file": "a.pem",
                "line": null, "column": null, "path": "", "what": "x", "why": "y", "fix": "z",
                "doc": codes::INPUT_TYPE.doc,
            }],
            "skipped": [{"code": "ITL0501", "reason": "no Service"}],
        });
        let found = serde_json::to_value(super::json(&report, Severity::Warning)).unwrap();
        assert_eq!(found, expected);
    }
}
