//! `istio-tls completions`.

use super::context::Context;
use super::{Exit, Failure};
use crate::problem::Problem;

/// Prints a shell's completion script
#[derive(clap::Args)]
pub(super) struct CompletionsArgs {}

pub(super) fn run(_args: &CompletionsArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(Failure::runtime(Problem::new("completions is not written yet")))
}
