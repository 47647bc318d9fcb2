//! What `status` found, for programs.

use serde::Serialize;

use super::finding_json::FindingJson;
use crate::certs::times::rfc3339;
use crate::lint::Skipped;
use crate::names::Host;
use crate::ops::status::facts::Role;
use crate::ops::status::outcome::Outcome;
use crate::ops::status::rows::Row;
use crate::remedy::Aim;
use crate::workspace::config::Mode;

/// The whole report.
#[derive(Debug, Serialize)]
pub struct Report<'o> {
    schema: u32,
    /// The cluster's, where one was asked.
    context: Option<&'o str>,
    certificates: Vec<CertificateJson<'o>>,
    findings: Vec<FindingJson<'o>>,
    skipped: Vec<&'o Skipped>,
}

/// A row of the table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CertificateJson<'o> {
    host: &'o Host,
    mode: Mode,
    what: &'static str,
    /// Of a client's certificate: its name.
    client: Option<&'o str>,
    serial: &'o str,
    not_before: String,
    not_after: String,
    days_left: i64,
    state: &'static str,
    file: Option<&'o str>,
    secret: Option<&'o str>,
    served: Option<&'o str>,
    sha256: &'o str,
}

/// The report for a user who stands at `aim`.
pub fn report<'o>(outcome: &'o Outcome, aim: &Aim) -> Report<'o> {
    Report {
        schema: 1,
        context: outcome.context.as_deref(),
        certificates: outcome.rows.iter().map(CertificateJson::new).collect(),
        findings: (outcome.findings.iter())
            .map(|finding| FindingJson::new(finding, aim))
            .collect(),
        skipped: outcome.skipped.iter().chain(&outcome.unserved).collect(),
    }
}

impl<'o> CertificateJson<'o> {
    fn new(row: &'o Row) -> Self {
        let certificate = &row.certificate;
        Self {
            host: &row.host,
            mode: row.mode,
            what: word(&row.role),
            client: match &row.role {
                Role::Client(name) => Some(name),
                _ => None,
            },
            serial: &certificate.serial,
            not_before: rfc3339(certificate.not_before),
            not_after: rfc3339(certificate.not_after),
            days_left: row.days_left,
            state: row.state.word(),
            file: row.file.as_deref(),
            secret: row.secret.as_deref(),
            served: row.served.as_deref(),
            sha256: &certificate.sha256,
        }
    }
}

fn word(role: &Role) -> &'static str {
    match role {
        Role::Server => "server",
        Role::Client(_) => "client",
        Role::Intermediate => "intermediate",
        Role::Root => "root",
        Role::PreviousIntermediate => "previous-intermediate",
        Role::PreviousRoot => "previous-root",
        Role::Authority => "authority",
    }
}
