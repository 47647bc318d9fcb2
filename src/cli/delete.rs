//! `istio-tls delete`: deletes what `apply` created in a cluster, and with --local what
//! `gen-certs` created in this folder. Lists it first; keeps everything that others
//! created.

use std::time::Duration;

use super::ask::allow_deletion;
use super::cluster_flags::ClusterArgs;
use super::context::{Context, Format};
use super::streamed::Streamed;
use super::{Exit, Failure, duration};
use crate::cluster::client::Client;
use crate::ops::cluster_access::runtime;
use crate::ops::delete::carry_out::carry_out;
use crate::ops::delete::outcome::Outcome;
use crate::ops::delete::plan::{Given, Plan, access, nothing, plan, read};
use crate::ops::delete::request::Request;
use crate::report::delete_json::DeleteJson;

/// Deletes what apply created, and nothing else
///
/// Objects are found by the label with this workspace's id. Fields that apply added to
/// the gateway's own Deployment are removed, the Deployment is kept.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls delete --dry-run\n  istio-tls delete --yes\n  istio-tls delete --local --yes"
)]
pub(super) struct DeleteArgs {
    /// Also delete the chains of this folder's hosts; without an earlier apply no cluster
    /// is used
    #[arg(long)]
    local: bool,
    /// Exit with 0 if there is nothing to delete
    #[arg(long)]
    ignore_not_found: bool,
    /// Only list, and delete nothing
    #[arg(long)]
    dry_run: bool,
    /// How long to wait until what was deleted is gone: finalizers may delay it
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration::parse)]
    wait: Duration,
    /// With --local: use no cluster, and keep the objects in it, for a cluster that no
    /// longer exists
    #[arg(long, requires = "local", conflicts_with_all = ["context", "kubeconfig"])]
    no_cluster: bool,

    #[command(flatten)]
    cluster: ClusterArgs,
}

impl DeleteArgs {
    fn request(&self) -> Request {
        Request {
            local: self.local,
            dry_run: self.dry_run,
            wait: self.wait,
            no_cluster: self.no_cluster,
            place: self.cluster.place.place(),
            retry_for: self.cluster.retry_for,
        }
    }
}

pub(super) fn run(args: &DeleteArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let request = args.request();
    let given = read(&request, context)?;
    runtime()?.block_on(run_on(args, &request, given, format, context))
}

async fn run_on(
    args: &DeleteArgs,
    request: &Request,
    given: Given,
    format: Format,
    context: &Context,
) -> Result<Exit, Failure> {
    let notice = |text: &str| context.say(text);
    let access = access(request, &given, context).await?;
    let client = access.map(|access| Client::new(access, request.retry_for, &notice));
    let client = client.transpose().map_err(Failure::runtime)?;
    let plan = plan(request, given, client.as_ref(), context).await?;
    list(&plan, request, context);
    if plan.is_empty() {
        if !args.ignore_not_found {
            return Err(nothing(&plan, client.as_ref()).into());
        }
        if format == Format::Json {
            let outcome = Outcome::new(&plan, client.as_ref(), request.dry_run);
            context.print_json(&DeleteJson::new(&outcome, &context.aim))?;
        }
        return Ok(Exit::Done);
    }
    if !request.dry_run {
        let fix = "add --yes; --dry-run lists what would be deleted";
        allow_deletion("nothing was deleted", fix, context)?;
    }
    let suffix = if request.dry_run { " (dry run)" } else { "" };
    let streamed = Streamed::new(format, suffix, context);
    let mut cancel = context.signals.cancel();
    let deleted = carry_out(request, &plan, client.as_ref(), &mut cancel, streamed.here()).await;
    let json = DeleteJson::new(&deleted.outcome, &context.aim);
    if let Some(failure) = deleted.failure {
        return Err(Failure::from(failure).with_result_of(&json));
    }
    streamed.printed()?;
    match format {
        Format::Text => {
            for file in &deleted.outcome.files {
                context.print(&format!("{file} deleted{suffix}\n"))?;
            }
        }
        Format::Json => context.print_json(&json)?,
    }
    Ok(Exit::Done)
}

/// Shows what would be deleted; with a confirmation it is shown even with -q.
fn list(plan: &Plan, request: &Request, context: &Context) {
    let list = |line: &str| {
        if context.yes || request.dry_run {
            context.say(line);
        } else {
            context.say_always(line);
        }
    };
    for object in &plan.objects {
        let part = if object.is_patch { " (its volumes)" } else { "" };
        list(&format!("  {}{part}", object.title()));
        if let Some(note) = object.note() {
            context.say_always(&format!("note: {note}"));
        }
    }
    for file in plan.files() {
        list(&format!("  {file}"));
    }
}
