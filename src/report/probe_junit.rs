//! Probe results as JUnit XML, one test case per check.

use std::fmt::Write as _;

use super::markup::escape;
use crate::probe::codes::Fault;
use crate::probe::run::Outcome;
use crate::probe::steps::steps;
use crate::remedy::Aim;

/// The XML document.
// Writing to a String cannot fail, so the results are ignored.
pub fn report(outcomes: &[Outcome], aim: &Aim) -> String {
    let failures = outcomes.iter().filter(|outcome| !outcome.verdict.is_ok()).count();
    let total: u64 = outcomes.iter().map(micros).sum();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{0}\" failures=\"{failures}\">\n  <testsuite name=\"istio-tls probe\" tests=\"{0}\" failures=\"{failures}\" time=\"{1}\">\n",
        outcomes.len(),
        seconds(total)
    );
    for outcome in outcomes {
        let name = if outcome.check.is_empty() {
            "probe"
        } else {
            &outcome.check
        };
        let _ = writeln!(
            xml,
            "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\">",
            escape(&outcome.host),
            escape(name),
            seconds(micros(outcome))
        );
        let verdict = &outcome.verdict;
        if !verdict.is_ok() {
            let mut text = format!("fault: {}\n", verdict.fault.map_or("none", Fault::as_str));
            if let Some(fix) = &verdict.fix {
                let _ = writeln!(text, "try: {}", fix.words(aim));
            }
            for step in steps(outcome) {
                let mark = if step.ok { "ok" } else { "failed" };
                let _ = writeln!(text, "{} {mark}: {}", step.name, step.detail);
            }
            let _ = writeln!(
                xml,
                "      <failure type=\"{}\" message=\"{}\">{}</failure>",
                verdict.code.as_str(),
                escape(&verdict.summary),
                escape(&text)
            );
        }
        xml.push_str("    </testcase>\n");
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn micros(outcome: &Outcome) -> u64 {
    steps(outcome).iter().filter_map(|step| step.micros).sum()
}

fn seconds(micros: u64) -> String {
    format!("{:.6}", micros as f64 / 1_000_000.0)
}
