//! Reads the objects from the cluster that determine the address of its ingress gateway;
//! [`super::ingress`] chooses from them.

use serde_json::Value;

use super::client::{Call, Client};
use super::failure::ApiError;
use super::ingress::{Found, Wanted};
use super::resources::Resource;
use crate::problem::Problem;
use crate::remedy::Remedy;

/// Reads the Services, pods, nodes and the Gateway API's Gateway.
///
/// # Errors
/// If Services may not be listed, or the server cannot be reached. Other forbidden objects are
/// ignored.
pub async fn look(client: &Client<'_>, wanted: &Wanted) -> Result<Found, Problem> {
    let namespace = Some(wanted.pod_namespace.as_str());
    let services = core("Service", "services", true);
    let path = services.path(namespace, None);
    let list = client.send(&Call::get(path)).await.map_err(|error| {
        let mut problem = client.problem(&error, &services.asked("list", namespace, None));
        if error.status().is_some() {
            let by_hand = Remedy::from("pass --target ADDRESS:PORT with the gateway's address");
            problem.fix = Some(match problem.fix.take() {
                Some(fix) => fix.or(by_hand),
                None => by_hand,
            });
        }
        problem
    })?;
    let selector: Vec<String> = (wanted.selector.iter())
        .map(|(name, value)| format!("{}%3D{}", encoded(name), encoded(value)))
        .collect();
    let pods = core("Pod", "pods", true);
    let path = format!("{}?labelSelector={}", pods.path(namespace, None), selector.join("%2C"));
    let pods = match selector.len() {
        0 => None,
        _ => allowed(client, &pods, namespace, path).await?,
    };
    let nodes = core("Node", "nodes", false);
    let path = nodes.path(None, None);
    let nodes = allowed(client, &nodes, None, path).await?;
    let gateways = Resource {
        api_version: "gateway.networking.k8s.io/v1".to_owned(),
        kind: "Gateway".to_owned(),
        plural: "gateways".to_owned(),
        namespaced: true,
    };
    let namespace = Some(wanted.namespace.as_str());
    let path = gateways.path(namespace, Some(&wanted.name));
    Ok(Found {
        services: items(list),
        pods: pods.map(items).unwrap_or_default(),
        nodes: nodes.map(items),
        gateway: allowed(client, &gateways, namespace, path).await?,
    })
}

/// Percent-encoded, for a query.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (text.bytes())
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// Reads a path; none if it does not exist or may not be read.
async fn allowed(
    client: &Client<'_>,
    resource: &Resource,
    namespace: Option<&str>,
    path: String,
) -> Result<Option<Value>, Problem> {
    match client.send(&Call::get(path)).await {
        Ok(answer) => Ok(Some(answer)),
        Err(ApiError::Status(status)) if matches!(status.code, 403 | 404) => Ok(None),
        Err(error) => Err(client.problem(&error, &resource.asked("list", namespace, None))),
    }
}

pub(super) fn core(kind: &str, plural: &str, namespaced: bool) -> Resource {
    Resource {
        api_version: "v1".to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        namespaced,
    }
}

pub(super) fn items(mut list: Value) -> Vec<Value> {
    match list["items"].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}
