//! The Secrets that a host of the workspace has in a cluster, for `rotate` and `status`:
//! their names, and what the gateway reads from them.

use super::intent;
use super::surroundings::Surroundings;
use crate::certs::{CertificateDer, pem};
use crate::cluster::client::Client;
use crate::cluster::ingress::{self, Wanted};
use crate::cluster::secrets::{self, LiveSecret};
use crate::cluster::{discover, parts};
use crate::manifests::build::Material;
use crate::manifests::model::Manifest;
use crate::manifests::naming::CA_CHAIN_FILE;
use crate::names::Host;
use crate::problem::Problem;
use crate::remedy::{Edit, Remedy};
use crate::secrets::Entry;
use crate::workspace::config::{FILE_NAME, HostEntry, WorkspaceConfig};

/// Keys of a server's chain and private key.
const LEAF_KEYS: &[&str] = &["tls.crt", "tls.key", "cert", "key"];
/// Keys of the CA bundle that clients are verified with.
const CA_KEYS: &[&str] = &["ca.crt", "cacert", CA_CHAIN_FILE];

/// Where a Secret of a host is, and its purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretPlace {
    /// The namespace of the gateway's pods.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The keys of the server's chain and private key; none in a Secret for the CA.
    pub leaf_keys: Vec<&'static str>,
    /// It contains the CA bundle, under this key.
    pub ca_key: Option<&'static str>,
}

/// The workspace as modified by flags: where its objects and the gateway's pods are.
pub fn located(mut config: WorkspaceConfig, here: &Surroundings) -> WorkspaceConfig {
    if let Some(namespace) = &here.namespace {
        config.gateway.namespace.clone_from(namespace);
    }
    if let Some(namespace) = &here.gateway_namespace {
        config.gateway.pod_namespace.clone_from(namespace);
    }
    config
}

/// The Secrets that `manifests` creates for a host, without key material.
///
/// # Errors
/// If the host has no entry.
pub fn places(config: &WorkspaceConfig, host: &Host) -> Result<Vec<SecretPlace>, Problem> {
    let nothing = Material {
        ca: Some(Vec::new()),
        ..Material::default()
    };
    let made = intent::secrets_of(config, host, nothing)?;
    let secrets = made.iter().filter_map(|object| match object {
        Manifest::Secret(secret) => Some(secret),
        _ => None,
    });
    Ok(secrets
        .map(|secret| {
            let keys = secret.keys();
            SecretPlace {
                namespace: (secret.metadata.namespace.clone()).unwrap_or_else(|| config.gateway.pod_namespace.clone()),
                name: secret.metadata.name.clone(),
                leaf_keys: LEAF_KEYS.iter().copied().filter(|key| keys.contains(key)).collect(),
                ca_key: CA_KEYS.iter().copied().find(|key| keys.contains(key)),
            }
        })
        .collect())
}

/// The names of a recorded host's Secrets: `Secret httpbin-credential`.
pub fn titles(config: &WorkspaceConfig, entry: &HostEntry) -> String {
    let places = places(config, &entry.host).unwrap_or_default();
    match places.iter().map(|place| place.name.as_str()).collect::<Vec<_>>()[..] {
        [] => format!("Secret {}", entry.credential_name),
        [name] => format!("Secret {name}"),
        ref names => format!("Secrets {}", names.join(" and ")),
    }
}

/// The server's chain that the gateway reads from a Secret, leaf first.
///
/// # Errors
/// If it contains none, or an unreadable one.
pub fn chain(secret: &LiveSecret) -> Result<Vec<CertificateDer<'static>>, Problem> {
    certificates(secret.data.key_pair()?.certificate)
}

impl SecretPlace {
    /// The CA bundle that the gateway verifies clients with.
    ///
    /// # Errors
    /// As [`chain`].
    pub fn authorities(&self, secret: &LiveSecret) -> Result<Vec<CertificateDer<'static>>, Problem> {
        // A mounted file has one name; for a credential, Istio tries two.
        match secret.data.entries.get(CA_CHAIN_FILE) {
            Some(entry) if self.ca_key == Some(CA_CHAIN_FILE) => certificates(entry),
            _ => certificates(secret.data.authorities()?.authorities),
        }
    }
}

/// An object is in another namespace than expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// What is where.
    pub what: String,
    /// How to select that namespace.
    pub fix: Remedy,
}

impl Elsewhere {
    /// What is where, and how to select it.
    pub fn words(&self) -> Remedy {
        Remedy::from(format!("{}: ", self.what)).and(self.fix.clone())
    }
}

/// Where this workspace has created the Secret of that name, if not in the expected
/// namespace; none if it is not found.
pub async fn made_elsewhere(client: &Client<'_>, config: &WorkspaceConfig, place: &SecretPlace) -> Option<Elsewhere> {
    let namespaces = secrets::namespaces_of(client, &place.name, &config.id).await?;
    let namespace = namespaces.first()?;
    Some(Elsewhere {
        what: format!("this workspace's is in {namespace}"),
        fix: named(namespace),
    })
}

/// Whether the gateway's pods run in another namespace than the one that this workspace
/// puts Secrets into; none if they do not, or may not be listed.
pub async fn pods_elsewhere(client: &Client<'_>, config: &WorkspaceConfig) -> Option<Elsewhere> {
    let gateway = &config.gateway;
    let wanted = Wanted {
        pod_namespace: gateway.pod_namespace.clone(),
        selector: gateway.selector.clone(),
        namespace: gateway.namespace.clone(),
        name: gateway.name.clone(),
    };
    // Pods of other gateways may have the same labels.
    if ingress::is_there(&discover::look(client, &wanted).await.ok()?, &wanted) {
        return None;
    }
    let known = [gateway.pod_namespace.clone()];
    let pods = parts::pods(client, &gateway.selector, &known).await.ok()?;
    let (namespace, _) = parts::pod_namespace(&pods, &gateway.pod_namespace);
    let labels: Vec<String> = (gateway.selector.iter())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    (namespace != gateway.pod_namespace).then(|| Elsewhere {
        what: format!(
            "no pod of the gateway ({}) runs in {}, where the Secrets are; the pods run in {namespace}",
            labels.join(","),
            gateway.pod_namespace,
        ),
        fix: named(&namespace),
    })
}

/// How to select another namespace of the gateway's pods: once, or permanently.
fn named(namespace: &str) -> Remedy {
    let edit = Edit {
        place: FILE_NAME.to_owned(),
        field: "gateway.podNamespace".to_owned(),
        value: Some(namespace.to_owned()),
    };
    Remedy::from(format!("--gateway-namespace {namespace}, or ")).and(edit)
}

fn certificates(entry: &Entry) -> Result<Vec<CertificateDer<'static>>, Problem> {
    pem::certificates(&entry.content, &entry.name)
}
