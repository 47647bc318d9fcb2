//! `serve --cluster`: the objects of a cluster, watched for changes.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::workspace_watch::{Given, WorkspaceWatch};
use crate::cluster::parts::{ISTIO_VERSIONS, UnlessSeen, Want, Within};
use crate::cluster::watch::{self, Following};
use crate::ops::cluster_access::{ClusterPlace, runtime};
use crate::ops::cluster_objects::{self, Sight};
use crate::ops::lint::cluster::kinds as kinds_looked_up;
use crate::ops::{Failure, Surroundings};
use crate::problem::Problem;
use crate::sources::live::{LiveObjects, LiveSource, Unseen};
use crate::sources::played::GatewayChoice;
use crate::workspace::config::{GatewayEntry, WorkspaceConfig};

/// The kinds that configure a gateway. Secrets are read only where its pods run.
const fn wants(without_secrets: UnlessSeen) -> [Want; 5] {
    const fn of_istio(kind: &'static str) -> Want {
        Want {
            unless_seen: UnlessSeen::Fail(None),
            ..Want::of("networking.istio.io", ISTIO_VERSIONS, kind)
        }
    }
    [
        of_istio("Gateway"),
        of_istio("VirtualService"),
        // A destination whose Service cannot be read is assumed to exist.
        Want::of("", &["v1"], "Service"),
        Want {
            within: Within::PodNamespace,
            ..Want::of("apps", &["v1"], "Deployment")
        },
        Want {
            within: Within::PodNamespace,
            unless_seen: without_secrets,
            ..Want::of("", &["v1"], "Secret")
        },
    ]
}

/// A cluster that is watched.
pub(super) struct Live {
    /// What is known of it.
    pub(super) source: LiveSource,
    /// Where the gateway's pods run.
    pub(super) pod_namespace: String,
    /// Stops watching when dropped.
    pub(super) followed: Followed,
}

/// A cluster and the workspace's file, watched until this is dropped.
pub(super) struct Followed {
    following: Following,
    /// Reports when the file has changed.
    _workspace: WorkspaceWatch,
}

impl Followed {
    /// Calls `wake` after every later change in the cluster, and once for those before.
    pub(super) fn on_change(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.following.on_change(wake);
    }
}

/// Which cluster is watched, and what is needed from it.
pub(super) struct Wanted<'r> {
    /// The cluster.
    pub(super) place: &'r ClusterPlace,
    /// Which of its gateways is played.
    pub(super) gateway: &'r GatewayChoice,
    /// The Secrets need not be readable: there are others.
    pub(super) without_secrets: bool,
    /// Everything must be readable.
    pub(super) strict: bool,
}

/// What istio-tls.yaml says about the gateway, with the pod labels that the user gave.
fn chosen(gateway: &GatewayChoice, recorded: Option<&GatewayEntry>) -> Option<GatewayEntry> {
    let GatewayChoice::Labelled(labels) = gateway else {
        return recorded.cloned();
    };
    Some(GatewayEntry {
        selector: labels.clone(),
        ..recorded.cloned().unwrap_or_default()
    })
}

/// The surroundings, with the chosen gateway's namespace unless a flag names one.
fn in_namespace_of<'h>(gateway: &GatewayChoice, here: &'h Surroundings) -> Cow<'h, Surroundings> {
    match gateway {
        GatewayChoice::Named { namespace, .. } if here.gateway_namespace.is_none() => {
            let mut there = here.clone();
            there.gateway_namespace = Some(namespace.clone());
            Cow::Owned(there)
        }
        _ => Cow::Borrowed(here),
    }
}

/// Starts to watch a cluster.
///
/// # Errors
/// A kubeconfig that cannot be used: bad input. A server that cannot be reached or denies
/// what is needed: a runtime failure.
pub(super) fn follow(wanted: &Wanted<'_>, here: &Surroundings) -> Result<Live, Failure> {
    let wants = wants(if wanted.without_secrets {
        UnlessSeen::GoOn
    } else {
        UnlessSeen::Fail(Some("--certs DIR, which replaces the Secrets"))
    });
    let (sight, config): (Sight, Option<WorkspaceConfig>) = runtime()?.block_on(async {
        let notice = |text: &str| here.say(text);
        let (client, config) = cluster_objects::client(wanted.place, here, &notice).await?;
        let recorded = config.as_ref().map(|config| &config.gateway);
        let chosen = chosen(wanted.gateway, recorded);
        let here = in_namespace_of(wanted.gateway, here);
        let sight = cluster_objects::look(&client, chosen.as_ref(), &wants, &here).await?;
        Ok::<_, Failure>((sight, config))
    })?;
    for unseen in &sight.parts.unseen {
        tracing::warn!("not readable: {} ({})", unseen.what, unseen.why);
    }
    if wanted.strict
        && let Some(unseen) = sight.parts.unseen.first()
    {
        return Err(Failure::usage(
            Problem::new(format!("--strict: {} are not readable", unseen.what))
                .why(unseen.why.clone())
                .fix("run serve as a user who may list and watch them, without -n; or without --strict"),
        ));
    }
    let name = sight.access.context.clone();
    let given = Given {
        context: wanted.place.context.is_some(),
        followed: name.clone(),
        pod_namespace: here.gateway_namespace.is_some(),
        namespace: here.namespace.is_some(),
    };
    let workspace = WorkspaceWatch::start(config.as_ref(), given, here)?;
    let objects = Arc::new(LiveObjects::default());
    let following =
        watch::follow(sight.access, sight.parts.seen, objects.clone(), here.aim.clone()).map_err(Failure::runtime)?;
    let mut source = LiveSource::new(&name, objects, Instant::now());
    source.pod_labels = sight.pod_labels;
    source.unseen = sight.parts.unseen;
    // What is not part of a configuration is not read: its absence is not a finding.
    let others = kinds_looked_up().filter(|kind| !wants.iter().any(|want| want.kind == *kind));
    source.unseen.push(Unseen {
        kind: "Secret".to_owned(),
        seen_in: BTreeSet::from([sight.pod_namespace.clone()]),
        what: format!("secrets outside the namespace {}", sight.pod_namespace),
        why: "serve does not read them".to_owned(),
    });
    source.unseen.extend(others.map(|kind| Unseen {
        kind: kind.to_owned(),
        seen_in: BTreeSet::new(),
        what: format!("objects of kind {kind}"),
        why: "serve does not read them".to_owned(),
    }));
    Ok(Live {
        source,
        pod_namespace: sight.pod_namespace,
        followed: Followed {
            following,
            _workspace: workspace,
        },
    })
}
