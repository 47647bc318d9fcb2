//! The list of commands. Each command's own arguments are in its file.

use clap::{CommandFactory as _, Parser, Subcommand};

use super::global_args::GlobalArgs;

/// Secures an Istio ingress gateway with HTTPS.
#[derive(Parser)]
#[command(
    name = "istio-tls",
    version,
    propagate_version = true,
    max_term_width = 100,
    about = "Secures an Istio ingress gateway with HTTPS, from nothing to a verified mutual-TLS request, with or without a cluster",
    after_help = "Start in an empty folder:\n  \
        istio-tls gen-certs httpbin.example.com\n  \
        istio-tls serve\n  \
        istio-tls probe --mtls        (in a second terminal)\n\n\
        Exit codes: 0 done; 1 findings, a difference or a failed probe; 2 usage or bad input;\n\
        3 runtime failure; 130 interrupted. Every flag has a variable ISTIO_TLS_FLAG_NAME,\n\
        except --yes, --force, --force-conflicts, --prune,\n\
        --replace, --finish, --abort and rotate --ca."
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: GlobalArgs,
    #[command(subcommand)]
    pub(super) command: Command,
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
    let recorded = "the one that apply recorded; without one no cluster is used";
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
