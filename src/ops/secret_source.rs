//! A Secret in a cluster as the target of a command: `secret/NAME` or
//! `secret/NAMESPACE/NAME`, for `inspect`, `verify` and `adopt`.

use std::time::Duration;

use super::cluster_access::{ClusterPlace, runtime};
use super::cluster_ingress;
use super::failure::Failure;
use super::surroundings::Surroundings;
use crate::certs::{key, pem};
use crate::cluster::client::Client;
use crate::cluster::kubeconfig::Access;
use crate::cluster::secrets::{self, LiveSecret};
use crate::names::{check_object_name, is_dns_label};
use crate::problem::Problem;
use crate::remedy::{Cluster, Remedy, kubectl};
use crate::secrets::reference::{ca_secret, server_secret};
use crate::secrets::{Entry, SecretData};

/// How long to retry an API server that fails or is busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretTarget {
    namespace: Option<String>,
    name: String,
}

/// A Secret that was found.
pub struct FoundSecret {
    /// Its cluster.
    access: Access,
    /// The Secret.
    pub secret: LiveSecret,
    /// The Secret NAME-cacert beside it, if it contains no CA itself: Istio reads both.
    pub beside: Option<LiveSecret>,
}

impl SecretTarget {
    /// Parses `secret/NAME` and `secret/NAMESPACE/NAME`; none for other text.
    ///
    /// # Errors
    /// If a part is not a valid name.
    pub fn parse(text: &str) -> Result<Option<Self>, Failure> {
        let Some(rest) = text.strip_prefix("secret/") else {
            return Ok(None);
        };
        let (namespace, name) = match rest.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, rest),
        };
        if let Some(namespace) = namespace.filter(|namespace| !is_dns_label(namespace)) {
            return Err(Failure::usage(
                Problem::new(format!("{namespace:?} is not a valid namespace"))
                    .at(text.to_owned())
                    .fix("secret/NAME, or secret/NAMESPACE/NAME"),
            ));
        }
        check_object_name("Secret", name).map_err(|problem| {
            Failure::usage(problem.at(text.to_owned()).fix("secret/NAME, or secret/NAMESPACE/NAME"))
        })?;
        Ok(Some(Self {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }))
    }

    /// The Secret's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads it from the cluster of the flags, otherwise the one that `apply` recorded,
    /// otherwise the current one; in its namespace, otherwise that of -n, otherwise the
    /// one of the gateway's pods.
    ///
    /// # Errors
    /// If the cluster cannot be reached (exit 3), or the Secret does not exist (exit 2):
    /// where it was looked for, and where there is one of that name.
    pub fn fetch(&self, place: &ClusterPlace, here: &Surroundings) -> Result<FoundSecret, Failure> {
        let config = cluster_ingress::workspace(here)?;
        let place = place.or_recorded(config.as_ref());
        let id = config.as_ref().map(|config| config.id.clone());
        let gateway = config.map(|config| config.gateway).unwrap_or_default();
        let wanted = cluster_ingress::wanted(gateway, here);
        let namespace = (self.namespace.as_ref())
            .or(here.namespace.as_ref())
            .unwrap_or(&wanted.pod_namespace);
        let notice = |text: &str| here.say(text);
        runtime()?.block_on(async {
            let access = place.access(here).await?;
            let client = Client::new(access, PATIENCE, &notice).map_err(Failure::runtime)?;
            let read = async |name: &str| {
                let outcome = secrets::read(&client, namespace, name, id.as_deref()).await;
                outcome.map_err(|error| Failure::runtime(secrets::problem(&client, &error, namespace, name)))
            };
            let Some(secret) = read(&self.name).await? else {
                return Err(self.not_there(&client, namespace).await);
            };
            let wants_ca = secret.data.authorities().is_err() && server_secret(&self.name).is_none();
            let beside = if wants_ca {
                // One that may not be read counts as missing for this user.
                read(&ca_secret(&self.name)).await.unwrap_or_default()
            } else {
                None
            };
            Ok(FoundSecret {
                access: client.access.clone(),
                secret,
                beside,
            })
        })
    }

    async fn not_there(&self, client: &Client<'_>, namespace: &str) -> Failure {
        let name = &self.name;
        let problem = Problem::new(format!("there is no Secret {name} in the namespace {namespace}"))
            .at(format!("context {}", client.access.context));
        Failure::usage(match secrets::namespaces_with(client, name).await {
            None => problem
                .why(
                    "whether another namespace has one is unknown: this user may not list \
                    secrets in the whole cluster",
                )
                .fix(format!("secret/NAMESPACE/{name}, or -n NAMESPACE")),
            Some(others) if others.is_empty() => problem.why("no namespace has a Secret of that name").fix(
                Remedy::from(kubectl::get(&["secrets", "-A"]))
                    .and(" lists the Secrets; --context selects another cluster")
                    .at_cluster(&client.access.flags),
            ),
            Some(others) => problem
                .why(format!("a Secret of that name is in {}", others.join(", ")))
                .fix(format!("secret/{}/{name}", others[0])),
        })
    }
}

impl FoundSecret {
    /// The context of its cluster.
    pub fn context(&self) -> &str {
        &self.access.context
    }

    /// The flags that select its cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.access.flags
    }

    /// The Secret, and the one beside it.
    pub fn all(&self) -> impl Iterator<Item = &LiveSecret> {
        std::iter::once(&self.secret).chain(&self.beside)
    }

    /// Adds the Secret to a problem with its content, and a remedy if the problem has
    /// none.
    pub fn explain(&self, mut problem: Problem) -> Problem {
        let LiveSecret {
            namespace, name, data, ..
        } = &self.secret;
        let here = || format!("secret {namespace}/{name} in the context {}", self.access.context);
        problem.at = problem.at.or_else(|| Some(here()));
        problem.fix = problem.fix.or_else(|| {
            // Its CA must not be lost.
            let with_ca = ["ca.crt", "cacert"].iter().any(|key| data.entries.contains_key(*key));
            Some(
                Remedy::from("store a chain and its key there, as PEM: ").and(kubectl::put_secret(
                    namespace.as_str(),
                    name.as_str(),
                    with_ca,
                )),
            )
        });
        self.access.aim(problem)
    }
}

/// Why no gateway can use the key pair of a Secret: it has none, a part is not PEM of its
/// kind, or the key belongs to another certificate.
pub fn pair_fault(data: &SecretData) -> Option<Problem> {
    let pair = match data.key_pair() {
        Ok(pair) => pair,
        Err(problem) => return Some(problem),
    };
    let (certificate, held) = (pair.certificate, pair.key);
    // A command that converts a file does not help for a Secret.
    let without_fix = |problem: Problem| Problem { fix: None, ..problem };
    let chain = match pem::certificates(&certificate.content, &certificate.name) {
        Ok(chain) => chain,
        Err(_) if is_key(certificate) && is_certificate(held) => {
            return Some(Problem::new(format!(
                "the contents of {} and {} are swapped",
                certificate.name, held.name
            )));
        }
        Err(problem) => return Some(without_fix(problem)),
    };
    if !pem::is_pem(&held.content) {
        return Some(Problem::new(format!("{} holds no PEM block", held.name)));
    }
    match key::read(&held.content, &held.name, None) {
        Err(problem) => Some(without_fix(problem)),
        Ok(key) if key.fits(&chain[0]) => None,
        Ok(_) => Some(Problem::new(format!(
            "the key in {} does not belong to the certificate in {}",
            held.name, certificate.name
        ))),
    }
}

fn is_certificate(entry: &Entry) -> bool {
    let blocks = pem::blocks(&entry.content, &entry.name).unwrap_or_default();
    blocks.first().is_some_and(pem::Block::is_certificate)
}

fn is_key(entry: &Entry) -> bool {
    let blocks = pem::blocks(&entry.content, &entry.name).unwrap_or_default();
    blocks.first().is_some_and(pem::Block::is_private_key)
}
