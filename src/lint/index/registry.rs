//! Possible destination hosts: Services and ServiceEntries by full name, with their ports and
//! visibility; and the subsets of DestinationRules.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::host_index::{HostIndex, Suffixes};
use crate::lint::item::Item;
use crate::lint::world::World;
use crate::manifests::model::{Other, VirtualService};

/// The domain of a cluster's Services.
const DOMAIN: &str = ".svc.cluster.local";
/// The annotation that hides a Service from namespaces.
const EXPORT_TO: &str = "networking.istio.io/exportTo";
/// Ports of the ingress gateway's Service, which is assumed as in `istioctl analyze`.
const INGRESS_PORTS: [u32; 4] = [80, 443, 31400, 15443];

/// The full name of a host: a short name is a Service in the namespace; a name with a dot, or a
/// wildcard, is used as is.
pub(in crate::lint) fn full_name(host: &str, namespace: &str) -> String {
    if host.contains('.') || host.starts_with('*') {
        host.to_owned()
    } else {
        format!("{host}.{namespace}{DOMAIN}")
    }
}

/// A Service or a ServiceEntry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lint) struct Exposed {
    /// Its port numbers.
    pub(in crate::lint) ports: BTreeSet<u32>,
    /// The namespaces that it is visible to; `*` means all.
    scopes: BTreeSet<String>,
}

impl Exposed {
    fn is_public(&self) -> bool {
        self.scopes.contains("*")
    }
}

/// The result of looking up a destination's host.
pub(in crate::lint) enum Found<'r> {
    /// The Service or ServiceEntry.
    Exposed(Vec<&'r Exposed>),
    /// It exists but is hidden by exportTo.
    Hidden,
    /// It does not exist.
    Missing,
}

/// All possible destination hosts.
pub(in crate::lint) struct Registry<'w> {
    exact: HashMap<String, Vec<Exposed>>,
    wildcards: HostIndex<Exposed>,
    /// The namespaces of the Services with a name.
    namespaces: HashMap<&'w str, BTreeSet<&'w str>>,
}

impl<'w> Registry<'w> {
    /// Reads the world's Services and ServiceEntries.
    pub(in crate::lint) fn of(world: &'w World<'_>) -> Self {
        let mut registry = Self {
            exact: HashMap::new(),
            wildcards: HostIndex::asked_for(&Suffixes::default()),
            namespaces: HashMap::new(),
        };
        for service in &world.services {
            let name = service.metadata.name.as_str();
            let exported = service.metadata.annotations.get(EXPORT_TO).map(String::as_str);
            let scopes = exported.unwrap_or_default().split(',').map(str::trim);
            let exposed = Exposed {
                ports: service
                    .object
                    .spec
                    .ports
                    .iter()
                    .map(|port| u32::from(port.port))
                    .collect(),
                scopes: scopes_of(scopes.filter(|scope| !scope.is_empty()), service.namespace),
            };
            registry.namespaces.entry(name).or_default().insert(service.namespace);
            registry.add(&format!("{name}.{}{DOMAIN}", service.namespace), exposed);
        }
        for entry in of_kind(world, "ServiceEntry") {
            let spec = &entry.object.content["spec"];
            let ports = list(&spec["ports"]).filter_map(|port| port["number"].as_u64());
            let exposed = Exposed {
                ports: ports.filter_map(|port| u32::try_from(port).ok()).collect(),
                scopes: scopes_of(list(&spec["exportTo"]).filter_map(Value::as_str), entry.namespace),
            };
            for host in list(&spec["hosts"]).filter_map(Value::as_str) {
                registry.add(&full_name(host, entry.namespace), exposed.clone());
            }
        }
        let ingress = format!("istio-ingressgateway.{}{DOMAIN}", world.pod_namespace());
        registry.exact.entry(ingress).or_insert_with(|| {
            vec![Exposed {
                ports: BTreeSet::from(INGRESS_PORTS),
                scopes: BTreeSet::from(["*".to_owned()]),
            }]
        });
        registry
    }

    fn add(&mut self, host: &str, exposed: Exposed) {
        if host.starts_with('*') {
            self.wildcards.add(host, &exposed);
        } else {
            self.exact.entry(host.to_owned()).or_default().push(exposed);
        }
    }

    /// Looks up the destination of a VirtualService.
    pub(in crate::lint) fn find(&self, host: &str, service: &Item<'_, VirtualService>) -> Found<'_> {
        let full = full_name(host, service.namespace);
        let exact = self.exact.get(&full).map(Vec::as_slice).unwrap_or_default();
        let exported = &service.object.spec.export_to;
        let sees = |exposed: &&Exposed| {
            let own = |entry: &str| {
                exposed
                    .scopes
                    .contains(if entry == "." { service.namespace } else { entry })
            };
            exposed.is_public() || exported.is_empty() && own(".") || exported.iter().any(|entry| own(entry))
        };
        let mut seen: Vec<&Exposed> = exact.iter().filter(sees).collect();
        if seen.is_empty() {
            let wide = self.wildcards.overlapping(host);
            seen.extend(wide.filter(|exposed| exposed.is_public() || exposed.scopes.contains(service.namespace)));
        }
        match (seen.is_empty(), exact.is_empty()) {
            (false, _) => Found::Exposed(seen),
            (true, false) => Found::Hidden,
            (true, true) => Found::Missing,
        }
    }

    /// The full name that an unknown host probably means: for `name.namespace`,
    /// `name.namespace.svc`, or the short name of a Service in another namespace.
    pub(in crate::lint) fn meant(&self, host: &str) -> Option<String> {
        let bare = host.strip_suffix(".svc").unwrap_or(host);
        if bare.contains('.') {
            let full = format!("{bare}{DOMAIN}");
            return self.exact.contains_key(&full).then_some(full);
        }
        let namespace = self.namespaces.get(host)?.first()?;
        Some(format!("{host}.{namespace}{DOMAIN}"))
    }
}

/// Subsets by host.
pub(in crate::lint) struct Subsets<'w> {
    exact: HashMap<String, BTreeSet<&'w str>>,
    wildcards: HostIndex<&'w str>,
}

impl<'w> Subsets<'w> {
    /// Reads the world's DestinationRules; none if there are none or not all are visible.
    pub(in crate::lint) fn of(world: &'w World<'_>) -> Option<Self> {
        if world.unseen("DestinationRule").is_some() {
            return None;
        }
        let mut subsets = Self {
            exact: HashMap::new(),
            wildcards: HostIndex::asked_for(&Suffixes::default()),
        };
        let mut is_empty = true;
        for rule in of_kind(world, "DestinationRule") {
            is_empty = false;
            let spec = &rule.object.content["spec"];
            let Some(host) = spec["host"].as_str() else { continue };
            let full = full_name(host, rule.namespace);
            for name in list(&spec["subsets"]).filter_map(|subset| subset["name"].as_str()) {
                if full.starts_with('*') {
                    subsets.wildcards.add(&full, &name);
                } else {
                    subsets.exact.entry(full.clone()).or_default().insert(name);
                }
            }
        }
        (!is_empty).then_some(subsets)
    }

    /// Whether a DestinationRule defines a subset of a host.
    pub(in crate::lint) fn contain(&self, full: &str, subset: &str) -> bool {
        self.exact.get(full).is_some_and(|known| known.contains(subset))
            || self.wildcards.overlapping(full).any(|known| *known == subset)
    }

    /// The first few subsets of a host.
    pub(in crate::lint) fn known(&self, full: &str) -> Vec<&'w str> {
        self.exact.get(full).into_iter().flatten().take(5).copied().collect()
    }
}

/// Objects of a kind in Istio's networking API.
fn of_kind<'w>(world: &'w World<'_>, kind: &'static str) -> impl Iterator<Item = &'w Item<'w, Other>> {
    world
        .others
        .iter()
        .filter(move |other| other.object.kind == kind && other.object.api_version.starts_with("networking.istio.io/"))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn scopes_of<'t>(entries: impl Iterator<Item = &'t str>, namespace: &str) -> BTreeSet<String> {
    let mut scopes: BTreeSet<String> = entries
        .map(|entry| if entry == "." { namespace } else { entry }.to_owned())
        .collect();
    if scopes.is_empty() {
        scopes.insert("*".to_owned());
    }
    scopes
}
