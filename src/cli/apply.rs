//! `istio-tls apply`: comes with the cluster commands.

use super::context::Context;
use super::{Exit, Failure};
use crate::problem::Problem;

/// Applies the workspace's objects to a cluster (comes in a later release)
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  istio-tls manifests | kubectl apply --server-side -f -")]
pub(super) struct ApplyArgs {}

pub(super) fn run(_args: ApplyArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(Failure::runtime(
        Problem::new("this release cannot apply to a cluster yet")
            .why("apply comes with the cluster commands, in a later release")
            .fix("istio-tls manifests | kubectl apply --server-side -f -"),
    ))
}
