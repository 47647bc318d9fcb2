//! VirtualServices without gateways although only a Gateway exposes their host.

use std::collections::{HashMap, HashSet};

use crate::lint::codes::VS_WITHOUT_GATEWAYS;
use crate::lint::index::registry::{Found, Registry};
use crate::lint::{Finding, Findings, Item, World};
use crate::manifests::model::{Gateway, VirtualService};
use crate::manifests::server_hosts::ServerHost;

/// A VirtualService and the index of the host among its hosts.
type HostOf<'w> = (&'w Item<'w, VirtualService>, usize);

/// The hosts of VirtualServices without gateways that do not belong to a Service.
pub(super) struct Unbound<'w> {
    exact: HashMap<String, Vec<HostOf<'w>>>,
    told: HashSet<(String, String)>,
}

impl<'w> Unbound<'w> {
    /// Collects them; none if a Service or ServiceEntry could not be read, since the host may
    /// belong to it.
    pub(super) fn of(world: &'w World<'_>) -> Self {
        let mut exact: HashMap<String, Vec<HostOf<'w>>> = HashMap::new();
        let mut unread = world.errors.iter().filter_map(|error| error.object.as_deref());
        let all_seen = ["Service", "ServiceEntry"]
            .iter()
            .all(|kind| world.unseen(kind).is_none());
        let is_known = all_seen && unread.all(|object| !matches!(object.kind.as_str(), "Service" | "ServiceEntry"));
        let for_mesh = |service: &&Item<'_, VirtualService>| is_known && service.object.spec.gateways.is_empty();
        let mut registry = None;
        for service in world.virtual_services.iter().filter(for_mesh) {
            let registry = registry.get_or_insert_with(|| Registry::of(world));
            for (at, host) in service.object.spec.hosts.iter().enumerate() {
                // Short names and names in the cluster's domain belong to a Service, whether it is
                // in the input or not.
                let host = host.to_ascii_lowercase();
                let of_cluster = !host.contains('.') || host.ends_with(".svc.cluster.local");
                if !of_cluster && matches!(registry.find(&host, service), Found::Missing) {
                    exact.entry(host).or_default().push((service, at));
                }
            }
        }
        Self {
            exact,
            told: HashSet::new(),
        }
    }

    /// Reports the VirtualServices with a Gateway's host, each host once; returns whether there are
    /// any.
    pub(super) fn found(&mut self, gateway: &Item<'_, Gateway>, host: &ServerHost, found: &mut Findings) -> bool {
        let only = host.namespace.as_deref();
        let mut any = false;
        for (service, at) in self.exact.get(&host.name).into_iter().flatten() {
            if only.is_some_and(|only| only != service.namespace) {
                continue;
            }
            any = true;
            if !self.told.insert((service.full_name(), host.name.clone())) {
                continue;
            }
            let name = gateway.full_name();
            let what = format!(
                "{} has no gateways, but only Gateway {name} exposes {}",
                service.title(),
                host.name
            );
            let place = service.place(&format!("spec.hosts[{at}]"));
            found.push(Finding::new(&VS_WITHOUT_GATEWAYS, place, what).fix(format!("gateways: [{name}]")));
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{assert_code, only};

    const GATEWAY: &str = "---\napiVersion: networking.istio.io/v1\nkind: Gateway\n\
        metadata: {name: g, namespace: edge}\nspec: {selector: {istio: ingressgateway}, \
        servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.com, here/b.com]}]}\n";

    fn service(name: &str, namespace: &str, spec: &str) -> String {
        format!(
            "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n\
             metadata: {{name: {name}, namespace: {namespace}}}\n\
             spec: {{{spec}, http: [{{route: [{{destination: {{host: a}}}}]}}]}}\n"
        )
    }

    #[test]
    fn a_host_of_a_gateway_alone_is_bound_to_it() {
        let entry = "---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\n\
            metadata: {name: e, namespace: here}\n\
            spec: {hosts: [a.com], ports: [{number: 80, name: http, protocol: HTTP}]}\n";
        let mesh = service("v", "here", "hosts: [A.com]");
        let bound = service("w", "here", "hosts: [a.com], gateways: [edge/g]");
        let first = &["spec.hosts[0]"][..];
        for (beside, paths) in [
            (mesh.clone(), first),
            (service("v", "here", "hosts: [c.com, b.com]"), &["spec.hosts[1]"]),
            (bound.clone(), &[]),
            (format!("{mesh}{bound}"), &[]),
            (format!("{mesh}{entry}"), &[]),
            (service("v", "here", "hosts: [c.com]"), &[]),
            (service("v", "there", "hosts: [b.com]"), &[]),
            (service("v", "here", "hosts: [a.com], gateways: [mesh]"), &[]),
        ] {
            assert_code(&format!("{GATEWAY}{beside}"), "ITL0520", paths);
        }
        let finding = only(&format!("{GATEWAY}{mesh}"), "ITL0520");
        assert_eq!(finding.fix, "gateways: [edge/g]");
    }
}
