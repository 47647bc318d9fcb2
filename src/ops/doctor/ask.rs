//! Queries pods, the gateway and DNS.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use crate::certs::inspect;
use crate::cluster::client::Client;
use crate::cluster::ingress::{self, Found, Wanted};
use crate::cluster::pods::{Forward, PodRef, exec, logs as pod_logs};
use crate::doctor::facts::{
    ADDRESSES_ASKED, End, Facts, Ingress, Log, Name, PROXY, Pod, Proxy, Refusal, Seen, Served, TlsServer, View,
};
use crate::doctor::{envoy, not_expected};
use crate::manifests::server_hosts::intersection;
use crate::ops::reach::connection::Connection;
use crate::ops::{Failure, Surroundings, cluster_ingress};
use crate::probe::codes::Code;
use crate::probe::destination::Destination;
use crate::probe::expectation::Place;
use crate::probe::run::{Outcome, Settings, run};
use crate::probe::target::{Target, Wishes, expectations};
use crate::probe::{dial, local};
use crate::problem::Problem;
use crate::remedy::{Kind, Remedy};

/// The port of Envoy's admin interface on a pod's loopback.
const ADMIN_PORT: u16 = 15000;
/// The limit for one answer of it, in bytes.
const ADMIN_LIMIT: usize = 32 << 20;
/// How many pods of a gateway are queried.
const PODS_ASKED: usize = 10;
/// How many are queried at once.
const AT_ONCE: usize = 4;
/// How many lines of a log are read.
const LOG_LINES: u32 = 1000;
/// How many hosts are checked at the gateway, and in DNS.
const HOSTS_ASKED: usize = 500;
/// How many hosts are probed at once.
const CONCURRENCY: usize = 64;

/// How to query.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking {
    /// The time limit for one answer.
    pub(super) patience: Duration,
    /// Whether the ingress address is connected to.
    pub(super) probe: bool,
}

/// What the proxies of the ready pods report, by port-forward or else by a command in the
/// pod.
pub(super) async fn proxies(client: &Client<'_>, pods: &[&Pod], asking: Asking, here: &Surroundings) -> Vec<Proxy> {
    let ready = pods
        .iter()
        .filter(|pod| pod.ready && pod.proxy().is_some())
        .take(PODS_ASKED);
    stream::iter(ready)
        .map(|pod| async move {
            let pod = reference(pod);
            let view = view(client, &pod, asking, here).await;
            Proxy {
                pod: pod.to_string(),
                view,
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

fn reference(pod: &Pod) -> PodRef {
    PodRef {
        namespace: pod.namespace.clone(),
        name: pod.name.clone(),
    }
}

async fn view(client: &Client<'_>, pod: &PodRef, asking: Asking, here: &Surroundings) -> Seen<View> {
    let by_forward = match within(asking, by_forward(client, pod, asking)).await {
        Ok(answers) => match read(&answers, here) {
            Ok(view) => return Ok(view),
            Err(reason) => reason,
        },
        Err(reason) => reason,
    };
    match within(asking, by_command(client, pod)).await {
        Ok(answers) => read(&answers, here),
        Err(reason) if reason == by_forward => Err(reason),
        Err(reason) => Err(format!("{by_forward}; {reason}")),
    }
}

fn read(answers: &[Vec<u8>; 3], here: &Surroundings) -> Seen<View> {
    envoy::view(answers.each_ref().map(Vec::as_slice), here.now)
}

/// An answer in time, or why there is none.
async fn within<T>(asking: Asking, question: impl Future<Output = Result<T, Problem>>) -> Seen<T> {
    // Two queries and a connection may follow each other.
    match tokio::time::timeout(asking.patience * 2, question).await {
        Ok(answer) => answer.map_err(|problem| match problem.why {
            // A missing permission needs no further explanation.
            Some(why) if !lacks_a_right(problem.fix.as_ref()) => {
                format!("{} ({})", problem.what, why.replace('\n', "; "))
            }
            _ => problem.what,
        }),
        Err(_) => Err(format!("no answer within {} s", (asking.patience * 2).as_secs())),
    }
}

/// Whether the user lacks a permission: the remedy asks for it.
fn lacks_a_right(fix: Option<&Remedy>) -> bool {
    fix.is_some_and(|fix| fix.lines().any(|line| line.kind == Kind::KubectlAuthCanI))
}

async fn by_forward(client: &Client<'_>, pod: &PodRef, asking: Asking) -> Result<[Vec<u8>; 3], Problem> {
    let forward = Forward::open(client, pod, ADMIN_PORT).await?;
    let mut answers = [const { Vec::new() }; 3];
    for (answer, path) in answers.iter_mut().zip(envoy::PATHS) {
        let path = format!("/{path}");
        let Some(body) = local::get(forward.address(), &path, ADMIN_LIMIT, asking.patience).await else {
            let silent = || {
                Problem::new(format!(
                    "the proxy of the pod {pod} does not answer on port {ADMIN_PORT}"
                ))
            };
            return Err(forward.trouble().unwrap_or_else(silent));
        };
        *answer = body;
    }
    Ok(answers)
}

async fn by_command(client: &Client<'_>, pod: &PodRef) -> Result<[Vec<u8>; 3], Problem> {
    let mut answers = [const { Vec::new() }; 3];
    for (place, (answer, path)) in answers.iter_mut().zip(envoy::PATHS).enumerate() {
        let asked = exec(client, pod, PROXY, &["pilot-agent", "request", "GET", path]).await;
        *answer = match asked {
            Ok(output) => output,
            // Envoy does not know such a section of its configuration while it is empty.
            Err(_) if place > 0 => Vec::new(),
            Err(problem) => return Err(problem),
        };
    }
    Ok(answers)
}

/// The last lines of the pods' logs.
pub(super) async fn logs(client: &Client<'_>, pods: &[&Pod], asking: Asking) -> Vec<Log> {
    let gateways = pods.iter().filter(|pod| pod.proxy().is_some()).take(PODS_ASKED);
    stream::iter(gateways)
        .map(|pod| async move {
            let pod = reference(pod);
            let log = within(asking, pod_logs(client, &pod, PROXY, LOG_LINES)).await;
            Log {
                pod: pod.to_string(),
                lines: log.map(|text| text.lines().map(str::to_owned).collect()),
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// What the gateway serves for each host: at its address or, without one, through a
/// port-forward to one of its pods.
///
/// # Errors
/// If the workspace's files cannot be read.
pub(super) async fn served(
    facts: &Facts,
    client: &Client<'_>,
    found: &Found,
    wanted: &Wanted,
    asking: Asking,
    here: &Surroundings,
) -> Result<Seen<Vec<Served>>, Failure> {
    if !asking.probe {
        return Ok(Err("the gateway was not probed: --no-probe".to_owned()));
    }
    let hosts: Vec<String> = hosts_of(facts)
        .into_iter()
        .filter(|host| !host.starts_with('*'))
        .collect();
    if hosts.is_empty() {
        return Ok(Err(
            "the gateway was not probed: no host is known by its full name".to_owned()
        ));
    }
    if let Ok(ingress) = &facts.ingress {
        let addresses: Vec<&String> = ingress.hosts().take(ADDRESSES_ASKED).collect();
        let mut served = Vec::new();
        for (place, address) in addresses.iter().enumerate() {
            // Other addresses lead to the same gateway, so one is enough.
            let most = if place == 0 {
                HOSTS_ASKED
            } else {
                HOSTS_ASKED / addresses.len()
            };
            let hosts = &hosts[..hosts.len().min(most)];
            for (port, hosts) in by_port(facts, hosts, found, wanted) {
                let target = Target::Address {
                    host: (*address).clone(),
                    port: port.unwrap_or(ingress.port),
                    plain_port: None,
                    place: Place::Cluster,
                };
                served.extend(dialled(&hosts, &target, address, asking, here).await?);
            }
        }
        return Ok(Ok(served));
    }
    let reached = within(asking, cluster_ingress::reach_found(client, found, wanted)).await;
    let (reached, _) = match reached {
        Ok(reached) => reached,
        // Then it is not known whether there is a Service.
        Err(_) if facts.services.is_err() => {
            let reason = facts.services.as_ref().err().map(String::as_str).unwrap_or_default();
            return Ok(Err(format!("the gateway was not probed: {reason}")));
        }
        Err(reason) => return Ok(Err(format!("the gateway was not probed: {reason}"))),
    };
    let mut served = dialled(&hosts, &reached.target, "", asking, here).await?;
    if let Some(problem) = reached.trouble() {
        return Ok(Err(format!("the gateway was not probed: {}", problem.what)));
    }
    for one in &mut served {
        "a port-forward to the gateway's pod".clone_into(&mut one.target);
    }
    Ok(Ok(served))
}

/// The hosts by the external port that leads to their servers; none for hosts without a
/// server.
fn by_port(facts: &Facts, hosts: &[String], found: &Found, wanted: &Wanted) -> BTreeMap<Option<u16>, Vec<String>> {
    let servers = facts.tls_servers();
    let outside: BTreeMap<u32, Option<u16>> = servers
        .iter()
        .map(|server| server.server.port.number)
        .map(|number| {
            let ingress = ingress::choose_for(found, wanted, Some(number));
            (number, ingress.ok().map(|ingress| ingress.secure_port))
        })
        .collect();
    let mut all: BTreeMap<Option<u16>, Vec<String>> = BTreeMap::new();
    for host in hosts {
        let covers = |server: &&TlsServer<'_>| server.hosts.iter().any(|known| intersection(known, host).is_some());
        let covering = servers.iter().filter(covers);
        // The most specific of several servers, as the gateway chooses.
        let server = covering.max_by_key(|server| server.hosts.iter().any(|known| known == host));
        let port = server.and_then(|server| outside.get(&server.server.port.number).copied().flatten());
        all.entry(port).or_default().push(host.clone());
    }
    all
}

async fn dialled(
    hosts: &[String],
    target: &Target,
    address: &str,
    asking: Asking,
    here: &Surroundings,
) -> Result<Vec<Served>, Failure> {
    let hosts = hosts.iter().map(|host| Destination::parse(host));
    let hosts = hosts.collect::<Result<Vec<_>, _>>().map_err(Failure::usage)?;
    let mut probed = Connection::default().hosts(&hosts, false, here)?;
    for host in &mut probed {
        // The leaf can be seen even without the client's key pair.
        host.client = host.client.take().filter(Result::is_ok);
    }
    let checks = expectations(&probed, &Wishes::default(), target);
    let settings = Settings {
        patience: asking.patience,
        wait: Duration::ZERO,
        concurrency: CONCURRENCY,
        now: here.now,
    };
    let outcomes = run(checks, settings).await;
    let served = outcomes.into_iter().map(|outcome| one(outcome, address, here));
    Ok(served.collect())
}

fn one(outcome: Outcome, address: &str, here: &Surroundings) -> Served {
    let leaf = outcome.facts.tls.as_ref().and_then(|tls| tls.chain.first());
    let leaf = leaf.and_then(|der| inspect::certificate(&der.as_slice().into(), here.now).ok());
    let verdict = outcome.verdict;
    let is_unconnected = outcome.facts.tls.is_none();
    let end = match verdict.code {
        Code::NameNotResolved | Code::Unreachable | Code::Timeout if is_unconnected => End::Unreachable,
        Code::ConnectionRefused => End::Refused,
        Code::ResetAfterClientHello | Code::ClosedAfterClientHello => End::Silent,
        _ => End::Told,
    };
    Served {
        host: outcome.host,
        address: address.to_owned(),
        target: outcome.target,
        outcome: leaf.ok_or_else(|| Refusal {
            end,
            what: verdict.summary.clone(),
            fix: verdict.fix.clone().unwrap_or_default(),
        }),
    }
}

/// The hosts that were given, otherwise those of the Gateways.
fn hosts_of(facts: &Facts) -> Vec<String> {
    let mut hosts = facts.hosts.clone();
    if hosts.is_empty() {
        hosts = facts
            .tls_servers()
            .into_iter()
            .flat_map(|server| server.hosts)
            .collect();
        hosts.sort();
        hosts.dedup();
    }
    hosts.truncate(HOSTS_ASKED);
    hosts
}

/// What DNS has for each host, and for the ingress.
pub(super) async fn dns(facts: &Facts, asking: Asking) -> Vec<Name> {
    let mut ingress = Vec::new();
    for host in facts.ingress.iter().flat_map(Ingress::hosts).take(ADDRESSES_ASKED) {
        ingress.extend(addresses(host, asking).await.unwrap_or_default());
    }
    let hosts = hosts_of(facts);
    stream::iter(hosts)
        .map(|host| {
            let ingress = ingress.clone();
            async move {
                let addresses = match not_expected(&host) {
                    Some(reason) => Err(reason.to_owned()),
                    None => addresses(&host, asking).await,
                };
                Name {
                    host,
                    addresses,
                    ingress,
                }
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// The addresses of a name; empty if it has none.
async fn addresses(name: &str, asking: Asking) -> Seen<Vec<IpAddr>> {
    if let Ok(address) = name.parse() {
        return Ok(vec![address]);
    }
    let found = dial::resolve(name, 443, asking.patience).await;
    match found.error {
        Some(error) if found.is_unanswered => Err(error),
        _ => Ok(found.addresses),
    }
}
