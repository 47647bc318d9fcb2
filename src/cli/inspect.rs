//! `istio-tls inspect`.

use super::context::Context;
use super::{Exit, Failure};
use crate::problem::Problem;

/// Explains certificates and keys in a file, a folder, a Secret or at a host
#[derive(clap::Args)]
pub(super) struct InspectArgs {}

pub(super) fn run(_args: InspectArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(Failure::runtime(Problem::new("inspect is not written yet")))
}
