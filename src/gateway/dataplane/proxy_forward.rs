//! Prepares a request for its destination: picks one by weight, edits path and
//! headers, and sends it off with its copies for mirrors.

use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;

use http::header::{HOST, HeaderMap, SERVER};
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;

use super::binding::Binding;
use super::exchange::Exchange;
use super::headers::{self, Upgrade};
use super::local_reply::LocalReply;
use super::outbound::{Outbound, Target};
use super::proxy::parts;
use super::proxy_mirror;
use super::request_body::RequestBody;
use super::response_body::ResponseBody;
use super::variables::Variables;
use crate::gateway::config::table::{
    Cluster, Destination, Endpoint, Forward, HeaderEdit, HeaderOperations, Rewrite, Route,
};
use crate::gateway::matching::{self, path};
use crate::gateway::samples;

/// What a request is forwarded by.
pub(super) struct Forwarded<'a> {
    pub(super) binding: &'a Binding,
    pub(super) route: &'a Route,
    pub(super) forward: &'a Forward,
    pub(super) authority: HeaderValue,
}

/// Forwards a request to one of the route's destinations.
pub(super) async fn forward(
    by: Forwarded<'_>,
    request: Request<Incoming>,
    exchange: Exchange,
) -> Response<ResponseBody> {
    if exchange.upgrade == Upgrade::Other {
        return LocalReply::upgrade_refused().answer(request, exchange);
    }
    let random = if by.forward.destinations.len() > 1 {
        exchange.worker.random.next()
    } else {
        0
    };
    let Some(destination) = matching::destination(by.forward, random) else {
        return LocalReply::no_cluster(by.forward.missing).answer(request, exchange);
    };
    let filled = by.route.headers.is_filled() || destination.headers.is_filled();
    let mut variables = filled.then(|| {
        let authority = by.authority.to_str().unwrap_or_default();
        let parts = parts(exchange.downstream.is_tls(), &request, authority);
        let clusters = &by.binding.generation.table.clusters;
        let cluster = clusters.get(destination.cluster).map_or(String::new(), envoy_name);
        Variables::of(&request, &parts, &exchange.downstream, &cluster)
    });
    let mut response = send(&by, destination, request, exchange, &mut variables).await;
    edit_response(&destination.headers, &mut response, variables.as_ref());
    edit_response(&by.route.headers, &mut response, variables.as_ref());
    response
}

/// Istio's name of a cluster.
fn envoy_name(cluster: &Cluster) -> String {
    let (host, port) = cluster.name.rsplit_once(':').unwrap_or((&cluster.name, ""));
    format!("outbound|{port}||{host}")
}

/// Applies operations on an answer. The gateway's name stays, whatever they say.
pub(super) fn edit_response(
    headers: &HeaderOperations,
    response: &mut Response<ResponseBody>,
    variables: Option<&Variables>,
) {
    if headers.response.is_empty() {
        return;
    }
    edit(&headers.response, response.headers_mut(), variables);
    response.headers_mut().insert(SERVER, headers::SERVER_NAME);
}

fn edit(edit: &HeaderEdit, headers: &mut HeaderMap, variables: Option<&Variables>) {
    matching::edit_headers(edit, headers, |variable, headers| {
        variables.and_then(|variables| variables.fill(variable, headers))
    });
}

/// Sends a request to a destination, or says why it cannot be sent.
async fn send(
    by: &Forwarded<'_>,
    destination: &Destination,
    mut request: Request<Incoming>,
    mut exchange: Exchange,
    variables: &mut Option<Variables>,
) -> Response<ResponseBody> {
    let version = request.version();
    let worker = Rc::clone(&exchange.worker);
    let generation = &by.binding.generation;
    let Some(cluster) = generation.table.clusters.get(destination.cluster) else {
        return LocalReply::no_cluster(by.forward.missing).answer(request, exchange);
    };
    let upgrade = (exchange.upgrade == Upgrade::WebSocket).then(|| hyper::upgrade::on(&mut request));
    edit_request(by, destination, &mut request, variables.as_ref());
    if let Some(variables) = variables {
        variables.sent(&request);
    }
    if let Some(entry) = &mut exchange.entry {
        entry.cluster = Some(cluster.name.clone());
    }
    let timeout = matching::timeout::of_request(by.forward.timeout, exchange.is_grpc, request.headers());
    let target = match (&cluster.endpoint, generation.remotes.get(destination.cluster)) {
        (Endpoint::Unknown, _) => return LocalReply::no_cluster(by.forward.missing).answer(request, exchange),
        (Endpoint::Sample(sample), _) => Target::Sample(*sample),
        (Endpoint::Remote { .. }, Some(Some(remote))) => Target::Remote(worker.upstreams.get(remote)),
        _ => return LocalReply::no_healthy_upstream().answer(request, exchange),
    };
    if let Some(entry) = &mut exchange.entry {
        entry.upstream = Some(match &target {
            Target::Sample(sample) => format!("sample {}", samples::name(*sample)),
            Target::Remote(upstream) => upstream.name.clone(),
        });
    }
    let outbound = Outbound {
        worker: &worker,
        target,
        policy: &by.forward.retries,
        timeout,
        upgrade,
        is_grpc: exchange.is_grpc,
        is_tls: exchange.downstream.is_tls(),
    };
    let keep = outbound.may_repeat() || !by.forward.mirrors.is_empty();
    let received = exchange.entry.as_ref().map(|entry| Rc::clone(&entry.bytes_received));
    let request = request.map(|body| RequestBody::new(body, &exchange.signals, &worker.tasks, received, keep));
    proxy_mirror::start(
        &worker,
        generation,
        &by.forward.mirrors,
        &request,
        timeout,
        (exchange.downstream.is_tls(), exchange.is_grpc),
    );
    let deadline = timeout.map(|timeout| Box::pin(tokio::time::sleep(timeout)));
    match outbound.send(request, exchange, deadline).await {
        Ok(response) => {
            if let Some(variables) = variables {
                variables.answered(response.status().as_u16());
            }
            response
        }
        Err((reply, exchange)) => {
            if let Some(variables) = variables {
                variables.answered_here(reply.flags());
            }
            let broken = exchange.signals.activity.broken_body.load(Relaxed);
            let reply = if broken { LocalReply::bad_request() } else { reply };
            reply.into_response(version, exchange)
        }
    }
}

/// Rewrites path and authority, and edits the headers.
fn edit_request(
    by: &Forwarded<'_>,
    destination: &Destination,
    request: &mut Request<Incoming>,
    variables: Option<&Variables>,
) {
    let original = request.uri().path_and_query().cloned();
    let rewrite = by.forward.rewrite.as_ref();
    let rewritten = rewrite.and_then(|rewrite| rewrite_path(rewrite, request.uri()));
    let of_route = rewrite.and_then(|rewrite| rewrite.authority.as_deref());
    // Envoy applies the destination's first, and then the route's.
    let new_authority = of_route.or(destination.authority.as_deref());
    // The origin form: what is left of the URI is its path and query.
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = rewritten.clone().or_else(|| original.clone());
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();

    let headers = request.headers_mut();
    let host = new_authority
        .and_then(|authority| HeaderValue::from_str(authority).ok())
        .unwrap_or_else(|| by.authority.clone());
    headers.insert(HOST, host);
    headers::set_attempt(headers, 1);
    if rewritten.is_some()
        && let Some(original) = &original
    {
        headers::set_original_path(headers, original.as_str());
    }
    if new_authority.is_some() {
        let between = of_route.and(destination.authority.as_deref());
        let between = between.and_then(|authority| HeaderValue::from_str(authority).ok());
        headers::set_original_host(headers, between.as_ref().unwrap_or(&by.authority));
    }
    edit(&destination.headers.request, headers, variables);
    edit(&by.route.headers.request, headers, variables);
}

fn rewrite_path(rewrite: &Rewrite, uri: &Uri) -> Option<PathAndQuery> {
    let text = matching::rewritten(rewrite.path.as_ref()?, uri.path(), uri.query());
    PathAndQuery::try_from(path::sendable(text)).ok()
}
