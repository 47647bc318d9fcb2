//! The destinations of a VirtualService's routes: Services and ServiceEntries, their ports, and the
//! subsets of DestinationRules.

use std::collections::{HashMap, HashSet};

use crate::lint::codes::{
    DESTINATION_NOT_FOUND, DESTINATION_PORT_NEEDED, DESTINATION_PORT_NOT_FOUND, DESTINATION_SUBSET_NOT_FOUND,
    SUBSET_ROUTES_NOT_AFFECTED,
};
use crate::lint::index::bindings::MESH;
use crate::lint::index::registry::{Exposed, Found, Registry, Subsets, full_name};
use crate::lint::istio_names::check_wildcard_domain;
use crate::lint::need::Need;
use crate::lint::spot::Spot;
use crate::lint::{Code, Finding, Findings, Item, Rule, World};
use crate::manifests::model::VirtualService;
use crate::manifests::model::virtual_service::Destination;

pub(super) static RULES: &[&dyn Rule] = &[&Hosts, &SubsetsDefined, &PastSubsets];

/// Every destination of a VirtualService, including mirrors, with its position.
pub(super) fn destinations<'a>(service: &'a Item<'a, VirtualService>) -> Vec<(Spot<'a>, &'a Destination)> {
    let spec = &service.object.spec;
    let mut all = Vec::new();
    for (at, route) in spec.http.iter().enumerate() {
        let spot = Spot::new(service, format!("spec.http[{at}]"));
        for (number, to) in route.route.iter().enumerate() {
            all.push((spot.field("route").at(number).field("destination"), &to.destination));
        }
        all.extend(route.mirror.iter().map(|to| (spot.field("mirror"), to)));
        for (number, to) in route.mirrors.iter().enumerate() {
            all.push((spot.field("mirrors").at(number).field("destination"), &to.destination));
        }
    }
    let tls = spec.tls.iter().map(|route| &route.route).enumerate();
    let tcp = spec.tcp.iter().map(|route| &route.route).enumerate();
    let layer_4 = tls.map(|item| ("tls", item)).chain(tcp.map(|item| ("tcp", item)));
    for (field, (at, route)) in layer_4 {
        for (number, to) in route.iter().enumerate() {
            let path = format!("spec.{field}[{at}].route[{number}].destination");
            all.push((Spot::new(service, path), &to.destination));
        }
    }
    all
}

/// Hosts and ports.
struct Hosts;

impl Rule for Hosts {
    fn codes(&self) -> &'static [&'static Code] {
        &[
            &DESTINATION_NOT_FOUND,
            &DESTINATION_PORT_NOT_FOUND,
            &DESTINATION_PORT_NEEDED,
        ]
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Services]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let registry = Registry::of(world);
        for service in &world.virtual_services {
            for (spot, to) in destinations(service) {
                // Invalid names have their own finding.
                if to.host == "*" || check_wildcard_domain(&to.host).is_err() {
                    continue;
                }
                match registry.find(&to.host, service) {
                    Found::Exposed(exposed) => found_host(to, &exposed, &spot, found),
                    Found::Hidden => found.push(hidden(to, service, &spot)),
                    Found::Missing if is_unread(world, to, service) => {}
                    Found::Missing => found.push(missing(to, service, &registry, &spot)),
                }
            }
        }
    }
}

/// Whether the Service is in the input but could not be read, or whether a ServiceEntry could not
/// be read, since that may have any host.
fn is_unread(world: &World<'_>, to: &Destination, service: &Item<'_, VirtualService>) -> bool {
    let full = full_name(&to.host, service.namespace);
    if world.unseen("ServiceEntry").is_some() && !full.ends_with(".svc.cluster.local") {
        return true;
    }
    let mut parts = full.splitn(3, '.');
    let (Some(name), Some(namespace), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let is_service = rest == "svc.cluster.local" && world.is_unread("Service", namespace, name);
    let mut objects = world.errors.iter().filter_map(|error| error.object.as_deref());
    is_service || objects.any(|object| object.kind == "ServiceEntry")
}

fn hidden(to: &Destination, service: &Item<'_, VirtualService>, spot: &Spot<'_>) -> Finding {
    let what = format!("{} is not exported to namespace {}", to.host, service.namespace);
    spot.field("host")
        .finding(&DESTINATION_NOT_FOUND, what)
        .why("its exportTo hides it, so requests on this route get 503")
        .fix("add the namespace to the exportTo of the ServiceEntry, or to the Service's annotation networking.istio.io/exportTo")
}

fn missing(to: &Destination, service: &Item<'_, VirtualService>, registry: &Registry<'_>, spot: &Spot<'_>) -> Finding {
    let what = if to.host.contains('.') {
        format!("there is no Service or ServiceEntry for {}", to.host)
    } else {
        format!("there is no Service {} in namespace {}", to.host, service.namespace)
    };
    let finding = spot.field("host").finding(&DESTINATION_NOT_FOUND, what);
    match registry.meant(&to.host) {
        Some(full) if to.host.contains('.') => finding
            .why(
                "Istio expands only names without a dot; a name with a dot is used as is, and no Service has that name",
            )
            .fix(format!("write {full}")),
        Some(full) => finding.fix(format!("write {full}, which exists")),
        None => finding,
    }
}

/// The port of an existing host.
fn found_host(to: &Destination, exposed: &[&Exposed], spot: &Spot<'_>, found: &mut Findings) {
    let ports = || exposed.iter().flat_map(|exposed| &exposed.ports);
    let shown = || {
        let mut numbers: Vec<u32> = ports().copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        let more = if numbers.len() > 5 { " and others" } else { "" };
        let first: Vec<String> = numbers.iter().take(5).map(u32::to_string).collect();
        format!("{}{more}", first.join(", "))
    };
    match &to.port {
        None if exposed.iter().all(|exposed| exposed.ports.len() > 1) => {
            let what = format!(
                "{} has several ports ({}), and the destination does not choose one",
                to.host,
                shown()
            );
            found.push(spot.field("host").finding(&DESTINATION_PORT_NEEDED, what));
        }
        Some(port) if !ports().any(|known| *known == port.number) => {
            let what = match ports().next() {
                Some(_) => format!("{} has no port {}; it has {}", to.host, port.number, shown()),
                None => format!("{} has no ports, so no port {} either", to.host, port.number),
            };
            found.push(spot.field("port.number").finding(&DESTINATION_PORT_NOT_FOUND, what));
        }
        _ => {}
    }
}

/// Subsets.
struct SubsetsDefined;

impl Rule for SubsetsDefined {
    fn codes(&self) -> &'static [&'static Code] {
        &[&DESTINATION_SUBSET_NOT_FOUND]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let subsets = Subsets::of(world);
        if subsets.is_none() && world.lacks(Need::Services).is_some() {
            found.skip(
                &DESTINATION_SUBSET_NOT_FOUND,
                "the input holds neither a DestinationRule nor a Service, so any subset may exist",
            );
            return;
        }
        for service in &world.virtual_services {
            for (spot, to) in destinations(service) {
                let Some(subset) = to.subset.as_deref().filter(|subset| !subset.is_empty()) else {
                    continue;
                };
                let full = full_name(&to.host, service.namespace);
                if subsets.as_ref().is_some_and(|subsets| subsets.contain(&full, subset)) {
                    continue;
                }
                let known = subsets.as_ref().map(|subsets| subsets.known(&full)).unwrap_or_default();
                let what = format!("no DestinationRule defines the subset {subset} of {}", to.host);
                let finding = spot.field("subset").finding(&DESTINATION_SUBSET_NOT_FOUND, what);
                found.push(if known.is_empty() {
                    finding
                } else {
                    finding.fix(format!(
                        "use one of its subsets ({}), or add {subset} to the DestinationRule",
                        known.join(", ")
                    ))
                });
            }
        }
    }
}

/// Gateway routes to a Service that has another VirtualService with subset routes.
struct PastSubsets;

impl Rule for PastSubsets {
    fn codes(&self) -> &'static [&'static Code] {
        &[&SUBSET_ROUTES_NOT_AFFECTED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let with_subsets = with_subsets(world);
        for service in &world.virtual_services {
            if service.object.spec.gateways.iter().all(|name| name == MESH) {
                continue;
            }
            for (at, route) in service.object.spec.http.iter().enumerate() {
                for (number, to) in route.route.iter().enumerate() {
                    let to = &to.destination;
                    if to.subset.as_deref().is_some_and(|subset| !subset.is_empty()) {
                        continue;
                    }
                    let others = with_subsets.get(&full_name(&to.host, service.namespace));
                    let name = service.full_name();
                    let Some(other) = others.and_then(|others| others.iter().find(|other| **other != name)) else {
                        continue;
                    };
                    let path = format!("spec.http[{at}].route[{number}].destination.host");
                    let what = format!(
                        "{} has subset routes in VirtualService {other}, which this route bypasses",
                        to.host
                    );
                    found.push(Spot::new(service, path).finding(&SUBSET_ROUTES_NOT_AFFECTED, what));
                }
            }
        }
    }
}

/// By full host name: the first two VirtualServices that have the host and routes to its subsets.
fn with_subsets(world: &World<'_>) -> HashMap<String, Vec<String>> {
    let mut by_host: HashMap<String, Vec<String>> = HashMap::new();
    for service in &world.virtual_services {
        let spec = &service.object.spec;
        let hosts: Vec<String> = spec
            .hosts
            .iter()
            .map(|host| full_name(host, service.namespace))
            .collect();
        let routes = spec.http.iter().flat_map(|route| &route.route);
        let to_subsets = routes
            .map(|to| &to.destination)
            .filter(|to| to.subset.as_deref().is_some_and(|subset| !subset.is_empty()))
            .map(|to| full_name(&to.host, service.namespace));
        let targets: HashSet<String> = to_subsets.collect();
        for host in hosts.into_iter().filter(|host| targets.contains(host)) {
            let known = by_host.entry(host).or_default();
            if known.len() < 2 && known.last() != Some(&service.full_name()) {
                known.push(service.full_name());
            }
        }
    }
    by_host
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{assert_code, lint_yaml};

    fn virtual_service(name: &str, spec: &str) -> String {
        format!(
            "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n\
             metadata: {{name: {name}, namespace: here}}\nspec: {{{spec}}}\n"
        )
    }

    fn to(destination: &str) -> String {
        virtual_service(
            "a",
            &format!("hosts: [a.com], http: [{{route: [{{destination: {{{destination}}}}}]}}]"),
        )
    }

    fn service(name: &str, ports: &str) -> String {
        let (namespace, name) = name.split_once('/').expect("a namespace");
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
             spec: {{ports: [{ports}]}}\n"
        )
    }

    fn world() -> String {
        let hidden = service("there/hidden", "{port: 80}").replace(
            "namespace: there",
            "namespace: there, annotations: {networking.istio.io/exportTo: '., other'}",
        );
        let shown = service("there/shown", "{port: 80}").replace(
            "namespace: there",
            "namespace: there, annotations: {networking.istio.io/exportTo: 'other, here'}",
        );
        let entries = "---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: e, namespace: there}\n\
             spec: {hosts: [api.example.com, '*.wide.com'], ports: [{number: 443, name: tls, protocol: TLS}]}\n\
             ---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: f, namespace: there}\n\
             spec: {hosts: [own.example.com, '*.own.com'], exportTo: [.], ports: [{number: 443, name: tls, protocol: TLS}]}\n";
        let one = service("here/one", "{port: 8000}");
        let two = service("here/two", "{port: 80, name: http}, {port: 443, name: https}");
        let away = service("there/away", "{port: 80}");
        format!("{one}{two}{away}{hidden}{shown}{entries}")
    }

    const HOST: &str = "spec.http[0].route[0].destination.host";

    #[test]
    fn hosts_are_services_or_service_entries() {
        for (destination, paths) in [
            ("host: one", &[][..]),
            ("host: one.here.svc.cluster.local", &[]),
            ("host: away.there.svc.cluster.local", &[]),
            ("host: shown.there.svc.cluster.local", &[]),
            ("host: api.example.com", &[]),
            ("host: x.y.wide.com", &[]),
            (
                "host: istio-ingressgateway.istio-system.svc.cluster.local, port: {number: 80}",
                &[],
            ),
            // Reported as an invalid name.
            ("host: '*'", &[]),
            ("host: gone", &[HOST]),
            ("host: away", &[HOST]),
            ("host: one.here", &[HOST]),
            ("host: one.here.svc", &[HOST]),
            ("host: hidden.there.svc.cluster.local", &[HOST]),
            ("host: own.example.com", &[HOST]),
            ("host: x.own.com", &[HOST]),
            ("host: wide.com", &[HOST]),
        ] {
            assert_code(&format!("{}{}", world(), to(destination)), "ITL0510", paths);
        }
        let unread = service("here/broken", "{port: 80}").replace("ports: [", "ports: 7, more: [");
        for (destination, paths) in [
            ("host: broken", &[][..]),
            ("host: broken.here.svc.cluster.local", &[]),
            ("host: broken.there.svc.cluster.local", &[HOST]),
            ("host: gone", &[HOST]),
        ] {
            assert_code(&format!("{}{unread}{}", world(), to(destination)), "ITL0510", paths);
        }
        for (destination, fix) in [
            ("host: one.here", "write one.here.svc.cluster.local"),
            ("host: one.here.svc", "write one.here.svc.cluster.local"),
            ("host: away", "write away.there.svc.cluster.local, which exists"),
        ] {
            let report = lint_yaml(&format!("{}{}", world(), to(destination)));
            let finding = report.findings.iter().find(|finding| finding.code == "ITL0510");
            assert_eq!(
                finding.map(|finding| finding.fix.to_string()).as_deref(),
                Some(fix),
                "{destination}"
            );
        }
    }

    #[test]
    fn without_services_destinations_are_not_judged() {
        assert_code(&to("host: gone"), "ITL0510", &[]);
        let report = lint_yaml(&to("host: gone"));
        let skipped: Vec<&str> = report.skipped.iter().map(|skipped| skipped.code).collect();
        for code in ["ITL0510", "ITL0511", "ITL0512", "ITL0513"] {
            assert!(skipped.contains(&code), "{code}");
        }
    }

    #[test]
    fn every_kind_of_route_has_destinations() {
        let spec = "hosts: [a.com], \
            http: [{route: [{destination: {host: one}}], mirror: {host: gone}}, \
                   {route: [{destination: {host: one}}], mirrors: [{destination: {host: gone}}]}], \
            tls: [{match: [{sniHosts: [a.com]}], route: [{destination: {host: gone}}]}], \
            tcp: [{route: [{destination: {host: one}}, {destination: {host: gone}}]}]";
        assert_code(
            &format!("{}{}", world(), virtual_service("a", spec)),
            "ITL0510",
            &[
                "spec.http[0].mirror.host",
                "spec.http[1].mirrors[0].destination.host",
                "spec.tls[0].route[0].destination.host",
                "spec.tcp[0].route[1].destination.host",
            ],
        );
    }

    #[test]
    fn ports_are_the_services_ports() {
        for (destination, paths) in [
            ("host: one", &[][..]),
            ("host: one, port: {number: 8000}", &[]),
            ("host: two, port: {number: 443}", &[]),
            ("host: x.wide.com, port: {number: 443}", &[]),
            (
                "host: one, port: {number: 80}",
                &["spec.http[0].route[0].destination.port.number"],
            ),
            (
                "host: api.example.com, port: {number: 80}",
                &["spec.http[0].route[0].destination.port.number"],
            ),
        ] {
            assert_code(&format!("{}{}", world(), to(destination)), "ITL0511", paths);
        }
        for (destination, paths) in [
            ("host: one", &[][..]),
            ("host: two, port: {number: 80}", &[]),
            ("host: api.example.com", &[]),
            ("host: two", &[HOST]),
            ("host: two.here.svc.cluster.local", &[HOST]),
        ] {
            assert_code(&format!("{}{}", world(), to(destination)), "ITL0513", paths);
        }
    }

    #[test]
    fn subsets_are_defined_by_destination_rules() {
        let rule = |namespace: &str, host: &str| {
            format!(
                "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\n\
                 metadata: {{name: d, namespace: {namespace}}}\n\
                 spec: {{host: '{host}', subsets: [{{name: v1}}, {{name: v2}}]}}\n"
            )
        };
        let path = "spec.http[0].route[0].destination.subset";
        for (rule, destination, paths) in [
            (rule("here", "one"), "host: one, subset: v1", &[][..]),
            (
                rule("there", "one.here.svc.cluster.local"),
                "host: one, subset: v2",
                &[],
            ),
            (rule("there", "*.wide.com"), "host: x.wide.com, subset: v1", &[]),
            (
                rule("there", "api.example.com"),
                "host: api.example.com, subset: v1",
                &[],
            ),
            (rule("here", "one"), "host: one", &[]),
            (rule("here", "one"), "host: one, subset: v3", &[path]),
            (rule("there", "one"), "host: one, subset: v1", &[path]),
            (String::new(), "host: one, subset: v1", &[path]),
        ] {
            assert_code(&format!("{}{rule}{}", world(), to(destination)), "ITL0512", paths);
        }
        // A DestinationRule is enough to judge.
        assert_code(
            &format!("{}{}", rule("here", "one"), to("host: one, subset: v3")),
            "ITL0512",
            &[path],
        );
    }

    #[test]
    fn gateways_go_past_the_subsets_of_others() {
        let inner = |host: &str| {
            virtual_service(
                "inner",
                &format!("hosts: [{host}], http: [{{route: [{{destination: {{host: one, subset: v1}}}}]}}]"),
            )
        };
        let outer = |gateways: &str, destination: &str| {
            virtual_service(
                "outer",
                &format!(
                    "hosts: [a.com], gateways: [{gateways}], http: [{{route: [{{destination: {{{destination}}}}}]}}]"
                ),
            )
        };
        for (inner, outer, paths) in [
            (inner("one"), outer("g", "host: one, subset: v1"), &[][..]),
            (inner("one"), outer("mesh", "host: one"), &[]),
            (inner("b.com"), outer("g", "host: one"), &[]),
            (inner("one"), outer("g", "host: two"), &[]),
            (inner("one"), outer("g", "host: one"), &[HOST]),
            (inner("one.here.svc.cluster.local"), outer("g", "host: one"), &[HOST]),
        ] {
            assert_code(&format!("{inner}{outer}"), "ITL0515", paths);
        }
        let alone = "hosts: [one], gateways: [g, mesh], http: [{match: [{uri: {prefix: /}}], \
                     route: [{destination: {host: one, subset: v1}}]}, {route: [{destination: {host: one}}]}]";
        assert_code(&virtual_service("alone", alone), "ITL0515", &[]);
    }
}
