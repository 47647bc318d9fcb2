//! One VirtualService's `http` list as routes of a virtual host, for one port
//! of one gateway (istiod's `route.go`).

use super::field::Field;
use super::route_action::{action_of, route_headers};
use super::route_match::{ANY_PATH, match_of};
use super::route_scope::{Building, RouteScope};
use super::table::{Route, RouteMatch, StringMatch};
use crate::manifests::model::http_route as model;
use crate::manifests::model::virtual_service::VirtualServiceSpec;
use crate::problem::Problem;

/// Builds the routes of the VirtualService `name` in order; `place` is its spec.
pub(super) fn routes_of(
    spec: &VirtualServiceSpec,
    name: &str,
    place: &Field<'_>,
    building: &mut Building<'_, '_>,
) -> Vec<Route> {
    let namespace = building.namespace;
    let mut routes = Vec::new();
    for (index, http) in spec.http.iter().enumerate() {
        let place = place.item("http", index);
        not_run(http, &place, building.notes);
        for (when, prefix_length) in matches_of(http, &place, building) {
            let Some(action) = action_of(http, prefix_length, &place, building) else {
                continue;
            };
            let ends = is_catch_all(&when);
            routes.push(Route {
                name: format!("{namespace}/{name} http[{index}]"),
                when,
                action,
                headers: route_headers(http, &place, building.notes),
            });
            // Nothing after it could ever be reached.
            if ends {
                return routes;
            }
        }
    }
    routes
}

/// Moves routes that match everything to the end, in their order: several
/// VirtualServices share a host.
pub(super) fn catch_alls_last(routes: &mut [Route]) {
    routes.sort_by_key(|route| is_catch_all(&route.when));
}

/// A path of `/`, `.*` or none, and no other condition.
fn is_catch_all(when: &RouteMatch) -> bool {
    let any_path = match &when.path {
        None => true,
        Some(StringMatch::Prefix(prefix)) => prefix == "/",
        Some(StringMatch::Regex(regex)) => regex.as_str() == ANY_PATH,
        Some(StringMatch::Exact(_)) => false,
    };
    any_path
        && when.headers.is_empty()
        && when.without_headers.is_empty()
        && when.query.is_empty()
        && when.method.is_none()
        && when.authority.is_none()
        && when.scheme.is_none()
}

/// What a route wants that is not run here.
fn not_run(http: &model::HttpRoute, place: &Field<'_>, notes: &mut Vec<Problem>) {
    for (given, field, effect) in [
        (http.delegate.is_some(), "delegate", "the route is left out"),
        (http.fault.is_some(), "fault", "requests pass without the fault"),
        (http.cors_policy.is_some(), "corsPolicy", "no CORS header is added"),
        (http.mirror.is_some(), "mirror", "requests are not mirrored"),
        (!http.mirrors.is_empty(), "mirrors", "requests are not mirrored"),
    ] {
        if given {
            notes.push(
                Problem::new(format!("serve does not run {field} yet: {effect}")).at(place.child(field).locate()),
            );
        }
    }
}

/// The matches that hold for this port and gateway, each with the length of
/// the path prefix that a rewrite replaces.
fn matches_of(
    http: &model::HttpRoute,
    place: &Field<'_>,
    building: &mut Building<'_, '_>,
) -> Vec<(RouteMatch, Option<usize>)> {
    if http.matches.is_empty() {
        return vec![(RouteMatch::default(), Some(1))];
    }
    let mut found = Vec::new();
    for (index, wanted) in http.matches.iter().enumerate() {
        if !applies(wanted, building.namespace, building.scope) {
            continue;
        }
        let prefix = match &wanted.uri {
            // Without a condition the leading slash is the prefix.
            None | Some(model::StringMatch::Present) => Some(1),
            Some(model::StringMatch::Prefix(prefix)) => Some(prefix.len()),
            Some(model::StringMatch::Exact(_) | model::StringMatch::Regex(_)) => None,
        };
        match match_of(wanted, &place.item("match", index), building.notes) {
            Ok(when) => found.push((when, prefix)),
            Err(problem) => building.notes.push(problem),
        }
    }
    found
}

/// Whether a match is for this port, gateway and workload.
fn applies(wanted: &model::HttpMatch, namespace: &str, scope: &RouteScope<'_>) -> bool {
    if wanted.port.is_some_and(|port| port != u32::from(scope.port)) {
        return false;
    }
    if !wanted.gateways.is_empty() {
        return wanted
            .gateways
            .iter()
            .any(|gateway| gateway_reference(gateway, namespace) == scope.gateway);
    }
    wanted
        .source_labels
        .iter()
        .all(|(label, value)| scope.pod_labels.get(label) == Some(value))
        && wanted
            .source_namespace
            .as_deref()
            .is_none_or(|wanted| wanted.is_empty() || wanted == scope.pod_namespace)
}

/// `namespace/name` of a Gateway that a VirtualService of `namespace` names.
pub(super) fn gateway_reference(text: &str, namespace: &str) -> String {
    if text.contains('/') {
        return text.to_owned();
    }
    // The oldest form: name.namespace.svc.cluster.local.
    match text.split_once('.') {
        Some((name, rest)) => {
            let namespace = rest.split('.').next().unwrap_or(rest);
            format!("{namespace}/{name}")
        }
        None => format!("{namespace}/{text}"),
    }
}
