//! `istio-tls doctor`: examines the gateway of a cluster, and says what is wrong
//! and what to do.

mod ask;
mod fix;
mod gather;
mod groups;
mod material;
mod objects;
mod own;
mod render;
mod scope;
mod world;

use std::time::{Duration, Instant};

use self::gather::Examined;
use self::scope::Scope;
use crate::cli::cluster_flags::ClusterArgs;
use crate::ops::cluster_access::runtime;
use super::context::{Context, Format};
use super::finding_args::FindingArgs;
use crate::ops::interruption::or_signal;
use super::{Exit, Failure, duration};
use crate::cluster::client::Client;
use crate::lint::suppress;

/// Examines the gateway of a cluster, and says what is wrong and what to do
///
/// From the control plane to the certificate that a client gets: Gateways, pods,
/// Service, Secrets, rights, mounted files, what the proxy itself has loaded,
/// what the ingress address serves, the gateway's log, DNS. Nothing is changed
/// without --fix. What the user may not read is listed as skipped, and is never
/// a finding. Ends with 1 when a finding at or above --fail-on is left.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls doctor                          every host of the workspace\n  istio-tls doctor httpbin.example.com\n  istio-tls doctor --context staging -o json\n  istio-tls doctor --fix --yes              brings back the workspace's own Secrets, and looks again\n  istio-tls lint explain ITL1124            what a code means\n\nExit codes: 0 nothing found; 1 findings; 2 usage or bad input; 3 the cluster cannot be asked."
)]
pub(super) struct DoctorArgs {
    /// Hosts [default: every host of the workspace, else of the cluster's Gateways]
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    #[command(flatten)]
    findings: FindingArgs,
    /// Apply the workspace's own Secrets that are missing or broken: shows them, then asks (--yes does not ask)
    #[arg(long)]
    fix: bool,
    /// After --fix: how long to wait until the gateway serves what was brought back
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::parse)]
    wait: Duration,
    /// Do not connect to the ingress address
    #[arg(long)]
    no_probe: bool,
    /// The longest that one question to a pod, the gateway or DNS may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse)]
    timeout: Duration,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Between two looks after `--fix`.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) fn run(args: &DoctorArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let scope = Scope::read(&args.hosts, context)?;
    runtime()?.block_on(run_on(args, &scope, format, context))
}

async fn run_on(args: &DoctorArgs, scope: &Scope, format: Format, context: &Context) -> Result<Exit, Failure> {
    let place = args.cluster.place.or_recorded(scope.config.as_ref());
    let access = place.access(context).await?;
    context.say(&format!(
        "context {} (user {}), server {}",
        access.context, access.user, access.server
    ));
    let notice = |text: &str| context.say(text);
    let client = Client::new(access, args.cluster.retry_for, &notice).map_err(Failure::runtime)?;
    let mut examined = examine(args, scope, &client, context).await?;
    let mut fixed = Vec::new();
    if args.fix {
        fixed = fix::run(&examined, scope, &client, context).await?;
        let waiting = async {
            let start = Instant::now();
            // A Secret is handed to the proxies a moment after it is there.
            while !fixed.is_empty() {
                examined = examine(args, scope, &client, context).await?;
                if !examined.report.reaches(args.findings.fail_on) || start.elapsed() + PAUSE > args.wait {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
            Ok::<(), Failure>(())
        };
        match or_signal(Box::pin(waiting)).await? {
            Ok(waited) => waited?,
            Err(signal) => return Err(fix::interrupted(signal, "the gateway was seen to be well", &fixed, &[])),
        }
    }
    render::show(&examined, &fixed, args.findings.min_severity, format, context)?;
    Ok(if examined.report.reaches(args.findings.fail_on) {
        Exit::Findings
    } else {
        Exit::Done
    })
}

async fn examine(
    args: &DoctorArgs,
    scope: &Scope,
    client: &Client<'_>,
    context: &Context,
) -> Result<Examined, Failure> {
    let asking = ask::Asking {
        patience: args.timeout,
        probe: !args.no_probe,
    };
    let gateways = gather::facts(scope, client, asking, context).await?;
    let mut report = crate::doctor::examine_all(&gateways);
    suppress(&mut report, &[], &args.findings.suppress);
    Ok(Examined { gateways, report })
}
