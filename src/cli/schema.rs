//! `istio-tls schema`: JSON Schemas, for istio-tls.yaml and for the JSON output of
//! commands.

use super::context::Context;
use super::{Exit, Failure};
use crate::report::json_schema;
use crate::workspace::schema;

/// Prints a JSON Schema: of istio-tls.yaml, or of a command's -o json
///
/// Without COMMAND it prints the schema of istio-tls.yaml, for editors: save it, and put
/// `# yaml-language-server: $schema=FILE` on the first line of istio-tls.yaml.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls schema > istio-tls.schema.json\n  istio-tls schema probe > probe.schema.json"
)]
pub(super) struct SchemaArgs {
    /// The command whose output is described
    #[arg(value_name = "COMMAND", value_parser = json_schema::names().collect::<Vec<_>>())]
    command: Option<String>,
}

pub(super) fn run(args: &SchemaArgs, context: &Context) -> Result<Exit, Failure> {
    context.output(&[("json", ())])?;
    match &args.command {
        None => context.print_json(&schema::schema())?,
        Some(command) => context.print_json(&json_schema::schema(command))?,
    }
    Ok(Exit::Done)
}
