//! The Services that HTTPRoutes refer to, and their ports.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::lint::codes::{ROUTE_BACKEND, ROUTE_BACKEND_PORT};
use crate::lint::index::kube_gateways::{list, text};
use crate::lint::item::Item;
use crate::lint::need::Need;
use crate::lint::{Code, Finding, Findings, Rule, World};
use crate::manifests::model::Other;

pub(super) static RULES: &[&dyn Rule] = &[&Backends];

/// Every `backendRef` of a rule or of a mirror filter.
struct Backends;

impl Rule for Backends {
    fn codes(&self) -> &'static [&'static Code] {
        &[&ROUTE_BACKEND, &ROUTE_BACKEND_PORT]
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Services]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let services = Services::of(world);
        for route in world.of_gateway_api("HTTPRoute") {
            for (number, rule) in list(route.object.content.pointer("/spec/rules")).enumerate() {
                let path = format!("spec.rules[{number}]");
                check_filters(route, rule, &path, &services, found);
                for (index, backend) in list(rule.get("backendRefs")).enumerate() {
                    let path = format!("{path}.backendRefs[{index}]");
                    found.push_some(services.check(route, backend, &path));
                    check_filters(route, backend, &path, &services, found);
                }
            }
        }
    }
}

fn check_filters(
    route: &Item<'_, Other>,
    holder: &Value,
    path: &str,
    services: &Services<'_, '_>,
    found: &mut Findings,
) {
    for (index, filter) in list(holder.get("filters")).enumerate() {
        if let Some(mirror) = filter.pointer("/requestMirror/backendRef") {
            let path = format!("{path}.filters[{index}].requestMirror.backendRef");
            found.push_some(services.check(route, mirror, &path));
        }
    }
}

/// Services with their ports, by name and then by namespace.
struct Services<'w, 'a> {
    world: &'w World<'a>,
    by_name: HashMap<&'w str, HashMap<&'w str, BTreeSet<u64>>>,
    /// Namespaces and names of Services that exist but could not be read.
    unread: BTreeSet<(&'w str, &'w str)>,
}

impl<'w, 'a> Services<'w, 'a> {
    fn of(world: &'w World<'a>) -> Self {
        let mut by_name: HashMap<&str, HashMap<&str, BTreeSet<u64>>> = HashMap::new();
        for service in &world.services {
            let ports = service.object.spec.ports.iter().map(|port| u64::from(port.port));
            let of_name = by_name.entry(&service.metadata.name).or_default();
            of_name.entry(service.namespace).or_default().extend(ports);
        }
        let unread = world.errors.iter().filter_map(|error| error.object.as_deref());
        let unread = unread.filter(|object| object.kind == "Service").map(|object| {
            let namespace = object.namespace.as_deref().unwrap_or(world.namespace());
            (namespace, object.name.as_str())
        });
        Self {
            world,
            by_name,
            unread: unread.collect(),
        }
    }

    /// References to anything other than a Service are ignored.
    fn check(&self, route: &Item<'_, Other>, backend: &Value, path: &str) -> Option<Finding> {
        if text(backend.get("kind")).is_some_and(|kind| kind != "Service") || text(backend.get("group")).is_some() {
            return None;
        }
        let name = text(backend.get("name"))?;
        let namespace = text(backend.get("namespace")).unwrap_or(route.namespace);
        if self.unread.contains(&(namespace, name)) || !self.world.sees("Service", namespace) {
            return None;
        }
        let of_name = self.by_name.get(name);
        let Some(ports) = of_name.and_then(|of_name| of_name.get(namespace)) else {
            let what = format!("there is no Service {name} in namespace {namespace}");
            let finding = Finding::new(&ROUTE_BACKEND, route.place(&format!("{path}.name")), what);
            let elsewhere = of_name.and_then(|of_name| of_name.keys().min());
            return Some(match elsewhere {
                Some(other) => finding.fix(format!(
                    "set namespace: {other}, where a Service of this name exists, and add a ReferenceGrant there"
                )),
                None => finding,
            });
        };
        // The API server itself refuses a reference without a port.
        let port = backend.get("port").and_then(Value::as_u64)?;
        if ports.contains(&port) {
            return None;
        }
        let known: Vec<String> = ports.iter().take(5).map(u64::to_string).collect();
        let what = if known.is_empty() {
            format!("Service {namespace}/{name} has no ports, so no port {port} either")
        } else {
            let more = if ports.len() > known.len() { " and others" } else { "" };
            format!(
                "Service {namespace}/{name} has no port {port}; it has {}{more}",
                known.join(", ")
            )
        };
        let place = route.place(&format!("{path}.port"));
        Some(Finding::new(&ROUTE_BACKEND_PORT, place, what))
    }
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::assert_cases;
    use crate::lint::testing::{lint_yaml, only};

    /// A route in namespace `shop`, and Services there and in `other`.
    fn route(rule: &str) -> String {
        format!(
            "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n\
             metadata: {{name: r, namespace: shop}}\nspec: {{parentRefs: [{{name: gw}}], rules: [{{{rule}}}]}}\n\
             ---\napiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: shop}}\n\
             spec: {{ports: [{{name: http, port: 80, targetPort: 8080}}, {{name: admin, port: 81}}]}}\n\
             ---\napiVersion: v1\nkind: Service\nmetadata: {{name: away, namespace: other}}\nspec: {{ports: [{{port: 80}}]}}\n"
        )
    }

    #[test]
    fn services_are_there() {
        let name: &[&str] = &["spec.rules[0].backendRefs[0].name"];
        assert_cases(
            "ITL0924",
            &[
                (route("backendRefs: [{name: web, port: 80}]"), &[]),
                (
                    route("backendRefs: [{name: web, kind: Service, group: '', port: 80}]"),
                    &[],
                ),
                (route("backendRefs: [{name: away, namespace: other, port: 80}]"), &[]),
                (
                    route("backendRefs: [{name: x, kind: Hostname, group: networking.istio.io, port: 80}]"),
                    &[],
                ),
                (route("filters: [{type: RequestRedirect}]"), &[]),
                (route("backendRefs: [{name: wbe, port: 80}]"), name),
                (route("backendRefs: [{name: away, port: 80}]"), name),
                (
                    route(
                        "backendRefs: [{name: web, port: 80}], filters: [{requestMirror: {backendRef: {name: x, port: 80}}}]",
                    ),
                    &["spec.rules[0].filters[0].requestMirror.backendRef.name"],
                ),
            ],
        );
        let finding = only(&route("backendRefs: [{name: away, port: 80}]"), "ITL0924");
        assert!(finding.fix.starts_with("set namespace: other"), "{}", finding.fix);
    }

    #[test]
    fn ports_are_the_services_own() {
        let port: &[&str] = &["spec.rules[0].backendRefs[0].port"];
        assert_cases(
            "ITL0925",
            &[
                (route("backendRefs: [{name: web, port: 80}]"), &[]),
                (route("backendRefs: [{name: web, port: 81}]"), &[]),
                (route("backendRefs: [{name: web}]"), &[]),
                (route("backendRefs: [{name: wbe, port: 8080}]"), &[]),
                (route("backendRefs: [{name: web, port: 8080}]"), port),
            ],
        );
        let finding = only(&route("backendRefs: [{name: web, port: 8080}]"), "ITL0925");
        assert_eq!(finding.what, "Service shop/web has no port 8080; it has 80, 81");
    }

    #[test]
    fn without_services_backends_are_not_judged() {
        let yaml = route("backendRefs: [{name: wbe, port: 80}]");
        let alone = yaml.split("---\napiVersion: v1").next().expect("the route");
        let report = lint_yaml(alone);
        assert!(report.findings.iter().all(|finding| finding.code != "ITL0924"));
        assert!(report.skipped.iter().any(|skipped| skipped.code == "ITL0924"));
    }
}
