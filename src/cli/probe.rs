//! `istio-tls probe`: verifies TLS and mutual TLS from a client's side.

use std::ops::ControlFlow;
use std::time::Duration;

use super::connection::ConnectionArgs;
use super::context::{self, Context};
use super::{Exit, Failure, duration};
use crate::ops::Class;
use crate::ops::reach::probe::{self, Probed, Request, nowhere};
use crate::ops::reach::{variables, watch};
use crate::probe::destination::Destination;
use crate::probe::run::Outcome;
use crate::report::paint::Paint;
use crate::report::{ingress_variables, probe_html, probe_json, probe_junit, probe_text};

/// Verifies TLS and mutual TLS from a client's side
///
/// Without a HOST, every host of the workspace is requested with its sample path in its
/// recorded mode. The target is the running `istio-tls serve` of the workspace, else
/// INGRESS_HOST and SECURE_INGRESS_PORT, else the gateway of the cluster that `istio-tls
/// apply` recorded; another cluster is used only with
/// --target. Every failure has a code, and says whose fault it is and what to do next.
#[derive(clap::Args)]
#[command(after_help = r#"Examples:
  istio-tls probe                                  every host of the workspace
  istio-tls probe --mtls                           refused without a client certificate, accepted with one
  istio-tls probe https://httpbin.example.com:8443/status/418
  istio-tls probe httpbin.example.com --target 10.0.0.7:443 --wait 60s
  istio-tls probe shop.example.com:443 --cacert ca.pem --cert client.pem --key client.key
  istio-tls probe --watch                          until Ctrl-C, a line for each change
  istio-tls probe --target cluster                 the gateway's LoadBalancer, a node's port, or a port-forward
  eval "$(istio-tls probe --print-env --target cluster)"
  curl --connect-to "HOST:$SECURE_INGRESS_PORT:$INGRESS_HOST:$SECURE_INGRESS_PORT" https://HOST:$SECURE_INGRESS_PORT/
  istio-tls probe --coalesce                       like a browser that reuses connections
  istio-tls probe -o junit > probe.xml
  istio-tls probe -o html > probe.html

Exit codes: 0 all as expected; 1 a check failed, or there is no gateway; 2 usage or bad input; 3 the API server failed."#)]
pub(super) struct ProbeArgs {
    /// Hosts to probe, or https URLs [default: every host of the workspace]; connects to
    /// HOST:PORT itself, unless serve runs there
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    /// Verify mutual TLS: refused without a certificate and accepted with one, in TLS 1.2
    /// and 1.3
    #[arg(long, conflicts_with = "no_client_cert")]
    mtls: bool,
    /// The path to request [default: the sample's, else /]
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// The expected status [default: the sample's, else any below 500 except the
    /// gateway's own 404]
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(100..1000))]
    expect_status: Option<u16>,
    /// Wait this long for a serve that is about to start, and for checks to pass: a new
    /// Secret takes time to reach the gateway
    #[arg(long, value_name = "TIME", default_value = "0s", hide_default_value = true, value_parser = duration::parse)]
    wait: Duration,
    /// Also request each host over the HTTP/2 connection of another whose certificate
    /// names both, as browsers do
    #[arg(long, conflicts_with = "mtls")]
    coalesce: bool,
    /// Continue until interrupted, and report changes
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "2s", value_parser = duration::parse)]
    watch: Option<Duration>,
    /// Check every address of a name, not only the first that connects
    #[arg(long)]
    all: bool,
    /// Only print INGRESS_HOST, INGRESS_PORT and SECURE_INGRESS_PORT for a shell to eval,
    /// without connecting
    #[arg(long, conflicts_with_all = ["hosts", "mtls", "coalesce", "watch", "all"])]
    print_env: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// The output format.
#[derive(Clone, Copy)]
pub(super) enum Format {
    Text,
    Json,
    Junit,
    Html,
}

/// The values of `-o`.
pub(super) const FORMATS: &[(&str, Format)] = &[
    ("text", Format::Text),
    ("json", Format::Json),
    ("junit", Format::Junit),
    ("html", Format::Html),
];

impl ProbeArgs {
    fn request(&self) -> Result<Request, Failure> {
        let hosts = self.hosts.iter().map(|host| Destination::parse(host));
        Ok(Request {
            hosts: hosts.collect::<Result<_, _>>().map_err(Failure::usage)?,
            mtls: self.mtls,
            path: self.path.clone(),
            expect_status: self.expect_status,
            wait: self.wait,
            coalesce: self.coalesce,
            all: self.all,
            connection: self.connection.connection()?,
        })
    }
}

pub(super) fn run(args: &ProbeArgs, context: &Context) -> Result<Exit, Failure> {
    if args.print_env {
        return print_env(args, context);
    }
    let format = context.output(FORMATS)?;
    let request = args.request()?;
    if let Some(pause) = args.watch {
        context.output(&[("text", ())])?;
        return watch(&request, pause, context);
    }
    let probed = probe::run(&request, context, &mut context.signals.cancel());
    if matches!(format, Format::Text) && probed.is_nowhere() {
        return Err(nowhere(&request.connection, context).into());
    }
    show(probed, format, context)
}

/// Prints the result of a probe, and returns whether all checks passed. For an
/// interrupted run, shows the checks that have ended.
///
/// # Errors
/// That of the probe, or if standard output cannot be written.
pub(super) fn show(probed: Probed, format: Format, context: &Context) -> Result<Exit, Failure> {
    let Probed { outcomes, failure } = probed;
    let Some(failure) = failure else {
        print(&outcomes, format, context)?;
        let passed = outcomes.iter().all(|outcome| outcome.verdict.is_ok());
        return Ok(if passed { Exit::Done } else { Exit::Findings });
    };
    if failure.class != Class::Interrupted {
        return Err(failure.into());
    }
    if matches!(format, Format::Text) && !outcomes.is_empty() {
        // The failure is reported nevertheless.
        let _ = print(&outcomes, format, context);
    }
    let report = probe_json::unfinished(&outcomes, &context.aim);
    let report = serde_json::to_value(report).unwrap_or_default();
    Err(failure.with_result(report).into())
}

fn print(outcomes: &[Outcome], format: Format, context: &Context) -> Result<(), Failure> {
    match format {
        Format::Json => context.print_json(&probe_json::report(outcomes, &context.aim)),
        Format::Junit => context.print(&probe_junit::report(outcomes, &context.aim)),
        Format::Html => context.print(&probe_html::report(outcomes, context.now, &context.aim)),
        Format::Text => {
            let paint = Paint::new(context.color_stdout);
            context.print(&probe_text::report(outcomes, paint, context.verbose > 0, &context.aim))
        }
    }
}

/// Prints the variables that Istio's tasks use.
fn print_env(args: &ProbeArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let variables = variables::run(&args.connection.connection()?, context)?;
    if variables.host_is_name {
        context.say(ingress_variables::NAME_NOTE);
    }
    match format {
        context::Format::Text => context.print(&ingress_variables::export_lines(&variables))?,
        context::Format::Json => context.print_json(&ingress_variables::report(&variables))?,
    }
    Ok(Exit::Done)
}

/// Prints a line for each check whose verdict has changed, until a signal comes.
fn watch(request: &Request, pause: Duration, context: &Context) -> Result<Exit, Failure> {
    let mut printed = Ok(());
    let mut show = |changed: &watch::Changed<'_>| {
        let paint = Paint::new(context.color_stdout);
        printed = context.print(&probe_text::changes(&changed.outcomes, changed.at, paint));
        match printed {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    watch::run(request, pause, context, &mut context.signals.cancel(), &mut show)?;
    printed.map(|()| Exit::Interrupted)
}
