//! The Secrets of a host as an API server would store them, and as they are now.

use super::decide::Step;
use super::outcome::{PlannedSecret, Stored};
use super::request::LOCAL;
use crate::certs::summary::CertificateSummary;
use crate::cluster::apply::{Action, Ready};
use crate::cluster::live;
use crate::cluster::secrets::LiveSecret;
use crate::ops::Failure;
use crate::ops::host_secrets::{self, SecretPlace};
use crate::ops::secret_advice;
use crate::problem::Problem;
use crate::workspace::layout::ChainLayout;

/// A Secret of a host, as the API server would store it.
pub(super) struct TriedSecret {
    pub(super) place: SecretPlace,
    /// Its present leaf.
    pub(super) leaf: Option<CertificateSummary>,
    /// Its data differs from the files.
    pub(super) differs: bool,
    /// It does not exist.
    pub(super) is_missing: bool,
    pub(super) wanted_leaf: Option<CertificateSummary>,
    pub(super) ready: Ready,
}

impl TriedSecret {
    /// As an unchanged one.
    pub(super) fn as_it_is(&self) -> Stored {
        Stored {
            namespace: self.place.namespace.clone(),
            name: self.place.name.clone(),
            action: Action::Unchanged,
            old: self.leaf.clone(),
            new: self.leaf.clone(),
        }
    }

    /// What a step would change in it.
    pub(super) fn planned(&self, step: &Step) -> PlannedSecret {
        PlannedSecret {
            namespace: self.place.namespace.clone(),
            name: self.place.name.clone(),
            changes: self.changed_keys(step),
            lags: self.differs,
            leaf: self.leaf.clone(),
        }
    }

    /// The keys that a step changes, or that differ from the files.
    fn changed_keys(&self, step: &Step) -> Vec<String> {
        let (leaf, ca) = match step {
            Step::Leaves { server, .. } => (*server, false),
            Step::FinishLeaf => (true, true),
            Step::StartCa | Step::FinishCa | Step::AbortCa | Step::CatchUp { finishes: true } => (false, true),
            Step::Nothing(_) | Step::ResumeCa | Step::CatchUp { finishes: false } => (false, false),
        };
        let mut keys = match step {
            Step::Nothing(_) => Vec::new(),
            _ => self.lagging_keys(),
        };
        let of_leaf = self.place.leaf_keys.iter().filter(|_| leaf);
        for key in of_leaf.chain(self.place.ca_key.iter().filter(|_| ca)) {
            if !keys.iter().any(|known| known == key) {
                keys.push((*key).to_owned());
            }
        }
        keys
    }

    /// The keys whose values differ from the files.
    fn lagging_keys(&self) -> Vec<String> {
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

/// How the Secrets of a host compare with its files.
pub(super) enum Standing<'t> {
    /// They are equal, or the host is not in the cluster.
    Same,
    /// They contain what the files contained before.
    Behind,
    /// Somebody else has renewed this one; its leaf is newer.
    Ahead(&'t TriedSecret, CertificateSummary),
}

/// How Secrets that were dry-run with the present files compare with them.
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

/// Why nothing is overwritten with files that are older than the Secret.
pub(super) fn ahead(secret: &TriedSecret, leaf: &CertificateSummary, layout: &ChainLayout) -> Failure {
    let place = format!("{}/{}", secret.place.namespace, secret.place.name);
    let controller = secret.ready.before().and_then(live::controller);
    let advice = secret_advice::of_others(&place, layout.host(), controller.as_deref(), true);
    let (why, fix) = advice.map(|advice| (advice.why, advice.fix)).unwrap_or_default();
    Failure::findings(
        Problem::new(format!(
            "Secret {place} contains a newer leaf than the files of {}",
            layout.host()
        ))
        .at(format!("{}/", crate::files::shown(&layout.folder())))
        .why(format!(
            "{why}; its serial is {}, and it expires on {}",
            leaf.serial,
            leaf.not_after.date()
        ))
        .fix(fix.and("; ").and(LOCAL)),
    )
}

/// The server's leaf in a Secret; none if the Secret is not for it, or is broken.
pub(super) fn leaf(place: &SecretPlace, secret: &LiveSecret) -> Option<CertificateSummary> {
    if place.leaf_keys.is_empty() {
        return None;
    }
    let chain = host_secrets::chain(secret).ok()?;
    CertificateSummary::of(chain.first()?).ok()
}
