//! VirtualServices of the mesh with the same host.

use std::collections::{BTreeSet, HashMap};

use crate::lint::codes::MESH_HOSTS_CONFLICT;
use crate::lint::index::bindings::MESH;
use crate::lint::index::host_index::{HostIndex, Suffixes};
use crate::lint::index::registry::full_name;
use crate::lint::spot::Spot;
use crate::lint::{Code, Findings, Item, Rule, World};
use crate::manifests::model::VirtualService;

pub(super) static RULES: &[&dyn Rule] = &[&Conflicts];

/// Inside the mesh, only one VirtualService takes effect for a host.
struct Conflicts;

impl Rule for Conflicts {
    fn codes(&self) -> &'static [&'static Code] {
        &[&MESH_HOSTS_CONFLICT]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let hosts = MeshHosts::of(world);
        for (number, service) in world.virtual_services.iter().enumerate() {
            if !is_in_mesh(service) {
                continue;
            }
            let conflict = service.object.spec.hosts.iter().enumerate().find_map(|(at, host)| {
                let other = hosts.other(number, &full_name(host, service.namespace), &scopes(service))?;
                Some((at, host, other))
            });
            let Some((at, host, other)) = conflict else { continue };
            let what = format!(
                "{host} is also a host of {}, and both apply to the mesh",
                world.virtual_services[other].title()
            );
            found.push(Spot::new(service, format!("spec.hosts[{at}]")).finding(&MESH_HOSTS_CONFLICT, what));
        }
    }
}

fn is_in_mesh(service: &Item<'_, VirtualService>) -> bool {
    let gateways = &service.object.spec.gateways;
    gateways.is_empty() || gateways.iter().any(|name| name == MESH)
}

/// The namespaces that it is visible to; none means all.
fn scopes<'a>(service: &Item<'a, VirtualService>) -> BTreeSet<&'a str> {
    let entries = &service.object.spec.export_to;
    if entries.iter().any(|entry| entry == "*") {
        return BTreeSet::new();
    }
    let namespace = |entry: &'a String| if entry == "." { service.namespace } else { entry };
    entries.iter().map(namespace).collect()
}

/// Hosts of the mesh: those visible to all namespaces, and those visible to some.
struct MeshHosts<'a> {
    /// The first two VirtualServices of a host.
    public: HashMap<String, Vec<usize>>,
    public_overlaps: HostIndex<usize>,
    /// The same by namespace, for hosts that are not public.
    private: HashMap<(&'a str, String), Vec<usize>>,
    private_overlaps: HostIndex<usize>,
}

impl<'a> MeshHosts<'a> {
    fn of(world: &World<'a>) -> Self {
        let services = || {
            world
                .virtual_services
                .iter()
                .enumerate()
                .filter(|(_, service)| is_in_mesh(service))
        };
        let wildcards = services().flat_map(|(_, service)| service.object.spec.hosts.iter().map(String::as_str));
        let asked = Suffixes::of(wildcards);
        let mut hosts = Self {
            public: HashMap::new(),
            public_overlaps: HostIndex::asked_for(&asked),
            private: HashMap::new(),
            private_overlaps: HostIndex::asked_for(&asked),
        };
        for (number, service) in services() {
            let scopes = scopes(service);
            for host in &service.object.spec.hosts {
                let full = full_name(host, service.namespace);
                if scopes.is_empty() {
                    remember(hosts.public.entry(full.clone()).or_default(), number);
                    hosts.public_overlaps.add(&full, &number);
                    continue;
                }
                hosts.private_overlaps.add(&full, &number);
                for scope in &scopes {
                    remember(hosts.private.entry((scope, full.clone())).or_default(), number);
                }
            }
        }
        hosts
    }

    /// Another VirtualService with a conflicting host. For Istio, equal hosts conflict if they are
    /// visible to the same namespace, and overlapping hosts conflict if one of them is public.
    fn other(&self, own: usize, full: &str, scopes: &BTreeSet<&'a str>) -> Option<usize> {
        let another = |numbers: Option<&Vec<usize>>| numbers?.iter().copied().find(|number| *number != own);
        if scopes.is_empty() {
            let equal = another(self.public.get(full));
            return equal.or_else(|| self.private_overlaps.overlapping(full).next().copied());
        }
        let mut equal = scopes
            .iter()
            .map(|scope| another(self.private.get(&(*scope, full.to_owned()))));
        let found = equal.find_map(|number| number);
        found.or_else(|| self.public_overlaps.overlapping(full).next().copied())
    }
}

fn remember(numbers: &mut Vec<usize>, number: usize) {
    if numbers.len() < 2 && numbers.last() != Some(&number) {
        numbers.push(number);
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::found;

    fn service(name: &str, spec: &str) -> String {
        let (namespace, name) = name.split_once('/').expect("a namespace");
        format!(
            "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n\
             metadata: {{name: {name}, namespace: {namespace}}}\n\
             spec: {{{spec}, http: [{{route: [{{destination: {{host: a}}}}]}}]}}\n"
        )
    }

    #[test]
    fn one_virtual_service_counts_for_a_host_of_the_mesh() {
        for (services, conflicts) in [
            (&[("here/a", "hosts: [x]"), ("here/b", "hosts: [z]")][..], 0),
            // Short names belong to the object's own namespace.
            (&[("here/a", "hosts: [x]"), ("there/b", "hosts: [x]")], 0),
            (
                &[
                    ("here/a", "hosts: [x.com]"),
                    ("here/b", "hosts: [x.com], gateways: [g]"),
                ],
                0,
            ),
            (
                &[
                    ("here/a", "hosts: [x.com], exportTo: [.]"),
                    ("there/b", "hosts: [x.com], exportTo: [.]"),
                ],
                0,
            ),
            // Public hosts that overlap but are not equal.
            (&[("here/a", "hosts: ['*.com']"), ("there/b", "hosts: [x.com]")], 0),
            (&[("here/a", "hosts: [x.com, x.com]")], 0),
            (&[("here/a", "hosts: [x]"), ("here/b", "hosts: [x]")], 2),
            (
                &[
                    ("here/a", "hosts: [x]"),
                    ("there/b", "hosts: [x.here.svc.cluster.local]"),
                ],
                2,
            ),
            (
                &[
                    ("here/a", "hosts: [x.com], gateways: [g, mesh]"),
                    ("there/b", "hosts: [y.com, x.com]"),
                ],
                2,
            ),
            (
                &[
                    ("here/a", "hosts: [x.com], exportTo: [.]"),
                    ("there/b", "hosts: [x.com], exportTo: [here]"),
                ],
                2,
            ),
            (
                &[
                    ("here/a", "hosts: [x.com], exportTo: [.]"),
                    ("there/b", "hosts: ['*.com'], exportTo: ['*']"),
                ],
                2,
            ),
            (
                &[
                    ("here/a", "hosts: [x]"),
                    ("here/b", "hosts: [x]"),
                    ("here/c", "hosts: [x]"),
                ],
                3,
            ),
        ] {
            let yaml: String = services.iter().map(|(name, spec)| service(name, spec)).collect();
            let codes = found(&yaml);
            assert_eq!(
                codes.iter().filter(|(code, _)| *code == "ITL0514").count(),
                conflicts,
                "{yaml}"
            );
        }
    }
}
