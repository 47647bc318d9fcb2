//! A request on its way to its destination: attempts, what follows a failed
//! one, and the limits on their time (Envoy's router filter).

use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

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
use crate::gateway::config::table::{RetryPolicy, Sample};
use crate::gateway::matching::retry;

/// Where a request goes.
pub(super) enum Target {
    /// A sample of this program.
    Sample(Sample),
    /// An upstream.
    Remote(Rc<Upstream>),
}

/// One request on its way.
pub(super) struct Outbound<'a> {
    pub(super) worker: &'a WorkerState,
    pub(super) target: Target,
    pub(super) policy: &'a RetryPolicy,
    /// The longest time of all attempts.
    pub(super) timeout: Option<Duration>,
    pub(super) upgrade: Option<OnUpgrade>,
    pub(super) is_grpc: bool,
    pub(super) is_tls: bool,
}

/// What an attempt gave.
enum Answered {
    Sample(Response<Bytes>),
    Remote(Response<Incoming>, Option<Lease>),
}

impl Answered {
    fn wants_repetition(&self, policy: &RetryPolicy) -> bool {
        let (status, headers) = match self {
            Self::Sample(response) => (response.status(), response.headers()),
            Self::Remote(response, _) => (response.status(), response.headers()),
        };
        retry::after_answer(&policy.on, status, headers)
    }
}

/// Why an attempt gave no answer.
pub(super) struct Failed {
    why: retry::Failure,
    reply: LocalReply,
    /// The request, where nothing of it was sent.
    unsent: Option<Box<Request<RequestBody>>>,
}

impl Failed {
    fn sent(why: retry::Failure, reply: LocalReply) -> Self {
        Self {
            why,
            reply,
            unsent: None,
        }
    }
}

/// What is left when the attempts are over.
struct Outcome {
    result: Result<Answered, LocalReply>,
    /// One more would have followed, had there been any left.
    exhausted: bool,
}

impl Outbound<'_> {
    /// Sends a request, again where the policy says so, and passes the answer on.
    pub(super) async fn send(
        mut self,
        request: Request<RequestBody>,
        mut exchange: Exchange,
        mut deadline: Deadline,
    ) -> Answer {
        let started = Instant::now();
        let request = self.prepare(request);
        let attempts = self.attempts(request, started);
        let outcome = match &mut deadline {
            None => attempts.await,
            Some(deadline) => tokio::select! {
                biased;
                outcome = attempts => outcome,
                () = deadline.as_mut() => {
                    self.worker.stats.add(Counter::UpstreamTimeouts);
                    Outcome { result: Err(LocalReply::timed_out()), exhausted: false }
                }
            },
        };
        let answered = match outcome.result {
            Ok(answered) => answered,
            Err(reply) => return Err((reply, exchange)),
        };
        let flags = if outcome.exhausted { "URX" } else { "-" };
        let milliseconds = started.elapsed().as_millis() as u64;
        if let Some(entry) = &mut exchange.entry {
            entry.upstream_time = Some(milliseconds);
        }
        let (mut response, lease) = match answered {
            Answered::Sample(mut response) => {
                exchange.answered(response.status(), flags);
                headers::finish_response(response.headers_mut(), milliseconds);
                return Ok(response.map(|body| ResponseBody::full(body, exchange)));
            }
            Answered::Remote(response, lease) => (response, lease),
        };
        exchange.answered(response.status(), flags);
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return match self.upgrade.take() {
                Some(client) => Ok(proxy_upgrade::join(client, response, lease, exchange)),
                None => Err((LocalReply::upstream_protocol(), exchange)),
            };
        }
        headers::strip_response_hop(response.headers_mut());
        if response.status() == StatusCode::NO_CONTENT {
            response.headers_mut().remove(CONTENT_LENGTH);
        }
        headers::finish_response(response.headers_mut(), milliseconds);
        // The version is that of the upstream's connection; the client's codec sets its own.
        *response.version_mut() = Version::HTTP_11;
        Ok(response.map(|body| ResponseBody::upstream(body, lease, deadline, exchange)))
    }

    fn prepare(&self, mut request: Request<RequestBody>) -> Request<RequestBody> {
        *request.version_mut() = Version::HTTP_11;
        if self.upgrade.is_some() {
            let headers = request.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        }
        request
    }

    /// Tries until an answer is good enough, the attempts are used up, or what
    /// failed is not tried again.
    async fn attempts(&self, mut request: Request<RequestBody>, started: Instant) -> Outcome {
        let policy = self.policy;
        let mut retried = 0;
        loop {
            let is_last = retried >= policy.attempts;
            let spare = (!is_last && self.may_repeat()).then(|| copy_of(&request)).flatten();
            self.announce_limit(&mut request, (retried > 0).then_some(started));
            let tried = self.attempt_in_time(request).await;
            let wanted = match &tried {
                Ok(answered) => policy.attempts > 0 && answered.wants_repetition(policy),
                Err(failed) => policy.attempts > 0 && retry::after_failure(&policy.on, failed.why),
            };
            let (result, unsent) = match tried {
                Ok(answered) => (Ok(answered), None),
                Err(failed) => (Err(failed.reply.after_retries(retried)), failed.unsent),
            };
            let again = unsent
                .map(|unsent| *unsent)
                .or(spare)
                .filter(|request| wanted && !is_last && request.body().can_be_repeated());
            let Some(again) = again else {
                let exhausted = wanted && is_last;
                let result = result.map_err(|reply| if exhausted { reply.exhausted() } else { reply });
                return Outcome { result, exhausted };
            };
            // The answer that is not good enough is dropped before the pause.
            drop(result);
            request = again;
            retried += 1;
            tokio::time::sleep(self.pause(retried)).await;
            self.worker.stats.add(Counter::UpstreamRetries);
            headers::set_attempt(request.headers_mut(), retried + 1);
        }
    }

    /// Envoy's back-off: a random part of the base, which doubles each time up to ten times itself.
    fn pause(&self, retry: u32) -> Duration {
        let base = u64::try_from(self.policy.backoff.as_micros())
            .unwrap_or(u64::MAX)
            .max(1);
        let doubled = base.saturating_mul(1 << (retry - 1).min(4));
        let longest = doubled.min(base.saturating_mul(10));
        Duration::from_micros(self.worker.random.next() % longest)
    }

    /// Whether the request may be wanted again after it was sent.
    pub(super) fn may_repeat(&self) -> bool {
        if self.policy.attempts == 0 {
            return false;
        }
        let is_http2 = matches!(&self.target, Target::Remote(upstream) if upstream.may_speak_http2(self.is_grpc));
        retry::may_repeat(&self.policy.on, self.is_grpc, is_http2)
    }

    /// The longest time of one attempt. Envoy ignores one that is not shorter than the whole.
    fn per_try_timeout(&self) -> Option<Duration> {
        self.policy
            .per_try_timeout
            .filter(|limit| self.timeout.is_none_or(|whole| *limit < whole))
    }

    /// Tells the upstream how long it may take; `since` is when earlier attempts began.
    fn announce_limit(&self, request: &mut Request<RequestBody>, since: Option<Instant>) {
        let spent = since.map_or(Duration::ZERO, |since| since.elapsed());
        let left = || self.timeout.map(|timeout| timeout.saturating_sub(spent));
        if let Some(limit) = self.per_try_timeout().or_else(left) {
            headers::announce_limit(request.headers_mut(), limit, self.is_grpc);
        }
    }

    async fn attempt_in_time(&self, request: Request<RequestBody>) -> Result<Answered, Failed> {
        let attempt = self.attempt(request);
        let Some(limit) = self.per_try_timeout() else {
            return attempt.await;
        };
        tokio::time::timeout(limit, attempt).await.unwrap_or_else(|_| {
            self.worker.stats.add(Counter::UpstreamTimeouts);
            Err(Failed::sent(retry::Failure::Reset, LocalReply::timed_out()))
        })
    }

    async fn attempt(&self, request: Request<RequestBody>) -> Result<Answered, Failed> {
        match &self.target {
            Target::Sample(sample) => proxy_sample::ask(*sample, request, self.worker, self.is_tls)
                .await
                .map(Answered::Sample)
                .map_err(|reply| Failed::sent(retry::Failure::Reset, reply)),
            Target::Remote(upstream) => {
                let sent = send_once(
                    self.worker,
                    upstream,
                    request,
                    self.is_tls,
                    self.is_grpc,
                    self.upgrade.is_some(),
                )
                .await;
                sent.map(|(response, lease)| Answered::Remote(response, lease))
            }
        }
    }
}

/// Sends a request to an upstream once.
pub(super) async fn send_once(
    worker: &WorkerState,
    upstream: &Rc<Upstream>,
    request: Request<RequestBody>,
    is_tls: bool,
    is_grpc: bool,
    upgrades: bool,
) -> Result<(Response<Incoming>, Option<Lease>), Failed> {
    let sender = upstream
        .sender(&worker.upstreams, &worker.stats, is_grpc, upgrades)
        .await;
    let sender = match sender {
        Ok(sender) => sender,
        Err(error) => {
            return Err(Failed {
                why: retry::Failure::Connect,
                reply: match error {
                    ConnectError::Unresolved(_) => LocalReply::no_healthy_upstream(),
                    ConnectError::TimedOut => LocalReply::connect_timed_out(),
                    ConnectError::Failed(_) | ConnectError::Protocol(_) => LocalReply::connect_failed(),
                },
                unsent: Some(Box::new(request)),
            });
        }
    };
    worker.stats.add(Counter::UpstreamRequests);
    match sender {
        Sender::Http1(lease, stale) => send_http1(lease, stale, request).await,
        Sender::Http2(mut sender) => {
            let request = for_http2(request, is_tls);
            match sender.try_send_request(request).await {
                Ok(response) => Ok((response, None)),
                Err(mut failed) => Err(match failed.take_message() {
                    Some(unsent) => closed_before(unsent),
                    None if is_refused(failed.error()) => {
                        Failed::sent(retry::Failure::RefusedStream, LocalReply::upstream_refused_stream())
                    }
                    None if is_reset(failed.error()) => {
                        Failed::sent(retry::Failure::Reset, LocalReply::upstream_reset_stream())
                    }
                    None => Failed::sent(retry::Failure::Reset, reply_for(failed.error())),
                }),
            }
        }
    }
}

async fn send_http1(
    mut lease: Lease,
    stale: bool,
    mut request: Request<RequestBody>,
) -> Result<(Response<Incoming>, Option<Lease>), Failed> {
    let has_body = !request.body().is_empty();
    let method = request.method().clone();
    headers::frame_for_http1(&method, request.headers_mut(), has_body);
    request.body_mut().drop_trailers();
    // A connection that rested may be closed by the upstream at this very
    // moment; then a request that changes nothing is sent again.
    let again = (stale && is_replayable(&request)).then(|| copy_of(&request)).flatten();
    let Some(sender) = lease.sender() else {
        return Err(closed_before(request));
    };
    match sender.try_send_request(request).await {
        Ok(response) if headers::is_ambiguous(&response) => {
            lease.end();
            Err(Failed::sent(retry::Failure::Reset, LocalReply::upstream_protocol()))
        }
        Ok(response) => {
            if response.version() != Version::HTTP_11 {
                // The codec would speak HTTP/1.0 from here on.
                lease.end();
            }
            Ok((response, Some(lease)))
        }
        Err(mut failed) => Err(match (failed.take_message(), again) {
            (Some(unsent), _) => closed_before(unsent),
            (None, Some(again)) if ended_early(failed.error()) => closed_before(again),
            (None, _) => Failed::sent(retry::Failure::Reset, reply_for(failed.error())),
        }),
    }
}

/// The connection was closed before anything of the request was sent.
fn closed_before(unsent: Request<RequestBody>) -> Failed {
    Failed {
        why: retry::Failure::Connect,
        reply: LocalReply::upstream_closed(),
        unsent: Some(Box::new(unsent)),
    }
}

/// HTTP/2 has the authority in its URI and no Host; the scheme is the client's.
fn for_http2(mut request: Request<RequestBody>, is_tls: bool) -> Request<RequestBody> {
    if let Some(host) = request.headers_mut().remove(HOST) {
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(if is_tls { Scheme::HTTPS } else { Scheme::HTTP });
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

fn is_replayable(request: &Request<RequestBody>) -> bool {
    request.body().is_empty()
        && matches!(
            *request.method(),
            Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
        )
}

/// The same request, if its body can be sent more than once.
pub(super) fn copy_of(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    let mut copy = Request::new(request.body().again()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

fn ended_early(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_closed() || error.is_canceled() || !error.is_parse()
}

/// Whether HTTP/2 says that the request was not processed (RFC 9113, 8.7).
fn is_refused(error: &hyper::Error) -> bool {
    of_http2(error).and_then(h2::Error::reason) == Some(h2::Reason::REFUSED_STREAM)
}

/// Whether the upstream ended the stream alone.
fn is_reset(error: &hyper::Error) -> bool {
    of_http2(error).is_some_and(|error| error.is_reset() && error.is_remote())
}

fn of_http2(error: &hyper::Error) -> Option<&h2::Error> {
    std::error::Error::source(error).and_then(|source| source.downcast_ref())
}

fn reply_for(error: &hyper::Error) -> LocalReply {
    tracing::debug!("upstream: {error}");
    if error.is_parse() || error.is_parse_status() {
        LocalReply::upstream_protocol()
    } else {
        LocalReply::upstream_closed()
    }
}
