//! `istio-tls doctor`: examines the gateway of a cluster, reports faults and says how to
//! fix them.

use std::time::Duration;

use super::ask::confirm;
use super::cluster_flags::ClusterArgs;
use super::context::{Context, Format};
use super::finding_args::FindingArgs;
use super::{Exit, Failure, duration};
use crate::cluster::apply::Ready;
use crate::cluster::client::Client;
use crate::cluster::kubeconfig::Access;
use crate::names::Host;
use crate::ops;
use crate::ops::cluster_access::runtime;
use crate::ops::doctor::examine::{Examined, access, await_well, examine};
use crate::ops::doctor::fix;
use crate::ops::doctor::request::Request;
use crate::ops::doctor::scope::Scope;
use crate::ops::object_change::ObjectChange;
use crate::report::doctor_json::{DoctorJson, FixedJson};
use crate::report::doctor_text;
use crate::report::lint_text::Layout;
use crate::report::paint::Paint;

/// Examines the gateway of a cluster, reports faults and says how to fix them
///
/// Covers everything from the control plane to the certificate that a client gets:
/// Gateways, pods, Service, Secrets, permissions, mounted files, what the proxy has
/// loaded, what the ingress address serves, the gateway's log, DNS. Nothing is changed
/// without --fix. What the user may not read is listed as skipped, and is never a
/// finding. Exits with 1 if a finding at or above --fail-on remains.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
        istio-tls doctor                          every host of the workspace\n  \
        istio-tls doctor httpbin.example.com\n  \
        istio-tls doctor --context staging -o json\n  \
        istio-tls doctor --fix --yes              restores the workspace's own Secrets, and examines again\n  \
        istio-tls lint explain ITL1124            what a code means\n\n\
        Exit codes: 0 nothing found; 1 findings; 2 usage or bad input; 3 the cluster cannot be reached.")]
pub(super) struct DoctorArgs {
    /// Hosts [default: every host of the workspace, else of the cluster's Gateways]
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    #[command(flatten)]
    findings: FindingArgs,
    /// Apply the workspace's own Secrets that are missing or broken: shows them, then
    /// asks (--yes skips the question)
    #[arg(long)]
    fix: bool,
    /// After --fix: how long to wait until the gateway serves what was restored
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::parse)]
    wait: Duration,
    /// Do not connect to the ingress address
    #[arg(long)]
    no_probe: bool,
    /// Time limit for each query to a pod, the gateway or DNS
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse)]
    timeout: Duration,
    #[command(flatten)]
    cluster: ClusterArgs,
}

impl DoctorArgs {
    fn request(&self) -> Result<Request, Failure> {
        let hosts = self.hosts.iter().map(|host| Host::parse(host));
        Ok(Request {
            hosts: hosts.collect::<Result<_, _>>().map_err(Failure::usage)?,
            suppressions: self.findings.suppress.clone(),
            fail_on: self.findings.fail_on,
            wait: self.wait,
            probe: !self.no_probe,
            patience: self.timeout,
            place: self.cluster.place.place(),
            retry_for: self.cluster.retry_for,
        })
    }
}

pub(super) fn run(args: &DoctorArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let request = args.request()?;
    let scope = Scope::read(&request.hosts, context)?;
    runtime()?.block_on(run_on(args, &request, &scope, format, context))
}

async fn run_on(
    args: &DoctorArgs,
    request: &Request,
    scope: &Scope,
    format: Format,
    context: &Context,
) -> Result<Exit, Failure> {
    let access = access(request, scope, context).await?;
    let notice = |text: &str| context.say(text);
    let client = Client::new(access, request.retry_for, &notice).map_err(Failure::runtime)?;
    let mut examined = examine(request, scope, &client, context).await?;
    let mut fixed = Vec::new();
    if args.fix {
        let changes = fix::plan(&examined, scope, &client, context).await?;
        if !changes.is_empty() && may_fix(&changes, &client.access, context)? {
            let mut cancel = context.signals.cancel();
            let outcome = fix::carry_out(&changes, &client, &mut cancel, context).await;
            fixed = outcome.done;
            if let Some(failure) = outcome.failure {
                return Err(with_fixed(failure, &fixed));
            }
            let waited = await_well(request, scope, &client, &mut cancel, context).await;
            examined = waited.map_err(|signal| {
                let before = "the gateway was seen to be well";
                with_fixed(fix::interrupted(signal, before, &fixed, &[]), &fixed)
            })??;
        }
    }
    show(&examined, &fixed, args, format, context)?;
    Ok(if examined.report.reaches(request.fail_on) {
        Exit::Findings
    } else {
        Exit::Done
    })
}

/// Whether to fix what can be fixed; asks on a terminal.
///
/// # Errors
/// If the answer is no.
fn may_fix(changes: &[Ready], access: &Access, context: &Context) -> Result<bool, Failure> {
    if context.yes {
        return Ok(true);
    }
    if !context.interactive {
        context.say_always("nothing was changed: --fix applies with --yes, or asks on a terminal");
        return Ok(false);
    }
    let what = if changes.len() == 1 {
        "this Secret"
    } else {
        "these Secrets"
    };
    let question = format!("Apply {what} to the context {} ({})?", access.context, access.server);
    confirm(&question, "nothing was changed").map(|()| true)
}

/// The failure of a run that has restored something.
fn with_fixed(failure: ops::Failure, fixed: &[ObjectChange]) -> Failure {
    Failure::from(failure).with_result_of(&FixedJson::new(fixed))
}

fn show(
    examined: &Examined,
    fixed: &[ObjectChange],
    args: &DoctorArgs,
    format: Format,
    context: &Context,
) -> Result<(), Failure> {
    let shown_from = args.findings.min_severity;
    if format == Format::Json {
        return context.print_json(&DoctorJson::new(&examined.report, shown_from, fixed, &context.aim));
    }
    let layout = Layout {
        aim: &context.aim,
        paint: Paint::new(context.color_stdout),
        width: context.width(),
        verbose: context.verbose > 0,
        shown_from,
    };
    context.print(&doctor_text::text(examined, layout))
}
