//! `istio-tls up`.

use super::context::Context;
use super::{Exit, Failure};
use crate::problem::Problem;

/// Makes certificates if needed, serves, and probes
#[derive(clap::Args)]
pub(super) struct UpArgs {}

pub(super) fn run(_args: UpArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(Failure::runtime(Problem::new("up is not written yet")))
}
