//! Secrets, and their effect on the Gateways: lint's own rules over the live objects,
//! once as they are and once with the workspace's Secrets in place.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::groups::Group;
use super::objects;
use super::scope::Scope;
use super::world::{self, SecretId};
use crate::cluster::client::Client;
use crate::doctor::facts::{self, Certificate, Facts, TlsServer, server_index, title};
use crate::doctor::read;
use crate::lint::codes::{CREDENTIAL_MISSING, GRANT_MISSING};
use crate::lint::{Finding, Report, Skipped};
use crate::manifests::model::Gateway;
use crate::ops::Surroundings;
use crate::problem::Problem;
use crate::sources::disk::DiskFiles;
use crate::sources::live::Unseen;
use crate::workspace::config::{GatewayEntry, IstioTarget};

/// The surroundings of a gateway's Secrets.
pub(super) struct Around<'g> {
    /// The gateway.
    pub(super) group: &'g Group,
    /// The Deployments in its pods' namespace.
    pub(super) deployments: &'g [Value],
    /// Roles that show its account's permissions.
    pub(super) roles: &'g [Value],
}

/// Namespaces whose ReferenceGrants cannot be read.
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

/// The Secrets, lint's findings on them and on the Gateways, and the certificate that
/// each server should serve.
///
/// # Errors
/// If the server cannot be reached.
pub(super) async fn read(
    client: &Client<'_>,
    scope: &Scope,
    around: &Around<'_>,
    facts: &mut Facts,
    here: &Surroundings,
) -> Result<(), Problem> {
    let namespace = facts.found_namespace.clone();
    let pods = own_pods(around, facts);
    let deployments = own_deployments(around, facts);
    let named = Named::find(facts, &pods, &deployments);
    let secrets = objects::secrets(client, &named.all).await?;
    let values = values(client, scope, around, &named, &secrets, &namespace).await?;
    let gateways = around.group.gateways.iter();
    let seen = Seen {
        besides: (gateways.map(|live| &live.value))
            .chain(pods)
            .chain(deployments)
            .chain(around.roles)
            .chain(&around.group.grants)
            .collect(),
        values,
        secrets,
        gateway: GatewayEntry {
            pod_namespace: namespace.clone(),
            ..scope.gateway.clone()
        },
        target: scope.config.as_ref().map_or(IstioTarget::Latest, |config| config.istio),
        around,
    };
    (facts.linted, facts.certificates) = seen.judge(facts, here);
    facts.after_apply = seen.after_apply(scope, facts, here);
    facts.secrets = (seen.secrets.into_iter())
        .filter(|((place, _), _)| *place == namespace)
        .map(|((_, name), seen)| (name, seen.map(|value| value.is_some())))
        .collect();
    Ok(())
}

/// The pods of the gateway.
fn own_pods<'g>(around: &Around<'g>, facts: &Facts) -> Vec<&'g Value> {
    let is_own = |value: &&Value| {
        let pod = read::pod(value);
        let mut gateways = facts.gateways().iter();
        pod.proxy().is_some() && gateways.any(|gateway| pod.is_selected(&gateway.spec.selector))
    };
    around.group.pods.iter().flatten().filter(is_own).collect()
}

/// The Deployments of such pods.
fn own_deployments<'g>(around: &Around<'g>, facts: &Facts) -> Vec<&'g Value> {
    let is_own = |value: &&Value| {
        let labels = read::labels(&value["spec"]["template"]["metadata"]["labels"]);
        let selects = |gateway: &Gateway| {
            let mut selector = gateway.spec.selector.iter();
            !labels.is_empty() && selector.all(|(name, value)| labels.get(name) == Some(value))
        };
        facts.gateways().iter().any(selects)
    };
    around.deployments.iter().filter(is_own).collect()
}

/// The Secrets that are examined.
struct Named {
    /// Those that contain the certificates of servers.
    credentials: BTreeSet<SecretId>,
    /// All.
    all: BTreeSet<SecretId>,
}

impl Named {
    /// Those that servers, pods and Deployments name.
    fn find(facts: &Facts, pods: &[&Value], deployments: &[&Value]) -> Self {
        let namespace = &facts.found_namespace;
        let of_pods = |name: String| (namespace.clone(), name);
        let mut credentials: BTreeSet<SecretId> = BTreeSet::new();
        let mut all: BTreeSet<SecretId> = BTreeSet::new();
        for server in &facts.tls_servers() {
            credentials.extend(world::credentials(server, namespace));
            all.extend(world::authorities(server, namespace));
            let files = world::files(server).into_iter().filter_map(world::secret_by_custom);
            all.extend(files.map(of_pods));
        }
        all.extend(credentials.iter().cloned());
        let in_pods = pods.iter().flat_map(|pod| volumes(pod, "/spec/volumes"));
        all.extend(in_pods.map(of_pods));
        let in_templates = (deployments.iter()).flat_map(|one| volumes(one, "/spec/template/spec/volumes"));
        all.extend(in_templates.map(of_pods));
        Self { credentials, all }
    }
}

/// The Secrets of volumes.
fn volumes(value: &Value, path: &str) -> Vec<String> {
    let volumes = value.pointer(path).and_then(Value::as_array).into_iter().flatten();
    let named = volumes.filter_map(|volume| volume["secret"]["secretName"].as_str());
    named.map(str::to_owned).collect()
}

/// The existing Secrets, and those that are, by a common mistake, not in the pods'
/// namespace.
async fn values(
    client: &Client<'_>,
    scope: &Scope,
    around: &Around<'_>,
    named: &Named,
    secrets: &Secrets,
    namespace: &str,
) -> Result<Vec<Value>, Problem> {
    let there = secrets.values().filter_map(|seen| seen.clone().ok().flatten());
    let mut values: Vec<Value> = there.collect();
    // In the Gateway API the name comes with its namespace.
    if around.group.of_api.is_some() {
        return Ok(values);
    }
    let gateways = around.group.gateways.iter();
    let mut elsewhere: BTreeSet<&str> = gateways
        .map(|live| live.gateway.metadata.namespace_or("default"))
        .collect();
    elsewhere.extend([
        scope.gateway.pod_namespace.as_str(),
        client.access.namespace.as_str(),
        "default",
    ]);
    elsewhere.remove(namespace);
    for id in &named.credentials {
        if matches!(secrets.get(id), Some(Ok(None))) {
            values.extend(objects::secret_in(client, &elsewhere, &id.1).await?);
        }
    }
    Ok(values)
}

/// Secrets by namespace and name; none for one that does not exist.
type Secrets = BTreeMap<SecretId, facts::Seen<Option<Value>>>;

/// What was read of a gateway and its Secrets.
struct Seen<'g> {
    /// Everything except Secrets.
    besides: Vec<&'g Value>,
    /// The existing Secrets.
    values: Vec<Value>,
    /// The Secrets that were looked for.
    secrets: Secrets,
    /// The gateway that they are for.
    gateway: GatewayEntry,
    /// The Istio that reads them.
    target: IstioTarget,
    around: &'g Around<'g>,
}

impl Seen<'_> {
    /// Lint's findings on it, and the certificate that each server should serve.
    fn judge(&self, facts: &Facts, here: &Surroundings) -> (Report, Vec<Certificate>) {
        let denied: BTreeMap<&SecretId, &String> = (self.secrets.iter())
            .filter_map(|(id, seen)| Some((id, seen.as_ref().err()?)))
            .collect();
        let all = self.besides.iter().copied().chain(&self.values);
        let files = DiskFiles::default();
        let unread: Vec<&SecretId> = denied.keys().copied().collect();
        let mut collected = world::collect(world::manifests(all), &unread, &self.gateway, &files);
        collected.unseen.extend(unseen_grants(self.around.group));
        let mut linted = world::lint(&collected, self.target, true, here);
        let reasons: BTreeSet<&String> = denied.values().copied().collect();
        let skipped = (reasons.into_iter().map(|reason| (&CREDENTIAL_MISSING, reason)))
            .chain((self.around.group.unseen_grants.values()).map(|reason| (&GRANT_MISSING, reason)));
        linted.skipped.extend(skipped.map(|(code, reason)| Skipped {
            code: code.id,
            reason: reason.clone(),
        }));
        let servers = facts.tls_servers();
        linted.findings.retain(|finding| is_of_servers(finding, &servers));
        let certificates = servers.iter().flat_map(|server| {
            let denied = |id: &SecretId| denied.get(id).map(|reason| (*reason).clone());
            world::certificates(server, &collected.store, &denied, here)
        });
        (linted, certificates.collect())
    }

    /// Lint's findings as they would be with the workspace's own Secrets in place, as
    /// `apply` would leave them. Records what `apply` would need to restore each one.
    fn after_apply(&self, scope: &Scope, facts: &mut Facts, here: &Surroundings) -> Report {
        let mut own = Vec::new();
        for (name, needs) in &mut facts.own_secrets {
            let place = &facts.secret_namespace;
            let id = (place.clone(), name.clone());
            let (Some(seen), Some(secret)) = (self.secrets.get(&id), scope.own_secret(name, place)) else {
                continue;
            };
            *needs = scope.needs(&secret, seen.as_ref().ok().and_then(Option::as_ref));
            own.push(secret);
        }
        if own.is_empty() {
            return Report::default();
        }
        let is_of_api = self.around.group.of_api.is_some();
        let stays = |value: &&Value| {
            let same = |own: &Value, field: &str| own["metadata"][field] == value["metadata"][field];
            !own.iter()
                .any(|own| same(own, "name") && (same(own, "namespace") || !is_of_api))
        };
        let values = self.values.iter().filter(stays);
        let all = self.besides.iter().copied().chain(values).chain(&own);
        let files = DiskFiles::default();
        let collected = world::collect(world::manifests(all), &[], &self.gateway, &files);
        world::lint(&collected, self.target, true, here)
    }
}

/// Whether a finding concerns no server, or one of these: those of hosts that were not
/// asked for are omitted.
fn is_of_servers(finding: &Finding, servers: &[TlsServer<'_>]) -> bool {
    let Some(index) = server_index(&finding.path) else {
        return true;
    };
    let mut servers = servers.iter();
    servers.any(|server| server.index == index && title(server.gateway) == finding.object)
}
