//! The destinations of a rule (istiod's `buildDestination` and its callers).

use serde_json::Value;

use super::context::Context;
use super::filters::headers_of;
use super::grants::Reference;
use super::kube::Stored;
use super::rule::{Paths, Refused};
use crate::gateway::config::note::Notes;
use crate::manifests::gateway_api::{list, text};
use crate::manifests::model::http_route::{Headers, HttpRouteDestination};
use crate::manifests::model::virtual_service::{Destination, PortSelector, RouteDestination};
use crate::problem::Problem;

/// The group of the hosts of ServiceEntries.
const ISTIO: &str = "networking.istio.io";
/// The group of Services of several clusters.
const MULTI_CLUSTER: &str = "multicluster.x-k8s.io";

/// The sum of the weights.
pub(super) fn weight_sum(backends: Option<&Value>) -> i64 {
    list(backends).map(weight).sum()
}

fn weight(backend: &Value) -> i64 {
    backend.get("weight").and_then(Value::as_i64).unwrap_or(1)
}

/// The backends with a share, each with its place in the list, and its weight; a single
/// one needs none.
fn weighted(backends: Option<&Value>) -> Vec<(usize, &Value, Option<i32>)> {
    let counted = list(backends).enumerate().filter(|(_, backend)| weight(backend) != 0);
    let mut found: Vec<(usize, &Value, Option<i32>)> = counted
        .map(|(index, backend)| (index, backend, i32::try_from(weight(backend)).ok()))
        .collect();
    if let [(_, _, only)] = found.as_mut_slice() {
        *only = None;
    }
    found
}

/// The HTTP destinations of a rule; `path` is that of the rule.
pub(super) fn http(
    route: &Stored<'_>,
    rule: &Value,
    path: &str,
    paths: &mut Paths,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<Vec<HttpRouteDestination>, Refused> {
    let mut found = Vec::new();
    for (index, backend, weight) in weighted(rule.get("backendRefs")) {
        let path = format!("{path}.backendRefs[{index}]");
        let made = format!("route[{}]", found.len());
        let mut headers = Headers::default();
        for (number, filter) in list(backend.get("filters")).enumerate() {
            let field = format!("{path}.filters[{number}]");
            match text(filter.get("type")) {
                Some("RequestHeaderModifier") => {
                    headers.request =
                        headers_of(route, filter.get("requestHeaderModifier"), &field)?.or(headers.request);
                    paths.add(
                        format!("{made}.headers.request"),
                        format!("{field}.requestHeaderModifier"),
                    );
                }
                Some("ResponseHeaderModifier") => {
                    headers.response =
                        headers_of(route, filter.get("responseHeaderModifier"), &field)?.or(headers.response);
                    paths.add(
                        format!("{made}.headers.response"),
                        format!("{field}.responseHeaderModifier"),
                    );
                }
                other => return Err(Refused::filter(route, other, &format!("{field}.type"))),
            }
        }
        let destination = destination(route, backend, &path, context, notes)?;
        paths.add(format!("{made}.destination"), format!("{path}.name"));
        paths.add(made, path);
        found.push(HttpRouteDestination {
            destination,
            weight,
            headers: (headers != Headers::default()).then_some(headers),
        });
    }
    Ok(found)
}

/// The destinations of a rule of TCP or TLS.
pub(super) fn tcp(
    route: &Stored<'_>,
    rule: &Value,
    path: &str,
    paths: &mut Paths,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<Vec<RouteDestination>, Refused> {
    let mut found = Vec::new();
    for (index, backend, weight) in weighted(rule.get("backendRefs")) {
        let path = format!("{path}.backendRefs[{index}]");
        let made = format!("route[{}]", found.len());
        let destination = destination(route, backend, &path, context, notes)?;
        paths.add(format!("{made}.destination"), format!("{path}.name"));
        paths.add(made, path);
        found.push(RouteDestination { destination, weight });
    }
    Ok(found)
}

/// Where a reference leads. One that may not be followed, or is of a kind that Istio does
/// not know, leads nowhere, which is noted.
pub(super) fn destination(
    route: &Stored<'_>,
    backend: &Value,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<Destination, Refused> {
    let field = |name: &str| text(backend.get(name));
    let (group, kind) = (field("group").unwrap_or_default(), field("kind").unwrap_or("Service"));
    let name = field("name").unwrap_or_default();
    let own = route.kube.namespace;
    let namespace = field("namespace").unwrap_or(own);
    let nowhere = |notes: &mut Notes, field: &str, why: String| {
        notes.push(
            Problem::new(format!("what is sent to {kind} {namespace}/{name} is answered 500"))
                .at(route.kube.place(&format!("{path}.{field}")))
                .why(why),
        );
        Ok(Destination::default())
    };
    let reference = Reference {
        from: route.kube.kind(),
        from_namespace: own,
        kind,
        namespace,
        name,
    };
    if !context.grants.allow(&reference) {
        return nowhere(notes, "namespace", reference.refused());
    }
    let host = match (group, kind) {
        ("", "Service") if name.contains('.') => {
            let why = "a Service is named by its name alone";
            return Err(Refused::new(route, &format!("{path}.name"), why));
        }
        ("", "Service") | (MULTI_CLUSTER, "ServiceImport") => format!("{name}.{namespace}.svc.cluster.local"),
        (ISTIO, "Hostname") if field("namespace").is_some() => {
            let why = "a Hostname has no namespace";
            return Err(Refused::new(route, &format!("{path}.namespace"), why));
        }
        (ISTIO, "Hostname") => name.to_owned(),
        _ => return nowhere(notes, "kind", format!("Istio sends requests to no {kind} of {group:?}")),
    };
    let Some(port) = backend.get("port").and_then(Value::as_u64) else {
        return Err(Refused::new(route, path, "a backend needs a port"));
    };
    Ok(Destination {
        host,
        subset: None,
        port: Some(PortSelector {
            number: u32::try_from(port).unwrap_or_default(),
        }),
    })
}
