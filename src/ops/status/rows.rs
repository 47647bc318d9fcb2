//! The table of `status`: one row for each certificate, wherever it is.

use schemars::JsonSchema;
use serde::Serialize;
use time::{Duration, OffsetDateTime};

use super::facts::{HostState, Role};
use crate::certs::summary::CertificateSummary;
use crate::certs::times::days_between;
use crate::names::Host;
use crate::workspace::config::Mode;

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The host.
    pub host: Host,
    /// Its mode.
    pub mode: Mode,
    /// Its role.
    pub role: Role,
    /// The certificate.
    pub certificate: CertificateSummary,
    /// Whole days until it expires.
    pub days_left: i64,
    /// The file that holds it.
    pub file: Option<String>,
    /// The Secret that holds it, with its namespace.
    pub secret: Option<String>,
    /// The address that serves it.
    pub served: Option<String>,
    /// Its state.
    pub state: State,
}

/// The state of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is valid for longer than requested.
    Good,
    /// It is not valid yet.
    NotYetValid,
    /// It expires within the requested time.
    Due,
    /// It has expired.
    Expired,
}

/// The row of a certificate; a new one, after those of its role, if no row has it yet.
pub(super) fn row_of<'r>(
    rows: &'r mut Vec<Row>,
    host: &HostState,
    role: &Role,
    certificate: &CertificateSummary,
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

/// A row for a certificate with no known place yet.
pub(super) fn row(
    host: &HostState,
    role: &Role,
    certificate: &CertificateSummary,
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
        file: None,
        secret: None,
        served: None,
        state,
    }
}
