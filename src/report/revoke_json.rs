//! The JSON output of `revoke`.

use schemars::JsonSchema;
use serde::Serialize;

use super::schema_number::SchemaNumber;
use crate::files::shown;
use crate::names::Host;
use crate::ops::revoke::Outcome;

/// What was revoked.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeJson<'o> {
    /// The number of this format.
    schema: SchemaNumber,
    /// The host: a DNS name, a wildcard or an IP address.
    host: &'o Host,
    /// The first of `serials`; null with `--renew`.
    serial: Option<&'o String>,
    /// The serial numbers that are revoked, lower-case hex pairs with colons.
    serials: &'o [String],
    /// Whether all of them were already revoked.
    already_revoked: bool,
    /// The paths of the CRLs.
    crls: Vec<String>,
}

/// What was revoked, as JSON.
pub fn outcome(outcome: &Outcome) -> OutcomeJson<'_> {
    OutcomeJson {
        schema: SchemaNumber,
        host: &outcome.host,
        serial: outcome.serials.first(),
        serials: &outcome.serials,
        already_revoked: outcome.already,
        crls: outcome.lists.iter().map(|path| shown(path)).collect(),
    }
}
