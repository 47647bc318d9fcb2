//! Which gateways there are: Istio Gateways grouped by the namespace of their pods, and
//! each Gateway of the Gateway API by itself, since istiod creates separate pods for it.
//! Each gateway is examined separately.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::objects::{LiveGateway, has_host};
use super::scope::Scope;
use crate::cluster::client::Client;
use crate::cluster::gather::{Seen, get, list, query, resource};
use crate::cluster::resources::{Resource, served};
use crate::doctor::facts::{Labels, OfApi, Pod};
use crate::doctor::{kube_gateways, read};
use crate::problem::Problem;

/// Gateways that are served by the same pods, or by pods in the same namespace.
pub(super) struct Group {
    /// The Gateways.
    pub(super) gateways: Vec<LiveGateway>,
    /// For a Gateway of the Gateway API: what is known about it.
    pub(super) of_api: Option<OfApi>,
    /// The pods of their namespace and of the workspace's, as the API server returned
    /// them.
    pub(super) pods: Seen<Vec<Value>>,
    /// The namespace of the gateway's pods.
    pub(super) namespace: String,
    /// Why other namespaces were not searched, if that was wanted.
    pub(super) unseen_pods: Option<String>,
    /// The ReferenceGrants in namespaces with Secrets that it refers to.
    pub(super) grants: Vec<Value>,
    /// Namespaces in which they may not be listed, and why.
    pub(super) unseen_grants: BTreeMap<String, String>,
}

impl Group {
    fn of_istio(gateways: Vec<LiveGateway>, pods: Seen<Vec<Value>>, namespace: &str) -> Self {
        Self {
            gateways,
            of_api: None,
            pods,
            namespace: namespace.to_owned(),
            unseen_pods: None,
            grants: Vec::new(),
            unseen_grants: BTreeMap::new(),
        }
    }

    /// Whether any of its Gateways has pods; assumed if they may not be listed.
    pub(super) fn has_pods(&self, scope: &Scope) -> bool {
        let Ok(pods) = &self.pods else { return true };
        let mut selectors = self.gateways.iter().map(|live| &live.gateway.spec.selector);
        is_there(pods, self.selector(scope)) || selectors.any(|selector| is_there(pods, selector))
    }

    /// The selector of its pods: the first Gateway's, otherwise the workspace's.
    pub(super) fn selector<'g>(&'g self, scope: &'g Scope) -> &'g Labels {
        let first = self.gateways.first();
        first.map_or(&scope.gateway.selector, |live| &live.gateway.spec.selector)
    }
}

fn is_there(values: &[Value], selector: &Labels) -> bool {
    let mut pods = values.iter().map(read::pod);
    pods.any(|pod| !pod.ending && pod.is_selected(selector))
}

/// Istio's Gateways by the namespace of their pods: the workspace's or, if a selector
/// matches none there, the one in which it does. There is always at least one group.
///
/// # Errors
/// If the server cannot be reached.
pub(super) async fn of_istio(
    client: &Client<'_>,
    own: Seen<Vec<Value>>,
    gateways: Vec<LiveGateway>,
    scope: &Scope,
) -> Result<Vec<Group>, Problem> {
    let usual = scope.gateway.pod_namespace.as_str();
    let own = match own {
        Ok(values) => values,
        Err(reason) => return Ok(vec![Group::of_istio(gateways, Err(reason), usual)]),
    };
    let mut selectors: BTreeSet<Labels> = gateways.iter().map(|live| live.gateway.spec.selector.clone()).collect();
    if selectors.is_empty() {
        selectors.insert(scope.gateway.selector.clone());
    }
    let mut places: BTreeMap<Labels, String> = BTreeMap::new();
    let mut elsewhere: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut unseen = None;
    for selector in selectors {
        let mut place = usual.to_owned();
        if !selector.is_empty() && !is_there(&own, &selector) {
            match by_labels(client, &selector).await? {
                Ok(values) => {
                    let mut others = values.into_iter().filter(|value| {
                        let pod: Pod = read::pod(value);
                        pod.namespace != usual && pod.proxy().is_some()
                    });
                    if let Some(first) = others.next() {
                        place = read::pod(&first).namespace;
                        let here =
                            others.filter(|value| value["metadata"]["namespace"] == first["metadata"]["namespace"]);
                        let mut here: Vec<Value> = here.collect();
                        here.insert(0, first);
                        elsewhere.entry(place.clone()).or_default().extend(here);
                    }
                }
                Err(reason) => unseen = Some(reason),
            }
        }
        places.insert(selector, place);
    }
    let mut groups: BTreeMap<(bool, String), Vec<LiveGateway>> = BTreeMap::new();
    for live in gateways {
        let place = places.get(&live.gateway.spec.selector).cloned().unwrap_or_default();
        groups.entry((place != usual, place)).or_default().push(live);
    }
    if groups.is_empty() {
        let place = places.into_values().next().unwrap_or_else(|| usual.to_owned());
        groups.insert((false, place), Vec::new());
    }
    Ok(groups
        .into_iter()
        .map(|((_, namespace), gateways)| {
            let mut pods = own.clone();
            pods.extend(elsewhere.remove(&namespace).unwrap_or_default());
            Group {
                unseen_pods: unseen.clone(),
                ..Group::of_istio(gateways, Ok(pods), &namespace)
            }
        })
        .collect())
}

async fn by_labels(client: &Client<'_>, selector: &Labels) -> Result<Seen<Vec<Value>>, Problem> {
    let pairs: Vec<(&str, &str)> = selector
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let kind = resource("v1", "Pod", "pods");
    list(client, &kind, None, &query("labelSelector", &pairs)).await
}

/// Gateways of the Gateway API that belong to Istio or to no controller, and have a
/// listener for a relevant host: with a workspace, those in its two namespaces. The
/// second value is why there may be more.
///
/// # Errors
/// If the server cannot be reached.
pub(super) async fn of_api(client: &Client<'_>, scope: &Scope) -> Result<(Vec<Group>, Option<String>), Problem> {
    let kinds = served(client, "gateway.networking.k8s.io/v1").await?;
    let Some(kind) = kinds.iter().find(|kind| kind.kind == "Gateway") else {
        return Ok((Vec::new(), None));
    };
    let namespaces = [
        &scope.gateway.namespace,
        &scope.gateway.pod_namespace,
        &client.access.namespace,
    ];
    let namespaces = namespaces.map(String::as_str);
    let (values, unseen) = super::objects::everywhere(client, kind, &namespaces, "").await?;
    let values = match values {
        Ok(values) => values,
        Err(reason) => return Ok((Vec::new(), Some(reason))),
    };
    let is_near = |value: &&Value| {
        let namespace = value["metadata"]["namespace"].as_str().unwrap_or_default();
        let own = [&scope.gateway.namespace, &scope.gateway.pod_namespace];
        scope.config.is_none() || own.iter().any(|own| *own == namespace)
    };
    let near: Vec<&Value> = values.iter().filter(is_near).collect();
    if near.is_empty() {
        return Ok((Vec::new(), unseen));
    }
    let classes = match kinds.iter().find(|kind| kind.kind == "GatewayClass") {
        Some(kind) => list(client, kind, None, "").await?,
        None => Err("the cluster does not know GatewayClasses".to_owned()),
    };
    let mut groups = Vec::new();
    for value in near {
        let class = kube_gateways::class(value);
        if kube_gateways::is_of_istio(class, classes.as_deref().ok()) {
            groups.extend(group(client, value, &classes, scope).await?);
        }
    }
    Ok((groups, unseen))
}

/// A Gateway of the Gateway API with its pods; none without a relevant listener.
async fn group(
    client: &Client<'_>,
    value: &Value,
    classes: &Seen<Vec<Value>>,
    scope: &Scope,
) -> Result<Option<Group>, Problem> {
    let mut selector = kube_gateways::pod_labels(value);
    let own = value["metadata"]["namespace"].as_str().unwrap_or_default();
    let mut namespace = own.to_owned();
    let service = kube_gateways::service(value, own);
    if kube_gateways::gateway(value, &selector).is_none_or(|gateway| !has_host(&gateway, &scope.hosts)) {
        return Ok(None);
    }
    if let Some((name, place)) = &service {
        namespace.clone_from(place);
        let kind = resource("v1", "Service", "services");
        if let Ok(Some(found)) = get(client, &kind, Some(place), name).await? {
            selector = read::labels(&found["spec"]["selector"]);
        }
    }
    let Some(gateway) = kube_gateways::gateway(value, &selector) else {
        return Ok(None);
    };
    let pods = list(client, &resource("v1", "Pod", "pods"), Some(&namespace), "").await?;
    let class = kube_gateways::class(value);
    let of_api = OfApi {
        class: class.to_owned(),
        is_known: match classes {
            Ok(classes) => Ok(classes.iter().any(|one| one["metadata"]["name"] == class)),
            Err(reason) => Err(reason.clone()),
        },
        unclaimed: kube_gateways::unclaimed(value),
        service: service.map(|(name, _)| name),
        listeners: kube_gateways::listener_complaints(value),
    };
    let servers = gateway.spec.servers.iter().filter_map(|server| server.tls.as_ref());
    let names = servers.flat_map(|tls| &tls.credential_names);
    let others: BTreeSet<&str> = names
        .filter_map(|name| Some(name.split_once('/')?.0))
        .filter(|namespace| *namespace != own)
        .collect();
    let (grants, unseen_grants) = grants(client, &others).await?;
    let live = LiveGateway {
        value: value.clone(),
        gateway,
    };
    Ok(Some(Group {
        of_api: Some(of_api),
        grants,
        unseen_grants,
        ..Group::of_istio(vec![live], pods, &namespace)
    }))
}

/// The ReferenceGrants of namespaces; or, per namespace, why they may not be listed.
async fn grants(
    client: &Client<'_>,
    namespaces: &BTreeSet<&str>,
) -> Result<(Vec<Value>, BTreeMap<String, String>), Problem> {
    let mut all = Vec::new();
    let mut unseen = BTreeMap::new();
    if namespaces.is_empty() {
        return Ok((all, unseen));
    }
    let mut kind: Option<Resource> = None;
    for version in ["v1", "v1beta1"] {
        let kinds = served(client, &format!("{}/{version}", kube_gateways::GROUP)).await?;
        kind = kind.or_else(|| kinds.into_iter().find(|kind| kind.kind == "ReferenceGrant"));
    }
    for namespace in namespaces {
        let listed = match &kind {
            Some(kind) => list(client, kind, Some(namespace), "").await?,
            None => Err("the cluster does not know ReferenceGrants".to_owned()),
        };
        match listed {
            Ok(grants) => all.extend(grants),
            Err(reason) => drop(unseen.insert((*namespace).to_owned(), reason)),
        }
    }
    Ok((all, unseen))
}
