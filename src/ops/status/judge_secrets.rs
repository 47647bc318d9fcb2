//! Compares a host's Secrets with the files: their place in the table, and findings.
//! Pure.

use std::collections::BTreeSet;

use time::{Duration, OffsetDateTime};

use super::advice;
use super::facts::{Held, HostState, Role, SecretState};
use super::rows::{Row, row_of};
use crate::certs::summary::CertificateSummary;
use crate::lint::codes::{self, Code};
use crate::lint::{Finding, Place};
use crate::remedy::{Remedy, ours};

/// Adds the Secrets' content to the rows of a host, and reports what is wrong.
pub(super) fn judge(
    host: &HostState,
    rows: &mut Vec<Row>,
    within: Option<Duration>,
    now: OffsetDateTime,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for secret in &host.secrets {
        let Some(Held { leaf, key, authorities }) = &secret.held else {
            let missing = finding(
                secret,
                &codes::STATUS_SECRET_MISSING,
                format!("the cluster has no Secret {} for {}", secret.title, host.host),
            );
            findings.push(match &secret.elsewhere {
                Some(elsewhere) => missing.fix(
                    (elsewhere.words())
                        .or(ours::apply())
                        .and(", which creates it in the expected namespace"),
                ),
                None => missing.fix(Remedy::from(ours::apply()).or("--local, if it should not be there")),
            });
            continue;
        };
        for problem in [
            leaf.as_ref().and_then(broken),
            key.clone(),
            authorities.as_ref().and_then(broken),
        ] {
            findings.extend(problem.map(|why| {
                finding(
                    secret,
                    &codes::STATUS_SECRET_BROKEN,
                    format!("the gateway cannot use the Secret {} for {}", secret.title, host.host),
                )
                .why(why)
                .fix(
                    Remedy::from(ours::apply())
                        .and("; with --force-conflicts if others have changed it, with --replace if its type is wrong"),
                )
            }));
        }
        if let Some(Ok(leaf)) = leaf {
            row_of(rows, host, &Role::Server, leaf, within, now).secret = Some(secret.title.clone());
            if let Some((_, file)) = host.leaf().filter(|(_, file)| file.sha256 != leaf.sha256) {
                findings.push(drift(host, secret, leaf, file));
            }
        }
        if let Some(Ok(authorities)) = authorities {
            for authority in authorities {
                let row = row_of(rows, host, &Role::Authority, authority, within, now);
                row.secret = Some(secret.title.clone());
            }
            findings.extend(bundle_drift(host, secret, authorities));
        }
    }
    findings
}

fn broken<T>(part: &Result<T, String>) -> Option<String> {
    part.as_ref().err().cloned()
}

fn finding(secret: &SecretState, code: &'static Code, what: String) -> Finding {
    let place = Place {
        object: format!("Secret {}", secret.title),
        ..Place::default()
    };
    Finding::new(code, place, what)
}

fn drift(host: &HostState, secret: &SecretState, leaf: &CertificateSummary, file: &CertificateSummary) -> Finding {
    let finding = finding(
        secret,
        &codes::STATUS_SECRET_DRIFT,
        format!(
            "the Secret {} contains serial {} for {}, but the file has {}",
            secret.title, leaf.serial, host.host, file.serial
        ),
    );
    remedied(host, finding)
}

/// Adds what to do about a Secret that differs.
fn remedied(host: &HostState, finding: Finding) -> Finding {
    match advice::of_others(host) {
        Some(advice) => finding.why(advice.why).fix(advice.fix),
        None => finding.fix(Remedy::from(ours::bring_up(&host.host)).and(
            " updates the Secret to match the files, and verifies it; add --force-conflicts \
                 if others have changed it",
        )),
    }
}

/// Whether a Secret verifies clients with CAs other than the files'.
pub(super) fn verifies_with_others(host: &HostState, secret: &SecretState) -> bool {
    let authorities = secret.held.as_ref().and_then(|held| held.authorities.as_ref());
    authorities.is_some_and(|authorities| match authorities {
        Ok(authorities) => !host.bundle.is_empty() && hashes(authorities) != hashes(&host.bundle),
        Err(_) => true,
    })
}

fn hashes(all: &[CertificateSummary]) -> BTreeSet<&str> {
    all.iter().map(|ca| ca.sha256.as_str()).collect()
}

fn bundle_drift(host: &HostState, secret: &SecretState, authorities: &[CertificateSummary]) -> Option<Finding> {
    if !verifies_with_others(host, secret) {
        return None;
    }
    let (in_secret, in_files) = (hashes(authorities), hashes(&host.bundle));
    let missing = in_files.difference(&in_secret).count();
    let left = in_secret.difference(&in_files).count();
    let cas = |count: usize| {
        if count == 1 {
            "1 CA".to_owned()
        } else {
            format!("{count} CAs")
        }
    };
    let words: Vec<String> = [
        (missing > 0).then(|| format!("{} of ca-chain.cert.pem missing from it", cas(missing))),
        (left > 0).then(|| format!("{} in it that ca-chain.cert.pem does not contain", cas(left))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let finding = finding(
        secret,
        &codes::STATUS_BUNDLE_DRIFT,
        format!(
            "the Secret {} verifies the clients of {} with CAs other than the files': {}",
            secret.title,
            host.host,
            words.join(", ")
        ),
    );
    Some(remedied(host, finding))
}
