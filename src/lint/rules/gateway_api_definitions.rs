//! Validation of Gateway API objects as an API server does it: the schemas and CEL rules of their
//! CustomResourceDefinitions.

use crate::lint::codes::{API_REFUSED, UNKNOWN_FIELD};
use crate::lint::index::kube_gateways::GROUP;
use crate::lint::{Code, Finding, Findings, Rule, World};
use crate::manifests::crd::{FaultKind, Judge, has_version};

pub(super) static RULES: &[&dyn Rule] = &[&Definitions];

/// Every object of a kind whose definition is known.
struct Definitions;

impl Rule for Definitions {
    fn codes(&self) -> &'static [&'static Code] {
        &[&API_REFUSED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        // Objects in a cluster were already accepted by its API server, with its own definitions.
        if world.store.in_cluster {
            return;
        }
        let judge = Judge::default();
        for item in &world.others {
            let Some((GROUP, version)) = item.object.api_version.split_once('/') else {
                continue;
            };
            let kind = item.object.kind.as_str();
            if has_version(kind, version) == Some(false) {
                let what = format!("{kind} has no version {version}");
                found.push(Finding::new(&API_REFUSED, item.place("apiVersion"), what));
            }
            for fault in judge.faults(kind, version, &item.object.content) {
                let code = match fault.kind {
                    FaultKind::Unknown => &UNKNOWN_FIELD,
                    FaultKind::Value | FaultKind::Rule => &API_REFUSED,
                };
                found.push(Finding::new(code, item.place(&fault.path), fault.what));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{assert_code, assert_found};

    fn gateway(listeners: &str) -> String {
        format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: g}}\n\
             spec: {{gatewayClassName: istio, listeners: [{listeners}]}}\n"
        )
    }

    #[test]
    fn what_an_api_server_refuses_is_found_at_its_line() {
        let listener = "{name: a, port: 80, protocol: HTTP}";
        for (yaml, paths) in [
            (gateway(listener), &[][..]),
            (gateway(&listener.replace("80", "'80'")), &["spec.listeners[0].port"]),
            (gateway("{name: a, protocol: HTTP}"), &["spec.listeners[0].port"]),
            (
                gateway("{name: a, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: Some}}}"),
                &["spec.listeners[0].allowedRoutes.namespaces.from"],
            ),
            (gateway(listener).replace("io/v1", "io/v9"), &["apiVersion"]),
            // A Gateway of another group, and a kind without a known definition.
            (gateway("").replace("gateway.networking.k8s.io", "example.com"), &[]),
            (gateway("").replace("kind: Gateway", "kind: XMesh"), &[]),
        ] {
            assert_code(&yaml, "ITL0926", paths);
        }
        let misspelled = gateway("{name: a, port: 80, protocol: HTTP, hostnam: a.com}");
        assert_code(&misspelled, "ITL0003", &["spec.listeners[0].hostnam"]);
    }

    /// If a rule of the definition and one of lint's rules find the same fault, it is reported
    /// once.
    #[test]
    fn a_fault_is_told_once() {
        let tls = "tls: {mode: Passthrough}";
        assert_found(
            &gateway(&format!("{{name: a, port: 443, protocol: HTTPS, {tls}}}")),
            &[("ITL0903", "spec.listeners[0].tls.mode")],
        );
    }
}
