//! `probe`: finds the gateway, checks every host there, and judges.

use std::time::Duration;

use tokio::time::Instant;

use super::connection::{Connection, NamedGateway};
use super::hand_written;
use crate::names::Host;
use crate::ops::cluster_access::runtime;
use crate::ops::cluster_ingress::{self, Lifetime, Reached};
use crate::ops::failure::Failure;
use crate::ops::interruption::{Cancel, Interrupted, or_signal};
use crate::ops::surroundings::Surroundings;
use crate::probe::coalesce;
use crate::probe::codes::Code;
use crate::probe::destination::{Destination, check_path};
use crate::probe::run::{Outcome, Settings, every_address, run as run_checks, run_told};
use crate::probe::target::{ProbedHost, Target, Wishes, expectations, no_gateway};
use crate::problem::Problem;
use crate::remedy::Remedy;

/// How many hosts are probed at once.
const CONCURRENCY: usize = 64;
/// The pause between two checks for a `serve` that is about to start.
const PAUSE: Duration = Duration::from_millis(250);

/// What to check.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The hosts; none: every host of the workspace.
    pub hosts: Vec<Destination>,
    /// Verify both directions of mutual TLS.
    pub mtls: bool,
    /// The path to request; otherwise the host's own, or its sample's.
    pub path: Option<String>,
    /// The expected status.
    pub expect_status: Option<u16>,
    /// How long to retry a missing gateway or a failed check.
    pub wait: Duration,
    /// Also request each host over the connection of another one whose certificate names
    /// both.
    pub coalesce: bool,
    /// Check every address of a name.
    pub all: bool,
    /// How the gateway is reached.
    pub connection: Connection,
}

/// The result of a probe.
#[derive(Debug)]
pub struct Probed {
    /// The checks that have ended; in the order of the hosts if all have.
    pub outcomes: Vec<Outcome>,
    /// Why it stopped before every check had ended.
    pub failure: Option<Failure>,
}

impl Probed {
    /// Whether there was no gateway for any host.
    pub fn is_nowhere(&self) -> bool {
        self.failure.is_none() && (self.outcomes.iter()).all(|outcome| outcome.verdict.code == Code::NoLocalGateway)
    }
}

impl Request {
    /// The hosts of the workspace, at its running `serve`.
    pub fn of_workspace(hosts: Vec<Host>, mtls: bool) -> Self {
        Self {
            hosts: hosts.into_iter().map(Destination::from).collect(),
            mtls,
            connection: Connection {
                target: Some(NamedGateway::Local),
                ..Connection::default()
            },
            ..Self::default()
        }
    }

    /// The settings of every connection.
    ///
    /// # Errors
    /// If a value cannot be sent.
    fn wishes(&self) -> Result<Wishes, Failure> {
        let mut wishes = self.connection.wishes()?;
        let paths = self.hosts.iter().filter_map(|host| host.path.as_deref());
        for path in self.path.as_deref().into_iter().chain(paths) {
            check_path(path).map_err(Failure::usage)?;
        }
        wishes.mtls = self.mtls;
        wishes.path.clone_from(&self.path);
        wishes.status = self.expect_status;
        Ok(wishes)
    }
}

/// Checks everything once; a signal stops it.
pub fn run(request: &Request, here: &Surroundings, cancel: &mut Cancel) -> Probed {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(failure) => return Probed::failed(failure),
    };
    let mut done = Vec::new();
    let mut told = |outcome: &Outcome| done.push(outcome.clone());
    let ended = runtime.block_on(async { or_signal(Box::pin(probe(request, here, &mut told)), cancel).await });
    match ended {
        Ok(Ok(outcomes)) => Probed {
            outcomes,
            failure: None,
        },
        Ok(Err(failure)) => Probed::failed(failure),
        Err(signal) => Probed {
            failure: Some(interrupted(signal, &done)),
            outcomes: done,
        },
    }
}

impl Probed {
    fn failed(failure: Failure) -> Self {
        Self {
            outcomes: Vec::new(),
            failure: Some(failure),
        }
    }
}

/// The failure of a run that a signal interrupted.
fn interrupted(signal: Interrupted, done: &[Outcome]) -> Failure {
    let checks: Vec<String> = done
        .iter()
        .map(|outcome| format!("{} {}", outcome.host, outcome.check).trim().to_owned())
        .collect();
    let why = match checks.as_slice() {
        [] => "no check had ended".to_owned(),
        checks => format!("ended: {}", checks.join(", ")),
    };
    let fix = Remedy::again().and("; a shorter --wait gives up sooner");
    signal.failure("every check had ended", why, fix)
}

/// Finds the gateway and checks the hosts there. `told` is called for each check that has
/// ended.
///
/// # Errors
/// If a value or a file is bad, a cluster cannot be reached, or a port-forward does not
/// work.
pub async fn probe(
    request: &Request,
    here: &Surroundings,
    told: &mut dyn FnMut(&Outcome),
) -> Result<Vec<Outcome>, Failure> {
    request.wishes()?;
    let hosts = request.connection.hosts(&request.hosts, request.mtls, here)?;
    let start = Instant::now();
    let reached = reach(request, &hosts, start, here).await?;
    let left = request.wait.saturating_sub(start.elapsed());
    let outcomes = probe_at(request, &reached, left, here, told).await?;
    through(&reached, outcomes, here)
}

/// Finds the gateway. If there is none, waits for a `serve` that is about to start.
async fn reach(
    request: &Request,
    hosts: &[ProbedHost],
    start: Instant,
    here: &Surroundings,
) -> Result<Reached, Failure> {
    let connection = &request.connection;
    let mut said = false;
    loop {
        let reached = connection.reach(hosts, Lifetime::Process, here).await?;
        let is_missing = reached.target == Target::None && !connection.names_all(hosts);
        if !is_missing || start.elapsed() + PAUSE > request.wait {
            return Ok(reached);
        }
        if !said {
            here.say("no local gateway is running here yet; waiting for one");
            said = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The outcome, unless a port-forward does not work: then that is reported, rather than
/// its effect on the connections.
fn through(reached: &Reached, outcomes: Vec<Outcome>, here: &Surroundings) -> Result<Vec<Outcome>, Failure> {
    let failed = outcomes.iter().filter(|outcome| !outcome.verdict.is_ok()).count();
    // A connection that failed and was retried successfully does not count.
    match reached.trouble().filter(|_| failed > 0) {
        Some(problem) if failed == outcomes.len() => Err(Failure::findings(problem)),
        Some(problem) => {
            here.warn(&problem);
            Ok(outcomes)
        }
        None => Ok(outcomes),
    }
}

/// Checks the hosts at a gateway that was found; `wait` and `told` as in [`probe`].
///
/// # Errors
/// If a value or a file is bad.
pub(super) async fn probe_at(
    request: &Request,
    reached: &Reached,
    wait: Duration,
    here: &Surroundings,
    told: &mut dyn FnMut(&Outcome),
) -> Result<Vec<Outcome>, Failure> {
    let wishes = request.wishes()?;
    let patience = request.connection.timeout;
    let hosts = request.connection.hosts(&request.hosts, request.mtls, here)?;
    let mut checks = expectations(&hosts, &wishes, &reached.target);
    if let Target::Running(serve) = &reached.target {
        hand_written::mark(&mut checks, serve, here);
    }
    if request.all {
        checks = every_address(checks, patience).await;
    }
    let settings = Settings {
        patience,
        wait,
        concurrency: CONCURRENCY,
        now: here.now,
    };
    let mut aimed = |outcome: &Outcome| {
        let mut outcome = outcome.clone();
        reached.aim(&mut outcome);
        told(&outcome);
    };
    let mut outcomes = run_told(checks.clone(), settings, &mut aimed).await;
    if request.coalesce {
        let shared = coalesce::expectations(&checks, &outcomes);
        if shared.is_empty() {
            here.say(
                "no certificate served over HTTP/2 names another of these hosts, so browsers open \
                 a separate connection to each",
            );
        }
        outcomes.extend(run_checks(shared, settings).await);
    }
    for outcome in &mut outcomes {
        reached.aim(outcome);
    }
    Ok(outcomes)
}

/// The failure if there is no gateway.
pub fn nowhere(connection: &Connection, here: &Surroundings) -> Failure {
    let why = if connection.target.is_none() {
        "no serve of this workspace answers, INGRESS_HOST is not set, and nothing was applied to \
         a cluster from this workspace"
            .to_owned()
    } else {
        let recorded = cluster_ingress::workspace(here).ok().flatten();
        let recorded = recorded.and_then(|config| config.context);
        let cluster = recorded.map_or_else(String::new, |name| {
            format!("; --target cluster uses the context {name}")
        });
        format!("no serve of this workspace answers, and --target local tries nothing else{cluster}")
    };
    let verdict = no_gateway();
    Failure::findings(Problem {
        what: verdict.summary,
        at: None,
        why: Some(why),
        fix: verdict.fix,
    })
}
