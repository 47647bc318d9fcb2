//! Carries out the plan: stores, prunes, and waits until it is in effect.

use std::time::{Duration, Instant};

use super::input::{Input, Keyless};
use super::outcome::Outcome;
use super::plan::Plan;
use super::request::{Purpose, Request, Source};
use super::serving::{self, Seen};
use crate::cluster::apply::{self, Action, Ready, Refused};
use crate::cluster::client::Client;
use crate::cluster::kubeconfig::Access;
use crate::cluster::owned::{self, Owned};
use crate::cluster::rollout;
use crate::cluster::stages::{Halt, Halting};
use crate::ops::cluster_access::{held, listed, refused};
use crate::ops::interruption::{Cancel, Interrupted, until_signal};
use crate::ops::object_change::{Change, ObjectChange};
use crate::ops::{Event, Failure, Surroundings};
use crate::problem::Problem;
use crate::remedy::Remedy;
use crate::workspace::config::WorkspaceConfig;

/// What a run did, and why it stopped early, if it did.
pub struct Applied {
    /// What was done.
    pub outcome: Outcome,
    /// Why not everything was done.
    pub failure: Option<Failure>,
}

/// Records the context in istio-tls.yaml, stores and prunes as planned, and waits until
/// it is in effect. Each finished object is an [`Event::Changed`]; the outcome is their
/// sum. After a signal nothing new is started.
pub async fn carry_out(
    request: &Request,
    input: &Input,
    plan: &Plan,
    client: &Client<'_>,
    cancel: &mut Cancel,
    here: &Surroundings,
) -> Applied {
    let mut outcome = Outcome::new(input, Some(&client.access), Purpose::Store);
    if let Err(failure) = record(input, &client.access, here) {
        let failure = Some(failure);
        return Applied { outcome, failure };
    }
    let work = Work {
        request,
        input,
        client,
        plan,
        here,
    };
    let (done, signal) = until_signal(|halting| work.done(&mut outcome, halting), cancel, here).await;
    let failure = match (done, signal) {
        (Err(failure), _) => Some(failure),
        (Ok(Some(left)), Some(signal)) => Some(interrupted(signal, &left, &outcome)),
        // A signal that came after the end interrupted nothing.
        (Ok(_), _) => unmade(&input.keyless),
    };
    Applied { outcome, failure }
}

/// All that is to be done, once it is known and permitted.
struct Work<'w> {
    request: &'w Request,
    input: &'w Input,
    client: &'w Client<'w>,
    plan: &'w Plan,
    here: &'w Surroundings,
}

impl Work<'_> {
    /// Stores, prunes and waits; at the end `outcome` is what was done. Returns what was
    /// left if it was interrupted.
    async fn done(&self, outcome: &mut Outcome, halting: Halting) -> Result<Option<Left>, Failure> {
        let (client, here) = (self.client, self.here);
        let mut tell = |object: ObjectChange| {
            here.observer.event(Event::Changed(&object));
            outcome.objects.push(object);
        };
        let mut told = |object: &Ready, action: Action| tell(ObjectChange::of_ready(object, action));
        let stored = apply::store_until(client, &self.plan.ready, &halting, &mut told).await;
        let mut left = Left {
            unstored: stored.left,
            unknown: stored.unknown,
            ..Left::default()
        };
        let unpruned = || self.plan.surplus.iter().map(Owned::title).collect();
        if let Some(refused) = stored.refused {
            left.unpruned = unpruned();
            return Err(stopped(refused, &left, outcome));
        }
        if halting.is_asked() && !left.is_empty() {
            left.unpruned = unpruned();
            return Ok(Some(left));
        }
        let workspace = self.input.workspace_id().unwrap_or_default();
        let mut told = |object: &Owned, finalizers: Vec<String>| {
            let mut pruned = ObjectChange::of_owned(object, Change::Pruned);
            if !finalizers.is_empty() {
                let note = held(&finalizers);
                here.say_always(&format!("note: {}: {note}", object.title()));
                pruned.notes.push(note.into());
            }
            tell(pruned);
        };
        let pruned = owned::remove_until(client, &self.plan.surplus, workspace, false, &halting, &mut told).await;
        (left.unpruned, left.unknown) = (pruned.left, pruned.unknown);
        if let Some(problem) = pruned.refused {
            return Err(stopped(problem.into(), &left, outcome));
        }
        if halting.is_asked() {
            let is_done = self.request.wait.is_none() && left.is_empty();
            return Ok((!is_done).then_some(left));
        }
        // From here on no request is in flight.
        tokio::select! {
            biased;
            () = halting.until(Halt::BeginNoMore) => Ok(Some(left)),
            waited = self.wait(outcome) => waited.map(|()| None),
        }
    }

    /// Waits until what is stored is in effect, as far as that can be observed.
    async fn wait(&self, outcome: &mut Outcome) -> Result<(), Failure> {
        let start = Instant::now();
        if let Some(wait) = self.request.wait {
            // File-mount style: new volumes are in effect once every pod is new.
            self.await_rollouts(start, wait, |object| object.is_patch).await?;
        }
        if !self.input.wanted.is_empty() {
            match self.seen().await? {
                Seen::Served(hosts) => outcome.serving = Some(hosts),
                Seen::NotChecked(why) => self.here.say(&format!(
                    "note: not checked whether the gateway already serves this: {why}"
                )),
            }
        }
        if let Some(wait) = self.request.wait {
            self.await_rollouts(start, wait, Ready::is_workload).await?;
        }
        Ok(())
    }

    /// Whether the gateway serves it, if it may be probed.
    async fn seen(&self) -> Result<Seen, Failure> {
        match (self.request.wait, &self.request.source) {
            (None, _) => Ok(Seen::NotChecked("--no-wait".to_owned())),
            (Some(_), Source::Files { .. }) => Ok(Seen::NotChecked(
                "the manifests of -f do not show which certificates they use".to_owned(),
            )),
            (Some(wait), Source::Workspace { .. }) => serving::prove(self.input, self.client, wait, self.here).await,
        }
    }

    /// Waits for the `meant` Deployments, at most this long after `start`.
    async fn await_rollouts(
        &self,
        start: Instant,
        wait: Duration,
        meant: impl Fn(&Ready) -> bool,
    ) -> Result<(), Failure> {
        let (client, here) = (self.client, self.here);
        for object in self.plan.ready.iter().filter(|object| meant(object)) {
            let Some(namespace) = &object.namespace else { continue };
            let mut told = |text: &str| here.say(text);
            let limit = rollout::Limit { start, wait };
            rollout::wait(client, &object.resource, namespace, &object.name, limit, &mut told)
                .await
                .map_err(Failure::findings)?;
            here.say(&if object.is_patch {
                format!("every pod of {} has its volumes", object.title())
            } else {
                format!("every pod of {} is ready", object.title())
            });
        }
        Ok(())
    }
}

/// Reports Secrets that are not created because their keys are missing; everything else
/// is applied.
fn unmade(keyless: &[Keyless]) -> Option<Failure> {
    let first = keyless.first()?;
    let titles: Vec<String> = keyless.iter().map(|one| one.secret.clone()).collect();
    let hosts: Vec<&str> = keyless.iter().map(|one| one.host.as_str()).collect();
    Some(Failure::findings(
        Problem::new(format!(
            "not applied: {}, because the server key of {} is not here; everything else is applied",
            listed(&titles),
            hosts.join(", ")
        ))
        .at(first.key.clone())
        .why(
            "the key of a chain made with gen-certs --csr is where the request was created; that \
            Secret stays unchanged in the cluster",
        )
        .fix(Remedy::from("put the key there and ").and(Remedy::again()).or(format!(
            "create the Secret where the key is, from {} and the key",
            first.certificate
        ))),
    ))
}

/// What an interrupted run has not done, in words.
#[derive(Default)]
struct Left {
    /// Refused, or not sent.
    unstored: Vec<String>,
    /// Sent, but not answered.
    unknown: Vec<String>,
    /// Not deleted by --prune.
    unpruned: Vec<String>,
}

impl Left {
    fn is_empty(&self) -> bool {
        self.unstored.is_empty() && self.unknown.is_empty() && self.unpruned.is_empty()
    }

    /// What was done, and what was not.
    fn lines(&self, outcome: &Outcome) -> String {
        let mut lines = vec![format!("applied: {}", listed(&outcome.titles()))];
        if self.unknown.is_empty() || !self.unstored.is_empty() {
            lines.push(format!("not applied: {}", listed(&self.unstored)));
        }
        if !self.unknown.is_empty() {
            lines.push(format!("sent, result unknown: {}", listed(&self.unknown)));
        }
        if !self.unpruned.is_empty() {
            lines.push(format!("not pruned: {}", listed(&self.unpruned)));
        }
        lines.join("\n")
    }
}

/// The failure of a run that a signal interrupted: what was done, and what was not.
fn interrupted(signal: Interrupted, left: &Left, outcome: &Outcome) -> Failure {
    let before = if !left.unstored.is_empty() {
        "everything was applied"
    } else if !left.unpruned.is_empty() {
        "everything was pruned"
    } else if !left.unknown.is_empty() {
        "the API server had answered"
    } else {
        "the gateway was seen to serve it"
    };
    signal.failure(before, left.lines(outcome), go_on())
}

/// How to continue an interrupted run.
fn go_on() -> Remedy {
    Remedy::again().and(": what is applied is kept, the rest follows")
}

/// Writes istio-tls.yaml: the context, and whatever else was repaired.
fn record(input: &Input, access: &Access, here: &Surroundings) -> Result<(), Failure> {
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
        here.say(&format!("recorded the context in {}", crate::files::shown(&file.path)));
    }
    Ok(())
}

/// The failure of a run that had started: what is stored, and what is not.
fn stopped(error: Refused, left: &Left, outcome: &Outcome) -> Failure {
    let mut failure = refused(error);
    let problem = &mut failure.problem;
    let why = problem.why.take().map(|why| format!("{why}\n")).unwrap_or_default();
    problem.why = Some(format!("{why}{}", left.lines(outcome)));
    problem.fix = Some(Remedy::then_go_on(problem.fix.take(), go_on()));
    failure
}
