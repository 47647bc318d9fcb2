//! `istio-tls up`: gen-certs if needed, serve, probe.

use super::context::Context;
use super::serve::{self, ServeArgs};
use super::{Exit, Failure, gen_certs, probe};
use crate::gateway::dataplane::access_log::AccessLog;
use crate::names::Host;
use crate::problem::Problem;
use crate::workspace::config::Mode;
use crate::workspace::file::WorkspaceFile;
use crate::workspace::layout::{ChainLayout, Part};

/// Makes certificates if needed, serves, and probes
///
/// The first three commands in one go: a chain for each HOST that has none
/// (mode mutual unless istio-tls.yaml says otherwise), the local gateway with
/// its sample backends, and a probe that proves mutual TLS. Then it serves
/// until Ctrl-C; --once ends it after the probe.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  istio-tls up httpbin.example.com
  istio-tls up httpbin.example.com --once          prints the teapot and ends
  istio-tls up httpbin.example.com bookinfo.com --port-map 443=9443
  istio-tls up                                     every host of the workspace

Exit codes: 0 the probe passed; 1 a check failed; 2 usage or bad input; 3 a port is in use.")]
pub(super) struct UpArgs {
    /// Hosts to serve [default: every host of the workspace]
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    /// End after the probe
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    serve: ServeArgs,
}

pub(super) fn run(mut args: UpArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.output(probe::FORMATS)?;
    if !args.serve.filename.is_empty() {
        return Err(Failure::usage(
            Problem::new("up serves the workspace, not -f")
                .fix("istio-tls serve -f FILE, and istio-tls probe beside it"),
        ));
    }
    if args.serve.live.cluster {
        return Err(Failure::usage(
            Problem::new("up serves the workspace, not a cluster")
                .fix("istio-tls serve --cluster, and istio-tls probe beside it"),
        ));
    }
    let hosts = parse(&args.hosts)?;
    make_missing_chains(&hosts, context)?;
    if args.once && context.verbose == 0 {
        // The probe says all that the access log would.
        args.serve.access_log = AccessLog::Off;
    }

    let signals = serve::signals::Signals::register()?;
    let log_level = serve::logging::start(context, if args.once { "warn" } else { "info" });
    let plan = serve::start::ServePlan::from_args(args.serve, context, Some(log_level))?;
    let running = serve::start::start(plan)?;
    context.say(&serve::banner::banner(&running, context, !args.once));

    let named = hosts.iter().map(Host::to_string).collect();
    let mtls = all_mutual(&hosts, context)?;
    let outcomes = probe::of_workspace(named, mtls, context)?;
    let exit = probe::show(&outcomes, format, context)?;
    if args.once {
        running.drain();
        return Ok(exit);
    }
    serve::until_signal(running, &signals, context);
    Ok(exit)
}

fn parse(names: &[String]) -> Result<Vec<Host>, Failure> {
    let mut hosts = Vec::with_capacity(names.len());
    for name in names {
        let host = Host::parse(name).map_err(Failure::usage)?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    Ok(hosts)
}

fn make_missing_chains(hosts: &[Host], context: &Context) -> Result<(), Failure> {
    let missing: Vec<Host> = hosts
        .iter()
        .filter(|host| !ChainLayout::new(&context.dir, host).path(Part::ServerCert).exists())
        .cloned()
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let made = gen_certs::run::make_missing(missing, context)?;
    context.say(&gen_certs::report::text(&made, context));
    Ok(())
}

/// Whether the probe can demand mutual TLS: every host is recorded so.
fn all_mutual(hosts: &[Host], context: &Context) -> Result<bool, Failure> {
    let Some(file) = WorkspaceFile::read(&context.dir).map_err(Failure::usage)? else {
        return Ok(true);
    };
    let config = file.config;
    Ok(config
        .hosts
        .iter()
        .filter(|entry| hosts.is_empty() || hosts.contains(&entry.host))
        .all(|entry| config.mode_of(entry) == Mode::Mutual))
}
