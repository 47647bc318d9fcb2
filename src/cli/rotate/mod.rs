//! `istio-tls rotate`: new certificates in place of old ones, without a request
//! lost, and proven.
//!
//! For each host: the running gateway is asked what it serves, everything is
//! issued and checked, a cluster's API server tries the host's Secrets, the files
//! are exchanged in one step, the Secrets follow, and the gateway is asked until
//! it serves the new certificate. All of that is [`exchange`](mod@exchange). Where
//! it was cut off after the files, the next run finds Secrets that lag behind
//! them ([`plan::in_cluster`]).

mod chain;
mod exchange;
mod issue;
mod plan;
mod prove;
mod report;
mod secrets;

use std::path::PathBuf;
use std::time::Duration;

use self::chain::Held;
use self::exchange::{Exchanged, Live, exchange, open};
use self::issue::{Prepared, Signing};
use self::plan::{ChainState, Step, Wish, decide, in_cluster};
use self::secrets::{Cluster, Standing, TriedSecret, ahead, connect, standing};
use super::authority::Intermediate;
use super::cluster_access::ClusterArgs;
use super::connection::{running_serve, runtime};
use super::context::{Context, Format};
use super::password::PasswordArgs;
use super::{Exit, Failure, authority, duration, intent};
use crate::names::Host;
use crate::problem::Problem;
use crate::workspace::config::{HostEntry, Mode};

/// Replaces certificates before they expire, and proves it
///
/// A new server leaf takes names, key type and length of validity from the old
/// one and is signed by the same CA. The files are exchanged in one step; a
/// running serve of the workspace takes them up without dropping a connection,
/// and rotate waits until it serves the new certificate and accepts the clients.
///
/// In a cluster, the one of --context or that apply recorded, the host's Secrets
/// are tried before anything is written, and follow the files; rotate waits until
/// the cluster's gateway serves them. A run that was cut off in between goes on
/// when it is repeated, with --if-expires-in, --ca, --finish or --abort as before.
///
/// --ca replaces the CA itself, in two phases, so that no client is lost: first
/// both CAs are trusted, new client certificates are made and the gateway still
/// serves a leaf of the old CA; when every client has moved, --finish makes the
/// leaf of the new CA and drops the old one.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  istio-tls rotate httpbin.example.com                  a new server leaf
  istio-tls rotate httpbin.example.com --clients        new client certificates too
  istio-tls rotate --if-expires-in 30d                  whatever is due, of every host; for a daily job
  istio-tls rotate httpbin.example.com --ca             a new CA beside the old one
  istio-tls rotate httpbin.example.com --finish         the old CA goes
  istio-tls rotate httpbin.example.com --dry-run
  istio-tls rotate httpbin.example.com --local          the files alone, though a cluster is recorded

Exit codes: 0 done, or nothing was due; 1 a conflict in the cluster, or the gateway does not serve
what was rotated in time; 2 usage or bad input; 3 a file cannot be written, or a cluster not reached.")]
pub(super) struct RotateArgs {
    /// Hosts [default with --if-expires-in: every host of the workspace]
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    /// Make new client certificates too
    #[arg(long, conflicts_with_all = ["ca", "finish", "abort"])]
    clients: bool,
    /// Begin to replace the CA: a new root, intermediate and clients, trusted beside the old ones
    #[arg(long)]
    ca: bool,
    /// End it: the server leaf comes from the new CA, the old CA is trusted no more
    #[arg(long)]
    finish: bool,
    /// Take it back: the old CA and its clients, as before --ca
    #[arg(long, conflicts_with = "finish")]
    abort: bool,
    /// Only what ends within this time, as 30d; nothing to do is success
    #[arg(long, value_name = "TIME", value_parser = duration::parse, conflicts_with_all = ["finish", "abort"])]
    if_expires_in: Option<Duration>,
    /// Print what would be done, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// How long a gateway may take to serve the new certificate [default: 30s; 2m where a kubelet mounts it]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    wait: Option<Duration>,
    /// Days for which new leaves are valid [default: as long as the old one]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
    /// The HOST folder that holds the CA's key, where this one holds its certificate only (gen-certs --ca)
    #[arg(long, value_name = "DIR", conflicts_with_all = ["ca", "finish", "abort"])]
    signer: Option<PathBuf>,
    #[command(flatten)]
    password: PasswordArgs,
    /// Rotate the files alone, though apply has recorded a cluster
    #[arg(long, conflicts_with_all = ["kubeconfig", "context", "force_conflicts"], help_heading = "Cluster")]
    local: bool,
    /// Take over fields of the Secrets that others manage
    #[arg(long, help_heading = "Cluster")]
    force_conflicts: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// What came of one host.
enum Done {
    Nothing(Host, String),
    Rotated(Box<Exchanged>),
}

/// What is to be done with one host.
struct Planned {
    held: Held,
    state: ChainState,
    step: Step,
    /// Its Secrets as the files are now; only for `--dry-run`.
    secrets: Vec<TriedSecret>,
}

pub(super) fn run(args: &RotateArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let runtime = runtime()?;
    let notice = |text: &str| context.say(text);
    if args.dry_run {
        let planned = runtime.block_on(async {
            let cluster = connect(args, &notice, context).await?;
            let planned = plan(args, cluster.as_ref(), context).await?;
            rehearse(args, &planned, context)?;
            let name = cluster.map(|cluster| cluster.context().to_owned());
            Ok((planned, name))
        });
        let (planned, cluster) = planned?;
        match format {
            Format::Text => context.print(&report::plan_text(&planned, cluster.as_deref()))?,
            Format::Json => context.print_json(&report::plan_json(&planned, cluster.as_deref()))?,
        }
        return Ok(Exit::Done);
    }
    let done = runtime.block_on(carry_out(args, &notice, context))?;
    for done in &done {
        if let Done::Rotated(exchanged) = done {
            let prepared = &exchanged.prepared;
            for note in &prepared.notes {
                context.say(&format!("note: {}: {note}", prepared.held.layout.host()));
            }
        }
    }
    match format {
        Format::Text => context.print(&report::text(&done, context))?,
        Format::Json => context.print_json(&report::json(&done))?,
    }
    let is_done = |done: &Done| match done {
        Done::Nothing(..) => true,
        Done::Rotated(exchanged) => exchanged.is_done(),
    };
    Ok(if done.iter().all(is_done) {
        Exit::Done
    } else {
        Exit::Findings
    })
}

/// Reads and decides host by host; nothing is issued yet.
async fn plan(args: &RotateArgs, cluster: Option<&Cluster<'_>>, context: &Context) -> Result<Vec<Planned>, Failure> {
    let wish = match (args.finish, args.abort, args.ca) {
        (true, ..) => Wish::Finish,
        (_, true, _) => Wish::Abort,
        (_, _, true) => Wish::Ca,
        _ => Wish::Leaf { clients: args.clients },
    };
    let within = args
        .if_expires_in
        .map(|within| time::Duration::seconds(within.as_secs().cast_signed()));
    let config = intent::workspace(&context.dir).map_err(Failure::usage)?;
    let known: Vec<_> = (config.hosts.iter())
        .map(|entry| (entry.clone(), config.mode_of(entry)))
        .collect();
    let mut planned = Vec::new();
    for host in hosts(args, &known)? {
        let entry = known.iter().find(|(entry, _)| entry.host == host).cloned();
        let held = Held::read(context, &host, entry)?;
        let state = held.state(context)?;
        let mut decided = decide(&state, wish, within, context.now);
        let mut secrets = Vec::new();
        // A step that stores Secrets brings them up by itself.
        let may_lag = matches!(decided, Ok(Step::Nothing(_) | Step::FinishCa) | Err(_));
        if let Some(cluster) = cluster.filter(|_| may_lag || args.dry_run) {
            secrets = cluster.try_files(&host, context).await?;
            if may_lag && !secrets.is_empty() {
                let behind = match standing(&secrets) {
                    Standing::Same => false,
                    Standing::Behind => true,
                    Standing::Ahead(title, leaf) => return Err(ahead(&title, &leaf, &held.layout)),
                };
                decided = in_cluster(decided, wish, behind);
            }
        }
        planned.push(Planned {
            step: decided.map_err(Failure::usage)?,
            held,
            state,
            secrets,
        });
    }
    Ok(planned)
}

fn hosts(args: &RotateArgs, known: &[(HostEntry, Mode)]) -> Result<Vec<Host>, Failure> {
    let mut hosts = Vec::new();
    for name in &args.hosts {
        let host = Host::parse(name).map_err(Failure::usage)?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    if hosts.is_empty() && args.if_expires_in.is_some() {
        hosts.extend(known.iter().map(|(entry, _)| entry.host.clone()));
    }
    if hosts.is_empty() {
        return Err(Failure::usage(
            Problem::new("no host is given")
                .why("every host is meant only with --if-expires-in")
                .fix("istio-tls rotate httpbin.example.com, or istio-tls rotate --if-expires-in 30d"),
        ));
    }
    Ok(hosts)
}

/// Issues what `--dry-run` tells of and drops it, so that what cannot be issued is
/// said as it would be without it.
fn rehearse(args: &RotateArgs, planned: &[Planned], context: &Context) -> Result<(), Failure> {
    let password = args.password.read(context)?;
    let password = password.as_ref().map(|password| password.as_str());
    let signer = signer(args, password, context)?;
    let signing = Signing {
        password,
        days: args.days,
        signer: signer.as_ref(),
    };
    for Planned { held, step, .. } in planned {
        let held = Held::read(context, held.layout.host(), Some(held.known()))?;
        Prepared::new(held, step.clone(), &signing, context)?;
    }
    Ok(())
}

fn signer(args: &RotateArgs, password: Option<&str>, context: &Context) -> Result<Option<Intermediate>, Failure> {
    let dir = args.signer.as_ref();
    dir.map(|dir| authority::intermediate_of_folder(context, dir, password))
        .transpose()
}

/// Issues everything, then host by host writes and proves; the first host that
/// cannot be proven is the last one that is touched.
async fn carry_out(args: &RotateArgs, notice: &(dyn Fn(&str) + Sync), context: &Context) -> Result<Vec<Done>, Failure> {
    let password = args.password.read(context)?;
    let password = password.as_ref().map(|password| password.as_str());
    let signer = signer(args, password, context)?;
    let signing = Signing {
        password,
        days: args.days,
        signer: signer.as_ref(),
    };
    let cluster = connect(args, notice, context).await?;
    let mut waiting = Vec::new();
    // Nobody else exchanges files while they are read.
    let reading = open(context)?;
    for Planned { held, state, step, .. } in plan(args, cluster.as_ref(), context).await? {
        waiting.push(match step {
            Step::Nothing(why) => Err(Done::Nothing(state.host, why)),
            step => Ok(Box::new(Prepared::new(held, step, &signing, context)?)),
        });
    }
    drop(reading);
    // One host whose Secret is refused keeps the others from being touched.
    let all: Vec<&Prepared> = (waiting.iter().flatten()).map(AsRef::as_ref).collect();
    if let Some(cluster) = cluster.as_ref().filter(|_| all.len() > 1) {
        for prepared in all {
            let host = prepared.held.layout.host();
            cluster.try_secrets(host, prepared.material()?, context).await?;
        }
    }
    let live = Live {
        serve: running_serve(context).await,
        cluster,
    };
    let mut done: Vec<Done> = Vec::new();
    let mut waiting = waiting.into_iter();
    let failure = loop {
        let prepared = match waiting.next() {
            None => return Ok(done),
            Some(Err(nothing)) => {
                done.push(nothing);
                continue;
            }
            Some(Ok(prepared)) => prepared,
        };
        match rotate(prepared, &signing, &live, args, &mut done, context).await {
            Ok(true) => {}
            Ok(false) => {
                for left in waiting.filter_map(Result::ok) {
                    context.say_always(&format!("{} was left as it is", left.held.layout.host()));
                }
                return Ok(done);
            }
            Err(failure) => break failure,
        }
    };
    for done in &done {
        if let Done::Rotated(exchanged) = done {
            context.say_always(&format!(
                "{} was rotated before the failure",
                exchanged.prepared.held.layout.host()
            ));
        }
    }
    Err(failure)
}

/// One host: looked at, written, and looked at again; false when it could not
/// be proven. The leaf of a new CA is proven before the old CA goes.
async fn rotate(
    prepared: Box<Prepared>,
    signing: &Signing<'_>,
    live: &Live<'_>,
    args: &RotateArgs,
    done: &mut Vec<Done>,
    context: &Context,
) -> Result<bool, Failure> {
    let (host, entry) = (prepared.held.layout.host().clone(), prepared.held.known());
    let first = exchange(prepared, live, args, context).await?;
    let (goes_on, is_done) = (first.goes_on(), first.is_done());
    done.push(Done::Rotated(Box::new(first)));
    if !goes_on {
        return Ok(is_done);
    }
    let reading = open(context)?;
    let held = Held::read(context, &host, Some(entry))?;
    let last = Box::new(Prepared::new(held, Step::FinishCa, signing, context)?);
    drop(reading);
    let last = exchange(last, live, args, context).await?;
    let is_done = last.is_done();
    done.push(Done::Rotated(Box::new(last)));
    Ok(is_done)
}
