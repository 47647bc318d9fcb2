//! Whether the servers of a VirtualService's Gateways use its routes, given their protocol and TLS
//! mode, and the ports and Gateways in the matches.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::lint::codes::{
    MATCH_GATEWAY_NOT_BOUND, MATCH_PORT_NOT_EXPOSED, VS_HTTP_ROUTES_UNUSED, VS_TCP_ROUTES_UNUSED, VS_TLS_ROUTES_UNUSED,
};
use crate::lint::index::bindings::{BoundGateway, Exposure, Gateways, MESH, Takes, gateway_name};
use crate::lint::istio_names::is_label;
use crate::lint::spot::Spot;
use crate::lint::{Code, Findings, Item, Rule, Severity, World};
use crate::manifests::model::VirtualService;

pub(super) static RULES: &[&dyn Rule] = &[&Fit, &BoundInMatches];

/// Routes that no server uses, and matches on ports that no server has.
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
                    "the servers that expose its hosts use {}, not {field} routes",
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

/// The servers that a VirtualService applies to, by the Gateway's namespace and name.
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

    /// Whether there are servers and all of them are valid.
    fn are_known(&self) -> bool {
        self.all().next().is_some() && self.all().all(|server| server.takes != Takes::Unknown)
    }

    fn take(&self, takes: Takes) -> bool {
        self.all().any(|server| server.takes == takes)
    }

    /// The kinds of routes that they use, in words.
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
                    0 => format!(
                        "no server of the Gateway uses {field} routes for the hosts, so none on port \
                        {port} does"
                    ),
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

/// The ports in the matches of one kind of routes: route, match, port, Gateways.
fn ports_of<'a>(service: &Item<'a, VirtualService>, field: &str) -> Vec<(usize, usize, u32, &'a [String])> {
    each_match(service, field)
        .into_iter()
        .filter_map(|(at, number, port, gateways)| match port {
            Some(port @ 1..=65535) => Some((at, number, port, gateways)),
            _ => None,
        })
        .collect()
}

/// Every match of one kind of routes: route, match, port, Gateways.
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

/// Gateways in matches that the VirtualService is not bound to.
struct BoundInMatches;

impl Rule for BoundInMatches {
    fn codes(&self) -> &'static [&'static Code] {
        &[&MATCH_GATEWAY_NOT_BOUND]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        // A delegate is bound like the VirtualService that delegates to it.
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
                        // Invalid Gateway references have their own finding.
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

/// Whether a reference `namespace/name` is valid; other forms are assumed to be.
fn can_be_named(name: &str) -> bool {
    let parts = name.split_once('/');
    parts.is_none_or(|(namespace, own)| (namespace == "." || is_label(namespace)) && is_label(own))
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
            // Missing tls is a finding of the Gateway.
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
}
