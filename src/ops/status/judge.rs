//! What `status` makes of what was read and seen: a row per certificate, and
//! findings. Pure.

use time::{Duration, OffsetDateTime};

use crate::certs::times::{ago, days_between};
use crate::ops::secret_advice::{self, Advice, bring_up};
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
    /// A CA in a Secret that is none of the files'.
    Authority,
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
            Self::Authority => "CA".into(),
        }
    }

    /// The line that renews it.
    fn renewal(&self, state: &HostState) -> String {
        // What others have renewed in the Secret is not to be renewed once more here.
        if let (Self::Server | Self::Authority, Some(advice)) = (self, state.advice()) {
            return advice.fix;
        }
        let host = quote(state.host.as_str());
        match self {
            Self::Server => format!("istio-tls rotate {host}"),
            Self::Client(_) => format!("istio-tls rotate {host} --clients"),
            Self::Intermediate | Self::Root => format!("istio-tls rotate {host} --ca"),
            Self::PreviousIntermediate | Self::PreviousRoot => format!("istio-tls rotate {host} --finish"),
            Self::Authority => format!("{} brings the Secret up to the files", bring_up(&state.host)),
        }
    }
}

/// What the gateway presented for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Served {
    /// This leaf.
    Leaf(Certificate),
    /// None: the probe's code and words, and which `--target` asks the same gateway
    /// again, where that is none of this workspace's.
    Nothing {
        code: &'static str,
        summary: String,
        again: Option<String>,
    },
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
    /// What is wrong with the server's key.
    pub(super) key_fault: Option<KeyFault>,
    /// The server's leaf is of the CA in force, as where a rotation of the CA is
    /// nearly finished.
    pub(super) leaf_in_force: bool,
    /// What clients are verified with, by the files.
    pub(super) bundle: Vec<Certificate>,
    /// Its Secrets; none where no cluster is in play.
    pub(super) secrets: Vec<SecretState>,
    /// Where it was asked for, and what came; none where nothing runs.
    pub(super) served: Option<(String, Served)>,
    /// Clients that were shown to that gateway.
    pub(super) clients: Vec<ShownClient>,
}

/// A client's certificate of the files, and what the gateway did with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShownClient {
    /// `the client chain of the CA that went`.
    pub(super) label: &'static str,
    /// By the files it is to be let in.
    pub(super) is_trusted: bool,
    /// It was asked for and let in; none where neither was seen.
    pub(super) outcome: Option<Shown>,
}

/// What the gateway did with a client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    LetIn,
    /// Refused, in words.
    Refused(String),
}

/// Why the server's key cannot be served with the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyFault {
    pub(super) file: String,
    pub(super) why: String,
    /// It is not there at all.
    pub(super) is_missing: bool,
}

impl HostState {
    /// The server's leaf in the files.
    pub(super) fn leaf(&self) -> Option<(&str, &Certificate)> {
        let server = self.files.iter().find(|(role, ..)| *role == Role::Server);
        server.map(|(_, file, certificate)| (file.as_str(), certificate))
    }

    /// What to do where others keep or have renewed a Secret of the host that differs
    /// from the files; none where the files count.
    pub(super) fn advice(&self) -> Option<Advice> {
        let (_, file) = self.leaf()?;
        self.secrets.iter().find_map(|secret| {
            let leaf = secret.held.as_ref()?.leaf.as_ref()?.as_ref().ok()?;
            if leaf.sha256 == file.sha256 {
                return None;
            }
            let newer = leaf.not_before > file.not_before;
            secret_advice::of_others(&secret.title, &self.host, secret.controller.as_deref(), newer)
        })
    }

    /// What brings a chain back that is missing or broken: a good Secret holds what
    /// clients trust.
    fn regained(&self) -> String {
        let name = quote(self.host.as_str());
        let anew = format!("istio-tls gen-certs {name} --force makes it anew");
        let mut good = self.secrets.iter().filter(|secret| {
            let held = secret.held.as_ref();
            held.is_some_and(|held| matches!(held.leaf, Some(Ok(_))) && held.key.is_none())
        });
        match good.next() {
            Some(secret) => format!(
                "istio-tls adopt secret/{} --host {name} --force takes it back from there; or {anew}, with a root that no client knows",
                secret.title
            ),
            None => anew,
        }
    }
}

/// What one Secret of a host holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SecretState {
    /// `istio-system/httpbin-credential`.
    pub(super) title: String,
    /// None when it is not there.
    pub(super) held: Option<Held>,
    /// The program that keeps it as it wants it, in words.
    pub(super) controller: Option<String>,
    /// Where it is, or is to be, instead, when it is not there.
    pub(super) elsewhere: Option<String>,
}

/// The certificates of a Secret, or why they cannot be read; none of a kind that
/// the Secret is not for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) leaf: Option<Result<Certificate, String>>,
    /// What is wrong with the leaf's key.
    pub(super) key: Option<String>,
    pub(super) authorities: Option<Result<Vec<Certificate>, String>>,
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
    /// The Secret that holds it, with its namespace.
    pub(super) secret: Option<String>,
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
                .fix(host.regained()),
            );
        }
        findings.extend(host.key_fault.as_ref().map(|fault| key_finding(host, fault)));
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
                .fix(if host.leaf_in_force {
                    format!("istio-tls rotate {name} --finish, which goes on where it stopped")
                } else {
                    format!("istio-tls rotate {name} --finish, when every client has moved; or --abort")
                }),
            );
        }
        let mut of_host: Vec<Row> = (host.files.iter())
            .map(|(role, file, certificate)| Row {
                file: Some(file.clone()),
                ..row(host, role, certificate, within, now)
            })
            .collect();
        findings.extend(super::judge_secrets::judge(host, &mut of_host, within, now));
        findings.extend(super::judge_served::judge(host, &mut of_host, within, now));
        findings.extend(of_host.iter().filter_map(|row| time_finding(host, row, now)));
        rows.append(&mut of_host);
    }
    (rows, findings)
}

fn key_finding(host: &HostState, fault: &KeyFault) -> Finding {
    let name = quote(host.host.as_str());
    let (verb, fix) = if fault.is_missing {
        let fix = format!(
            "put it there (of a chain made with gen-certs --csr: that of the request); or {}",
            host.regained()
        );
        ("is missing", fix)
    } else {
        (
            "cannot be used",
            format!("istio-tls rotate {name} makes a new leaf and key"),
        )
    };
    let what = format!("the server key of {} {verb}", host.host);
    Finding::new(&codes::STATUS_BROKEN, Place::file(&fault.file, 0), what)
        .why(fault.why.clone())
        .fix(fix)
}

/// The row of a certificate; a new one, behind those of its role, where no row
/// has it yet.
pub(super) fn row_of<'r>(
    rows: &'r mut Vec<Row>,
    host: &HostState,
    role: &Role,
    certificate: &Certificate,
    within: Option<Duration>,
    now: OffsetDateTime,
) -> &'r mut Row {
    let same =
        |row: &Row| row.certificate.sha256 == certificate.sha256 && (*role == Role::Authority || row.role == *role);
    let place = rows.iter().position(same).unwrap_or_else(|| {
        let place = match rows.iter().rposition(|row| row.role == *role) {
            Some(last) => last + 1,
            None if *role == Role::Server => 0,
            None => rows.len(),
        };
        rows.insert(place, row(host, role, certificate, within, now));
        place
    });
    &mut rows[place]
}

/// A row for a certificate that has been seen nowhere yet.
fn row(host: &HostState, role: &Role, certificate: &Certificate, within: Option<Duration>, now: OffsetDateTime) -> Row {
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
        file: None,
        secret: None,
        served: None,
        state,
    }
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
            format!("{of} ends in {}", days_in_words(row.days_left)),
        ),
    };
    Some(finding.fix(row.role.renewal(host)))
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
mod tests;
