//! An examination, as text.

use std::fmt::Write as _;

use super::lint_excerpt::Texts;
use super::lint_text::{self, Layout};
use crate::doctor::facts::{Facts, some_of};
use crate::ops::doctor::examine::Examined;

/// Findings, and what was skipped.
pub fn text(examined: &Examined, layout: Layout<'_>) -> String {
    let report = &examined.report;
    let mut text = lint_text::findings(report, &Texts::new([]), layout);
    // What was not examined may be faulty: every reason is printed.
    let every = Layout {
        verbose: true,
        ..layout
    };
    text.push_str(&lint_text::skipped(&report.skipped, every));
    if report.findings.is_empty() {
        let _ = writeln!(
            text,
            "{}: {}",
            layout.paint.good("no findings"),
            looked_at(&examined.gateways)
        );
    } else {
        let counts = layout.paint.bold(&lint_text::counts(&report.findings));
        let hidden = lint_text::hidden(&report.findings, layout.shown_from);
        let _ = writeln!(text, "{counts}{hidden}");
    }
    text
}

/// What was examined, printed if there are no findings.
fn looked_at(all: &[Facts]) -> String {
    let sum = |count: &dyn Fn(&Facts) -> usize| all.iter().map(count).sum::<usize>();
    // What may not be read is not counted as absent.
    let gateways = sum(&|facts| facts.gateways().len());
    let is_seen = gateways > 0
        || all
            .iter()
            .all(|facts| facts.gateways.is_ok() && facts.unseen_gateways.is_none());
    let mut parts = vec![if is_seen {
        counted(gateways, "Gateway")
    } else {
        "Gateways not seen".to_owned()
    }];
    parts.push(if all.iter().any(|facts| facts.pods.is_ok()) {
        counted(sum(&|facts| facts.gateway_pods().len()), "gateway pod")
    } else {
        "gateway pods not seen".to_owned()
    });
    if is_seen {
        parts.push(counted(sum(&|facts| facts.certificates.len()), "certificate"));
    }
    parts.extend(all.iter().filter_map(|facts| {
        let ingress = facts.ingress.as_ref().ok()?;
        let addresses: Vec<&str> = ingress.hosts().map(String::as_str).collect();
        Some(format!("{} port {}", addresses.join(" and "), ingress.port))
    }));
    let mut hosts: Vec<&String> = all.iter().flat_map(|facts| &facts.hosts).collect();
    hosts.sort();
    hosts.dedup();
    let hosts = if hosts.is_empty() {
        String::new()
    } else {
        format!(" for {}", some_of(&hosts))
    };
    format!("{}{hosts}", parts.join(", "))
}

fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
