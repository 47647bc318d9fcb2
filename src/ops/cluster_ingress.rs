//! The ingress gateway of a cluster, for `probe`, `request` and `apply`.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::net::TcpStream;

use super::cluster_access::ClusterPlace;
use super::entries;
use super::failure::Failure;
use super::surroundings::Surroundings;
use crate::cluster::client::Client;
use crate::cluster::gateway_pod::GatewayPod;
use crate::cluster::ingress::{self, Ingress, Wanted};
use crate::cluster::kubeconfig::Access;
use crate::cluster::pods::{Forward, PodRef};
use crate::cluster::{discover, gateway_pod};
use crate::probe::codes::Code;
use crate::probe::expectation::Place;
use crate::probe::run::Outcome;
use crate::probe::target::Target;
use crate::problem::Problem;
use crate::workspace::config::{GatewayEntry, WorkspaceConfig};

/// How long to retry an API server that fails or is busy.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait for one of several addresses before trying the next.
const CONNECT: Duration = Duration::from_secs(2);
/// How many of several addresses are tried at once.
const TRIED_AT_ONCE: usize = 8;
/// How many of a gateway's pods are tried if the node of one cannot be reached.
const PODS_TRIED: usize = 3;

/// How long an address must remain usable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// While this process runs: a port-forward of its own is enough.
    Process,
    /// Longer than this process, because the address is printed.
    Beyond,
}

/// A gateway, reachable while this is held.
pub struct Reached {
    /// Its address.
    pub target: Target,
    forward: Option<Forward>,
    /// The cluster in which it was found.
    access: Option<Box<Access>>,
}

impl Reached {
    /// Why a connection did not get through the port-forward, if there is one; reported
    /// once.
    pub fn trouble(&self) -> Option<Problem> {
        self.forward.as_ref().and_then(Forward::trouble)
    }

    /// Directs the commands of an outcome's remedies to its cluster.
    pub fn aim(&self, outcome: &mut Outcome) {
        if let Some(access) = &self.access {
            let verdict = &mut outcome.verdict;
            verdict.fix = verdict.fix.take().map(|fix| fix.at_cluster(&access.flags));
        }
    }

    /// The same for a problem.
    pub fn aim_problem(&self, problem: Problem) -> Problem {
        match &self.access {
            Some(access) => access.aim(problem),
            None => problem,
        }
    }
}

impl From<Target> for Reached {
    fn from(target: Target) -> Self {
        Self {
            target,
            forward: None,
            access: None,
        }
    }
}

/// The content of istio-tls.yaml; none without one.
///
/// # Errors
/// If it cannot be read.
pub fn workspace(here: &Surroundings) -> Result<Option<WorkspaceConfig>, Failure> {
    let file = entries::read(here).map_err(Failure::usage)?;
    Ok(file.map(|file| file.config))
}

/// Uses the cluster of the flags, otherwise the one that `apply` recorded, otherwise the
/// kubeconfig's current one.
///
/// # Errors
/// If it cannot be reached: exit 3. If it has no address for the gateway, and a
/// port-forward is not enough or cannot be opened: exit 1.
pub async fn reach(place: &ClusterPlace, lifetime: Lifetime, here: &Surroundings) -> Result<Reached, Failure> {
    let config = workspace(here)?;
    let access = place.or_recorded(config.as_ref()).access(here).await?;
    let notice = |text: &str| here.say(text);
    let client = Client::new(access, PATIENCE, &notice).map_err(Failure::runtime)?;
    let wanted = wanted(config.map(|config| config.gateway).unwrap_or_default(), here);
    let found = discover::look(&client, &wanted).await.map_err(Failure::runtime)?;
    let reached = match lifetime {
        Lifetime::Process => reach_found(&client, &found, &wanted).await,
        Lifetime::Beyond => of_found(&found, &wanted).map(|(target, told)| (target.into(), told)),
    };
    let (reached, told) = reached.map_err(|problem| Failure::findings(client.access.aim(problem)))?;
    here.say(&format!("context {}: {told}", client.access.context));
    Ok(reached)
}

/// Whether the gateway cannot be reached from here: it may serve nevertheless.
pub fn is_out_of_reach(outcome: &Outcome) -> bool {
    outcome.facts.tls.is_none()
        && matches!(
            outcome.verdict.code,
            Code::NameNotResolved | Code::Unreachable | Code::Timeout
        )
}

/// The gateway that a workspace's objects are for.
pub fn wanted(gateway: GatewayEntry, here: &Surroundings) -> Wanted {
    Wanted {
        pod_namespace: here.gateway_namespace.clone().unwrap_or(gateway.pod_namespace),
        selector: gateway.selector,
        namespace: here.namespace.clone().unwrap_or(gateway.namespace),
        name: gateway.name,
    }
}

/// The target, and the object that gave it.
///
/// # Errors
/// If there is no address.
pub fn of_found(found: &ingress::Found, wanted: &Wanted) -> Result<(Target, String), Problem> {
    ingress::choose(found, wanted).map(of_ingress)
}

fn of_ingress(ingress: Ingress) -> (Target, String) {
    const SHOWN: usize = 5;
    let shown = ingress.others.iter().take(SHOWN).map(|other| other.host.as_str());
    let mut others = shown.collect::<Vec<_>>().join(", ");
    if ingress.others.len() > SHOWN {
        others = format!("{others} and {} more", ingress.others.len() - SHOWN);
    }
    if !others.is_empty() {
        others = format!(", which also has {others}");
    }
    let told = format!(
        "the gateway is at {} port {}, according to {}{others}",
        ingress.host, ingress.secure_port, ingress.source
    );
    let target = Target::Address {
        host: ingress.host,
        port: ingress.secure_port,
        plain_port: ingress.plain_port,
        place: Place::Cluster,
    };
    (target, told)
}

/// The first of several addresses that accepts a connection; the first one if none does,
/// or if there is only one.
async fn answering(mut ingress: Ingress) -> Ingress {
    if ingress.others.is_empty() {
        return ingress;
    }
    let first = std::iter::once(ingress.host.clone());
    let all: Vec<String> = first
        .chain(ingress.others.iter().map(|other| other.host.clone()))
        .collect();
    let mut tried = stream::iter(&all)
        .map(|host| tokio::time::timeout(CONNECT, TcpStream::connect((host.as_str(), ingress.secure_port))))
        .buffered(TRIED_AT_ONCE)
        .enumerate()
        .filter_map(async |(place, connected)| matches!(connected, Ok(Ok(_))).then_some(place))
        .boxed();
    let answers = tried.next().await;
    drop(tried);
    if let Some(other) = answers.and_then(|place| place.checked_sub(1)) {
        ingress.prefer(other);
    }
    ingress
}

/// Finds the gateway, and reaches it by its address or through a port-forward.
///
/// # Errors
/// As [`discover::look`] and [`reach_found`].
pub async fn reach_with(client: &Client<'_>, wanted: &Wanted) -> Result<(Reached, String), Problem> {
    let found = discover::look(client, wanted).await?;
    reach_found(client, &found, wanted).await
}

/// Like [`of_found`]; without an address, through a port-forward to a pod of the gateway.
///
/// # Errors
/// If there is no address, and no port-forward either.
pub async fn reach_found(
    client: &Client<'_>,
    found: &ingress::Found,
    wanted: &Wanted,
) -> Result<(Reached, String), Problem> {
    let nowhere = match ingress::choose(found, wanted) {
        Ok(ingress) => {
            let (target, told) = of_ingress(answering(ingress).await);
            let access = Some(Box::new(client.access.clone()));
            let reached = Reached {
                access,
                ..target.into()
            };
            return Ok((reached, told));
        }
        Err(problem) => client.access.aim(problem),
    };
    let mut failed = None;
    for gateway in gateway_pod::ready(found, wanted).into_iter().take(PODS_TRIED) {
        match through(client, &gateway).await {
            Ok(reached) => {
                let told = format!(
                    "{}; the gateway is reached through a port-forward to the pod {} port {}",
                    nowhere.what, gateway.pod, gateway.port
                );
                return Ok((reached, told));
            }
            Err(problem) => failed = failed.or(Some((gateway.pod, problem))),
        }
    }
    Err(without_forward(nowhere, failed))
}

/// Reaches one pod of the gateway through a port-forward of this process.
///
/// # Errors
/// As [`Forward::open`].
pub async fn through(client: &Client<'_>, gateway: &GatewayPod) -> Result<Reached, Problem> {
    let forward = Forward::open(client, &gateway.pod, gateway.port).await?;
    let target = Target::Address {
        host: forward.address().ip().to_string(),
        port: forward.address().port(),
        plain_port: None,
        place: Place::Cluster,
    };
    Ok(Reached {
        target,
        forward: Some(forward),
        access: Some(Box::new(client.access.clone())),
    })
}

/// The Ready pods of the gateway that this user may see.
///
/// # Errors
/// As [`discover::look`].
pub async fn ready_pods(client: &Client<'_>, wanted: &Wanted) -> Result<Vec<GatewayPod>, Problem> {
    let found = discover::look(client, wanted).await?;
    Ok(gateway_pod::ready(&found, wanted))
}

/// Adds to a missing address why a port-forward cannot replace it.
fn without_forward(mut nowhere: Problem, failed: Option<(PodRef, Problem)>) -> Problem {
    let why = match failed {
        Some((pod, problem)) => {
            nowhere.fix = match (nowhere.fix, problem.fix) {
                (Some(first), Some(fix)) => Some(first.below(fix)),
                (first, fix) => first.or(fix),
            };
            let why = problem.why.map(|why| format!(": {why}")).unwrap_or_default();
            format!("no port-forward to the pod {pod}: {}{why}", problem.what)
        }
        None => "no port-forward: this user sees no pod of the gateway that is Running and Ready".to_owned(),
    };
    nowhere.why = Some(match nowhere.why {
        Some(first) => format!("{first}\n{why}"),
        None => why,
    });
    nowhere
}
