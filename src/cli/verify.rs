//! `istio-tls verify`.

use super::context::Context;
use super::{Exit, Failure};
use crate::problem::Problem;

/// Verifies a certificate as a client would
#[derive(clap::Args)]
pub(super) struct VerifyArgs {}

pub(super) fn run(_args: VerifyArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(Failure::runtime(Problem::new("verify is not written yet")))
}
