//! Deletes what was found, and waits until it is gone.

use std::time::Duration;

use super::outcome::Outcome;
use super::plan::Plan;
use super::request::Request;
use crate::cluster::client::Client;
use crate::cluster::owned::{self, Owned, Unremoved};
use crate::cluster::stages::{Halt, Halting};
use crate::ops::cluster_access::listed;
use crate::ops::interruption::{Cancel, Interrupted, until_signal};
use crate::ops::object_change::{Change, ObjectChange};
use crate::ops::{Event, Failure, Surroundings};
use crate::problem::Problem;
use crate::remedy::Remedy;
use crate::workspace::config::WorkspaceConfig;

/// What a run did, and why it stopped early, if it did.
pub struct Deleted {
    /// What was done.
    pub outcome: Outcome,
    /// Why not everything was done.
    pub failure: Option<Failure>,
}

/// Deletes the objects, then the files. Each object is an [`Event::Changed`]; the outcome
/// is their sum. After a signal nothing new is started.
pub async fn carry_out(
    request: &Request,
    plan: &Plan,
    client: Option<&Client<'_>>,
    cancel: &mut Cancel,
    here: &Surroundings,
) -> Deleted {
    let mut outcome = Outcome::new(plan, client, request.dry_run);
    if let (Some(client), Some(config)) = (client, &plan.config) {
        let work = Work {
            request,
            client,
            config,
            objects: &plan.objects,
            here,
        };
        let (undone, signal) = until_signal(|halting| work.remove(&mut outcome, halting), cancel, here).await;
        // Local files are kept until their objects are gone.
        let files = if request.dry_run { Vec::new() } else { plan.files() };
        let failure = failed(undone, signal, &outcome.gone(), files, request.wait);
        if failure.is_some() {
            return Deleted { outcome, failure };
        }
    }
    let files = match &plan.local {
        Some(local) if !request.dry_run => local.remove(),
        _ => Ok(plan.files()),
    };
    let failure = files.map(|files| outcome.files = files).err().map(Failure::runtime);
    Deleted { outcome, failure }
}

/// What is to be deleted, once it is known and permitted.
struct Work<'w> {
    request: &'w Request,
    client: &'w Client<'w>,
    config: &'w WorkspaceConfig,
    objects: &'w [Owned],
    here: &'w Surroundings,
}

/// What was not done.
struct Undone {
    /// Not deleted.
    unremoved: Unremoved,
    /// Deleted, but held by these finalizers.
    held: Vec<(Owned, Vec<String>)>,
}

impl Work<'_> {
    /// Deletes everything, and waits until it is gone; at the end `outcome` is what was
    /// deleted.
    async fn remove(&self, outcome: &mut Outcome, halting: Halting) -> Undone {
        let Request { wait, dry_run, .. } = *self.request;
        let mut held = Vec::new();
        let mut told = |object: &Owned, finalizers: Vec<String>| {
            if finalizers.is_empty() {
                self.gone(object, outcome);
            } else if dry_run {
                self.tell(object, Change::Terminating, &finalizers, outcome);
            } else {
                held.push((object.clone(), finalizers));
            }
        };
        let (client, workspace) = (self.client, &self.config.id);
        let mut unremoved = owned::remove_until(client, self.objects, workspace, dry_run, &halting, &mut told).await;
        if !held.is_empty() && unremoved.refused.is_none() {
            for (object, finalizers) in &held {
                let finalizers = finalizers.join(", ");
                self.here.say(&format!(
                    "waiting for the finalizers of {}: {finalizers}",
                    object.title()
                ));
            }
            let mut told = |object: &Owned| self.gone(object, outcome);
            tokio::select! {
                biased;
                () = halting.until(Halt::BeginNoMore) => {}
                waited = owned::await_gone(client, &mut held, wait, &mut told) => unremoved.refused = waited.err(),
            }
        }
        for (object, finalizers) in &held {
            self.tell(object, Change::Terminating, finalizers, outcome);
        }
        Undone { unremoved, held }
    }

    fn gone(&self, object: &Owned, outcome: &mut Outcome) {
        let change = if object.is_patch {
            Change::Unpatched
        } else {
            Change::Deleted
        };
        self.tell(object, change, &[], outcome);
    }

    fn tell(&self, object: &Owned, change: Change, finalizers: &[String], outcome: &mut Outcome) {
        let object = ObjectChange {
            notes: object.note().into_iter().map(Remedy::from).collect(),
            finalizers: finalizers.to_vec(),
            ..ObjectChange::of_owned(object, change)
        };
        self.here.observer.event(Event::Changed(&object));
        outcome.objects.push(object);
    }
}

/// The failure of a run that did not delete everything: what is gone, and what is not,
/// including `files`, which come last.
fn failed(
    undone: Undone,
    signal: Option<Interrupted>,
    deleted: &[String],
    files: Vec<String>,
    wait: Duration,
) -> Option<Failure> {
    let go_on = || Remedy::again().and(" for the rest");
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
        lines.push(format!("sent, result unknown: {}", listed(&unremoved.unknown)));
    }
    let told = lines.join("\n");
    if let Some(mut problem) = unremoved.refused {
        let why = problem.why.take().map(|why| format!("{why}\n")).unwrap_or_default();
        problem.why = Some(format!("{why}{told}"));
        problem.fix = Some(Remedy::then_go_on(problem.fix.take(), go_on()));
        return Some(Failure::runtime(problem));
    }
    // If everything is gone, the signal came too late.
    if let Some(signal) = signal.filter(|_| !unremoved.left.is_empty() || !unremoved.unknown.is_empty()) {
        return Some(signal.failure("everything was deleted", told, go_on()));
    }
    (!terminating.is_empty()).then(|| {
        let what = format!(
            "deleted, but not gone after {} s: {}",
            wait.as_secs(),
            listed(&terminating)
        );
        let fix = Remedy::from(
            "a finalizer is removed by whoever set it, once its work is done; use a longer --wait \
             if it only needs more time",
        );
        Failure::findings(Problem::new(what).why(told).fix(fix.then(go_on())))
    })
}
