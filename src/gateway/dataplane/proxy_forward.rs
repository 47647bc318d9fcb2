//! Sends a request on: picks the destination, edits path and headers, tries
//! again when no connection could be had, and passes the answer back.

use std::rc::Rc;
use std::time::{Duration, Instant};

use http::header::{HOST, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::binding::Binding;
use super::exchange::Exchange;
use super::headers;
use super::local_reply::{Answer, LocalReply};
use super::proxy_sample;
use super::proxy_upgrade;
use super::request_body::RequestBody;
use super::response_body::{Deadline, ResponseBody};
use super::stats::Counter;
use super::upstream::{ConnectError, Lease, Sender, Upstream};
use super::worker_state::WorkerState;
use crate::gateway::config::table::{Destination, Endpoint, Forward, Rewrite, Route};
use crate::gateway::matching;

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
        return LocalReply::no_cluster().answer(request, exchange);
    };
    let generation = &by.binding.generation;
    let Some(cluster) = generation.table.clusters.get(destination.cluster) else {
        return LocalReply::no_cluster().answer(request, exchange);
    };
    let request_id = edit_request(&by, destination, &mut request, &exchange);
    if let Some(entry) = &mut exchange.entry {
        entry.cluster = Some(cluster.name.clone());
        entry.request_id = Some(request_id);
    }
    let deadline = by.forward.timeout.map(|timeout| Box::pin(tokio::time::sleep(timeout)));
    let answer = match (&cluster.endpoint, generation.remotes.get(destination.cluster)) {
        (Endpoint::Unknown, _) => return LocalReply::no_cluster().answer(request, exchange),
        (Endpoint::Sample(sample), _) => proxy_sample::answer(*sample, request, exchange, deadline).await,
        (Endpoint::Remote { .. }, Some(Some(remote))) => {
            let upstream = worker.upstreams.get(remote);
            if let Some(entry) = &mut exchange.entry {
                entry.upstream = Some(upstream.name.clone());
            }
            let outbound = Outbound {
                worker: &worker,
                upstream,
                retries: by.forward.retries,
                upgrade,
            };
            outbound.send(request, exchange, deadline).await
        }
        _ => return LocalReply::no_healthy_upstream().answer(request, exchange),
    };
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
    let new_authority = by
        .forward
        .rewrite
        .as_ref()
        .and_then(|rewrite| rewrite.authority.as_deref());
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
        headers::set_original_host(headers, &by.authority);
    }
    matching::edit_headers(&destination.headers.request, headers);
    matching::edit_headers(&by.route.headers.request, headers);
    request_id
}

fn rewrite_path(rewrite: &Rewrite, uri: &Uri) -> Option<PathAndQuery> {
    let text = matching::rewritten(rewrite.path.as_ref()?, uri.path(), uri.query());
    PathAndQuery::try_from(text).ok()
}

/// One request on its way to a remote.
struct Outbound<'a> {
    worker: &'a WorkerState,
    upstream: Rc<Upstream>,
    retries: u32,
    upgrade: Option<OnUpgrade>,
}

enum Failure {
    /// Nothing was sent; the request is whole.
    NotSent(Box<Request<RequestBody>>, LocalReply),
    /// It may have been acted upon.
    Sent(LocalReply),
}

impl Outbound<'_> {
    async fn send(mut self, request: Request<Incoming>, mut exchange: Exchange, mut deadline: Deadline) -> Answer {
        let started = Instant::now();
        let is_grpc = exchange.is_grpc;
        let request = self.prepare(request, &exchange);
        let attempts = self.attempts(request, is_grpc);
        let outcome = match &mut deadline {
            None => attempts.await,
            Some(deadline) => tokio::select! {
                biased;
                outcome = attempts => outcome,
                () = deadline.as_mut() => {
                    self.worker.stats.add(Counter::UpstreamTimeouts);
                    Err(LocalReply::timed_out())
                }
            },
        };
        let (mut response, lease) = match outcome {
            Ok(answered) => answered,
            Err(reply) => return Err((reply, exchange)),
        };
        let milliseconds = started.elapsed().as_millis() as u64;
        exchange.answered(response.status(), "-");
        if let Some(entry) = &mut exchange.entry {
            entry.upstream_time = Some(milliseconds);
        }
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return match self.upgrade.take() {
                Some(client) => Ok(proxy_upgrade::join(client, response, lease, exchange)),
                None => Err((LocalReply::upstream_protocol(), exchange)),
            };
        }
        headers::strip_response_hop(response.headers_mut());
        headers::finish_response(response.headers_mut(), milliseconds);
        // The version is that of the upstream's connection; the client's codec sets its own.
        *response.version_mut() = Version::HTTP_11;
        Ok(response.map(|body| ResponseBody::upstream(body, lease, deadline, exchange)))
    }

    fn prepare(&self, request: Request<Incoming>, exchange: &Exchange) -> Request<RequestBody> {
        let received = exchange.entry.as_ref().map(|entry| Rc::clone(&entry.bytes_received));
        let mut request = request.map(|body| RequestBody::new(body, &exchange.signals, &self.worker.tasks, received));
        *request.version_mut() = Version::HTTP_11;
        if self.upgrade.is_some() {
            let headers = request.headers_mut();
            headers.insert(http::header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        }
        request
    }

    /// Tries until a head comes, the retries are used up, or the request may have been acted upon.
    async fn attempts(
        &self,
        mut request: Request<RequestBody>,
        is_grpc: bool,
    ) -> Result<(Response<Incoming>, Option<Lease>), LocalReply> {
        let worker = self.worker;
        let mut retried = 0;
        loop {
            let sender = self
                .upstream
                .sender(&worker.upstreams, &worker.stats, is_grpc, self.upgrade.is_some())
                .await;
            let reply = match sender {
                Ok(sender) => match self.attempt(sender, request).await {
                    Ok(answered) => return Ok(answered),
                    Err(Failure::Sent(reply)) => return Err(reply),
                    Err(Failure::NotSent(unsent, reply)) => {
                        request = *unsent;
                        reply
                    }
                },
                Err(ConnectError::Unresolved(_)) => LocalReply::no_healthy_upstream(),
                Err(ConnectError::TimedOut) => LocalReply::connect_timed_out(),
                Err(ConnectError::Failed(_) | ConnectError::Protocol(_)) => LocalReply::connect_failed(retried > 0),
            };
            if retried == self.retries {
                return Err(reply);
            }
            // Envoy's back-off: a random part of 25 ms, doubled each time, at most 250 ms.
            let longest = 25_u64.saturating_mul(1 << retried.min(4)).min(250);
            tokio::time::sleep(Duration::from_millis(worker.random.next() % longest)).await;
            retried += 1;
            worker.stats.add(Counter::UpstreamRetries);
            headers::set_attempt(request.headers_mut(), retried + 1);
        }
    }

    async fn attempt(
        &self,
        sender: Sender,
        mut request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, Option<Lease>), Failure> {
        self.worker.stats.add(Counter::UpstreamRequests);
        match sender {
            Sender::Http1(mut lease, stale) => {
                let has_body = !request.body().is_empty();
                let method = request.method().clone();
                headers::frame_for_http1(&method, request.headers_mut(), has_body);
                request.body_mut().drop_trailers();
                // A connection that rested may be closed by the upstream at this
                // very moment; then a request that changes nothing is sent again.
                let again = (stale && is_replayable(&request)).then(|| copy_without_body(&request));
                let Some(sender) = lease.sender() else {
                    return Err(Failure::NotSent(Box::new(request), LocalReply::upstream_closed()));
                };
                match sender.try_send_request(request).await {
                    Ok(response) => Ok((response, Some(lease))),
                    Err(mut failed) => Err(match (failed.take_message(), again) {
                        (Some(unsent), _) => Failure::NotSent(Box::new(unsent), LocalReply::upstream_closed()),
                        (None, Some(again)) if ended_early(failed.error()) => {
                            Failure::NotSent(Box::new(again), LocalReply::upstream_closed())
                        }
                        (None, _) => Failure::Sent(reply_for(failed.error())),
                    }),
                }
            }
            Sender::Http2(mut sender) => {
                let request = self.for_http2(request);
                match sender.try_send_request(request).await {
                    Ok(response) => Ok((response, None)),
                    Err(mut failed) => Err(match failed.take_message() {
                        Some(unsent) => Failure::NotSent(Box::new(unsent), LocalReply::upstream_closed()),
                        None => Failure::Sent(reply_for(failed.error())),
                    }),
                }
            }
        }
    }

    /// HTTP/2 has the authority in its URI and no Host.
    fn for_http2(&self, mut request: Request<RequestBody>) -> Request<RequestBody> {
        if let Some(host) = request.headers_mut().remove(HOST) {
            let mut parts = request.uri().clone().into_parts();
            parts.scheme = Some(if self.upstream.is_tls() {
                Scheme::HTTPS
            } else {
                Scheme::HTTP
            });
            parts.authority = Authority::try_from(host.as_bytes()).ok();
            parts
                .path_and_query
                .get_or_insert_with(|| PathAndQuery::from_static("/"));
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
        *request.version_mut() = Version::HTTP_2;
        request
    }
}

fn is_replayable(request: &Request<RequestBody>) -> bool {
    request.body().is_empty()
        && matches!(
            *request.method(),
            Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
        )
}

fn copy_without_body(request: &Request<RequestBody>) -> Request<RequestBody> {
    let mut copy = Request::new(RequestBody::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

fn ended_early(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_closed() || error.is_canceled() || !error.is_parse()
}

fn reply_for(error: &hyper::Error) -> LocalReply {
    tracing::debug!("upstream: {error}");
    if error.is_parse() || error.is_parse_status() {
        LocalReply::upstream_protocol()
    } else {
        LocalReply::upstream_closed()
    }
}
