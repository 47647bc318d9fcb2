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
mod judge;
mod plan;
mod pods;
mod prove;
mod report;
mod secrets;

use std::path::PathBuf;
use std::time::Duration;

use self::chain::Held;
use self::exchange::{Exchanged, Live, exchange, open};
use self::issue::{Prepared, Signing};
use self::judge::judge;
use self::plan::{ChainState, LeftDue, Step, Wish, decide, in_cluster, left_due};
use self::secrets::{Cluster, Standing, TriedSecret, ahead, connect, standing};
use crate::cli::cluster_flags::ClusterArgs;
use crate::ops::reach::running_serve;
use crate::ops::cluster_access::runtime;
use super::context::{Context, Format};
use crate::ops::interruption::{Interrupted, or_signal};
use super::password::PasswordArgs;
use super::{Exit, Failure, duration};
use crate::ops::{authority, intent};
use crate::names::Host;
use crate::problem::Problem;
use crate::shell::quote;
use crate::workspace::config::{HostEntry, Mode, WorkspaceConfig};

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
  istio-tls rotate --if-expires-in 30d                  the server leaves that are due, of every host; for a daily job
  istio-tls rotate --clients --if-expires-in 30d        client certificates that are due, too
  istio-tls rotate httpbin.example.com --ca             a new CA beside the old one
  istio-tls rotate httpbin.example.com --finish         the old CA goes
  istio-tls rotate httpbin.example.com --dry-run
  istio-tls rotate httpbin.example.com --local          the files alone, though a cluster is recorded

Exit codes: 0 done, or nothing was due; 1 a conflict in the cluster, no Secret of the host in it, files
that cannot be served, a due host whose key is elsewhere (gen-certs --csr), or the gateway does not
serve what was rotated in time; 2 usage or bad input; 3 a file cannot be written,
or a cluster not reached; 130 interrupted: what is swapped and what is not is said.")]
pub(super) struct RotateArgs {
    /// Hosts [default with --if-expires-in: every host of the workspace]
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    /// Make new client certificates too
    #[arg(long, conflicts_with_all = ["ca", "finish", "abort"])]
    clients: bool,
    /// Begin to replace the CA: a new root, intermediate and clients, trusted beside the old ones
    #[arg(long, conflicts_with_all = ["finish", "abort"])]
    ca: bool,
    /// End it: the server leaf comes from the new CA, the old CA is trusted no more
    #[arg(long)]
    finish: bool,
    /// Take it back: the old CA and its clients, as before --ca
    #[arg(long, conflicts_with = "finish")]
    abort: bool,
    /// Only what ends within this time, as 30d; clients with --clients, the CA with --ca, and
    /// without them it is said that they are due; nothing to do is success
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
    /// Nothing is due, and nothing live is in play.
    Nothing(Host, String, Vec<LeftDue>),
    Rotated(Box<Exchanged>),
}

/// How far a run is. It stands outside of the run, which may be dropped.
#[derive(Default)]
struct Progress {
    done: Vec<Done>,
    at_work: Option<Box<Exchanged>>,
    /// Hosts that were not begun.
    left: Vec<Host>,
}

impl Progress {
    /// Whether anything was changed or may have been.
    fn has_begun(&self) -> bool {
        let changes =
            |exchanged: &Exchanged| exchanged.is_written && !matches!(exchanged.prepared.step, Step::Nothing(_));
        let at_work = self.at_work.as_deref().is_some_and(changes);
        at_work || (self.done.iter()).any(|done| matches!(done, Done::Rotated(exchanged) if changes(exchanged)))
    }

    /// The host at work, and what it was about to be.
    fn end_host(&mut self) {
        self.done.extend(self.at_work.take().map(Done::Rotated));
    }
}

/// What is to be done with one host.
struct Planned {
    held: Held,
    state: ChainState,
    step: Step,
    /// What is due as well, and stays.
    due: Vec<LeftDue>,
    /// Its Secrets as the files are now; only for `--dry-run` and where nothing is due.
    secrets: Vec<TriedSecret>,
}

pub(super) fn run(args: &RotateArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let runtime = runtime()?;
    let notice = |text: &str| context.say(text);
    // What asks on the terminal comes before signals are taken.
    let password = args.password.read(context)?;
    let password = password.as_ref().map(|password| password.as_str());
    let signer = match &args.signer {
        Some(dir) => Some(authority::intermediate_of_folder(context, dir, password)?),
        None => None,
    };
    let signing = Signing {
        password,
        days: args.days,
        signer: signer.as_ref(),
    };
    if args.dry_run {
        let planned = runtime.block_on(async {
            let cluster = connect(args, &notice, context).await?;
            let planned = plan(args, cluster.as_ref(), context).await?;
            let planned = rehearse(planned, &signing, args, context)?;
            let name = cluster.map(|cluster| cluster.context().to_owned());
            Ok((planned, name))
        });
        let (planned, cluster) = planned?;
        let refused = planned.refused.into_iter().next();
        let shown = || report::plan_text(&planned.hosts, cluster.as_deref());
        let json = || report::plan_json(&planned.hosts, cluster.as_deref());
        match (refused, format) {
            (Some(failure), Format::Json) => return Err(failure.with_result(json())),
            (Some(failure), Format::Text) => {
                context.print(&shown())?;
                return Err(failure);
            }
            (None, Format::Text) => context.print(&shown())?,
            (None, Format::Json) => context.print_json(&json())?,
        }
        return Ok(Exit::Done);
    }
    let mut progress = Progress::default();
    let outcome = runtime.block_on(async {
        let cluster = connect(args, &notice, context).await?;
        // On the heap: it holds everything that every step does.
        let work = Box::pin(carry_out(args, &signing, cluster, &mut progress, context));
        or_signal(work).await
    });
    let failure = match outcome {
        Ok(Ok(Ok(()))) => None,
        Ok(Ok(Err(failure))) | Err(failure) => Some(failure),
        Ok(Err(signal)) => Some(interrupted(signal, &progress, args, context)),
    };
    end(failure, progress, format, context)
}

/// Prints what was done, and says why that is not all.
fn end(failure: Option<Failure>, mut progress: Progress, format: Format, context: &Context) -> Result<Exit, Failure> {
    let has_begun = progress.has_begun();
    if failure.is_some() {
        // What was not begun is as it was.
        progress.at_work = progress.at_work.take().filter(|exchanged| exchanged.is_written);
    }
    progress.end_host();
    let done = progress.done;
    for done in &done {
        if let Done::Rotated(exchanged) = done {
            let prepared = &exchanged.prepared;
            for note in &prepared.notes {
                context.say(&format!("note: {}: {note}", prepared.held.layout.host()));
            }
        }
    }
    match (failure, format) {
        (Some(failure), Format::Json) if has_begun => return Err(failure.with_result(report::json(&done))),
        (Some(failure), Format::Text) if has_begun => {
            context.print(&report::text(&done, context))?;
            return Err(failure);
        }
        (Some(failure), _) => return Err(failure),
        (None, Format::Text) => context.print(&report::text(&done, context))?,
        (None, Format::Json) => context.print_json(&report::json(&done))?,
    }
    let is_done = |done: &Done| match done {
        Done::Nothing(..) => true,
        Done::Rotated(exchanged) => exchanged.is_done() && !exchanged.has_no_secret,
    };
    Ok(if done.iter().all(is_done) {
        Exit::Done
    } else {
        Exit::Findings
    })
}

/// What a signal found: what is swapped, what is not, and the line that goes on.
fn interrupted(signal: Interrupted, progress: &Progress, args: &RotateArgs, context: &Context) -> Failure {
    let mut lines = Vec::new();
    let at_work = progress.at_work.as_deref();
    let host_of = |exchanged: &Exchanged| exchanged.prepared.held.layout.host().clone();
    // The first of the two exchanges that --finish is.
    let mut half = None;
    for done in &progress.done {
        match done {
            Done::Rotated(exchanged) if at_work.map(host_of) == Some(host_of(exchanged)) => half = Some(exchanged),
            Done::Rotated(exchanged) if !matches!(exchanged.prepared.step, Step::FinishLeaf) => {
                lines.push(format!("done: {}", host_of(exchanged)));
            }
            _ => {}
        }
    }
    if let Some(exchanged) = half {
        lines.extend(exchanged.swapped());
        if at_work.is_some_and(|last| !last.is_written) {
            lines.push(not_ended(&host_of(exchanged)));
        }
    }
    let before = match at_work {
        Some(exchanged) if exchanged.is_written => {
            lines.extend(exchanged.swapped());
            let host = exchanged.prepared.held.layout.host();
            let is_half = exchanged.prepared.step == Step::FinishLeaf;
            if is_half {
                lines.push(not_ended(host));
            }
            if !exchanged.left.is_empty() || exchanged.unknown.is_some() {
                format!("the Secrets of {host} were stored")
            } else if is_half && !exchanged.proofs.is_empty() {
                format!("the previous CA of {host} went")
            } else {
                format!("{host} was seen at the gateway")
            }
        }
        Some(exchanged) if half.is_some() => format!("the previous CA of {} went", host_of(exchanged)),
        _ => "it was done".to_owned(),
    };
    let begun = at_work.filter(|exchanged| !exchanged.is_written && half.is_none());
    let begun = begun.map(|exchanged| exchanged.prepared.held.layout.host());
    lines.extend((begun.into_iter().chain(&progress.left)).map(|host| format!("nothing of {host} was written")));
    if lines.is_empty() {
        lines.push("nothing was written".to_owned());
    }
    let fix = match at_work {
        Some(exchanged)
            if exchanged.is_written && (exchanged.context.is_some() || exchanged.prepared.step == Step::FinishLeaf) =>
        {
            format!(
                "{}     (it goes on where it stopped, and makes nothing anew)",
                secrets::going_on(exchanged, args, context)
            )
        }
        Some(exchanged) if exchanged.is_written => {
            format!("istio-tls{} status tells what is served", context.dir_flag())
        }
        Some(exchanged) if half.is_some() && progress.left.is_empty() => format!(
            "{}     (it goes on where it stopped)",
            secrets::going_on(exchanged, args, context)
        ),
        _ => "run the command again".to_owned(),
    };
    signal.failure(&before, lines.join("\n"), fix)
}

/// What is left of a --finish whose new leaf is served.
fn not_ended(host: &Host) -> String {
    format!("not done: the previous CA of {host} goes; it is trusted still")
}

/// What is to be done, and why some hosts are passed over.
struct Plan {
    hosts: Vec<Planned>,
    refused: Vec<Failure>,
    /// What the workspace records.
    config: WorkspaceConfig,
}

impl Plan {
    /// Takes note of a host that is refused; `--if-expires-in` without hosts goes
    /// on with the others: a Secret that somebody has changed, a key that is
    /// elsewhere or a chain that is broken shall not let every other certificate end.
    ///
    /// # Errors
    /// The refusal, where it ends the run.
    fn pass_over(
        refused: &mut Vec<Failure>,
        host: &Host,
        failure: Failure,
        args: &RotateArgs,
        context: &Context,
    ) -> Result<(), Failure> {
        if !args.hosts.is_empty() || failure.exit == Exit::Runtime {
            return Err(failure);
        }
        if let Some(problem) = &failure.problem {
            // The first one is told in full at the end.
            let told = if refused.is_empty() {
                problem.what.clone()
            } else {
                problem.to_string()
            };
            context.say_always(&format!("{host} is passed over: {told}"));
        }
        refused.push(failure);
        Ok(())
    }
}

/// Reads and decides host by host; nothing is issued yet.
async fn plan(args: &RotateArgs, cluster: Option<&Cluster<'_>>, context: &Context) -> Result<Plan, Failure> {
    let config = intent::workspace(context).map_err(Failure::usage)?;
    let known: Vec<_> = (config.hosts.iter())
        .map(|entry| (entry.clone(), config.mode_of(entry)))
        .collect();
    let (mut planned, mut refused) = (Vec::new(), Vec::new());
    for host in hosts(args, &known)? {
        let entry = known.iter().find(|(entry, _)| entry.host == host).cloned();
        match plan_host(&host, entry, args, cluster, context).await {
            Ok(host) => planned.push(host),
            Err(failure) => Plan::pass_over(&mut refused, &host, failure, args, context)?,
        }
    }
    Ok(Plan {
        hosts: planned,
        refused,
        config,
    })
}

async fn plan_host(
    host: &Host,
    entry: Option<(HostEntry, Mode)>,
    args: &RotateArgs,
    cluster: Option<&Cluster<'_>>,
    context: &Context,
) -> Result<Planned, Failure> {
    let wish = match (args.finish, args.abort, args.ca) {
        (true, ..) => Wish::Finish,
        (_, true, _) => Wish::Abort,
        (_, _, true) => Wish::Ca,
        _ => Wish::Leaf { clients: args.clients },
    };
    let within = args
        .if_expires_in
        .map(|within| time::Duration::seconds(within.as_secs().cast_signed()));
    let held = Held::read(context, host, entry)?;
    let state = held.state(context)?;
    let mut decided = decide(&state, wish, within, context.now);
    // Asked for once more, as where the end was not proven.
    if decided.is_err() && matches!(wish, Wish::Finish | Wish::Abort) && held.has_ended(context) {
        let why = format!("nothing to do: the rotation of the CA of {host} has ended already");
        decided = Ok(Step::Nothing(why));
    }
    let mut secrets = Vec::new();
    // A step that stores Secrets brings them up by itself.
    let may_lag = matches!(decided, Ok(Step::Nothing(_) | Step::FinishCa) | Err(_));
    // Where its key is not here, no Secret of it can be made.
    if let Some(cluster) = cluster.filter(|_| (may_lag || args.dry_run) && held.has_key()) {
        secrets = cluster.try_files(host, context).await?;
        if may_lag && !secrets.is_empty() {
            let behind = match standing(&secrets) {
                Standing::Same => false,
                Standing::Behind => true,
                Standing::Ahead(secret, leaf) => return Err(ahead(secret, &leaf, &held.layout)),
            };
            decided = in_cluster(decided, wish, behind);
        }
    }
    Ok(Planned {
        step: decided.map_err(Failure::usage)?,
        due: left_due(&state, wish, within, context.now),
        held,
        state,
        secrets,
    })
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
        let first = known
            .first()
            .map_or("httpbin.example.com", |(entry, _)| entry.host.as_str());
        return Err(Failure::usage(
            Problem::new("no host is given")
                .why("every host is meant only with --if-expires-in")
                .fix(format!(
                    "istio-tls rotate {}, or istio-tls rotate --if-expires-in 30d",
                    quote(first)
                )),
        ));
    }
    Ok(hosts)
}

/// Issues what `--dry-run` tells of and drops it, so that what cannot be issued is
/// said as it would be without it.
fn rehearse(plan: Plan, signing: &Signing<'_>, args: &RotateArgs, context: &Context) -> Result<Plan, Failure> {
    let Plan {
        hosts,
        mut refused,
        config,
    } = plan;
    let mut kept = Vec::new();
    for planned in hosts {
        let Planned { held, step, state, .. } = &planned;
        let tried = Held::read(context, &state.host, Some(held.known()))
            .and_then(|held| prepare(held, step.clone(), signing, args, &config, context));
        match tried {
            Ok(_) => kept.push(planned),
            Err(failure) => Plan::pass_over(&mut refused, &state.host, failure, args, context)?,
        }
    }
    Ok(Plan {
        hosts: kept,
        refused,
        config,
    })
}

/// Issues what a step needs, and judges what would be served afterwards.
///
/// # Errors
/// As [`Prepared::new`] and [`judge()`]; exit code 1 where the key of a leaf that is
/// due is elsewhere.
fn prepare(
    held: Held,
    step: Step,
    signing: &Signing<'_>,
    args: &RotateArgs,
    config: &WorkspaceConfig,
    context: &Context,
) -> Result<Prepared, Failure> {
    let has_key = held.has_key();
    let is_due = args.if_expires_in.is_some() && matches!(step, Step::Leaves { server: true, .. });
    let prepared = Prepared::new(held, step, signing, context).map_err(|failure| {
        if is_due && !has_key {
            // A daily job has found what it is there to find.
            Failure {
                exit: Exit::Findings,
                ..failure
            }
        } else {
            failure
        }
    })?;
    // Of a key that is elsewhere nothing is known, and nothing stored.
    if has_key {
        judge(&prepared.held, &prepared.step, prepared.material()?, config, context)?;
    }
    Ok(prepared)
}

/// Issues everything, then host by host writes and proves; the first host that
/// cannot be proven is the last one that is touched.
async fn carry_out(
    args: &RotateArgs,
    signing: &Signing<'_>,
    cluster: Option<Cluster<'_>>,
    progress: &mut Progress,
    context: &Context,
) -> Result<(), Failure> {
    let mut waiting = Vec::new();
    let serve = running_serve(context).await;
    // Nobody else exchanges files while they are read.
    let reading = open(context).await?;
    let Plan {
        hosts,
        mut refused,
        config,
    } = plan(args, cluster.as_ref(), context).await?;
    for planned in hosts {
        let Planned {
            held,
            state,
            step,
            due,
            secrets,
        } = planned;
        // Nothing is changed of these, but the gateway may not serve them.
        let known = matches!(step, Step::Nothing(_)).then_some(secrets);
        let has_key = held.has_key();
        match prepare(held, step, signing, args, &config, context) {
            Ok(prepared) => waiting.push(match &prepared.step {
                Step::Nothing(why) if !has_key => {
                    let why = format!("{why}; its key is not here, so neither Secret nor gateway is looked at");
                    Err(Done::Nothing(state.host, why, due))
                }
                Step::Nothing(why) if cluster.is_none() && serve.is_none() => {
                    Err(Done::Nothing(state.host, why.clone(), due))
                }
                _ => Ok((Box::new(prepared), due, known)),
            }),
            Err(failure) => Plan::pass_over(&mut refused, &state.host, failure, args, context)?,
        }
    }
    drop(reading);
    // One host whose Secret is refused keeps the others from being touched, but for the daily job.
    if let Some(cluster) = cluster.as_ref().filter(|_| waiting.iter().flatten().count() > 1) {
        let mut accepted = Vec::new();
        for next in waiting {
            if let Ok((prepared, _, None)) = &next {
                let host = prepared.held.layout.host();
                if let Err(failure) = cluster.try_secrets(host, prepared.material()?, context).await {
                    Plan::pass_over(&mut refused, host, failure, args, context)?;
                    continue;
                }
            }
            accepted.push(next);
        }
        waiting = accepted;
    }
    let live = Live { serve, cluster, config };
    let hosts = waiting.iter().flatten();
    progress.left = hosts
        .map(|(prepared, ..)| prepared.held.layout.host().clone())
        .collect();
    for next in waiting {
        let (prepared, due, known) = match next {
            Ok(next) => next,
            Err(nothing) => {
                progress.done.push(nothing);
                continue;
            }
        };
        progress.left.remove(0);
        let first = progress.at_work.insert(Box::new(Exchanged::new(prepared, due, &live)));
        match Box::pin(rotate(first, known, signing, &live, args, &mut progress.done, context)).await {
            Ok(true) => progress.end_host(),
            Ok(false) => {
                progress.end_host();
                for left in &progress.left {
                    context.say_always(&format!("{left} was left as it is"));
                }
                return Ok(());
            }
            Err(failure) => {
                for done in &progress.done {
                    if let Done::Rotated(exchanged) = done {
                        context.say_always(&format!(
                            "{} was rotated before the failure",
                            exchanged.prepared.held.layout.host()
                        ));
                    }
                }
                return Err(failure);
            }
        }
    }
    refused.into_iter().next().map_or(Ok(()), Err)
}

/// One host: looked at, written, and looked at again; false when it could not
/// be proven. The leaf of a new CA is proven before the old CA goes.
async fn rotate(
    at_work: &mut Box<Exchanged>,
    known: Option<Vec<TriedSecret>>,
    signing: &Signing<'_>,
    live: &Live<'_>,
    args: &RotateArgs,
    done: &mut Vec<Done>,
    context: &Context,
) -> Result<bool, Failure> {
    Box::pin(exchange(at_work, known, live, args, context)).await?;
    if !at_work.goes_on() {
        return Ok(at_work.is_done());
    }
    let held = &at_work.prepared.held;
    let reading = open(context).await?;
    let held = Held::read(context, held.layout.host(), Some(held.known()))?;
    let last = Box::new(prepare(held, Step::FinishCa, signing, args, &live.config, context)?);
    drop(reading);
    let last = Box::new(Exchanged::new(last, Vec::new(), live));
    done.push(Done::Rotated(std::mem::replace(at_work, last)));
    Box::pin(exchange(at_work, None, live, args, context)).await?;
    Ok(at_work.is_done())
}
