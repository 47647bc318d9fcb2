//! The text output of `verify`.

use std::fmt::Write as _;

use super::paint::Paint;
use crate::certs::verify::{Fault, Purpose};
use crate::ops::verify::{Judged, Outcome};
use crate::remedy::Aim;

/// Renders the results: per chain a line, its path and the reasons; `aim` completes the
/// command lines.
pub fn text(judged: &Outcome, paint: Paint, aim: &Aim) -> String {
    let mut text = String::new();
    for judged in &judged.results {
        one(&mut text, judged, paint, aim);
    }
    text
}

// Writing to a String cannot fail, so the results are ignored.
fn one(text: &mut String, judged: &Judged, paint: Paint, aim: &Aim) {
    let purpose = match judged.purpose {
        Purpose::Server => "a server",
        Purpose::Client => "a client",
    };
    let host = judged
        .host
        .as_ref()
        .map(|host| format!(" for {host}"))
        .unwrap_or_default();
    let verb = if judged.verified { "verifies" } else { "does not verify" };
    let _ = writeln!(
        text,
        "{} {} {verb}{host} as {purpose}",
        paint.mark(judged.verified),
        judged.source
    );
    for certificate in &judged.verdict.path {
        let role = paint.faint(&format!("{:<13}", certificate.role.word()));
        let _ = writeln!(text, "    {role} {}", certificate.subject);
    }
    let trusted = paint.faint(&format!("{:<13}", "trusting"));
    let _ = writeln!(text, "    {trusted} {}", judged.trusted.join(", "));
    if let Some(why) = &judged.no_pair {
        let _ = writeln!(text, "  {}: {why}", paint.bad("no gateway can use the Secret"));
    }
    for reason in &judged.verdict.faults {
        fault(text, reason, &paint.bad(reason.code.as_str()), paint, aim);
    }
    for note in &judged.verdict.notes {
        let code = format!("{}, a note", paint.warn(note.code.as_str()));
        fault(text, note, &code, paint, aim);
    }
}

fn fault(text: &mut String, fault: &Fault, code: &str, paint: Paint, aim: &Aim) {
    let _ = writeln!(text, "  {code}: {}", fault.what);
    let fix = fault.fix.as_ref().map(|fix| fix.words(aim));
    let parts = [("expected", &fault.expected), ("found", &fault.found), ("try", &fix)];
    for (label, value) in parts {
        if let Some(value) = value {
            let label = paint.faint(&format!("{label:<9}"));
            let _ = writeln!(text, "    {label} {value}");
        }
    }
}
