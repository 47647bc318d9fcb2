//! `istio-tls probe`: reads flags and workspace, dials, judges, reports.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::ops::cluster_ingress::{self, Lifetime, Reached};
use crate::cli::connection::ConnectionArgs;
use crate::ops::reach::check_path;
use crate::ops::cluster_access::runtime;
use super::context::{self, Context};
use crate::ops::interruption::{Interrupted, or_signal};
use super::{Exit, Failure, duration};
use crate::probe::coalesce;
use crate::probe::codes::Code;
use crate::probe::expectation::Place;
use crate::probe::ingress_variables::{export_lines, variables};
use crate::probe::run::{Outcome, Settings, every_address, run as run_checks, run_told};
use crate::probe::target::{Target, Wishes, expectations, no_gateway};
use crate::problem::Problem;
use crate::report::paint::Paint;
use crate::report::{probe_html, probe_json, probe_junit, probe_text};

/// How many hosts are dialled at once.
const CONCURRENCY: usize = 64;

/// Proves TLS and mutual TLS from a client's side
///
/// Without a HOST, every host of the workspace is asked for its sample path in
/// its recorded mode. It goes to the running `istio-tls serve` of the
/// workspace, else to INGRESS_HOST and SECURE_INGRESS_PORT, else to the gateway
/// of the cluster that `istio-tls apply` recorded, and to no other cluster unless
/// --target says so. Every failure has a code, says whose fault it is and
/// what to do next.
#[derive(clap::Args)]
#[command(after_help = r#"Examples:
  istio-tls probe                                  every host of the workspace
  istio-tls probe --mtls                           refused without a client certificate, served with one
  istio-tls probe httpbin.example.com --target 10.0.0.7:443 --wait 60s
  istio-tls probe shop.example.com:443 --cacert ca.pem --cert client.pem --key client.key
  istio-tls probe --watch                          until Ctrl-C, a line when something changes
  istio-tls probe --target cluster                 the gateway's LoadBalancer, a node's port, or a port-forward
  eval "$(istio-tls probe --print-env --target cluster)"
  curl --connect-to "HOST:$SECURE_INGRESS_PORT:$INGRESS_HOST:$SECURE_INGRESS_PORT" https://HOST:$SECURE_INGRESS_PORT/
  istio-tls probe --coalesce                       as a browser that reuses connections
  istio-tls probe -o junit > probe.xml
  istio-tls probe -o html > probe.html

Exit codes: 0 all as expected; 1 a check failed, or there is no gateway; 2 usage or bad input; 3 the API server failed."#)]
pub(super) struct ProbeArgs {
    /// Hosts to probe [default: every host of the workspace]; HOST:PORT is dialled itself
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    /// Prove mutual TLS: refused without a certificate and served with one, in TLS 1.2 and 1.3
    #[arg(long, conflicts_with = "no_client_cert")]
    mtls: bool,
    /// The path to ask for [default: the sample's, else /]
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// The status to expect [default: the sample's, else any below 500 but the gateway's own 404]
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(100..1000))]
    expect_status: Option<u16>,
    /// Try failed checks again for so long, as a new Secret takes time to reach the gateway
    #[arg(long, value_name = "TIME", default_value = "0s", hide_default_value = true, value_parser = duration::parse)]
    wait: Duration,
    /// Also ask for each host over the HTTP/2 connection of another whose certificate names both, as browsers do
    #[arg(long, conflicts_with = "mtls")]
    coalesce: bool,
    /// Go on until interrupted, and tell when something changes
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "2s", value_parser = duration::parse)]
    watch: Option<Duration>,
    /// Check every address that a name has, not only the first that connects
    #[arg(long)]
    all: bool,
    /// Dial nothing: print INGRESS_HOST, INGRESS_PORT and SECURE_INGRESS_PORT for a shell to eval
    #[arg(long, conflicts_with_all = ["hosts", "mtls", "coalesce", "watch", "all"])]
    print_env: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// How the outcomes are printed.
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

/// How long a phase may take when no flag says it.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn run(args: &ProbeArgs, context: &Context) -> Result<Exit, Failure> {
    if args.print_env {
        return print_env(args, context);
    }
    let format = context.output(FORMATS)?;
    if let Some(pause) = args.watch {
        context.output(&[("text", ())])?;
        // It has no other end.
        let ended = runtime()?.block_on(async { or_signal(Box::pin(watch(args, pause, context))).await })?;
        return ended.unwrap_or(Ok(Exit::Interrupted));
    }
    let mut done = Vec::new();
    let outcomes = runtime()?.block_on(async { or_signal(Box::pin(probe(args, context, &mut done))).await })?;
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes?,
        Err(signal) => return Err(interrupted(signal, &done, format, context)),
    };
    let is_nowhere = |outcome: &Outcome| outcome.verdict.code == Code::NoLocalGateway;
    if matches!(format, Format::Text) && outcomes.iter().all(is_nowhere) {
        return Err(nowhere(args, context));
    }
    show(&outcomes, format, context)
}

/// The failure of a run that a signal ended: the checks that were done are shown.
fn interrupted(signal: Interrupted, done: &[Outcome], format: Format, context: &Context) -> Failure {
    if matches!(format, Format::Text) && !done.is_empty() {
        // The failure is told all the same.
        let _ = show(done, format, context);
    }
    let checks: Vec<String> = done
        .iter()
        .map(|outcome| format!("{} {}", outcome.host, outcome.check).trim().to_owned())
        .collect();
    let why = match checks.as_slice() {
        [] => "no check had ended".to_owned(),
        checks => format!("ended: {}", checks.join(", ")),
    };
    let mut result = json!(probe_json::report(done));
    result["ok"] = json!(false);
    let fix = "run the same command again; a shorter --wait gives up sooner".to_owned();
    signal.failure("every check had ended", why, fix).with_result(result)
}

/// Probes hosts of the workspace at its running `serve`, for `up`.
///
/// # Errors
/// As the command without flags.
pub(super) fn of_workspace(hosts: Vec<String>, mtls: bool, context: &Context) -> Result<Vec<Outcome>, Failure> {
    let args = ProbeArgs {
        hosts,
        mtls,
        path: None,
        expect_status: None,
        wait: Duration::ZERO,
        all: false,
        coalesce: false,
        watch: None,
        print_env: false,
        connection: ConnectionArgs {
            target: Some("local".to_owned()),
            timeout: PATIENCE,
            ..ConnectionArgs::default()
        },
    };
    runtime()?.block_on(probe(&args, context, &mut Vec::new()))
}

/// Prints outcomes, and says whether all passed.
///
/// # Errors
/// When standard output cannot be written, or no gateway was there to probe.
pub(super) fn show(outcomes: &[Outcome], format: Format, context: &Context) -> Result<Exit, Failure> {
    let passed = outcomes.iter().all(|outcome| outcome.verdict.is_ok());
    match format {
        Format::Json => context.print_json(&probe_json::report(outcomes))?,
        Format::Junit => context.print(&probe_junit::report(outcomes))?,
        Format::Html => context.print(&probe_html::report(outcomes, context.now))?,
        Format::Text => {
            let text = probe_text::report(outcomes, Paint::new(context.color_stdout), context.verbose > 0);
            context.print(&text)?;
        }
    }
    Ok(if passed { Exit::Done } else { Exit::Findings })
}

/// The failure where there is no gateway to go to.
fn nowhere(args: &ProbeArgs, context: &Context) -> Failure {
    let why = if args.connection.target.is_none() {
        "no serve of this workspace answers, INGRESS_HOST is not set, and nothing was applied to a cluster from here"
            .to_owned()
    } else {
        let recorded = cluster_ingress::workspace(context).ok().flatten();
        let recorded = recorded.and_then(|config| config.context);
        let cluster = recorded.map_or_else(String::new, |name| format!("; --target cluster is the context {name}"));
        format!("no serve of this workspace answers, and --target local looks nowhere else{cluster}")
    };
    Failure::findings(Problem {
        what: no_gateway().summary,
        at: None,
        why: Some(why),
        fix: no_gateway().fix,
    })
}

/// Prints the variables that Istio's tasks go by.
fn print_env(args: &ProbeArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let reached = runtime()?.block_on(args.connection.reach_printed(context))?;
    let variables = variables(&reached.target).ok_or_else(|| nowhere(args, context))?;
    if let Target::Address { host, .. } = &reached.target
        && host.parse::<std::net::IpAddr>().is_err()
    {
        context.say(
            "note: INGRESS_HOST is a name, and curl --resolve takes addresses alone: curl --connect-to \"HOST:$SECURE_INGRESS_PORT:$INGRESS_HOST:$SECURE_INGRESS_PORT\"",
        );
    }
    match format {
        context::Format::Text => context.print(&export_lines(&variables))?,
        context::Format::Json => {
            let variables: BTreeMap<&str, String> = variables.into_iter().collect();
            context.print_json(&json!({"schema": 1, "variables": variables}))?;
        }
    }
    Ok(Exit::Done)
}

/// Probes again and again, and prints a line for each check whose verdict has
/// changed. Ends only with the process.
async fn watch(args: &ProbeArgs, pause: Duration, context: &Context) -> Result<Exit, Failure> {
    let mut known: HashMap<(String, String), Code> = HashMap::new();
    let mut told = String::new();
    let start = Instant::now();
    let hosts = args.connection.hosts(&args.hosts, args.mtls, context)?;
    let mut reached = args.connection.reach(&hosts, Lifetime::Process, context).await?;
    let of_cluster = matches!(
        reached.target,
        Target::Address {
            place: Place::Cluster,
            ..
        }
    );
    loop {
        let mut outcomes = if of_cluster {
            probe_at(args, &reached, context, &mut Vec::new()).await?
        } else {
            probe(args, context, &mut Vec::new()).await?
        };
        // Another pod may have taken the place of the one that the port-forward led
        // to. A pod that is there and refuses has been looked at before.
        if let Some(problem) = reached.trouble().filter(|problem| problem.what != told) {
            let next = args.connection.reach(&hosts, Lifetime::Process, context).await;
            let lost = match next {
                Ok(next) => {
                    reached = next;
                    outcomes = probe_at(args, &reached, context, &mut Vec::new()).await?;
                    problem.what
                }
                Err(failure) => failure.problem.map_or(problem.what, |problem| problem.what),
            };
            if lost != told {
                context.say(&lost);
                told = lost;
            }
        }
        let now = context.now + start.elapsed();
        let changed: Vec<&Outcome> = outcomes
            .iter()
            .filter(|outcome| {
                let check = (outcome.host.clone(), outcome.check.clone());
                known.insert(check, outcome.verdict.code) != Some(outcome.verdict.code)
            })
            .collect();
        if !changed.is_empty() {
            context.print(&probe_text::changes(&changed, now, Paint::new(context.color_stdout)))?;
        }
        tokio::time::sleep(pause).await;
    }
}

/// Looks for the gateway and probes there; `done` has the outcomes so far, should
/// this be dropped before its end.
async fn probe(args: &ProbeArgs, context: &Context, done: &mut Vec<Outcome>) -> Result<Vec<Outcome>, Failure> {
    wishes(args)?;
    let hosts = args.connection.hosts(&args.hosts, args.mtls, context)?;
    let reached = args.connection.reach(&hosts, Lifetime::Process, context).await?;
    let outcomes = probe_at(args, &reached, context, done).await?;
    through(&reached, outcomes, context)
}

/// What the flags say about every dial.
fn wishes(args: &ProbeArgs) -> Result<Wishes, Failure> {
    let mut wishes = args.connection.wishes()?;
    if let Some(path) = &args.path {
        check_path(path)?;
    }
    wishes.mtls = args.mtls;
    wishes.path.clone_from(&args.path);
    wishes.status = args.expect_status;
    Ok(wishes)
}

/// What was seen, unless a port-forward has let nothing through: then that is
/// told, and not what the connections looked like.
fn through(reached: &Reached, outcomes: Vec<Outcome>, context: &Context) -> Result<Vec<Outcome>, Failure> {
    let failed = outcomes.iter().filter(|outcome| !outcome.verdict.is_ok()).count();
    // A connection that failed and was made again is no trouble.
    match reached.trouble().filter(|_| failed > 0) {
        Some(problem) if failed == outcomes.len() => Err(Failure::findings(problem)),
        Some(problem) => {
            context.say_always(&format!("warning: {problem}"));
            Ok(outcomes)
        }
        None => Ok(outcomes),
    }
}

/// Probes at a target; `done` as in [`probe`].
async fn probe_at(
    args: &ProbeArgs,
    reached: &Reached,
    context: &Context,
    done: &mut Vec<Outcome>,
) -> Result<Vec<Outcome>, Failure> {
    let wishes = wishes(args)?;
    let hosts = args.connection.hosts(&args.hosts, args.mtls, context)?;
    let mut checks = expectations(&hosts, &wishes, &reached.target);
    if args.all {
        checks = every_address(checks, args.connection.timeout).await;
    }
    let settings = Settings {
        patience: args.connection.timeout,
        wait: args.wait,
        concurrency: CONCURRENCY,
        now: context.now,
    };
    let mut outcomes = run_told(checks.clone(), settings, &mut |outcome| done.push(outcome.clone())).await;
    if args.coalesce {
        let shared = coalesce::expectations(&checks, &outcomes);
        if shared.is_empty() {
            context.say(
                "no certificate that was served over HTTP/2 names another of these hosts: browsers open a connection to each",
            );
        }
        outcomes.extend(run_checks(shared, settings).await);
    }
    for outcome in &mut outcomes {
        reached.aim(outcome);
    }
    Ok(outcomes)
}
