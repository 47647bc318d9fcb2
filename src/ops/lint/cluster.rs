//! `lint --cluster`: the live objects of a cluster, read once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::cluster::client::{AT_ONCE, Client};
use crate::cluster::parts::{self, ISTIO_VERSIONS, UnlessSeen, Want};
use crate::ops::cluster_access::{ClusterPlace, runtime};
use crate::ops::cluster_objects::{self, Sight};
use crate::ops::{Failure, Surroundings};
use crate::problem::Problem;
use crate::sources::live::{LiveObjects, LiveSource, Unseen};
use crate::workspace::config::WorkspaceConfig;

/// The group of the Gateway API.
const GATEWAY_API: &str = "gateway.networking.k8s.io";
/// The RBAC API group.
const RBAC: &str = "rbac.authorization.k8s.io";

/// Every kind that a rule examines, except those that others create Secrets from: the
/// results themselves are in the cluster.
const WANTS: &[Want] = &[
    of_istio("Gateway"),
    of_istio("VirtualService"),
    Want::of("networking.istio.io", ISTIO_VERSIONS, "DestinationRule"),
    Want::of("networking.istio.io", ISTIO_VERSIONS, "ServiceEntry"),
    Want::of("security.istio.io", &["v1", "v1beta1"], "RequestAuthentication"),
    Want::of(GATEWAY_API, &["v1", "v1beta1"], "Gateway"),
    Want::of(GATEWAY_API, &["v1", "v1beta1"], "HTTPRoute"),
    Want::of(GATEWAY_API, &["v1", "v1beta1", "v1alpha2"], "ReferenceGrant"),
    Want::of("", &["v1"], "Service"),
    Want::of("", &["v1"], "Secret"),
    Want::of("", &["v1"], "Pod"),
    Want::of("apps", &["v1"], "Deployment"),
    Want::of("apps", &["v1"], "DaemonSet"),
    Want::of("apps", &["v1"], "StatefulSet"),
    Want::of(RBAC, &["v1"], "Role"),
    Want::of(RBAC, &["v1"], "RoleBinding"),
    Want::of(RBAC, &["v1"], "ClusterRole"),
    Want::of(RBAC, &["v1"], "ClusterRoleBinding"),
];

/// A kind without which Istio is not installed.
const fn of_istio(kind: &'static str) -> Want {
    Want {
        unless_seen: UnlessSeen::GoOnIfServed,
        ..Want::of("networking.istio.io", ISTIO_VERSIONS, kind)
    }
}

/// The kinds that rules look up; that they cannot be read may be reported.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    WANTS.iter().map(|want| want.kind)
}

/// Reads a cluster. Also returns the namespace of the gateway's pods.
///
/// # Errors
/// A kubeconfig that cannot be used: bad input. A server that cannot be reached, or
/// denies everything: a runtime failure.
pub(super) fn read(place: &ClusterPlace, here: &Surroundings) -> Result<(LiveSource, String), Failure> {
    runtime()?.block_on(async {
        let notice = |text: &str| here.say(text);
        let (client, config) = cluster_objects::client(place, here, &notice).await?;
        let sight = cluster_objects::look(&client, config.as_ref().map(|config| &config.gateway), WANTS, here).await?;
        if sight.parts.seen.iter().all(|part| part.resource.is_of(RBAC)) {
            let problem = nothing_seen(&sight.parts.unseen, &sight.access.context);
            return Err(Failure::runtime(problem));
        }
        listed(&client, sight, here).await
    })
}

/// Everything that a rule examines, as it is in the cluster now; and the namespace of the
/// gateway's pods.
///
/// # Errors
/// A server that cannot be reached: a runtime failure.
pub async fn live(
    client: &Client<'_>,
    config: Option<&WorkspaceConfig>,
    here: &Surroundings,
) -> Result<(LiveSource, String), Failure> {
    let sight = cluster_objects::look(client, config.map(|config| &config.gateway), WANTS, here).await?;
    listed(client, sight, here).await
}

/// Lists what is readable.
async fn listed(client: &Client<'_>, sight: Sight, here: &Surroundings) -> Result<(LiveSource, String), Failure> {
    let listed: Vec<Vec<serde_json::Value>> = stream::iter(&sight.parts.seen)
        .map(|part| parts::list(client, part))
        .buffered(AT_ONCE)
        .try_collect()
        .await
        .map_err(Failure::runtime)?;
    if here.namespace.is_none() {
        here.say_unseen(&sight.parts.unseen);
    }
    let now = Instant::now();
    let objects = Arc::new(LiveObjects::default());
    for (number, values) in listed.into_iter().enumerate() {
        objects.replace(number, values, now);
    }
    let mut source = LiveSource::new(&sight.access.context, objects, now);
    source.flags = sight.access.flags;
    source.pod_labels = sight.pod_labels;
    source.unseen = sight.parts.unseen;
    Ok((source, sight.pod_namespace))
}

/// Nothing is readable: "no findings" would be meaningless.
fn nothing_seen(unseen: &[Unseen], context: &str) -> Problem {
    let kinds: BTreeSet<&str> = unseen.iter().map(|one| one.kind.as_str()).collect();
    let problem = Problem::new("nothing in the cluster is readable")
        .at(format!("context {context}"))
        .fix(
            "ask for the verb list on these kinds, which the ClusterRole view grants for most, \
            or name one of your namespaces with -n",
        );
    match unseen.first() {
        Some(first) => problem.why(format!(
            "{}; and none of {}",
            first.why,
            kinds.into_iter().collect::<Vec<_>>().join(", ")
        )),
        None => problem,
    }
}
