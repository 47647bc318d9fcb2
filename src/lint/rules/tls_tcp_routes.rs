//! The checks of Istio's admission webhook on tls and tcp routes.

use std::collections::BTreeMap;

use super::route_match::{check_labels, check_port};
use super::virtual_service::check_gateway_names;
use crate::lint::codes::{
    PORT_OUT_OF_RANGE, SNI_HOST_INVALID, SNI_HOST_IS_ADDRESS, SNI_HOST_OUTSIDE_HOSTS, SOURCE_INVALID, SUBNET_INVALID,
    TCP_ROUTE_INCOMPLETE, TLS_ROUTE_INCOMPLETE, VS_GATEWAY_NAME, VS_GATEWAY_NAME_LEGACY,
};
use crate::lint::index::bindings::MESH;
use crate::lint::index::host_index::{HostIndex, Suffixes};
use crate::lint::istio_names::{check_gateway_domain, check_wildcard_domain, is_address, is_subnet};
use crate::lint::spot::Spot;
use crate::lint::{Code, Findings, Item, Rule, World};
use crate::manifests::model::VirtualService;

pub(super) static RULES: &[&dyn Rule] = &[&TlsRoutes, &TcpRoutes, &Layer4Matches];

/// Matches by SNI.
struct TlsRoutes;

impl Rule for TlsRoutes {
    fn codes(&self) -> &'static [&'static Code] {
        &[
            &TLS_ROUTE_INCOMPLETE,
            &SNI_HOST_INVALID,
            &SNI_HOST_OUTSIDE_HOSTS,
            &SNI_HOST_IS_ADDRESS,
        ]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            let spec = &service.object.spec;
            if spec.tls.is_empty() {
                continue;
            }
            // Without wildcards to look below, the index answers which hosts cover a name.
            let mut hosts = HostIndex::asked_for(&Suffixes::default());
            for host in &spec.hosts {
                hosts.add(host, &());
            }
            for (at, route) in spec.tls.iter().enumerate() {
                let spot = Spot::new(service, format!("spec.tls[{at}]"));
                if route.matches.is_empty() {
                    found.push(spot.finding(&TLS_ROUTE_INCOMPLETE, "the tls route has no match"));
                }
                if route.route.is_empty() {
                    found.push(spot.finding(&TLS_ROUTE_INCOMPLETE, "the tls route has no destination"));
                }
                for (number, wanted) in route.matches.iter().enumerate() {
                    let spot = spot.field("match").at(number);
                    if wanted.sni_hosts.is_empty() {
                        found.push(spot.finding(&TLS_ROUTE_INCOMPLETE, "the match has no sniHosts"));
                    }
                    for (item, host) in wanted.sni_hosts.iter().enumerate() {
                        check_sni(host, service, &hosts, &spot.field("sniHosts").at(item), found);
                    }
                }
            }
        }
    }
}

fn check_sni(
    host: &str,
    service: &Item<'_, VirtualService>,
    hosts: &HostIndex<()>,
    spot: &Spot<'_>,
    found: &mut Findings,
) {
    let in_mesh = service.object.spec.gateways.iter().any(|name| name == MESH);
    let checked = if in_mesh {
        check_wildcard_domain(host)
    } else {
        check_gateway_domain(host, true)
    };
    match checked {
        Err(_) if is_address(host) => {
            let what = format!("{host} is an IP address, for which clients send no SNI");
            found.push(spot.finding(&SNI_HOST_IS_ADDRESS, what));
        }
        Err(why) => {
            let what = format!("the SNI host \"{host}\" is not a DNS name: {why}");
            found.push(spot.finding(&SNI_HOST_INVALID, what));
        }
        Ok(()) if hosts.overlapping(host).next().is_none() => {
            let what = format!("none of the VirtualService's hosts covers the SNI host {host}");
            found.push(spot.finding(&SNI_HOST_OUTSIDE_HOSTS, what));
        }
        Ok(()) => {}
    }
}

/// TCP routes.
struct TcpRoutes;

impl Rule for TcpRoutes {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TCP_ROUTE_INCOMPLETE]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            for (at, route) in service.object.spec.tcp.iter().enumerate() {
                if route.route.is_empty() {
                    let spot = Spot::new(service, format!("spec.tcp[{at}]"));
                    found.push(spot.finding(&TCP_ROUTE_INCOMPLETE, "the tcp route has no destination"));
                }
            }
        }
    }
}

/// The common fields of matches in tls and tcp routes.
struct Layer4Matches;

impl Rule for Layer4Matches {
    fn codes(&self) -> &'static [&'static Code] {
        &[
            &SUBNET_INVALID,
            &PORT_OUT_OF_RANGE,
            &SOURCE_INVALID,
            &VS_GATEWAY_NAME,
            &VS_GATEWAY_NAME_LEGACY,
        ]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            let spot = |field: &str, at: usize, number: usize| {
                Spot::new(service, format!("spec.{field}[{at}].match[{number}]"))
            };
            for (at, route) in service.object.spec.tls.iter().enumerate() {
                for (number, wanted) in route.matches.iter().enumerate() {
                    let parts = Parts {
                        subnets: &wanted.destination_subnets,
                        port: wanted.port,
                        labels: &wanted.source_labels,
                        gateways: &wanted.gateways,
                    };
                    parts.check(&spot("tls", at, number), found);
                }
            }
            for (at, route) in service.object.spec.tcp.iter().enumerate() {
                for (number, wanted) in route.matches.iter().enumerate() {
                    let parts = Parts {
                        subnets: &wanted.destination_subnets,
                        port: wanted.port,
                        labels: &wanted.source_labels,
                        gateways: &wanted.gateways,
                    };
                    parts.check(&spot("tcp", at, number), found);
                }
            }
        }
    }
}

struct Parts<'a> {
    subnets: &'a [String],
    port: Option<u32>,
    labels: &'a BTreeMap<String, String>,
    gateways: &'a [String],
}

impl Parts<'_> {
    fn check(&self, spot: &Spot<'_>, found: &mut Findings) {
        for (at, subnet) in self.subnets.iter().enumerate() {
            if !is_subnet(subnet) {
                let what = format!("\"{subnet}\" is neither an IP address nor a CIDR block");
                found.push(spot.field("destinationSubnets").at(at).finding(&SUBNET_INVALID, what));
            }
        }
        check_port(self.port, &spot.field("port"), found);
        check_labels(self.labels, &spot.field("sourceLabels"), found);
        check_gateway_names(self.gateways, &spot.field("gateways"), found);
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::assert_code;

    fn service(head: &str, routes: &str) -> String {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a}}\nspec: {{{head}, {routes}}}\n"
        )
    }

    const TO: &str = "route: [{destination: {host: a}}]";

    fn sni(hosts: &str) -> String {
        format!("tls: [{{match: [{{sniHosts: [{hosts}]}}], {TO}}}]")
    }

    #[test]
    fn routes_are_whole() {
        for (routes, code, paths) in [
            (sni("a.com"), "ITL0627", &[][..]),
            (
                format!("tls: [{{match: [{{sniHosts: [a.com], port: 443}}], {TO}}}]"),
                "ITL0627",
                &[],
            ),
            (
                sni("a.com").replace("}]}]", "}, {destination: {host: b}, weight: 1}]}]"),
                "ITL0627",
                &[],
            ),
            (format!("tls: [{{match: [], {TO}}}]"), "ITL0627", &["spec.tls[0]"]),
            (
                "tls: [{match: [{sniHosts: [a.com]}]}]".to_owned(),
                "ITL0627",
                &["spec.tls[0]"],
            ),
            (sni(""), "ITL0627", &["spec.tls[0].match[0]"]),
            (format!("tcp: [{{{TO}}}]"), "ITL0632", &[]),
            (format!("tcp: [{{match: [{{port: 80}}], {TO}}}]"), "ITL0632", &[]),
            (sni("a.com"), "ITL0632", &[]),
            ("tcp: [{match: [{port: 80}]}]".to_owned(), "ITL0632", &["spec.tcp[0]"]),
        ] {
            assert_code(&service("hosts: [a.com], gateways: [g]", &routes), code, paths);
        }
    }

    #[test]
    fn sni_hosts_are_names_within_the_hosts() {
        let path = "spec.tls[0].match[0].sniHosts[0]";
        for (hosts, sni_hosts, code, paths) in [
            ("a.com", "a.com", "ITL0628", &[][..]),
            ("'*.mesh'", "outbound_.80_._.a.mesh", "ITL0628", &[]),
            ("'*'", "'*.a.com'", "ITL0628", &[]),
            ("a.com", "a_b.com", "ITL0628", &[path]),
            ("a.com", "'a.com:443'", "ITL0628", &[path]),
            ("'*.a.com'", "x.a.com, '*.x.a.com', '*.a.com'", "ITL0629", &[]),
            ("a.com, b.com", "b.com", "ITL0629", &[]),
            ("'*'", "'*'", "ITL0629", &[]),
            ("a.com", "b.com", "ITL0629", &[path]),
            ("x.a.com", "'*.a.com'", "ITL0629", &[path]),
            ("'*.a.com'", "a.com", "ITL0629", &[path]),
            ("a.com", "a.com", "ITL0630", &[]),
            ("'10.0.0.1', a.com", "a.com", "ITL0630", &[]),
            ("'*'", "'*'", "ITL0630", &[]),
            ("'*'", "'10.0.0.1'", "ITL0630", &[path]),
            ("'*'", "'::1'", "ITL0630", &[path]),
        ] {
            let yaml = service(&format!("hosts: [{hosts}], gateways: [g]"), &sni(sni_hosts));
            assert_code(&yaml, code, paths);
        }
        let in_mesh = service("hosts: ['*.mesh'], gateways: [mesh]", &sni("outbound_.80_._.a.mesh"));
        assert_code(&in_mesh, "ITL0628", &[path]);
    }

    #[test]
    fn matches_have_subnets_ports_labels_and_gateways() {
        let path = |field: &str| format!("spec.tcp[0].match[0].{field}");
        for (wanted, code, field) in [
            ("destinationSubnets: [10.0.0.0/8]", "ITL0631", None),
            ("destinationSubnets: ['10.0.0.1', '2001:db8::/32']", "ITL0631", None),
            ("port: 80", "ITL0631", None),
            (
                "destinationSubnets: [10.0.0.0/33]",
                "ITL0631",
                Some("destinationSubnets[0]"),
            ),
            ("port: 70000", "ITL0607", Some("port")),
            ("sourceLabels: {app: 'a b'}", "ITL0608", Some("sourceLabels.app")),
            ("gateways: [here/]", "ITL0535", Some("gateways[0]")),
            ("gateways: [g.here]", "ITL0536", Some("gateways[0]")),
        ] {
            let routes = format!("tcp: [{{match: [{{{wanted}}}], {TO}}}]");
            let expected: Vec<String> = field.into_iter().map(path).collect();
            let paths: Vec<&str> = expected.iter().map(String::as_str).collect();
            assert_code(&service("hosts: [a.com], gateways: [g]", &routes), code, &paths);
            let paths: Vec<String> = expected.iter().map(|path| path.replace("tcp", "tls")).collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            let routes = format!("tls: [{{match: [{{sniHosts: [a.com], {wanted}}}], {TO}}}]");
            assert_code(&service("hosts: [a.com], gateways: [g]", &routes), code, &paths);
        }
    }
}
