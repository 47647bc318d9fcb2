//! HTTPRoutes and GRPCRoutes: their rules as routes of Istio's, one for each match
//! (istiod's `convertHTTPRoute` and `convertGRPCRoute`).

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::Value;

use super::context::Context;
use super::kube::Stored;
use super::rule::{Made, Paths, Refused};
use super::{backends, filters};
use crate::gateway::config::note::Notes;
use crate::manifests::gateway_api::{list, text};
use crate::manifests::model::duration;
use crate::manifests::model::http_route::{HttpDirectResponse, HttpMatch, HttpRetry, HttpRoute, StringMatch};

/// On what Istio tries again when a rule has `retry`.
const RETRIED: [&str; 4] = ["connect-failure", "refused-stream", "unavailable", "cancelled"];

/// The routes of every rule and match, in the order of the object.
pub(super) fn routes(
    route: &Stored<'_>,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<Vec<Made<HttpRoute>>, Refused> {
    let mut found = Vec::new();
    for (index, rule) in list(route.content.pointer("/spec/rules")).enumerate() {
        let path = format!("spec.rules[{index}]");
        let mut matches = list(rule.get("matches")).enumerate().peekable();
        if matches.peek().is_none() {
            found.push(convert(route, rule, None, &path, context, notes)?);
        }
        for (number, wanted) in matches {
            let made = convert(route, rule, Some((wanted, number)), &path, context, notes)?;
            found.push(made);
        }
    }
    Ok(found)
}

fn convert(
    route: &Stored<'_>,
    rule: &Value,
    wanted: Option<(&Value, usize)>,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<Made<HttpRoute>, Refused> {
    let is_grpc = route.kube.kind() == "GRPCRoute";
    let mut made = HttpRoute::default();
    let mut paths = Paths::default();
    if let Some((wanted, number)) = wanted {
        let source = format!("{path}.matches[{number}]");
        made.matches = vec![HttpMatch {
            uri: if is_grpc {
                method_path(route, wanted.get("method"), &source)?
            } else {
                Some(uri(route, wanted.get("path"), &source)?)
            },
            method: text(wanted.get("method")).map(|method| StringMatch::Exact(method.to_owned())),
            headers: values(route, wanted.get("headers"), &source)?,
            query_params: values(route, wanted.get("queryParams"), &source)?,
            ..HttpMatch::default()
        }];
        paths.add(
            "match[0].uri",
            format!("{source}.{}", if is_grpc { "method" } else { "path.value" }),
        );
        paths.add("match[0].headers", format!("{source}.headers"));
        paths.add("match[0].queryParams", format!("{source}.queryParams"));
        paths.add("match[0]", source);
    }
    filters::add(route, rule, path, &mut made, &mut paths, context, notes)?;
    if !is_grpc {
        limits(rule, path, &mut made, &mut paths);
    }
    if backends::weight_sum(rule.get("backendRefs")) == 0 && made.redirect.is_none() {
        made.direct_response = Some(HttpDirectResponse {
            status: 500,
            body: None,
        });
    } else {
        made.route = backends::http(route, rule, path, &mut paths, context, notes)?;
    }
    Ok(Made {
        route: made,
        source: path.to_owned(),
        paths,
    })
}

/// Retries and timeouts.
fn limits(rule: &Value, path: &str, made: &mut HttpRoute, paths: &mut Paths) {
    let time = |field: &str| {
        let text = text(rule.pointer(&format!("/timeouts/{field}")))?;
        let time = duration::parse(text).filter(|time| !time.is_zero());
        time.map(|_| text.to_owned())
    };
    if let Some(retry) = rule.get("retry").filter(|retry| retry.is_object()) {
        let attempts = retry.get("attempts").and_then(Value::as_i64).unwrap_or(2);
        let codes = list(retry.get("codes")).filter_map(Value::as_i64);
        let on: Vec<String> = RETRIED
            .map(str::to_owned)
            .into_iter()
            .chain(codes.map(|code| code.to_string()))
            .collect();
        made.retries = Some(HttpRetry {
            attempts: i32::try_from(attempts).ok(),
            retry_on: (attempts != 0).then(|| on.join(",")),
            backoff: text(retry.get("backoff")).map(str::to_owned),
            ..HttpRetry::default()
        });
        paths.add("retries", format!("{path}.retry"));
    }
    made.timeout = time("request");
    if let Some(backend) = time("backendRequest") {
        match &mut made.retries {
            Some(retries) => retries.per_try_timeout = Some(backend),
            None => made.timeout = Some(backend),
        }
    }
    paths.add("timeout", format!("{path}.timeouts"));
}

fn uri(route: &Stored<'_>, path: Option<&Value>, source: &str) -> Result<StringMatch, Refused> {
    let field = |name: &str| text(path.and_then(|path| path.get(name)));
    let value = field("value").unwrap_or("/");
    match field("type").unwrap_or("PathPrefix") {
        "PathPrefix" => {
            let value = if value == "/" {
                value
            } else {
                value.strip_suffix('/').unwrap_or(value)
            };
            Ok(StringMatch::Prefix(value.to_owned()))
        }
        "Exact" => Ok(StringMatch::Exact(value.to_owned())),
        "RegularExpression" => Ok(StringMatch::Regex(value.to_owned())),
        other => Err(unknown_type(route, other, &format!("{source}.path.type"))),
    }
}

/// The path of a gRPC method: `/SERVICE/METHOD`.
fn method_path(route: &Stored<'_>, method: Option<&Value>, source: &str) -> Result<Option<StringMatch>, Refused> {
    let Some(wanted) = method.filter(|method| method.is_object()) else {
        return Ok(None);
    };
    let field = |name: &str| text(wanted.get(name));
    let any_service = |method: &str| StringMatch::Regex(format!("/[^/]+/{method}"));
    let found = match (field("type").unwrap_or("Exact"), field("service"), field("method")) {
        (_, None, None) => {
            let why = "a method match names a service or a method";
            return Err(Refused::new(route, &format!("{source}.method"), why));
        }
        ("Exact" | "RegularExpression", None, Some(method)) => any_service(method),
        ("Exact", Some(service), None) => StringMatch::Prefix(format!("/{service}/")),
        ("Exact", Some(service), Some(method)) => StringMatch::Exact(format!("/{service}/{method}")),
        ("RegularExpression", Some(service), None) => StringMatch::Regex(format!("/{service}/.+")),
        ("RegularExpression", Some(service), Some(method)) => StringMatch::Regex(format!("/{service}/{method}")),
        (other, ..) => return Err(unknown_type(route, other, &format!("{source}.method.type"))),
    };
    Ok(Some(found))
}

/// Headers or query parameters by name.
fn values(route: &Stored<'_>, wanted: Option<&Value>, source: &str) -> Result<BTreeMap<String, StringMatch>, Refused> {
    let mut found = BTreeMap::new();
    for one in list(wanted) {
        let value = one.get("value").and_then(Value::as_str).unwrap_or_default().to_owned();
        let value = match text(one.get("type")).unwrap_or("Exact") {
            "Exact" => StringMatch::Exact(value),
            "RegularExpression" => StringMatch::Regex(value),
            other => return Err(unknown_type(route, other, source)),
        };
        found.insert(text(one.get("name")).unwrap_or_default().to_owned(), value);
    }
    Ok(found)
}

fn unknown_type(route: &Stored<'_>, kind: &str, path: &str) -> Refused {
    Refused::new(route, path, format!("Istio knows no match of type {kind:?}"))
}

/// Sorts routes as the Gateway API wants them: exact paths, then the longest prefixes,
/// then expressions; with a method before without; then by how many headers and query
/// parameters they ask for. Equal ones keep their order.
pub(super) fn sort<T>(routes: &mut [T], route_of: impl Fn(&T) -> &HttpRoute) {
    routes.sort_by_key(|one| {
        let wanted = route_of(one).matches.first();
        let (rank, length) = match wanted.and_then(|wanted| wanted.uri.as_ref()) {
            Some(StringMatch::Exact(text)) => (3, text.len()),
            Some(StringMatch::Prefix(text)) => (2, text.len()),
            Some(StringMatch::Regex(text)) => (1, text.len()),
            Some(StringMatch::Present) | None => (0, 0),
        };
        (
            wanted.is_none(),
            Reverse(rank),
            Reverse(length),
            wanted.is_none_or(|wanted| wanted.method.is_none()),
            Reverse(wanted.map_or(0, |wanted| wanted.headers.len())),
            Reverse(wanted.map_or(0, |wanted| wanted.query_params.len())),
        )
    });
}
