//! HTTPRoutes: the Gateway and listener that they refer to, and whether the listener accepts them.

use std::collections::HashMap;

use serde_json::Value;

use crate::lint::codes::{ROUTE_HOSTNAMES, ROUTE_NO_GATEWAY, ROUTE_NO_LISTENER, ROUTE_NOT_ALLOWED};
use crate::lint::index::host_set::HostSet;
use crate::lint::index::kube_gateways::{GROUP, Listener, list, text};
use crate::lint::index::servers::listed;
use crate::lint::item::Item;
use crate::lint::{Code, Finding, Findings, Need, Rule, Severity, World};
use crate::manifests::model::Other;

pub(super) static RULES: &[&dyn Rule] = &[&Parents];

/// Gateways by namespace and name.
type Gateways<'w, 'a> = HashMap<(&'a str, &'a str), Parent<'w, 'a>>;

/// A Gateway that routes may refer to, with its listeners.
struct Parent<'w, 'a> {
    gateway: &'w Item<'a, Other>,
    listeners: Vec<Listener<'a>>,
    by_name: HashMap<&'a str, usize>,
}

/// The parents of every HTTPRoute.
struct Parents;

impl Rule for Parents {
    fn codes(&self) -> &'static [&'static Code] {
        &[
            &ROUTE_NO_GATEWAY,
            &ROUTE_NO_LISTENER,
            &ROUTE_NOT_ALLOWED,
            &ROUTE_HOSTNAMES,
        ]
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::AllOf(&["Gateway"])]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let gateways: Gateways<'_, '_> = world
            .of_gateway_api("Gateway")
            .map(|gateway| {
                let listeners: Vec<Listener<'_>> = Listener::of(&gateway.object.content).collect();
                let names = listeners.iter().enumerate();
                let parent = Parent {
                    gateway,
                    by_name: names.map(|(number, listener)| (listener.name(), number)).collect(),
                    listeners,
                };
                ((gateway.namespace, gateway.metadata.name.as_str()), parent)
            })
            .collect();
        let mut hosts = Hosts::default();
        for route in world.of_gateway_api("HTTPRoute") {
            if gateways.is_empty() {
                for code in self.codes() {
                    found.skip(
                        code,
                        "the input holds no Gateway of the Gateway API, so any parent may exist",
                    );
                }
                return;
            }
            check_route(route, &gateways, &mut hosts, found);
        }
    }
}

/// The hostnames of whole Gateways, computed when a route names no listener.
#[derive(Default)]
struct Hosts<'a> {
    of_gateway: HashMap<(&'a str, &'a str, bool), HostSet<'a>>,
}

fn check_route<'a>(route: &Item<'a, Other>, gateways: &Gateways<'_, 'a>, hosts: &mut Hosts<'a>, found: &mut Findings) {
    let hostnames: Vec<(usize, &str)> = list(route.object.content.pointer("/spec/hostnames"))
        .enumerate()
        .filter_map(|(index, host)| Some((index, host.as_str()?)))
        .collect();
    // Hostnames that no listener has covered so far; reported only if all parents are known.
    let mut uncovered = hostnames.clone();
    let mut parents_known = true;
    let mut attached_to_some = false;
    for (index, parent) in list(route.object.content.pointer("/spec/parentRefs")).enumerate() {
        let kind = text(parent.get("kind")).unwrap_or("Gateway");
        if kind != "Gateway" || text(parent.get("group")).is_some_and(|group| group != GROUP) {
            // A Service or a ListenerSet: what it covers is unknown here.
            parents_known = false;
            continue;
        }
        match attach(route, parent, &format!("spec.parentRefs[{index}]"), gateways) {
            Ok(attached) => {
                attached_to_some = true;
                attached.cover(&mut uncovered, hosts);
            }
            Err(finding) => {
                parents_known = false;
                found.push(*finding);
            }
        }
    }
    if !parents_known || !attached_to_some {
        return;
    }
    let all = uncovered.len() == hostnames.len();
    for (index, host) in uncovered {
        let place = route.place(&format!("spec.hostnames[{index}]"));
        let finding = Finding::new(
            &ROUTE_HOSTNAMES,
            place,
            format!("no listener of the route's parents covers {host}"),
        );
        found.push(if all {
            finding
        } else {
            finding.severity(Severity::Warning)
        });
    }
}

/// The listeners that a route attaches to through one of its parents.
struct Attached<'p, 'w, 'a> {
    parent: &'p Parent<'w, 'a>,
    /// Set if the reference names a listener or port; otherwise all listeners that accept
    /// HTTPRoutes.
    listeners: Option<Vec<Listener<'a>>>,
    same_namespace: bool,
}

impl<'a> Attached<'_, '_, 'a> {
    /// Keeps only the hostnames that these listeners do not cover.
    fn cover(&self, uncovered: &mut Vec<(usize, &str)>, hosts: &mut Hosts<'a>) {
        if uncovered.is_empty() {
            return;
        }
        if let Some(listeners) = &self.listeners {
            let index = index_of(listeners.iter());
            uncovered.retain(|(_, host)| !index.overlaps(host));
            return;
        }
        let gateway = self.parent.gateway;
        let key = (gateway.namespace, gateway.metadata.name.as_str(), self.same_namespace);
        let index = hosts.of_gateway.entry(key).or_insert_with(|| {
            let listeners = self.parent.listeners.iter();
            index_of(listeners.filter(|listener| takes_http(listener) && allows(listener, self.same_namespace)))
        });
        uncovered.retain(|(_, host)| !index.overlaps(host));
    }
}

fn index_of<'s, 'a: 's>(listeners: impl Iterator<Item = &'s Listener<'a>>) -> HostSet<'a> {
    let mut index = HostSet::default();
    for listener in listeners {
        index.insert(listener.text("/hostname").unwrap_or("*"));
    }
    index
}

fn attach<'p, 'w, 'a>(
    route: &Item<'a, Other>,
    parent: &'a Value,
    path: &str,
    gateways: &'p Gateways<'w, 'a>,
) -> Result<Attached<'p, 'w, 'a>, Box<Finding>> {
    let name = text(parent.get("name")).unwrap_or_default();
    let namespace = text(parent.get("namespace")).unwrap_or(route.namespace);
    let Some(known) = gateways.get(&(namespace, name)) else {
        let elsewhere: Vec<&str> = gateways
            .keys()
            .filter(|(_, known)| *known == name)
            .map(|(namespace, _)| *namespace)
            .take(1)
            .collect();
        let what = format!("there is no Gateway {namespace}/{name}");
        let finding = Finding::new(&ROUTE_NO_GATEWAY, route.place(&format!("{path}.name")), what);
        return Err(Box::new(match elsewhere.first() {
            Some(other) => finding.fix(format!("set namespace: {other}, where a Gateway of this name exists")),
            None => finding,
        }));
    };
    let same_namespace = known.gateway.namespace == route.namespace;
    let (section, port) = (
        text(parent.get("sectionName")),
        parent.get("port").and_then(Value::as_u64),
    );
    let named: Option<Vec<Listener<'a>>> = match (section, port) {
        (None, None) => None,
        (Some(section), _) => Some(
            known
                .by_name
                .get(section)
                .map(|number| known.listeners[*number])
                .into_iter()
                .filter(|listener| port.is_none() || listener.port() == port)
                .collect(),
        ),
        (None, Some(_)) => Some(
            known
                .listeners
                .iter()
                .filter(|listener| listener.port() == port)
                .copied()
                .collect(),
        ),
    };
    let candidates = named.as_deref().unwrap_or(&known.listeners);
    let gateway = known.gateway.full_name();
    let (field, words) = match (section, port) {
        (Some(section), _) => ("sectionName", format!("listener {section}")),
        (None, Some(port)) => ("port", format!("listener on port {port}")),
        (None, None) => ("name", "listener".to_owned()),
    };
    let place = || route.place(&format!("{path}.{field}"));
    if candidates.is_empty() {
        let names: Vec<&str> = known.listeners.iter().map(Listener::name).collect();
        let what = match names.as_slice() {
            [] => format!("Gateway {gateway} has no listeners"),
            names => format!("Gateway {gateway} has no {words}; its listeners are {}", listed(names)),
        };
        return Err(Box::new(Finding::new(&ROUTE_NO_LISTENER, place(), what)));
    }
    if !candidates.iter().any(takes_http) {
        let what = format!(
            "Gateway {gateway} has no {words} that accepts HTTPRoutes: the protocol is {}",
            candidates[0].protocol()
        );
        return Err(Box::new(Finding::new(&ROUTE_NO_LISTENER, place(), what)));
    }
    let usable: Vec<Listener<'a>> = candidates
        .iter()
        .filter(|listener| takes_http(listener) && allows(listener, same_namespace))
        .copied()
        .collect();
    if usable.is_empty() {
        let what = format!(
            "no {words} of Gateway {gateway} accepts HTTPRoutes from namespace {}",
            route.namespace
        );
        return Err(Box::new(Finding::new(&ROUTE_NOT_ALLOWED, place(), what)));
    }
    Ok(Attached {
        parent: known,
        listeners: named.map(|_| usable),
        same_namespace,
    })
}

/// Whether a listener can have HTTPRoutes at all: not if it forwards TLS, TCP or UDP. Protocols of
/// other implementations can.
fn takes_http(listener: &Listener<'_>) -> bool {
    !matches!(listener.protocol(), "TLS" | "TCP" | "UDP")
}

/// Whether `allowedRoutes` accepts an HTTPRoute; a namespace selector counts as yes.
fn allows(listener: &Listener<'_>, same_namespace: bool) -> bool {
    let mut kinds = list(listener.json.pointer("/allowedRoutes/kinds")).peekable();
    let kind = kinds.peek().is_none() || kinds.any(|kind| text(kind.get("kind")) == Some("HTTPRoute"));
    let namespace = match listener.text("/allowedRoutes/namespaces/from") {
        None | Some("Same") => same_namespace,
        Some("None") => false,
        Some(_) => true,
    };
    kind && namespace
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::assert_cases;
    use crate::lint::Severity;
    use crate::lint::testing::{lint_yaml, only};

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

    fn http(name: &str, more: &str) -> String {
        format!("{{name: {name}, port: 80, protocol: HTTP{more}}}")
    }

    fn parent(more: &str) -> String {
        format!("parentRefs: [{{name: gw{more}}}]")
    }

    #[test]
    fn parents_are_there() {
        let gw = gateway(&http("web", ""));
        let with = |namespace: &str, spec: &str| format!("{gw}{}", route(namespace, spec));
        let at: &[&str] = &["spec.parentRefs[0].name"];
        assert_cases(
            "ITL0920",
            &[
                (with("edge", "parentRefs: [{name: other}]"), at),
                (with("shop", &parent("")), at),
                (
                    with(
                        "edge",
                        "parentRefs: [{name: one}, {kind: Service, group: '', name: two}, {name: three}]",
                    ),
                    &["spec.parentRefs[0].name", "spec.parentRefs[2].name"],
                ),
                (with("edge", &parent(", namespace: shop")), at),
                (with("edge", &parent("")), &[]),
                (with("shop", &parent(", namespace: edge")), &[]),
                (
                    with("edge", "parentRefs: [{kind: Service, group: '', name: other}]"),
                    &[],
                ),
                (with("edge", ""), &[]),
            ],
        );
        let alone = lint_yaml(&route("edge", &parent("")));
        assert_eq!(alone.findings, []);
        assert_eq!(
            alone.skipped.iter().filter(|skipped| skipped.code == "ITL0920").count(),
            1
        );
    }

    #[test]
    fn sections_are_there() {
        let tls = "{name: tls, port: 443, protocol: TLS, tls: {mode: Passthrough}}";
        let gw = gateway(&format!("{}, {tls}", http("web", "")));
        let with = |spec: &str| format!("{gw}{}", route("edge", spec));
        assert_cases(
            "ITL0921",
            &[
                (
                    with(&parent(", sectionName: https")),
                    &["spec.parentRefs[0].sectionName"],
                ),
                (
                    with(&parent(", sectionName: web, port: 443")),
                    &["spec.parentRefs[0].sectionName"],
                ),
                (with(&parent(", sectionName: tls")), &["spec.parentRefs[0].sectionName"]),
                (with(&parent(", port: 8080")), &["spec.parentRefs[0].port"]),
                (
                    format!("{}{}", gateway(tls), route("edge", &parent(""))),
                    &["spec.parentRefs[0].name"],
                ),
                (with(&parent(", sectionName: web")), &[]),
                (with(&parent(", sectionName: web, port: 80")), &[]),
                (with(&parent(", port: 80")), &[]),
                (with(&parent("")), &[]),
            ],
        );
    }

    #[test]
    fn listeners_let_routes_in() {
        let with = |listener: &str, namespace: &str| {
            let allowed = format!(", allowedRoutes: {{{listener}}}");
            format!(
                "{}{}",
                gateway(&http("web", &allowed)),
                route(namespace, &parent(", namespace: edge"))
            )
        };
        let at: &[&str] = &["spec.parentRefs[0].name"];
        assert_cases(
            "ITL0922",
            &[
                (with("", "shop"), at),
                (with("namespaces: {from: Same}", "shop"), at),
                (with("namespaces: {from: None}", "edge"), at),
                (with("kinds: [{kind: GRPCRoute}]", "edge"), at),
                (with("", "edge"), &[]),
                (with("namespaces: {from: Same}", "edge"), &[]),
                (
                    with(
                        "namespaces: {from: All}, kinds: [{kind: GRPCRoute}, {kind: HTTPRoute}]",
                        "shop",
                    ),
                    &[],
                ),
                (
                    with("namespaces: {from: Selector, selector: {matchLabels: {a: b}}}", "shop"),
                    &[],
                ),
            ],
        );
    }

    #[test]
    fn hostnames_are_covered() {
        let gw = gateway(&format!(
            "{}, {}, {}",
            http("a", ", hostname: a.com"),
            http("wide", ", hostname: '*.b.com'"),
            http("other", ", hostname: c.com, allowedRoutes: {namespaces: {from: None}}")
        ));
        let with = |hosts: &str, more: &str| {
            format!(
                "{gw}{}",
                route("edge", &format!("hostnames: [{hosts}], {}", parent(more)))
            )
        };
        let any = format!(
            "{}{}",
            gateway(&http("a", "")),
            route("edge", &format!("hostnames: [x.com], {}", parent("")))
        );
        assert_cases(
            "ITL0923",
            &[
                (with("c.com", ""), &["spec.hostnames[0]"]),
                (with("a.com, b.com", ""), &["spec.hostnames[1]"]),
                (with("x.b.com", ", sectionName: a"), &["spec.hostnames[0]"]),
                (with("a.com, x.b.com, y.x.b.com", ""), &[]),
                (with("'*.com', '*.x.b.com'", ""), &[]),
                (with("a.com", ", sectionName: a"), &[]),
                (with("", ""), &[]),
                (any, &[]),
                (
                    format!(
                        "{gw}{}",
                        route(
                            "edge",
                            "hostnames: [z.com], parentRefs: [{name: gw}, {name: s, kind: Service, group: ''}]"
                        )
                    ),
                    &[],
                ),
                (
                    format!(
                        "{gw}{}",
                        route(
                            "edge",
                            "hostnames: [a.com, x.b.com], parentRefs: [{name: gw, sectionName: a}, {name: gw, sectionName: wide}]"
                        )
                    ),
                    &[],
                ),
            ],
        );
        let severity = |yaml: &str| only(yaml, "ITL0923").severity;
        assert_eq!(severity(&with("a.com, b.com", "")), Severity::Warning);
        assert_eq!(severity(&with("b.com", "")), Severity::Error);
    }
}
