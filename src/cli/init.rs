//! `istio-tls init`.

use super::context::Context;
use super::{Exit, Failure};
use crate::problem::Problem;

/// Writes istio-tls.yaml
#[derive(clap::Args)]
pub(super) struct InitArgs {}

pub(super) fn run(_args: InitArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(Failure::runtime(Problem::new("init is not written yet")))
}
