//! The text output of `status`.

use super::paint::{Paint, printable};
use crate::lint::{Severity, Skipped};
use crate::ops::status::outcome::Outcome;
use crate::ops::status::rows::{Row, State};
use crate::remedy::{Aim, Remedy, ours};
use crate::workspace::config::Mode;

/// Where a certificate is: `file, Secret istio-system/a, served at 127.0.0.1:443`.
fn place(row: &Row, verbose: bool) -> String {
    let file = row
        .file
        .as_deref()
        .map(|file| if verbose { file } else { "file" }.to_owned());
    let secret = row.secret.as_ref().map(|secret| format!("Secret {secret}"));
    let served = row.served.as_ref().map(|target| format!("served at {target}"));
    let other = row.file.is_none().then(|| "not the file's".to_owned());
    let places: Vec<String> = [file, secret, served, other].into_iter().flatten().collect();
    places.join(", ")
}

/// The table, then the findings; `aim` completes the command lines. Serial numbers are
/// shortened unless `verbose`.
pub fn text(outcome: &Outcome, aim: &Aim, paint: Paint, verbose: bool) -> String {
    let mut lines = table(&outcome.rows, paint, verbose);
    for finding in &outcome.findings {
        let word = match finding.severity {
            Severity::Error => paint.bad("error"),
            Severity::Warning => paint.warn("warning"),
            Severity::Info => "info".to_owned(),
        };
        lines.push(format!("\n{word}: {} ({})", printable(&finding.what), finding.code));
        let at = finding.at();
        if !at.is_empty() {
            lines.push(format!("  at:  {at}"));
        }
        lines.push(format!("  why: {}", printable(&finding.why)));
        lines.push(format!("  try: {}", finding.fix.words(aim)));
    }
    lines.join("\n") + "\n"
}

/// What was not checked, each reason once.
pub fn skipped(outcome: &Outcome) -> Vec<String> {
    reasons(&outcome.skipped)
        .into_iter()
        .map(|reason| format!("skipped: {reason}"))
        .collect()
}

/// That no gateway is known, and how to name one.
pub fn unserved(outcome: &Outcome, aim: &Aim) -> Option<String> {
    let reason = reasons(&outcome.unserved).pop()?;
    let serve = Remedy::from(ours::serve()).and(", or --target ADDRESS");
    Some(format!("{reason} here ({})", serve.words(aim)))
}

fn reasons(skipped: &[Skipped]) -> Vec<&str> {
    let mut told: Vec<&str> = Vec::new();
    for Skipped { reason, .. } in skipped {
        if !told.contains(&reason.as_str()) {
            told.push(reason);
        }
    }
    told
}

/// The lines of the table.
fn table(rows: &[Row], paint: Paint, verbose: bool) -> Vec<String> {
    const HEAD: [&str; 7] = ["HOST", "MODE", "WHAT", "SERIAL", "DAYS", "UNTIL", "WHERE"];
    let cells: Vec<[String; 7]> = (rows.iter())
        .map(|row| {
            let serial = &row.certificate.serial;
            [
                row.host.to_string(),
                Mode::WORDS
                    .iter()
                    .find(|(_, mode)| *mode == row.mode)
                    .map_or("", |(word, _)| word)
                    .to_owned(),
                row.role.words(),
                if verbose || serial.len() <= 24 {
                    serial.clone()
                } else {
                    format!("{}...", &serial[..23])
                },
                row.days_left.to_string(),
                row.certificate.not_after.date().to_string(),
                place(row, verbose),
            ]
        })
        .collect();
    let mut widths = HEAD.map(str::len);
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    let line = |cells: [&str; 7]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![paint.bold(&line(HEAD))];
    for (row, cells) in rows.iter().zip(&cells) {
        let text = line(std::array::from_fn(|at| cells[at].as_str()));
        lines.push(match row.state {
            State::Good => text,
            State::Due => paint.warn(&text),
            State::Expired | State::NotYetValid => paint.bad(&text),
        });
    }
    lines
}
