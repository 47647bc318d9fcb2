//! Puts together everything that the examination looks at.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ask::{self, Asking};
use super::objects::{self, LiveGateway};
use super::scope::Scope;
use super::world;
use crate::cli::Failure;
use crate::cli::context::Context;
use crate::cluster::client::Client;
use crate::cluster::gather::{Seen, get, istio_kinds, list, may_use_secrets, query, resource};
use crate::cluster::ingress::{self, Found, Wanted};
use crate::cluster::resources::Resource;
use crate::doctor::facts::{Account, Complaint, Facts, Ingress, Pod, title};
use crate::doctor::read;
use crate::lint::Report;
use crate::manifests::model::{Deployment, Gateway, Service};
use crate::manifests::server_hosts::intersection;
use crate::problem::Problem;
use crate::sources::disk::DiskFiles;
use crate::workspace::config::{GatewayEntry, IstioTarget};

/// An examination.
pub(super) struct Examined {
    /// What was looked at.
    pub(super) facts: Facts,
    /// What was found.
    pub(super) report: Report,
}

/// Where Istio's control plane is installed.
const ISTIO_SYSTEM: &str = "istio-system";
/// What Istio's service accounts do with Secrets.
const VERBS: [&str; 3] = ["get", "watch", "list"];

/// Asks the cluster, its pods, the gateway and DNS.
///
/// # Errors
/// When the API server cannot be asked: exit 3.
pub(super) async fn facts(
    scope: &Scope,
    client: &Client<'_>,
    asking: Asking,
    context: &Context,
) -> Result<Facts, Failure> {
    let (mut facts, found, wanted) = of_cluster(scope, client, context).await.map_err(Failure::runtime)?;
    let pods: Vec<Pod> = facts.gateway_pods().into_iter().cloned().collect();
    let pods: Vec<&Pod> = pods.iter().collect();
    facts.proxies = ask::proxies(client, &pods, asking, context).await;
    facts.logs = ask::logs(client, &pods, asking).await;
    facts.served = ask::served(&facts, client, &found, &wanted, asking, context).await?;
    facts.dns = ask::dns(&facts, asking).await;
    Ok(facts)
}

/// What the API server itself tells.
async fn of_cluster(scope: &Scope, client: &Client<'_>, context: &Context) -> Result<(Facts, Found, Wanted), Problem> {
    let kinds = istio_kinds(client).await?;
    let kind = |name: &str| kinds.iter().find(|kind| kind.kind == name);
    let configured = Some(scope.gateway.pod_namespace.as_str());
    let own_pods = list(client, &resource("v1", "Pod", "pods"), configured, "").await?;
    let (gateways, unseen_gateways) = match kind("Gateway") {
        Some(kind) => objects::gateways(client, kind, scope, &own_pods).await?,
        None => (Ok(Vec::new()), None),
    };
    let live = gateways.as_deref().unwrap_or_default();
    let pods = objects::pods(client, own_pods, live, scope).await?;
    let namespace = pods.namespace.as_str();
    let here = Some(namespace);
    let services = list(client, &resource("v1", "Service", "services"), here, "").await?;
    let deployments = list(client, &resource("apps/v1", "Deployment", "deployments"), here, "").await?;
    let slices = resource("discovery.k8s.io/v1", "EndpointSlice", "endpointslices");
    let endpoints = list(client, &slices, here, "").await?;
    let istiod = query("labelSelector", &[("app", "istiod")]);
    let istiod = match objects::everywhere(client, &resource("v1", "Pod", "pods"), &[ISTIO_SYSTEM], &istiod).await? {
        // It may be in a namespace that the user does not see.
        (Ok(pods), Some(unseen)) if pods.is_empty() => Err(unseen),
        (pods, _) => pods,
    };
    let complaints = complaints(client, kind("VirtualService"), live, scope).await?;
    let (found, wanted) = ingress_facts(client, scope, live, &pods, &services).await?;
    let ingress = match &services {
        Ok(_) => ingress::choose(&found, &wanted).map(|ingress| Ingress {
            host: ingress.host,
            port: ingress.secure_port,
            source: ingress.source,
            pending: ingress.pending,
        }),
        Err(reason) => Err(Problem::new(reason)),
    };
    let gateways_read = gateways
        .as_ref()
        .map(|live| live.iter().map(|live| live.gateway.clone()).collect::<Vec<Gateway>>())
        .map_err(Clone::clone);
    let read_pods = |values: &Seen<Vec<Value>>| {
        let values = values.as_ref().map_err(Clone::clone)?;
        Ok(values.iter().map(read::pod).collect::<Vec<Pod>>())
    };
    let mut facts = Facts {
        now: context.now,
        hosts: scope.hosts.clone(),
        pod_namespace: scope.gateway.pod_namespace.clone(),
        selector: scope.gateway.selector.clone(),
        found_namespace: pods.namespace.clone(),
        own_secrets: scope.secrets.keys().map(|name| (name.clone(), "")).collect(),
        workspace: scope.config.is_some(),
        flags: client.access.flags.clone(),
        kinds: Ok(!kinds.is_empty()),
        istiod: read_pods(&istiod),
        gateways: gateways_read,
        unseen_gateways,
        complaints,
        pods: read_pods(&pods.values),
        unseen_pods: pods.unseen.clone(),
        deployments: deployments
            .as_deref()
            .map(world::typed::<Deployment>)
            .map_err(Clone::clone),
        secrets: BTreeMap::new(),
        services: services.as_deref().map(world::typed::<Service>).map_err(Clone::clone),
        endpoints: endpoints.as_deref().map(read::endpoints).map_err(Clone::clone),
        ingress,
        linted: Report::default(),
        after_apply: Report::default(),
        accounts: Vec::new(),
        certificates: Vec::new(),
        proxies: Vec::new(),
        served: Err(String::new()),
        logs: Vec::new(),
        dns: Vec::new(),
    };
    let roles = accounts(client, &mut facts).await?;
    let live_pods = pods.values.as_deref().unwrap_or_default();
    material(
        client,
        scope,
        live,
        live_pods,
        deployments.as_deref().unwrap_or_default(),
        &roles,
        &mut facts,
        context,
    )
    .await?;
    Ok((facts, found, wanted))
}

/// What the status of Gateways and of the hosts' `VirtualServices` complains of.
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
    // Without the right to list them, their status is left out.
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

/// What tells where the gateway is reached, as for `probe --target cluster`.
async fn ingress_facts(
    client: &Client<'_>,
    scope: &Scope,
    gateways: &[LiveGateway],
    pods: &objects::LivePods,
    services: &Seen<Vec<Value>>,
) -> Result<(Found, Wanted), Problem> {
    let selector = gateways
        .first()
        .map_or(&scope.gateway.selector, |live| &live.gateway.spec.selector);
    let values = pods.values.as_deref().unwrap_or_default();
    let selected = |value: &&Value| {
        let pod = read::pod(value);
        pod.namespace == pods.namespace && pod.is_selected(selector)
    };
    let nodes = Resource {
        namespaced: false,
        ..resource("v1", "Node", "nodes")
    };
    let nodes = list(client, &nodes, None, "").await?;
    let of_api = resource("gateway.networking.k8s.io/v1", "Gateway", "gateways");
    let of_api = get(client, &of_api, Some(&scope.gateway.namespace), &scope.gateway.name).await?;
    let found = Found {
        services: services.as_deref().unwrap_or_default().to_vec(),
        pods: values.iter().filter(selected).cloned().collect(),
        nodes: nodes.ok(),
        gateway: of_api.ok().flatten(),
    };
    let wanted = Wanted {
        pod_namespace: pods.namespace.clone(),
        selector: selector.clone(),
        namespace: scope.gateway.namespace.clone(),
        name: scope.gateway.name.clone(),
    };
    Ok((found, wanted))
}

/// What the pods' service accounts may do; where the user may not ask, the
/// Roles that tell it.
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
    // Lint reads Roles, for the accounts of Deployments.
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

/// Secrets, what lint says of them and of the Gateways, and which certificate
/// each server should serve.
#[expect(clippy::too_many_arguments, reason = "the parts of the cluster that belong together")]
async fn material(
    client: &Client<'_>,
    scope: &Scope,
    gateways: &[LiveGateway],
    pods: &[Value],
    deployments: &[Value],
    roles: &[Value],
    facts: &mut Facts,
    context: &Context,
) -> Result<(), Problem> {
    let namespace = facts.found_namespace.clone();
    let gateway = GatewayEntry {
        pod_namespace: namespace.clone(),
        ..scope.gateway.clone()
    };
    let own_pods: Vec<&Value> = pods
        .iter()
        .filter(|value| {
            let pod = read::pod(value);
            pod.proxy().is_some()
                && facts
                    .gateways()
                    .iter()
                    .any(|gateway| pod.is_selected(&gateway.spec.selector))
        })
        .collect();
    let own_deployments: Vec<&Value> = deployments
        .iter()
        .filter(|value| {
            let labels = read::labels(&value["spec"]["template"]["metadata"]["labels"]);
            let selects = |gateway: &Gateway| {
                let mut selector = gateway.spec.selector.iter();
                !labels.is_empty() && selector.all(|(name, value)| labels.get(name) == Some(value))
            };
            facts.gateways().iter().any(selects)
        })
        .collect();
    let servers = facts.tls_servers();
    let mut credentials: BTreeSet<String> = BTreeSet::new();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for server in &servers {
        credentials.extend(world::credentials(server, &namespace));
        names.extend(world::authorities(server, &namespace));
        names.extend(world::files(server).into_iter().filter_map(world::secret_by_custom));
    }
    names.extend(credentials.iter().cloned());
    let volumes = |value: &Value, path: &str| {
        let volumes = value.pointer(path).and_then(Value::as_array).into_iter().flatten();
        let named = volumes.filter_map(|volume| volume["secret"]["secretName"].as_str());
        named.map(str::to_owned).collect::<Vec<_>>()
    };
    names.extend(own_pods.iter().flat_map(|pod| volumes(pod, "/spec/volumes")));
    names.extend(
        own_deployments
            .iter()
            .flat_map(|one| volumes(one, "/spec/template/spec/volumes")),
    );
    let secrets = objects::secrets(client, &namespace, &names).await?;
    let mut values: Vec<Value> = secrets
        .values()
        .filter_map(|seen| seen.clone().ok().flatten())
        .collect();
    // Where people put it in place of the pods' namespace.
    let of_gateways = gateways
        .iter()
        .map(|live| live.gateway.metadata.namespace_or("default"));
    let mut elsewhere: BTreeSet<&str> = of_gateways.collect();
    elsewhere.extend([
        scope.gateway.pod_namespace.as_str(),
        client.access.namespace.as_str(),
        "default",
    ]);
    elsewhere.remove(namespace.as_str());
    for name in &credentials {
        if matches!(secrets.get(name), Some(Ok(None))) {
            values.extend(objects::secret_in(client, &elsewhere, name).await?);
        }
    }
    let denied: BTreeMap<&str, &String> = secrets
        .iter()
        .filter_map(|(name, seen)| Some((name.as_str(), seen.as_ref().err()?)))
        .collect();
    let around = gateways.iter().map(|live| &live.value);
    let around: Vec<&Value> = around.chain(own_pods).chain(own_deployments).chain(roles).collect();
    let all = around.iter().copied().chain(&values);
    let files = DiskFiles::default();
    let unread: Vec<&str> = denied.keys().copied().collect();
    let collected = world::collect(world::manifests(all), &unread, &gateway, &files);
    let target = scope.config.as_ref().map_or(IstioTarget::Latest, |config| config.istio);
    let mut linted = world::lint(&collected, target, true, context);
    for reason in denied.values().collect::<BTreeSet<_>>() {
        linted.skipped.push(crate::lint::Skipped {
            code: crate::lint::codes::CREDENTIAL_MISSING.id,
            reason: (*reason).clone(),
        });
    }
    // Findings of servers of other hosts than those asked for are left out.
    let wanted: BTreeSet<String> = servers
        .iter()
        .map(|server| format!("{} spec.servers[{}]", title(server.gateway), server.index))
        .collect();
    linted.findings.retain(|finding| {
        let (server, _) = finding.path.split_once(']').unwrap_or_default();
        !server.starts_with("spec.servers[") || wanted.contains(&format!("{} {server}]", finding.object))
    });
    let certificates = servers
        .iter()
        .flat_map(|server| {
            let denied = |name: &str| denied.get(name).map(|reason| (*reason).clone());
            world::certificates(server, &collected.store, &denied, context)
        })
        .collect();
    facts.linted = linted;
    // The same with the workspace's own Secrets in place: what `apply` would leave.
    let mut own = Vec::new();
    for (name, flag) in &mut facts.own_secrets {
        let (Some(seen), Some(secret)) = (secrets.get(name), scope.own_secret(name, &namespace)) else {
            continue;
        };
        *flag = scope.flag(&secret, seen.as_ref().ok().and_then(Option::as_ref));
        own.push(secret);
    }
    if !own.is_empty() {
        let named = |value: &&Value| {
            !own.iter()
                .any(|own| own["metadata"]["name"] == value["metadata"]["name"])
        };
        let all = around.iter().copied().chain(values.iter().filter(named)).chain(&own);
        let collected = world::collect(world::manifests(all), &[], &gateway, &files);
        facts.after_apply = world::lint(&collected, target, true, context);
    }
    facts.certificates = certificates;
    facts.secrets = secrets
        .into_iter()
        .map(|(name, seen)| (name, seen.map(|value| value.is_some())))
        .collect();
    Ok(())
}
