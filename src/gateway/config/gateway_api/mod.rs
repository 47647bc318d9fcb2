//! Objects of the Kubernetes Gateway API as the Gateways and VirtualServices that istiod
//! makes of them (its `pilot/pkg/config/kube/gateway`). Pure: objects in, objects out.
//!
//! `listeners` (with `tls`) makes a Gateway of each listener, `parents` says to which of
//! them a route is bound, `http` (with `filters` and `backends`) and `l4` convert its
//! rules, and [`convert`] joins the routes of a listener's host, as istiod does.

mod backends;
mod context;
mod filters;
mod grants;
mod http;
mod kube;
mod l4;
mod listeners;
pub mod names;
mod namespaces;
mod parents;
mod places;
mod rule;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::{BTreeMap, HashMap};

use super::build::Invalid;
use super::input::{Input, Object};
use super::note::Notes;
use crate::manifests::gateway_api::{self as api, list, text};
use crate::manifests::load;
use crate::manifests::model::Manifest;
use crate::manifests::model::gateway::GatewaySpec;
use crate::manifests::model::http_route::HttpRoute;
use crate::manifests::model::virtual_service::VirtualServiceSpec;
use crate::problem::Problem;
use context::Context;
use grants::Grants;
use kube::{Kube, Stored};
use listeners::Listeners;
use namespaces::Namespaces;
use parents::Bound;
use places::{Made, Places};
use rule::Refused;

pub use context::Scene;

/// What was made of the objects of the Gateway API.
#[derive(Default)]
pub struct Converted<'a> {
    gateways: Vec<Made<'a, GatewaySpec>>,
    routes: Vec<Made<'a, VirtualServiceSpec>>,
    /// What is dropped, not bound or not run.
    pub notes: Notes,
    /// Secrets that are broken, so that Istio leaves out their listeners.
    pub invalid: Vec<Invalid>,
    /// There are Gateways for the pods that are played, whatever became of their listeners.
    pub has_gateways: bool,
    /// Why the first of the other Gateways is not played.
    pub not_played: Option<Problem>,
}

impl Converted<'_> {
    /// Adds what was made to what the table is built of.
    pub fn add_to<'i>(&'i self, input: &mut Input<'i>) {
        input.gateways.extend(self.gateways.iter().map(object_of));
        input.virtual_services.extend(self.routes.iter().map(object_of));
    }
}

fn object_of<'i, T>(made: &'i Made<'_, T>) -> Object<'i, T> {
    Object {
        namespace: &made.namespace,
        name: &made.name,
        created: &made.created,
        spec: &made.spec,
        place: Box::new(&made.places),
        of_gateway_api: true,
    }
}

/// The kinds of the API that are read here.
const KINDS: &[&str] = &[
    "Gateway",
    "GatewayClass",
    "ListenerSet",
    "HTTPRoute",
    "GRPCRoute",
    "TLSRoute",
    "TCPRoute",
    "ReferenceGrant",
];

/// The objects of the API, by kind.
struct Objects<'a> {
    by_kind: HashMap<&'a str, Vec<Stored<'a>>>,
}

impl<'a> Objects<'a> {
    fn of(&self, kind: &str) -> &[Stored<'a>] {
        self.by_kind.get(kind).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Converts the objects of the API among `objects`; `default_namespace` is for those that
/// name none.
pub fn convert<'a>(objects: &'a [load::Object], default_namespace: &'a str, scene: &Scene<'_>) -> Converted<'a> {
    let mut notes = Notes::default();
    let mut by_kind: HashMap<&str, Vec<Stored<'a>>> = HashMap::new();
    for kube in objects.iter().map(|object| Kube::new(object, default_namespace)) {
        let Some(other) = kube.other().filter(|other| api::is_of_group(other)) else {
            continue;
        };
        if KINDS.contains(&other.kind.as_str()) {
            let content = api::stored(other);
            by_kind.entry(&other.kind).or_default().push(Stored { kube, content });
        } else {
            notes.push_limit(
                Problem::new(format!("serve does not run {}", kube.title()))
                    .at(kube.place("kind"))
                    .why(format!("it knows no {}s", other.kind)),
            );
        }
    }
    if by_kind.is_empty() {
        return Converted {
            notes,
            ..Converted::default()
        };
    }
    let found = Objects { by_kind };
    let all = || objects.iter().map(|object| Kube::new(object, default_namespace));
    let context = Context {
        scene,
        store: scene.store,
        grants: Grants::of(found.of("ReferenceGrant")),
        namespaces: Namespaces::of(all()),
        services: (objects.iter())
            .filter_map(|object| match &object.manifest {
                Manifest::Service(service) => Some((service.metadata.namespace_or(default_namespace), service)),
                _ => None,
            })
            .collect(),
    };
    let mut listeners = Listeners::default();
    let (mut has_gateways, mut not_played) = (false, None);
    for gateway in found.of("Gateway") {
        match context.is_played(gateway, found.of("GatewayClass")) {
            Ok(()) => {
                has_gateways = true;
                listeners.take(gateway, found.of("ListenerSet"), &context, &mut notes);
            }
            Err(problem) => {
                not_played.get_or_insert_with(|| (*problem).clone());
                notes.push_limit(*problem);
            }
        }
    }
    let routes = routes(&found, &listeners, &context, &mut notes);
    Converted {
        gateways: listeners.gateways,
        routes,
        notes,
        invalid: listeners.invalid,
        has_gateways,
        not_played,
    }
}

/// An object's routes of HTTP, and for what they are.
struct Converting<'a> {
    kube: Kube<'a>,
    routes: Vec<rule::Made<HttpRoute>>,
    /// Listeners' Gateways and hosts.
    targets: Vec<(String, String)>,
}

/// Routes of HTTP that were made of one object for one listener and host.
struct Share<'r, 'a> {
    kube: Kube<'a>,
    routes: &'r [rule::Made<HttpRoute>],
}

fn routes<'a>(
    found: &Objects<'a>,
    listeners: &Listeners<'a>,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Vec<Made<'a, VirtualServiceSpec>> {
    let parents = listeners::by_holder(&listeners.parents);
    let mut http: Vec<Converting<'a>> = Vec::new();
    let mut made = Vec::new();
    for kind in ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"] {
        for route in found.of(kind) {
            say_parents(route, found, notes);
            let hosts = parents::hostnames(route);
            let bound = parents::bound(route, &hosts, &parents, notes);
            if bound.is_empty() {
                continue;
            }
            let result = if matches!(kind, "HTTPRoute" | "GRPCRoute") {
                http::routes(route, context, notes).map(|routes| {
                    let targets = bound.iter().flat_map(|bound| {
                        let taken = hosts.iter().filter(|host| bound.takes(host));
                        taken.map(|host| (bound.parent.gateway.clone(), host.clone()))
                    });
                    http.push(Converting {
                        kube: route.kube,
                        routes,
                        targets: targets.collect(),
                    });
                })
            } else {
                l4::routes(route, context, notes)
                    .map(|rules| made.extend(of_connections(route, &hosts, &bound, &rules)))
            };
            if let Err(Refused(problem)) = result {
                notes.push(problem);
            }
        }
    }
    let mut shares: BTreeMap<(&str, &str), Vec<Share<'_, 'a>>> = BTreeMap::new();
    for one in http.iter().filter(|one| !one.routes.is_empty()) {
        for (gateway, host) in &one.targets {
            let key = (gateway.as_str(), host.as_str());
            shares.entry(key).or_default().push(Share {
                kube: one.kube,
                routes: &one.routes,
            });
        }
    }
    made.extend(
        shares
            .into_iter()
            .map(|((gateway, host), shares)| joined(gateway, host, shares)),
    );
    made
}

/// Notes a parent that is not there.
fn say_parents(route: &Stored<'_>, found: &Objects<'_>, notes: &mut Notes) {
    for (index, reference) in list(route.content.pointer("/spec/parentRefs")).enumerate() {
        let kind = text(reference.get("kind")).unwrap_or("Gateway");
        if !matches!(kind, "Gateway" | "ListenerSet") || text(reference.get("group")).is_some_and(|of| of != api::GROUP)
        {
            continue;
        }
        let namespace = text(reference.get("namespace")).unwrap_or(route.kube.namespace);
        let name = text(reference.get("name")).unwrap_or_default();
        let mut known = found.of(kind).iter();
        if !known.any(|parent| parent.kube.namespace == namespace && parent.kube.name() == name) {
            notes.push(
                Problem::new(format!(
                    "{} is not bound to {kind} {namespace}/{name}",
                    route.kube.title()
                ))
                .at(route.kube.place(&format!("spec.parentRefs[{index}].name")))
                .why(format!("there is no {kind} {namespace}/{name}")),
            );
        }
    }
}

/// A VirtualService for each listener of a TLSRoute or TCPRoute.
fn of_connections<'a>(
    route: &Stored<'a>,
    hosts: &[String],
    bound: &[Bound<'_, 'a>],
    rules: &[l4::Rule],
) -> Vec<Made<'a, VirtualServiceSpec>> {
    let is_tls = route.kube.kind() == "TLSRoute";
    let specs = bound.iter().filter_map(|bound| {
        let spec = if is_tls {
            l4::tls(bound, hosts, rules)
        } else {
            Some(l4::tcp(rules))
        };
        spec.map(|spec| (bound.parent.gateway.clone(), spec))
    });
    let protocol = if is_tls { "tls" } else { "tcp" };
    specs
        .enumerate()
        .map(|(count, (gateway, mut spec))| {
            let mut places = Places::default();
            places.add("spec", route.kube, "spec");
            places.add("spec.hosts", route.kube, "spec.hostnames");
            for list in ["tls", "tcp"] {
                for (index, l4::Rule { made: rule, .. }) in rules.iter().enumerate() {
                    add_paths(
                        &mut places,
                        &format!("spec.{list}[{index}]"),
                        route.kube,
                        &rule.source,
                        &rule.paths,
                    );
                    places.add(format!("spec.{list}[{index}].match"), route.kube, "spec.hostnames");
                }
            }
            spec.gateways = vec![gateway];
            Made {
                namespace: route.kube.namespace.to_owned(),
                name: format!(
                    "{}~{protocol}~{count}~istio-autogenerated-k8s-gateway",
                    route.kube.name()
                ),
                created: route.kube.created().to_owned(),
                spec,
                places,
            }
        })
        .collect()
}

fn add_paths<'a>(places: &mut Places<'a>, made: &str, kube: Kube<'a>, source: &str, paths: &rule::Paths) {
    places.add(made, kube, source);
    for (below, source) in &paths.0 {
        places.add(format!("{made}.{below}"), kube, source);
    }
}

/// The VirtualService of one listener and host: the routes of every object, the oldest
/// first, in the order that the API wants.
fn joined<'a>(gateway: &str, host: &str, mut shares: Vec<Share<'_, 'a>>) -> Made<'a, VirtualServiceSpec> {
    let age = |share: &Share<'_, 'a>| (share.kube.created(), share.kube.namespace, share.kube.name());
    shares.sort_by(|a, b| age(a).cmp(&age(b)));
    let oldest = shares[0].kube;
    let mut routes: Vec<(Kube<'a>, &rule::Made<HttpRoute>)> = Vec::new();
    for share in &shares {
        // Each object's own are sorted first, as istiod does: it changes nothing in the end.
        routes.extend(share.routes.iter().map(|route| (share.kube, route)));
    }
    http::sort(&mut routes, |(_, made)| &made.route);
    let mut places = Places::default();
    places.add("spec", oldest, "spec");
    places.add("spec.hosts", oldest, "spec.hostnames");
    for (index, (kube, made)) in routes.iter().enumerate() {
        add_paths(
            &mut places,
            &format!("spec.http[{index}]"),
            *kube,
            &made.source,
            &made.paths,
        );
    }
    Made {
        namespace: oldest.namespace.to_owned(),
        name: format!("{gateway}/{host}").replace('/', "~"),
        created: oldest.created().to_owned(),
        spec: VirtualServiceSpec {
            hosts: vec![host.to_owned()],
            gateways: vec![gateway.to_owned()],
            http: routes.iter().map(|(_, made)| made.route.clone()).collect(),
            ..VirtualServiceSpec::default()
        },
        places,
    }
}
