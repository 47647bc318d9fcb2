//! Turns the facts of `status` into a row per certificate, and findings. Pure.

use time::{Duration, OffsetDateTime};

use super::advice;
use super::facts::{HostState, KeyFault, Role};
use super::rows::{Row, State, row};
use super::{judge_secrets, judge_served};
use crate::certs::times::{ago, days_between};
use crate::lint::codes;
use crate::lint::{Finding, Place, Severity};
use crate::remedy::{Remedy, ours};

/// Rows in the order of the hosts, and findings; `within` is `--expires-within`.
pub(super) fn judge(hosts: &[HostState], within: Option<Duration>, now: OffsetDateTime) -> (Vec<Row>, Vec<Finding>) {
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    for host in hosts {
        findings.extend(host.broken.iter().map(|broken| {
            let what = format!("a part of the chain of {} is missing or broken", host.host);
            Finding::new(&codes::STATUS_BROKEN, Place::file(&broken.file, 0), what)
                .why(broken.why.clone())
                .fix(advice::of_broken(host, broken))
        }));
        findings.extend(host.key_fault.as_ref().map(|fault| key_finding(host, fault)));
        findings.extend(
            host.lists
                .iter()
                .filter_map(|(file, end)| list_finding(host, file, *end, within, now)),
        );
        if host.files.iter().any(|(role, ..)| *role == Role::PreviousRoot) {
            let finish = Remedy::from(ours::rotate_finish(&host.host));
            findings.push(
                Finding::new(
                    &codes::STATUS_ROTATING,
                    Place::default(),
                    format!("the CA of {} is being replaced", host.host),
                )
                .fix(if host.leaf_in_force {
                    finish.and(", which continues where it stopped")
                } else {
                    finish
                        .and(", when every client has moved")
                        .or(ours::rotate_abort(&host.host))
                }),
            );
        }
        let mut of_host: Vec<Row> = (host.files.iter())
            .map(|(role, file, certificate)| Row {
                file: Some(file.clone()),
                ..row(host, role, certificate, within, now)
            })
            .collect();
        findings.extend(judge_secrets::judge(host, &mut of_host, within, now));
        findings.extend(judge_served::judge(host, &mut of_host, within, now));
        findings.extend(of_host.iter().filter_map(|row| time_finding(host, row, now)));
        rows.append(&mut of_host);
    }
    (rows, findings)
}

fn key_finding(host: &HostState, fault: &KeyFault) -> Finding {
    let rotate = Remedy::from(ours::rotate(&host.host)).and(" issues a new leaf and key");
    let (verb, fix) = if fault.is_missing {
        ("is missing", rotate.or("restore the key"))
    } else {
        ("cannot be used", rotate)
    };
    let what = format!("the server key of {} {verb}", host.host);
    Finding::new(&codes::STATUS_BROKEN, Place::file(&fault.file, 0), what)
        .why(fault.why.clone())
        .fix(fix)
}

fn time_finding(host: &HostState, row: &Row, now: OffsetDateTime) -> Option<Finding> {
    let place = row.file.as_ref().map(|file| Place::file(file, 0)).unwrap_or_default();
    let of = match (&row.file, &row.secret, &row.served) {
        (None, Some(secret), _) => {
            format!(
                "the {} certificate of {} in Secret {secret}",
                row.role.words(),
                row.host
            )
        }
        (None, None, Some(target)) => format!("the {} certificate of {} at {target}", row.role.words(), row.host),
        _ => format!("the {} certificate of {}", row.role.words(), row.host),
    };
    let finding = match row.state {
        State::Good => return None,
        State::Expired => Finding::new(
            &codes::STATUS_EXPIRED,
            place,
            format!("{of} expired {}", ago(row.days_left)),
        ),
        State::NotYetValid => {
            let days = days_between(now, row.certificate.not_before) + 1;
            Finding::new(
                &codes::STATUS_NOT_YET_VALID,
                place,
                format!("{of} is not valid yet, for {}", days_in_words(days)),
            )
        }
        State::Due => Finding::new(
            &codes::STATUS_DUE,
            place,
            format!("{of} expires in {}", days_in_words(row.days_left)),
        ),
    };
    Some(finding.fix(advice::renewal(&row.role, host)))
}

fn list_finding(
    host: &HostState,
    file: &str,
    end: OffsetDateTime,
    within: Option<Duration>,
    now: OffsetDateTime,
) -> Option<Finding> {
    let days = days_between(now, end);
    let (severity, what) = if end < now {
        (Severity::Error, format!("a CRL of {} expired {}", host.host, ago(days)))
    } else if within.is_some_and(|within| end <= now + within) {
        (
            Severity::Warning,
            format!("a CRL of {} expires in {}", host.host, days_in_words(days)),
        )
    } else {
        return None;
    };
    Some(
        Finding::new(&codes::STATUS_LIST_ENDS, Place::file(file, 0), what)
            .severity(severity)
            .fix(ours::revoke_renew(&host.host)),
    )
}

fn days_in_words(days: i64) -> String {
    match days {
        0 => "less than a day".into(),
        1 => "1 day".into(),
        days => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests;
