//! The pods that can be gateways, and which of them a selector matches, as far as the input shows.
//! [`super::workloads`] knows which Gateways run on them, and which ports Services expose there.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::lint::item::Item;
use crate::lint::settings::Settings;
use crate::manifests::load::Object;
use crate::manifests::model::deployment::{PodMeta, PodTemplate};

/// Labels of pods, or a selector for them.
pub(in crate::lint) type Labels = BTreeMap<String, String>;

/// Pods with the same template.
pub(in crate::lint) struct PodKind<'a> {
    /// Where they run.
    pub(in crate::lint) namespace: &'a str,
    /// Their template.
    pub(in crate::lint) template: Cow<'a, PodTemplate>,
    /// The object that manages them. None means Istio's ingress gateway, which need not be in the
    /// input: its pod is assumed, as in `istioctl analyze`.
    pub(in crate::lint) owner: Option<Item<'a, Object>>,
}

impl PodKind<'_> {
    /// The labels that selectors are compared with.
    pub(in crate::lint) fn labels(&self) -> &Labels {
        &self.template.metadata.labels
    }

    /// The path of a field of the pod spec in the object that manages them.
    pub(in crate::lint) fn path(&self, field: &str) -> String {
        let is_pod = self
            .owner
            .as_ref()
            .is_some_and(|owner| owner.object.manifest.kind() == "Pod");
        format!("{}spec.{field}", if is_pod { "" } else { "spec.template." })
    }

    /// Whether they are the assumed pods of Istio's ingress gateway.
    pub(in crate::lint) fn is_assumed(&self) -> bool {
        self.owner.is_none()
    }
}

/// Whether labels satisfy a selector.
pub(in crate::lint) fn matches(selector: &Labels, labels: &Labels) -> bool {
    selector.iter().all(|(label, value)| labels.get(label) == Some(value))
}

/// The pods that can be gateways, indexed by selector.
pub(in crate::lint) struct PodIndex<'a> {
    known: Vec<PodKind<'a>>,
    /// Cached selectors: there are only a few, even with many Gateways.
    selected: RefCell<HashMap<Labels, Vec<usize>>>,
}

/// The pods of one selector.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Pods {
    /// These, by index in the list; selections with a common index share an address.
    Known(Vec<usize>),
    /// Unknown pods with these labels.
    Unknown(Labels),
}

impl<'a> PodIndex<'a> {
    /// The assumed pods, then those of each object with pods, in input order.
    pub(in crate::lint) fn of(
        settings: &'a Settings,
        pod_namespace: &'a str,
        objects: impl Iterator<Item = Item<'a, Object>>,
    ) -> Self {
        let assumed = PodKind {
            namespace: pod_namespace,
            template: Cow::Owned(PodTemplate {
                metadata: PodMeta {
                    labels: settings.pod_labels.clone(),
                    ..PodMeta::default()
                },
                ..PodTemplate::default()
            }),
            owner: None,
        };
        let of_objects = objects.filter_map(|item| {
            Some(PodKind {
                namespace: item.namespace,
                template: PodTemplate::of(&item.object.manifest)?,
                owner: Some(item),
            })
        });
        Self {
            known: std::iter::once(assumed).chain(of_objects).collect(),
            selected: RefCell::default(),
        }
    }

    /// All of them.
    pub(in crate::lint) fn all(&self) -> &[PodKind<'a>] {
        &self.known
    }

    /// The known pods that a selector matches.
    pub(in crate::lint) fn of_selector(&self, selector: &Labels) -> impl Iterator<Item = &PodKind<'a>> {
        self.of_places(&self.select(selector))
    }

    fn of_places(&self, pods: &Pods) -> impl Iterator<Item = &PodKind<'a>> + use<'_, 'a> {
        let places = match pods {
            Pods::Known(places) => places.clone(),
            Pods::Unknown(_) => Vec::new(),
        };
        places.into_iter().filter_map(|place| self.known.get(place))
    }

    /// The pods of a selector; an empty one means Istio's ingress gateway.
    pub(in crate::lint) fn select(&self, selector: &Labels) -> Pods {
        if selector.is_empty() {
            return Pods::Known(vec![0]);
        }
        let mut selected = self.selected.borrow_mut();
        let places = selected.entry(selector.clone()).or_insert_with(|| {
            let kinds = self.known.iter().enumerate();
            let fitting = kinds.filter(|(_, pods)| matches(selector, pods.labels()));
            fitting.map(|(place, _)| place).collect()
        });
        if places.is_empty() {
            Pods::Unknown(selector.clone())
        } else {
            Pods::Known(places.clone())
        }
    }

    /// The pods whose objects are in the input.
    pub(in crate::lint) fn in_input(&self, pods: &Pods) -> impl Iterator<Item = &PodKind<'a>> + use<'_, 'a> {
        self.of_places(pods).filter(|pods| !pods.is_assumed())
    }

    /// The namespaces in which pods run; empty if unknown.
    pub(in crate::lint) fn namespaces(&self, pods: &Pods) -> Vec<String> {
        let found: BTreeSet<String> = self.of_places(pods).map(|pods| pods.namespace.to_owned()).collect();
        found.into_iter().collect()
    }
}
