//! `istio-tls schema`: the JSON Schema of istio-tls.yaml, for editors.

use super::context::Context;
use super::{Exit, Failure};
use crate::workspace::schema;

/// Prints the JSON Schema of istio-tls.yaml
///
/// For editors: save it, and put `# yaml-language-server: $schema=FILE` on the
/// first line of istio-tls.yaml.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  istio-tls schema > istio-tls.schema.json")]
pub(super) struct SchemaArgs {}

pub(super) fn run(_args: SchemaArgs, context: &Context) -> Result<Exit, Failure> {
    context.output(&[("json", ())])?;
    context.print_json(&schema::schema())?;
    Ok(Exit::Done)
}
