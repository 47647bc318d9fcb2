//! `probe --print-env`: the variables of Istio's tasks that say where the gateway is.

use super::connection::Connection;
use super::probe::nowhere;
use crate::ops::cluster_access::runtime;
use crate::ops::failure::Failure;
use crate::ops::surroundings::Surroundings;
use crate::probe::ingress_variables::{IngressVariables, variables};

/// Finds the gateway and tells its variables; nothing is dialled but an API server.
///
/// # Errors
/// When there is no gateway (exit 1), or its cluster cannot be asked.
pub fn run(connection: &Connection, here: &Surroundings) -> Result<IngressVariables, Failure> {
    let reached = runtime()?.block_on(connection.reach_printed(here))?;
    variables(&reached.target).ok_or_else(|| nowhere(connection, here))
}
