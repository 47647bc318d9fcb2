//! One VirtualService's `http` list as routes of a virtual host, for one port
//! of one gateway (istiod's `route.go`).

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use regex::Regex;

use super::clusters::Clusters;
use super::field::Field;
use super::table::{
    Destination, Forward, HeaderEdit, HeaderOperations, PathRewrite, Redirect, Rewrite, Route, RouteAction, RouteMatch,
    StringMatch, ValueMatch,
};
use crate::manifests::model::duration;
use crate::manifests::model::http_route as model;
use crate::manifests::model::virtual_service::VirtualServiceSpec;
use crate::problem::Problem;

/// Istio's default when a VirtualService says nothing of retries.
const DEFAULT_RETRIES: u32 = 2;

/// For which listener and workload routes are built.
pub(super) struct RouteScope<'a> {
    /// `namespace/name` of the Gateway.
    pub(super) gateway: &'a str,
    /// The server's `port.number`.
    pub(super) port: u16,
    /// Whether the listener terminates TLS.
    pub(super) tls: bool,
    /// The gateway pods' namespace.
    pub(super) pod_namespace: &'a str,
    /// The gateway pods' labels.
    pub(super) pod_labels: &'a BTreeMap<String, String>,
}

/// Builds the routes of `virtual_service` (`namespace/name`) in order; what is
/// not run is said in `notes`.
pub(super) fn routes_of(
    spec: &VirtualServiceSpec,
    namespace: &str,
    name: &str,
    place: &Field<'_>,
    scope: &RouteScope<'_>,
    clusters: &mut Clusters<'_>,
    notes: &mut Vec<Problem>,
) -> Vec<Route> {
    let mut routes = Vec::new();
    for (index, http) in spec.http.iter().enumerate() {
        let place = place.item("http", index);
        not_run(http, &place, notes);
        let mut found_catch_all = false;
        for (when, prefix_length, place) in matches_of(http, namespace, &place, scope, notes) {
            let Some(action) = action_of(http, &when, prefix_length, namespace, &place, scope, clusters, notes) else {
                continue;
            };
            let mut headers = header_operations(http.headers.as_ref(), &place, notes);
            // A Host among the operations is the authority's rewrite, done in the action.
            take_authority(&mut headers);
            found_catch_all = is_catch_all(&when);
            routes.push(Route {
                name: format!("{namespace}/{name} http[{index}]"),
                when,
                action,
                headers,
            });
            if found_catch_all {
                break;
            }
        }
        if found_catch_all {
            break;
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
        Some(StringMatch::Regex(regex)) => regex.as_str() == anchored(".*"),
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

/// The matches that hold for this port and gateway: with the length of the
/// path prefix that a rewrite replaces, and where the match stands.
fn matches_of<'p>(
    http: &model::HttpRoute,
    namespace: &str,
    place: &Field<'p>,
    scope: &RouteScope<'_>,
    notes: &mut Vec<Problem>,
) -> Vec<(RouteMatch, Option<usize>, Field<'p>)> {
    if http.matches.is_empty() {
        return vec![(RouteMatch::default(), Some(1), place.clone())];
    }
    http.matches
        .iter()
        .enumerate()
        .filter(|(_, wanted)| applies(wanted, namespace, scope))
        .filter_map(|(index, wanted)| {
            let place = place.item("match", index);
            match match_of(wanted, &place, notes) {
                Ok(when) => {
                    let prefix = match &wanted.uri {
                        None => Some(1),
                        Some(model::StringMatch::Prefix(prefix)) => Some(prefix.len()),
                        Some(model::StringMatch::Present) => Some(1),
                        Some(_) => None,
                    };
                    Some((when, prefix, place))
                }
                Err(problem) => {
                    notes.push(problem);
                    None
                }
            }
        })
        .collect()
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

fn match_of(wanted: &model::HttpMatch, place: &Field<'_>, notes: &mut Vec<Problem>) -> Result<RouteMatch, Problem> {
    let text = |field: &str, condition: &Option<model::StringMatch>| {
        condition
            .as_ref()
            .map_or(Ok(None), |condition| string_match(condition, &place.child(field)))
    };
    let mut when = RouteMatch {
        path: text("uri", &wanted.uri)?,
        ignore_path_case: wanted.ignore_uri_case.unwrap_or_default(),
        scheme: text("scheme", &wanted.scheme)?,
        method: text("method", &wanted.method)?,
        authority: text("authority", &wanted.authority)?,
        ..RouteMatch::default()
    };
    for (name, condition) in &wanted.headers {
        let place = place.child("headers").child(name);
        let condition = value_match(condition, &place)?;
        // Pseudo headers are the parts that have a field of their own.
        let part = match name.as_str() {
            ":method" => &mut when.method,
            ":authority" => &mut when.authority,
            ":scheme" => &mut when.scheme,
            ":path" | "@request.auth.claims" => {
                return Err(unrunnable(format!("serve matches no header {name}"), &place));
            }
            _ if name.starts_with('@') => {
                return Err(unrunnable("serve matches no JWT claims".to_owned(), &place));
            }
            _ => {
                when.headers.push((header_name(name, &place)?, condition));
                continue;
            }
        };
        match condition {
            ValueMatch::Present => {}
            ValueMatch::Value(value) if part.is_none() => *part = Some(value),
            ValueMatch::Value(_) => notes.push(unrunnable(
                format!("serve matches {name} only once per route; this condition is not looked at"),
                &place,
            )),
        }
    }
    for (name, condition) in &wanted.without_headers {
        let place = place.child("withoutHeaders").child(name);
        let condition = match condition {
            // A pattern for any value means presence here.
            model::StringMatch::Regex(pattern) if pattern == "*" => ValueMatch::Present,
            condition => value_match(condition, &place)?,
        };
        when.without_headers.push((header_name(name, &place)?, condition));
    }
    for (name, condition) in &wanted.query_params {
        let place = place.child("queryParams").child(name);
        when.query.push((name.clone(), value_match(condition, &place)?));
    }
    Ok(when)
}

fn unrunnable(what: String, place: &Field<'_>) -> Problem {
    Problem::new(what).at(place.locate())
}

fn value_match(condition: &model::StringMatch, place: &Field<'_>) -> Result<ValueMatch, Problem> {
    Ok(string_match(condition, place)?.map_or(ValueMatch::Present, ValueMatch::Value))
}

/// None where only presence is asked for.
fn string_match(condition: &model::StringMatch, place: &Field<'_>) -> Result<Option<StringMatch>, Problem> {
    Ok(Some(match condition {
        model::StringMatch::Exact(text) => StringMatch::Exact(text.clone()),
        model::StringMatch::Prefix(text) => StringMatch::Prefix(text.clone()),
        model::StringMatch::Regex(pattern) => StringMatch::Regex(compile(&anchored(pattern), pattern, place)?),
        model::StringMatch::Present => return Ok(None),
    }))
}

/// A pattern that covers the whole text.
fn anchored(pattern: &str) -> String {
    format!("^(?:{pattern})$")
}

fn compile(pattern: &str, shown: &str, place: &Field<'_>) -> Result<Regex, Problem> {
    Regex::new(pattern)
        .map_err(|_| Problem::new(format!("{shown:?} is not a regular expression in RE2's syntax")).at(place.locate()))
}

fn header_name(name: &str, place: &Field<'_>) -> Result<HeaderName, Problem> {
    HeaderName::try_from(name).map_err(|_| Problem::new(format!("{name:?} is not a header's name")).at(place.locate()))
}

/// Redirect before direct response before route; `None` when there is nothing to do.
#[expect(clippy::too_many_arguments, reason = "the parts of one route, used nowhere else")]
fn action_of(
    http: &model::HttpRoute,
    when: &RouteMatch,
    prefix_length: Option<usize>,
    namespace: &str,
    place: &Field<'_>,
    scope: &RouteScope<'_>,
    clusters: &mut Clusters<'_>,
    notes: &mut Vec<Problem>,
) -> Option<RouteAction> {
    let _ = when;
    if let Some(redirect) = &http.redirect {
        return redirect_of(redirect, prefix_length, scope, place, notes).map(RouteAction::Redirect);
    }
    if let Some(direct) = &http.direct_response {
        let Ok(status) = StatusCode::from_u16(u16::try_from(direct.status).unwrap_or_default()) else {
            notes.push(unrunnable(
                format!("{} is no HTTP status", direct.status),
                &place.child("directResponse").child("status"),
            ));
            return None;
        };
        return Some(RouteAction::Direct {
            status,
            body: direct.body.as_ref().map(body_of).unwrap_or_default(),
        });
    }
    if http.route.is_empty() {
        return None;
    }
    let mut authority = http.rewrite.as_ref().and_then(|rewrite| rewrite.authority.clone());
    let route_headers = &mut header_operations(http.headers.as_ref(), place, &mut Vec::new());
    authority = authority.or_else(|| take_authority(route_headers));
    let mut destinations = Vec::new();
    let several = http.route.len() > 1;
    for (index, wanted) in http.route.iter().enumerate() {
        let place = place.item("route", index);
        let weight = u32::try_from(wanted.weight.unwrap_or_default()).unwrap_or_default();
        // Among several, one without weight gets nothing; a single one gets all.
        if several && weight == 0 {
            continue;
        }
        let mut headers = header_operations(wanted.headers.as_ref(), &place, notes);
        let own_authority = take_authority(&mut headers);
        if authority.is_none() && !several {
            authority = own_authority;
        } else if own_authority.is_some() && several {
            notes.push(unrunnable(
                "serve rewrites the Host for a whole route, not for one weighted destination".to_owned(),
                &place.child("headers"),
            ));
        }
        destinations.push(Destination {
            cluster: clusters.index_of(&wanted.destination, namespace, scope.port, &place, notes),
            weight,
            headers,
        });
    }
    let path = http
        .rewrite
        .as_ref()
        .and_then(|rewrite| path_rewrite(rewrite, prefix_length, &place.child("rewrite"), notes));
    Some(RouteAction::Forward(Forward {
        destinations,
        rewrite: (path.is_some() || authority.is_some()).then_some(Rewrite { path, authority }),
        timeout: timeout_of(http, place, notes),
        retries: http.retries.as_ref().map_or(DEFAULT_RETRIES, |retries| {
            u32::try_from(retries.attempts.unwrap_or_default()).unwrap_or_default()
        }),
    }))
}

fn timeout_of(http: &model::HttpRoute, place: &Field<'_>, notes: &mut Vec<Problem>) -> Option<Duration> {
    let text = http.timeout.as_deref()?;
    let parsed = duration::parse(text);
    if parsed.is_none() {
        notes.push(
            Problem::new(format!("{text:?} is no duration, so the route has no timeout"))
                .at(place.child("timeout").locate())
                .fix("write it as 10s or 500ms"),
        );
    }
    parsed.filter(|timeout| *timeout > Duration::ZERO)
}

fn body_of(body: &model::HttpBody) -> bytes::Bytes {
    use base64::Engine as _;
    match (&body.string, &body.bytes) {
        (Some(text), _) => bytes::Bytes::copy_from_slice(text.as_bytes()),
        (None, Some(encoded)) => base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .unwrap_or_default()
            .into(),
        (None, None) => bytes::Bytes::new(),
    }
}

fn path_rewrite(
    rewrite: &model::HttpRewrite,
    prefix_length: Option<usize>,
    place: &Field<'_>,
    notes: &mut Vec<Problem>,
) -> Option<PathRewrite> {
    if let Some(by_regex) = &rewrite.uri_regex_rewrite {
        let pattern = by_regex.pattern.as_deref().unwrap_or_default();
        let with = substitution(by_regex.rewrite.as_deref().unwrap_or_default());
        return match compile(pattern, pattern, &place.child("uriRegexRewrite")) {
            Ok(pattern) => Some(PathRewrite::Regex { pattern, with }),
            Err(problem) => {
                notes.push(problem);
                None
            }
        };
    }
    let with = rewrite.uri.clone().filter(|uri| !uri.is_empty())?;
    Some(match prefix_length {
        Some(matched) => PathRewrite::Prefix { matched, with },
        None => PathRewrite::Whole(with),
    })
}

/// RE2's `\1` as this regex engine writes it: `${1}`.
fn substitution(rewrite: &str) -> String {
    let mut result = String::with_capacity(rewrite.len());
    let mut characters = rewrite.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '$' => result.push_str("$$"),
            '\\' => match characters.next() {
                Some(digit @ '0'..='9') => {
                    result.push_str("${");
                    result.push(digit);
                    result.push('}');
                }
                Some(other) => result.push(other),
                None => {}
            },
            other => result.push(other),
        }
    }
    result
}

fn redirect_of(
    redirect: &model::HttpRedirect,
    prefix_length: Option<usize>,
    scope: &RouteScope<'_>,
    place: &Field<'_>,
    notes: &mut Vec<Problem>,
) -> Option<Redirect> {
    let code = redirect.redirect_code.filter(|code| *code != 0).unwrap_or(301);
    let status = match code {
        301 | 302 | 303 | 307 | 308 => StatusCode::from_u16(u16::try_from(code).ok()?).ok()?,
        _ => {
            notes.push(
                Problem::new(format!(
                    "a redirect with code {code} makes a route without action, under Istio too"
                ))
                .at(place.child("redirect").child("redirectCode").locate())
                .fix("use 301, 302, 303, 307 or 308"),
            );
            return None;
        }
    };
    let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let path = match (some(&redirect.uri), some(&redirect.prefix_rewrite)) {
        (Some(uri), _) => Some(PathRewrite::Whole(uri)),
        (None, Some(with)) => Some(PathRewrite::Prefix {
            matched: prefix_length.unwrap_or_default(),
            with,
        }),
        (None, None) => None,
    };
    let scheme = some(&redirect.scheme);
    let effective = scheme.as_deref().unwrap_or(if scope.tls { "https" } else { "http" });
    let port = match redirect.derive_port {
        Some(model::RedirectPort::FromRequestPort) => Some(scope.port),
        _ => redirect
            .port
            .and_then(|port| u16::try_from(port).ok())
            .filter(|port| *port != 0),
    };
    // A scheme's own port is never written out.
    let port = port.filter(|port| !matches!((*port, effective), (80, "http") | (443, "https")));
    Some(Redirect {
        status,
        path,
        authority: some(&redirect.authority),
        scheme,
        port,
    })
}

/// `headers` of a route or destination.
fn header_operations(
    headers: Option<&model::Headers>,
    place: &Field<'_>,
    notes: &mut Vec<Problem>,
) -> HeaderOperations {
    let Some(headers) = headers else {
        return HeaderOperations::default();
    };
    let place = place.child("headers");
    let mut edit = |operations: &Option<model::HeaderOperations>, place: Field<'_>| {
        let Some(operations) = operations else {
            return HeaderEdit::default();
        };
        let mut values = |field: &str, map: &BTreeMap<String, String>| {
            let place = place.child(field);
            map.iter()
                .filter_map(|(name, value)| header(name, value, &place.child(name), notes))
                .collect()
        };
        HeaderEdit {
            set: values("set", &operations.set),
            add: values("add", &operations.add),
            remove: operations
                .remove
                .iter()
                .filter_map(|name| HeaderName::try_from(name.as_str()).ok())
                .collect(),
        }
    };
    HeaderOperations {
        request: edit(&headers.request, place.child("request")),
        response: edit(&headers.response, place.child("response")),
    }
}

fn header(name: &str, value: &str, place: &Field<'_>, notes: &mut Vec<Problem>) -> Option<(HeaderName, HeaderValue)> {
    // `:authority` is Host, which is what an HTTP/1.1 request carries.
    let name = if name == ":authority" { "host" } else { name };
    let text = value.replace("%%", "%");
    if value.replace("%%", "").contains('%') {
        notes.push(
            Problem::new(format!("serve replaces no Envoy variable; {name} is sent as {text:?}")).at(place.locate()),
        );
    }
    match (HeaderName::try_from(name), HeaderValue::from_str(&text)) {
        (Ok(name), Ok(value)) => Some((name, value)),
        _ => {
            notes.push(Problem::new(format!("{name:?} with {value:?} is no header")).at(place.locate()));
            None
        }
    }
}

/// Takes the Host out of the operations: it is a rewrite of the authority; set before add.
fn take_authority(headers: &mut HeaderOperations) -> Option<String> {
    let mut taken = None;
    for list in [&mut headers.request.set, &mut headers.request.add] {
        list.retain(|(name, value)| {
            if *name != http::header::HOST {
                return true;
            }
            taken = taken.take().or_else(|| value.to_str().ok().map(str::to_owned));
            false
        });
    }
    taken
}
