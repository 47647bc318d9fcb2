//! Collects facts about files, Secrets and the gateway, and judges them.

use super::facts::HostState;
use super::in_cluster::{self, Asked};
use super::outcome::{Outcome, not_served};
use super::request::Request;
use super::{clients, gather, judge};
use crate::lint::{Finding, Place, codes};
use crate::names::Host;
use crate::ops::cluster_ingress::{self, Lifetime};
use crate::ops::reach::connection::{Connection, NamedGateway};
use crate::ops::{Failure, Surroundings, intent};
use crate::probe::target::Target;
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::workspace::config::{HostEntry, Mode};

/// Why nothing is known about a gateway if none is looked for.
const NO_GATEWAY: &str = "no gateway was probed: no serve of this workspace is running";

/// Collects and judges. A cluster that cannot be reached is part of the outcome.
///
/// # Errors
/// If the workspace cannot be read or has no such host, the target is invalid, or TLS
/// cannot use a client's key.
pub async fn run(request: &Request, here: &Surroundings) -> Result<Outcome, Failure> {
    let (entries, modes): (Vec<HostEntry>, Vec<Mode>) = hosts(&request.hosts, here)?.into_iter().unzip();
    let mut states: Vec<HostState> = (entries.iter().zip(modes))
        .map(|(entry, mode)| gather::files(entry, mode, here))
        .collect();
    if request.local && request.target == Some(NamedGateway::Cluster) {
        return Err(Failure::usage(
            Problem::new("--local and --target cluster exclude each other").fix("use one of them"),
        ));
    }
    let connection = Connection {
        target: request.target.clone(),
        timeout: request.timeout,
        cluster: request.cluster.clone(),
        ..Connection::default()
    };
    let mut reached = connection.nearby(Lifetime::Process, here).await?;
    let config = cluster_ingress::workspace(here)?;
    // --target cluster alone means a gateway, not a cluster that was applied to.
    let place = request.cluster.in_play(config.as_ref()).filter(|_| !request.local);
    let mut asked = Asked::default();
    if let Some(place) = place {
        let wants_gateway = request.target.is_none() && reached.target == Target::None;
        asked = in_cluster::ask(&place, &mut states, wants_gateway, here).await?;
        reached = asked.gateway.take().unwrap_or(reached);
    }
    gather::served(&mut states, &reached.target, request.timeout, here).await;
    clients::shown(&mut states, &entries, &reached, request.timeout, here).await?;
    if let Some(problem) = reached.trouble() {
        here.warn(&problem);
    }
    let within = (request.expires_within).map(|within| time::Duration::seconds(within.as_secs().cast_signed()));
    let (rows, mut findings) = judge::judge(&states, within, here.now);
    findings.extend(asked.pods_elsewhere.map(|elsewhere| {
        Finding::new(&codes::STATUS_SECRETS_ELSEWHERE, Place::default(), elsewhere.what)
            .fix(elsewhere.fix.then(ours::apply()))
    }));
    if let Some(access) = &asked.access {
        let cluster = request.cluster.leading_to(access);
        for finding in &mut findings {
            finding.fix = std::mem::take(&mut finding.fix).at_cluster(&cluster);
        }
    }
    let skipped = asked.skipped;
    let mut unserved = Vec::new();
    let is_told = |code: &str| skipped.iter().any(|skipped| skipped.code == code);
    if reached.target == Target::None && !is_told(codes::STATUS_NOT_SERVED.id) {
        unserved.extend(not_served(NO_GATEWAY));
    }
    Ok(Outcome {
        context: asked.context,
        rows,
        findings,
        skipped,
        unserved,
        failure: asked.failure.map(or_without),
    })
}

/// The hosts to report, with their modes.
fn hosts(wanted: &[Host], here: &Surroundings) -> Result<Vec<(HostEntry, Mode)>, Failure> {
    let config = intent::workspace(here).map_err(Failure::usage)?;
    let known = |entry: &HostEntry| (entry.clone(), config.mode_of(entry));
    if wanted.is_empty() {
        return Ok(config.hosts.iter().map(known).collect());
    }
    let hosts = wanted.iter().map(|host| match config.host(host) {
        Some(entry) => Ok(known(entry)),
        None => Err(Failure::usage(
            Problem::new(format!("{host} is not a host of the workspace")).fix(ours::gen_certs(host)),
        )),
    });
    hosts.collect()
}

/// The failure with the alternative that does not need the cluster.
fn or_without(mut failure: Failure) -> Failure {
    let local = "--local works without the cluster";
    let fix = failure.problem.fix.take();
    failure.problem.fix = Some(match fix {
        Some(fix) => fix.below("or ").and(local),
        None => Remedy::from(local).or("fix the problem above"),
    });
    failure
}
