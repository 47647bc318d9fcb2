//! Whether the servers of a VirtualService's Gateways look at its routes: by
//! protocol and TLS mode, by the ports and Gateways that matches name, and the
//! other way round, hosts for which nobody has routes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::vs_unbound::Unbound;
use crate::lint::codes::{
    GATEWAY_HOST_WITHOUT_ROUTES, MATCH_GATEWAY_NOT_BOUND, MATCH_PORT_NOT_EXPOSED, VS_HTTP_ROUTES_UNUSED,
    VS_TCP_ROUTES_UNUSED, VS_TLS_ROUTES_UNUSED, VS_WITHOUT_GATEWAYS,
};
use crate::lint::index::bindings::{BoundGateway, Exposure, Gateways, MESH, Takes, gateway_name};
use crate::lint::index::host_index::{HostIndex, Suffixes};
use crate::lint::istio_names::is_label;
use crate::lint::spot::Spot;
use crate::lint::{Code, Finding, Findings, Item, Rule, Severity, World};
use crate::manifests::model::VirtualService;
use crate::manifests::server_hosts::hosts_of;

pub(super) static RULES: &[&dyn Rule] = &[&Fit, &BoundInMatches, &HostsWithoutRoutes];

/// Routes that no server looks at, and matches on ports that none has.
struct Fit;

impl Rule for Fit {
    fn codes(&self) -> &'static [&'static Code] {
        &[
            &VS_HTTP_ROUTES_UNUSED,
            &VS_TLS_ROUTES_UNUSED,
            &VS_TCP_ROUTES_UNUSED,
            &MATCH_PORT_NOT_EXPOSED,
        ]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let gateways = Gateways::of(world);
        for service in &world.virtual_services {
            let Some(bound) = gateways.all_of(service) else {
                continue;
            };
            let servers = Servers::of(service, &bound);
            if !servers.are_known() {
                continue;
            }
            let spec = &service.object.spec;
            let families = [
                ("http", Takes::Http, !spec.http.is_empty(), &VS_HTTP_ROUTES_UNUSED),
                ("tls", Takes::Tls, !spec.tls.is_empty(), &VS_TLS_ROUTES_UNUSED),
                ("tcp", Takes::Tcp, !spec.tcp.is_empty(), &VS_TCP_ROUTES_UNUSED),
            ];
            let some_fit = families.iter().any(|(_, takes, has, _)| *has && servers.take(*takes));
            for (field, takes, has_routes, code) in families {
                if !has_routes {
                    continue;
                }
                if servers.take(takes) {
                    servers.check_ports(service, field, takes, found);
                    continue;
                }
                let what = format!(
                    "the servers that expose its hosts take {}, not {field} routes",
                    servers.words()
                );
                let finding = Spot::new(service, format!("spec.{field}")).finding(code, what);
                found.push(if some_fit {
                    finding.severity(Severity::Warning)
                } else {
                    finding
                });
            }
        }
    }
}

/// The servers that take a VirtualService's routes, by the Gateway's namespace and name.
struct Servers<'g> {
    of_gateway: BTreeMap<(&'g str, &'g str), BTreeSet<&'g Exposure>>,
}

impl<'g> Servers<'g> {
    fn of(service: &Item<'_, VirtualService>, bound: &[&'g BoundGateway<'_>]) -> Self {
        let of_gateway = bound.iter().map(|gateway| {
            let name = (gateway.item.namespace, gateway.item.metadata.name.as_str());
            (name, gateway.servers_for(service))
        });
        Self {
            of_gateway: of_gateway.collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = &&'g Exposure> {
        self.of_gateway.values().flatten()
    }

    /// Whether there are servers, and all are valid.
    fn are_known(&self) -> bool {
        self.all().next().is_some() && self.all().all(|server| server.takes != Takes::Unknown)
    }

    fn take(&self, takes: Takes) -> bool {
        self.all().any(|server| server.takes == takes)
    }

    /// What they take, in words.
    fn words(&self) -> String {
        let taken: BTreeSet<Takes> = self.all().map(|server| server.takes).collect();
        let words = taken.iter().map(|takes| match takes {
            Takes::Http => "http routes",
            Takes::Tls => "tls routes (TLS mode PASSTHROUGH)",
            Takes::Tcp => "tcp routes",
            Takes::Nothing | Takes::Unknown => "no routes (TLS mode AUTO_PASSTHROUGH)",
        });
        words.collect::<Vec<_>>().join(" and ")
    }

    fn check_ports(&self, service: &Item<'_, VirtualService>, field: &str, takes: Takes, found: &mut Findings) {
        for (at, number, port, gateways) in ports_of(service, field) {
            let named: HashSet<(&str, &str)> = gateways
                .iter()
                .map(|name| gateway_name(name, service.namespace))
                .collect();
            let mut meant = self
                .of_gateway
                .iter()
                .filter(|(name, _)| gateways.is_empty() || named.contains(*name))
                .peekable();
            if meant.peek().is_none() {
                continue;
            }
            let ports: BTreeSet<u32> = meant
                .flat_map(|(_, servers)| servers)
                .filter(|server| server.takes == takes)
                .map(|server| server.port)
                .collect();
            if !ports.contains(&port) {
                let known: Vec<String> = ports.iter().take(5).map(u32::to_string).collect();
                let what = match known.len() {
                    0 => format!("no server of the Gateway takes {field} routes for the hosts, so none on port {port}"),
                    1 => format!("the Gateway exposes the hosts on port {}, not on {port}", known[0]),
                    _ => format!(
                        "the Gateway exposes the hosts on the ports {}, not on {port}",
                        known.join(", ")
                    ),
                };
                let path = format!("spec.{field}[{at}].match[{number}].port");
                found.push(Spot::new(service, path).finding(&MATCH_PORT_NOT_EXPOSED, what));
            }
        }
    }
}

/// The ports that the matches of a kind of routes name: route, match, port, Gateways.
fn ports_of<'a>(service: &Item<'a, VirtualService>, field: &str) -> Vec<(usize, usize, u32, &'a [String])> {
    each_match(service, field)
        .into_iter()
        .filter_map(|(at, number, port, gateways)| match port {
            Some(port @ 1..=65535) => Some((at, number, port, gateways)),
            _ => None,
        })
        .collect()
}

/// Every match of a kind of routes: route, match, port, Gateways.
fn each_match<'a>(service: &Item<'a, VirtualService>, field: &str) -> Vec<(usize, usize, Option<u32>, &'a [String])> {
    let spec = &service.object.spec;
    let mut all = Vec::new();
    match field {
        "http" => {
            for (at, route) in spec.http.iter().enumerate() {
                let matches = route.matches.iter().enumerate();
                all.extend(matches.map(|(number, wanted)| (at, number, wanted.port, &wanted.gateways[..])));
            }
        }
        "tls" => {
            for (at, route) in spec.tls.iter().enumerate() {
                let matches = route.matches.iter().enumerate();
                all.extend(matches.map(|(number, wanted)| (at, number, wanted.port, &wanted.gateways[..])));
            }
        }
        _ => {
            for (at, route) in spec.tcp.iter().enumerate() {
                let matches = route.matches.iter().enumerate();
                all.extend(matches.map(|(number, wanted)| (at, number, wanted.port, &wanted.gateways[..])));
            }
        }
    }
    all
}

/// Gateways in matches to which the VirtualService is not bound.
struct BoundInMatches;

impl Rule for BoundInMatches {
    fn codes(&self) -> &'static [&'static Code] {
        &[&MATCH_GATEWAY_NOT_BOUND]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        // A delegate is bound as the VirtualService that delegates to it.
        for service in world
            .virtual_services
            .iter()
            .filter(|service| !service.object.spec.hosts.is_empty())
        {
            let gateways = &service.object.spec.gateways;
            let in_mesh = gateways.is_empty() || gateways.iter().any(|name| name == MESH);
            let bound: HashSet<(&str, &str)> = gateways
                .iter()
                .map(|name| gateway_name(name, service.namespace))
                .collect();
            for field in ["http", "tls", "tcp"] {
                for (at, number, _, named) in each_match(service, field) {
                    for (item, name) in named.iter().enumerate() {
                        let is_bound = match name.as_str() {
                            MESH => in_mesh,
                            name => bound.contains(&gateway_name(name, service.namespace)),
                        };
                        // What is no Gateway's name is reported as such.
                        if !is_bound && can_be_named(name) {
                            let path = format!("spec.{field}[{at}].match[{number}].gateways[{item}]");
                            let what = format!("the VirtualService is not bound to {name}");
                            found.push(Spot::new(service, path).finding(&MATCH_GATEWAY_NOT_BOUND, what));
                        }
                    }
                }
            }
        }
    }
}

/// Whether a Gateway can have a name that is written `namespace/name`; other forms are taken to.
fn can_be_named(name: &str) -> bool {
    let parts = name.split_once('/');
    parts.is_none_or(|(namespace, own)| (namespace == "." || is_label(namespace)) && is_label(own))
}

/// Hosts of HTTP servers for which no VirtualService has routes.
struct HostsWithoutRoutes;

impl Rule for HostsWithoutRoutes {
    fn codes(&self) -> &'static [&'static Code] {
        &[&GATEWAY_HOST_WITHOUT_ROUTES, &VS_WITHOUT_GATEWAYS]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        if world.virtual_services.is_empty() {
            found.skip(&GATEWAY_HOST_WITHOUT_ROUTES, "the input holds no VirtualService");
            return;
        }
        let mut unread = world.errors.iter().map(|error| error.object.as_ref());
        if unread.any(|object| object.is_none_or(|object| object.kind == "VirtualService")) {
            found.skip(
                &GATEWAY_HOST_WITHOUT_ROUTES,
                "a VirtualService could not be read, and it may have the routes",
            );
            return;
        }
        let (routed, astray) = routed_hosts(world);
        let mut unbound = Unbound::of(world);
        for gateway in &world.gateways {
            let routed = routed.get(&(gateway.namespace, gateway.metadata.name.as_str()));
            let mut told = HashSet::new();
            for (number, server) in gateway.object.spec.servers.iter().enumerate() {
                let redirects = server.tls.as_ref().is_some_and(|tls| tls.https_redirect == Some(true));
                if Takes::of(server) != Takes::Http || redirects {
                    continue;
                }
                for (at, host) in hosts_of(server, gateway.namespace).into_iter().enumerate() {
                    let only = host.namespace.as_deref();
                    let mut namespaces = routed
                        .into_iter()
                        .chain([&astray])
                        .flat_map(|routed| routed.overlapping(&host.name));
                    let is_routed = namespaces.any(|namespace| only.is_none_or(|only| only == *namespace));
                    if is_routed || !told.insert(host.text()) {
                        continue;
                    }
                    // Where the routes are, but not bound, that is the finding.
                    if !unbound.found(gateway, &host, found) {
                        let place = gateway.place(&format!("spec.servers[{number}].hosts[{at}]"));
                        let what = format!(
                            "no VirtualService bound to {} has routes for {}",
                            gateway.full_name(),
                            host.text()
                        );
                        found.push(Finding::new(&GATEWAY_HOST_WITHOUT_ROUTES, place, what));
                    }
                }
            }
        }
    }
}

/// Hosts with the namespaces of their VirtualServices.
type Routed<'w> = HostIndex<&'w str>;

/// The hosts of the VirtualServices bound to each Gateway; and those of
/// VirtualServices that name a Gateway which is not there: that is the finding
/// then, and the Gateway that was meant is not told of its consequence.
fn routed_hosts<'w>(world: &'w World<'_>) -> (HashMap<(&'w str, &'w str), Routed<'w>>, Routed<'w>) {
    let servers = world.gateways.iter().flat_map(|gateway| &gateway.object.spec.servers);
    let wildcards: Vec<String> = servers
        .flat_map(|server| hosts_of(server, ""))
        .map(|host| host.name)
        .filter(|name| name.starts_with('*'))
        .collect();
    let asked = Suffixes::of(wildcards.iter().map(String::as_str));
    let there: HashSet<(&str, &str)> = world
        .gateways
        .iter()
        .map(|gateway| (gateway.namespace, gateway.metadata.name.as_str()))
        .collect();
    let mut routed = HashMap::new();
    let mut astray = HostIndex::asked_for(&asked);
    for service in &world.virtual_services {
        let gateways = service.object.spec.gateways.iter().filter(|name| *name != MESH);
        for gateway in gateways {
            let name = gateway_name(gateway, service.namespace);
            let index = if there.contains(&name) {
                routed.entry(name).or_insert_with(|| HostIndex::asked_for(&asked))
            } else {
                &mut astray
            };
            for host in &service.object.spec.hosts {
                index.add(&host.to_ascii_lowercase(), &service.namespace);
            }
            if service.object.spec.hosts.is_empty() {
                // Hosts were forgotten, which is a finding of its own.
                index.add("*", &service.namespace);
            }
        }
    }
    (routed, astray)
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{assert_code, lint_yaml};

    const HTTP: &str = "{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.com]}";
    const SIMPLE: &str =
        "{port: {number: 443, name: https, protocol: HTTPS}, hosts: [a.com], tls: {mode: SIMPLE, credentialName: c}}";
    const PASS: &str = "{port: {number: 443, name: pass, protocol: TLS}, hosts: [a.com], tls: {mode: PASSTHROUGH}}";
    const TCP: &str = "{port: {number: 31400, name: tcp, protocol: TCP}, hosts: ['*']}";
    const AUTO: &str =
        "{port: {number: 15443, name: auto, protocol: TLS}, hosts: ['*.local'], tls: {mode: AUTO_PASSTHROUGH}}";

    fn gateway(servers: &[&str]) -> String {
        format!(
            "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: g, namespace: here}}\n\
             spec: {{selector: {{istio: ingressgateway}}, servers: [{}]}}\n",
            servers.join(", ")
        )
    }

    fn service(spec: &str) -> String {
        format!(
            "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n\
             metadata: {{name: a, namespace: here}}\nspec: {{{spec}}}\n"
        )
    }

    const TO: &str = "route: [{destination: {host: a}}]";

    fn http(head: &str, wanted: &str) -> String {
        service(&format!("hosts: [a.com], {head}, http: [{{match: [{wanted}], {TO}}}]"))
    }

    fn tls(wanted: &str) -> String {
        service(&format!(
            "hosts: [a.com], gateways: [g], tls: [{{match: [{{sniHosts: [a.com]{wanted}}}], {TO}}}]"
        ))
    }

    fn tcp(wanted: &str) -> String {
        service(&format!(
            "hosts: [a.com], gateways: [g], tcp: [{{match: [{{{wanted}}}], {TO}}}]"
        ))
    }

    #[test]
    fn routes_are_of_the_kind_that_the_servers_take() {
        let http = || http("gateways: [g]", "{uri: {prefix: /}}");
        for (servers, service, unused) in [
            (&[HTTP][..], http(), None),
            (&[SIMPLE], http(), None),
            (&[PASS, HTTP], http(), None),
            (&[PASS], tls(""), None),
            (&[PASS, HTTP], tls(""), None),
            (&[TCP], tcp(""), None),
            (&[TCP, HTTP], tcp("port: 31400"), None),
            (&[PASS], http(), Some("ITL0506")),
            (&[TCP], http(), Some("ITL0506")),
            (&[SIMPLE], tls(""), Some("ITL0507")),
            (&[HTTP, TCP], tls(""), Some("ITL0507")),
            (&[HTTP], tcp(""), Some("ITL0508")),
            (&[PASS, SIMPLE], tcp(""), Some("ITL0508")),
        ] {
            let yaml = format!("{}{service}", gateway(servers));
            for (code, path) in [
                ("ITL0506", "spec.http"),
                ("ITL0507", "spec.tls"),
                ("ITL0508", "spec.tcp"),
            ] {
                let paths: &[&str] = if unused == Some(code) { &[path] } else { &[] };
                assert_code(&yaml, code, paths);
            }
        }
    }

    #[test]
    fn what_is_not_known_is_not_judged() {
        let wanted = "{uri: {prefix: /}}";
        let auto = service(&format!("hosts: [a.local], gateways: [g], http: [{{{TO}}}]"));
        for (servers, service, paths) in [
            // No tls where there must be one: that is the Gateway's finding.
            (
                &["{port: {number: 443, name: x, protocol: HTTPS}, hosts: [a.com]}"][..],
                http("gateways: [g]", wanted),
                &[][..],
            ),
            (&[PASS], http("gateways: [g, mesh]", wanted), &[]),
            (&[PASS], http("gateways: [g, gone]", wanted), &[]),
            (&[AUTO], auto, &["spec.http"]),
        ] {
            assert_code(&format!("{}{service}", gateway(servers)), "ITL0506", paths);
        }
    }

    #[test]
    fn a_part_that_is_used_makes_the_rest_a_warning() {
        let both = service(&format!(
            "hosts: [a.com], gateways: [g], tls: [{{match: [{{sniHosts: [a.com]}}], {TO}}}], http: [{{{TO}}}]"
        ));
        let report = lint_yaml(&format!("{}{both}", gateway(&[PASS])));
        let severities: Vec<&str> = report
            .findings
            .iter()
            .filter(|finding| finding.code == "ITL0506")
            .map(|finding| finding.severity.word())
            .collect();
        assert_eq!(severities, ["warning"]);
    }

    #[test]
    fn ports_of_matches_are_the_gateways_ports() {
        let path = "spec.http[0].match[0].port";
        for (servers, service, paths) in [
            (&[HTTP][..], http("gateways: [g]", "{port: 80}"), &[][..]),
            (&[HTTP, SIMPLE], http("gateways: [g]", "{port: 443}"), &[]),
            (&[HTTP], http("gateways: [g]", "{port: 0}"), &[]),
            (&[HTTP], http("gateways: [g, mesh]", "{port: 9080}"), &[]),
            (&[HTTP], http("gateways: [g]", "{port: 80, gateways: [here/g]}"), &[]),
            (&[PASS], tls(", port: 443"), &[]),
            (&[HTTP], http("gateways: [g]", "{port: 8080}"), &[path]),
            (&[HTTP], http("gateways: [g]", "{port: 8080, gateways: [g]}"), &[path]),
            (&[HTTP, PASS], http("gateways: [g]", "{port: 443}"), &[path]),
            (&[TCP], tcp("port: 80"), &["spec.tcp[0].match[0].port"]),
            (&[PASS], tls(", port: 80"), &["spec.tls[0].match[0].port"]),
        ] {
            assert_code(&format!("{}{service}", gateway(servers)), "ITL0653", paths);
        }
    }

    #[test]
    fn matches_name_gateways_of_the_virtual_service() {
        let path = "spec.http[0].match[0].gateways[0]";
        for (head, named, paths) in [
            ("gateways: [g]", "g", &[][..]),
            ("gateways: [here/g, mesh]", "g, mesh", &[]),
            ("exportTo: ['*']", "mesh", &[]),
            ("gateways: [g.here.svc.cluster.local]", "here/g", &[]),
            ("gateways: [g]", "h", &[path]),
            ("gateways: [g]", "mesh", &[path]),
            ("exportTo: ['*']", "g", &[path]),
            ("gateways: [g]", "g, there/g", &["spec.http[0].match[0].gateways[1]"]),
        ] {
            let service = http(head, &format!("{{gateways: [{named}]}}"));
            assert_code(&format!("{}{service}", gateway(&[HTTP])), "ITL0654", paths);
        }
        let delegate = service(&format!("http: [{{match: [{{gateways: [g]}}], {TO}}}]"));
        assert_code(&delegate, "ITL0654", &[]);
    }

    #[test]
    fn each_host_of_a_gateway_has_routes() {
        let redirect = "{port: {number: 80, name: http, protocol: HTTP}, hosts: [b.com], tls: {httpsRedirect: true}}";
        let of = |hosts: &str| format!("{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: [{hosts}]}}");
        let bound = service(&format!("hosts: [x.a.com, '*.b.com'], gateways: [g], http: [{{{TO}}}]"));
        let astray = service(&format!("hosts: [a.com], gateways: [there/g], http: [{{{TO}}}]"));
        let other = gateway(&[HTTP]).replace("namespace: here", "namespace: there");
        let elsewhere = format!("{astray}{other}");
        let unbound = service(&format!("gateways: [g], http: [{{{TO}}}]"));
        for (server, service, paths) in [
            (of("x.a.com, '*.a.com', '*', x.b.com, '*.b.com'"), &bound, &[][..]),
            (of("here/x.a.com, './*.a.com', '*/x.b.com'"), &bound, &[]),
            (redirect.to_owned(), &bound, &[]),
            (PASS.to_owned(), &bound, &[]),
            (of("there/c.com, '*/*'"), &bound, &[]),
            (of("a.com"), &bound, &["spec.servers[0].hosts[0]"]),
            (
                of("x.a.com, there/x.a.com, '*.c.com'"),
                &bound,
                &["spec.servers[0].hosts[1]", "spec.servers[0].hosts[2]"],
            ),
            (of("a.com"), &elsewhere, &["spec.servers[0].hosts[0]"]),
            // The Gateway that is not there is the finding, or the hosts that are not.
            (of("a.com"), &astray, &[]),
            (of("b.com"), &astray, &["spec.servers[0].hosts[0]"]),
            (of("a.com, '*.b.com'"), &unbound, &[]),
        ] {
            assert_code(&format!("{}{service}", gateway(&[&server])), "ITL0509", paths);
        }
        let twice = format!("{}{bound}", gateway(&[&of("c.com"), SIMPLE]));
        assert_code(
            &twice,
            "ITL0509",
            &["spec.servers[0].hosts[0]", "spec.servers[1].hosts[0]"],
        );
        // What is for the mesh alone is told at the VirtualService.
        let mesh = service(&format!("hosts: [a.com], http: [{{{TO}}}]"));
        assert_code(&format!("{}{mesh}", gateway(&[HTTP])), "ITL0509", &[]);
        let report = lint_yaml(&gateway(&[HTTP]));
        assert!(report.skipped.iter().any(|skipped| skipped.code == "ITL0509"));
    }
}
