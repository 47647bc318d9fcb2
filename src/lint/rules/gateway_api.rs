//! Gateways of the Kubernetes Gateway API: names, protocols and certificates of their listeners.

use std::collections::HashMap;
use std::net::IpAddr;

use serde_json::Value;

use crate::lint::codes::{
    API_HOSTNAME, CERTIFICATE_REFS, LISTENER_MISFIT, LISTENER_NO_CERTIFICATE, LISTENER_PROTOCOL, LISTENER_TWICE,
    LISTENERS_MANY, PASSTHROUGH_CERTIFICATES, TERMINATE_MODE,
};
use crate::lint::index::kube_gateways::{Listener, list, text};
use crate::lint::item::Item;
use crate::lint::{Code, Finding, Findings, Rule, World};
use crate::manifests::model::Other;

pub(super) static RULES: &[&dyn Rule] = &[&Certificates, &TerminateMode, &Hostnames, &Unique, &Istios];

/// The maximum number of listeners of a Gateway (a limit of the CRD).
const LISTENERS: usize = 64;
/// Istio's option for client certificates.
const TERMINATE_MODE_KEY: &str = "gateway.istio.io/tls-terminate-mode";
/// Its values; the last two use the mesh's own certificate.
const TERMINATE_MODES: [&str; 4] = ["MUTUAL", "OPTIONAL_MUTUAL", "ISTIO_MUTUAL", "ISTIO_SIMPLE"];

/// A listener with its Gateway.
fn listeners<'w, 'a>(world: &'w World<'a>) -> impl Iterator<Item = (&'w Item<'a, Other>, Listener<'a>)> {
    world
        .of_gateway_api("Gateway")
        .flat_map(|gateway| Listener::of(&gateway.object.content).map(move |listener| (gateway, listener)))
}

fn finding(
    code: &'static Code,
    gateway: &Item<'_, Other>,
    listener: Listener<'_>,
    field: &str,
    what: impl Into<String>,
) -> Finding {
    Finding::new(code, gateway.place(&listener.path(field)), what)
}

fn terminate_mode(tls: &Value) -> Option<&str> {
    text(tls.get("options").and_then(|options| options.get(TERMINATE_MODE_KEY)))
}

/// TLS settings and protocol, certificates and mode.
struct Certificates;

impl Rule for Certificates {
    fn codes(&self) -> &'static [&'static Code] {
        &[&LISTENER_NO_CERTIFICATE, &LISTENER_MISFIT, &PASSTHROUGH_CERTIFICATES]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for (gateway, listener) in listeners(world) {
            let (name, protocol) = (listener.name(), listener.protocol());
            let Some(tls) = listener.tls() else {
                if matches!(protocol, "HTTPS" | "TLS") {
                    let what = format!("listener {name} uses protocol {protocol} but has no tls");
                    let finding = finding(&LISTENER_NO_CERTIFICATE, gateway, listener, "protocol", what);
                    found.push(if protocol == "HTTPS" {
                        finding.why(
                            "the API server accepts it, but the listener is never programmed: there is nothing \
                            to serve",
                        )
                    } else {
                        finding
                    });
                } else if matches!(protocol, "TCP" | "UDP") && listener.text("/hostname").is_some() {
                    let what = format!("listener {name} uses protocol {protocol} but has a hostname");
                    found.push(finding(&LISTENER_MISFIT, gateway, listener, "hostname", what));
                }
                continue;
            };
            let passes = listener.text("/tls/mode") == Some("Passthrough");
            let refs = list(tls.get("certificateRefs")).count();
            if matches!(protocol, "HTTP" | "TCP" | "UDP") {
                let what = format!("listener {name} uses protocol {protocol} but has tls");
                found.push(finding(&LISTENER_MISFIT, gateway, listener, "tls", what));
            } else if protocol == "HTTPS" && passes {
                let what = format!("listener {name} uses protocol HTTPS but mode Passthrough");
                let finding = finding(&LISTENER_MISFIT, gateway, listener, "tls.mode", what);
                found.push(finding.fix("protocol: TLS with mode: Passthrough and a TLSRoute, or mode: Terminate"));
            } else if passes && refs > 0 {
                let what = format!("listener {name} passes TLS through but has certificates");
                let field = "tls.certificateRefs";
                found.push(finding(&PASSTHROUGH_CERTIFICATES, gateway, listener, field, what));
            } else if !passes && refs == 0 && !elsewhere(tls) {
                let what = format!("listener {name} terminates TLS without certificateRefs");
                found.push(finding(&LISTENER_NO_CERTIFICATE, gateway, listener, "tls", what));
            }
        }
    }
}

/// Whether an option selects the certificate: the mesh's own, or one of another implementation.
fn elsewhere(tls: &Value) -> bool {
    let options = tls.get("options").and_then(Value::as_object);
    options.into_iter().flatten().any(|(option, value)| {
        option != TERMINATE_MODE_KEY || matches!(value.as_str(), Some("ISTIO_MUTUAL" | "ISTIO_SIMPLE"))
    })
}

/// Istio's option for mutual TLS.
struct TerminateMode;

impl Rule for TerminateMode {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TERMINATE_MODE]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for (gateway, listener) in listeners(world) {
            let mode = listener.tls().and_then(terminate_mode);
            if let Some(mode) = mode.filter(|mode| !TERMINATE_MODES.contains(mode)) {
                let what = format!("{TERMINATE_MODE_KEY} is {mode:?}");
                let field = format!("tls.options[\"{TERMINATE_MODE_KEY}\"]");
                found.push(finding(&TERMINATE_MODE, gateway, listener, &field, what));
            }
        }
    }
}

/// The syntax of hostnames in listeners and routes.
struct Hostnames;

impl Rule for Hostnames {
    fn codes(&self) -> &'static [&'static Code] {
        &[&API_HOSTNAME]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for (gateway, listener) in listeners(world) {
            if let Some((host, fault)) = listener.text("/hostname").and_then(host_fault) {
                let what = format!("hostname {host:?} {fault}");
                found.push(finding(&API_HOSTNAME, gateway, listener, "hostname", what));
            }
        }
        for route in world.of_gateway_api("HTTPRoute") {
            let hostnames = list(route.object.content.pointer("/spec/hostnames"));
            for (index, host) in hostnames.enumerate() {
                if let Some((host, fault)) = host.as_str().and_then(host_fault) {
                    let place = route.place(&format!("spec.hostnames[{index}]"));
                    found.push(Finding::new(&API_HOSTNAME, place, format!("hostname {host:?} {fault}")));
                }
            }
        }
    }
}

/// A hostname, truncated for display, and why the API refuses it.
fn host_fault(host: &str) -> Option<(String, &'static str)> {
    let name = host.strip_prefix("*.").unwrap_or(host);
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let fault = if host.is_empty() || host.len() > 253 {
        "is empty or longer than 253 characters"
    } else if host.parse::<IpAddr>().is_ok() {
        "is an IP address"
    } else if name.contains('*') {
        "has a wildcard that is not the whole first label"
    } else if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        "has capital letters"
    } else if !name.split('.').all(label) {
        "is not a DNS name"
    } else {
        return None;
    };
    Some((host.chars().take(80).collect(), fault))
}

/// Listeners are unique, and not too many.
struct Unique;

impl Rule for Unique {
    fn codes(&self) -> &'static [&'static Code] {
        &[&LISTENER_TWICE, &LISTENERS_MANY]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for gateway in world.of_gateway_api("Gateway") {
            let mut names: HashMap<&str, usize> = HashMap::new();
            let mut ends: HashMap<(Option<u64>, &str, Option<&str>), usize> = HashMap::new();
            let mut count = 0;
            for listener in Listener::of(&gateway.object.content) {
                count += 1;
                let (index, name) = (listener.index, listener.name());
                let first = *names.entry(name).or_insert(index);
                if first != index {
                    let what = format!("spec.listeners[{first}] is also named {name}");
                    found.push(finding(&LISTENER_TWICE, gateway, listener, "name", what));
                }
                let (protocol, hostname) = (listener.protocol(), listener.text("/hostname"));
                let first = *ends.entry((listener.port(), protocol, hostname)).or_insert(index);
                if first != index {
                    let what = format!(
                        "listener {name} has the same port, protocol and hostname as spec.listeners[{first}]: {protocol}, {}",
                        hostname.unwrap_or("any host")
                    );
                    found.push(finding(&LISTENER_TWICE, gateway, listener, "port", what));
                }
            }
            if count > LISTENERS {
                let what = format!("Gateway {} has {count} listeners", gateway.full_name());
                found.push(Finding::new(&LISTENERS_MANY, gateway.place("spec.listeners"), what));
            }
        }
    }
}

/// Listeners that Istio does not serve, in Gateways of Istio's classes.
struct Istios;

impl Rule for Istios {
    fn codes(&self) -> &'static [&'static Code] {
        &[&LISTENER_PROTOCOL, &CERTIFICATE_REFS]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for (gateway, listener) in listeners(world) {
            let class = text(gateway.object.content.pointer("/spec/gatewayClassName"));
            if !class.is_some_and(|class| class == "istio" || class.starts_with("istio-")) {
                continue;
            }
            let protocol = listener.protocol();
            // Waypoints and east-west gateways use HBONE.
            if !matches!(protocol, "HTTP" | "HTTPS" | "TLS" | "TCP" | "HBONE") {
                let what = format!("listener {} uses protocol {protocol:?}", listener.name());
                found.push(finding(&LISTENER_PROTOCOL, gateway, listener, "protocol", what));
            }
            let refs: Vec<&Value> = list(listener.tls().and_then(|tls| tls.get("certificateRefs"))).collect();
            if refs.len() > 2 {
                let what = format!("listener {} has {} certificates", listener.name(), refs.len());
                let field = "tls.certificateRefs";
                found.push(finding(&CERTIFICATE_REFS, gateway, listener, field, what));
            }
            for (index, reference) in refs.iter().enumerate() {
                let kind = text(reference.get("kind")).unwrap_or("Secret");
                let group = text(reference.get("group")).unwrap_or_default();
                if kind != "Secret" || !group.is_empty() {
                    let what = format!("listener {} refers to a {kind} as its certificate", listener.name());
                    let field = format!("tls.certificateRefs[{index}]");
                    found.push(finding(&CERTIFICATE_REFS, gateway, listener, &field, what));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::assert_cases;
    use crate::lint::testing::{assert_found, found};

    fn gateway(listeners: &str) -> String {
        of_class("istio", listeners)
    }

    fn of_class(class: &str, listeners: &str) -> String {
        format!(
            "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: gw}}\n\
             spec: {{gatewayClassName: {class}, listeners: [{listeners}]}}\n"
        )
    }

    fn listener(protocol: &str, more: &str) -> String {
        gateway(&format!("{{name: l, port: 443, protocol: {protocol}{more}}}"))
    }

    const REFS: &str = "certificateRefs: [{name: c}]";

    #[test]
    fn listeners_that_speak_tls_have_certificates() {
        let at: &[&str] = &["spec.listeners[0].tls"];
        let option = |value: &str| {
            listener(
                "HTTPS",
                &format!(", tls: {{options: {{gateway.istio.io/tls-terminate-mode: {value}}}}}"),
            )
        };
        assert_cases(
            "ITL0902",
            &[
                (listener("HTTPS", ""), &["spec.listeners[0].protocol"]),
                (listener("TLS", ""), &["spec.listeners[0].protocol"]),
                (listener("HTTPS", ", tls: {}"), at),
                (listener("HTTPS", ", tls: {mode: Terminate, certificateRefs: []}"), at),
                (option("MUTUAL"), at),
                (option("ISTIO_MUTUAL"), &[]),
                (listener("HTTPS", ", tls: {options: {networking.gke.io/certs: c}}"), &[]),
                (listener("HTTPS", &format!(", tls: {{{REFS}}}")), &[]),
                (listener("TLS", ", tls: {mode: Passthrough}"), &[]),
                (listener("HTTP", ""), &[]),
                (listener("HBONE", ""), &[]),
            ],
        );
    }

    #[test]
    fn protocols_and_modes_fit() {
        assert_cases(
            "ITL0903",
            &[
                (
                    listener("HTTP", &format!(", tls: {{{REFS}}}")),
                    &["spec.listeners[0].tls"],
                ),
                (
                    listener("HTTPS", ", tls: {mode: Passthrough}"),
                    &["spec.listeners[0].tls.mode"],
                ),
                (listener("TCP", ", hostname: a.com"), &["spec.listeners[0].hostname"]),
                (listener("HTTP", ", hostname: a.com"), &[]),
                (listener("TCP", ""), &[]),
                (listener("TLS", &format!(", tls: {{mode: Terminate, {REFS}}}")), &[]),
            ],
        );
        assert_cases(
            "ITL0904",
            &[
                (
                    listener("TLS", &format!(", tls: {{mode: Passthrough, {REFS}}}")),
                    &["spec.listeners[0].tls.certificateRefs"],
                ),
                (listener("TLS", ", tls: {mode: Passthrough, certificateRefs: []}"), &[]),
                (listener("TLS", ", tls: {mode: Passthrough}"), &[]),
                (listener("HTTPS", &format!(", tls: {{{REFS}}}")), &[]),
            ],
        );
    }

    #[test]
    fn the_option_for_mutual_tls() {
        let with = |value: &str| {
            listener(
                "HTTPS",
                &format!(", tls: {{{REFS}, options: {{gateway.istio.io/tls-terminate-mode: {value}}}}}"),
            )
        };
        let at: &[&str] = &["spec.listeners[0].tls.options[\"gateway.istio.io/tls-terminate-mode\"]"];
        assert_cases(
            "ITL0910",
            &[
                (with("Mutual"), at),
                (with("SIMPLE"), at),
                (with("MUTUAL"), &[]),
                (with("OPTIONAL_MUTUAL"), &[]),
                (with("ISTIO_SIMPLE"), &[]),
                (
                    listener("HTTPS", &format!(", tls: {{{REFS}, options: {{other: x}}}}")),
                    &[],
                ),
            ],
        );
    }

    #[test]
    fn hostnames() {
        for bad in [
            "'*'",
            "A.com",
            "10.0.0.1",
            "'::1'",
            "a..com",
            "a.com.",
            "'a.*.com'",
            "-a.com",
            "a_b.com",
            "'ä.com'",
        ] {
            let yaml = listener("HTTP", &format!(", hostname: {bad}"));
            assert_cases("ITL0905", &[(yaml, &["spec.listeners[0].hostname"])]);
        }
        for good in ["a.com", "'*.a.com'", "localhost", "''", "xn--bcher-kva.example"] {
            let yaml = listener("HTTP", &format!(", hostname: {good}"));
            assert_cases("ITL0905", &[(yaml, &[])]);
        }
        let route = |hosts: &str| {
            format!(
                "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: r}}\nspec: {{hostnames: [{hosts}]}}\n"
            )
        };
        assert_cases(
            "ITL0905",
            &[
                (route("a.com, 10.0.0.1"), &["spec.hostnames[1]"]),
                (route("a.com, '*.b.com'"), &[]),
                (route(""), &[]),
                (route("3"), &[]),
            ],
        );
    }

    #[test]
    fn listeners_are_told_apart() {
        let two = |one: &str, other: &str| gateway(&format!("{{{one}}}, {{{other}}}"));
        let http = |name: &str, more: &str| format!("name: {name}, protocol: HTTP, {more}");
        assert_cases(
            "ITL0906",
            &[
                (
                    two(&http("a", "port: 80"), &http("a", "port: 81")),
                    &["spec.listeners[1].name"],
                ),
                (
                    two(&http("a", "port: 80"), &http("b", "port: 80")),
                    &["spec.listeners[1].port"],
                ),
                (
                    two(&http("a", "port: 80"), &http("b", "port: 80, hostname: b.com")),
                    &[],
                ),
                (two(&http("a", "port: 80"), &http("b", "port: 81")), &[]),
                (two(&http("a", "port: 80"), "name: b, port: 80, protocol: TCP"), &[]),
            ],
        );
        let many = |count: usize| {
            let all: Vec<String> = (0..count)
                .map(|n| format!("{{{}}}", http(&format!("l{n}"), &format!("port: {}", n + 1))))
                .collect();
            gateway(&all.join(", "))
        };
        assert_cases(
            "ITL0907",
            &[
                (many(65), &["spec.listeners"]),
                (many(64), &[]),
                (many(1), &[]),
                (many(0), &[]),
            ],
        );
    }

    #[test]
    fn what_istio_serves() {
        let refs = |refs: &str| listener("HTTPS", &format!(", tls: {{certificateRefs: [{refs}]}}"));
        assert_cases(
            "ITL0908",
            &[
                (listener("UDP", ""), &["spec.listeners[0].protocol"]),
                (listener("https", ""), &["spec.listeners[0].protocol"]),
                (listener("HTTP", ""), &[]),
                (listener("HBONE", ""), &[]),
                (of_class("other", "{name: l, port: 53, protocol: UDP}"), &[]),
            ],
        );
        assert_cases(
            "ITL0909",
            &[
                (
                    refs("{name: a}, {name: b}, {name: c}"),
                    &["spec.listeners[0].tls.certificateRefs"],
                ),
                (
                    refs("{name: a}, {name: b, kind: Certificate, group: cert-manager.io}"),
                    &["spec.listeners[0].tls.certificateRefs[1]"],
                ),
                (refs("{name: a}, {name: b}"), &[]),
                (refs("{name: a, kind: Secret, group: ''}"), &[]),
                (
                    of_class(
                        "other",
                        "{name: l, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: a, kind: X}]}}",
                    ),
                    &[],
                ),
            ],
        );
    }

    #[test]
    fn other_groups_and_odd_shapes_are_no_findings() {
        let foreign =
            gateway("{name: l, protocol: HTTPS, port: 443}").replace("gateway.networking.k8s.io", "example.com");
        assert_found(&foreign, &[]);
        for odd in ["3", "[3]", "{a: 1}", "null", "[{tls: 3}]", "[[{}]]"] {
            let yaml = format!(
                "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: gw}}\nspec: {{listeners: {odd}}}\n"
            );
            // The CRD refuses them; the rules must cope with them.
            let other = found(&yaml).into_iter().filter(|(code, _)| *code != "ITL0926");
            assert_eq!(other.count(), 0, "{yaml}");
        }
    }
}
