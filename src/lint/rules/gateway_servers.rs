//! A Gateway as a whole: its name, whether it has servers, and the names of its servers and their
//! ports.

use std::collections::HashMap;

use crate::lint::codes::{
    DEFAULT_ENDPOINT, GATEWAY_NAME, NO_SERVERS, PORT_NAME_EMPTY, PORT_NAME_TWICE, SERVER_NAME_TWICE,
};
use crate::lint::index::servers::set;
use crate::lint::{Code, Finding, Findings, Rule, World};
use crate::names;

pub(super) static RULES: &[&dyn Rule] = &[&Shape, &PortNames, &ServerNames, &DefaultEndpoint];

/// The name, and at least one server.
struct Shape;

impl Rule for Shape {
    fn codes(&self) -> &'static [&'static Code] {
        &[&GATEWAY_NAME, &NO_SERVERS]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for gateway in &world.gateways {
            let name = &gateway.metadata.name;
            if !names::is_dns_label(name) {
                let fault = if name.contains('.') {
                    "contains a dot"
                } else {
                    "is longer than 63 characters"
                };
                found.push(Finding::new(
                    &GATEWAY_NAME,
                    gateway.place("metadata.name"),
                    format!("the Gateway name {name} {fault}"),
                ));
            }
            if gateway.object.spec.servers.is_empty() {
                found.push(Finding::new(
                    &NO_SERVERS,
                    gateway.place("spec.servers"),
                    format!("Gateway {} has no servers", gateway.full_name()),
                ));
            }
        }
    }
}

/// Port names are set and unique within a Gateway, regardless of the port number.
struct PortNames;

impl Rule for PortNames {
    fn codes(&self) -> &'static [&'static Code] {
        &[&PORT_NAME_TWICE, &PORT_NAME_EMPTY]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let mut seen: HashMap<(usize, &str), usize> = HashMap::new();
        for at in world.servers() {
            let name = at.server.port.name.as_str();
            if name.is_empty() {
                found.push(at.finding(
                    &PORT_NAME_EMPTY,
                    "port.name",
                    format!("port {} has an empty name", at.server.port.number),
                ));
            } else if let Some(first) = seen.get(&(at.number, name)) {
                found.push(at.finding(
                    &PORT_NAME_TWICE,
                    "port.name",
                    format!("spec.servers[{first}] has the same port name {name}"),
                ));
            } else {
                seen.insert((at.number, name), at.index);
            }
        }
    }
}

/// Server names, which Istio expects to be unique within a Gateway but does not enforce.
struct ServerNames;

impl Rule for ServerNames {
    fn codes(&self) -> &'static [&'static Code] {
        &[&SERVER_NAME_TWICE]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let mut seen: HashMap<(usize, &str), usize> = HashMap::new();
        for at in world.servers() {
            let Some(name) = set(at.server.name.as_ref()) else {
                continue;
            };
            if let Some(first) = seen.get(&(at.number, name)) {
                let what = format!("spec.servers[{first}] has the same name {name}");
                found.push(at.finding(&SERVER_NAME_TWICE, "name", what));
            } else {
                seen.insert((at.number, name), at.index);
            }
        }
    }
}

/// A field that Istio reads but never uses.
struct DefaultEndpoint;

impl Rule for DefaultEndpoint {
    fn codes(&self) -> &'static [&'static Code] {
        &[&DEFAULT_ENDPOINT]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            if let Some(endpoint) = set(at.server.default_endpoint.as_ref()) {
                let what = format!("defaultEndpoint {endpoint} has no effect");
                found.push(at.finding(&DEFAULT_ENDPOINT, "defaultEndpoint", what));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::{assert_cases, gateway, named};
    use crate::lint::testing::assert_code;

    const HTTP: &str = "{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}";

    #[test]
    fn a_name_is_one_label() {
        let labelled = |name: &str| named(name, "default", "{istio: ingressgateway}", HTTP);
        let long = "a".repeat(64);
        assert_cases(
            "ITL0101",
            &[
                (labelled("my.gateway"), &["metadata.name"]),
                (labelled(&long), &["metadata.name"]),
                (labelled(&long[1..]), &[]),
                (labelled("my-gateway"), &[]),
                (labelled("\"8080\""), &[]),
            ],
        );
    }

    #[test]
    fn a_gateway_has_servers() {
        assert_cases(
            "ITL0102",
            &[
                (gateway(""), &["spec.servers"]),
                (gateway(HTTP), &[]),
                (
                    gateway("{port: {number: 80, name: a, protocol: TCP}, hosts: ['*']}"),
                    &[],
                ),
                (gateway(&format!("{HTTP}, {HTTP}")), &[]),
            ],
        );
        let absent = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a}\n";
        assert_code(absent, "ITL0102", &["spec.servers"]);
    }

    #[test]
    fn port_names_are_there_and_unique() {
        let two = |first: &str, second: &str| {
            gateway(&format!(
                "{{port: {{number: 80, name: {first}, protocol: HTTP}}, hosts: ['*']}}, \
                 {{port: {{number: 8080, name: {second}, protocol: HTTP}}, hosts: ['*']}}"
            ))
        };
        assert_cases(
            "ITL0103",
            &[
                (two("http", "http"), &["spec.servers[1].port.name"]),
                (two("http", "http2"), &[]),
                (two("http", "HTTP"), &[]),
                (format!("{}{}", gateway(HTTP), named("b", "x", "{}", HTTP)), &[]),
                (two("''", "''"), &[]),
            ],
        );
        assert_cases(
            "ITL0104",
            &[
                (
                    two("''", "''"),
                    &["spec.servers[0].port.name", "spec.servers[1].port.name"],
                ),
                (two("a", "b"), &[]),
                (two("a", "a"), &[]),
                (gateway(HTTP), &[]),
            ],
        );
    }

    #[test]
    fn server_names_and_endpoints() {
        let with = |fields: &str| {
            gateway(&format!(
                "{{name: one, port: {{number: 80, name: a, protocol: HTTP}}, hosts: [a.com]}}, \
                 {{{fields}port: {{number: 80, name: b, protocol: HTTP}}, hosts: [b.com]}}"
            ))
        };
        assert_cases(
            "ITL0113",
            &[
                (with("name: one, "), &["spec.servers[1].name"]),
                (with("name: two, "), &[]),
                (with(""), &[]),
                (with("name: '', "), &[]),
            ],
        );
        assert_cases(
            "ITL0114",
            &[
                (
                    with("defaultEndpoint: '127.0.0.1:80', "),
                    &["spec.servers[1].defaultEndpoint"],
                ),
                (with("defaultEndpoint: '', "), &[]),
                (with("defaultEndpoint: null, "), &[]),
                (with(""), &[]),
            ],
        );
    }
}
