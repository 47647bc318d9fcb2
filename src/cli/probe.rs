//! `istio-tls probe`.

use super::context::Context;
use super::{Exit, Failure};
use crate::problem::Problem;

/// Proves TLS and mutual TLS from a client's side
#[derive(clap::Args)]
pub(super) struct ProbeArgs {}

pub(super) fn run(_args: ProbeArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(Failure::runtime(Problem::new("probe is not written yet")))
}
