//! Compares what a gateway presents for a host, and the clients that it accepts, with the
//! files. Pure.

use time::{Duration, OffsetDateTime};

use super::advice;
use super::facts::{HostState, Role, Served, Shown};
use super::judge_secrets::verifies_with_others;
use super::rows::{Row, row_of};
use crate::certs::summary::CertificateSummary;
use crate::lint::codes;
use crate::lint::{Finding, Place};
use crate::remedy::{Remedy, ours};

/// Adds what is served to the rows of a host, and reports what is wrong.
pub(super) fn judge(
    host: &HostState,
    rows: &mut Vec<Row>,
    within: Option<Duration>,
    now: OffsetDateTime,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &host.served {
        Some((target, Served::Leaf(leaf))) => {
            match host.leaf().filter(|(_, known)| known.sha256 != leaf.sha256) {
                Some((file, known)) => findings.push(drift(host, target, leaf, file, known)),
                None => findings.extend(clients(host, target)),
            }
            row_of(rows, host, &Role::Server, leaf, within, now).served = Some(target.clone());
        }
        Some((target, Served::Nothing { code, summary, again })) => {
            let probe = ours::probe(&host.host);
            let probe = match again.as_deref() {
                Some("cluster") => probe.flag("--target", "cluster").of_cluster(),
                Some(again) => probe.flag("--target", again),
                None => probe,
            };
            findings.push(
                Finding::new(
                    &codes::STATUS_NOT_SERVED,
                    Place::default(),
                    format!("{target} presents no certificate for {}", host.host),
                )
                .why(format!("{summary} ({code})"))
                .fix(probe),
            );
        }
        None => {}
    }
    findings
}

fn drift(host: &HostState, target: &str, leaf: &CertificateSummary, file: &str, known: &CertificateSummary) -> Finding {
    let finding = Finding::new(
        &codes::STATUS_DRIFT,
        Place::file(file, 0),
        format!(
            "{} is served with serial {} at {target}, but the file has {}",
            host.host, leaf.serial, known.serial
        ),
    );
    if let Some(advice) = advice::of_others(host) {
        return finding.why(advice.why).fix(advice.fix);
    }
    // Not seen in a Secret, but the files are older nevertheless.
    if host.secrets.is_empty() && leaf.not_before > known.not_before {
        return finding
            .why("the gateway's certificate is newer: it was renewed from elsewhere")
            .fix(
                Remedy::from(ours::adopt_files(&host.host))
                    .and(" adopts the new files, or secret/NAME of a cluster instead"),
            );
    }
    finding.fix(drift_fix(host))
}

/// What makes the gateway serve the file's certificate.
fn drift_fix(host: &HostState) -> Remedy {
    if host.secrets.is_empty() {
        return Remedy::from(ours::serve())
            .and(", if it is the gateway; ")
            .and(ours::apply())
            .and(", if a cluster's gateway is");
    }
    if host.secrets.iter().any(|secret| secret.held.is_none()) {
        return ours::apply().into();
    }
    Remedy::from(ours::bring_up(&host.host))
        .and(" updates the Secret to match the files, and waits until the gateway serves it")
}

/// What the gateway verifies clients with, given that it serves the files' leaf and the
/// Secrets contain the files' CAs: it has not picked up its new material.
fn clients(host: &HostState, target: &str) -> Vec<Finding> {
    if host.secrets.iter().any(|secret| verifies_with_others(host, secret)) {
        return Vec::new();
    }
    let findings = host.clients.iter().filter_map(|client| {
        let label = client.label;
        let (code, what) = match (client.is_trusted, client.outcome.as_ref()?) {
            (false, Shown::LetIn) => (
                &codes::STATUS_CA_STAYS,
                format!(
                    "{target} accepts {label} for {}, which its files no longer trust",
                    host.host
                ),
            ),
            (true, Shown::Refused(how)) => (
                &codes::STATUS_CLIENT_REFUSED,
                format!(
                    "{target} refuses {label} for {}, although its files trust its CA: {how}",
                    host.host
                ),
            ),
            (true, Shown::LetIn) | (false, Shown::Refused(_)) => return None,
        };
        Some(
            Finding::new(code, Place::default(), what).fix(
                Remedy::from(ours::bring_up(&host.host))
                    .and(" waits until the gateway follows, and verifies it; its log and ")
                    .and(ours::doctor())
                    .and(" show why it does not"),
            ),
        )
    });
    findings.collect()
}
