//! Live objects instead of files, for `serve --cluster` and `lint --cluster`: which
//! cluster, where the gateway's pods run, and what may be read.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cluster_access::ClusterPlace;
use super::cluster_ingress;
use super::failure::Failure;
use super::surroundings::Surroundings;
use crate::cluster::client::Client;
use crate::cluster::kubeconfig::Access;
use crate::cluster::parts::{self, Parts, Places, Want};
use crate::problem::Problem;
use crate::remedy::{Remedy, kubectl};
use crate::workspace::config::{GatewayEntry, WorkspaceConfig};

/// How long to retry an API server that fails or is busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// What can be read in a cluster.
pub struct Sight {
    /// The cluster and the user.
    pub access: Access,
    /// The kinds and namespaces.
    pub parts: Parts,
    /// Where the gateway's pods run.
    pub pod_namespace: String,
    /// Labels of one of those pods; empty if none was found.
    pub pod_labels: BTreeMap<String, String>,
}

/// A client for the cluster of the flags, and the content of istio-tls.yaml.
///
/// # Errors
/// If the kubeconfig or istio-tls.yaml cannot be used.
pub async fn client<'n>(
    place: &ClusterPlace,
    here: &Surroundings,
    notice: &'n (dyn Fn(&str) + Sync),
) -> Result<(Client<'n>, Option<WorkspaceConfig>), Failure> {
    let config = cluster_ingress::workspace(here)?;
    let access = place.or_recorded(config.as_ref()).access(here).await?;
    here.say(&format!("context {}, server {}", access.context, access.server));
    let client = Client::new(access, PATIENCE, notice).map_err(Failure::runtime)?;
    Ok((client, config))
}

/// Finds out what can be read; `recorded` is what istio-tls.yaml, or the user instead,
/// says about the gateway. Without `-n` this covers every namespace if the user may read
/// them; with it, that one and the one of the gateway's pods.
///
/// # Errors
/// A namespace of the flags that does not exist, or a kind that is indispensable and
/// missing: exit 2. If the server cannot be reached, or denies access: exit 3.
pub async fn look(
    client: &Client<'_>,
    recorded: Option<&GatewayEntry>,
    wants: &[Want],
    here: &Surroundings,
) -> Result<Sight, Failure> {
    let usual = GatewayEntry::default().pod_namespace;
    let gateway = recorded.cloned().unwrap_or_default();
    // istio-tls.yaml always names one; the default was not chosen by anybody.
    let chosen = Some(gateway.pod_namespace.clone()).filter(|namespace| *namespace != usual);
    let named = here.gateway_namespace.clone().or(chosen);
    let mut known: Vec<String> = match &here.namespace {
        Some(namespace) => vec![namespace.clone()],
        None => recorded
            .map(|gateway| gateway.namespace.clone())
            .into_iter()
            .chain([client.access.namespace.clone()])
            .collect(),
    };
    known.push(named.clone().unwrap_or_else(|| usual.clone()));
    let mut seen = std::collections::HashSet::new();
    known.retain(|namespace| seen.insert(namespace.clone()));
    for named in here.namespace.iter().chain(&here.gateway_namespace) {
        if parts::is_absent(client, named).await {
            return Err(Failure::usage(
                Problem::new(format!("there is no namespace {named}"))
                    .at(format!("context {}", client.access.context))
                    .fix(Remedy::from(kubectl::get(&["namespaces"])).and(" lists the namespaces"))
                    .at_cluster(&client.access.flags),
            ));
        }
    }
    let pods = parts::pods(client, &gateway.selector, &known)
        .await
        .map_err(Failure::runtime)?;
    let pod_namespace = named.unwrap_or_else(|| {
        let (chosen, others) = parts::pod_namespace(&pods, &usual);
        if !others.is_empty() {
            here.say_always(&format!(
                "note: the gateway's pods run in {chosen} and {}: Secrets are read from {chosen}; \
                 select another with --gateway-namespace",
                others.join(", ")
            ));
        }
        chosen
    });
    if !known.contains(&pod_namespace) {
        known.push(pod_namespace.clone());
    }
    let places = Places {
        pods: pod_namespace.clone(),
        known,
        only_known: here.namespace.is_some(),
    };
    let parts = parts::find(client, wants, &places).await.map_err(|error| {
        if error.is_unknown {
            Failure::usage(error.problem)
        } else {
            Failure::runtime(error.problem)
        }
    })?;
    let of_gateway = pods.into_iter().find(|(namespace, _)| *namespace == pod_namespace);
    Ok(Sight {
        access: client.access.clone(),
        parts,
        pod_labels: of_gateway.map(|(_, labels)| labels).unwrap_or_default(),
        pod_namespace,
    })
}
