//! `istio-tls status`: every certificate of the workspace, its remaining validity, and
//! whether Secrets and the gateway match the files.

use std::time::Duration;

use super::cluster_flags::KubeconfigArgs;
use super::context::{Context, Format};
use super::{Exit, Failure, duration};
use crate::names::Host;
use crate::ops::cluster_access::runtime;
use crate::ops::reach::connection::NamedGateway;
use crate::ops::status::{self, request::Request};
use crate::report::paint::Paint;
use crate::report::{status_json, status_text};

/// Shows every certificate: serial number, days left, and where it is served
///
/// One table over the workspace's chains, its Secrets in the cluster that apply recorded
/// (or of --context), and what the gateway presents: the running serve of this workspace,
/// else INGRESS_HOST, else the cluster's, or --target. Without any of them only the files
/// are shown. A certificate that has expired or is due, and a Secret or gateway whose
/// certificate differs from the file, are findings; so are clients that the gateway does
/// not treat as the files say.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  istio-tls status
  istio-tls status --expires-within 30d            exit \
    1 when something is due; for a daily job
  istio-tls status httpbin.example.com --target 10.0.0.7:443
  \
    istio-tls status --local                         only files and the running serve, without the cluster
  \
    istio-tls status -o json

Exit codes: 0 all well; 1 findings of severity warning or error; 2 usage or bad \
    input,
or a kubeconfig or context that does not exist (the files are shown); 3 the cluster could not be \
    reached
(the rest is printed).")]
pub(super) struct StatusArgs {
    /// Hosts [default: every host of the workspace]
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    /// Report what expires within this time, such as 30d
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    expires_within: Option<Duration>,
    /// The gateway: `local` (the running serve of this workspace), `cluster`, or its address
    #[arg(long, value_name = "local|cluster|ADDR[:PORT]")]
    target: Option<String>,
    /// Time limit for each phase of a probe
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse)]
    timeout: Duration,
    /// Do not use the cluster, even if apply has recorded one
    #[arg(long, conflicts_with_all = ["kubeconfig", "context"], help_heading = "Cluster")]
    local: bool,
    #[command(flatten)]
    cluster: KubeconfigArgs,
}

impl StatusArgs {
    fn request(&self) -> Result<Request, Failure> {
        let hosts = self.hosts.iter().map(|name| Host::parse(name));
        Ok(Request {
            hosts: hosts.collect::<Result<_, _>>().map_err(Failure::usage)?,
            expires_within: self.expires_within,
            target: self
                .target
                .as_deref()
                .map(NamedGateway::parse)
                .transpose()
                .map_err(Failure::usage)?,
            timeout: self.timeout,
            local: self.local,
            cluster: self.cluster.place(),
        })
    }
}

pub(super) fn run(args: &StatusArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let outcome = runtime()?.block_on(status::run(&args.request()?, context))?;
    match format {
        Format::Json => context.print_json(&status_json::report(&outcome, &context.aim))?,
        Format::Text => {
            let paint = Paint::new(context.color_stdout);
            context.print(&status_text::text(&outcome, &context.aim, paint, context.verbose > 0))?;
            for skipped in status_text::skipped(&outcome) {
                context.say_always(&skipped);
            }
            if let Some(unserved) = status_text::unserved(&outcome, &context.aim) {
                context.say(&unserved);
            }
        }
    }
    if let Some(failure) = &outcome.failure {
        context.say_error(&failure.problem);
        return Ok(failure.class.into());
    }
    Ok(if outcome.has_findings() {
        Exit::Findings
    } else {
        Exit::Done
    })
}
