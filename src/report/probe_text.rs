//! Probe results as text: a block per check that failed or is the only one of its host, a
//! line for each other check, and a count.

use time::OffsetDateTime;

use super::paint::{Paint, printable};
use crate::certs::times::rfc3339;
use crate::probe::codes::Fault;
use crate::probe::run::Outcome;
use crate::probe::steps::steps;
use crate::probe::verdict::span;
use crate::remedy::Aim;

/// With more results than this, each is one line unless it failed.
const BLOCKS: usize = 8;

/// The text, ending in a newline.
pub fn report(outcomes: &[Outcome], paint: Paint, verbose: bool, aim: &Aim) -> String {
    let mut text = String::new();
    for (index, outcome) in outcomes.iter().enumerate() {
        let last_of_host = outcomes.get(index + 1).is_none_or(|next| next.host != outcome.host);
        let whole = verbose || !outcome.verdict.is_ok() || (last_of_host && outcomes.len() <= BLOCKS);
        if whole {
            block(&mut text, outcome, paint, verbose, aim);
        } else {
            line(&mut text, outcome, paint);
        }
    }
    if outcomes.len() > 1 {
        let passed = outcomes.iter().filter(|outcome| outcome.verdict.is_ok()).count();
        let count = format!("{passed} of {} checks passed", outcomes.len());
        text.push_str(&if passed == outcomes.len() {
            paint.good(&count)
        } else {
            paint.bad(&count)
        });
        text.push('\n');
    }
    text
}

/// A line per check, with the time: printed by `probe --watch` when a verdict changes.
pub fn changes(outcomes: &[&Outcome], now: OffsetDateTime, paint: Paint) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let verdict = &outcome.verdict;
        let code = verdict.code.as_str();
        let code = if verdict.is_ok() {
            paint.good(code)
        } else {
            paint.bad(code)
        };
        let parts = [
            &paint.faint(&rfc3339(now)),
            " ",
            &heading(outcome, paint),
            "  ",
            &code,
            ": ",
            &printable(&verdict.summary),
            "\n",
        ];
        push(&mut text, &parts);
    }
    text
}

fn heading(outcome: &Outcome, paint: Paint) -> String {
    let check = if outcome.check.is_empty() {
        String::new()
    } else {
        format!("  {}", outcome.check)
    };
    format!(
        "{} {}{check}",
        paint.bold(&outcome.host),
        paint.faint(&format!("at {}", outcome.target))
    )
}

fn line(text: &mut String, outcome: &Outcome, paint: Paint) {
    let mark = paint.mark(outcome.verdict.is_ok());
    push(text, &[&mark, " ", &heading(outcome, paint), "\n"]);
    push(text, &["    ", &printable(&outcome.verdict.summary), "\n"]);
}

fn block(text: &mut String, outcome: &Outcome, paint: Paint, verbose: bool, aim: &Aim) {
    let verdict = &outcome.verdict;
    push(
        text,
        &[&paint.mark(verdict.is_ok()), " ", &heading(outcome, paint), "\n"],
    );
    for step in steps(outcome) {
        let time = step.micros.map_or_else(String::new, span);
        let name = format!("{:<18}", step.name);
        let time = paint.faint(&format!("{time:>8}"));
        push(
            text,
            &[
                "  ",
                &paint.mark(step.ok),
                " ",
                &name,
                &time,
                "  ",
                &printable(&step.detail),
                "\n",
            ],
        );
    }
    if verbose {
        chain(text, outcome, paint);
    }
    if let Some(http) = &outcome.facts.http
        && (http.status == Some(418) || verbose)
        && http.body.len() <= 4096
        && !http.body.trim().is_empty()
    {
        text.push('\n');
        for line in printable(&http.body).trim_matches('\n').lines() {
            push(text, &[format!("    {line}").trim_end(), "\n"]);
        }
        text.push('\n');
    }
    if verdict.is_ok() {
        push(
            text,
            &["  ", &paint.good("ok"), ": ", &printable(&verdict.summary), "\n"],
        );
        return;
    }
    let fault = verdict
        .fault
        .map_or_else(String::new, |fault: Fault| format!(" ({} at fault)", fault.as_str()));
    push(
        text,
        &[
            "  ",
            &paint.bad(verdict.code.as_str()),
            &fault,
            ": ",
            &printable(&verdict.summary),
            "\n",
        ],
    );
    if let Some(fix) = &verdict.fix {
        push(
            text,
            &["  ", &paint.bold("try"), ": ", &printable(&fix.words(aim)), "\n"],
        );
    }
}

fn chain(text: &mut String, outcome: &Outcome, paint: Paint) {
    for (index, certificate) in outcome.chain.iter().enumerate() {
        let names = if certificate.names.is_empty() {
            String::new()
        } else {
            format!(", names {}", certificate.names.join(" "))
        };
        let line = format!(
            "    {index}: {}, issued by {}, serial {}, {} to {}{names}",
            certificate.subject, certificate.issuer, certificate.serial, certificate.not_before, certificate.not_after
        );
        push(text, &[&paint.faint(&printable(&line)), "\n"]);
    }
}

fn push(text: &mut String, parts: &[&str]) {
    for part in parts {
        text.push_str(part);
    }
}
