//! `istio-tls rotate`: new certificates in place of old ones, without a request
//! lost, and proven.
//!
//! For each host: the running gateway is asked what it serves, everything is
//! issued and checked, the files are exchanged in one step, and the gateway is
//! asked until it serves the new certificate. All of that is [`exchange`]; what
//! else holds the material, as a cluster's Secret, is to be replaced in it,
//! between [`Prepared::write`] and [`prove::after`]: by then the files stand.

mod chain;
mod issue;
mod plan;
mod prove;
mod report;

use std::path::PathBuf;
use std::time::Duration;

use self::chain::Held;
use self::issue::{Prepared, Signing};
use self::plan::{ChainState, Step, Wish, decide};
use self::prove::Proof;
use super::connection::{running_serve, runtime};
use super::context::{Context, Format};
use super::password::PasswordArgs;
use super::{Exit, Failure, authority, duration, intent};
use crate::names::Host;
use crate::problem::Problem;
use crate::workspace::config::{HostEntry, Mode};
use crate::workspace::running::RunningServe;
use crate::workspace::store::Store;

/// Replaces certificates before they expire, and proves it
///
/// A new server leaf takes names, key type and length of validity from the old
/// one and is signed by the same CA. The files are exchanged in one step; a
/// running serve of the workspace takes them up without dropping a connection,
/// and rotate waits until it serves the new certificate and accepts the clients.
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

Exit codes: 0 done, or nothing was due; 1 the files are rotated, but the running gateway does not
serve them in time; 2 usage or bad input; 3 a file cannot be written.")]
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
    /// How long the running gateway may take to serve the new certificate
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::parse)]
    wait: Duration,
    /// Days for which new leaves are valid [default: as long as the old one]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
    /// The HOST folder that holds the CA's key, where this one holds its certificate only (gen-certs --ca)
    #[arg(long, value_name = "DIR", conflicts_with_all = ["ca", "finish", "abort"])]
    signer: Option<PathBuf>,
    #[command(flatten)]
    password: PasswordArgs,
}

/// What came of one host.
enum Done {
    Nothing(Host, String),
    /// The proof is absent where nothing runs.
    Rotated(Box<Prepared>, Option<Box<Proof>>),
}

pub(super) fn run(args: &RotateArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    if args.dry_run {
        let planned = plan(args, context)?;
        let plan: Vec<_> = planned.into_iter().map(|(_, state, step)| (state, step)).collect();
        match format {
            Format::Text => context.print(&report::plan_text(&plan))?,
            Format::Json => context.print_json(&report::plan_json(&plan))?,
        }
        return Ok(Exit::Done);
    }
    let done = carry_out(args, context)?;
    for done in &done {
        if let Done::Rotated(prepared, _) = done {
            for note in &prepared.notes {
                context.say(&format!("note: {}: {note}", prepared.held.layout.host()));
            }
        }
    }
    match format {
        Format::Text => context.print(&report::text(&done, context))?,
        Format::Json => context.print_json(&report::json(&done))?,
    }
    let unproven = done
        .iter()
        .any(|done| matches!(done, Done::Rotated(_, Some(proof)) if !proof.proven));
    Ok(if unproven { Exit::Findings } else { Exit::Done })
}

/// Reads and decides host by host; nothing is issued yet.
fn plan(args: &RotateArgs, context: &Context) -> Result<Vec<(Held, ChainState, Step)>, Failure> {
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
        let step = decide(&state, wish, within, context.now).map_err(Failure::usage)?;
        planned.push((held, state, step));
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

/// Issues everything, then host by host writes and proves; the first host that
/// cannot be proven is the last one that is touched.
fn carry_out(args: &RotateArgs, context: &Context) -> Result<Vec<Done>, Failure> {
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
    let mut waiting = Vec::new();
    // Nobody else exchanges files while they are read.
    let reading = open(context)?;
    for (held, state, step) in plan(args, context)? {
        waiting.push(match step {
            Step::Nothing(why) => Err(Done::Nothing(state.host, why)),
            step => Ok(Box::new(Prepared::new(held, step, &signing, context)?)),
        });
    }
    drop(reading);
    let runtime = runtime()?;
    let serve = runtime.block_on(running_serve(context));
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
        let outcome = runtime.block_on(rotate(
            prepared,
            &signing,
            serve.as_ref(),
            args.wait,
            &mut done,
            context,
        ));
        match outcome {
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
        if let Done::Rotated(prepared, _) = done {
            context.say_always(&format!(
                "{} was rotated before the failure",
                prepared.held.layout.host()
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
    serve: Option<&RunningServe>,
    wait: Duration,
    done: &mut Vec<Done>,
    context: &Context,
) -> Result<bool, Failure> {
    let proof = exchange(&prepared, serve, wait, context).await?;
    let proven = proof.as_ref().is_none_or(|proof| proof.proven);
    let (host, entry) = (prepared.held.layout.host().clone(), prepared.held.known());
    let goes_on = proven && prepared.step == Step::FinishLeaf;
    done.push(Done::Rotated(prepared, proof.map(Box::new)));
    if !goes_on {
        return Ok(proven);
    }
    let reading = open(context)?;
    let held = Held::read(context, &host, Some(entry))?;
    let last = Box::new(Prepared::new(held, Step::FinishCa, signing, context)?);
    drop(reading);
    let proof = exchange(&last, serve, wait, context).await?;
    let proven = proof.as_ref().is_none_or(|proof| proof.proven);
    done.push(Done::Rotated(last, proof.map(Box::new)));
    Ok(proven)
}

/// The workspace folder, for this process alone; what a killed one left half
/// done is finished first.
fn open(context: &Context) -> Result<Store, Failure> {
    Store::open(&context.dir, || {
        context.say("waiting for another istio-tls that writes here");
    })
    .map_err(Failure::runtime)
}

/// One exchange of files, with a look before and looks after it.
async fn exchange(
    prepared: &Prepared,
    serve: Option<&RunningServe>,
    wait: Duration,
    context: &Context,
) -> Result<Option<Proof>, Failure> {
    let before = match serve {
        Some(serve) => Some((serve, prove::before(prepared, serve, context).await?)),
        None => None,
    };
    let store = open(context)?;
    prepared.write(&store, context)?;
    drop(store);
    match before {
        Some((serve, before)) => {
            context.say(&format!(
                "waiting until {} is served with its new material",
                prepared.held.layout.host()
            ));
            prove::after(prepared, before, serve, wait, context).await.map(Some)
        }
        None => Ok(None),
    }
}
