//! Prepares a request for its destination: picks one by weight, edits path and
//! headers, and sends it off with its copies for mirrors.

use std::rc::Rc;

use http::header::{HOST, UPGRADE};
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri, Version};
use hyper::body::Incoming;

use super::binding::Binding;
use super::exchange::Exchange;
use super::headers;
use super::local_reply::LocalReply;
use super::outbound::{Outbound, Target};
use super::proxy_mirror;
use super::request_body::RequestBody;
use super::response_body::ResponseBody;
use crate::gateway::config::table::{Destination, Endpoint, Forward, Rewrite, Route};
use crate::gateway::matching;
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
    mut request: Request<Incoming>,
    mut exchange: Exchange,
) -> Response<ResponseBody> {
    let version = request.version();
    let worker = Rc::clone(&exchange.worker);
    let upgrade = match wanted_upgrade(&request) {
        Upgrade::None => None,
        Upgrade::WebSocket => Some(hyper::upgrade::on(&mut request)),
        Upgrade::Other => return LocalReply::upgrade_refused().answer(request, exchange),
    };
    let random = if by.forward.destinations.len() > 1 {
        worker.random.next()
    } else {
        0
    };
    let Some(destination) = matching::destination(by.forward, random) else {
        return LocalReply::no_cluster(by.forward.missing).answer(request, exchange);
    };
    let generation = &by.binding.generation;
    let Some(cluster) = generation.table.clusters.get(destination.cluster) else {
        return LocalReply::no_cluster(by.forward.missing).answer(request, exchange);
    };
    let request_id = edit_request(&by, destination, &mut request, &exchange);
    if let Some(entry) = &mut exchange.entry {
        entry.cluster = Some(cluster.name.clone());
        entry.request_id = Some(request_id);
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
        exchange.is_grpc,
    );
    let deadline = timeout.map(|timeout| Box::pin(tokio::time::sleep(timeout)));
    let answer = outbound.send(request, exchange, deadline).await;
    let mut response = match answer {
        Ok(response) => response,
        Err((reply, exchange)) => reply.into_response(version, exchange),
    };
    matching::edit_headers(&destination.headers.response, response.headers_mut());
    matching::edit_headers(&by.route.headers.response, response.headers_mut());
    response
}

enum Upgrade {
    None,
    WebSocket,
    Other,
}

/// Istio's gateway upgrades to WebSocket only; an offer of h2c is ignored.
fn wanted_upgrade(request: &Request<Incoming>) -> Upgrade {
    match request.headers().get(UPGRADE) {
        None => Upgrade::None,
        Some(_) if request.version() != Version::HTTP_11 => Upgrade::None,
        Some(to) if to.as_bytes().eq_ignore_ascii_case(b"websocket") => Upgrade::WebSocket,
        Some(to) if to.as_bytes().eq_ignore_ascii_case(b"h2c") => Upgrade::None,
        Some(_) => Upgrade::Other,
    }
}

/// Rewrites path and authority, and edits the headers. Gives the request's id.
fn edit_request(
    by: &Forwarded<'_>,
    destination: &Destination,
    request: &mut Request<Incoming>,
    exchange: &Exchange,
) -> HeaderValue {
    let original = request.uri().path_and_query().cloned();
    let rewritten = by
        .forward
        .rewrite
        .as_ref()
        .and_then(|rewrite| rewrite_path(rewrite, request.uri()));
    let rewrite = by.forward.rewrite.as_ref();
    let of_route = rewrite.and_then(|rewrite| rewrite.authority.as_deref());
    // Envoy applies the destination's first, and then the route's.
    let new_authority = of_route.or(destination.authority.as_deref());
    // The origin form: what is left of the URI is its path and query.
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = rewritten.clone().or_else(|| original.clone());
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();

    let headers = request.headers_mut();
    headers::strip_request_hop(headers);
    let host = new_authority
        .and_then(|authority| HeaderValue::from_str(authority).ok())
        .unwrap_or_else(|| by.authority.clone());
    headers.insert(HOST, host);
    let request_id = headers::announce_client(headers, &exchange.downstream.client(), &exchange.worker.random);
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
    matching::edit_headers(&destination.headers.request, headers);
    matching::edit_headers(&by.route.headers.request, headers);
    request_id
}

fn rewrite_path(rewrite: &Rewrite, uri: &Uri) -> Option<PathAndQuery> {
    let text = matching::rewritten(rewrite.path.as_ref()?, uri.path(), uri.query());
    PathAndQuery::try_from(text).ok()
}
