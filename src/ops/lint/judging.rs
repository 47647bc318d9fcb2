//! Prepares what was read for linting, for every command that lints.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use crate::lint::{Report, Settings, Suppression, Unseen, World, lint, suppress, suppress_annotated};
use crate::sources::{Collected, live};
use crate::workspace::config::IstioTarget;

/// The options.
#[derive(Debug, Clone, Default)]
pub struct Judging {
    /// `--istio`; by default istio-tls.yaml's, or the latest.
    pub target: Option<IstioTarget>,
    /// `--suppress`.
    pub suppressions: Vec<Suppression>,
}

impl Judging {
    /// The Istio version that the objects are for.
    fn target_of(&self, collected: &Collected<'_>) -> IstioTarget {
        let recorded = collected.config.as_ref().map(|config| config.istio);
        self.target.or(recorded).unwrap_or_default()
    }

    /// Lints what was read (`certs_given`: with `--certs`), and removes what comments and
    /// flags suppress.
    pub fn of_sources(&self, collected: &Collected<'_>, certs_given: bool, now: OffsetDateTime) -> Report {
        let settings = self.settings(collected, certs_given, now);
        let world = World::new(
            &collected.objects,
            &collected.errors,
            &collected.warnings,
            &collected.store,
            &settings,
        );
        let mut report = lint(&world);
        suppress(&mut report, &collected.ignores, &self.suppressions);
        suppress_annotated(&mut report, &collected.objects, &collected.namespace);
        report
    }

    /// Known facts other than the objects.
    pub(super) fn settings(&self, collected: &Collected<'_>, certs_given: bool, now: OffsetDateTime) -> Settings {
        Settings {
            target: self.target_of(collected),
            now,
            namespace: collected.namespace.clone(),
            pod_labels: collected.pod_labels.clone(),
            secrets_elsewhere: collected.workspace_hosts > 0 || certs_given,
            unseen: unseen(&collected.unseen),
        }
    }
}

/// By kind; if two groups have a kind of the same name, what is readable of both.
fn unseen(of_cluster: &[live::Unseen]) -> BTreeMap<String, Unseen> {
    let mut by_kind: BTreeMap<String, Unseen> = BTreeMap::new();
    for unseen in of_cluster {
        if let Some(known) = by_kind.get_mut(&unseen.kind) {
            known.seen_in.retain(|namespace| unseen.seen_in.contains(namespace));
            continue;
        }
        let of_kind = Unseen {
            seen_in: unseen.seen_in.clone(),
            why: format!("{} are not readable: {}", unseen.what, unseen.why),
        };
        by_kind.insert(unseen.kind.clone(), of_kind);
    }
    by_kind
}
