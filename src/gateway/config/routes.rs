//! One VirtualService's `http` list as routes of a virtual host, for one port
//! of one gateway (istiod's `route.go`).

use super::delegates;
use super::field::Field;
use super::route_action::{MatchedPrefix, action_of, route_headers};
use super::route_match::{ANY_PATH, match_of};
use super::route_policy;
use super::route_scope::{Building, RouteScope};
use super::table::{Route, RouteMatch, StringMatch};
use crate::manifests::delegation;
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
        let ends = match &http.delegate {
            None => add_routes(
                http,
                &format!("{namespace}/{name} http[{index}]"),
                &place,
                building,
                &mut routes,
            ),
            Some(delegate) => add_delegated(http, delegate, &place, building, &mut routes),
        };
        // Nothing after it could ever be reached.
        if ends {
            break;
        }
    }
    routes
}

/// Adds the routes of one `http` item, one for each of its matches, and says
/// whether the last of them takes everything.
fn add_routes(
    http: &model::HttpRoute,
    name: &str,
    place: &Field<'_>,
    building: &mut Building<'_, '_>,
    routes: &mut Vec<Route>,
) -> bool {
    for (when, prefix_length) in matches_of(http, place, building) {
        let separated = match &when.path {
            Some(StringMatch::PathPrefix(prefix)) => prefix.as_str(),
            _ => "",
        };
        let matched = MatchedPrefix {
            length: prefix_length,
            separated,
        };
        let Some(action) = action_of(http, matched, place, building) else {
            continue;
        };
        let ends = is_catch_all(&when);
        routes.push(Route {
            name: name.to_owned(),
            when,
            action,
            headers: route_headers(http, place, building.notes),
            fault: route_policy::fault_of(http, place, building.notes),
            cors: route_policy::cors_of(http, place, building.notes),
        });
        if ends {
            return true;
        }
    }
    false
}

/// Adds the routes of the VirtualService to which one is delegated.
fn add_delegated(
    root: &model::HttpRoute,
    delegate: &model::Delegate,
    place: &Field<'_>,
    building: &mut Building<'_, '_>,
    routes: &mut Vec<Route>,
) -> bool {
    let found = match building
        .delegates
        .find(delegate, building.namespace, &place.child("delegate"))
    {
        Ok(found) => found,
        Err(problem) => {
            building.notes.push(problem);
            return false;
        }
    };
    let root = delegates::resolved(root, building.namespace);
    let spec = Field::new(found, "spec");
    for (index, inner) in found.spec.http.iter().enumerate() {
        let place = spec.item("http", index);
        let Some(merged) = delegation::merge(&root, inner) else {
            building.notes.push(
                Problem::new(
                    "the route is left out: a match of it lies within no match of the route that delegates here",
                )
                .at(place.locate()),
            );
            continue;
        };
        let mut building = Building {
            namespace: found.namespace,
            of_gateway_api: building.of_gateway_api,
            scope: building.scope,
            delegates: building.delegates,
            clusters: building.clusters,
            notes: building.notes,
        };
        let name = format!("{}/{} http[{index}]", found.namespace, found.name);
        if add_routes(&merged, &name, &place, &mut building, routes) {
            return true;
        }
    }
    false
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
        Some(StringMatch::Exact(_) | StringMatch::PathPrefix(_)) => false,
    };
    any_path
        && when.headers.is_empty()
        && when.without_headers.is_empty()
        && when.query.is_empty()
        && when.method.is_none()
        && when.authority.is_none()
        && when.scheme.is_none()
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
        match match_of(wanted, &place.item("match", index)) {
            Ok(mut when) => {
                if building.of_gateway_api {
                    when.path = when.path.map(by_segments);
                }
                let separated = match &when.path {
                    Some(StringMatch::PathPrefix(prefix)) => Some(prefix.len()),
                    _ => prefix,
                };
                found.push((when, separated));
            }
            Err(note) => building.notes.push(note),
        }
    }
    found
}

/// A prefix of whole segments of a path, as the Gateway API means it.
fn by_segments(path: StringMatch) -> StringMatch {
    match path {
        StringMatch::Prefix(prefix) if prefix != "/" => {
            StringMatch::PathPrefix(prefix.strip_suffix('/').unwrap_or(&prefix).to_owned())
        }
        other => other,
    }
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
