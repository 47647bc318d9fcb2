//! The last step of `apply`: whether the gateway serves the certificates that were
//! applied, observed from here by the serial number of each host's leaf.

use std::time::{Duration, Instant};

use super::input::Input;
use super::outcome::Served;
use crate::cluster::client::Client;
use crate::cluster::ingress::Wanted;
use crate::cluster::kubeconfig::Access;
use crate::ops::cluster_ingress::{self, Reached};
use crate::ops::reach::connection::Connection;
use crate::ops::{Failure, Surroundings, pem_files};
use crate::probe::run::{Outcome, Settings, run};
use crate::probe::served::describe;
use crate::probe::target::{ProbedHost, Wishes, expectations};
use crate::problem::Problem;
use crate::remedy::{Kind, Line, Remedy};
use crate::workspace::layout::{ChainLayout, Part};

/// The pause between two checks of the gateway.
const PAUSE: Duration = Duration::from_millis(250);
/// The limit for one phase of a check.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many hosts are probed at once.
const CONCURRENCY: usize = 64;

/// What was observed.
pub(super) enum Seen {
    /// Every host's certificate.
    Served(Vec<Served>),
    /// Nothing, because the gateway cannot be probed: why.
    NotChecked(String),
}

/// A host that is probed until its leaf is served.
struct Awaited {
    host: ProbedHost,
    serial: String,
}

/// Probes until the gateway serves each host of the workspace with the leaf of its chain,
/// or `wait` is over.
///
/// # Errors
/// If the gateway answers but serves something else: exit 1.
pub(super) async fn prove(
    input: &Input,
    client: &Client<'_>,
    wait: Duration,
    here: &Surroundings,
) -> Result<Seen, Failure> {
    let Some(workspace) = &input.workspace else {
        return Ok(Seen::NotChecked(
            "there is no workspace that names the hosts".to_owned(),
        ));
    };
    let wanted = cluster_ingress::wanted(workspace.wanted.gateway.clone(), here);
    let (reached, told) = match cluster_ingress::reach_with(client, &wanted).await {
        Ok(reached) => reached,
        Err(problem) => return Ok(Seen::NotChecked(problem.what)),
    };
    let mut awaited = Vec::new();
    for mut host in Connection::default().hosts(&[], false, here)? {
        let path = ChainLayout::new(&here.dir, &host.host).path(Part::ServerCert);
        // The content of a Secret that was created elsewhere is not known here.
        let is_keyless = input.keyless.iter().any(|one| one.host == host.host);
        if is_keyless || !path.is_file() {
            continue;
        }
        let leaf = pem_files::certificates(&path)?.into_iter().next();
        let Some(leaf) = leaf.and_then(|leaf| describe(&leaf, here.now)) else {
            continue;
        };
        // The leaf can be seen even without the client's key pair.
        host.client = host.client.filter(Result::is_ok);
        let serial = leaf.serial;
        awaited.push(Awaited { host, serial });
    }
    if awaited.is_empty() {
        return Ok(Seen::NotChecked(
            "no host has a certificate in the workspace".to_owned(),
        ));
    }
    here.say(&format!("waiting until the gateway serves it: {told}"));
    let gateway = Gateway {
        client,
        wanted,
        reached,
        told,
    };
    look(awaited, gateway, wait, here).await
}

/// Where the hosts are probed.
struct Gateway<'c> {
    client: &'c Client<'c>,
    wanted: Wanted,
    reached: Reached,
    told: String,
}

async fn look(
    mut awaited: Vec<Awaited>,
    mut gateway: Gateway<'_>,
    wait: Duration,
    here: &Surroundings,
) -> Result<Seen, Failure> {
    let start = Instant::now();
    let mut served = Vec::new();
    loop {
        let hosts: Vec<ProbedHost> = awaited.iter().map(|one| one.host.clone()).collect();
        let checks = expectations(&hosts, &Wishes::default(), &gateway.reached.target);
        let settings = Settings {
            patience: PATIENCE.min(wait.max(PAUSE)),
            wait: Duration::ZERO,
            concurrency: CONCURRENCY,
            now: here.now,
        };
        let mut missing = Vec::new();
        for (one, outcome) in awaited.into_iter().zip(run(checks, settings).await) {
            if serial(&outcome) != Some(one.serial.as_str()) {
                missing.push((one, outcome));
                continue;
            }
            here.say(&format!(
                "the gateway serves {} with serial {}",
                outcome.host, one.serial
            ));
            served.push(Served {
                host: outcome.host,
                target: outcome.target,
                serial: one.serial,
            });
        }
        if missing.is_empty() {
            return Ok(Seen::Served(served));
        }
        let trouble = gateway.reached.trouble();
        if start.elapsed() + PAUSE > wait {
            return match trouble {
                Some(problem) if served.is_empty() => Ok(Seen::NotChecked(problem.what)),
                _ => not_served(&missing, served.is_empty(), wait, &gateway.client.access),
            };
        }
        // A pod that is gone may have a successor by now.
        if trouble.is_some()
            && let Ok((next, told)) = cluster_ingress::reach_with(gateway.client, &gateway.wanted).await
        {
            if told != gateway.told {
                here.say(&told);
            }
            (gateway.reached, gateway.told) = (next, told);
        }
        awaited = missing.into_iter().map(|(one, _)| one).collect();
        tokio::time::sleep(PAUSE).await;
    }
}

/// The serial number of the leaf that was served.
fn serial(outcome: &Outcome) -> Option<&str> {
    outcome.chain.first().map(|leaf| leaf.serial.as_str())
}

/// A gateway that cannot be reached from here may serve it nevertheless.
fn not_served(
    missing: &[(Awaited, Outcome)],
    none_served: bool,
    wait: Duration,
    access: &Access,
) -> Result<Seen, Failure> {
    const SHOWN: usize = 20;
    if let Some((_, outcome)) = missing.first()
        && none_served
        && missing
            .iter()
            .all(|(_, outcome)| cluster_ingress::is_out_of_reach(outcome))
    {
        return Ok(Seen::NotChecked(outcome.verdict.summary.clone()));
    }
    let mut lines: Vec<String> = (missing.iter().take(SHOWN))
        .map(|(one, outcome)| match serial(outcome) {
            Some(serial) => format!(
                "{} at {}: expected serial {}, served {serial}",
                outcome.host, outcome.target, one.serial
            ),
            None => format!("{} at {}: {}", outcome.host, outcome.target, outcome.verdict.summary),
        })
        .collect();
    if missing.len() > SHOWN {
        lines.push(format!("and {} more", missing.len() - SHOWN));
    }
    Err(Failure::findings(
        access.aim(
            Problem::new(format!(
                "applied, but after {} s the gateway does not serve it",
                wait.as_secs()
            ))
            .why(lines.join("\n"))
            .fix(
                Remedy::from(Line::new(Kind::ProbeCluster, ["probe", "--target", "cluster"]).of_cluster())
                    .and(" shows details; use a longer --wait if it only needs more time; --no-wait skips the check"),
            ),
        ),
    ))
}
