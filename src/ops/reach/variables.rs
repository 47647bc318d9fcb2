//! `probe --print-env`: the variables of Istio's tasks for the gateway's address.

use super::connection::Connection;
use super::probe::nowhere;
use crate::ops::cluster_access::runtime;
use crate::ops::failure::Failure;
use crate::ops::surroundings::Surroundings;
use crate::probe::ingress_variables::{IngressVariables, variables};

/// Finds the gateway and returns its variables; only an API server is contacted.
///
/// # Errors
/// If there is no gateway (exit 1), or its cluster cannot be reached.
pub fn run(connection: &Connection, here: &Surroundings) -> Result<IngressVariables, Failure> {
    let reached = runtime()?.block_on(connection.reach_printed(here))?;
    variables(&reached.target).ok_or_else(|| nowhere(connection, here))
}
