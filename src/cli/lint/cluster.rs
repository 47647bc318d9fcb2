//! `lint --cluster`: the live objects of a cluster, read once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::LintArgs;
use crate::cli::Failure;
use crate::ops::cluster_access::runtime;
use crate::cli::interrupt::{self};
use crate::ops::cluster_objects::Sight;
use crate::cli::context::Context;
use crate::cluster::client::{AT_ONCE, Client};
use crate::cluster::parts::{self, ISTIO_VERSIONS, UnlessSeen, Want};
use crate::problem::Problem;
use crate::sources::live::{LiveObjects, LiveSource, Unseen};
use crate::workspace::config::WorkspaceConfig;

/// The group of the Gateway API.
const GATEWAY_API: &str = "gateway.networking.k8s.io";
/// The group of roles.
const RBAC: &str = "rbac.authorization.k8s.io";

/// Every kind that a rule looks at, but for those that others make Secrets of:
/// what they have made is there itself.
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

/// A kind without which there is no Istio.
const fn of_istio(kind: &'static str) -> Want {
    Want {
        unless_seen: UnlessSeen::GoOnIfServed,
        ..Want::of("networking.istio.io", ISTIO_VERSIONS, kind)
    }
}

/// The kinds that rules look up, which may be told as not seen.
pub(in crate::cli) fn kinds() -> impl Iterator<Item = &'static str> {
    WANTS.iter().map(|want| want.kind)
}

/// Reads the cluster of the flags; none without `--cluster`. Also gives the
/// namespace of the gateway's pods.
///
/// # Errors
/// A kubeconfig that cannot be used, and flags that need files: exit 2. A server
/// that cannot be reached: exit 3.
pub(super) fn read(args: &LintArgs, context: &Context) -> Result<Option<(LiveSource, String)>, Failure> {
    if !args.live.cluster {
        return Ok(None);
    }
    if let Some(given) = args.given.first() {
        return Err(Failure::usage(
            Problem::new(format!("--cluster and {} exclude each other", given.display()))
                .fix("lint one after the other"),
        ));
    }
    if args.fix {
        return Err(Failure::usage(
            Problem::new("--fix changes files, and the objects of a cluster stand in none")
                .why("what is changed in the cluster alone is undone by the next apply of the files")
                .fix("istio-tls lint -f FILE --fix, then istio-tls apply -f FILE"),
        ));
    }
    runtime()?.block_on(async {
        let notice = |text: &str| context.say(text);
        let (client, config) = cluster_objects::client(&args.live, context, &notice).await?;
        let sight = cluster_objects::look(&client, config.as_ref(), WANTS, context).await?;
        if sight.parts.seen.iter().all(|part| part.resource.is_of(RBAC)) {
            return Err(Failure::runtime(nothing_seen(
                &sight.parts.unseen,
                &sight.access.context,
            )));
        }
        Ok(Some(listed(&client, sight, context).await?))
    })
}

/// Everything that a rule looks at, as the cluster has it now; and the namespace
/// of the gateway's pods.
///
/// # Errors
/// A server that cannot be asked: exit 3.
pub(in crate::cli) async fn live(
    client: &Client<'_>,
    config: Option<&WorkspaceConfig>,
    context: &Context,
) -> Result<(LiveSource, String), Failure> {
    let sight = cluster_objects::look(client, config, WANTS, context).await?;
    listed(client, sight, context).await
}

/// Lists what is in sight.
async fn listed(client: &Client<'_>, sight: Sight, context: &Context) -> Result<(LiveSource, String), Failure> {
    let listed: Vec<Vec<serde_json::Value>> = stream::iter(&sight.parts.seen)
        .map(|part| parts::list(client, part))
        .buffered(AT_ONCE)
        .try_collect()
        .await
        .map_err(Failure::runtime)?;
    if context.namespace.is_none() {
        say_unseen(&sight.parts.unseen, context);
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

/// Nothing that could be judged is seen: no finding would mean nothing.
fn nothing_seen(unseen: &[Unseen], context: &str) -> Problem {
    let kinds: BTreeSet<&str> = unseen.iter().map(|one| one.kind.as_str()).collect();
    let problem = Problem::new("nothing of the cluster can be seen")
        .at(format!("context {context}"))
        .fix("ask for the verb list on these kinds, as the ClusterRole view has it for most, or name a namespace of yours with -n");
    match unseen.first() {
        Some(first) => problem.why(format!(
            "{}; nor any of {}",
            first.why,
            kinds.into_iter().collect::<Vec<_>>().join(", ")
        )),
        None => problem,
    }
}

/// What this user may not see: the kinds, and with `-v` each reason.
fn say_unseen(unseen: &[Unseen], context: &Context) {
    if context.verbose > 0 {
        for one in unseen {
            context.say(&format!("note: not seen: {} ({})", one.what, one.why));
        }
        return;
    }
    let Some(first) = unseen.first() else { return };
    let kinds: BTreeSet<&str> = unseen.iter().map(|one| one.kind.as_str()).collect();
    let kinds: Vec<&str> = kinds.into_iter().collect();
    context.say(&format!(
        "note: not all is seen of the kinds {}: {}; -v says more",
        kinds.join(", "),
        first.why
    ));
}
