//! One request: refused if malformed, normalised, matched, and answered by a
//! redirect, a direct response, a sample or an upstream.

use http::header::{CONTENT_LENGTH, HOST, HeaderMap};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;

use super::binding::Binding;
use super::exchange::Exchange;
use super::headers;
use super::local_reply::LocalReply;
use super::proxy_forward::{self, Forwarded};
use super::response_body::ResponseBody;
use super::variables::Variables;
use super::wire::Refusal;
use crate::gateway::config::table::{Abort, Fault, Route, RouteAction};
use crate::gateway::matching::cors;
use crate::gateway::matching::path;
use crate::gateway::matching::{self, RequestParts};

/// Answers one request, which the reader of its bytes may have refused.
pub(super) async fn answer(
    request: Request<Incoming>,
    refusal: Refusal,
    mut exchange: Exchange,
    binding: &Binding,
) -> Response<ResponseBody> {
    let refused = match refusal {
        Refusal::None => match refuse_malformed(&request) {
            None => return route(request, exchange, binding).await,
            Some(refused) => refused,
        },
        Refusal::NotFound => return LocalReply::not_found().answer(request, exchange),
        Refusal::BadRequest => LocalReply::bad_request(),
        Refusal::BadRequestWithoutBody => LocalReply::no_host(),
        Refusal::UpgradeRequired => LocalReply::upgrade_required(),
        Refusal::NotImplemented => LocalReply::not_implemented(),
        Refusal::TooLarge => LocalReply::head_too_large(),
        Refusal::Forbidden => LocalReply::forbidden(),
    };
    // Whoever sends such a thing speaks no gRPC.
    exchange.is_grpc = false;
    refused.into_response(request.version(), exchange)
}

/// What Envoy refuses before it looks for a route.
fn refuse_malformed(request: &Request<Incoming>) -> Option<LocalReply> {
    if request.uri().authority().is_none() && !request.headers().contains_key(HOST) {
        return Some(LocalReply::no_host());
    }
    let mut lengths = request.headers().get_all(CONTENT_LENGTH).iter().skip(1);
    if lengths.next().is_some() {
        return Some(LocalReply::bad_request());
    }
    (request.method() == Method::CONNECT).then(|| LocalReply::not_found().closing())
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
    // Routes are chosen by what the upstream will be told of the client.
    let headers = request.headers_mut();
    headers::strip_request_hop(headers);
    headers.insert(HOST, authority.clone());
    let request_id = headers::announce_client(headers, &exchange.downstream.client(), &exchange.worker.random);
    if let Some(entry) = &mut exchange.entry {
        entry.request_id = Some(request_id);
    }
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
        return finish(LocalReply::fault(abort), chosen, request, exchange, authority_text);
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
            let reply = LocalReply::redirect(redirect.status, location);
            finish(reply, chosen, request, exchange, authority_text)
        }
        RouteAction::Direct { status, body } => {
            let reply = LocalReply::direct(*status, body.clone(), || matching::own_location(&parts));
            finish(reply, chosen, request, exchange, authority_text)
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
fn finish(
    reply: LocalReply,
    route: &Route,
    request: Request<Incoming>,
    exchange: Exchange,
    authority: &str,
) -> Response<ResponseBody> {
    let variables = route.headers.is_filled().then(|| {
        let parts = parts(exchange.downstream.is_tls(), &request, authority);
        let mut variables = Variables::of(&request, &parts, &exchange.downstream, "");
        variables.sent(&request);
        variables.answered_here(reply.flags());
        variables
    });
    let mut response = reply.answer(request, exchange);
    proxy_forward::edit_response(&route.headers, &mut response, variables.as_ref());
    response
}

pub(super) fn parts<'a>(is_tls: bool, request: &'a Request<Incoming>, authority: &'a str) -> RequestParts<'a> {
    RequestParts {
        // An absolute target says it by itself.
        scheme: match request.uri().scheme_str() {
            Some(scheme) if request.version() == Version::HTTP_11 => scheme,
            _ if is_tls => "https",
            _ => "http",
        },
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
