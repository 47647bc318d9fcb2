//! Gathers everything that is examined.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ask::{self, Asking};
use super::groups::{self, Group};
use super::material::{self, Around};
use super::objects::{self, LiveGateway};
use super::scope::Scope;
use super::world;
use crate::cluster::client::Client;
use crate::cluster::gather::{Seen, get, istio_kinds, list, may_use_secrets, query, resource};
use crate::cluster::ingress::{self, Found, Wanted};
use crate::cluster::resources::Resource;
use crate::doctor::facts::{Account, Chainless, Complaint, Facts, Ingress, Needs, Pod};
use crate::doctor::read;
use crate::lint::Report;
use crate::manifests::model::{Deployment, Gateway, Service};
use crate::manifests::server_hosts::intersection;
use crate::ops::{Failure, Surroundings};
use crate::problem::Problem;

/// Where Istio's control plane is installed.
const ISTIO_SYSTEM: &str = "istio-system";
/// The permissions of Istio's service accounts on Secrets.
const VERBS: [&str; 3] = ["get", "watch", "list"];

/// How many gateways are examined.
const GATEWAYS_EXAMINED: usize = 32;

/// Facts that are gathered once for all gateways.
struct Shared {
    kinds: Vec<Resource>,
    istiod: Seen<Vec<Value>>,
    /// Why there may be more Gateways.
    unseen_gateways: Option<String>,
    /// Why there are no Gateways of Istio.
    gateways: Seen<()>,
    /// A namespace was given for the pods, but there are none in it.
    is_elsewhere: bool,
}

/// Queries the cluster, its pods, the gateways and DNS; each gateway separately.
///
/// # Errors
/// If the API server cannot be reached: exit 3.
pub(super) async fn facts(
    scope: &Scope,
    client: &Client<'_>,
    asking: Asking,
    here: &Surroundings,
) -> Result<Vec<Facts>, Failure> {
    let (shared, groups) = groups(scope, client, here).await.map_err(Failure::runtime)?;
    let mut all = Vec::new();
    for (place, group) in groups.iter().enumerate().take(GATEWAYS_EXAMINED) {
        let hosts = hosts_of(scope, &groups, place);
        let asked = of_group(scope, client, &shared, group, place == 0, hosts, here).await;
        let (mut facts, found, wanted) = asked.map_err(Failure::runtime)?;
        let pods: Vec<Pod> = facts.gateway_pods().into_iter().cloned().collect();
        let pods: Vec<&Pod> = pods.iter().collect();
        facts.proxies = ask::proxies(client, &pods, asking, here).await;
        facts.logs = ask::logs(client, &pods, asking).await;
        facts.served = ask::served(&facts, client, &found, &wanted, asking, here).await?;
        facts.dns = ask::dns(&facts, asking).await;
        all.push(facts);
    }
    together(scope, groups.len(), &mut all);
    Ok(all)
}

/// The hosts that belong to a gateway: those that it has a server for; hosts without any
/// server belong to the first gateway.
fn hosts_of(scope: &Scope, groups: &[Group], place: usize) -> Vec<String> {
    let matters = |group: &Group, host: &String| {
        let one = std::slice::from_ref(host);
        group.gateways.iter().any(|live| objects::has_host(&live.gateway, one))
    };
    let hosts = scope.hosts.iter().filter(|host| {
        matters(&groups[place], host) || (place == 0 && !groups.iter().any(|group| matters(group, host)))
    });
    hosts.cloned().collect()
}

/// What is known about each gateway only after all have been examined.
fn together(scope: &Scope, groups: usize, all: &mut [Facts]) {
    let covers = |facts: &Facts, host: &str| {
        let servers = facts.tls_servers();
        let mut known = servers.iter().flat_map(|server| &server.hosts);
        known.any(|known| intersection(known, host) == Some(host))
    };
    let covered: Vec<BTreeSet<String>> = all
        .iter()
        .map(|facts| scope.hosts.iter().filter(|host| covers(facts, host)).cloned().collect())
        .collect();
    let secret_of = |host: &str| {
        let mut certificates = all.iter().flat_map(|facts| &facts.certificates);
        let found =
            certificates.find(|one| matches!(one.leaf, Ok(Some(_))) && one.hosts.iter().any(|known| known == host));
        found.map(|one| one.secret.clone())
    };
    let chainless: Vec<Chainless> = scope
        .chainless
        .iter()
        .map(|without| Chainless {
            host: without.host.clone(),
            matters: scope.hosts.contains(&without.host),
            problem: without.problem.clone(),
            has_folder: without.has_folder,
            secret: secret_of(&without.host),
        })
        .collect();
    for (place, facts) in all.iter_mut().enumerate() {
        let others = covered.iter().enumerate().filter(|(other, _)| *other != place);
        facts.covered = others.flat_map(|(_, hosts)| hosts.iter().cloned()).collect();
        facts.chainless.clone_from(&chainless);
        if groups > GATEWAYS_EXAMINED {
            facts.linted.skipped.push(crate::lint::Skipped {
                code: crate::lint::codes::CREDENTIAL_MISSING.id,
                reason: format!(
                    "{GATEWAYS_EXAMINED} of {groups} gateways were examined: give a HOST, or a namespace with -n"
                ),
            });
        }
    }
}

/// The gateways, and the facts that concern all of them.
async fn groups(scope: &Scope, client: &Client<'_>, here: &Surroundings) -> Result<(Shared, Vec<Group>), Problem> {
    let kinds = istio_kinds(client).await?;
    let configured = Some(scope.gateway.pod_namespace.as_str());
    let own_pods = list(client, &resource("v1", "Pod", "pods"), configured, "").await?;
    let (gateways, unseen) = match kinds.iter().find(|kind| kind.kind == "Gateway") {
        Some(kind) => objects::gateways(client, kind, scope, &own_pods).await?,
        None => (Ok(Vec::new()), None),
    };
    let (of_api, unseen_of_api) = groups::of_api(client, scope).await?;
    let istiod = query("labelSelector", &[("app", "istiod")]);
    let istiod = match objects::everywhere(client, &resource("v1", "Pod", "pods"), &[ISTIO_SYSTEM], &istiod).await? {
        // It may be in a namespace that the user cannot see.
        (Ok(pods), Some(unseen)) if pods.is_empty() => Err(unseen),
        (pods, _) => pods,
    };
    let seen = gateways.as_ref().map(|_| ()).map_err(Clone::clone);
    let gateways = gateways.unwrap_or_default();
    let mut all = Vec::new();
    if !gateways.is_empty() || of_api.is_empty() {
        all = groups::of_istio(client, own_pods, gateways, scope).await?;
    }
    let is_named = scope.config.is_some() || here.gateway_namespace.is_some();
    let is_there = |group: &Group| group.namespace == scope.gateway.pod_namespace && group.has_pods(scope);
    let shared = Shared {
        istiod,
        unseen_gateways: unseen.or(unseen_of_api),
        gateways: if of_api.is_empty() { seen } else { Ok(()) },
        is_elsewhere: is_named && !all.iter().any(is_there),
        kinds,
    };
    all.extend(of_api);
    Ok((shared, all))
}

/// What the API server itself knows about a gateway.
async fn of_group(
    scope: &Scope,
    client: &Client<'_>,
    shared: &Shared,
    group: &Group,
    is_first: bool,
    hosts: Vec<String>,
    here: &Surroundings,
) -> Result<(Facts, Found, Wanted), Problem> {
    let kinds = &shared.kinds;
    let live = group.gateways.as_slice();
    let namespace = group.namespace.as_str();
    let own = Some(namespace);
    let services = list(client, &resource("v1", "Service", "services"), own, "").await?;
    let deployments = list(client, &resource("apps/v1", "Deployment", "deployments"), own, "").await?;
    let slices = resource("discovery.k8s.io/v1", "EndpointSlice", "endpointslices");
    let endpoints = list(client, &slices, own, "").await?;
    let routes = kinds.iter().find(|kind| kind.kind == "VirtualService");
    let routes = routes.filter(|_| is_first && group.of_api.is_none());
    let complaints = complaints(client, routes, live, scope).await?;
    let gateways: Vec<Gateway> = live.iter().map(|live| live.gateway.clone()).collect();
    let (found, wanted) = ingress_facts(client, scope, group, &services).await?;
    let read_pods = |values: &Seen<Vec<Value>>| {
        let values = values.as_ref().map_err(Clone::clone)?;
        Ok(values.iter().map(read::pod).collect::<Vec<Pod>>())
    };
    let replicas = deployments.iter().flatten().map(|value| {
        let name = value["metadata"]["name"].as_str().unwrap_or_default();
        (name.to_owned(), value["spec"]["replicas"].as_u64().unwrap_or(1))
    });
    let mut facts = Facts {
        now: here.now,
        hosts,
        covered: BTreeSet::new(),
        chainless: Vec::new(),
        pod_namespace: scope.gateway.pod_namespace.clone(),
        is_elsewhere: shared.is_elsewhere,
        selector: scope.gateway.selector.clone(),
        found_namespace: group.namespace.clone(),
        secret_namespace: match group.of_api {
            Some(_) => scope.gateway.pod_namespace.clone(),
            None => group.namespace.clone(),
        },
        of_api: group.of_api.clone(),
        own_secrets: (scope.secrets.keys())
            .map(|name| (name.clone(), Needs::Nothing))
            .collect(),
        own_hosts: scope.own_hosts(),
        workspace: scope.config.is_some(),
        flags: client.access.flags.clone(),
        kinds: Ok(!kinds.is_empty()),
        istiod: read_pods(&shared.istiod),
        gateways: shared.gateways.clone().map(|()| gateways),
        unseen_gateways: shared.unseen_gateways.clone(),
        complaints,
        pods: read_pods(&group.pods),
        unseen_pods: group.unseen_pods.clone(),
        replicas: replicas.collect(),
        deployments: deployments
            .as_deref()
            .map(world::typed::<Deployment>)
            .map_err(Clone::clone),
        secrets: BTreeMap::new(),
        services: services.as_deref().map(world::typed::<Service>).map_err(Clone::clone),
        endpoints: endpoints.as_deref().map(read::endpoints).map_err(Clone::clone),
        ingress: Err(Problem::new("not searched yet")),
        linted: Report::default(),
        after_apply: Report::default(),
        accounts: Vec::new(),
        certificates: Vec::new(),
        proxies: Vec::new(),
        served: Err(String::new()),
        logs: Vec::new(),
        dns: Vec::new(),
    };
    facts.ingress = match &services {
        Ok(_) => ingress::choose_for(&found, &wanted, main_port(&facts)).map(Ingress::from),
        Err(reason) => Err(Problem::new(reason)),
    };
    // In the Gateway API the ReferenceGrant counts, not the account's permissions.
    let roles = match group.of_api {
        Some(_) => Vec::new(),
        None => accounts(client, &mut facts).await?,
    };
    let around = Around {
        group,
        deployments: deployments.as_deref().unwrap_or_default(),
        roles: &roles,
    };
    material::read(client, scope, &around, &mut facts, here).await?;
    Ok((facts, found, wanted))
}

impl From<ingress::Ingress> for Ingress {
    fn from(ingress: ingress::Ingress) -> Self {
        Self {
            host: ingress.host,
            others: ingress.others.into_iter().map(|other| other.host).collect(),
            port: ingress.secure_port,
            source: ingress.source,
            pending: ingress.pending,
        }
    }
}

/// The Gateway port at which the gateway is probed: the HTTPS port, if any server has
/// one.
fn main_port(facts: &Facts) -> Option<u32> {
    const HTTPS: u32 = 443;
    let servers = facts.tls_servers();
    let mut numbers = servers.iter().map(|server| server.server.port.number);
    numbers
        .clone()
        .find(|number| *number == HTTPS)
        .or_else(|| numbers.next())
}

/// Problems in the status of Gateways and of the hosts' `VirtualServices`.
async fn complaints(
    client: &Client<'_>,
    routes: Option<&Resource>,
    gateways: &[LiveGateway],
    scope: &Scope,
) -> Result<Vec<Complaint>, Problem> {
    let mut found: Vec<Complaint> = gateways.iter().flat_map(|live| read::complaints(&live.value)).collect();
    let Some(kind) = routes.filter(|_| !gateways.is_empty()) else {
        return Ok(found);
    };
    // Without permission to list them, their status is omitted.
    let (routes, _) = objects::everywhere(client, kind, &[&scope.gateway.namespace], "").await?;
    let matters = |route: &Value| {
        let hosts = route["spec"]["hosts"].as_array().into_iter().flatten();
        let mut hosts = hosts.filter_map(Value::as_str);
        let bound = route["spec"]["gateways"]
            .as_array()
            .is_some_and(|gateways| !gateways.is_empty());
        bound
            && hosts.any(|host| {
                scope.hosts.is_empty() || scope.hosts.iter().any(|wanted| intersection(host, wanted).is_some())
            })
    };
    let routes = routes.unwrap_or_default();
    found.extend(routes.iter().filter(|route| matters(route)).flat_map(read::complaints));
    Ok(found)
}

/// What shows the address of the gateway, as for `probe --target cluster`.
async fn ingress_facts(
    client: &Client<'_>,
    scope: &Scope,
    group: &Group,
    services: &Seen<Vec<Value>>,
) -> Result<(Found, Wanted), Problem> {
    let selector = group.selector(scope);
    let values = group.pods.as_deref().unwrap_or_default();
    let selected = |value: &&Value| {
        let pod = read::pod(value);
        pod.namespace == group.namespace && pod.is_selected(selector)
    };
    let nodes = Resource {
        namespaced: false,
        ..resource("v1", "Node", "nodes")
    };
    let nodes = list(client, &nodes, None, "").await?;
    let first = group.gateways.first().filter(|_| group.of_api.is_some());
    let of_api = if let Some(live) = first {
        Some(live.value.clone())
    } else {
        let kind = resource("gateway.networking.k8s.io/v1", "Gateway", "gateways");
        let found = get(client, &kind, Some(&scope.gateway.namespace), &scope.gateway.name).await?;
        found.ok().flatten()
    };
    let found = Found {
        services: services.as_deref().unwrap_or_default().to_vec(),
        pods: values.iter().filter(selected).cloned().collect(),
        nodes: nodes.ok(),
        gateway: of_api,
    };
    let named = first.map(|live| &live.gateway.metadata);
    let wanted = Wanted {
        pod_namespace: group.namespace.clone(),
        selector: selector.clone(),
        namespace: named
            .map_or(&scope.gateway.namespace[..], |named| named.namespace_or("default"))
            .to_owned(),
        name: named.map_or(&scope.gateway.name, |named| &named.name).clone(),
    };
    Ok((found, wanted))
}

/// The permissions of the pods' service accounts; if the user may not query them, the
/// Roles that grant them.
async fn accounts(client: &Client<'_>, facts: &mut Facts) -> Result<Vec<Value>, Problem> {
    let accounts: BTreeSet<(String, String)> = facts
        .gateway_pods()
        .into_iter()
        .filter(|pod| pod.proxy().is_some())
        .map(|pod| (pod.namespace.clone(), pod.account.clone()))
        .collect();
    for (namespace, name) in accounts {
        let mut verbs = Ok(BTreeSet::new());
        for verb in VERBS {
            match may_use_secrets(client, &namespace, &name, verb).await? {
                Ok(true) => drop(verbs.as_mut().map(|verbs| verbs.insert(verb))),
                Ok(false) => {}
                Err(reason) => {
                    verbs = Err(reason);
                    break;
                }
            }
        }
        facts.accounts.push(Account { namespace, name, verbs });
    }
    if facts.accounts.iter().all(|account| account.verbs.is_ok()) {
        return Ok(Vec::new());
    }
    // Lint reads Roles for the accounts of Deployments.
    let labels = |deployment: &Deployment| deployment.spec.template.metadata.labels.clone();
    let deployments = facts.deployments.as_deref().unwrap_or_default().iter();
    let selectors = facts.selectors();
    let mut own = deployments.map(labels).filter(|labels| {
        let has = |(name, value): (&String, &String)| labels.get(name) == Some(value);
        selectors
            .iter()
            .any(|(_, selector)| !selector.is_empty() && selector.iter().all(has))
    });
    if own.next().is_none() {
        return Ok(Vec::new());
    }
    let roles = objects::roles(client, &facts.found_namespace).await?;
    Ok(match roles {
        Ok(roles) => {
            facts.accounts.clear();
            roles
        }
        Err(_) => Vec::new(),
    })
}
