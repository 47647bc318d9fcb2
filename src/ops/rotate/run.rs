//! Rotates: plans all hosts, then carries out host by host.

use super::chain::Held;
use super::cluster::{self, Cluster, Destination};
use super::cut_off::interrupted;
use super::decide::{LeftDue, Step};
use super::exchange::{Live, exchange, open};
use super::issue::{Prepared, Signing};
use super::outcome::{Done, DryRun, Outcome, PlannedHost};
use super::plan::{Plan, Planned, Refusals, plan, prepare, rehearse};
use super::progress::{AtWork, Progress};
use super::request::Request;
use super::secrets::TriedSecret;
use crate::ops::authority::{self, Intermediate};
use crate::ops::interruption::{Cancel, or_signal};
use crate::ops::reach::running::running_serve;
use crate::ops::{Failure, Surroundings};

/// A rotation whose cluster is known, and which has not changed anything yet.
pub struct Rotation {
    request: Request,
    signer: Option<Intermediate>,
    /// The cluster, if one is used.
    pub destination: Option<Destination>,
}

/// Determines what a rotation needs before the user is asked for confirmation.
///
/// # Errors
/// If the CA of `signer` or the cluster's kubeconfig cannot be used.
pub async fn begin(request: Request, here: &Surroundings) -> Result<Rotation, Failure> {
    let password = request.password.as_ref().map(|password| password.as_str());
    let signer = match &request.signer {
        Some(dir) => Some(authority::intermediate_of_folder(here, dir, password)?),
        None => None,
    };
    let destination = match &request.cluster {
        Some(cluster) => cluster::find(cluster, here).await?,
        None => None,
    };
    Ok(Rotation {
        request,
        signer,
        destination,
    })
}

impl Rotation {
    fn signing(&self) -> Signing<'_> {
        Signing {
            password: self.request.password.as_ref().map(|password| password.as_str()),
            days: self.request.days,
            signer: self.signer.as_ref(),
            replaces_lost_keys: !self.request.hosts.is_empty(),
        }
    }

    /// Connects to the cluster, if one is used.
    fn connect<'n>(&self, notice: &'n (dyn Fn(&str) + Sync)) -> Result<Option<Cluster<'n>>, Failure> {
        match (&self.destination, &self.request.cluster) {
            (Some(destination), Some(request)) => {
                cluster::connect(destination, request, self.request.wish, notice).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The failure with its lines directed to the cluster.
    fn aimed(&self, mut failure: Failure) -> Failure {
        if let Some(destination) = &self.destination {
            *failure.problem = failure.problem.at_cluster(&destination.flags);
        }
        failure
    }

    /// The plan.
    ///
    /// # Errors
    /// If a host that was named is refused, or the cluster cannot be reached.
    pub async fn dry_run(&self, here: &Surroundings) -> Result<DryRun, Failure> {
        self.try_dry_run(here).await.map_err(|failure| self.aimed(failure))
    }

    async fn try_dry_run(&self, here: &Surroundings) -> Result<DryRun, Failure> {
        let notice = |text: &str| here.say(text);
        let cluster = self.connect(&notice)?;
        let mut refusals = Refusals::new(&self.request, cluster.as_ref(), here);
        let plan = plan(&self.request, true, cluster.as_ref(), &mut refusals, here).await?;
        let hosts = rehearse(plan, &self.signing(), &self.request, &mut refusals, here)?;
        Ok(DryRun {
            context: cluster.as_ref().map(|cluster| cluster.context().to_owned()),
            hosts: hosts.into_iter().map(Planned::told).collect(),
            failure: refusals.first().map(|failure| self.aimed(failure)),
        })
    }

    /// Carries it out. What was done before a failure or a signal is part of the outcome.
    pub async fn carry_out(&self, cancel: &mut Cancel, here: &Surroundings) -> Outcome {
        let notice = |text: &str| here.say(text);
        let mut progress = Progress::default();
        let failure = match self.connect(&notice) {
            Ok(cluster) => {
                // Boxed, because the future holds the state of every step.
                let work = Box::pin(self.work(cluster, &mut progress, here));
                match or_signal(work, cancel).await {
                    Ok(done) => done.err(),
                    Err(signal) => Some(interrupted(signal, &progress, &self.request)),
                }
            }
            Err(failure) => Some(failure),
        };
        let has_begun = progress.has_begun();
        if failure.is_some() {
            // What was not started is unchanged.
            progress.at_work = progress.at_work.take().filter(|at_work| at_work.rotated.is_written);
        }
        self.end_host(&mut progress);
        for done in &progress.done {
            if let Done::Rotated(rotated) = done {
                for note in &rotated.notes {
                    here.say(&format!("note: {}: {note}", rotated.host));
                }
            }
        }
        Outcome {
            done: progress.done,
            has_begun,
            failure: failure.map(|failure| self.aimed(failure)),
        }
    }

    fn end_host(&self, progress: &mut Progress) {
        let flags = self.destination.as_ref().map(|destination| &destination.flags);
        progress.end_host(&self.request, flags);
    }

    /// Issues everything, then writes and verifies host by host; stops after the first
    /// host that cannot be verified.
    async fn work(
        &self,
        cluster: Option<Cluster<'_>>,
        progress: &mut Progress,
        here: &Surroundings,
    ) -> Result<(), Failure> {
        let serve = running_serve(here).await?;
        let mut refusals = Refusals::new(&self.request, cluster.as_ref(), here);
        // No other process may exchange files while they are read.
        let reading = open(here).await?;
        let plan = plan(&self.request, false, cluster.as_ref(), &mut refusals, here).await?;
        let is_live = cluster.is_some() || serve.is_some();
        let (waiting, config) = self.prepare(plan, is_live, &mut refusals, here)?;
        drop(reading);
        let waiting = match &cluster {
            Some(cluster) => accepted(waiting, cluster, &mut refusals, here).await?,
            None => waiting,
        };
        let live = Live { serve, cluster, config };
        let hosts = waiting.iter().filter_map(Waiting::rotated);
        progress.left = hosts.map(|ready| ready.prepared.held.layout.host().clone()).collect();
        for next in waiting {
            let ready = match next {
                Waiting::Rotated(ready) => ready,
                Waiting::Nothing(done) => {
                    progress.done.push(done);
                    continue;
                }
            };
            progress.left.remove(0);
            match Box::pin(self.rotate(ready, &live, progress, here)).await {
                Ok(true) => self.end_host(progress),
                Ok(false) => {
                    self.end_host(progress);
                    for left in &progress.left {
                        here.say_always(&format!("{left} was not changed"));
                    }
                    return Ok(());
                }
                Err(failure) => {
                    for done in &progress.done {
                        if let Done::Rotated(rotated) = done {
                            here.say_always(&format!("{} was rotated before the failure", rotated.host));
                        }
                    }
                    return Err(failure);
                }
            }
        }
        refusals.first().map_or(Ok(()), Err)
    }

    /// Issues what every host needs. `is_live`: a gateway can be probed.
    fn prepare(
        &self,
        plan: Plan,
        is_live: bool,
        refusals: &mut Refusals<'_>,
        here: &Surroundings,
    ) -> Result<(Vec<Waiting>, crate::workspace::config::WorkspaceConfig), Failure> {
        let Plan { hosts, config } = plan;
        let mut waiting = Vec::new();
        for planned in hosts {
            let Planned {
                held,
                state,
                step,
                due,
                secrets,
            } = planned;
            // Nothing changes for these hosts, but the gateway may not serve them.
            let known = matches!(step, Step::Nothing(_)).then_some(secrets);
            let absent_key = held.absent_key();
            match prepare(held, step, &self.signing(), &self.request, &config, here) {
                Ok(prepared) => waiting.push(match &prepared.step {
                    Step::Nothing(idle) if absent_key.is_some() || !is_live => Waiting::Nothing(Done::Nothing {
                        host: state.host,
                        idle: idle.clone(),
                        absent_key,
                        due,
                    }),
                    _ => Waiting::Rotated(Ready {
                        prepared: Box::new(prepared),
                        due,
                        known,
                    }),
                }),
                Err(failure) => refusals.add(&state.host, failure)?,
            }
        }
        Ok((waiting, config))
    }

    /// One host: probed, written, and probed again; false if it could not be verified.
    /// The leaf of a new CA is verified before the old CA is removed.
    async fn rotate(
        &self,
        ready: Ready,
        live: &Live<'_>,
        progress: &mut Progress,
        here: &Surroundings,
    ) -> Result<bool, Failure> {
        let context = live.cluster.as_ref().map(Cluster::context);
        let Ready { prepared, due, known } = ready;
        let first = progress.at_work.insert(Box::new(AtWork::new(prepared, due, context)));
        Box::pin(exchange(first, known, live, &self.request, here)).await?;
        if !first.rotated.goes_on() {
            return Ok(first.rotated.is_done());
        }
        let held = &first.prepared.held;
        let reading = open(here).await?;
        let held = Held::read(here, held.layout.host(), Some(held.known()))?;
        let last = prepare(held, Step::FinishCa, &self.signing(), &self.request, &live.config, here)?;
        drop(reading);
        self.end_host(progress);
        let last = AtWork::new(Box::new(last), Vec::new(), context);
        let last = progress.at_work.insert(Box::new(last));
        Box::pin(exchange(last, None, live, &self.request, here)).await?;
        Ok(last.rotated.is_done())
    }
}

/// A host that is ready, or needs nothing.
enum Waiting {
    Nothing(Done),
    Rotated(Ready),
}

/// What was issued for a host.
struct Ready {
    prepared: Box<Prepared>,
    due: Vec<LeftDue>,
    /// Its Secrets, if nothing is to be changed.
    known: Option<Vec<TriedSecret>>,
}

impl Waiting {
    fn rotated(&self) -> Option<&Ready> {
        match self {
            Self::Rotated(ready) => Some(ready),
            Self::Nothing(_) => None,
        }
    }
}

/// The hosts whose Secrets the API server accepts: one refusal stops the others too,
/// except in the daily job.
async fn accepted(
    waiting: Vec<Waiting>,
    cluster: &Cluster<'_>,
    refusals: &mut Refusals<'_>,
    here: &Surroundings,
) -> Result<Vec<Waiting>, Failure> {
    if waiting.iter().filter_map(Waiting::rotated).count() < 2 {
        return Ok(waiting);
    }
    let mut accepted = Vec::new();
    for next in waiting {
        if let Some(Ready {
            prepared, known: None, ..
        }) = next.rotated()
        {
            let host = prepared.held.layout.host();
            if let Err(failure) = cluster.try_secrets(host, prepared.material()?, here).await {
                refusals.add(host, failure)?;
                continue;
            }
        }
        accepted.push(next);
    }
    Ok(accepted)
}

impl Planned {
    /// What is reported about it.
    fn told(self) -> PlannedHost {
        PlannedHost {
            secrets: (self.secrets.iter()).map(|secret| secret.planned(&self.step)).collect(),
            state: self.state,
            step: self.step,
            due: self.due,
        }
    }
}
