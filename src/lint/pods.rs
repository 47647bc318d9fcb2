//! Which pods a Gateway's selector means, as far as the input tells.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::world::World;

/// The pods that can be gateways: Istio's own ingress gateway, whose pod is
/// assumed as `istioctl analyze` assumes it, and the Pods and Deployments of the input.
pub(crate) struct Workloads<'a> {
    known: Vec<Workload<'a>>,
    /// Selectors that were asked for: there are few, however many Gateways.
    selected: RefCell<HashMap<BTreeMap<String, String>, Vec<usize>>>,
}

struct Workload<'a> {
    labels: BTreeMap<&'a str, &'a str>,
    namespace: &'a str,
}

/// The pods of one selector.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Pods {
    /// These, by their places in the list; pods with a place in common share an address.
    Known(Vec<usize>),
    /// None that is known: those with these labels.
    Unknown(BTreeMap<String, String>),
}

impl<'a> Workloads<'a> {
    /// Those of the world.
    pub(super) fn of(world: &World<'a>) -> Self {
        let mut known = vec![Workload {
            labels: pairs(&world.settings.pod_labels),
            namespace: world.pod_namespace(),
        }];
        for deployment in &world.deployments {
            known.push(Workload {
                labels: pairs(&deployment.object.spec.template.metadata.labels),
                namespace: deployment.namespace,
            });
        }
        let pods = world.others.iter().filter(|other| other.object.kind == "Pod");
        known.extend(pods.map(|pod| Workload {
            labels: pairs(&pod.metadata.labels),
            namespace: pod.namespace,
        }));
        Self {
            known,
            selected: RefCell::default(),
        }
    }

    /// The pods of a selector; an empty one means Istio's own.
    pub(super) fn select(&self, selector: &BTreeMap<String, String>) -> Pods {
        if selector.is_empty() {
            return Pods::Known(vec![0]);
        }
        let mut selected = self.selected.borrow_mut();
        let places = selected.entry(selector.clone()).or_insert_with(|| {
            let fits = |workload: &Workload<'_>| {
                let mut wanted = selector.iter();
                wanted.all(|(name, value)| workload.labels.get(name.as_str()) == Some(&value.as_str()))
            };
            let places = self.known.iter().enumerate();
            places
                .filter(|(_, workload)| fits(workload))
                .map(|(place, _)| place)
                .collect()
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
        // The first workload is Istio's own, which is assumed; the Deployments follow.
        places.iter().filter_map(|place| place.checked_sub(1))
    }

    /// The namespaces in which pods run; empty when that is not known.
    pub(super) fn namespaces(&self, pods: &Pods) -> Vec<String> {
        let Pods::Known(places) = pods else {
            return Vec::new();
        };
        let of = |place: &usize| self.known.get(*place).map(|workload| workload.namespace.to_owned());
        let found: BTreeSet<String> = places.iter().filter_map(of).collect();
        found.into_iter().collect()
    }
}

fn pairs(labels: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    labels
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}
