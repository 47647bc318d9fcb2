//! The shape of the command line: global options and the list of commands.
//! Each command's own arguments stand in its file.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::problem::Problem;
use crate::remedy::Aim;

/// Secures an Istio ingress gateway with HTTPS.
#[derive(Parser)]
#[command(
    name = "istio-tls",
    version,
    propagate_version = true,
    max_term_width = 100,
    about = "Secures an Istio ingress gateway with HTTPS, from nothing to a verified mutual-TLS request, with or without a cluster",
    after_help = "Start in an empty folder:\n  istio-tls gen-certs httpbin.example.com\n  istio-tls serve\n  istio-tls probe --mtls        (in a second terminal)\n\nExit codes: 0 done; 1 findings, a difference or a failed probe; 2 usage or bad input;\n3 runtime failure; 130 interrupted. Every flag has a variable ISTIO_TLS_FLAG_NAME,\nbut for --yes, --force, --force-conflicts, --prune,\n--replace, --finish, --abort and rotate --ca."
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: GlobalArgs,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options that every command takes.
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
    /// Output format (text, json, yaml ... as the command has them)
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
    /// Namespace of objects that name none [default: istio-tls.yaml's, else default]
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

/// The commands, in the order of a first use.
#[derive(Subcommand)]
pub(super) enum Command {
    Init(super::init::InitArgs),
    GenCerts(super::gen_certs::GenCertsArgs),
    Adopt(super::adopt::AdoptArgs),
    Revoke(super::revoke::RevokeArgs),
    Inspect(super::inspect::InspectArgs),
    Verify(super::verify::VerifyArgs),
    Manifests(super::manifests::ManifestsArgs),
    Lint(super::lint::LintArgs),
    Serve(super::serve::ServeArgs),
    Probe(super::probe::ProbeArgs),
    Request(super::request::RequestArgs),
    Status(super::status::StatusArgs),
    Rotate(super::rotate::RotateArgs),
    Up(super::up::UpArgs),
    Apply(super::apply::ApplyArgs),
    Delete(super::delete::DeleteArgs),
    Doctor(super::doctor::DoctorArgs),
    Completions(super::completions::CompletionsArgs),
    Man(super::man::ManArgs),
    Schema(super::schema::SchemaArgs),
}

/// The whole command line, for parsing, completions and man pages.
pub fn command() -> clap::Command {
    let recorded = "the one that apply recorded; without one no cluster is asked";
    [
        ("apply", "its current context"),
        ("delete", "its current context"),
        ("rotate", recorded),
        ("status", recorded),
    ]
    .into_iter()
    .fold(Cli::command(), |command, (name, default)| {
        let help = format!("The kubeconfig's context [default: {default}]");
        command.mut_subcommand(name, |command| command.mut_arg("context", |arg| arg.help(help)))
    })
}

/// A parser for one word of a domain type's table of words.
pub(super) fn choice<T: Copy + Send + Sync + 'static>(
    words: &'static [(&'static str, T)],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words.iter().map(|(word, _)| *word)).map(move |word| {
        words
            .iter()
            .find(|(known, _)| *known == word)
            .map(|(_, value)| *value)
            .expect("the parser lets only the table's words through")
    })
}

/// A parser for what has a parser of its own; clap shows all that its problem says.
pub(super) fn parser<T: Clone + Send + Sync + 'static>(
    parse: fn(&str) -> Result<T, Problem>,
) -> impl TypedValueParser<Value = T> {
    move |text: &str| parse(text).map_err(|problem| problem.text(&Aim::default()))
}
