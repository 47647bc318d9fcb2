//! The command line: parse, call, render. One file per command; only this module knows
//! arguments, environment, clock, terminals and exit codes.

mod args;
mod connection;
pub mod context;
mod duration;
mod environment;
mod exit;
mod failure;
mod global_args;
mod value_parsers;

mod ask;
mod cluster_flags;
mod finding_args;
mod interrupt;
mod password;

mod adopt;
mod apply;
mod completions;
mod delete;
mod doctor;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod gen_certs;
mod init;
mod inspect;
mod lint;
mod logging;
mod man;
mod manifests;
mod probe;
mod request;
mod revoke;
mod rotate;
mod schema;
mod serve;
mod status;
mod streamed;
mod teller;
mod typed;
mod up;
mod verify;

pub use args::command;
pub use exit::Exit;
pub use failure::Failure;

use args::Command;
use context::Context;

/// Runs the program with the process's arguments and environment.
pub fn run() -> Exit {
    // Fails only if a provider is already installed, which would be this one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let environment = environment::Environment::capture();
    let cli = match environment.parse::<args::Cli>(args::command) {
        Ok(cli) => cli,
        Err(error) => {
            let words: Vec<_> = std::env::args_os().collect();
            let json = asks_for_json(&words) || environment.get("ISTIO_TLS_OUTPUT") == Some("json");
            return failure::usage(&error, environment.blamed(&error), json);
        }
    };
    let json = cli.global.output.as_deref() == Some("json");
    let signals = interrupt::Signals::default();
    signals.end_on_signal(json);
    let context = match Context::new(cli.global, &environment, signals) {
        Ok(context) => context,
        Err(failure) => return failure.show_plain(json),
    };
    let outcome = match cli.command {
        Command::Init(args) => init::run(&args, &context),
        Command::GenCerts(args) => gen_certs::run(args, &context),
        Command::Adopt(args) => adopt::run(args, &context),
        Command::Revoke(args) => revoke::run(args, &context),
        Command::Inspect(args) => inspect::run(&args, &context),
        Command::Verify(args) => verify::run(&args, &context),
        Command::Manifests(args) => manifests::run(args, &context),
        Command::Lint(args) => lint::run(&args, &context),
        Command::Serve(args) => serve::run(args, &context),
        Command::Probe(args) => probe::run(&args, &context),
        Command::Request(args) => request::run(&args, &context),
        Command::Status(args) => status::run(&args, &context),
        Command::Rotate(args) => rotate::run(&args, &context),
        Command::Up(args) => up::run(args, &context),
        Command::Apply(args) => apply::run(&args, &context),
        Command::Delete(args) => delete::run(&args, &context),
        Command::Doctor(args) => doctor::run(&args, &context),
        Command::Completions(args) => completions::run(&args, &context),
        Command::Man(args) => man::run(&args, &context),
        Command::Schema(args) => schema::run(&args, &context),
    };
    match outcome {
        Ok(exit) => exit,
        Err(failure) => context.show_failure(&failure),
    }
}

/// Whether `-o json` is among words that could not be parsed as a command line.
fn asks_for_json(words: &[std::ffi::OsString]) -> bool {
    let joined = ["-ojson", "-o=json", "--output=json"];
    words.iter().any(|word| joined.iter().any(|known| word == known))
        || (words.windows(2)).any(|pair| (pair[0] == "-o" || pair[0] == "--output") && pair[1] == "json")
}
