//! Lint's codes, as text, as Markdown (docs/lint-rules.md) and as JSON.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::paint::Paint;
use super::remedy_json::RemedyJson;
use super::schema_number::SchemaNumber;
use crate::lint::{Code, Severity};
use crate::remedy::Aim;

/// One code in full, for a user who stands at `aim`.
pub fn text(code: &Code, aim: &Aim, paint: Paint) -> String {
    let istio = code.istio.map(|istio| format!(", Istio's {istio}")).unwrap_or_default();
    format!(
        "{} ({}{istio})\n{}\n\n  why: {}\n  try: {}\n  see: {}\n\nTo hear no more of it: # istio-tls:ignore {} above the line, or --suppress {}\n",
        paint.bold(code.id),
        code.severity.word(),
        code.title,
        code.why,
        (code.fix)().words(aim),
        code.doc,
        code.id,
        code.id
    )
}

/// A line for each code.
pub fn table<'c>(codes: impl Iterator<Item = &'c Code>, paint: Paint) -> String {
    let mut text = String::new();
    for code in codes {
        let severity = format!("{:7}", code.severity.word());
        let severity = match code.severity {
            Severity::Error => paint.bad(&severity),
            Severity::Warning => paint.warn(&severity),
            Severity::Info => severity,
        };
        let istio = code.istio.unwrap_or("-");
        let _ = writeln!(text, "{}  {severity}  {istio:7}  {}", paint.bold(code.id), code.title);
    }
    text
}

/// The subject of a code, by its hundreds.
fn subject(code: &Code) -> &'static str {
    match &code.id[3..5] {
        "00" => "Input",
        "01" => "Gateway",
        "02" => "Gateways together",
        "03" => "Credentials",
        "04" => "Certificates",
        "05" => "VirtualService: references",
        "06" => "VirtualService: routes",
        "07" => "Reachability of routes",
        "08" => "Coalescing of connections",
        "09" => "Gateway API",
        "10" => "Chains, as `status` tells of them",
        _ => "A running cluster, as `doctor` examines it",
    }
}

/// A page with every code, by subject.
pub fn markdown<'c>(codes: impl Iterator<Item = &'c Code>) -> String {
    let mut text = String::from(
        "# Lint's rules\n\n\
         <!-- Printed by `istio-tls lint explain -o markdown`; scripts/bless remakes this page. -->\n\n\
         `istio-tls lint explain CODE` prints one of them. A code is never used again for\n\
         something else. Istio's own code stands beside it where Istio has the same finding.\n\n\
         To ignore a finding, write `# istio-tls:ignore CODE` (several with commas, then a\n\
         reason if you like) on its line, on the line above it, or above the object; or give\n\
         `--suppress CODE` or `--suppress CODE=OBJECT`, where OBJECT is `Gateway default/edge`\n\
         or `default/edge` and may hold `*` and `?`.\n",
    );
    let mut last = "";
    for code in codes {
        let subject = subject(code);
        if subject == last {
            text.push('\n');
        } else {
            let _ = write!(text, "\n## {subject}\n\n");
            last = subject;
        }
        let istio = code.istio.map(|istio| format!(", {istio}")).unwrap_or_default();
        let _ = write!(
            text,
            "### {}: {}\n\n{}{istio}. Why: {}.\nTry: {}. [Reference]({})\n",
            code.id,
            escaped(code.title),
            capital(code.severity.word()),
            escaped(code.why),
            escaped(&(code.fix)().words(&Aim::default())),
            code.doc
        );
    }
    text
}

/// Characters that Markdown would take for its own.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '<' | '>' | '`' | '[' | ']' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// Codes as `lint explain -o json` prints them.
#[derive(Serialize, JsonSchema)]
pub struct Json<'c> {
    /// The number of this format.
    schema: SchemaNumber,
    /// The codes, in order.
    codes: Vec<One<'c>>,
}

/// A code of a finding.
#[derive(Serialize, JsonSchema)]
struct One<'c> {
    /// The code, as `ITL0301`.
    code: &'c str,
    /// Istio's own code of the same finding.
    istio: Option<&'c str>,
    /// How much it matters.
    severity: Severity,
    /// What it reports.
    title: &'c str,
    /// Why that matters.
    why: &'c str,
    /// What to do about it, for people.
    fix: String,
    /// The same for programs.
    remedy: RemedyJson,
    /// The reference that says so.
    doc: &'c str,
}

/// The codes as a value to serialize, for a user who stands at `aim`.
pub fn json<'c>(codes: impl Iterator<Item = &'c Code>, aim: &Aim) -> Json<'c> {
    let one = |code: &'c Code| {
        let fix = (code.fix)();
        One {
            code: code.id,
            istio: code.istio,
            severity: code.severity,
            title: code.title,
            why: code.why,
            fix: fix.words(aim),
            remedy: RemedyJson::new(&fix, aim),
            doc: code.doc,
        }
    };
    Json {
        schema: SchemaNumber,
        codes: codes.map(one).collect(),
    }
}
