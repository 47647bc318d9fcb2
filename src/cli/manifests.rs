//! `istio-tls manifests`.

use super::context::Context;
use super::{Exit, Failure};
use crate::problem::Problem;

/// Prints the Secrets, Gateway and VirtualServices
#[derive(clap::Args)]
pub(super) struct ManifestsArgs {}

pub(super) fn run(_args: ManifestsArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(Failure::runtime(Problem::new("manifests is not written yet")))
}
