//! `istio-tls man`: the manual pages.

use clap_mangen::Man;

use super::context::Context;
use super::{Exit, Failure};
use crate::files::plain;
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};

/// Prints the manual page of the program or of one command
#[derive(clap::Args)]
#[command(after_help = "Examples:
  istio-tls man | man -l -
  istio-tls man probe | man -l -
  istio-tls man > /usr/local/share/man/man1/istio-tls.1")]
pub(super) struct ManArgs {
    /// The command [default: the program itself]
    command: Option<String>,
}

pub(super) fn run(args: &ManArgs, context: &Context) -> Result<Exit, Failure> {
    let mut program = super::command();
    program.build();
    let page = match &args.command {
        None => Man::new(program),
        Some(name) => Man::new(program.find_subcommand(name).cloned().ok_or_else(|| {
            Failure::usage(
                Problem::new(format!("there is no command {name:?}"))
                    .fix(Remedy::from(ours::help()).and(" lists the commands")),
            )
        })?),
    };
    let mut roff = Vec::new();
    page.render(&mut roff)
        .map_err(|error| Failure::runtime(Problem::new("the manual page cannot be created").why(plain(&error))))?;
    context.print(&String::from_utf8_lossy(&roff))?;
    Ok(Exit::Done)
}
