//! The pods that can be gateways, and which of them a selector means, as far
//! as the input tells. Which Gateways run on them, and which ports Services
//! lead to there, is said by [`super::workloads`].

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::lint::item::Item;
use crate::lint::settings::Settings;
use crate::lint::world::World;
use crate::manifests::model::{Deployment, Other};

/// Labels of pods, or a selector of them.
pub(in crate::lint) type Labels = BTreeMap<String, String>;

/// Pods that look alike.
pub(in crate::lint) struct PodKind<'a> {
    /// Where they run.
    pub(in crate::lint) namespace: &'a str,
    /// What selectors are compared with.
    pub(in crate::lint) labels: Cow<'a, Labels>,
    /// Istio's own ingress gateway, which need not be in the input: its pod is
    /// assumed as `istioctl analyze` assumes it.
    pub(in crate::lint) assumed: bool,
}

/// The assumed pods first, then those of each Deployment in the order of the
/// input, then those of the other kinds that have pods.
pub(in crate::lint) fn pod_kinds<'a>(
    settings: &'a Settings,
    pod_namespace: &'a str,
    deployments: &[Item<'a, Deployment>],
    others: &[Item<'a, Other>],
) -> Vec<PodKind<'a>> {
    let mut found = vec![PodKind {
        namespace: pod_namespace,
        labels: Cow::Borrowed(&settings.pod_labels),
        assumed: true,
    }];
    found.extend(deployments.iter().map(|item| PodKind {
        namespace: item.namespace,
        labels: Cow::Borrowed(&item.object.spec.template.metadata.labels),
        assumed: false,
    }));
    found.extend(others.iter().filter_map(|item| {
        let labels = match item.object.kind.as_str() {
            "Pod" => Cow::Borrowed(&item.metadata.labels),
            "DaemonSet" | "StatefulSet" | "ReplicaSet" => Cow::Owned(template_labels(&item.object.content)),
            _ => return None,
        };
        Some(PodKind {
            namespace: item.namespace,
            labels,
            assumed: false,
        })
    }));
    found
}

fn template_labels(content: &Value) -> Labels {
    let labels = content.pointer("/spec/template/metadata/labels");
    let labels = labels.and_then(Value::as_object).into_iter().flatten();
    labels
        .filter_map(|(label, value)| Some((label.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// Whether labels have everything that a selector asks for.
pub(in crate::lint) fn matches(selector: &Labels, labels: &Labels) -> bool {
    selector.iter().all(|(label, value)| labels.get(label) == Some(value))
}

/// The pods that can be gateways, to be asked by selector.
pub(crate) struct PodIndex<'a> {
    known: Vec<PodKind<'a>>,
    /// Selectors that were asked for: there are few, however many Gateways.
    selected: RefCell<HashMap<Labels, Vec<usize>>>,
}

/// The pods of one selector.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Pods {
    /// These, by their places in the list; pods with a place in common share an address.
    Known(Vec<usize>),
    /// None that is known: those with these labels.
    Unknown(Labels),
}

impl<'a> PodIndex<'a> {
    /// Those of the world.
    pub(in crate::lint) fn of(world: &World<'a>) -> Self {
        Self {
            known: pod_kinds(world.settings, world.pod_namespace(), &world.deployments, &world.others),
            selected: RefCell::default(),
        }
    }

    /// The pods of a selector; an empty one means Istio's own.
    pub(in crate::lint) fn select(&self, selector: &Labels) -> Pods {
        if selector.is_empty() {
            return Pods::Known(vec![0]);
        }
        let mut selected = self.selected.borrow_mut();
        let places = selected.entry(selector.clone()).or_insert_with(|| {
            let kinds = self.known.iter().enumerate();
            let fitting = kinds.filter(|(_, pods)| matches(selector, &pods.labels));
            fitting.map(|(place, _)| place).collect()
        });
        if places.is_empty() {
            Pods::Unknown(selector.clone())
        } else {
            Pods::Known(places.clone())
        }
    }

    /// The places of the world's Deployments that these pods are of.
    pub(crate) fn deployments(pods: &Pods) -> impl Iterator<Item = usize> {
        let places = match pods {
            Pods::Known(places) => places.as_slice(),
            Pods::Unknown(_) => &[],
        };
        // The first kind is Istio's own, which is assumed; the Deployments follow.
        places.iter().filter_map(|place| place.checked_sub(1))
    }

    /// The namespaces in which pods run; empty when that is not known.
    pub(in crate::lint) fn namespaces(&self, pods: &Pods) -> Vec<String> {
        let Pods::Known(places) = pods else {
            return Vec::new();
        };
        let of = |place: &usize| self.known.get(*place).map(|pods| pods.namespace.to_owned());
        let found: BTreeSet<String> = places.iter().filter_map(of).collect();
        found.into_iter().collect()
    }
}
