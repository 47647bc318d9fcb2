//! `istio-tls up`: gen-certs if needed, serve, probe.

use super::context::Context;
use super::serve::ServeArgs;
use super::{Exit, Failure, logging, probe};
use crate::gateway::dataplane::access_log::AccessLog;
use crate::names::Host;
use crate::ops::reach;
use crate::ops::serve::plan::Plan;
use crate::ops::serve::ready::ready;
use crate::ops::serve::start::start;
use crate::ops::up;
use crate::problem::Problem;
use crate::remedy::{Kind, Line, Remedy, Word};
use crate::report::{issue_text, serve_text};

/// Issues certificates if needed, serves, and probes
///
/// The first three commands in one: a chain for each HOST that has none (mode mutual
/// unless istio-tls.yaml says otherwise), the local gateway with its sample backends, and
/// a probe that verifies mutual TLS. Then it serves until Ctrl-C; with --once it exits
/// after the probe.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  istio-tls up httpbin.example.com
  istio-tls up httpbin.example.com \
    --once          prints the teapot and exits
  istio-tls up httpbin.example.com bookinfo.com --port-map \
    443=9443
  istio-tls up                                     every host of the workspace

Exit codes: 0 \
    the probe passed; 1 a check failed; 2 usage or bad input; 3 a port is in use.")]
pub(super) struct UpArgs {
    /// Hosts to serve [default: every host of the workspace]
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    /// Exit after the probe
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    serve: ServeArgs,
}

pub(super) fn run(mut args: UpArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.output(probe::FORMATS)?;
    refuse_other_sources(&args.serve)?;
    let hosts = parse(&args.hosts)?;
    if let Some(made) = up::make_missing(&hosts, context)? {
        context.say(&issue_text::outcome(&made, &context.aim));
    }
    if args.once && context.verbose == 0 {
        // The probe says everything that the access log would.
        args.serve.access_log = AccessLog::Off;
    }
    let log_level = logging::start(context, if args.once { "warn" } else { "info" });
    let plan = Plan::of(args.serve.request(log_level)?, context)?;
    let mut cancel = context.signals.cancel();
    let running = start(plan)?;
    context.say(&serve_text::ready(&ready(&running, context), !args.once, &context.aim));

    let checks = up::checks(hosts, context)?;
    let probed = reach::probe::run(&checks, context, &mut cancel);
    let exit = probe::show(probed, format, context);
    if args.once || exit.is_err() {
        running.drain();
    } else {
        running.until_signal(&mut cancel, context)?;
    }
    exit
}

/// `up` serves only the workspace.
fn refuse_other_sources(args: &ServeArgs) -> Result<(), Failure> {
    let (what, serve) = if !args.filename.is_empty() {
        let serve = Line::new(Kind::ServeFile, ["serve", "-f"]).arg(Word::Placeholder("FILE"));
        ("-f", serve)
    } else if args.live.cluster {
        let serve = Line::new(Kind::ServeCluster, ["serve", "--cluster"]);
        ("a cluster", serve.of_cluster())
    } else {
        return Ok(());
    };
    let probe = Line::new(Kind::Probe, ["probe"]);
    Err(Failure::usage(
        Problem::new(format!("up serves the workspace, not {what}"))
            .fix(Remedy::from(serve).and(", and beside it ").and(probe))
            .at_cluster(&args.live.place.place().flags()),
    ))
}

/// The hosts, each once.
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
