//! Which Gateways run on the same pods, and the ports that Services expose there: those that
//! `istioctl analyze` assumes without a cluster, and the Services of the input. The pods themselves
//! are in [`super::pods`].

use std::collections::{HashMap, HashSet};

use super::pods::{Labels, PodIndex, PodKind, matches};
use crate::lint::item::Item;
use crate::manifests::model::service::{ServicePort, TargetPort};
use crate::manifests::model::{Gateway, Service};

/// The ingress gateway's Service, if it is not in the input.
const ASSUMED_SERVICE: &str = "istio-ingressgateway";
/// Its ports, with target ports of the same number, as assumed by `istioctl analyze`.
const ASSUMED_PORTS: [u32; 4] = [80, 443, 15443, 31400];
/// The target ports of 80 and 443 in Istio's installation.
const INSTALLED_TARGETS: [u32; 2] = [8080, 8443];

type Pair<'a> = (&'a str, &'a str);

/// The pods that a Gateway's selector matches.
#[derive(Debug, Default)]
struct Selected {
    /// How many kinds of pods it matches.
    pods: usize,
    /// See [`Workloads::groups`].
    groups: Vec<usize>,
    /// The ports of Services that select one of the pods, and their target ports.
    ports: HashSet<u32>,
    /// Whether one of these Services is assumed.
    assumed: bool,
}

/// Which Gateways run on which pods.
#[derive(Debug, Default)]
pub(in crate::lint) struct Workloads {
    selected: Vec<Selected>,
    /// The selector of each Gateway.
    of_gateway: Vec<usize>,
}

impl Workloads {
    /// Finds the pods of every Gateway.
    pub(in crate::lint) fn new(
        pods: &PodIndex<'_>,
        pod_namespace: &str,
        gateways: &[Item<'_, Gateway>],
        services: &[Item<'_, Service>],
    ) -> Self {
        // Each kind once; pods without labels are not matched by any selector.
        let mut seen: HashSet<(&str, &Labels)> = HashSet::new();
        let mut pods: Vec<&PodKind<'_>> = pods.all().iter().collect();
        pods.retain(|pods| !pods.labels().is_empty() && seen.insert((pods.namespace, pods.labels())));
        let mut numbers: HashMap<&Labels, usize> = HashMap::new();
        let mut selectors: Vec<&Labels> = Vec::new();
        let of_gateway = gateways
            .iter()
            .map(|gateway| {
                let selector = &gateway.object.spec.selector;
                *numbers.entry(selector).or_insert_with(|| {
                    selectors.push(selector);
                    selectors.len() - 1
                })
            })
            .collect();
        let mut selected: Vec<Selected> = selectors.iter().map(|_| Selected::default()).collect();
        let matching = Selectors::new(selectors.iter().map(|selector| ("", *selector)));
        let ports = Ports::new(services, pod_namespace);
        let mut groups: HashMap<Vec<usize>, usize> = HashMap::new();
        for pods in &pods {
            let matched = matching.of("", pods.labels());
            let (assumed, ports) = (ports.assumes(pods), ports.of(pods));
            for &selector in &matched {
                selected[selector].pods += 1;
                selected[selector].ports.extend(&ports);
                selected[selector].assumed |= assumed;
            }
            let next = groups.len();
            groups.entry(matched).or_insert(next);
        }
        for (matched, &group) in &groups {
            for &selector in matched {
                selected[selector].groups.push(group);
            }
        }
        // Gateways whose selectors match nothing share a group if the selectors are equal.
        let mut next = groups.len();
        for selected in &mut selected {
            selected.groups.sort_unstable();
            if selected.groups.is_empty() {
                selected.groups.push(next);
                next += 1;
            }
        }
        Self { selected, of_gateway }
    }

    fn selected(&self, gateway: usize) -> &Selected {
        &self.selected[self.of_gateway[gateway]]
    }

    /// Whether the selector of the Gateway with this index matches any pod.
    pub(in crate::lint) fn has_pods(&self, gateway: usize) -> bool {
        self.selected(gateway).pods > 0
    }

    /// Whether a Service exposes a port of a Gateway's pods: by its own port number, or by the
    /// target port.
    pub(in crate::lint) fn is_on_service(&self, gateway: usize, port: u32) -> bool {
        self.selected(gateway).ports.contains(&port)
    }

    /// Whether a port is a target port of the ingress gateway's Service as Istio installs it, if
    /// that Service is not in the input.
    pub(in crate::lint) fn is_on_installed_service(&self, gateway: usize, port: u32) -> bool {
        self.selected(gateway).assumed && INSTALLED_TARGETS.contains(&port)
    }

    /// The ports that Services expose on the pods of a Gateway, in ascending order.
    pub(in crate::lint) fn service_ports(&self, gateway: usize) -> Vec<u32> {
        let mut ports: Vec<u32> = self.selected(gateway).ports.iter().copied().collect();
        ports.sort_unstable();
        ports
    }

    /// The pod groups of a Gateway: two Gateways share a pod if and only if they share a group.
    /// Gateways with the same selector always share a group.
    pub(in crate::lint) fn groups(&self, gateway: usize) -> &[usize] {
        &self.selected(gateway).groups
    }
}

/// Selectors by their rarest label, so that those matching a pod are found without checking all
/// others.
struct Selectors<'a> {
    by_label: HashMap<(&'a str, Pair<'a>), Vec<(usize, &'a Labels)>>,
    /// Empty ones, which match everything.
    of_all: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Selectors<'a> {
    /// Takes selectors with their namespaces; each is identified by its index.
    fn new(selectors: impl Iterator<Item = (&'a str, &'a Labels)> + Clone) -> Self {
        let mut uses: HashMap<Pair<'a>, usize> = HashMap::new();
        for (_, selector) in selectors.clone() {
            for pair in pairs(selector) {
                *uses.entry(pair).or_default() += 1;
            }
        }
        let mut index = Self {
            by_label: HashMap::new(),
            of_all: HashMap::new(),
        };
        for (number, (namespace, selector)) in selectors.enumerate() {
            match pairs(selector).min_by_key(|pair| uses.get(pair)) {
                Some(rarest) => index
                    .by_label
                    .entry((namespace, rarest))
                    .or_default()
                    .push((number, selector)),
                None => index.of_all.entry(namespace).or_default().push(number),
            }
        }
        index
    }

    /// The selectors in a namespace that match labels, in order.
    fn of(&self, namespace: &str, labels: &Labels) -> Vec<usize> {
        let mut found = self.of_all.get(namespace).cloned().unwrap_or_default();
        for pair in pairs(labels) {
            let candidates = self.by_label.get(&(namespace, pair)).into_iter().flatten();
            found.extend(
                candidates
                    .filter(|(_, selector)| matches(selector, labels))
                    .map(|(number, _)| *number),
            );
        }
        found.sort_unstable();
        found
    }
}

fn pairs(labels: &Labels) -> impl Iterator<Item = Pair<'_>> {
    labels.iter().map(|(label, value)| (label.as_str(), value.as_str()))
}

/// The ports of Services, by the pods that they select.
struct Ports<'a> {
    services: &'a [Item<'a, Service>],
    selectors: Selectors<'a>,
    /// The namespace of the assumed Service, if it is assumed.
    assumed: Option<&'a str>,
}

impl<'a> Ports<'a> {
    fn new(services: &'a [Item<'a, Service>], pod_namespace: &'a str) -> Self {
        let given = services
            .iter()
            .any(|service| service.namespace == pod_namespace && service.metadata.name == ASSUMED_SERVICE);
        let selectors = services
            .iter()
            .map(|service| (service.namespace, &service.object.spec.selector));
        Self {
            services,
            selectors: Selectors::new(selectors),
            assumed: (!given).then_some(pod_namespace),
        }
    }

    /// Whether the assumed Service selects these pods.
    fn assumes(&self, pods: &PodKind<'_>) -> bool {
        let ingress = pods
            .labels()
            .get("istio")
            .is_some_and(|value| value == "ingressgateway");
        self.assumed == Some(pods.namespace) && (pods.is_assumed() || ingress)
    }

    fn of(&self, pods: &PodKind<'_>) -> HashSet<u32> {
        let mut ports = HashSet::new();
        if self.assumes(pods) {
            ports.extend(ASSUMED_PORTS);
        }
        for service in self.selectors.of(pods.namespace, pods.labels()) {
            for port in &self.services[service].object.spec.ports {
                ports.extend(reached(port).into_iter().flatten());
            }
        }
        ports
    }
}

/// The numbers of a Service's port and its target port; UDP ports have no server.
fn reached(port: &ServicePort) -> Option<[u32; 2]> {
    let tcp = port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP");
    let own = u32::from(port.port);
    let target = match &port.target_port {
        Some(TargetPort::Number(number)) => u32::from(*number),
        // Only the pod knows the number of a named port.
        Some(TargetPort::Name(name)) => name.parse().unwrap_or(own),
        None => own,
    };
    tcp.then_some([own, target])
}
