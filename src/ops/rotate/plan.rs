//! Reads the hosts, decides what to do with each, and issues it: nothing is written yet.

use super::chain::Held;
use super::cluster::Cluster;
use super::decide::{ChainState, Idle, LeftDue, Step, decide, in_cluster, left_due};
use super::issue::{Prepared, Signing};
use super::judge::judge;
use super::request::{Request, Wish};
use super::secrets::{Standing, TriedSecret, ahead, standing};
use crate::names::Host;
use crate::ops::{Class, Failure, Surroundings, intent};
use crate::problem::Problem;
use crate::remedy::{Cluster as Flags, Kind, Line, Remedy, ours};
use crate::workspace::config::{HostEntry, Mode, WorkspaceConfig};

/// The plan for one host.
pub(super) struct Planned {
    pub(super) held: Held,
    pub(super) state: ChainState,
    pub(super) step: Step,
    /// What is due as well, but not renewed.
    pub(super) due: Vec<LeftDue>,
    /// Its Secrets with the present files; only for a dry run and if nothing is due.
    pub(super) secrets: Vec<TriedSecret>,
}

/// The decision.
pub(super) struct Plan {
    pub(super) hosts: Vec<Planned>,
    /// What the workspace records.
    pub(super) config: WorkspaceConfig,
}

/// Refused hosts: one that was named stops the run; in a run over all hosts it is
/// skipped.
pub(super) struct Refusals<'r> {
    request: &'r Request,
    /// The flags that select the cluster.
    flags: Flags,
    here: &'r Surroundings,
    first: Option<Failure>,
}

impl<'r> Refusals<'r> {
    /// None yet.
    pub(super) fn new(request: &'r Request, cluster: Option<&Cluster<'_>>, here: &'r Surroundings) -> Self {
        Self {
            request,
            flags: cluster.map(|cluster| cluster.flags.clone()).unwrap_or_default(),
            here,
            first: None,
        }
    }

    /// Records a refused host.
    ///
    /// # Errors
    /// The failure, if the host was named, or no host works.
    pub(super) fn add(&mut self, host: &Host, failure: Failure) -> Result<(), Failure> {
        if !self.request.hosts.is_empty() || failure.class == Class::Runtime {
            return Err(failure);
        }
        // The first one is reported in full at the end.
        let told = if self.first.is_none() {
            failure.problem.what.clone()
        } else {
            let problem = Problem::clone(&failure.problem).at_cluster(&self.flags);
            problem.text(&self.here.aim)
        };
        self.here.say_always(&format!("{host} is skipped: {told}"));
        self.first.get_or_insert(failure);
        Ok(())
    }

    /// The first failure, if there was one.
    pub(super) fn first(self) -> Option<Failure> {
        self.first
    }
}

/// Reads and decides host by host; nothing is issued yet. `is_dry_run`: the Secrets of
/// each are read.
///
/// # Errors
/// If the workspace cannot be read, no host is given, or one is refused.
pub(super) async fn plan(
    request: &Request,
    is_dry_run: bool,
    cluster: Option<&Cluster<'_>>,
    refusals: &mut Refusals<'_>,
    here: &Surroundings,
) -> Result<Plan, Failure> {
    let config = intent::workspace(here).map_err(Failure::usage)?;
    let known: Vec<_> = (config.hosts.iter())
        .map(|entry| (entry.clone(), config.mode_of(entry)))
        .collect();
    let mut planned = Vec::new();
    for host in hosts(request, &known)? {
        let entry = known.iter().find(|(entry, _)| entry.host == host).cloned();
        match plan_host(&host, entry, request, is_dry_run, cluster, here).await {
            Ok(host) => planned.push(host),
            Err(failure) => refusals.add(&host, failure)?,
        }
    }
    Ok(Plan { hosts: planned, config })
}

async fn plan_host(
    host: &Host,
    entry: Option<(HostEntry, Mode)>,
    request: &Request,
    is_dry_run: bool,
    cluster: Option<&Cluster<'_>>,
    here: &Surroundings,
) -> Result<Planned, Failure> {
    let (wish, within) = (request.wish, request.within());
    let held = Held::read(here, host, entry)?;
    let state = held.state()?;
    let mut decided = decide(&state, wish, within, here.now);
    // Run once more, for instance because the end was not verified.
    if decided.is_err() && matches!(wish, Wish::Finish | Wish::Abort) && held.has_ended(here) {
        decided = Ok(Step::Nothing(Idle::HasEnded));
    }
    let mut secrets = Vec::new();
    // A step that stores Secrets updates them by itself.
    let may_lag = matches!(decided, Ok(Step::Nothing(_) | Step::FinishCa) | Err(_));
    // Without its key, no Secret can be created for it.
    if let Some(cluster) = cluster.filter(|_| (may_lag || is_dry_run) && held.has_key()) {
        secrets = cluster.try_files(host, here).await?;
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
        due: left_due(&state, wish, within, here.now),
        held,
        state,
        secrets,
    })
}

/// The hosts to rotate, each once.
fn hosts(request: &Request, known: &[(HostEntry, Mode)]) -> Result<Vec<Host>, Failure> {
    let mut hosts: Vec<Host> = Vec::new();
    for host in &request.hosts {
        if !hosts.contains(host) {
            hosts.push(host.clone());
        }
    }
    if hosts.is_empty() && request.within.is_some() {
        hosts.extend(known.iter().map(|(entry, _)| entry.host.clone()));
    }
    if hosts.is_empty() {
        let first = known
            .first()
            .map_or("httpbin.example.com", |(entry, _)| entry.host.as_str());
        let due = Line::new(Kind::RotateDue, ["rotate", "--if-expires-in", "30d"]).of_cluster();
        return Err(Failure::usage(
            Problem::new("no host is given")
                .why("all hosts are rotated only with --if-expires-in")
                .fix(Remedy::from(ours::rotate(first)).and(", or ").and(due)),
        ));
    }
    Ok(hosts)
}

/// Issues what a dry run reports and drops it, so that what cannot be issued is reported
/// as in a real run.
///
/// # Errors
/// If a host is refused.
pub(super) fn rehearse(
    plan: Plan,
    signing: &Signing<'_>,
    request: &Request,
    refusals: &mut Refusals<'_>,
    here: &Surroundings,
) -> Result<Vec<Planned>, Failure> {
    let Plan { hosts, config } = plan;
    let mut kept = Vec::new();
    for planned in hosts {
        let Planned { held, step, state, .. } = &planned;
        let tried = Held::read(here, &state.host, Some(held.known()))
            .and_then(|held| prepare(held, step.clone(), signing, request, &config, here));
        match tried {
            Ok(_) => kept.push(planned),
            Err(failure) => refusals.add(&state.host, failure)?,
        }
    }
    Ok(kept)
}

/// Issues what a step needs, and judges what would be served afterwards.
///
/// # Errors
/// Like [`Prepared::new`] and [`judge()`]; a finding if the key of a leaf that is due is
/// elsewhere.
pub(super) fn prepare(
    held: Held,
    step: Step,
    signing: &Signing<'_>,
    request: &Request,
    config: &WorkspaceConfig,
    here: &Surroundings,
) -> Result<Prepared, Failure> {
    let has_key = held.has_key();
    let is_due = request.within.is_some() && matches!(step, Step::Leaves { server: true, .. });
    let prepared = Prepared::new(held, step, signing, here).map_err(|failure| {
        if is_due && !has_key {
            // A daily job has found what it is meant to find.
            Failure {
                class: Class::Finding,
                ..failure
            }
        } else {
            failure
        }
    })?;
    // Nothing is known about a key that is not here, and nothing is stored.
    if prepared.has_key() {
        judge(&prepared.held, &prepared.step, prepared.material()?, config, here)?;
    }
    Ok(prepared)
}
