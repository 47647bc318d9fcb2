//! `istio-tls lint explain`: what a code means.

use crate::cli::context::Context;
use crate::cli::{Exit, Failure};
use crate::lint::codes;
use crate::report::lint_explain;
use crate::report::paint::Paint;

/// Explains a code, or lists all of them
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls lint explain ITL0004\n  istio-tls lint explain IST0106       Istio's \
        code: all our codes for it\n  istio-tls lint explain"
)]
pub(super) struct ExplainArgs {
    /// Ours, or one of Istio's [default: list every code]
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

#[derive(Clone, Copy)]
enum Format {
    Text,
    Json,
    Markdown,
}

pub(super) fn run(args: &ExplainArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.output(&[
        ("text", Format::Text),
        ("json", Format::Json),
        ("markdown", Format::Markdown),
    ])?;
    let wanted: Vec<&codes::Code> = match &args.code {
        None => codes::all().collect(),
        Some(id) => codes::named(id).map_err(Failure::usage)?,
    };
    let paint = Paint::new(context.color_stdout);
    let codes = wanted.iter().copied();
    match format {
        Format::Json => context.print_json(&lint_explain::json(codes, &context.aim))?,
        Format::Markdown => context.print(&lint_explain::markdown(codes))?,
        Format::Text if args.code.is_none() => context.print(&lint_explain::table(codes, paint))?,
        Format::Text => {
            let texts: Vec<String> = codes
                .map(|code| lint_explain::text(code, &context.aim, paint))
                .collect();
            context.print(&texts.join("\n"))?;
        }
    }
    Ok(Exit::Done)
}
