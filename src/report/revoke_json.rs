//! What `revoke` prints for programs.

use serde::Serialize;

use crate::files::shown;
use crate::names::Host;
use crate::ops::revoke::Outcome;

/// What was revoked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeJson<'o> {
    schema: u32,
    host: &'o Host,
    serial: Option<&'o String>,
    serials: &'o [String],
    already_revoked: bool,
    crls: Vec<String>,
}

/// What was revoked, for programs.
pub fn outcome(outcome: &Outcome) -> OutcomeJson<'_> {
    OutcomeJson {
        schema: 1,
        host: &outcome.host,
        serial: outcome.serials.first(),
        serials: &outcome.serials,
        already_revoked: outcome.already,
        crls: outcome.lists.iter().map(|path| shown(path)).collect(),
    }
}
