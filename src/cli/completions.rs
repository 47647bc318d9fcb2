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
    let script = String::from_utf8_lossy(&script);
    let script = match args.shell {
        // clap_complete 4.6 spells the hyphen in a program's name in two ways: the script
        // records a subcommand with one, and looks up what may follow it with the other.
        Shell::Bash => script.replace("istio__subcmd__tls", "istio__tls"),
        // With two colons zsh takes everything after the first argument as arguments,
        // including flags.
        Shell::Zsh => script.replace("\n'*::", "\n'*:"),
        _ => script.into_owned(),
    };
    context.print(&script)?;
    Ok(Exit::Done)
}
