//! `istio-tls gen-certs`.

use super::context::Context;
use super::{Exit, Failure};
use crate::problem::Problem;

/// Makes a root, intermediate, server and client certificate per host
#[derive(clap::Args)]
pub(super) struct GenCertsArgs {}

pub(super) fn run(_args: GenCertsArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(Failure::runtime(Problem::new("gen-certs is not written yet")))
}
