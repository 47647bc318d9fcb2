//! What `init` prints for programs.

use serde::Serialize;

use crate::files::shown;
use crate::ops::init::Outcome;

/// What was written.
#[derive(Debug, Serialize)]
pub struct OutcomeJson<'o> {
    schema: u32,
    workspace: String,
    id: &'o str,
    hosts: usize,
}

/// What was written, for programs.
pub fn outcome(outcome: &Outcome) -> OutcomeJson<'_> {
    OutcomeJson {
        schema: 1,
        workspace: shown(&outcome.path),
        id: &outcome.id,
        hosts: outcome.hosts.len(),
    }
}
