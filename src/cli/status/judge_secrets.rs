//! What `status` makes of a host's Secrets: their place in the table, and where
//! they differ from the files. Pure.

use std::collections::BTreeSet;

use time::{Duration, OffsetDateTime};

use super::judge::{Certificate, Held, HostState, Role, Row, SecretState, row_of};
use crate::lint::codes::{self, Code};
use crate::lint::{Finding, Place};
use crate::shell::quote;

/// Adds what the Secrets hold to the rows of a host, and says what is wrong.
pub(super) fn judge(
    host: &HostState,
    rows: &mut Vec<Row>,
    within: Option<Duration>,
    now: OffsetDateTime,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for secret in &host.secrets {
        let Some(Held { leaf, key, authorities }) = &secret.held else {
            findings.push(
                finding(
                    secret,
                    &codes::STATUS_SECRET_MISSING,
                    format!("the cluster has no Secret {} for {}", secret.title, host.host),
                )
                .fix("istio-tls apply; or --local, when it is not to be there"),
            );
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
            }));
        }
        if let Some(Ok(leaf)) = leaf {
            row_of(rows, host, &Role::Server, leaf, within, now).secret = Some(secret.title.clone());
            let file = host.files.iter().find(|(role, ..)| *role == Role::Server);
            if let Some((_, _, file)) = file.filter(|(_, _, file)| file.sha256 != leaf.sha256) {
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

fn drift(host: &HostState, secret: &SecretState, leaf: &Certificate, file: &Certificate) -> Finding {
    let name = quote(host.host.as_str());
    let finding = finding(
        secret,
        &codes::STATUS_SECRET_DRIFT,
        format!(
            "the Secret {} holds serial {} for {}, its file has {}",
            secret.title, leaf.serial, host.host, file.serial
        ),
    );
    if leaf.not_before > file.not_before {
        return finding
            .why("the Secret's certificate is newer: it was renewed from elsewhere")
            .fix(format!(
                "istio-tls adopt secret/{} --host {name} --force takes it over",
                secret.title
            ));
    }
    finding.fix(format!(
        "istio-tls rotate {name} --if-expires-in 0d brings the Secret up to the files, and proves it; --force-conflicts where others have changed it"
    ))
}

fn bundle_drift(host: &HostState, secret: &SecretState, authorities: &[Certificate]) -> Option<Finding> {
    let set = |all: &[Certificate]| -> BTreeSet<String> { all.iter().map(|ca| ca.sha256.clone()).collect() };
    let (in_secret, in_files) = (set(authorities), set(&host.bundle));
    if in_secret == in_files || host.bundle.is_empty() {
        return None;
    }
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
        (missing > 0).then(|| format!("{} of ca-chain.cert.pem missing in it", cas(missing))),
        (left > 0).then(|| format!("{} in it that ca-chain.cert.pem does not hold", cas(left))),
    ]
    .into_iter()
    .flatten()
    .collect();
    Some(
        finding(
            secret,
            &codes::STATUS_BUNDLE_DRIFT,
            format!(
                "the Secret {} verifies the clients of {} with other CAs than the files: {}",
                secret.title,
                host.host,
                words.join(", ")
            ),
        )
        .fix(format!(
            "istio-tls rotate {} --if-expires-in 0d brings the Secret up to the files, and proves it; --force-conflicts where others have changed it",
            quote(host.host.as_str())
        )),
    )
}
