//! `istio-tls request`.

use super::context::Context;
use super::{Exit, Failure};
use crate::problem::Problem;

/// Sends one request with everything set
#[derive(clap::Args)]
pub(super) struct RequestArgs {}

pub(super) fn run(_args: RequestArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(Failure::runtime(Problem::new("request is not written yet")))
}
