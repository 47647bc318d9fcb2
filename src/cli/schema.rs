//! `istio-tls schema`.

use super::context::Context;
use super::{Exit, Failure};
use crate::problem::Problem;

/// Prints the JSON Schema of istio-tls.yaml
#[derive(clap::Args)]
pub(super) struct SchemaArgs {}

pub(super) fn run(_args: SchemaArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(Failure::runtime(Problem::new("schema is not written yet")))
}
