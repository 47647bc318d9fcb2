//! `istio-tls rotate`: replaces certificates by new ones, without losing a request, and
//! verifies the result.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::ask::{FirstUse, permit};
use super::cluster_flags::ClusterArgs;
use super::context::{Context, Format};
use super::password::PasswordArgs;
use super::{Exit, Failure, duration};
use crate::names::Host;
use crate::ops::cluster_access::runtime;
use crate::ops::rotate::request::{ClusterRequest, Request, Wish};
use crate::ops::rotate::{self, Rotation};
use crate::report::{rotate_json, rotate_text};

/// Renews certificates before they expire, and verifies the result
///
/// A new server leaf takes names, key type and validity period from the old one and is
/// signed by the same CA. The files are exchanged in one step; a running serve of the
/// workspace picks them up without dropping a connection, and rotate waits until it
/// serves the new certificate and accepts the clients.
///
/// A server key that is missing or does not match is replaced with the leaf, and a
/// client's with --clients. A key that is deliberately elsewhere is not: gen-certs --csr
/// records serverKey: elsewhere in istio-tls.yaml, and such a host is skipped. A run over
/// all hosts reports missing keys, but does not replace them.
///
/// In a cluster, that of --context or the one that apply recorded, the host's Secrets are
/// dry-run before anything is written, and stored after the files; rotate waits until the
/// cluster's gateway serves them. If a run was interrupted in between, repeat it to
/// continue, with the same --if-expires-in, --ca, --finish or --abort.
///
/// --ca replaces the CA itself, in two phases, so that no client is locked out: first
/// both CAs are trusted, new client certificates are issued and the gateway still serves
/// a leaf of the old CA; when every client has moved, --finish issues the leaf from the
/// new CA and removes the old one.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  istio-tls rotate httpbin.example.com                  a new server leaf
  \
    istio-tls rotate httpbin.example.com --clients        new client certificates too
  istio-tls rotate \
    --if-expires-in 30d                  the server leaves that are due, of every host; for a daily job
  \
    istio-tls rotate --clients --if-expires-in 30d        client certificates that are due, too
  istio-tls \
    rotate httpbin.example.com --ca             a new CA beside the old one
  istio-tls rotate \
    httpbin.example.com --finish         removes the old CA
  istio-tls rotate httpbin.example.com \
    --dry-run
  istio-tls rotate httpbin.example.com --local          only the files, even if a cluster is \
    recorded

Exit codes: 0 done, or nothing was due; 1 a conflict in the cluster, no Secret of the host in \
    it, files
that cannot be served, a due host whose key is elsewhere (gen-certs --csr), or the gateway does \
    not
serve what was rotated in time; 2 usage or bad input; 3 a file cannot be written,
or a cluster cannot \
    be reached; 130 interrupted: the output says what is swapped and what is not.")]
pub(super) struct RotateArgs {
    /// Hosts [default with --if-expires-in: every host of the workspace]
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    /// Renew client certificates too
    #[arg(long, conflicts_with_all = ["ca", "finish", "abort"])]
    clients: bool,
    /// Start to replace the CA: a new root, intermediate and clients, trusted beside the
    /// old ones
    #[arg(long, conflicts_with_all = ["finish", "abort"])]
    ca: bool,
    /// Finish the replacement: the new CA issues the server leaf, the old CA is no longer
    /// trusted
    #[arg(long)]
    finish: bool,
    /// Abort the replacement: restores the old CA and its clients
    #[arg(long, conflicts_with = "finish")]
    abort: bool,
    /// Only what expires within this time, such as 30d; clients with --clients, the CA
    /// with --ca, otherwise they are only reported as due; nothing to do is success
    #[arg(long, value_name = "TIME", value_parser = duration::parse, conflicts_with_all = ["finish", "abort"])]
    if_expires_in: Option<Duration>,
    /// Print what would be done, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// How long to wait until the gateway serves the new certificate [default: 30s; 2m if
    /// a kubelet mounts it]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    wait: Option<Duration>,
    /// Validity of new leaves in days [default: as long as the old one]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
    /// The HOST folder with the CA's key, if this one has only its certificate (gen-certs
    /// --ca)
    #[arg(long, value_name = "DIR", conflicts_with_all = ["ca", "finish", "abort"])]
    signer: Option<PathBuf>,
    #[command(flatten)]
    password: PasswordArgs,
    /// Rotate only the files, even if apply has recorded a cluster
    #[arg(long, conflicts_with_all = ["kubeconfig", "context", "force_conflicts"], help_heading = "Cluster")]
    local: bool,
    /// Take over fields of the Secrets that others manage
    #[arg(long, help_heading = "Cluster")]
    force_conflicts: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

impl RotateArgs {
    fn request(&self, context: &Context) -> Result<Request, Failure> {
        let hosts = self.hosts.iter().map(|name| Host::parse(name));
        let cluster = ClusterRequest {
            place: self.cluster.place.place(),
            retry_for: self.cluster.retry_for,
            force_conflicts: self.force_conflicts,
        };
        Ok(Request {
            hosts: hosts.collect::<Result<_, _>>().map_err(Failure::usage)?,
            wish: match (self.finish, self.abort, self.ca) {
                (true, ..) => Wish::Finish,
                (_, true, _) => Wish::Abort,
                (_, _, true) => Wish::Ca,
                _ => Wish::Leaf { clients: self.clients },
            },
            within: self.if_expires_in,
            wait: self.wait,
            days: self.days,
            signer: self.signer.clone(),
            password: self.password.read(context)?,
            cluster: (!self.local).then_some(cluster),
        })
    }
}

pub(super) fn run(args: &RotateArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let runtime = runtime()?;
    let rotation = runtime.block_on(rotate::begin(args.request(context)?, context))?;
    if args.dry_run {
        let mut planned = runtime.block_on(rotation.dry_run(context))?;
        let failure = planned.failure.take();
        return match (failure, format) {
            (Some(failure), Format::Json) => Err(failure.with_result(value(&rotate_json::plan(&planned))).into()),
            (failure, Format::Text) => {
                context.print(&rotate_text::plan(&planned))?;
                failure.map_or(Ok(Exit::Done), |failure| Err(failure.into()))
            }
            (None, Format::Json) => {
                context.print_json(&rotate_json::plan(&planned))?;
                Ok(Exit::Done)
            }
        };
    }
    // Questions on the terminal come before signals are handled.
    ask(&rotation, args, context)?;
    let mut cancel = context.signals.cancel();
    let mut outcome = runtime.block_on(rotation.carry_out(&mut cancel, context));
    let failure = outcome.failure.take();
    match (failure, format) {
        (Some(failure), Format::Json) if outcome.has_begun => {
            let report = value(&rotate_json::report(&outcome, &context.aim));
            return Err(failure.with_result(report).into());
        }
        (Some(failure), Format::Text) if outcome.has_begun => {
            context.print(&rotate_text::text(&outcome, &context.aim))?;
            return Err(failure.into());
        }
        (Some(failure), _) => return Err(failure.into()),
        (None, Format::Text) => context.print(&rotate_text::text(&outcome, &context.aim))?,
        (None, Format::Json) => context.print_json(&rotate_json::report(&outcome, &context.aim))?,
    }
    Ok(if outcome.is_done() { Exit::Done } else { Exit::Findings })
}

/// The first time that a workspace's Secrets are rotated in a remote cluster, the user
/// must confirm.
fn ask(rotation: &Rotation, args: &RotateArgs, context: &Context) -> Result<(), Failure> {
    let Some(destination) = &rotation.destination else {
        return Ok(());
    };
    let first = FirstUse {
        question: "Rotate Secrets in",
        done: "rotated in",
    };
    let (place, recorded) = (args.cluster.place.place(), destination.recorded.as_deref());
    permit(&destination.access, &place, recorded, &first, context)
}

/// A report as fields beside `error`.
fn value(report: &impl Serialize) -> Value {
    serde_json::to_value(report).unwrap_or_default()
}
