//! What `status` makes of what was read and seen: a row per certificate, and
//! findings. Pure.

use time::{Duration, OffsetDateTime};

use crate::certs::times::{ago, days_between};
use crate::lint::codes;
use crate::lint::{Finding, Place, Severity};
use crate::names::Host;
use crate::shell::quote;
use crate::workspace::config::Mode;

/// A certificate as far as `status` tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    /// Hex with colons.
    pub(super) serial: String,
    pub(super) not_before: OffsetDateTime,
    pub(super) not_after: OffsetDateTime,
    /// Of the whole certificate, hex with colons.
    pub(super) sha256: String,
}

/// What a certificate is in its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    Server,
    Client(String),
    Intermediate,
    Root,
    PreviousIntermediate,
    PreviousRoot,
}

impl Role {
    /// `client alice`.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Server => "server".into(),
            Self::Client(name) => format!("client {name}"),
            Self::Intermediate => "intermediate".into(),
            Self::Root => "root".into(),
            Self::PreviousIntermediate => "previous intermediate".into(),
            Self::PreviousRoot => "previous root".into(),
        }
    }

    /// The line that renews it.
    fn renewal(&self, host: &Host) -> String {
        let host = quote(host.as_str());
        match self {
            Self::Server => format!("istio-tls rotate {host}"),
            Self::Client(_) => format!("istio-tls rotate {host} --clients"),
            Self::Intermediate | Self::Root => format!("istio-tls rotate {host} --ca"),
            Self::PreviousIntermediate | Self::PreviousRoot => format!("istio-tls rotate {host} --finish"),
        }
    }
}

/// What the gateway presented for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Served {
    /// This leaf.
    Leaf(Certificate),
    /// None; the probe's code and words.
    Nothing { code: &'static str, summary: String },
}

/// All that is known of a host.
#[derive(Debug, Clone)]
pub(super) struct HostState {
    pub(super) host: Host,
    pub(super) mode: Mode,
    /// Role, file, certificate.
    pub(super) files: Vec<(Role, String, Certificate)>,
    /// The ends (nextUpdate) of revocation lists, and their files.
    pub(super) lists: Vec<(String, OffsetDateTime)>,
    /// Parts that are missing or cannot be read: file and reason.
    pub(super) broken: Vec<(String, String)>,
    /// Where it was asked for, and what came; none where nothing runs.
    pub(super) served: Option<(String, Served)>,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) host: Host,
    pub(super) mode: Mode,
    pub(super) role: Role,
    pub(super) certificate: Certificate,
    pub(super) days_left: i64,
    /// The file that holds it.
    pub(super) file: Option<String>,
    /// The address that serves it.
    pub(super) served: Option<String>,
    pub(super) state: State,
}

/// How a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Good,
    NotYetValid,
    Due,
    Expired,
}

impl State {
    /// The word in JSON.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::NotYetValid => "not-yet-valid",
            Self::Due => "due",
            Self::Expired => "expired",
        }
    }
}

/// Rows in the order of the hosts, and what is to be done; `within` is
/// `--expires-within`.
pub(super) fn judge(hosts: &[HostState], within: Option<Duration>, now: OffsetDateTime) -> (Vec<Row>, Vec<Finding>) {
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    for host in hosts {
        for (file, why) in &host.broken {
            findings.push(
                Finding::new(
                    &codes::STATUS_BROKEN,
                    Place::file(file, 0),
                    format!("a part of the chain of {} is missing or broken", host.host),
                )
                .why(why.clone())
                .fix(format!(
                    "istio-tls gen-certs {} --force makes it anew",
                    quote(host.host.as_str())
                )),
            );
        }
        findings.extend(
            host.lists
                .iter()
                .filter_map(|(file, end)| list_finding(host, file, *end, within, now)),
        );
        if host.files.iter().any(|(role, ..)| *role == Role::PreviousRoot) {
            let name = quote(host.host.as_str());
            findings.push(
                Finding::new(
                    &codes::STATUS_ROTATING,
                    Place::default(),
                    format!("the CA of {} is being rotated", host.host),
                )
                .fix(format!(
                    "istio-tls rotate {name} --finish, when every client has moved; or --abort"
                )),
            );
        }
        let mut of_host = Vec::new();
        let leaf = match &host.served {
            Some((target, Served::Leaf(leaf))) => Some((target, leaf)),
            _ => None,
        };
        for (role, file, certificate) in &host.files {
            let is_served = leaf.filter(|(_, leaf)| *role == Role::Server && leaf.sha256 == certificate.sha256);
            of_host.push(row(
                host,
                role,
                certificate,
                Some(file),
                is_served.map(|(target, _)| target),
                within,
                now,
            ));
        }
        if let Some((target, leaf)) = leaf
            && !of_host.iter().any(|row| row.served.is_some())
        {
            let file = host.files.iter().find(|(role, ..)| *role == Role::Server);
            if let Some((_, file, certificate)) = file {
                findings.push(Finding::new(
                    &codes::STATUS_DRIFT,
                    Place::file(file, 0),
                    format!(
                        "{} is served with serial {} at {target}, its file has {}",
                        host.host, leaf.serial, certificate.serial
                    ),
                ));
            }
            // Beside the file that it should be.
            let place = usize::from(file.is_some());
            of_host.insert(place, row(host, &Role::Server, leaf, None, Some(target), within, now));
        }
        if let Some((target, Served::Nothing { code, summary })) = &host.served {
            findings.push(
                Finding::new(
                    &codes::STATUS_NOT_SERVED,
                    Place::default(),
                    format!("{target} presents no certificate for {}", host.host),
                )
                .why(format!("{summary} ({code})"))
                .fix(format!("istio-tls probe {}", quote(host.host.as_str()))),
            );
        }
        findings.extend(of_host.iter().filter_map(|row| time_finding(row, now)));
        rows.append(&mut of_host);
    }
    (rows, findings)
}

fn row(
    host: &HostState,
    role: &Role,
    certificate: &Certificate,
    file: Option<&String>,
    served: Option<&String>,
    within: Option<Duration>,
    now: OffsetDateTime,
) -> Row {
    let state = if certificate.not_after < now {
        State::Expired
    } else if certificate.not_before > now {
        State::NotYetValid
    } else if within.is_some_and(|within| certificate.not_after <= now + within) {
        State::Due
    } else {
        State::Good
    };
    Row {
        host: host.host.clone(),
        mode: host.mode,
        role: role.clone(),
        days_left: days_between(now, certificate.not_after),
        certificate: certificate.clone(),
        file: file.cloned(),
        served: served.cloned(),
        state,
    }
}

fn time_finding(row: &Row, now: OffsetDateTime) -> Option<Finding> {
    let place = row.file.as_ref().map(|file| Place::file(file, 0)).unwrap_or_default();
    let of = match (&row.file, &row.served) {
        (None, Some(target)) => format!("the {} certificate of {} at {target}", row.role.words(), row.host),
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
            format!("{of} ends in {}", days_in_words(row.days_left)),
        ),
    };
    Some(finding.fix(row.role.renewal(&row.host)))
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
        (
            Severity::Error,
            format!("a revocation list of {} ended {}", host.host, ago(days)),
        )
    } else if within.is_some_and(|within| end <= now + within) {
        (
            Severity::Warning,
            format!("a revocation list of {} ends in {}", host.host, days_in_words(days)),
        )
    } else {
        return None;
    };
    Some(
        Finding::new(&codes::STATUS_LIST_ENDS, Place::file(file, 0), what)
            .severity(severity)
            .fix(format!("istio-tls revoke {} --renew", quote(host.host.as_str()))),
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
mod tests {
    use time::{Duration, OffsetDateTime};

    use super::{Certificate, HostState, Role, Served, State, judge};
    use crate::names::Host;
    use crate::workspace::config::Mode;

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time")
    }

    fn certificate(serial: &str, from: i64, to: i64) -> Certificate {
        Certificate {
            serial: serial.into(),
            not_before: now() + Duration::days(from),
            not_after: now() + Duration::days(to),
            sha256: format!("hash of {serial}"),
        }
    }

    fn host(server: Certificate, served: Option<Served>) -> HostState {
        HostState {
            host: Host::parse("a.com").expect("a host"),
            mode: Mode::Mutual,
            files: vec![
                (Role::Server, "server.pem".into(), server),
                (Role::Root, "root.pem".into(), certificate("root", -1, 3000)),
            ],
            lists: Vec::new(),
            broken: Vec::new(),
            served: served.map(|served| ("127.0.0.1:8443".into(), served)),
        }
    }

    #[test]
    fn what_is_due_or_differs_is_found() {
        let good = || certificate("01", -1, 300);
        let nothing = || Served::Nothing {
            code: "reset-after-client-hello",
            summary: "reset".into(),
        };
        for (what, host, within, codes, states) in [
            (
                "all well",
                host(good(), Some(Served::Leaf(good()))),
                Some(30),
                &[][..],
                &[State::Good, State::Good][..],
            ),
            (
                "offline",
                host(good(), None),
                Some(30),
                &[],
                &[State::Good, State::Good],
            ),
            (
                "due",
                host(certificate("01", -1, 20), None),
                Some(30),
                &["ITL1002"],
                &[State::Due, State::Good],
            ),
            (
                "on the day",
                host(certificate("01", -1, 30), None),
                Some(30),
                &["ITL1002"],
                &[State::Due, State::Good],
            ),
            (
                "nobody asks",
                host(certificate("01", -1, 20), None),
                None,
                &[],
                &[State::Good, State::Good],
            ),
            (
                "expired",
                host(certificate("01", -9, -2), None),
                None,
                &["ITL1001"],
                &[State::Expired, State::Good],
            ),
            (
                "later",
                host(certificate("01", 2, 9), None),
                None,
                &["ITL1006"],
                &[State::NotYetValid, State::Good],
            ),
            (
                "drift",
                host(good(), Some(Served::Leaf(certificate("02", -1, 20)))),
                Some(30),
                &["ITL1003", "ITL1002"],
                &[State::Good, State::Due, State::Good],
            ),
            (
                "nothing served",
                host(good(), Some(nothing())),
                None,
                &["ITL1004"],
                &[State::Good, State::Good],
            ),
        ] {
            let (rows, findings) = judge(&[host], within.map(Duration::days), now());
            let found: Vec<_> = findings.iter().map(|finding| finding.code).collect();
            assert_eq!(found, codes, "{what}");
            let seen: Vec<_> = rows.iter().map(|row| row.state).collect();
            assert_eq!(seen, states, "{what}");
        }
    }

    #[test]
    fn revocation_lists_that_end_are_found() {
        use crate::lint::Severity::{Error, Warning};
        for (days, within, expected) in [
            (300, Some(30), None),
            (20, None, None),
            (20, Some(30), Some(Warning)),
            (-2, None, Some(Error)),
        ] {
            let mut state = host(certificate("01", -1, 300), None);
            state.lists.push(("ca.crl.pem".into(), now() + Duration::days(days)));
            let (_, findings) = judge(&[state], within.map(Duration::days), now());
            let found = findings.first().map(|finding| finding.severity);
            assert_eq!(found, expected, "{days} days");
            assert!(
                findings
                    .iter()
                    .all(|finding| finding.code == "ITL1008" && finding.file == "ca.crl.pem")
            );
        }
    }

    #[test]
    fn broken_parts_and_unfinished_rotations_are_found() {
        let mut state = host(certificate("01", -1, 300), None);
        state
            .files
            .push((Role::PreviousRoot, "old.pem".into(), certificate("00", -1, 10)));
        state.broken.push(("client.pem".into(), "it is truncated".into()));
        let (rows, findings) = judge(&[state], Some(Duration::days(30)), now());
        let found: Vec<_> = findings
            .iter()
            .map(|finding| (finding.code, finding.fix.as_str()))
            .collect();
        assert_eq!(rows.len(), 3);
        assert_eq!(
            found,
            [
                ("ITL1005", "istio-tls gen-certs a.com --force makes it anew"),
                (
                    "ITL1007",
                    "istio-tls rotate a.com --finish, when every client has moved; or --abort"
                ),
                ("ITL1002", "istio-tls rotate a.com --finish"),
            ]
        );
    }
}
