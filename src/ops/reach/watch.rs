//! `probe --watch`: probes repeatedly, and reports what changes.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use time::OffsetDateTime;

use super::probe::{Request, probe, probe_at};
use crate::ops::cluster_access::runtime;
use crate::ops::cluster_ingress::Lifetime;
use crate::ops::failure::Failure;
use crate::ops::interruption::{Cancel, Interrupted, or_signal};
use crate::ops::surroundings::Surroundings;
use crate::probe::codes::Code;
use crate::probe::expectation::Place;
use crate::probe::run::Outcome;
use crate::probe::target::Target;

/// Checks whose verdict has changed.
#[derive(Debug)]
pub struct Changed<'o> {
    /// When they were run.
    pub at: OffsetDateTime,
    /// The checks, in order; in the first round all of them.
    pub outcomes: Vec<&'o Outcome>,
}

/// Probes with `pause` between two rounds, until a signal comes (which is returned) or
/// the observer stops it (none).
///
/// # Errors
/// As for a single probe.
pub fn run(
    request: &Request,
    pause: Duration,
    here: &Surroundings,
    cancel: &mut Cancel,
    observer: &mut dyn FnMut(&Changed<'_>) -> ControlFlow<()>,
) -> Result<Option<Interrupted>, Failure> {
    let ended =
        runtime()?.block_on(async { or_signal(Box::pin(rounds(request, pause, here, observer)), cancel).await });
    match ended {
        Ok(ended) => ended.map(|()| None),
        Err(signal) => Ok(Some(signal)),
    }
}

async fn rounds(
    request: &Request,
    pause: Duration,
    here: &Surroundings,
    observer: &mut dyn FnMut(&Changed<'_>) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let mut known: HashMap<(String, String), Code> = HashMap::new();
    let mut told = String::new();
    let start = Instant::now();
    let hosts = request.connection.hosts(&request.hosts, request.mtls, here)?;
    let mut reached = request.connection.reach(&hosts, Lifetime::Process, here).await?;
    let of_cluster = matches!(
        reached.target,
        Target::Address {
            place: Place::Cluster,
            ..
        }
    );
    let ignore = &mut |_: &Outcome| ();
    loop {
        let mut outcomes = if of_cluster {
            probe_at(request, &reached, request.wait, here, ignore).await?
        } else {
            probe(request, here, ignore).await?
        };
        // Another pod may have replaced the one that the port-forward led to. A pod that
        // exists and refuses has been handled before.
        if let Some(problem) = reached.trouble().filter(|problem| problem.what != told) {
            let lost = match request.connection.reach(&hosts, Lifetime::Process, here).await {
                Ok(next) => {
                    reached = next;
                    outcomes = probe_at(request, &reached, request.wait, here, ignore).await?;
                    problem.what
                }
                Err(failure) => failure.problem.what,
            };
            if lost != told {
                here.say(&lost);
                told = lost;
            }
        }
        let changed: Vec<&Outcome> = outcomes
            .iter()
            .filter(|outcome| {
                let check = (outcome.host.clone(), outcome.check.clone());
                known.insert(check, outcome.verdict.code) != Some(outcome.verdict.code)
            })
            .collect();
        if !changed.is_empty() {
            let changed = Changed {
                at: here.now + start.elapsed(),
                outcomes: changed,
            };
            if observer(&changed).is_break() {
                return Ok(());
            }
        }
        tokio::time::sleep(pause).await;
    }
}
