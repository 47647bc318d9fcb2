//! The JSON output of `status`.

use schemars::JsonSchema;
use serde::Serialize;

use super::finding_json::FindingJson;
use super::schema_number::SchemaNumber;
use crate::certs::times::rfc3339;
use crate::lint::Skipped;
use crate::names::Host;
use crate::ops::status::facts::Role;
use crate::ops::status::outcome::Outcome;
use crate::ops::status::rows::{Row, State};
use crate::remedy::Aim;
use crate::workspace::config::Mode;

/// The whole report.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report<'o> {
    /// The number of this format.
    schema: SchemaNumber,
    /// The context of the cluster, if one was used.
    context: Option<&'o str>,
    /// The certificates, by host.
    certificates: Vec<CertificateJson<'o>>,
    /// What is wrong.
    findings: Vec<FindingJson<'o>>,
    /// What was not checked.
    skipped: Vec<&'o Skipped>,
}

/// A row of the table.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CertificateJson<'o> {
    /// The host: a DNS name, a wildcard or an IP address.
    host: &'o Host,
    /// How the gateway authenticates clients.
    mode: Mode,
    /// Which certificate of the chain.
    what: RoleJson,
    /// The client's name, for a client certificate.
    client: Option<&'o str>,
    /// The serial number, lower-case hex pairs with colons.
    serial: &'o str,
    /// Start of validity, RFC 3339.
    not_before: String,
    /// End of validity, RFC 3339.
    not_after: String,
    /// Whole days until it expires; negative when it has.
    days_left: i64,
    /// Whether it is valid and not about to expire.
    state: State,
    /// The file that holds it.
    file: Option<&'o str>,
    /// The Secret that holds it, as `namespace/name`.
    secret: Option<&'o str>,
    /// The address that serves it.
    served: Option<&'o str>,
    /// SHA-256 of the certificate, lower-case hex pairs with colons.
    sha256: &'o str,
}

/// Which certificate of a chain.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum RoleJson {
    /// The server's.
    Server,
    /// A client's.
    Client,
    /// The intermediate CA's.
    Intermediate,
    /// The root's.
    Root,
    /// The previous intermediate CA's, while the CA is being replaced.
    PreviousIntermediate,
    /// The previous root's, while the CA is being replaced.
    PreviousRoot,
    /// A CA that is only in a Secret.
    Authority,
}

/// The report; `aim` completes the command lines.
pub fn report<'o>(outcome: &'o Outcome, aim: &Aim) -> Report<'o> {
    Report {
        schema: SchemaNumber,
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
            what: (&row.role).into(),
            client: match &row.role {
                Role::Client(name) => Some(name),
                _ => None,
            },
            serial: &certificate.serial,
            not_before: rfc3339(certificate.not_before),
            not_after: rfc3339(certificate.not_after),
            days_left: row.days_left,
            state: row.state,
            file: row.file.as_deref(),
            secret: row.secret.as_deref(),
            served: row.served.as_deref(),
            sha256: &certificate.sha256,
        }
    }
}

impl From<&Role> for RoleJson {
    fn from(role: &Role) -> Self {
        match role {
            Role::Server => Self::Server,
            Role::Client(_) => Self::Client,
            Role::Intermediate => Self::Intermediate,
            Role::Root => Self::Root,
            Role::PreviousIntermediate => Self::PreviousIntermediate,
            Role::PreviousRoot => Self::PreviousRoot,
            Role::Authority => Self::Authority,
        }
    }
}
