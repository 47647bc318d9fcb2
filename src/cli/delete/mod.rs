//! `istio-tls delete`: what `apply` made in a cluster, and with --local what
//! `gen-certs` made in this folder. Listed first; nothing of anyone else.

mod local;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use self::local::Local;
use super::cluster_access::{ClusterArgs, allow_deletion, held, listed, runtime};
use super::context::{Context, Format};
use super::failure::then_go_on;
use super::interrupt::{Interrupted, until_signal};
use super::{Exit, Failure};
use crate::cluster::client::Client;
use crate::cluster::owned::{self, Found, Owned, Unremoved};
use crate::problem::Problem;
use crate::workspace::config::{FILE_NAME, WorkspaceConfig};
use crate::workspace::file::WorkspaceFile;

/// Deletes what apply made, and nothing else
///
/// Objects are found by the label of this workspace's id. Fields that apply
/// added to the gateway's own Deployment are taken back, the Deployment stays.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls delete --dry-run\n  istio-tls delete --yes\n  istio-tls delete --local --yes"
)]
pub(super) struct DeleteArgs {
    /// Also the chains of this folder's hosts; without an earlier apply no cluster is asked
    #[arg(long)]
    local: bool,
    /// Nothing to delete is no failure
    #[arg(long)]
    ignore_not_found: bool,
    /// List, and delete nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(super) fn run(args: &DeleteArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let file = WorkspaceFile::read(&context.dir).map_err(Failure::usage)?;
    let local = match (args.local, &file) {
        (true, file) => Some(Local::find(&context.dir, file.as_ref()).map_err(Failure::usage)?),
        (false, Some(_)) => None,
        (false, None) => {
            return Err(Failure::usage(
                Problem::new(format!("there is no {FILE_NAME} here"))
                    .why("its id marks the objects that apply made from this folder; without it none can be told from others'")
                    .fix("run it in the workspace's folder, or name that with -C DIR"),
            ));
        }
    };
    // A folder that never applied has nothing in any cluster.
    let config = file
        .map(|file| file.config)
        .filter(|config| !args.local || config.context.is_some() || args.cluster.place.context.is_some());
    runtime()?.block_on(run_on(args, config.as_ref(), local, format, context))
}

async fn run_on(
    args: &DeleteArgs,
    config: Option<&WorkspaceConfig>,
    local: Option<Local>,
    format: Format,
    context: &Context,
) -> Result<Exit, Failure> {
    let notice = |text: &str| context.say(text);
    let mut objects = Vec::new();
    let mut kept = Vec::new();
    let mut client = None;
    if let Some(config) = config {
        let access = args.cluster.place.access(context).await?;
        context.say(&format!(
            "context {} (user {}), server {}",
            access.context, access.user, access.server
        ));
        let connected = Client::new(access, args.cluster.retry_for, &notice).map_err(Failure::runtime)?;
        let found = find(&connected, config, context).await?;
        (objects, kept) = (found.objects, found.copies);
        client = Some(connected);
    }
    // What is asked about is shown, whatever -q says.
    let list = |line: &str| {
        if context.yes || args.dry_run {
            context.say(line);
        } else {
            context.say_always(line);
        }
    };
    for object in &objects {
        list(&format!(
            "  {}{}",
            object.title(),
            if object.is_patch { " (its volumes)" } else { "" }
        ));
    }
    for line in local.iter().flat_map(Local::lines) {
        list(&format!("  {line}"));
    }
    if objects.is_empty() && local.as_ref().is_none_or(Local::is_empty) {
        return nothing(args, config, client.as_ref(), format, context);
    }
    if !args.dry_run {
        let fix = "add --yes; --dry-run lists what would be deleted";
        allow_deletion("nothing was deleted", fix, context)?;
    }
    let (mut deleted, mut titles): (Vec<Value>, Vec<String>) = (Vec::new(), Vec::new());
    if let (Some(client), Some(config)) = (&client, config) {
        let mut printed = Ok(());
        let objects = &objects;
        let told = &mut |object: &Owned, finalizers: Vec<String>| {
            let action = if object.is_patch { "unpatched" } else { "deleted" };
            if format == Format::Text && printed.is_ok() {
                let suffix = if args.dry_run { " (dry run)" } else { "" };
                printed = context.print(&format!("{} {action}{suffix}\n", object.title()));
            }
            if !finalizers.is_empty() {
                context.say_always(&format!("note: {}: {}", object.title(), held(&finalizers)));
            }
            titles.push(object.title());
            deleted.push(json!({
                "apiVersion": object.resource.api_version,
                "kind": object.resource.kind,
                "namespace": object.namespace,
                "name": object.name,
                "action": action,
                "finalizers": finalizers,
            }));
        };
        let (unremoved, signal) =
            until_signal(
                |halting| async move {
                    owned::remove_until(client, objects, &config.id, args.dry_run, &halting, told).await
                },
                context,
            )
            .await?;
        let files = local.as_ref().filter(|_| !args.dry_run).map(Local::lines);
        if let Some(mut failure) = failed(unremoved, signal, &titles, files.unwrap_or_default()) {
            // Local files stay until their objects are gone.
            if format == Format::Json {
                failure = failure.with_result(json!({
                    "schema": 1,
                    "context": client.access.context,
                    "dryRun": args.dry_run,
                    "objects": deleted,
                }));
            }
            return Err(failure);
        }
        printed?;
    }
    let files = match &local {
        Some(local) if !args.dry_run => local.remove().map_err(Failure::runtime)?,
        Some(local) => local.lines(),
        None => Vec::new(),
    };
    match format {
        Format::Text => {
            let suffix = if args.dry_run { " (dry run)" } else { "" };
            for file in &files {
                context.print(&format!("{file} deleted{suffix}\n"))?;
            }
        }
        Format::Json => {
            context.print_json(&json!({
                "schema": 1,
                "context": client.as_ref().map(|client| &client.access.context),
                "dryRun": args.dry_run,
                "objects": deleted,
                "files": files,
                "kept": kept.iter().map(|copy| json!({"title": copy.title, "managers": copy.managers})).collect::<Vec<_>>(),
            }))?;
        }
    }
    Ok(Exit::Done)
}

async fn find(client: &Client<'_>, config: &WorkspaceConfig, context: &Context) -> Result<Found, Failure> {
    let pod_namespace = context
        .gateway_namespace
        .as_ref()
        .unwrap_or(&config.gateway.pod_namespace);
    let namespaces: BTreeSet<String> = [
        context.namespace.as_ref().unwrap_or(&config.gateway.namespace),
        pod_namespace,
    ]
    .into_iter()
    .cloned()
    .collect();
    let found = owned::find(client, &config.id, &namespaces, pod_namespace)
        .await
        .map_err(Failure::runtime)?;
    for copy in &found.copies {
        context.say_always(&format!("note: {}", copy.note()));
    }
    for unseen in &found.unseen {
        context.say_always(&format!(
            "note: {unseen} may not be listed, and were not looked through"
        ));
    }
    Ok(found)
}

/// Nothing is there to be deleted.
fn nothing(
    args: &DeleteArgs,
    config: Option<&WorkspaceConfig>,
    client: Option<&Client<'_>>,
    format: Format,
    context: &Context,
) -> Result<Exit, Failure> {
    if args.ignore_not_found {
        if format == Format::Json {
            context.print_json(&json!({"schema": 1, "dryRun": args.dry_run, "objects": [], "files": []}))?;
        }
        return Ok(Exit::Done);
    }
    let problem = Problem::new("there is nothing to delete");
    let recorded = config.and_then(|config| config.context.as_deref());
    Err(Failure::findings(match (client, config) {
        (Some(client), Some(config)) => {
            let problem = problem
                .at(format!("context {}", client.access.context))
                .why(format!("no object there is this workspace's ({})", config.id));
            match recorded.filter(|recorded| *recorded != client.access.context) {
                Some(recorded) => problem.fix(format!("the last apply was to another context: --context {recorded}")),
                None => problem.fix("--ignore-not-found, if that is as it should be"),
            }
        }
        _ => problem
            .why("no chain of a host of this workspace stands here")
            .fix("--ignore-not-found, if that is as it should be"),
    }))
}

/// The failure of a run that did not delete all: what is gone, and what is not,
/// `files` among it, whose turn comes last.
fn failed(
    mut undone: Unremoved,
    signal: Option<Interrupted>,
    deleted: &[String],
    files: Vec<String>,
) -> Option<Failure> {
    const GO_ON: &str = "run the same command again for the rest";
    undone.left.extend(files);
    let mut lines = vec![format!("deleted so far: {}", listed(deleted))];
    if !undone.left.is_empty() {
        lines.push(format!("not deleted: {}", listed(&undone.left)));
    }
    if !undone.unknown.is_empty() {
        lines.push(format!("sent, and not known to be done: {}", listed(&undone.unknown)));
    }
    let told = lines.join("\n");
    if let Some(mut problem) = undone.refused {
        let why = problem.why.take().map(|why| format!("{why}\n")).unwrap_or_default();
        problem.why = Some(format!("{why}{told}"));
        problem.fix = Some(then_go_on(problem.fix.take(), GO_ON));
        return Some(Failure::runtime(problem));
    }
    // Where all that there was is gone, the signal came too late.
    let signal = signal.filter(|_| !undone.left.is_empty() || !undone.unknown.is_empty())?;
    Some(signal.failure("all was deleted", told, GO_ON.to_owned()))
}
