//! Probe results as one self-contained HTML page, to keep or to send.

use std::fmt::Write as _;

use time::OffsetDateTime;

use super::markup::escape;
use crate::certs::times::rfc3339;
use crate::probe::codes::Fault;
use crate::probe::run::Outcome;
use crate::probe::steps::steps;
use crate::probe::verdict::span;
use crate::remedy::Aim;

const PAGE: &str = include_str!("../../templates/probe-report.html");

/// The page; `now` is when the probes ran, `aim` completes the command lines.
pub fn report(outcomes: &[Outcome], now: OffsetDateTime, aim: &Aim) -> String {
    let passed = outcomes.iter().filter(|outcome| outcome.verdict.is_ok()).count();
    let class = if passed == outcomes.len() { "ok" } else { "bad" };
    let checks: String = outcomes.iter().map(|outcome| check(outcome, aim)).collect();
    // The checks come last, so that nothing a server sent is taken for a placeholder.
    PAGE.replace("{count}", &format!("{passed} of {} checks passed", outcomes.len()))
        .replace("{class}", class)
        .replace("{version}", env!("CARGO_PKG_VERSION"))
        .replace("{time}", &rfc3339(now))
        .replace("{checks}", &checks)
}

// Writing to a String cannot fail, so the results are ignored.
fn check(outcome: &Outcome, aim: &Aim) -> String {
    let verdict = &outcome.verdict;
    let (article, class) = if verdict.is_ok() {
        ("passed", "ok")
    } else {
        ("failed", "bad")
    };
    let mut html = format!(
        "<article class=\"{article}\">\n<h2>{} <small>at {} {}</small></h2>\n<table>\n",
        escape(&outcome.host),
        escape(&outcome.target),
        escape(&outcome.check)
    );
    for step in steps(outcome) {
        let (mark, class) = if step.ok {
            ("&#10003;", "ok")
        } else {
            ("&#10007;", "bad")
        };
        let _ = writeln!(
            html,
            "<tr><td class=\"{class}\">{mark}</td><td>{}</td><td class=\"time\">{}</td><td>{}</td></tr>",
            step.name,
            step.micros.map_or_else(String::new, span),
            escape(&step.detail)
        );
    }
    let fault = verdict
        .fault
        .map_or_else(String::new, |fault: Fault| format!(" ({} at fault)", fault.as_str()));
    let _ = writeln!(
        html,
        "</table>\n<p><strong class=\"{class}\">{}</strong>{fault}: {}</p>",
        verdict.code.as_str(),
        escape(&verdict.summary)
    );
    if let Some(fix) = &verdict.fix {
        let _ = writeln!(html, "<p><strong>try</strong>: {}</p>", escape(&fix.words(aim)));
    }
    if !outcome.chain.is_empty() {
        html.push_str("<ol class=\"chain\" start=\"0\">\n");
        for certificate in &outcome.chain {
            let names = match certificate.names.join(" ") {
                names if names.is_empty() => names,
                names => format!(", names {names}"),
            };
            let _ = writeln!(
                html,
                "<li>{}, issued by {}, serial {}, {} to {}{}</li>",
                escape(&certificate.subject),
                escape(&certificate.issuer),
                certificate.serial,
                certificate.not_before,
                certificate.not_after,
                escape(&names)
            );
        }
        html.push_str("</ol>\n");
    }
    if let Some(http) = &outcome.facts.http
        && http.status == Some(418)
    {
        let _ = writeln!(html, "<pre>{}</pre>", escape(&http.body));
    }
    html + "</article>\n"
}
