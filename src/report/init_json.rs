//! The JSON output of `init`.

use schemars::JsonSchema;
use serde::Serialize;

use super::schema_number::SchemaNumber;
use crate::files::shown;
use crate::ops::init::Outcome;

/// What was written.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OutcomeJson<'o> {
    /// The number of this format.
    schema: SchemaNumber,
    /// The path of istio-tls.yaml.
    workspace: String,
    /// The workspace's id.
    id: &'o str,
    /// The number of hosts in it.
    hosts: usize,
}

/// What was written, as JSON.
pub fn outcome(outcome: &Outcome) -> OutcomeJson<'_> {
    OutcomeJson {
        schema: SchemaNumber,
        workspace: shown(&outcome.path),
        id: &outcome.id,
        hosts: outcome.hosts.len(),
    }
}
