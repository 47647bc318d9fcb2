//! What lint found, as GitHub's workflow commands, which annotate a pull request:
//! `::error file=a.yaml,line=1,col=2,title=ITL0001::text`.

use std::fmt::Write as _;

use crate::lint::{Finding, Report, Severity};
use crate::printable::printable;
use crate::remedy::Aim;

/// A line per finding of at least the severity `shown_from`; `aim` completes the command
/// lines.
pub fn github(report: &Report, shown_from: Severity, aim: &Aim) -> String {
    let mut text = String::new();
    for finding in report.findings.iter().filter(|finding| finding.severity >= shown_from) {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        let properties: Vec<String> = properties(finding)
            .into_iter()
            .map(|(name, value)| format!("{name}={}", property(&value)))
            .collect();
        let _ = writeln!(
            text,
            "::{command} {}::{}",
            properties.join(","),
            data(&message(finding, aim))
        );
    }
    text
}

fn properties(finding: &Finding) -> Vec<(&'static str, String)> {
    let mut properties = Vec::new();
    // Standard input is not a file of the repository.
    if !finding.file.is_empty() && finding.file != "-" {
        properties.push(("file", finding.file.clone()));
        if finding.line > 0 {
            properties.push(("line", finding.line.to_string()));
            properties.push(("col", finding.column.to_string()));
        }
    }
    let title = match finding.istio {
        Some(istio) => format!("{} ({istio})", finding.code),
        None => finding.code.to_owned(),
    };
    properties.push(("title", title));
    properties
}

fn message(finding: &Finding, aim: &Aim) -> String {
    let mut text = finding.what.clone();
    let object = [&finding.object, &finding.path]
        .into_iter()
        .filter(|part| !part.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join("  ");
    for (word, part) in [
        ("at:  ", &object),
        ("why: ", &finding.why),
        ("try: ", &finding.fix.words(aim)),
    ] {
        if !part.is_empty() {
            let _ = write!(text, "\n{word}{part}");
        }
    }
    text
}

/// A message: line breaks would end the command.
fn data(text: &str) -> String {
    let lines = text.split('\r');
    let lines = lines.map(|line| printable(line).replace('%', "%25").replace('\n', "%0A"));
    lines.collect::<Vec<String>>().join("%0D")
}

/// A property: `:` and `,` would end it, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::github;
    use crate::lint::{Finding, Place, Report, Severity, codes};
    use crate::remedy::Aim;

    #[test]
    fn commands_are_escaped() {
        let place = Place {
            object: "Gateway default/edge".into(),
            file: "a:b,c%.yaml".into(),
            line: 3,
            column: 4,
            path: "spec.x".into(),
        };
        let report = Report {
            findings: vec![
                Finding::new(&codes::INPUT_TYPE, place, "100%\r\nsure")
                    .why("y: z, a")
                    .fix(""),
                Finding::new(&codes::UNKNOWN_FIELD, Place::file("-", 2), "x")
                    .why("")
                    .fix(""),
                Finding::new(&codes::IGNORES_NOTHING, Place::file("b.pem", 0), "x")
                    .why("")
                    .fix(""),
            ],
            ..Report::default()
        };
        let expected = "\
::error file=a%3Ab%2Cc%25.yaml,line=3,col=4,title=ITL0002 (IST0106)::100%25%0D%0Asure%0Aat:  Gateway default/edge  spec.x%0Awhy: y: z, a
::warning title=ITL0003::x
::notice file=b.pem,title=ITL0005::x
";
        assert_eq!(github(&report, Severity::Info, &Aim::default()), expected);
        assert_eq!(github(&report, Severity::Error, &Aim::default()).lines().count(), 1);
    }
}
