//! What lint found, as text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::lint_excerpt::Texts;
use super::paint::{Paint, printable};
use crate::lint::{Finding, Report, Severity, Skipped};
use crate::ops::lint::check::Checked;
use crate::remedy::Aim;

const INDENT: &str = "     ";

/// How to render it.
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    /// The user's context.
    pub aim: &'a Aim,
    /// Colours.
    pub paint: Paint,
    /// The terminal's width, in characters.
    pub width: usize,
    /// Also print the documentation of each rule, and every code that was skipped.
    pub verbose: bool,
    /// Findings below this are not shown.
    pub shown_from: Severity,
}

/// Every finding with its line, and a summary.
pub fn text(report: &Report, texts: &Texts<'_>, checked: &Checked, layout: Layout<'_>) -> String {
    let mut text = findings(report, texts, layout);
    text.push_str(&skipped(&report.skipped, layout));
    if report.findings.is_empty() {
        let _ = writeln!(text, "{}: {}", layout.paint.good("no findings"), looked_at(checked));
        return text;
    }
    let _ = write!(text, "{}", layout.paint.bold(&counts(&report.findings)));
    let _ = match (&checked.context, checked.files) {
        (Some(context), _) => write!(text, " in the cluster of context {context}"),
        (None, 0) => write!(text, " in the workspace"),
        (None, files) => write!(text, " in {}", counted(files, "file")),
    };
    text.push_str(&hidden(&report.findings, layout.shown_from));
    text.push('\n');
    text
}

/// How many findings are not shown, if any.
pub fn hidden(findings: &[Finding], shown_from: Severity) -> String {
    match findings.iter().filter(|finding| finding.severity < shown_from).count() {
        0 => String::new(),
        hidden => format!("; {hidden} below {} not shown", shown_from.word()),
    }
}

/// The findings that are shown, each with its line.
pub fn findings(report: &Report, texts: &Texts<'_>, layout: Layout<'_>) -> String {
    let shown = report
        .findings
        .iter()
        .filter(|finding| finding.severity >= layout.shown_from);
    shown.map(|finding| one(finding, texts, layout) + "\n").collect()
}

fn one(finding: &Finding, texts: &Texts<'_>, layout: Layout<'_>) -> String {
    let paint = layout.paint;
    let mut text = String::new();
    let label = format!("{}[{}]", finding.severity.word(), finding.code);
    let label = match finding.severity {
        Severity::Error => paint.bad(&label),
        Severity::Warning => paint.warn(&label),
        Severity::Info => paint.bold(&label),
    };
    let _ = write!(text, "{label}: {}", paint.bold(&below(&finding.what, "  ")));
    if let Some(istio) = finding.istio {
        let _ = write!(text, "  ({istio})");
    }
    let at = finding.at();
    if !at.is_empty() {
        let _ = write!(text, "\n  at:  {}", printable(&at));
    }
    if !finding.object.is_empty() && !at.contains(&finding.object) {
        let _ = write!(text, "  ({})", printable(&finding.object));
    }
    text.push('\n');
    // The excerpt's lines are indented.
    if let Some(excerpt) = texts.excerpt(finding, layout.width.saturating_sub(INDENT.len()), paint) {
        for line in excerpt.lines() {
            let _ = writeln!(text, "{INDENT}{line}");
        }
    }
    for (word, part) in [("why", &finding.why), ("try", &finding.fix.words(layout.aim))] {
        if !part.is_empty() {
            let _ = writeln!(text, "  {word}: {}", below(part, "       "));
        }
    }
    if layout.verbose {
        let _ = writeln!(text, "  see: {}", finding.doc);
    }
    text
}

/// Text with its further lines indented.
fn below(text: &str, indent: &str) -> String {
    printable(text).replace('\n', &format!("\n{indent}"))
}

/// What was skipped: one line of short reasons; with -v a line per reason with every
/// code.
pub fn skipped(skipped: &[Skipped], layout: Layout<'_>) -> String {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in skipped {
        match reasons.iter_mut().find(|(reason, _)| *reason == one.reason) {
            Some((_, codes)) => codes.push(one.code),
            None => reasons.push((&one.reason, vec![one.code])),
        }
    }
    for (_, codes) in &mut reasons {
        codes.dedup();
    }
    let mut text = String::new();
    if layout.verbose {
        for (reason, codes) in reasons {
            let line = format!("skipped {}: {}", codes.join(", "), printable(reason));
            let _ = writeln!(text, "{}", layout.paint.faint(&line));
        }
    } else if !reasons.is_empty() {
        let codes: BTreeSet<&str> = reasons.iter().flat_map(|(_, codes)| codes).copied().collect();
        let line = format!(
            "skipped: {} ({}); -v lists them",
            counted(codes.len(), "rule"),
            printable(&in_short(reasons.iter().map(|(reason, _)| *reason)))
        );
        let _ = writeln!(text, "{}", layout.paint.faint(&line));
    }
    text
}

/// Reasons without the consequence that follows the comma: `no Secret, no Service in the
/// input; something else`.
fn in_short<'r>(reasons: impl Iterator<Item = &'r str>) -> String {
    let mut absent: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut parts: Vec<String> = Vec::new();
    for reason in reasons {
        let short = reason.split_once(',').map_or(reason, |(short, _)| short);
        match short.split_once(" holds ") {
            Some((source @ ("the input" | "the cluster"), what)) => absent.entry(source).or_default().push(what),
            _ => parts.push(short.to_owned()),
        }
    }
    for (source, absent) in absent {
        parts.insert(0, format!("{} in {source}", absent.join(", ")));
    }
    parts.join("; ")
}

/// `1 error, 2 warnings`.
pub fn counts(findings: &[Finding]) -> String {
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let parts = [
        (count(Severity::Error), "error"),
        (count(Severity::Warning), "warning"),
        (count(Severity::Info), "info"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| match word {
            "info" => format!("{count} info"),
            word => counted(count, word),
        })
        .collect();
    parts.join(", ")
}

/// `1 file`, `2 files`.
fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// `3 objects in 2 files, 1 certificate in Secrets`.
fn looked_at(checked: &Checked) -> String {
    let mut text = counted(checked.objects, "object");
    let _ = match (&checked.context, checked.files) {
        (Some(context), _) => write!(text, " in the cluster of context {context}"),
        (None, 0) => write!(text, " of the workspace"),
        (None, files) => write!(text, " in {}", counted(files, "file")),
    };
    if checked.certificates > 0 {
        let _ = write!(text, ", {} in Secrets", counted(checked.certificates, "certificate"));
    }
    if checked.certificate_files > 0 {
        let _ = write!(text, ", {}", counted(checked.certificate_files, "certificate file"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Checked, Layout, text};
    use crate::lint::{Finding, Place, Report, Severity, Skipped, codes};
    use crate::remedy::Aim;
    use crate::report::lint_excerpt::Texts;
    use crate::report::paint::Paint;

    const AIM: &Aim = &Aim { dir: None };
    const LAYOUT: Layout<'_> = Layout {
        aim: AIM,
        paint: Paint::PLAIN,
        width: 80,
        verbose: false,
        shown_from: Severity::Info,
    };

    fn finding(line: u32, column: u32, path: &str) -> Finding {
        let place = Place {
            object: "Gateway default/edge".into(),
            file: "edge.yaml".into(),
            line,
            column,
            path: path.into(),
        };
        Finding::new(&codes::INPUT_TYPE, place, "wanted a number").why("first\nsecond")
    }

    #[test]
    fn a_finding_shows_its_line() {
        let report = Report {
            findings: vec![
                finding(2, 11, "spec.port"),
                finding(0, 0, "spec.x").severity(Severity::Info),
            ],
            skipped: ["ITL0501", "ITL0502"]
                .map(|code| Skipped {
                    code,
                    reason: "the input holds no Service, so all is well".into(),
                })
                .into(),
        };
        let checked = Checked {
            objects: 1,
            files: 1,
            ..Checked::default()
        };
        let texts = Texts::new([("edge.yaml", &b"spec:\n    port: many # x\n"[..])]);
        let expected = "\
error[ITL0002]: wanted a number  (IST0106)
  at:  edge.yaml:2:11  spec.port  (Gateway default/edge)
       |
     2 |     port: many # x
       |           ^^^^
  why: first
       second
  try: write a value of the type that the field takes

info[ITL0002]: wanted a number  (IST0106)
  at:  Gateway default/edge (from edge.yaml)  spec.x
  why: first
       second
  try: write a value of the type that the field takes

skipped: 2 rules (no Service in the input); -v lists them
1 error, 1 info in 1 file
";
        assert_eq!(text(&report, &texts, &checked, LAYOUT), expected);
        let errors = Layout {
            shown_from: Severity::Error,
            ..LAYOUT
        };
        let text = text(&report, &texts, &checked, errors);
        assert!(
            text.ends_with("1 error, 1 info in 1 file; 1 below error not shown\n"),
            "{text}"
        );
        assert!(!text.contains("info["), "{text}");
        let verbose = Layout {
            verbose: true,
            ..LAYOUT
        };
        let text = super::text(&report, &texts, &checked, verbose);
        assert!(
            text.contains("\nskipped ITL0501, ITL0502: the input holds no Service, so all is well\n"),
            "{text}"
        );
    }

    #[test]
    fn nothing_found_says_what_was_looked_at() {
        let checked = Checked {
            objects: 2,
            files: 0,
            certificates: 1,
            certificate_files: 2,
            context: None,
        };
        assert_eq!(
            text(&Report::default(), &Texts::new([]), &checked, LAYOUT),
            "no findings: 2 objects of the workspace, 1 certificate in Secrets, 2 certificate files\n"
        );
        let live = Checked {
            context: Some("admin".into()),
            ..checked
        };
        assert_eq!(
            text(&Report::default(), &Texts::new([]), &live, LAYOUT),
            "no findings: 2 objects in the cluster of context admin, 1 certificate in Secrets, 2 certificate files\n"
        );
    }
}
