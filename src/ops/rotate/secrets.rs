//! The cluster that a rotation reaches: the Secrets of a host are tried before
//! anything is written, and stored when the files stand.

use time::OffsetDateTime;

use super::RotateArgs;
use super::exchange::Exchanged;
use super::plan::{Ends, Step};
use crate::certs::plan::parse_time;
use crate::certs::{CertificateDer, inspect};
use crate::ops::chain_clients::certificates;
use crate::ops::cluster_access::{self};
use crate::cli::ask::{FirstUse, permit};
use crate::ops::cluster_ingress::{self, Reached};
use crate::cli::context::Context;
use crate::ops::host_secrets::{self, SecretPlace};
use crate::ops::secret_advice::{self, Advice};
use crate::cli::{Failure};
use crate::ops::{intent};
use crate::cluster::apply::{self, Action, Allowed, Applying, Ready, Refused, Stopped};
use crate::cluster::client::Client;
use crate::cluster::gateway_pod::GatewayPod;
use crate::cluster::ingress::Wanted;
use crate::cluster::live;
use crate::cluster::parts;
use crate::cluster::plan;
use crate::cluster::secrets::{self as cluster_secrets, LiveSecret};
use crate::manifests::build::Material;
use crate::names::Host;
use crate::problem::Problem;
use crate::remedy::Remedy;
use crate::shell::quote;
use crate::workspace::config::{SecretStyle, WorkspaceConfig};
use crate::workspace::layout::{ChainLayout, Part};

/// What always leads out when a cluster is in the way.
const LOCAL: &str = "--local rotates the files alone, and leaves the cluster as it is";

/// The cluster, and the gateway in it.
pub(super) struct Cluster<'a> {
    client: Client<'a>,
    config: WorkspaceConfig,
    allowed: Allowed,
    gateway: Wanted,
}

/// A leaf in a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) ends: Ends,
    not_before: OffsetDateTime,
    /// Of the whole certificate, hex with colons.
    pub(super) sha256: String,
}

/// One Secret of a host, as the API server would take it.
pub(super) struct TriedSecret {
    pub(super) place: SecretPlace,
    /// The leaf that it holds now.
    pub(super) leaf: Option<Leaf>,
    /// Its data differs from what the files hold.
    pub(super) differs: bool,
    /// It is not there.
    pub(super) is_missing: bool,
    wanted_leaf: Option<Leaf>,
    ready: Ready,
}

/// One Secret that was stored.
pub(super) struct Stored {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) action: Action,
    /// The leaf before and after; none in the Secret of a CA.
    pub(super) old: Option<Leaf>,
    pub(super) new: Option<Leaf>,
}

impl TriedSecret {
    /// As one that nothing was changed of.
    pub(super) fn as_it_is(&self) -> Stored {
        Stored {
            namespace: self.place.namespace.clone(),
            name: self.place.name.clone(),
            action: Action::Unchanged,
            old: self.leaf.clone(),
            new: self.leaf.clone(),
        }
    }

    /// The keys whose values are not the files'.
    pub(super) fn lagging_keys(&self) -> Vec<String> {
        let data = |object: Option<&serde_json::Value>| object.and_then(|object| object["data"].as_object().cloned());
        let (now, then) = (
            data(self.ready.before()).unwrap_or_default(),
            data(Some(self.ready.after())),
        );
        let keys = then
            .into_iter()
            .flatten()
            .filter(|(key, value)| now.get(key) != Some(value));
        keys.map(|(key, _)| key).collect()
    }
}

impl Stored {
    /// Whether it is not what it was.
    pub(super) fn is_changed(&self) -> bool {
        self.action != Action::Unchanged
    }
}

/// How the Secrets of a host stand to its files.
pub(super) enum Standing<'t> {
    /// They hold the same, or the host is not in the cluster.
    Same,
    /// They hold what the files held before.
    Behind,
    /// Somebody else has renewed this one; its leaf is newer.
    Ahead(&'t TriedSecret, Leaf),
}

/// Connects to the cluster of the flags, or the one that `apply` recorded; none
/// without either, and with --local.
///
/// # Errors
/// When it may not be used, or its kubeconfig cannot.
pub(super) async fn connect<'a>(
    args: &RotateArgs,
    notice: &'a (dyn Fn(&str) + Sync),
    context: &Context,
) -> Result<Option<Cluster<'a>>, Failure> {
    if args.local {
        return Ok(None);
    }
    let file = cluster_ingress::workspace(context)?;
    let Some(place) = args.cluster.place.in_play(file.as_ref()) else {
        return Ok(None);
    };
    let Some(file) = file else {
        return Err(Failure::usage(
            Problem::new("there is no istio-tls.yaml here, so no Secret of this folder's can be known in a cluster")
                .fix(format!("istio-tls apply, which makes both; or {LOCAL}")),
        ));
    };
    let access = place.access(context).await.map_err(or_local)?;
    context.say(&format!(
        "context {} (user {}), server {}",
        access.context, access.user, access.server
    ));
    if !args.dry_run {
        let first = FirstUse {
            question: "Rotate Secrets in",
            done: "rotated in",
        };
        permit(&access, &args.cluster.place, file.context.as_deref(), &first, context)?;
    }
    let client = Client::new(access, args.cluster.retry_for, notice)
        .map_err(Failure::runtime)
        .map_err(or_local)?;
    // Chains without an entry have their names, too.
    let config = intent::workspace(context).map_err(Failure::usage)?;
    let config = host_secrets::located(config, context);
    Ok(Some(Cluster {
        gateway: cluster_ingress::wanted(config.gateway.clone(), context),
        client,
        config,
        allowed: Allowed {
            force_conflicts: args.force_conflicts,
            // Replacing would take the Secret away for a while.
            replace: false,
        },
    }))
}

impl Cluster<'_> {
    /// The context's name.
    pub(super) fn context(&self) -> &str {
        &self.client.access.context
    }

    /// Reaches the cluster's gateway; says how, too.
    ///
    /// # Errors
    /// When there is no way to it.
    pub(super) async fn reach(&self) -> Result<(Reached, String), Problem> {
        cluster_ingress::reach_with(&self.client, &self.gateway).await
    }

    /// The pods of its gateway that are Ready.
    ///
    /// # Errors
    /// When they cannot be asked for.
    pub(super) async fn ready_pods(&self) -> Result<Vec<GatewayPod>, Problem> {
        cluster_ingress::ready_pods(&self.client, &self.gateway).await
    }

    /// Reaches one of them.
    ///
    /// # Errors
    /// When there is no port-forward to it.
    pub(super) async fn through(&self, pod: &GatewayPod) -> Result<Reached, Problem> {
        cluster_ingress::through(&self.client, pod).await
    }

    /// Where a Secret is, or is to be, that is not where it is looked for.
    async fn elsewhere(&self, place: &SecretPlace) -> Option<String> {
        let made = host_secrets::made_elsewhere(&self.client, &self.config, place).await;
        let pods = host_secrets::pods_elsewhere(&self.client, &self.config).await;
        let words: Vec<String> = made.into_iter().chain(pods.map(|pods| pods.to_string())).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }

    /// Why its gateway could not be reached, and where its pods are.
    pub(super) async fn unreached(&self, problem: Problem) -> String {
        match host_secrets::pods_elsewhere(&self.client, &self.config).await {
            Some(elsewhere) => format!("{}; {elsewhere}", problem.what),
            None => problem.what,
        }
    }

    /// That it has no Secret of a host, which ones were looked for, and where this
    /// workspace has made one of that name.
    pub(super) async fn without_secret(&self, host: &Host) -> String {
        let places = host_secrets::places(&self.config, host).unwrap_or_default();
        let titles: Vec<String> = (places.iter())
            .map(|place| format!("{}/{}", place.namespace, place.name))
            .collect();
        let hint = match places.first() {
            Some(place) => self.elsewhere(place).await,
            None => None,
        };
        let hint = hint.unwrap_or_else(|| "istio-tls apply makes it".to_owned());
        format!(
            "the context {} has no Secret {} of {host}; {hint}",
            self.context(),
            titles.join(" and ")
        )
    }

    /// Whether a node's kubelet brings Secrets to the gateway, which takes its time.
    pub(super) fn is_mounted(&self) -> bool {
        self.config.secrets == SecretStyle::FileMount
    }

    /// Has the API server try the Secrets of a host with this material; stores
    /// nothing. None are tried where none of them is there.
    ///
    /// # Errors
    /// When it cannot be asked or refuses one, or somebody else's hand is in the way.
    pub(super) async fn try_secrets(
        &self,
        host: &Host,
        material: Material,
        context: &Context,
    ) -> Result<Vec<TriedSecret>, Failure> {
        let places = host_secrets::places(&self.config, host).map_err(Failure::usage)?;
        let made = intent::secrets_of(&self.config, host, material).map_err(Failure::usage)?;
        let contents = made
            .iter()
            .map(|object| serde_json::to_value(object).expect("objects hold nothing that JSON cannot say"))
            .collect();
        let (wanted, _) = plan::wanted(contents).map_err(Failure::usage)?;
        let applying = Applying {
            workspace: Some(&self.config.id),
            namespace: &self.config.gateway.namespace,
            allowed: self.allowed,
            line: "istio-tls apply",
        };
        let ready = match apply::prepare(&self.client, &wanted, &applying).await {
            Ok(ready) => ready,
            Err(error) => return Err(self.refused(error, &places, host, context).await),
        };
        let tried = ready.into_iter().filter_map(|ready| {
            let place = places.iter().find(|place| place.name == ready.name)?.clone();
            let leaf_of = |object| leaf(&place, &LiveSecret::of_object(object, None), context);
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

    /// Why the API server would not take the Secrets, and what to do.
    async fn refused(&self, mut error: Refused, places: &[SecretPlace], host: &Host, context: &Context) -> Failure {
        let Some(first) = places.first() else {
            return refused(error, host);
        };
        let more = if error.is_conflict {
            // Whoever renews the Secret would be in conflict with it again.
            let advice = self.advice(places, host, context).await;
            advice.map(|advice| {
                error.problem.fix = Some(advice.fix.into());
                advice.why
            })
        } else if parts::is_absent(&self.client, &first.namespace).await {
            // They may be in another namespace.
            self.elsewhere(first).await
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

    /// What to do about Secrets that others keep or have renewed.
    async fn advice(&self, places: &[SecretPlace], host: &Host, context: &Context) -> Option<Advice> {
        let file = certificates(&ChainLayout::new(&context.dir, host), Part::ServerCert).ok()?;
        let file = leaf_of(file.first()?, context)?;
        for place in places {
            let secret = cluster_secrets::read(&self.client, &place.namespace, &place.name, None).await;
            let Some(secret) = secret.ok().flatten() else { continue };
            let newer = leaf(place, &secret, context).is_some_and(|live| live.not_before > file.not_before);
            let title = format!("{}/{}", place.namespace, place.name);
            let advice = secret_advice::of_others(&title, host, secret.controller.as_deref(), newer);
            if advice.is_some() {
                return advice;
            }
        }
        None
    }

    /// Has them tried with what the files hold now.
    ///
    /// # Errors
    /// As [`Self::try_secrets`].
    pub(super) async fn try_files(&self, host: &Host, context: &Context) -> Result<Vec<TriedSecret>, Failure> {
        match intent::material(&context.dir, host).map_err(Failure::usage)? {
            Some(material) => self.try_secrets(host, material, context).await,
            None => Ok(Vec::new()),
        }
    }

    /// Stores what was tried; the files stand by now. What is stored and what is
    /// left stands in `exchanged` at any time.
    ///
    /// # Errors
    /// When the API server cannot be asked any more or refuses: what is swapped,
    /// what is not, and the line that goes on.
    pub(super) async fn store(
        &self,
        exchanged: &mut Exchanged,
        tried: &[TriedSecret],
        args: &RotateArgs,
        context: &Context,
    ) -> Result<(), Failure> {
        exchanged.left = tried.iter().map(|secret| secret.ready.title()).collect();
        for secret in tried {
            exchanged.unknown = Some(exchanged.left.remove(0));
            for note in &secret.ready.notes {
                context.say_always(&format!("note: {}: {note}", secret.ready.title()));
            }
            let mut action = None;
            let ready = std::slice::from_ref(&secret.ready);
            let outcome = apply::store_all(&self.client, ready, &mut |_, did| action = Some(did)).await;
            if let Err(stopped) = outcome {
                if stopped.unknown.is_empty() {
                    exchanged.left.splice(0..0, exchanged.unknown.take());
                }
                return Err(half_done(stopped, exchanged, args, context));
            }
            exchanged.unknown = None;
            exchanged.secrets.push(Stored {
                action: action.unwrap_or(Action::Unchanged),
                new: secret.wanted_leaf.clone(),
                ..secret.as_it_is()
            });
        }
        Ok(())
    }
}

/// The failure of a step whose files stand: what is swapped, what is not, and the
/// line that goes on.
fn half_done(stopped: Stopped, exchanged: &Exchanged, args: &RotateArgs, context: &Context) -> Failure {
    let mut refused = stopped.refused;
    let problem = &mut refused.problem;
    let mut lines: Vec<String> = problem.why.take().into_iter().collect();
    lines.extend(exchanged.swapped());
    problem.why = Some(lines.join("\n"));
    let line = format!(
        "{}     (it goes on where it stopped, and makes nothing anew)",
        going_on(exchanged, args, context)
    );
    refused.problem.fix = Some(Remedy::then_go_on(refused.problem.fix.take(), line));
    cluster_access::refused(refused)
}

/// The line that brings Secrets up to the files after a step was cut off.
pub(super) fn going_on(exchanged: &Exchanged, args: &RotateArgs, context: &Context) -> String {
    let host = exchanged.prepared.held.layout.host();
    // Once these files are exchanged, no rotation is recorded that could end.
    let is_over = exchanged.is_written && exchanged.left.is_empty() && exchanged.unknown.is_none();
    let step = match exchanged.prepared.step {
        Step::FinishCa | Step::AbortCa if is_over => "--if-expires-in 0d",
        Step::StartCa | Step::ResumeCa => "--ca",
        Step::FinishLeaf | Step::FinishCa | Step::CatchUp { finishes: true } => "--finish",
        Step::AbortCa => "--abort",
        Step::Leaves { .. } | Step::CatchUp { finishes: false } | Step::Nothing(_) => "--if-expires-in 0d",
    };
    let place = &args.cluster.place;
    let file = place.kubeconfig.as_ref().map(|file| file.display().to_string());
    let flag = |name: &str, value: Option<&str>| match value {
        Some(value) => format!(" --{name} {}", quote(value)),
        None => String::new(),
    };
    format!(
        "istio-tls{} rotate {} {step}{}{}",
        context.dir_flag(),
        quote(host.as_str()),
        flag("kubeconfig", file.as_deref()),
        flag("context", place.context.as_deref())
    )
}

/// How Secrets that were tried with the files' state stand to it.
pub(super) fn standing(tried: &[TriedSecret]) -> Standing<'_> {
    for secret in tried {
        if let (Some(live), Some(file)) = (&secret.leaf, &secret.wanted_leaf)
            && live.not_before > file.not_before
        {
            return Standing::Ahead(secret, live.clone());
        }
    }
    if tried.iter().any(|secret| secret.differs) {
        Standing::Behind
    } else {
        Standing::Same
    }
}

/// Why nothing is brought up to files that are older than the Secret.
pub(super) fn ahead(secret: &TriedSecret, leaf: &Leaf, layout: &ChainLayout) -> Failure {
    let place = format!("{}/{}", secret.place.namespace, secret.place.name);
    let controller = secret.ready.before().and_then(live::controller);
    let advice = secret_advice::of_others(&place, layout.host(), controller.as_deref(), true);
    let (why, fix) = advice.map(|advice| (advice.why, advice.fix)).unwrap_or_default();
    Failure::findings(
        Problem::new(format!(
            "Secret {place} holds a newer leaf than the files of {}",
            layout.host()
        ))
        .at(format!("{}/", crate::files::shown(&layout.folder())))
        .why(format!(
            "{why}; its serial is {}, and it ends on {}",
            leaf.ends.serial,
            leaf.ends.not_after.date()
        ))
        .fix(format!("{fix}; {LOCAL}")),
    )
}

fn leaf(place: &SecretPlace, secret: &LiveSecret, context: &Context) -> Option<Leaf> {
    if place.leaf_keys.is_empty() {
        return None;
    }
    let chain = host_secrets::chain(secret).ok()?;
    leaf_of(chain.first()?, context)
}

fn leaf_of(certificate: &CertificateDer<'_>, context: &Context) -> Option<Leaf> {
    let facts = inspect::certificate(certificate, context.now).ok()?;
    Some(Leaf {
        ends: Ends {
            not_after: parse_time(&facts.not_after).ok()?,
            serial: facts.serial,
        },
        not_before: parse_time(&facts.not_before).ok()?,
        sha256: facts.sha256,
    })
}

fn refused(mut error: Refused, host: &Host) -> Failure {
    let is_conflict = error.is_conflict;
    let problem = &mut error.problem;
    problem.why = Some(match problem.why.take() {
        Some(why) => format!("{why}\nnothing of {host} was written"),
        None => format!("nothing of {host} was written"),
    });
    if is_conflict {
        // Replacing a Secret would leave a gap; apply says so where it does it.
        let fix = problem.fix.take();
        problem.fix = fix.map(|fix| fix.replace("--replace deletes", "istio-tls apply --replace deletes"));
    }
    or_local(cluster_access::refused(error))
}

fn or_local(mut failure: Failure) -> Failure {
    if let Some(problem) = &mut failure.problem {
        problem.fix = Some(match problem.fix.take() {
            Some(fix) => format!("{fix}\nor {LOCAL}"),
            None => LOCAL.to_owned(),
        });
    }
    failure
}
