//! The options of every command.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Options of every command.
#[derive(Args)]
pub(super) struct GlobalArgs {
    /// The workspace folder [default: the current folder]
    #[arg(
        short = 'C',
        long = "dir",
        value_name = "DIR",
        global = true,
        help_heading = "Global options"
    )]
    pub(super) dir: Option<PathBuf>,
    /// Output format (text, json, yaml ..., depending on the command)
    #[arg(short, long, value_name = "FORMAT", global = true, help_heading = "Global options")]
    pub(super) output: Option<String>,
    /// No progress on standard error
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(super) quiet: bool,
    /// More detail; twice for debugging
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "Global options")]
    pub(super) verbose: u8,
    /// Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)
    #[arg(
        long,
        value_enum,
        default_value = "auto",
        value_name = "WHEN",
        global = true,
        help_heading = "Global options"
    )]
    pub(super) color: ColorChoice,
    /// Never ask a question
    #[arg(long, global = true, help_heading = "Global options")]
    pub(super) no_input: bool,
    /// Answer yes to every confirmation
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(super) yes: bool,
    /// Namespace of objects that do not name one [default: istio-tls.yaml's, else
    /// default]
    #[arg(
        short,
        long,
        value_name = "NAMESPACE",
        global = true,
        help_heading = "Global options"
    )]
    pub(super) namespace: Option<String>,
    /// Namespace of the gateway's pods, where credentialName is looked up [default: istio-tls.yaml's, else istio-system]
    #[arg(long, value_name = "NAMESPACE", global = true, help_heading = "Global options")]
    pub(super) gateway_namespace: Option<String>,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
