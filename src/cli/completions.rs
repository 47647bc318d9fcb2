//! `istio-tls completions`: a shell's completion script.

use clap_complete::Shell;

use super::context::Context;
use super::{Exit, Failure};

/// Prints the completion script of a shell
#[derive(clap::Args)]
#[command(after_help = "Examples:
  istio-tls completions bash > /etc/bash_completion.d/istio-tls
  istio-tls completions zsh > \"${fpath[1]}/_istio-tls\"
  istio-tls completions fish > ~/.config/fish/completions/istio-tls.fish
  istio-tls completions powershell >> $PROFILE
  istio-tls completions elvish >> ~/.config/elvish/rc.elv")]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs, context: &Context) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "istio-tls", &mut script);
    context.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
