//! `istio-tls adopt`.

use super::context::Context;
use super::{Exit, Failure};
use crate::problem::Problem;

/// Takes an existing chain into the workspace
#[derive(clap::Args)]
pub(super) struct AdoptArgs {}

pub(super) fn run(_args: AdoptArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(Failure::runtime(Problem::new("adopt is not written yet")))
}
