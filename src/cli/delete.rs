//! `istio-tls delete`: what `apply` made in a cluster, and with --local what
//! `gen-certs` made in this folder. Listed first; nothing of anyone else.

mod local;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use self::local::Local;
use crate::cli::cluster_flags::ClusterArgs;
use crate::cli::ask::allow_deletion;
use crate::ops::cluster_access::{listed, runtime};
use super::context::{Context, Format};
use crate::ops::interruption::{Interrupted, until_signal};
use super::{Exit, Failure, duration};
use crate::cluster::WORKSPACE_LABEL;
use crate::cluster::client::Client;
use crate::cluster::kubeconfig::Access;
use crate::cluster::owned::{self, Found, Owned, Unremoved};
use crate::cluster::stages::{Halt, Halting};
use crate::problem::Problem;
use crate::remedy::Remedy;
use crate::shell::quote;
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
    /// How long to wait until what was deleted is gone: finalizers may hold it
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration::parse)]
    wait: Duration,
    /// With --local: ask no cluster, and leave what is in it, as when it is gone for good
    #[arg(long, requires = "local", conflicts_with_all = ["context", "kubeconfig"])]
    no_cluster: bool,

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
    let config = file.map(|file| file.config);
    if let (true, Some(config)) = (args.no_cluster, &config) {
        leave(config, context);
    }
    // A folder that never applied has nothing in any cluster.
    let config = config.filter(|config| {
        let names_one = config.context.is_some() || args.cluster.place.context.is_some();
        !args.local || (names_one && !args.no_cluster)
    });
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
        let access = args.cluster.place.access(context).await;
        let access = access.map_err(|failure| or_no_cluster(failure, args))?;
        if args.local {
            stays_elsewhere(config, &access)?;
        }
        context.say(&format!(
            "context {} (user {}), server {}",
            access.context, access.user, access.server
        ));
        let connected = Client::new(access, args.cluster.retry_for, &notice).map_err(Failure::runtime)?;
        let found = find(&connected, config, context).await;
        let found = found.map_err(|failure| or_no_cluster(failure, args))?;
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
        if let Some(note) = object.note() {
            context.say_always(&format!("note: {note}"));
        }
    }
    for line in local.iter().flat_map(Local::lines) {
        list(&format!("  {line}"));
    }
    let kept = kept
        .iter()
        .map(|copy| json!({"title": copy.title, "managers": copy.managers}));
    let mut result = json!({
        "schema": 1,
        "context": client.as_ref().map(|client| &client.access.context),
        "dryRun": args.dry_run,
        "objects": [],
        "files": [],
        "kept": kept.collect::<Vec<_>>(),
    });
    if objects.is_empty() && local.as_ref().is_none_or(Local::is_empty) {
        return nothing(args, config, client.as_ref(), &result, format, context);
    }
    if !args.dry_run {
        let fix = "add --yes; --dry-run lists what would be deleted";
        allow_deletion("nothing was deleted", fix, context)?;
    }
    let mut done = Done {
        dry_run: args.dry_run,
        format,
        context,
        printed: Ok(()),
        titles: Vec::new(),
        objects: Vec::new(),
    };
    if let (Some(client), Some(config)) = (&client, config) {
        let (told, objects) = (&mut done, &objects);
        let work = |halting| async move { remove(client, objects, config, args, &halting, told).await };
        let (unremoved, signal) = until_signal(work, context).await?;
        let files = local.as_ref().filter(|_| !args.dry_run).map(Local::lines);
        let failure = failed(unremoved, signal, &done.titles, files.unwrap_or_default(), args);
        if let Some(failure) = failure {
            // Local files stay until their objects are gone.
            result["objects"] = json!(done.objects);
            return Err(failure.with_result(result));
        }
        done.printed?;
    }
    result["objects"] = json!(done.objects);
    let files = match &local {
        Some(local) if !args.dry_run => {
            let removed = local.remove().map_err(Failure::runtime);
            removed.map_err(|failure| failure.with_result(result.clone()))?
        }
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
            result["files"] = json!(files);
            context.print_json(&result)?;
        }
    }
    Ok(Exit::Done)
}

/// What is done, told as it happens.
struct Done<'d> {
    dry_run: bool,
    format: Format,
    context: &'d Context,
    printed: Result<(), Failure>,
    /// What is gone.
    titles: Vec<String>,
    /// The same, and what is to go, for JSON.
    objects: Vec<Value>,
}

impl Done<'_> {
    fn gone(&mut self, object: &Owned) {
        self.titles.push(object.title());
        self.tell(object, if object.is_patch { "unpatched" } else { "deleted" }, &[]);
    }

    fn tell(&mut self, object: &Owned, action: &str, finalizers: &[String]) {
        // A reader that has gone is no reason to leave half of it undone.
        if self.format == Format::Text && self.printed.is_ok() {
            let suffix = if self.dry_run { " (dry run)" } else { "" };
            self.printed = self.context.print(&format!("{} {action}{suffix}\n", object.title()));
        }
        self.objects.push(json!({
            "apiVersion": object.resource.api_version,
            "kind": object.resource.kind,
            "namespace": object.namespace,
            "name": object.name,
            "action": action,
            "finalizers": finalizers,
            "notes": object.note().into_iter().collect::<Vec<_>>(),
        }));
    }
}

/// What was not done.
struct Undone {
    /// Not deleted.
    unremoved: Unremoved,
    /// Deleted, and held by these finalizers.
    held: Vec<(Owned, Vec<String>)>,
}

/// Takes all away, and waits until it is gone.
async fn remove(
    client: &Client<'_>,
    objects: &[Owned],
    config: &WorkspaceConfig,
    args: &DeleteArgs,
    halting: &Halting,
    done: &mut Done<'_>,
) -> Undone {
    let context = done.context;
    let mut held = Vec::new();
    let mut told = |object: &Owned, finalizers: Vec<String>| {
        if finalizers.is_empty() {
            done.gone(object);
        } else if args.dry_run {
            done.tell(object, "terminating", &finalizers);
        } else {
            held.push((object.clone(), finalizers));
        }
    };
    let mut unremoved = owned::remove_until(client, objects, &config.id, args.dry_run, halting, &mut told).await;
    if !held.is_empty() && unremoved.refused.is_none() {
        for (object, finalizers) in &held {
            let finalizers = finalizers.join(", ");
            context.say(&format!(
                "waiting for the finalizers of {}: {finalizers}",
                object.title()
            ));
        }
        let mut told = |object: &Owned| done.gone(object);
        tokio::select! {
            biased;
            () = halting.until(Halt::BeginNoMore) => {}
            waited = owned::await_gone(client, &mut held, args.wait, &mut told) => unremoved.refused = waited.err(),
        }
    }
    for (object, finalizers) in &held {
        done.tell(object, "terminating", finalizers);
    }
    Undone { unremoved, held }
}

/// With --local, what is in another cluster could not be found again: its id
/// stands in the files.
fn stays_elsewhere(config: &WorkspaceConfig, access: &Access) -> Result<(), Failure> {
    match &config.context {
        Some(recorded) if *recorded != access.context => Err(Failure::usage(
            Problem::new(format!(
                "nothing was deleted: the last apply was to the context {recorded}, and this is {}",
                access.context
            ))
            .why(format!(
                "what is there is found by the id {} of {FILE_NAME}, which --local deletes",
                config.id
            ))
            .fix(format!(
                "istio-tls delete --local --context {}, with the kubeconfig that has it; or --no-cluster in place of --context, to leave there what is there",
                quote(recorded)
            )),
        )),
        _ => Ok(()),
    }
}

/// A cluster that is gone keeps nobody from deleting files.
fn or_no_cluster(mut failure: Failure, args: &DeleteArgs) -> Failure {
    if let (true, Some(problem)) = (args.local, &mut failure.problem) {
        let line = "where that cluster is gone for good: istio-tls delete --local --no-cluster";
        problem.fix = Some(match problem.fix.take() {
            Some(fix) => fix.below(line),
            None => line.into(),
        });
    }
    failure
}

/// Says how what --no-cluster leaves is found.
fn leave(config: &WorkspaceConfig, context: &Context) {
    if let Some(recorded) = &config.context {
        context.say_always(&format!(
            "note: what is in the context {recorded} stays there: kubectl --context {} get secrets,gateways.networking.istio.io,virtualservices.networking.istio.io -A -l {WORKSPACE_LABEL}={}",
            quote(recorded),
            config.id
        ));
    }
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
    result: &Value,
    format: Format,
    context: &Context,
) -> Result<Exit, Failure> {
    if args.ignore_not_found {
        if format == Format::Json {
            context.print_json(result)?;
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
    undone: Undone,
    signal: Option<Interrupted>,
    deleted: &[String],
    files: Vec<String>,
    args: &DeleteArgs,
) -> Option<Failure> {
    const GO_ON: &str = "run the same command again for the rest";
    let Undone { mut unremoved, held } = undone;
    let is_held = |(object, finalizers): &(Owned, Vec<String>)| match finalizers.as_slice() {
        [] => format!("{} (terminating)", object.title()),
        finalizers => format!("{} (terminating: finalizer {})", object.title(), finalizers.join(", ")),
    };
    let terminating: Vec<String> = held.iter().map(is_held).collect();
    unremoved.left.extend(terminating.iter().cloned());
    unremoved.left.extend(files);
    let mut lines = vec![format!("deleted so far: {}", listed(deleted))];
    if !unremoved.left.is_empty() {
        lines.push(format!("not deleted: {}", listed(&unremoved.left)));
    }
    if !unremoved.unknown.is_empty() {
        lines.push(format!(
            "sent, and not known to be done: {}",
            listed(&unremoved.unknown)
        ));
    }
    let told = lines.join("\n");
    if let Some(mut problem) = unremoved.refused {
        let why = problem.why.take().map(|why| format!("{why}\n")).unwrap_or_default();
        problem.why = Some(format!("{why}{told}"));
        problem.fix = Some(Remedy::then_go_on(problem.fix.take(), GO_ON));
        return Some(Failure::runtime(problem));
    }
    // Where all that there was is gone, the signal came too late.
    if let Some(signal) = signal.filter(|_| !unremoved.left.is_empty() || !unremoved.unknown.is_empty()) {
        return Some(signal.failure("all was deleted", told, GO_ON.to_owned()));
    }
    (!terminating.is_empty()).then(|| {
        let what = format!("deleted, but still there after {} s: {}", args.wait.as_secs(), listed(&terminating));
        let fix = format!(
            "whoever set a finalizer takes it off when its work is done; a longer --wait when that only takes its time; then {GO_ON}"
        );
        Failure::findings(Problem::new(what).why(told).fix(fix))
    })
}
