//! Chooses from the routing table: the filter chain by SNI, the virtual host
//! by authority, the route by the request's parts, the destination by weight;
//! and computes what a chosen route makes of a path or a Location. Pure, and
//! free of allocation unless a path is rewritten or a header is repeated.

pub mod client_hello;
pub mod cors;
pub mod path;
pub mod retry;
pub mod timeout;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

use crate::gateway::config::authority::split_port;
use crate::gateway::config::header_text::{RequestField, Variable};
use crate::gateway::config::table::{
    Destination, FilterChain, Forward, HeaderEdit, Listener, ListenerProtocol, PathRewrite, Redirect, Route,
    RouteMatch, RouteTable, SniTable, StringMatch, TcpDestination, TcpRoute, ValueMatch, VirtualHost,
};

/// What a route is chosen by. The path is normalised already (dot segments).
#[derive(Clone, Copy)]
pub struct RequestParts<'a> {
    /// `:scheme`, which is also `x-forwarded-proto`: `http` or `https`, by the downstream connection.
    pub scheme: &'a str,
    /// `:method`.
    pub method: &'a str,
    /// `:authority` as the client sent it, with its port if it had one.
    pub authority: &'a str,
    /// The path without the query.
    pub path: &'a str,
    /// The query without the `?`.
    pub query: Option<&'a str>,
    /// The request's headers.
    pub headers: &'a HeaderMap,
}

/// The filter chain for a ClientHello: an exact server name, else the longest
/// wildcard, else the chain without names. `None`: the connection is closed.
pub fn filter_chain<'t>(table: &'t SniTable, sni: Option<&str>) -> Option<&'t Arc<FilterChain>> {
    sni.and_then(|name| by_name(&table.exact, &table.wildcard, &lower_case(name)))
        .or(table.any.as_ref())
}

/// The virtual host of an authority; its port is ignored. `None`: 404.
pub fn virtual_host<'t>(table: &'t RouteTable, authority: &str) -> Option<&'t Arc<VirtualHost>> {
    by_name(&table.exact, &table.wildcard, &lower_case(split_port(authority).0)).or(table.any.as_ref())
}

/// The first route whose conditions all hold. `None`: 404.
///
/// ```
/// use istio_tls::gateway::config::table::ListenerProtocol;
/// use istio_tls::gateway::follow::source::GatewaySources;
/// use istio_tls::gateway::matching::{RequestParts, route, virtual_host};
/// use istio_tls::sources::disk::DiskFiles;
/// use istio_tls::sources::{Gone, Sources};
///
/// let manifests = "
/// apiVersion: networking.istio.io/v1
/// kind: Gateway
/// metadata: {name: edge, namespace: default}
/// spec:
///   selector: {istio: ingressgateway}
///   servers:
///   - {port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com]}
/// ---
/// apiVersion: networking.istio.io/v1
/// kind: VirtualService
/// metadata: {name: shop, namespace: default}
/// spec:
///   hosts: [shop.example.com]
///   gateways: [edge]
///   http:
///   - name: cart
///     match: [{uri: {prefix: /cart}}]
///     route: [{destination: {host: cart, port: {number: 8000}}}]
/// ";
/// let inputs = Sources { stdin: Some(manifests.into()), ..Sources::default() };
/// let sources = GatewaySources { inputs, ..GatewaySources::default() };
/// let files = DiskFiles::default();
/// let loaded = sources.load(&files, Gone::IsError).ok().expect("a routing table");
/// let ListenerProtocol::Http(routes) = &loaded.built.table.listeners[0].protocol else {
///     panic!("port 80 speaks HTTP");
/// };
/// let host = virtual_host(routes, "shop.example.com:80").expect("the host");
/// let headers = http::HeaderMap::new();
/// let request = |path| RequestParts {
///     scheme: "http",
///     method: "GET",
///     authority: "shop.example.com:80",
///     path,
///     query: None,
///     headers: &headers,
/// };
/// assert!(route(host, &request("/cart/1")).is_some());
/// assert!(route(host, &request("/")).is_none());
/// ```
pub fn route<'t>(host: &'t VirtualHost, request: &RequestParts<'_>) -> Option<&'t Route> {
    host.routes.iter().find(|route| matches(&route.when, request))
}

/// Picks a destination by weight; `random` is any evenly spread number.
/// `None` when there is no destination of a weight above zero.
pub fn destination(forward: &Forward, random: u64) -> Option<&Destination> {
    by_weight(&forward.destinations, |destination| destination.weight, random)
}

/// The same for a connection's route.
pub fn tcp_destination(route: &TcpRoute, random: u64) -> Option<&TcpDestination> {
    by_weight(&route.destinations, |destination| destination.weight, random)
}

/// A single one is chosen whatever its weight.
fn by_weight<T>(list: &[T], weight: impl Fn(&T) -> u32, random: u64) -> Option<&T> {
    if let [only] = list {
        return Some(only);
    }
    let total: u64 = list.iter().map(|one| u64::from(weight(one))).sum();
    let mut left = random.checked_rem(total)?;
    list.iter().find(|one| {
        let weight = u64::from(weight(one));
        let chosen = left < weight;
        left = left.saturating_sub(weight);
        chosen
    })
}

/// Whether every condition of a match holds (Istio `HTTPMatchRequest`).
pub fn matches(when: &RouteMatch, request: &RequestParts<'_>) -> bool {
    let holds = |condition: Option<&StringMatch>, text: &str| condition.is_none_or(|c| string_matches(c, text));
    when.path
        .as_ref()
        .is_none_or(|path| path_matches(path, when.ignore_path_case, request.path))
        && holds(when.scheme.as_ref(), request.scheme)
        && holds(when.method.as_ref(), request.method)
        && holds(when.authority.as_ref(), request.authority)
        && when
            .headers
            .iter()
            .all(|(field, condition)| field_matches(field, condition, request, false))
        && when
            .without_headers
            .iter()
            .all(|(field, condition)| !field_matches(field, condition, request, true))
        && when
            .query
            .iter()
            .all(|(name, condition)| match (condition, parameter(request.query, name)) {
                (_, None) => false,
                (ValueMatch::Present, Some(_)) => true,
                (ValueMatch::Value(value), Some(text)) => string_matches(value, text),
            })
}

fn path_matches(condition: &StringMatch, ignore_case: bool, path: &str) -> bool {
    match condition {
        StringMatch::Exact(exact) if ignore_case => exact.eq_ignore_ascii_case(path),
        StringMatch::Prefix(prefix) if ignore_case => path
            .as_bytes()
            .get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes())),
        condition => string_matches(condition, path),
    }
}

fn string_matches(condition: &StringMatch, text: &str) -> bool {
    match condition {
        StringMatch::Exact(exact) => text == exact,
        StringMatch::Prefix(prefix) => text.starts_with(prefix.as_str()),
        StringMatch::PathPrefix(prefix) => {
            let rest = text.strip_prefix(prefix.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        StringMatch::Regex(regex) => regex.is_match(text),
    }
}

/// Whether any value of a header fits. Where it must not, Envoy takes a missing header
/// for an empty one.
fn field_matches(
    field: &RequestField,
    condition: &ValueMatch,
    request: &RequestParts<'_>,
    missing_is_empty: bool,
) -> bool {
    let fits = |text: &str| match condition {
        ValueMatch::Present => true,
        ValueMatch::Value(value) => string_matches(value, text),
    };
    match field {
        RequestField::Method => fits(request.method),
        RequestField::Authority => fits(request.authority),
        RequestField::Scheme => fits(request.scheme),
        RequestField::Path => fits(&path_and_query(request)),
        RequestField::Header(name) => {
            let mut values = request.headers.get_all(name).iter().peekable();
            if values.peek().is_none() {
                return missing_is_empty && !matches!(condition, ValueMatch::Present) && fits("");
            }
            values.any(|value| fits(&text(value)))
        }
    }
}

/// A header's value; bytes beyond ASCII are compared as Latin-1.
fn text(value: &HeaderValue) -> Cow<'_, str> {
    match value.to_str() {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(value.as_bytes().iter().map(|&byte| char::from(byte)).collect()),
    }
}

/// The first occurrence of a query parameter, undecoded; one without `=` is empty.
fn parameter<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    query?.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then_some(value)
    })
}

/// Exact name, else the longest suffix; both maps hold lower-case keys.
fn by_name<'t, T>(exact: &'t HashMap<Box<str>, T>, wildcard: &'t HashMap<Box<str>, T>, name: &str) -> Option<&'t T> {
    if let Some(found) = exact.get(name) {
        return Some(found);
    }
    if wildcard.is_empty() {
        return None;
    }
    // A wildcard stands for at least one character, so a dot at the start is no suffix.
    name.match_indices('.')
        .filter(|(at, _)| *at > 0)
        .find_map(|(at, _)| wildcard.get(&name[at..]))
}

fn lower_case(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// The path and query to send after a `rewrite`; the query is kept.
pub fn rewritten(rewrite: &PathRewrite, path: &str, query: Option<&str>) -> String {
    let mut result = match rewrite {
        PathRewrite::Prefix { matched, with } => {
            let rest = path.get(*matched..).unwrap_or_default();
            let mut result = String::with_capacity(with.len() + rest.len() + query.map_or(0, |q| q.len() + 1));
            result.push_str(with);
            result.push_str(rest);
            result
        }
        PathRewrite::Whole(path) => path.clone(),
        PathRewrite::Regex { pattern, with } => pattern.replace_all(path, with.as_str()).into_owned(),
    };
    if let Some(query) = query {
        result.push('?');
        result.push_str(query);
    }
    result
}

/// The Location of a `redirect`. Where the redirect names no port, that of the
/// request stays, unless it is the default port of a scheme that is left.
pub fn location(redirect: &Redirect, request: &RequestParts<'_>) -> String {
    let scheme = redirect.scheme.as_deref().unwrap_or(request.scheme);
    let host = match &redirect.authority {
        Some(authority) => authority.as_str(),
        None => host_for(request, scheme, redirect.port.is_some()),
    };
    let port = redirect.port.map(|port| format!(":{port}")).unwrap_or_default();
    let path = match &redirect.path {
        // A new path with a query of its own replaces the request's query too.
        Some(PathRewrite::Whole(path)) if path.contains('?') => path.clone(),
        Some(rewrite) => rewritten(rewrite, request.path, request.query),
        None => path_and_query(request).into_owned(),
    };
    format!("{scheme}://{host}{port}{path}")
}

/// The Location of `httpsRedirect`; the port of the request stays, whichever it is.
pub fn https_location(request: &RequestParts<'_>) -> String {
    format!("https://{}{}", request.authority, path_and_query(request))
}

/// The Location of a direct response with a status that has one: where the request is.
pub fn own_location(request: &RequestParts<'_>) -> String {
    format!("{}://{}{}", request.scheme, request.authority, path_and_query(request))
}

fn path_and_query<'a>(request: &RequestParts<'a>) -> Cow<'a, str> {
    match request.query {
        Some(query) => Cow::Owned(format!("{}?{query}", request.path)),
        None => Cow::Borrowed(request.path),
    }
}

fn host_for<'a>(request: &RequestParts<'a>, scheme: &str, new_port: bool) -> &'a str {
    let (host, port) = split_port(request.authority);
    let default_of_old_scheme = match request.scheme {
        "https" => port == ":443",
        _ => port == ":80",
    };
    if new_port || (scheme != request.scheme && default_of_old_scheme) {
        host
    } else {
        request.authority
    }
}

/// Fields whose values Envoy keeps in one line, with commas; others that are added get
/// a line of their own.
const ONE_LINE: [&str; 6] = [
    "content-type",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-request-id",
];

/// Applies header operations: removes, then sets, then adds. `fill` gives the values of
/// variables, from the headers as they are then.
pub fn edit_headers(
    edit: &HeaderEdit,
    headers: &mut HeaderMap,
    fill: impl Fn(&Variable, &HeaderMap) -> Option<String>,
) {
    for name in &edit.remove {
        headers.remove(name);
    }
    if edit.set.is_empty() && edit.add.is_empty() {
        return;
    }
    // All values are made before one is written.
    let listed = edit.set.iter().chain(&edit.add);
    let values: Vec<Option<HeaderValue>> = listed
        .map(|(_, text)| text.value(|variable| fill(variable, headers)))
        .collect();
    let (set, add) = values.split_at(edit.set.len());
    for ((name, _), value) in edit.set.iter().zip(set) {
        if let Some(value) = value {
            headers.insert(name, value.clone());
        }
    }
    for ((name, _), value) in edit.add.iter().zip(add) {
        let Some(value) = value else { continue };
        let joined = headers
            .get(name)
            .filter(|_| ONE_LINE.contains(&name.as_str()))
            .and_then(|before| HeaderValue::from_bytes(&[before.as_bytes(), b",", value.as_bytes()].concat()).ok());
        match joined {
            Some(joined) => drop(headers.insert(name, joined)),
            None => drop(headers.append(name, value.clone())),
        }
    }
}

/// The names that a listener serves, sorted, for messages: every server name
/// of its chains, or the domains of its virtual hosts when it speaks plain HTTP;
/// none where any TCP is spoken.
pub fn served_names(listener: &Listener) -> Vec<String> {
    fn names<T>(exact: &HashMap<Box<str>, T>, wildcard: &HashMap<Box<str>, T>, any: bool) -> Vec<String> {
        let mut exact: Vec<String> = exact.keys().map(ToString::to_string).collect();
        exact.sort();
        let mut wildcard: Vec<String> = wildcard.keys().map(|suffix| format!("*{suffix}")).collect();
        wildcard.sort();
        exact.extend(wildcard);
        exact.extend(any.then(|| "*".to_owned()));
        exact
    }
    match &listener.protocol {
        ListenerProtocol::Http(table) => names(&table.exact, &table.wildcard, table.any.is_some()),
        ListenerProtocol::Tls(table) => names(&table.exact, &table.wildcard, table.any.is_some()),
        ListenerProtocol::Tcp(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
