//! What lint found, as JSON (docs/json.md).

use schemars::JsonSchema;
use serde::Serialize;

use super::finding_json::FindingJson;
use super::schema_number::SchemaNumber;
use crate::lint::{Finding, Report, Severity, Skipped};
use crate::remedy::Aim;

/// The whole report.
#[derive(Serialize, JsonSchema)]
pub struct Json<'r> {
    /// The number of this format.
    schema: SchemaNumber,
    /// The findings, sorted.
    findings: Vec<FindingJson<'r>>,
    /// What was not checked.
    skipped: &'r [Skipped],
}

/// The report as a value to serialize; findings below `shown_from` are left out, `aim`
/// completes the command lines.
pub fn json<'r>(report: &'r Report, shown_from: Severity, aim: &Aim) -> Json<'r> {
    let shown = |finding: &&'r Finding| finding.severity >= shown_from;
    Json {
        schema: SchemaNumber,
        findings: (report.findings.iter().filter(shown))
            .map(|finding| FindingJson::new(finding, aim))
            .collect(),
        skipped: &report.skipped,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::lint::{Finding, Place, Report, Severity, Skipped, codes};
    use crate::remedy::Aim;

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
                "remedy": {"commands": [], "edits": []},
                "doc": codes::INPUT_TYPE.doc,
            }],
            "skipped": [{"code": "ITL0501", "reason": "no Service"}],
        });
        let found = serde_json::to_value(super::json(&report, Severity::Warning, &Aim::default())).unwrap();
        assert_eq!(found, expected);
    }
}
