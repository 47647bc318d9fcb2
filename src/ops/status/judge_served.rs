//! What `status` makes of what a gateway presents for a host, and of the clients that
//! it lets in: where that is not what the files say. Pure.

use time::{Duration, OffsetDateTime};

use super::advice;
use super::facts::{HostState, Role, Served, Shown};
use super::judge_secrets::verifies_with_others;
use super::rows::{Row, row_of};
use crate::certs::summary::CertificateSummary;
use crate::lint::codes;
use crate::lint::{Finding, Place};
use crate::remedy::{Remedy, ours};

/// Adds what is served to the rows of a host, and says what is wrong.
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
            "{} is served with serial {} at {target}, its file has {}",
            host.host, leaf.serial, known.serial
        ),
    );
    if let Some(advice) = advice::of_others(host) {
        return finding.why(advice.why).fix(advice.fix);
    }
    // Not seen in a Secret, but the files are older all the same.
    if host.secrets.is_empty() && leaf.not_before > known.not_before {
        return finding
            .why("the gateway's certificate is newer: it was renewed from elsewhere")
            .fix(
                Remedy::from(ours::adopt_files(&host.host))
                    .and(" takes in the new files, or secret/NAME of a cluster in their place"),
            );
    }
    finding.fix(drift_fix(host))
}

/// What brings the gateway to serve the file's certificate.
fn drift_fix(host: &HostState) -> Remedy {
    if host.secrets.is_empty() {
        return Remedy::from(ours::serve())
            .and(", where it serves; ")
            .and(ours::apply())
            .and(", where a cluster does");
    }
    if host.secrets.iter().any(|secret| secret.held.is_none()) {
        return ours::apply().into();
    }
    Remedy::from(ours::bring_up(&host.host))
        .and(" brings the Secret up to the files, and waits until the gateway serves it")
}

/// What the gateway verifies clients with, where it serves the files' leaf and the
/// Secrets hold the files' CAs: it has not followed what it was given.
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
                    "{target} lets in {label} for {}, which its files trust no more",
                    host.host
                ),
            ),
            (true, Shown::Refused(how)) => (
                &codes::STATUS_CLIENT_REFUSED,
                format!(
                    "{target} refuses {label} for {}, whose CA its files trust: {how}",
                    host.host
                ),
            ),
            (true, Shown::LetIn) | (false, Shown::Refused(_)) => return None,
        };
        Some(
            Finding::new(code, Place::default(), what).fix(
                Remedy::from(ours::bring_up(&host.host))
                    .and(" waits until the gateway follows, and proves it; its log and ")
                    .and(ours::doctor())
                    .and(" tell why it does not"),
            ),
        )
    });
    findings.collect()
}
