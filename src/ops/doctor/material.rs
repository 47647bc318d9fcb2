//! Secrets, and what they mean to the Gateways: lint's own rules over the live
//! objects, once as they are and once with the workspace's Secrets in place.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::groups::Group;
use super::objects;
use super::scope::Scope;
use super::world::{self, SecretId};
use crate::cluster::client::Client;
use crate::doctor::facts::{Facts, server_index, server_path, title};
use crate::doctor::read;
use crate::manifests::model::Gateway;
use crate::ops::Surroundings;
use crate::problem::Problem;
use crate::sources::disk::DiskFiles;
use crate::sources::live::Unseen;
use crate::workspace::config::{GatewayEntry, IstioTarget};

/// What stands around a gateway's Secrets.
pub(super) struct Around<'g> {
    /// The gateway.
    pub(super) group: &'g Group,
    /// The Deployments of its pods' namespace.
    pub(super) deployments: &'g [Value],
    /// Roles that tell its account's rights.
    pub(super) roles: &'g [Value],
}

/// Namespaces whose ReferenceGrants are not seen.
fn unseen_grants(group: &Group) -> Option<Unseen> {
    let reason = group.unseen_grants.values().next()?;
    let grants = group.grants.iter();
    let seen = grants.filter_map(|grant| grant["metadata"]["namespace"].as_str());
    Some(Unseen {
        kind: "ReferenceGrant".to_owned(),
        seen_in: seen.map(str::to_owned).collect(),
        what: "referencegrants".to_owned(),
        why: reason.clone(),
    })
}

/// Secrets, what lint says of them and of the Gateways, and which certificate
/// each server should serve.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn read(
    client: &Client<'_>,
    scope: &Scope,
    around: &Around<'_>,
    facts: &mut Facts,
    here: &Surroundings,
) -> Result<(), Problem> {
    let (gateways, is_of_api) = (around.group.gateways.as_slice(), around.group.of_api.is_some());
    let namespace = facts.found_namespace.clone();
    let gateway = GatewayEntry {
        pod_namespace: namespace.clone(),
        ..scope.gateway.clone()
    };
    let pods = around.group.pods.iter().flatten();
    let own_pods: Vec<&Value> = pods
        .filter(|value| {
            let pod = read::pod(value);
            pod.proxy().is_some()
                && facts
                    .gateways()
                    .iter()
                    .any(|gateway| pod.is_selected(&gateway.spec.selector))
        })
        .collect();
    let own_deployments: Vec<&Value> = around
        .deployments
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
    let of_pods = |name: String| (namespace.clone(), name);
    let mut credentials: BTreeSet<SecretId> = BTreeSet::new();
    let mut names: BTreeSet<SecretId> = BTreeSet::new();
    for server in &servers {
        credentials.extend(world::credentials(server, &namespace));
        names.extend(world::authorities(server, &namespace));
        let files = world::files(server).into_iter().filter_map(world::secret_by_custom);
        names.extend(files.map(of_pods));
    }
    names.extend(credentials.iter().cloned());
    let volumes = |value: &Value, path: &str| {
        let volumes = value.pointer(path).and_then(Value::as_array).into_iter().flatten();
        let named = volumes.filter_map(|volume| volume["secret"]["secretName"].as_str());
        named.map(str::to_owned).collect::<Vec<_>>()
    };
    names.extend(
        own_pods
            .iter()
            .flat_map(|pod| volumes(pod, "/spec/volumes"))
            .map(of_pods),
    );
    let of_templates = |one: &&Value| volumes(one, "/spec/template/spec/volumes");
    names.extend(own_deployments.iter().flat_map(of_templates).map(of_pods));
    let secrets = objects::secrets(client, &names).await?;
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
    // In the Gateway API the namespace is said with the name.
    for id in credentials.iter().filter(|_| !is_of_api) {
        if matches!(secrets.get(id), Some(Ok(None))) {
            values.extend(objects::secret_in(client, &elsewhere, &id.1).await?);
        }
    }
    let denied: BTreeMap<&SecretId, &String> = secrets
        .iter()
        .filter_map(|(id, seen)| Some((id, seen.as_ref().err()?)))
        .collect();
    let besides: Vec<&Value> = (gateways.iter().map(|live| &live.value))
        .chain(own_pods)
        .chain(own_deployments)
        .chain(around.roles)
        .chain(&around.group.grants)
        .collect();
    let all = besides.iter().copied().chain(&values);
    let files = DiskFiles::default();
    let unread: Vec<&SecretId> = denied.keys().copied().collect();
    let mut collected = world::collect(world::manifests(all), &unread, &gateway, &files);
    collected.unseen.extend(unseen_grants(around.group));
    let target = scope.config.as_ref().map_or(IstioTarget::Latest, |config| config.istio);
    let mut linted = world::lint(&collected, target, true, here);
    for reason in denied.values().collect::<BTreeSet<_>>() {
        linted.skipped.push(crate::lint::Skipped {
            code: crate::lint::codes::CREDENTIAL_MISSING.id,
            reason: (*reason).clone(),
        });
    }
    for reason in around.group.unseen_grants.values() {
        linted.skipped.push(crate::lint::Skipped {
            code: crate::lint::codes::GRANT_MISSING.id,
            reason: reason.clone(),
        });
    }
    // Findings of servers of other hosts than those asked for are left out.
    let wanted: BTreeSet<String> = servers
        .iter()
        .map(|server| {
            format!(
                "{} {}",
                title(server.gateway),
                server_path(server.gateway, server.index)
            )
        })
        .collect();
    linted.findings.retain(|finding| {
        let (server, _) = finding.path.split_once(']').unwrap_or_default();
        server_index(&finding.path).is_none() || wanted.contains(&format!("{} {server}]", finding.object))
    });
    let certificates = servers
        .iter()
        .flat_map(|server| {
            let denied = |id: &SecretId| denied.get(id).map(|reason| (*reason).clone());
            world::certificates(server, &collected.store, &denied, here)
        })
        .collect();
    facts.linted = linted;
    // The same with the workspace's own Secrets in place: what `apply` would leave.
    let mut own = Vec::new();
    for (name, needs) in &mut facts.own_secrets {
        let place = &facts.secret_namespace;
        let id = (place.clone(), name.clone());
        let (Some(seen), Some(secret)) = (secrets.get(&id), scope.own_secret(name, place)) else {
            continue;
        };
        *needs = scope.needs(&secret, seen.as_ref().ok().and_then(Option::as_ref));
        own.push(secret);
    }
    if !own.is_empty() {
        let named = |value: &&Value| {
            let same = |own: &Value, field: &str| own["metadata"][field] == value["metadata"][field];
            !own.iter()
                .any(|own| same(own, "name") && (same(own, "namespace") || !is_of_api))
        };
        let all = besides.iter().copied().chain(values.iter().filter(named)).chain(&own);
        let collected = world::collect(world::manifests(all), &[], &gateway, &files);
        facts.after_apply = world::lint(&collected, target, true, here);
    }
    facts.certificates = certificates;
    facts.secrets = secrets
        .into_iter()
        .filter(|((place, _), _)| *place == namespace)
        .map(|((_, name), seen)| (name, seen.map(|value| value.is_some())))
        .collect();
    Ok(())
}
