//! References to other namespaces, which need a ReferenceGrant there.

use std::collections::HashSet;

use serde_json::Value;

use crate::lint::codes::GRANT_MISSING;
use crate::lint::index::kube_gateways::{GROUP, Listener, list, text};
use crate::lint::item::Item;
use crate::lint::{Code, Finding, Findings, Rule, World};
use crate::manifests::model::Other;

pub(super) static RULES: &[&dyn Rule] = &[&Grants];

/// References to other namespaces: certificates of Gateways, Services of routes.
struct Grants;

/// What a grant allows: its namespace, the kind and namespace of the referrer, and the kind and
/// name of the target; no name means any name.
type Grant<'a> = (&'a str, &'a str, &'a str, &'a str, Option<&'a str>);

impl Rule for Grants {
    fn codes(&self) -> &'static [&'static Code] {
        &[&GRANT_MISSING]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let mut granted: HashSet<Grant<'_>> = HashSet::new();
        for grant in world.of_gateway_api("ReferenceGrant") {
            let spec = &grant.object.content["spec"];
            for from in list(spec.get("from")).filter(|from| text(from.get("group")) == Some(GROUP)) {
                let (kind, namespace) = (text(from.get("kind")), text(from.get("namespace")));
                let to = list(spec.get("to")).filter(|to| text(to.get("group")).is_none());
                granted.extend(to.filter_map(|to| {
                    let (to_kind, name) = (text(to.get("kind"))?, text(to.get("name")));
                    Some((grant.namespace, kind?, namespace?, to_kind, name))
                }));
            }
        }
        let mut check = |item: &Item<'_, Other>, reference: &Value, path: String, kind: &str, default: &str| {
            let own_kind = item.object.kind.as_str();
            let wanted = text(reference.get("kind")).unwrap_or(default);
            let (Some(namespace), Some(name)) = (text(reference.get("namespace")), text(reference.get("name"))) else {
                return;
            };
            if namespace == item.namespace || wanted != kind || text(reference.get("group")).is_some() {
                return;
            }
            let allowed = [None, Some(name)]
                .into_iter()
                .any(|name| granted.contains(&(namespace, own_kind, item.namespace, kind, name)));
            if !allowed && world.sees("ReferenceGrant", namespace) {
                found.push(Finding::new(
                    &GRANT_MISSING,
                    item.place(&path),
                    format!(
                        "no ReferenceGrant in namespace {namespace} allows {own_kind}s in {} to refer to {kind} \
                        {name}",
                        item.namespace
                    ),
                ));
            }
        };
        for gateway in world.of_gateway_api("Gateway") {
            for listener in Listener::of(&gateway.object.content) {
                let refs = list(listener.json.pointer("/tls/certificateRefs"));
                for (index, reference) in refs.enumerate() {
                    let path = listener.path(&format!("tls.certificateRefs[{index}].namespace"));
                    check(gateway, reference, path, "Secret", "Secret");
                }
            }
        }
        for route in world.of_gateway_api("HTTPRoute").filter(|route| is_of_gateway(route)) {
            for (rule, value) in list(route.object.content.pointer("/spec/rules")).enumerate() {
                for (index, reference) in list(value.get("backendRefs")).enumerate() {
                    let path = format!("spec.rules[{rule}].backendRefs[{index}].namespace");
                    check(route, reference, path, "Service", "Service");
                }
            }
        }
    }
}

/// Whether a route has a Gateway among its parents: Istio requires no grants for routes between
/// Services of the mesh.
fn is_of_gateway(route: &Item<'_, Other>) -> bool {
    let mut parents = list(route.object.content.pointer("/spec/parentRefs")).peekable();
    parents.peek().is_none() || parents.any(|parent| text(parent.get("kind")).unwrap_or("Gateway") == "Gateway")
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::assert_cases;

    const VERSION: &str = "apiVersion: gateway.networking.k8s.io/v1";

    fn gateway(listeners: &str) -> String {
        format!(
            "---\n{VERSION}\nkind: Gateway\nmetadata: {{name: gw, namespace: edge}}\n\
             spec: {{gatewayClassName: istio, listeners: [{listeners}]}}\n"
        )
    }

    fn route(namespace: &str, spec: &str) -> String {
        format!("---\n{VERSION}\nkind: HTTPRoute\nmetadata: {{name: r, namespace: {namespace}}}\nspec: {{{spec}}}\n")
    }

    #[test]
    fn references_are_granted() {
        let gw = gateway(
            "{name: l, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c, namespace: istio-system}]}}",
        );
        let grant = |namespace: &str, from: &str, to: &str| {
            format!(
                "---\napiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\n\
                 metadata: {{name: g, namespace: {namespace}}}\nspec: {{from: [{from}], to: [{to}]}}\n"
            )
        };
        let from = |kind: &str, namespace: &str| {
            format!("{{group: gateway.networking.k8s.io, kind: {kind}, namespace: {namespace}}}")
        };
        let secret = "{group: '', kind: Secret}";
        let named = "{group: '', kind: Secret, name: c}";
        let with = |namespace: &str, from: &str, to: &str| format!("{gw}{}", grant(namespace, from, to));
        let edge = from("Gateway", "edge");
        let at: &[&str] = &["spec.listeners[0].tls.certificateRefs[0].namespace"];
        let backend = |namespace: &str| {
            route(
                "edge",
                &format!("rules: [{{backendRefs: [{{name: s, port: 80, namespace: {namespace}}}]}}]"),
            )
        };
        assert_cases(
            "ITL0901",
            &[
                (gw.clone(), at),
                (with("edge", &edge, secret), at),
                (with("istio-system", &from("Gateway", "other"), secret), at),
                (with("istio-system", &from("HTTPRoute", "edge"), secret), at),
                (with("istio-system", &edge, "{group: '', kind: Secret, name: d}"), at),
                (backend("shop"), &["spec.rules[0].backendRefs[0].namespace"]),
                (with("istio-system", &edge, secret), &[]),
                (with("istio-system", &edge, named), &[]),
                (gw.replace("namespace: istio-system", "namespace: edge"), &[]),
                (backend("edge"), &[]),
                (
                    backend("shop").replace("rules:", "parentRefs: [{kind: Service, group: '', name: s}], rules:"),
                    &[],
                ),
                (
                    format!(
                        "{}{}",
                        backend("shop"),
                        grant("shop", &from("HTTPRoute", "edge"), "{group: '', kind: Service}")
                    ),
                    &[],
                ),
            ],
        );
    }
}
