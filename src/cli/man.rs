//! `istio-tls man`.

use super::context::Context;
use super::{Exit, Failure};
use crate::problem::Problem;

/// Prints the manual page
#[derive(clap::Args)]
pub(super) struct ManArgs {}

pub(super) fn run(_args: &ManArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(Failure::runtime(Problem::new("man is not written yet")))
}
