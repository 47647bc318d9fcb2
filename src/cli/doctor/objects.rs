//! The objects of the cluster that matter to the gateway, as the API server
//! gives them.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::scope::Scope;
use crate::cluster::client::{AT_ONCE, Client};
use crate::cluster::gather::{Seen, get, list, query, resource};
use crate::cluster::resources::Resource;
use crate::doctor::facts::{Labels, Pod, hosts_that_matter, terminates};
use crate::doctor::read;
use crate::manifests::model::Gateway;
use crate::problem::Problem;

/// A Gateway, as it stands and as it is understood.
pub(super) struct LiveGateway {
    /// As the API server gave it.
    pub(super) value: Value,
    /// The same, typed.
    pub(super) gateway: Gateway,
}

/// The pods that matter, and where the gateway's are.
pub(super) struct LivePods {
    /// As the API server gave them.
    pub(super) values: Seen<Vec<Value>>,
    /// The namespace of the gateway's pods.
    pub(super) namespace: String,
    /// Why other namespaces were not looked through, where that was wanted.
    pub(super) unseen: Option<String>,
}

/// Gateways that have a server for a host that matters: those of the
/// workspace's namespace, and those of others that share its pods. The second
/// value is why there may be more.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn gateways(
    client: &Client<'_>,
    kind: &Resource,
    scope: &Scope,
    own_pods: &Seen<Vec<Value>>,
) -> Result<(Seen<Vec<LiveGateway>>, Option<String>), Problem> {
    let namespaces = [scope.gateway.namespace.as_str(), client.access.namespace.as_str()];
    let (values, unseen) = everywhere(client, kind, &namespaces, "").await?;
    let values = match values {
        Ok(values) => values,
        Err(reason) => return Ok((Err(reason), unseen)),
    };
    let pods: Vec<Pod> = own_pods.iter().flatten().map(read::pod).collect();
    let live = values.into_iter().filter_map(|value| {
        let gateway: Gateway = serde_json::from_value(value.clone()).ok()?;
        Some(LiveGateway { value, gateway })
    });
    let matching = live
        .filter(|live| {
            let namespace = live.gateway.metadata.namespace_or("default");
            let shares = |pod: &Pod| pod.proxy().is_some() && pod.is_selected(&live.gateway.spec.selector);
            scope.config.is_none() || namespace == scope.gateway.namespace || pods.iter().any(shares)
        })
        .filter(|live| has_host(&live.gateway, &scope.hosts));
    Ok((Ok(matching.collect()), unseen))
}

fn has_host(gateway: &Gateway, hosts: &[String]) -> bool {
    let mut servers = gateway.spec.servers.iter().filter(|server| terminates(server));
    servers.any(|server| !hosts_that_matter(gateway, server, hosts).is_empty())
}

/// The pods of the gateway's namespace, and where a selector finds none there,
/// those that it finds elsewhere.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn pods(
    client: &Client<'_>,
    own: Seen<Vec<Value>>,
    gateways: &[LiveGateway],
    scope: &Scope,
) -> Result<LivePods, Problem> {
    let mut namespace = scope.gateway.pod_namespace.clone();
    let mut values = match own {
        Ok(values) => values,
        Err(reason) => {
            return Ok(LivePods {
                values: Err(reason),
                namespace,
                unseen: None,
            });
        }
    };
    let mut unseen = None;
    let mut selectors: BTreeSet<&Labels> = gateways.iter().map(|live| &live.gateway.spec.selector).collect();
    selectors.insert(&scope.gateway.selector);
    let is_there = |values: &[Value], selector: &Labels| {
        let mut pods = values.iter().map(read::pod);
        pods.any(|pod| !pod.ending && pod.is_selected(selector))
    };
    let found_here = selectors.iter().any(|selector| is_there(&values, selector));
    for selector in selectors.into_iter().filter(|selector| !selector.is_empty()) {
        if is_there(&values, selector) {
            continue;
        }
        let pairs: Vec<(&str, &str)> = selector
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let kind = resource("v1", "Pod", "pods");
        let elsewhere = match list(client, &kind, None, &query("labelSelector", &pairs)).await? {
            Ok(elsewhere) => elsewhere,
            Err(reason) => {
                unseen = Some(reason);
                continue;
            }
        };
        for value in elsewhere {
            let pod = read::pod(&value);
            if pod.namespace == scope.gateway.pod_namespace || pod.proxy().is_none() {
                continue;
            }
            if !found_here && namespace == scope.gateway.pod_namespace {
                namespace = pod.namespace;
            }
            values.push(value);
        }
    }
    Ok(LivePods {
        values: Ok(values),
        namespace,
        unseen,
    })
}

/// Objects of all namespaces; where those may not be listed, of these. The
/// second value is why it is not all of them.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn everywhere(
    client: &Client<'_>,
    kind: &Resource,
    namespaces: &[&str],
    query: &str,
) -> Result<(Seen<Vec<Value>>, Option<String>), Problem> {
    let reason = match list(client, kind, None, query).await? {
        Ok(values) => return Ok((Ok(values), None)),
        Err(reason) => reason,
    };
    let mut all = Vec::new();
    let mut any = false;
    for namespace in namespaces.iter().collect::<BTreeSet<_>>() {
        if let Ok(values) = list(client, kind, Some(namespace), query).await? {
            any = true;
            all.extend(values);
        }
    }
    let seen = if any { Ok(all) } else { Err(reason.clone()) };
    Ok((seen, Some(reason)))
}

/// Secrets of a namespace by name; none for one that is not there.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn secrets(
    client: &Client<'_>,
    namespace: &str,
    names: &BTreeSet<String>,
) -> Result<BTreeMap<String, Seen<Option<Value>>>, Problem> {
    let kind = resource("v1", "Secret", "secrets");
    stream::iter(names)
        .map(|name| {
            let kind = &kind;
            async move {
                let seen = get(client, kind, Some(namespace), name).await?;
                Ok::<_, Problem>((name.clone(), seen))
            }
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

/// The Secret of this name in the namespaces in which it lies by mistake, as far
/// as the user may look.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn secret_in(
    client: &Client<'_>,
    namespaces: &BTreeSet<&str>,
    name: &str,
) -> Result<Vec<Value>, Problem> {
    let kind = resource("v1", "Secret", "secrets");
    let mut found = Vec::new();
    for namespace in namespaces {
        found.extend(get(client, &kind, Some(namespace), name).await?.ok().flatten());
    }
    Ok(found)
}

/// Roles, and who has them: what tells a service account's rights to those who
/// may not ask for them.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn roles(client: &Client<'_>, namespace: &str) -> Result<Seen<Vec<Value>>, Problem> {
    const GROUP: &str = "rbac.authorization.k8s.io/v1";
    let mut all = Vec::new();
    for (kind, plural, namespaced) in [
        ("Role", "roles", true),
        ("RoleBinding", "rolebindings", true),
        ("ClusterRole", "clusterroles", false),
        ("ClusterRoleBinding", "clusterrolebindings", false),
    ] {
        let kind = resource(GROUP, kind, plural);
        match list(client, &kind, namespaced.then_some(namespace), "").await? {
            Ok(values) => all.extend(values),
            Err(reason) => return Ok(Err(reason)),
        }
    }
    Ok(Ok(all))
}
