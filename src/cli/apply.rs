//! `istio-tls apply`: the workspace's objects, or those of files, to a cluster.

mod input;
mod references;
mod report;
mod serving;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;

use self::input::{Input, Keyless};
use self::references::Missing;
use self::report::{Outcome, Report};
use self::serving::Seen;
use super::args::choice;
use crate::cli::cluster_flags::ClusterArgs;
use crate::cli::ask::{FirstUse, allow_deletion, permit};
use crate::ops::cluster_access::{held, listed, refused, runtime};
use super::context::{Context, Format};
use crate::cli::interrupt::{self};
use crate::ops::interruption::{Interrupted, until_signal};
use super::{Exit, Failure, duration, lint};
use crate::cluster::apply::{self, Action, Allowed, Applying, Ready, Refused};
use crate::cluster::client::Client;
use crate::cluster::kubeconfig::Access;
use crate::cluster::owned::{self, Found, Owned};
use crate::cluster::rollout;
use crate::cluster::stages::{Halt, Halting};
use crate::problem::Problem;
use crate::remedy::Remedy;
use crate::shell::quote;
use crate::sources::disk::DiskFiles;
use crate::workspace::config::WorkspaceConfig;

/// Applies the workspace's objects to a cluster
///
/// The same objects as `istio-tls manifests` prints, or those of -f, by
/// server-side apply with the field manager istio-tls. The API server is asked
/// about all of them before the first one is stored. What others manage is left
/// alone: a conflict names them and ends with exit code 1. Where the gateway can
/// be reached, it ends when that serves the certificate of every host.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls apply\n  istio-tls apply --diff\n  istio-tls apply --dry-run server --context staging\n  istio-tls apply -f gateway.yaml -f secrets/\n  istio-tls apply --samples --prune --yes"
)]
pub(super) struct ApplyArgs {
    /// Manifests in place of the workspace's: a file, a folder, or - (repeatable)
    #[arg(short = 'f', long, value_name = "FILE|DIR|-")]
    filename: Vec<PathBuf>,
    /// Also the folders in folders of --filename
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Also the workloads and Services of the samples that the hosts lead to
    #[arg(long, conflicts_with = "filename")]
    samples: bool,

    /// Store nothing: client asks no server, server lets it check everything
    #[arg(long, value_name = "WHO", value_parser = choice(DryRun::WORDS), help_heading = "Safety")]
    dry_run: Option<DryRun>,
    /// Store nothing and show what would change; exit code 1 when something would
    #[arg(long, conflicts_with = "dry_run", help_heading = "Safety")]
    diff: bool,
    /// Delete what this workspace applied earlier and does not hold any more; asks first
    #[arg(long, help_heading = "Safety")]
    prune: bool,
    /// Take over fields that others manage, and objects of other workspaces
    #[arg(long, help_heading = "Safety")]
    force_conflicts: bool,
    /// Delete and make anew a Secret whose type cannot hold what is wanted
    #[arg(long, help_heading = "Safety")]
    replace: bool,
    /// Apply even when lint finds errors in the objects
    #[arg(long, help_heading = "Safety")]
    no_lint: bool,

    /// How long to wait until pods are new and ready, and the gateway serves each host's new certificate
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration::parse, help_heading = "Waiting")]
    wait: Duration,
    /// End as soon as the API server has taken the objects
    #[arg(long, conflicts_with = "wait", help_heading = "Waiting")]
    no_wait: bool,

    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Who checks, when nothing is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DryRun {
    /// This program.
    Client,
    /// The API server.
    Server,
}

impl DryRun {
    const WORDS: &[(&str, Self)] = &[("client", Self::Client), ("server", Self::Server)];
}

pub(super) fn run(args: &ApplyArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let disk = DiskFiles::default();
    let (mut input, given) = input::read(args, &disk, context).map_err(Failure::usage)?;
    let findings = std::mem::take(&mut input.findings);
    let missing = match given {
        Some(given) => references::stop_on_others(findings, given, args.dry_run, context)?,
        None => lint::stop_on_errors(findings, context).map(|()| None)?,
    };
    for note in &input.notes {
        context.say_always(&format!("note: {note}"));
    }
    if args.prune && input.workspace.is_none() {
        return Err(Failure::usage(
            Problem::new("there is nothing that --prune could go by")
                .why("objects are found again by their workspace's id, and here is no istio-tls.yaml")
                .fix("istio-tls init, or leave --prune out"),
        ));
    }
    runtime()?.block_on(run_on(args, &input, missing, format, context))
}

async fn run_on(
    args: &ApplyArgs,
    input: &Input,
    missing: Option<Missing<'_>>,
    format: Format,
    context: &Context,
) -> Result<Exit, Failure> {
    if args.dry_run == Some(DryRun::Client) {
        let access = if args.cluster.place.is_there(context) {
            Some(args.cluster.place.access(context).await?)
        } else {
            None
        };
        head(input, access.as_ref(), context);
        return Report::of_client(input, access.as_ref()).show(format, context);
    }
    let access = args.cluster.place.access(context).await?;
    head(input, Some(&access), context);
    let stores = args.dry_run.is_none() && !args.diff;
    if stores {
        allow(args, input, &access, context)?;
    }
    let mut report = Report::new(&access, input, args.dry_run.map(|_| "server"));
    if args.diff {
        interrupt::stands("all was compared", json!({}));
    } else if stores {
        interrupt::stands("anything was stored", json!(report));
    } else {
        interrupt::stands("all was tried; a dry run stores nothing", json!(report));
    }
    let notice = |text: &str| context.say(text);
    let client = Client::new(access, args.cluster.retry_for, &notice).map_err(Failure::runtime)?;
    if let Some(missing) = missing {
        lint::stop_on_errors(missing.beside(&client, context).await?, context)?;
    }
    let namespace = input
        .namespace
        .clone()
        .unwrap_or_else(|| client.access.namespace.clone());
    let allowed = Allowed {
        force_conflicts: args.force_conflicts,
        replace: args.replace,
    };
    let applying = Applying {
        workspace: input.workspace_id(),
        namespace: &namespace,
        allowed,
        line: &line(args),
    };
    let ready = apply::prepare(&client, &input.wanted, &applying)
        .await
        .map_err(nothing_applied)?;
    for object in &ready {
        for note in &object.notes {
            context.say_always(&format!("note: {}: {note}", object.title()));
        }
    }
    let surplus = surplus(args, input, &client, &ready, &namespace, context).await?;
    if args.diff {
        return report::differences(&ready, &surplus, &client.access, format, context);
    }
    if !stores {
        for object in &ready {
            report.add(Outcome::of(object, object.forecast.word()));
        }
        for object in &surplus {
            report.add(Outcome::of_owned(object, "pruned"));
        }
        return report.show(format, context);
    }
    allow_pruning(&surplus, context)?;
    record(input, &client.access, context)?;
    let work = Work {
        args,
        input,
        client: &client,
        ready: &ready,
        surplus: &surplus,
        format,
        context,
    };
    let (outcome, signal) = until_signal(|halting| work.done(&mut report, halting), context).await?;
    let outcome = match signal {
        Some(signal) => outcome.and_then(|left| match left {
            Some(left) => Err(interrupted(signal, &left, &report)),
            // It was done when the signal came.
            None => Ok(()),
        }),
        None => outcome.map(drop),
    };
    match outcome {
        Ok(()) => match unmade(&input.keyless) {
            Some(failure) => Err(failure.with_result(json!(report))),
            None => report.end(format, context),
        },
        Err(failure) => Err(failure.with_result(json!(report))),
    }
}

/// The command that applies the same objects, as a user types it.
fn line(args: &ApplyArgs) -> String {
    let mut line = "istio-tls apply".to_owned();
    for file in &args.filename {
        line.push_str(" -f ");
        line.push_str(&quote(&file.display().to_string()));
    }
    for (is_given, flag) in [(args.recursive, " -R"), (args.samples, " --samples")] {
        if is_given {
            line.push_str(flag);
        }
    }
    line
}

/// Everything that is to be done, once it is known and allowed.
struct Work<'w> {
    args: &'w ApplyArgs,
    input: &'w Input,
    client: &'w Client<'w>,
    ready: &'w [Ready],
    surplus: &'w [Owned],
    format: Format,
    context: &'w Context,
}

impl Work<'_> {
    /// Stores, prunes and waits; `report` has at the end what is done. Gives what
    /// was left when it was cut short.
    async fn done(&self, report: &mut Report, halting: Halting) -> Result<Option<Left>, Failure> {
        let (client, format, context) = (self.client, self.format, self.context);
        let mut printed = Ok(());
        // A reader that has gone is no reason to leave half of it undone.
        let mut tell = |outcome: Outcome| {
            let outcome = report.tell(outcome, format, context);
            if printed.is_ok() {
                printed = outcome;
            }
        };
        let mut told = |object: &Ready, action: Action| tell(Outcome::of(object, action.word()));
        let stored = apply::store_until(client, self.ready, &halting, &mut told).await;
        let mut left = Left {
            unstored: stored.left,
            unknown: stored.unknown,
            ..Left::default()
        };
        let unpruned = || self.surplus.iter().map(Owned::title).collect();
        if let Some(refused) = stored.refused {
            left.unpruned = unpruned();
            return Err(stopped(refused, &left, report));
        }
        if halting.is_asked() && !left.is_empty() {
            left.unpruned = unpruned();
            return Ok(Some(left));
        }
        let workspace = self.input.workspace_id().unwrap_or_default();
        let mut told = |object: &Owned, finalizers: Vec<String>| {
            let mut outcome = Outcome::of_owned(object, "pruned");
            if !finalizers.is_empty() {
                let note = held(&finalizers);
                context.say_always(&format!("note: {}: {note}", object.title()));
                outcome.notes.push(note);
            }
            tell(outcome);
        };
        let pruned = owned::remove_until(client, self.surplus, workspace, false, &halting, &mut told).await;
        (left.unpruned, left.unknown) = (pruned.left, pruned.unknown);
        if let Some(problem) = pruned.refused {
            return Err(stopped(problem.into(), &left, report));
        }
        printed?;
        if halting.is_asked() {
            let is_done = self.args.no_wait && left.is_empty();
            return Ok((!is_done).then_some(left));
        }
        // Nothing is under way from here on.
        tokio::select! {
            biased;
            () = halting.until(Halt::BeginNoMore) => Ok(Some(left)),
            waited = self.wait(report) => waited.map(|()| None),
        }
    }

    /// Waits until what is stored is in effect, where that can be seen.
    async fn wait(&self, report: &mut Report) -> Result<(), Failure> {
        let (client, context) = (self.client, self.context);
        let start = Instant::now();
        if !self.args.no_wait {
            // File-mount style: new volumes are in effect when every pod is new.
            self.await_rollouts(start, |object| object.is_patch).await?;
        }
        if !self.input.wanted.is_empty() {
            match seen(self.args, self.input, client, context).await? {
                Seen::Served(hosts) => report.add_served(hosts),
                Seen::NotChecked(why) => context.say(&format!(
                    "note: whether the gateway serves this already was not checked: {why}"
                )),
            }
        }
        if !self.args.no_wait {
            self.await_rollouts(start, Ready::is_workload).await?;
        }
        Ok(())
    }

    /// Waits for Deployments that are `meant`, at most as long after `start` as
    /// --wait says.
    async fn await_rollouts(&self, start: Instant, meant: impl Fn(&Ready) -> bool) -> Result<(), Failure> {
        let (client, context) = (self.client, self.context);
        for object in self.ready.iter().filter(|object| meant(object)) {
            let Some(namespace) = &object.namespace else { continue };
            let mut told = |text: &str| context.say(text);
            let limit = rollout::Limit {
                start,
                wait: self.args.wait,
            };
            rollout::wait(client, &object.resource, namespace, &object.name, limit, &mut told)
                .await
                .map_err(Failure::findings)?;
            context.say(&if object.is_patch {
                format!("every pod of {} has its volumes", object.title())
            } else {
                format!("every pod of {} is ready", object.title())
            });
        }
        Ok(())
    }
}

/// That Secrets are not made, for want of their keys: all else is applied.
fn unmade(keyless: &[Keyless]) -> Option<Failure> {
    let first = keyless.first()?;
    let titles: Vec<String> = keyless.iter().map(|one| one.secret.clone()).collect();
    let hosts: Vec<&str> = keyless.iter().map(|one| one.host.as_str()).collect();
    Some(Failure::findings(
        Problem::new(format!(
            "not applied: {}, for the server key of {} is not here; all else is applied",
            listed(&titles),
            hosts.join(", ")
        ))
        .at(first.key.clone())
        .why("a chain made with gen-certs --csr has its key where the request was made; what the cluster has of that Secret stays")
        .fix(format!(
            "put the key there and run the same command again; or make the Secret where the key is, of {} and the key",
            first.certificate
        )),
    ))
}

/// What a run that ended before its end has not done, in words.
#[derive(Default)]
struct Left {
    /// Refused, or not sent.
    unstored: Vec<String>,
    /// Sent, without an answer.
    unknown: Vec<String>,
    /// Not deleted, of --prune.
    unpruned: Vec<String>,
}

impl Left {
    fn is_empty(&self) -> bool {
        self.unstored.is_empty() && self.unknown.is_empty() && self.unpruned.is_empty()
    }

    /// What is done, and what is not.
    fn lines(&self, report: &Report) -> String {
        let mut lines = vec![format!("applied: {}", listed(&report.titles()))];
        if self.unknown.is_empty() || !self.unstored.is_empty() {
            lines.push(format!("not applied: {}", listed(&self.unstored)));
        }
        if !self.unknown.is_empty() {
            lines.push(format!("sent, and not known to be done: {}", listed(&self.unknown)));
        }
        if !self.unpruned.is_empty() {
            lines.push(format!("not pruned: {}", listed(&self.unpruned)));
        }
        lines.join("\n")
    }
}

/// The failure of a run that a signal ended: what is done, and what is not.
fn interrupted(signal: Interrupted, left: &Left, report: &Report) -> Failure {
    let before = if !left.unstored.is_empty() {
        "all was applied"
    } else if !left.unpruned.is_empty() {
        "all was pruned"
    } else if !left.unknown.is_empty() {
        "the API server had answered"
    } else {
        "the gateway was seen to serve it"
    };
    signal.failure(before, left.lines(report), GO_ON.to_owned())
}

/// How a run that ended in the middle is gone on with.
const GO_ON: &str = "run the same command again: what is applied stays, the rest follows";

/// What --prune would delete is shown and asked about, before anything is stored.
fn allow_pruning(surplus: &[Owned], context: &Context) -> Result<(), Failure> {
    if surplus.is_empty() {
        return Ok(());
    }
    if !context.yes {
        context.say_always("no longer among the workspace's objects (--prune):");
        for object in surplus {
            context.say_always(&format!("  {}", object.title()));
        }
    }
    let nothing = "nothing was applied, and nothing pruned";
    allow_deletion(nothing, "add --yes; --diff shows what would be done", context)
}

/// Which cluster, and which objects.
fn head(input: &Input, access: Option<&Access>, context: &Context) {
    const SHOWN: usize = 50;
    match access {
        Some(access) => context.say(&format!(
            "context {} (user {}), server {}",
            access.context, access.user, access.server
        )),
        None => context.say("no kubeconfig: no context, no server"),
    }
    let default = input
        .namespace
        .as_deref()
        .or(access.map(|access| access.namespace.as_str()));
    for object in input.wanted.iter().take(SHOWN) {
        context.say(&format!("  {}", object.title(default.unwrap_or("default"))));
    }
    if input.wanted.len() > SHOWN {
        context.say(&format!("  and {} more", input.wanted.len() - SHOWN));
    }
}

/// The first time that a workspace goes to a cluster elsewhere, somebody says yes.
fn allow(args: &ApplyArgs, input: &Input, access: &Access, context: &Context) -> Result<(), Failure> {
    let recorded = (input.workspace.as_ref()).and_then(|workspace| workspace.found.config.context.as_deref());
    let first = FirstUse {
        question: &format!("Apply {} objects to", input.wanted.len()),
        done: "applied to",
    };
    permit(access, &args.cluster.place, recorded, &first, context)
}

/// The refusal of one that was tried before anything was stored.
fn nothing_applied(mut error: Refused) -> Failure {
    if error.is_conflict {
        let at = error.problem.at.take().unwrap_or_default();
        error.problem.at = Some(format!("{at}; nothing was applied"));
    }
    refused(error)
}

/// What the workspace has in the cluster and does not want any more.
async fn surplus(
    args: &ApplyArgs,
    input: &Input,
    client: &Client<'_>,
    ready: &[Ready],
    namespace: &str,
    context: &Context,
) -> Result<Vec<Owned>, Failure> {
    let Some(workspace) = input.workspace_id().filter(|_| args.prune) else {
        return Ok(Vec::new());
    };
    let namespaces = (ready.iter().filter_map(|object| object.namespace.clone()))
        .chain([namespace.to_owned(), input.pod_namespace.clone()])
        .collect();
    let Found {
        objects,
        copies,
        unseen,
    } = owned::find(client, workspace, &namespaces, &input.pod_namespace)
        .await
        .map_err(Failure::runtime)?;
    for copy in &copies {
        context.say_always(&format!("note: {}", copy.note()));
    }
    for unseen in unseen {
        context.say_always(&format!(
            "note: {unseen} may not be listed, and were not looked through"
        ));
    }
    let is_wanted = |object: &Owned| {
        (ready.iter()).any(|known| object.is(&known.resource, known.namespace.as_deref(), &known.name))
    };
    // A Secret that cannot be made here is wanted all the same.
    let is_keyless = |object: &Owned| input.keyless.iter().any(|one| one.secret == object.title());
    let surplus = objects.into_iter();
    Ok(surplus
        .filter(|object| !is_wanted(object) && !is_keyless(object))
        .collect())
}

/// Writes istio-tls.yaml: the context, and what else was repaired.
fn record(input: &Input, access: &Access, context: &Context) -> Result<(), Failure> {
    let Some(workspace) = &input.workspace else {
        return Ok(());
    };
    let wanted = WorkspaceConfig {
        context: Some(access.context.clone()),
        ..workspace.wanted.clone()
    };
    if workspace.is_new || workspace.found.config != wanted {
        let file = workspace.found.edit(&wanted).map_err(Failure::runtime)?;
        file.write().map_err(Failure::runtime)?;
        context.say(&format!("recorded the context in {}", crate::files::shown(&file.path)));
    }
    Ok(())
}

/// The failure of a run that had begun: what is stored, and what is not.
fn stopped(error: Refused, left: &Left, report: &Report) -> Failure {
    let mut failure = refused(error);
    if let Some(problem) = &mut failure.problem {
        let why = problem.why.take().map(|why| format!("{why}\n")).unwrap_or_default();
        problem.why = Some(format!("{why}{}", left.lines(report)));
        problem.fix = Some(Remedy::then_go_on(problem.fix.take(), GO_ON));
    }
    failure
}

/// Whether the gateway serves it, where one may look.
async fn seen(args: &ApplyArgs, input: &Input, client: &Client<'_>, context: &Context) -> Result<Seen, Failure> {
    if args.no_wait {
        Ok(Seen::NotChecked("--no-wait".to_owned()))
    } else if !args.filename.is_empty() {
        Ok(Seen::NotChecked(
            "which certificates belong to the manifests of -f is not known".to_owned(),
        ))
    } else {
        serving::prove(input, client, args.wait, context).await
    }
}

/// Whether an action changed something.
fn is_change(action: Action) -> bool {
    action != Action::Unchanged
}
