//! `istio-tls apply`: applies the workspace's objects, or those in files, to a cluster.

use std::path::PathBuf;
use std::time::Duration;

use super::ask::{FirstUse, allow_deletion, permit};
use super::cluster_flags::ClusterArgs;
use super::context::{Context, Format};
use super::streamed::Streamed;
use super::value_parsers::choice;
use super::{Exit, Failure, duration};
use crate::cluster::apply::Allowed;
use crate::cluster::client::Client;
use crate::cluster::kubeconfig::Access;
use crate::cluster::owned::Owned;
use crate::files;
use crate::ops::Class;
use crate::ops::apply::carry_out::carry_out;
use crate::ops::apply::input::{self, Given, Input};
use crate::ops::apply::outcome::{Outcome, differences};
use crate::ops::apply::plan::{access, plan};
use crate::ops::apply::request::{Purpose, Request, Source};
use crate::ops::cluster_access::runtime;
use crate::report::apply_json::{ApplyJson, DifferencesJson};
use crate::report::apply_text;
use crate::sources::disk::DiskFiles;

/// Applies the workspace's objects to a cluster
///
/// Applies the objects that `istio-tls manifests` prints, or those of -f, by server-side
/// apply with the field manager istio-tls. The API server checks all of them before the
/// first one is stored. Fields that others manage are not changed: a conflict names them
/// and ends with exit code 1. If the gateway can be reached, apply waits until it serves
/// the certificate of every host.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls apply\n  istio-tls apply --diff\n  istio-tls apply --dry-run server --context staging\n  istio-tls apply -f gateway.yaml -f secrets/\n  istio-tls apply --samples --prune --yes"
)]
pub(super) struct ApplyArgs {
    /// Manifests instead of the workspace's: a file, a folder, or - (repeatable)
    #[arg(short = 'f', long, value_name = "FILE|DIR|-")]
    filename: Vec<PathBuf>,
    /// Also read the subfolders of --filename
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Also the workloads and Services of the samples that the hosts lead to
    #[arg(long, conflicts_with = "filename")]
    samples: bool,

    /// Store nothing: client checks without a server, server has the API server check
    /// everything
    #[arg(long, value_name = "WHO", value_parser = choice(DryRun::WORDS), help_heading = "Safety")]
    dry_run: Option<DryRun>,
    /// Store nothing and show what would change; exit code 1 if anything would
    #[arg(long, conflicts_with = "dry_run", help_heading = "Safety")]
    diff: bool,
    /// Delete what this workspace applied earlier and no longer contains; asks first
    #[arg(long, help_heading = "Safety")]
    prune: bool,
    /// Take over fields that others manage, and objects of other workspaces
    #[arg(long, help_heading = "Safety")]
    force_conflicts: bool,
    /// Delete and recreate a Secret if its type is wrong
    #[arg(long, help_heading = "Safety")]
    replace: bool,
    /// Apply even if lint finds errors in the objects
    #[arg(long, help_heading = "Safety")]
    no_lint: bool,

    /// How long to wait until pods are new and ready, and the gateway serves each host's new certificate
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration::parse, help_heading = "Waiting")]
    wait: Duration,
    /// Exit as soon as the API server has accepted the objects
    #[arg(long, conflicts_with = "wait", help_heading = "Waiting")]
    no_wait: bool,

    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Who checks the objects in a dry run.
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

impl ApplyArgs {
    /// The request; reads standard input if it is named.
    fn request(&self) -> Result<Request, Failure> {
        let source = if self.filename.is_empty() {
            Source::Workspace { samples: self.samples }
        } else {
            let is_named = self.filename.iter().any(|path| path.as_os_str() == "-");
            let read = || files::read_from(std::io::stdin().lock(), "-", files::MANIFEST_LIMIT);
            Source::Files {
                named: self.filename.clone(),
                stdin: is_named.then(read).transpose().map_err(Failure::usage)?,
                recursive: self.recursive,
            }
        };
        Ok(Request {
            source,
            purpose: match self.dry_run {
                _ if self.diff => Purpose::Diff,
                Some(DryRun::Client) => Purpose::TryHere,
                Some(DryRun::Server) => Purpose::TryThere,
                None => Purpose::Store,
            },
            prune: self.prune,
            allowed: Allowed {
                force_conflicts: self.force_conflicts,
                replace: self.replace,
            },
            lint: !self.no_lint,
            wait: (!self.no_wait).then_some(self.wait),
            place: self.cluster.place.place(),
            retry_for: self.cluster.retry_for,
        })
    }
}

pub(super) fn run(args: &ApplyArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let request = args.request()?;
    let disk = DiskFiles::default();
    let given = input::read(&request, &disk, context)?;
    runtime()?.block_on(run_on(&request, given, format, context))
}

async fn run_on(request: &Request, given: Given<'_>, format: Format, context: &Context) -> Result<Exit, Failure> {
    let Given { input, missing } = given;
    let access = match (access(request, &input, context).await?, request.purpose) {
        (Some(access), Purpose::Store | Purpose::Diff | Purpose::TryThere) => access,
        (access, _) => return show(&Outcome::untried(&input, access.as_ref()), format, context),
    };
    if request.purpose == Purpose::Store {
        allow(request, &input, &access, context)?;
    }
    let notice = |text: &str| context.say(text);
    let client = Client::new(access, request.retry_for, &notice).map_err(Failure::runtime)?;
    let mut cancel = context.signals.cancel();
    let planned = plan(request, &input, missing, &client, &mut cancel, context).await;
    context.signals.release();
    let planned = planned.map_err(|failure| match (failure.class, request.purpose) {
        // Nothing to do; in JSON, an outcome without objects.
        (Class::Interrupted, Purpose::Store | Purpose::TryThere) => {
            let outcome = Outcome::new(&input, Some(&client.access), request.purpose);
            Failure::from(failure).with_result_of(&ApplyJson::new(&outcome, &context.aim))
        }
        _ => failure.into(),
    })?;
    match request.purpose {
        Purpose::Diff => {
            let found = differences(&planned.ready, &planned.surplus);
            if format == Format::Json {
                context.print_json(&DifferencesJson::new(&found, &client.access, &context.aim))?;
            } else if found.is_empty() {
                context.say("nothing would change");
            } else {
                context.print(&apply_text::differences(&found))?;
            }
            return Ok(if found.is_empty() { Exit::Done } else { Exit::Findings });
        }
        Purpose::TryHere | Purpose::TryThere => {
            let outcome = Outcome::forecast(&input, &client.access, &planned.ready, &planned.surplus);
            return show(&outcome, format, context);
        }
        Purpose::Store => {}
    }
    allow_pruning(&planned.surplus, context)?;
    let streamed = Streamed::new(format, "", context);
    let mut cancel = context.signals.cancel();
    let applied = carry_out(request, &input, &planned, &client, &mut cancel, streamed.here()).await;
    let json = ApplyJson::new(&applied.outcome, &context.aim);
    if let Some(failure) = applied.failure {
        return Err(Failure::from(failure).with_result_of(&json));
    }
    streamed.printed()?;
    if format == Format::Json {
        context.print_json(&json)?;
    }
    Ok(Exit::Done)
}

/// Prints the outcome of a dry run.
fn show(outcome: &Outcome, format: Format, context: &Context) -> Result<Exit, Failure> {
    match format {
        Format::Text => context.print(&apply_text::outcome(outcome))?,
        Format::Json => context.print_json(&ApplyJson::new(outcome, &context.aim))?,
    }
    Ok(Exit::Done)
}

/// The first time that a workspace uses a remote cluster, the user must confirm.
fn allow(request: &Request, input: &Input, access: &Access, context: &Context) -> Result<(), Failure> {
    let recorded = (input.workspace.as_ref()).and_then(|workspace| workspace.found.config.context.as_deref());
    let first = FirstUse {
        question: &format!("Apply {} objects to", input.wanted.len()),
        done: "applied to",
    };
    permit(access, &request.place, recorded, &first, context)
}

/// Shows what --prune would delete and asks for confirmation, before anything is stored.
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
    allow_deletion(nothing, "add --yes; see --diff for what would change", context)
}
