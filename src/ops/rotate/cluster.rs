//! The cluster of a rotation: the Secrets of a host are dry-run before anything is
//! written, and stored once the files are in place.

use super::cut_off::half_done;
use super::outcome::{Rotated, Stored};
use super::request::{ClusterRequest, LOCAL, Request, Wish};
use super::secrets::{TriedSecret, leaf};
use crate::certs::summary::CertificateSummary;
use crate::cluster::apply::{self, Action, Allowed, Applying, Refused, Ways};
use crate::cluster::client::Client;
use crate::cluster::gateway_pod::GatewayPod;
use crate::cluster::ingress::Wanted;
use crate::cluster::kubeconfig::Access;
use crate::cluster::secrets::{self as cluster_secrets, LiveSecret};
use crate::cluster::{parts, plan};
use crate::manifests::build::Material;
use crate::names::Host;
use crate::ops::chain_clients::certificates;
use crate::ops::cluster_ingress::{self, Reached};
use crate::ops::host_secrets::{self, Elsewhere, SecretPlace};
use crate::ops::secret_advice::{self, Advice};
use crate::ops::{Failure, Surroundings, cluster_access, intent};
use crate::problem::Problem;
use crate::remedy::{Cluster as Flags, Kind, Line, Remedy, ours};
use crate::workspace::config::{SecretStyle, WorkspaceConfig};
use crate::workspace::layout::{ChainLayout, Part};

/// The cluster, and the gateway in it.
pub(super) struct Cluster<'a> {
    client: Client<'a>,
    config: WorkspaceConfig,
    allowed: Allowed,
    gateway: Wanted,
    /// The request.
    wish: Wish,
    /// The flags that select it again.
    pub(super) flags: Flags,
}

/// A cluster that has not been contacted yet.
pub struct Destination {
    /// How to reach it.
    pub access: Access,
    /// The context that the last `apply` used.
    pub recorded: Option<String>,
    /// The flags that select it again.
    pub(super) flags: Flags,
    config: WorkspaceConfig,
    gateway: Wanted,
}

/// Finds the cluster of the request, or the one that `apply` recorded; none if there is
/// neither.
///
/// # Errors
/// If its kubeconfig or the workspace cannot be used.
pub(super) async fn find(request: &ClusterRequest, here: &Surroundings) -> Result<Option<Destination>, Failure> {
    let file = cluster_ingress::workspace(here)?;
    let Some(place) = request.place.in_play(file.as_ref()) else {
        return Ok(None);
    };
    let Some(file) = file else {
        return Err(Failure::usage(
            Problem::new("there is no istio-tls.yaml here, so this folder's Secrets in a cluster are unknown")
                .fix(Remedy::from(ours::apply()).and(", which creates both").or(LOCAL)),
        ));
    };
    let access = place.access(here).await.map_err(or_local)?;
    here.say(&format!(
        "context {} (user {}), server {}",
        access.context, access.user, access.server
    ));
    // Chains without an entry have default names, too.
    let config = intent::workspace(here).map_err(Failure::usage)?;
    let config = host_secrets::located(config, here);
    Ok(Some(Destination {
        recorded: file.context,
        flags: request.place.leading_to(&access),
        gateway: cluster_ingress::wanted(config.gateway.clone(), here),
        access,
        config,
    }))
}

/// Connects to the cluster; `notice` is called for retries.
///
/// # Errors
/// If its certificates or credentials cannot be used.
pub(super) fn connect<'n>(
    destination: &Destination,
    request: &ClusterRequest,
    wish: Wish,
    notice: &'n (dyn Fn(&str) + Sync),
) -> Result<Cluster<'n>, Failure> {
    let client = Client::new(destination.access.clone(), request.retry_for, notice)
        .map_err(Failure::runtime)
        .map_err(or_local)?;
    Ok(Cluster {
        client,
        config: destination.config.clone(),
        gateway: destination.gateway.clone(),
        flags: destination.flags.clone(),
        wish,
        allowed: Allowed {
            force_conflicts: request.force_conflicts,
            // A replacement would remove the Secret for a while.
            replace: false,
        },
    })
}

impl Cluster<'_> {
    /// The context's name.
    pub(super) fn context(&self) -> &str {
        &self.client.access.context
    }

    /// Reaches the cluster's gateway, and reports how.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub(super) async fn reach(&self) -> Result<(Reached, String), Problem> {
        cluster_ingress::reach_with(&self.client, &self.gateway).await
    }

    /// The Ready pods of its gateway.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub(super) async fn ready_pods(&self) -> Result<Vec<GatewayPod>, Problem> {
        cluster_ingress::ready_pods(&self.client, &self.gateway).await
    }

    /// Reaches one of them.
    ///
    /// # Errors
    /// If a port-forward to it cannot be opened.
    pub(super) async fn through(&self, pod: &GatewayPod) -> Result<Reached, Problem> {
        cluster_ingress::through(&self.client, pod).await
    }

    /// Where a Secret is, or will be, if not in the expected namespace.
    async fn elsewhere(&self, place: &SecretPlace) -> Vec<Elsewhere> {
        let made = host_secrets::made_elsewhere(&self.client, &self.config, place).await;
        let pods = host_secrets::pods_elsewhere(&self.client, &self.config).await;
        made.into_iter().chain(pods).collect()
    }

    /// Why its gateway could not be reached, and where its pods are.
    pub(super) async fn unreached(&self, problem: Problem) -> Remedy {
        match host_secrets::pods_elsewhere(&self.client, &self.config).await {
            Some(elsewhere) => Remedy::from(problem.what).and("; ").and(elsewhere.words()),
            None => problem.what.into(),
        }
    }

    /// That it has no Secret of a host, which ones were looked for, and where this
    /// workspace has created one of that name.
    pub(super) async fn without_secret(&self, host: &Host) -> Remedy {
        let places = host_secrets::places(&self.config, host).unwrap_or_default();
        let titles: Vec<String> = (places.iter())
            .map(|place| format!("{}/{}", place.namespace, place.name))
            .collect();
        let what = format!(
            "the context {} has no Secret {} of {host}",
            self.context(),
            titles.join(" and ")
        );
        let elsewhere = match places.first() {
            Some(place) => self.elsewhere(place).await,
            None => Vec::new(),
        };
        let fix = if elsewhere.is_empty() {
            Remedy::from("; ")
                .and(ours::apply())
                .and(" creates it")
                .at_cluster(&self.flags)
        } else {
            (elsewhere.iter()).fold(Remedy::default(), |all, elsewhere| all.and("; ").and(elsewhere.words()))
        };
        Remedy::from(what).and(fix)
    }

    /// Whether a kubelet delivers Secrets to the gateway, which takes time.
    pub(super) fn is_mounted(&self) -> bool {
        self.config.secrets == SecretStyle::FileMount
    }

    /// Has the API server dry-run the Secrets of a host with this material; stores
    /// nothing. If none of them exists, none is tried.
    ///
    /// # Errors
    /// If it cannot be reached or refuses one, or a field belongs to somebody else.
    pub(super) async fn try_secrets(
        &self,
        host: &Host,
        material: Material,
        here: &Surroundings,
    ) -> Result<Vec<TriedSecret>, Failure> {
        let places = host_secrets::places(&self.config, host).map_err(Failure::usage)?;
        let made = intent::secrets_of(&self.config, host, material).map_err(Failure::usage)?;
        let contents = made
            .iter()
            .map(|object| serde_json::to_value(object).expect("objects contain nothing that JSON cannot express"))
            .collect();
        let (wanted, _) = plan::wanted(contents).map_err(Failure::usage)?;
        let applying = Applying {
            workspace: Some(&self.config.id),
            namespace: &self.config.gateway.namespace,
            allowed: self.allowed,
            ways: Ways {
                force_conflicts: &self.by_force(host),
                // Replacing a Secret would leave a gap; apply says so where it does.
                replace: &ours::apply_replace(),
            },
        };
        let ready = match apply::prepare(&self.client, &wanted, &applying).await {
            Ok(ready) => ready,
            Err(error) => return Err(self.refused(error, &places, host, here).await),
        };
        let tried = ready.into_iter().filter_map(|ready| {
            let place = places.iter().find(|place| place.name == ready.name)?.clone();
            let leaf_of = |object| leaf(&place, &LiveSecret::of_object(object, None));
            Some(TriedSecret {
                leaf: ready.before().and_then(leaf_of),
                wanted_leaf: leaf_of(ready.after()),
                differs: ready
                    .before()
                    .is_none_or(|before| before["data"] != ready.after()["data"]),
                is_missing: ready.before().is_none(),
                place,
                ready,
            })
        });
        let tried: Vec<TriedSecret> = tried.collect();
        if tried.iter().all(|secret| secret.is_missing) {
            return Ok(Vec::new());
        }
        Ok(tried)
    }

    /// The same again, taking over what others manage.
    fn by_force(&self, host: &Host) -> Line {
        let line = Line::new(Kind::RotateForceConflicts, ["rotate"]).arg(host);
        let line = match self.wish {
            Wish::Leaf { clients: false } => line,
            Wish::Leaf { clients: true } => line.arg("--clients"),
            Wish::Ca => line.arg("--ca"),
            Wish::Finish => line.arg("--finish"),
            Wish::Abort => line.arg("--abort"),
        };
        line.arg("--force-conflicts").of_cluster()
    }

    /// Why the API server does not accept the Secrets, and what to do.
    async fn refused(&self, mut error: Refused, places: &[SecretPlace], host: &Host, here: &Surroundings) -> Failure {
        let Some(first) = places.first() else {
            return refused(error, host);
        };
        let more = if error.is_conflict {
            // Whoever renews the Secret would cause the conflict again.
            let advice = self.advice(places, host, here).await;
            advice.map(|advice| {
                error.problem.fix = Some(advice.fix);
                advice.why
            })
        } else if parts::is_absent(&self.client, &first.namespace).await {
            // They may be in another namespace.
            let all = self.elsewhere(first).await;
            // The namespace of the pods matters more than where a Secret was created.
            if let Some(elsewhere) = all.last() {
                error.problem.fix = Some(elsewhere.fix.clone());
            }
            let why: Vec<&str> = all.iter().map(|elsewhere| elsewhere.what.as_str()).collect();
            (!why.is_empty()).then(|| why.join("; "))
        } else {
            None
        };
        if let Some(more) = more {
            error.problem.why = Some(match error.problem.why.take() {
                Some(why) => format!("{why}\n{more}"),
                None => more,
            });
        }
        refused(error, host)
    }

    /// What to do about Secrets that others manage or have renewed.
    async fn advice(&self, places: &[SecretPlace], host: &Host, here: &Surroundings) -> Option<Advice> {
        let file = certificates(&ChainLayout::new(&here.dir, host), Part::ServerCert).ok()?;
        let file = CertificateSummary::of(file.first()?).ok()?;
        for place in places {
            let secret = cluster_secrets::read(&self.client, &place.namespace, &place.name, None).await;
            let Some(secret) = secret.ok().flatten() else { continue };
            let newer = leaf(place, &secret).is_some_and(|live| live.not_before > file.not_before);
            let title = format!("{}/{}", place.namespace, place.name);
            let advice = secret_advice::of_others(&title, host, secret.controller.as_deref(), newer);
            if advice.is_some() {
                return advice;
            }
        }
        None
    }

    /// Dry-runs them with the present content of the files.
    ///
    /// # Errors
    /// Like [`Self::try_secrets`].
    pub(super) async fn try_files(&self, host: &Host, here: &Surroundings) -> Result<Vec<TriedSecret>, Failure> {
        match intent::material(&here.dir, host).map_err(Failure::usage)? {
            Some(material) => self.try_secrets(host, material, here).await,
            None => Ok(Vec::new()),
        }
    }

    /// Stores what was dry-run; the files are in place by now. `rotated` always shows
    /// what is stored and what is left.
    ///
    /// # Errors
    /// If the API server cannot be reached any more or refuses: what is swapped, what is
    /// not, and the line to continue.
    pub(super) async fn store(
        &self,
        rotated: &mut Rotated,
        tried: &[TriedSecret],
        request: &Request,
        here: &Surroundings,
    ) -> Result<(), Failure> {
        rotated.left = tried.iter().map(|secret| secret.ready.title()).collect();
        for secret in tried {
            rotated.unknown = Some(rotated.left.remove(0));
            for note in &secret.ready.notes {
                here.advise(&Remedy::from(format!("{}: ", secret.ready.title())).and(note.words()));
            }
            let mut action = None;
            let ready = std::slice::from_ref(&secret.ready);
            let outcome = apply::store_all(&self.client, ready, &mut |_, did| action = Some(did)).await;
            if let Err(stopped) = outcome {
                if stopped.unknown.is_empty() {
                    rotated.left.splice(0..0, rotated.unknown.take());
                }
                return Err(half_done(stopped, rotated, request));
            }
            rotated.unknown = None;
            rotated.secrets.push(Stored {
                action: action.unwrap_or(Action::Unchanged),
                new: secret.wanted_leaf.clone(),
                ..secret.as_it_is()
            });
        }
        Ok(())
    }
}

/// Why the API server does not accept the Secrets of a host.
fn refused(mut error: Refused, host: &Host) -> Failure {
    let problem = &mut error.problem;
    problem.why = Some(match problem.why.take() {
        Some(why) => format!("{why}\nnothing of {host} was written"),
        None => format!("nothing of {host} was written"),
    });
    or_local(cluster_access::refused(error))
}

/// The failure with the alternative that does not need the cluster.
fn or_local(mut failure: Failure) -> Failure {
    failure.problem.fix = Some(match failure.problem.fix.take() {
        Some(fix) => fix.below("or ").and(LOCAL),
        None => LOCAL.into(),
    });
    failure
}
