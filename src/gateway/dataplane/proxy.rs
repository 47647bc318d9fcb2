//! One request: refused if malformed, normalised, matched, and answered by a
//! redirect, a direct response, a sample or an upstream.

use http::header::{HOST, HeaderMap, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;

use super::binding::Binding;
use super::exchange::Exchange;
use super::headers;
use super::local_reply::LocalReply;
use super::proxy_forward::{self, Forwarded};
use super::response_body::ResponseBody;
use crate::gateway::config::table::{Abort, Fault, Route, RouteAction};
use crate::gateway::matching::cors;
use crate::gateway::matching::path;
use crate::gateway::matching::{self, RequestParts};

/// Answers one request; `both_lengths` says that its head had two framings.
pub(super) async fn answer(
    request: Request<Incoming>,
    both_lengths: bool,
    exchange: Exchange,
    binding: &Binding,
) -> Response<ResponseBody> {
    if let Err(refused) = refuse_malformed(&request, both_lengths) {
        return refused.into_response(request.version(), exchange);
    }
    route(request, exchange, binding).await
}

/// What Envoy refuses before it looks for a route.
fn refuse_malformed(request: &Request<Incoming>, both_lengths: bool) -> Result<(), LocalReply> {
    match request.version() {
        Version::HTTP_09 | Version::HTTP_10 => return Err(LocalReply::upgrade_required()),
        Version::HTTP_11 => {
            if both_lengths {
                return Err(LocalReply::bad_request());
            }
            let mut encodings = request.headers().get_all(TRANSFER_ENCODING).iter();
            if let Some(encoding) = encodings.next() {
                let only_chunked = encoding.as_bytes().eq_ignore_ascii_case(b"chunked") && encodings.next().is_none();
                if !only_chunked {
                    return Err(LocalReply::not_implemented());
                }
            }
            if request.uri().authority().is_none() && !request.headers().contains_key(HOST) {
                return Err(LocalReply::no_host());
            }
        }
        _ => {
            if request.uri().authority().is_none() && !request.headers().contains_key(HOST) {
                return Err(LocalReply::no_host());
            }
        }
    }
    if request.method() == Method::CONNECT {
        return Err(LocalReply::not_found());
    }
    Ok(())
}

/// The request's authority: that of the request line or `:authority`, else the
/// Host header; several of those are joined, as Envoy joins them, and match nothing.
fn authority(uri: &Uri, headers: &HeaderMap) -> Option<HeaderValue> {
    if let Some(authority) = uri.authority() {
        return HeaderValue::from_str(authority.as_str()).ok();
    }
    let mut hosts = headers.get_all(HOST).iter();
    let first = hosts.next()?;
    let mut rest = hosts.peekable();
    if rest.peek().is_none() {
        return Some(first.clone());
    }
    let mut joined = first.as_bytes().to_vec();
    for host in rest {
        joined.push(b',');
        joined.extend_from_slice(host.as_bytes());
    }
    HeaderValue::try_from(joined).ok()
}

async fn route(mut request: Request<Incoming>, mut exchange: Exchange, binding: &Binding) -> Response<ResponseBody> {
    if request.version() == Version::HTTP_2 {
        headers::join_cookies(request.headers_mut());
    }
    let Some(authority) = authority(request.uri(), request.headers()) else {
        return LocalReply::bad_request().answer(request, exchange);
    };
    let Ok(authority_text) = authority.to_str() else {
        return LocalReply::bad_request().answer(request, exchange);
    };
    normalise_path(&mut request);
    let is_tls = exchange.downstream.is_tls();
    let parts = parts(is_tls, &request, authority_text);
    let host = binding
        .routes
        .as_ref()
        .and_then(|routes| matching::virtual_host(routes, authority_text));
    let Some(host) = host else {
        return LocalReply::not_found().answer(request, exchange);
    };
    if host.require_tls && !is_tls {
        let location = matching::https_location(&parts);
        return LocalReply::redirect(StatusCode::MOVED_PERMANENTLY, location).answer(request, exchange);
    }
    let Some(chosen) = matching::route(host, &parts) else {
        return LocalReply::not_found().answer(request, exchange);
    };
    if let Some(entry) = &mut exchange.entry {
        entry.route = Some(chosen.name.clone());
    }
    if let Some(fault) = &chosen.fault
        && let Some(abort) = inject(fault, &mut exchange).await
    {
        return finish(LocalReply::fault(abort), chosen, request, exchange);
    }
    // Envoy's filter looks at routes that forward, and at no others.
    let policy = chosen
        .cors
        .as_ref()
        .filter(|_| matches!(chosen.action, RouteAction::Forward(_)));
    let verdict = policy.map(|policy| cors::judge(policy, request.method(), request.headers()));
    let origin = match verdict {
        Some(cors::Verdict::Preflight(headers)) => return LocalReply::preflight(headers).answer(request, exchange),
        Some(cors::Verdict::Allow(origin)) => Some(origin),
        Some(cors::Verdict::Pass) | None => None,
    };
    let mut response = act(chosen, request, exchange, binding, authority.clone(), authority_text).await;
    if let (Some(policy), Some(origin)) = (policy, &origin) {
        cors::allow(policy, origin, response.headers_mut());
    }
    response
}

/// Delays a request by the route's fault, and says with what it is answered.
async fn inject(fault: &Fault, exchange: &mut Exchange) -> Option<Abort> {
    if let Some((share, time)) = fault.delay
        && share.holds(exchange.worker.random.next())
    {
        tokio::time::sleep(time).await;
    }
    let (share, abort) = fault.abort?;
    share.holds(exchange.worker.random.next()).then_some(abort)
}

/// Does what the route says.
async fn act(
    chosen: &Route,
    request: Request<Incoming>,
    exchange: Exchange,
    binding: &Binding,
    authority: HeaderValue,
    authority_text: &str,
) -> Response<ResponseBody> {
    let parts = parts(exchange.downstream.is_tls(), &request, authority_text);
    match &chosen.action {
        RouteAction::Redirect(redirect) => {
            let location = matching::location(redirect, &parts);
            finish(
                LocalReply::redirect(redirect.status, location),
                chosen,
                request,
                exchange,
            )
        }
        RouteAction::Direct { status, body } => {
            finish(LocalReply::direct(*status, body.clone()), chosen, request, exchange)
        }
        RouteAction::Forward(forward) => {
            let forwarded = Forwarded {
                binding,
                route: chosen,
                forward,
                authority,
            };
            proxy_forward::forward(forwarded, request, exchange).await
        }
    }
}

/// Answers without an upstream, with the route's operations on the headers.
fn finish(reply: LocalReply, route: &Route, request: Request<Incoming>, exchange: Exchange) -> Response<ResponseBody> {
    let mut response = reply.answer(request, exchange);
    matching::edit_headers(&route.headers.response, response.headers_mut());
    response
}

fn parts<'a>(is_tls: bool, request: &'a Request<Incoming>, authority: &'a str) -> RequestParts<'a> {
    RequestParts {
        scheme: if is_tls { "https" } else { "http" },
        method: request.method().as_str(),
        authority,
        path: request.uri().path(),
        query: request.uri().query(),
        headers: request.headers(),
    }
}

fn normalise_path(request: &mut Request<Incoming>) {
    let uri = request.uri();
    let std::borrow::Cow::Owned(normal) = path::normalised(uri.path()) else {
        return;
    };
    let text = match uri.query() {
        Some(query) => format!("{normal}?{query}"),
        None => normal,
    };
    if let Ok(path_and_query) = PathAndQuery::try_from(text) {
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(path_and_query);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
}
