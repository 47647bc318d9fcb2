//! `istio-tls serve`.

use super::context::Context;
use super::{Exit, Failure};
use crate::problem::Problem;

/// Runs the Gateway and VirtualServices in a local gateway
#[derive(clap::Args)]
pub(super) struct ServeArgs {}

pub(super) fn run(_args: ServeArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(Failure::runtime(Problem::new("serve is not written yet")))
}
