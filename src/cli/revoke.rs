//! `istio-tls revoke`.

use super::context::Context;
use super::{Exit, Failure};
use crate::problem::Problem;

/// Revokes a client or server certificate
#[derive(clap::Args)]
pub(super) struct RevokeArgs {}

pub(super) fn run(_args: RevokeArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(Failure::runtime(Problem::new("revoke is not written yet")))
}
