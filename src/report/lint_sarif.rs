//! What lint found, as SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format).

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::lint::{Finding, Report, Severity, codes};
use crate::problem::Problem;
use crate::remedy::Aim;

/// The schema that the output names.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// A log with one run; findings below `shown_from` are left out, `aim` completes the
/// command lines.
pub fn sarif(report: &Report, shown_from: Severity, version: &str, aim: &Aim) -> Value {
    let indices: HashMap<&str, usize> = codes::all().map(|code| code.id).zip(0..).collect();
    // Identical findings are distinguished by their number.
    let mut seen: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    let results: Vec<Value> = report
        .findings
        .iter()
        .filter(|finding| finding.severity >= shown_from)
        .map(|finding| {
            let digest = digest(finding);
            let number = seen.entry(digest).or_default();
            *number += 1;
            result(finding, &indices, &format!("{}:{number}", hex(&digest)), aim)
        })
        .collect();
    let notifications: Vec<Value> = report
        .skipped
        .iter()
        .map(|skipped| {
            json!({
                "level": "note",
                "message": {"text": format!("{} was not checked: {}", skipped.code, skipped.reason)},
                "associatedRule": {"id": skipped.code},
            })
        })
        .collect();
    log(version, aim, &results, true, &notifications)
}

/// A log without results, for a run that failed.
pub fn failed(problem: &Problem, version: &str, aim: &Aim) -> Value {
    let notification = json!({"level": "error", "message": {"text": problem.text(aim)}});
    log(version, aim, &[], false, &[notification])
}

fn log(version: &str, aim: &Aim, results: &[Value], successful: bool, notifications: &[Value]) -> Value {
    let rules: Vec<Value> = codes::all().map(|code| rule(code, aim)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "istio-tls", "semanticVersion": version, "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": successful,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    })
}

fn rule(code: &codes::Code, aim: &Aim) -> Value {
    let mut rule = json!({
        "id": code.id,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": format!("{}: {}", code.title, code.why)},
        "help": {"text": format!("{}. See {}", (code.fix)().words(aim), code.doc)},
        "helpUri": code.doc,
        "defaultConfiguration": {"level": level(code.severity)},
    });
    if let Some(istio) = code.istio {
        rule["properties"] = json!({"tags": [istio]});
    }
    rule
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn result(finding: &Finding, indices: &HashMap<&str, usize>, fingerprint: &str, aim: &Aim) -> Value {
    let mut text = finding.what.clone();
    for (word, part) in [("why: ", &finding.why), ("try: ", &finding.fix.words(aim))] {
        if !part.is_empty() {
            let _ = write!(text, "\n{word}{part}");
        }
    }
    let mut result = json!({
        "ruleId": finding.code,
        "level": level(finding.severity),
        "message": {"text": text},
        "partialFingerprints": {"istioTlsFinding/v1": fingerprint},
    });
    if let Some(index) = indices.get(finding.code) {
        result["ruleIndex"] = json!(index);
    }
    let mut location = json!({});
    if !finding.file.is_empty() {
        location["physicalLocation"] = json!({"artifactLocation": {"uri": uri(&finding.file)}});
        if finding.line > 0 {
            location["physicalLocation"]["region"] =
                json!({"startLine": finding.line, "startColumn": finding.column.max(1)});
        }
    }
    if !finding.object.is_empty() {
        location["logicalLocations"] = json!([logical(finding)]);
    }
    if location.as_object().is_some_and(|location| !location.is_empty()) {
        result["locations"] = json!([location]);
    }
    result
}

/// The object, with the field in it.
fn logical(finding: &Finding) -> Value {
    let full = if finding.path.is_empty() {
        finding.object.clone()
    } else {
        format!("{} {}", finding.object, finding.path)
    };
    json!({"name": finding.object, "fullyQualifiedName": full, "kind": "resource"})
}

/// The identity of a finding, without the line, which changes as the file is edited.
fn digest(finding: &Finding) -> [u8; 32] {
    let parts = [finding.code, &finding.file, &finding.object, &finding.path];
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, parts.join("\n").as_bytes());
    digest.as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A path as a URI reference (RFC 3986): relative ones stay so.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::{sarif, uri};
    use crate::lint::{Finding, Place, Report, Severity, codes};
    use crate::remedy::Aim;

    fn report(line: u32) -> Report {
        let place = Place {
            object: "Gateway default/edge".into(),
            file: "a.yaml".into(),
            line,
            column: 4,
            path: "spec.x".into(),
        };
        let finding = Finding::new(&codes::INPUT_TYPE, place, format!("as in line {line}"));
        Report {
            findings: vec![finding.clone(), finding],
            ..Report::default()
        }
    }

    #[test]
    fn fingerprints_outlive_moved_lines_and_differ() {
        let of = |line| {
            let log = sarif(&report(line), Severity::Info, "1.0.0", &Aim::default());
            let results = log["runs"][0]["results"].as_array().unwrap().clone();
            let prints: Vec<_> = results
                .iter()
                .map(|result| result["partialFingerprints"]["istioTlsFinding/v1"].clone())
                .collect();
            prints
        };
        assert_eq!(of(3), of(30));
        assert_ne!(of(3)[0], of(3)[1]);
    }

    #[test]
    fn a_result_names_its_rule_and_place() {
        let log = sarif(&report(3), Severity::Info, "1.0.0", &Aim::default());
        let run = &log["runs"][0];
        let result = &run["results"][0];
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "ITL0002");
        let place = &result["locations"][0];
        assert_eq!(place["physicalLocation"]["region"]["startLine"], 3);
        assert_eq!(place["logicalLocations"][0]["name"], "Gateway default/edge");
        assert_eq!(result["level"], "error");
    }

    #[test]
    fn paths_are_uris() {
        for (path, expected) in [
            ("./a b/ä.yaml", "a%20b/%C3%A4.yaml"),
            ("c:d.yaml", "c%3Ad.yaml"),
            ("/a/b%.yaml", "file:///a/b%25.yaml"),
            ("-", "-"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }
}
