//! The objects of the cluster that concern the gateway, as the API server returned them.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::scope::Scope;
use super::world::SecretId;
use crate::cluster::client::{AT_ONCE, Client};
use crate::cluster::gather::{Seen, get, list, resource};
use crate::cluster::resources::Resource;
use crate::doctor::facts::{Pod, hosts_that_matter, terminates};
use crate::doctor::read;
use crate::manifests::model::Gateway;
use crate::problem::Problem;

/// A Gateway, raw and typed.
pub(super) struct LiveGateway {
    /// As the API server returned it.
    pub(super) value: Value,
    /// The same, typed.
    pub(super) gateway: Gateway,
}

/// Gateways that have a server for a relevant host: those in the workspace's namespace,
/// and those in others that share its pods. The second value is why there may be more.
///
/// # Errors
/// If the server cannot be reached.
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

/// Whether a server of the Gateway terminates TLS for a relevant host.
pub(super) fn has_host(gateway: &Gateway, hosts: &[String]) -> bool {
    let mut servers = gateway.spec.servers.iter().filter(|server| terminates(server));
    servers.any(|server| !hosts_that_matter(gateway, server, hosts).is_empty())
}

/// Objects in all namespaces or, if those may not be listed, in these. The second value
/// is why the list is incomplete.
///
/// # Errors
/// If the server cannot be reached.
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

/// Secrets by namespace and name; none for one that does not exist.
///
/// # Errors
/// If the server cannot be reached.
pub(super) async fn secrets(
    client: &Client<'_>,
    ids: &BTreeSet<SecretId>,
) -> Result<BTreeMap<SecretId, Seen<Option<Value>>>, Problem> {
    let kind = resource("v1", "Secret", "secrets");
    stream::iter(ids)
        .map(|id| {
            let kind = &kind;
            async move {
                let seen = get(client, kind, Some(&id.0), &id.1).await?;
                Ok::<_, Problem>((id.clone(), seen))
            }
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

/// Secrets of this name in other namespaces, where they may be by mistake, as far as the
/// user may read them.
///
/// # Errors
/// If the server cannot be reached.
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

/// Roles and their bindings: they show a service account's permissions to users who may
/// not query them.
///
/// # Errors
/// If the server cannot be reached.
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
