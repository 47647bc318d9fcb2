//! The header rules of Istio's gateway: what the upstream is told, what the
//! client is told, and what belongs to one hop only.

use std::time::Duration;

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, SERVER, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderValue, Method, Response, StatusCode, Version};

use super::random::Random;
use crate::gateway::matching::timeout;

/// What the gateway calls itself.
pub(super) const SERVER_NAME: HeaderValue = HeaderValue::from_static("istio-envoy");

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_CLIENT_CERT: HeaderName = HeaderName::from_static("x-forwarded-client-cert");
/// The id that follows a request.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_ENVOY_EXTERNAL_ADDRESS: HeaderName = HeaderName::from_static("x-envoy-external-address");
const X_ENVOY_ATTEMPT_COUNT: HeaderName = HeaderName::from_static("x-envoy-attempt-count");
const X_ENVOY_EXPECTED_RQ_TIMEOUT_MS: HeaderName = HeaderName::from_static("x-envoy-expected-rq-timeout-ms");
const X_ENVOY_ORIGINAL_HOST: HeaderName = HeaderName::from_static("x-envoy-original-host");
const X_ENVOY_ORIGINAL_PATH: HeaderName = HeaderName::from_static("x-envoy-original-path");
const X_ENVOY_UPSTREAM_SERVICE_TIME: HeaderName = HeaderName::from_static("x-envoy-upstream-service-time");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Envoy's own headers that a client may not set; all others pass.
const NOT_FOR_CLIENTS: &[&str] = &[
    "x-envoy-decorator-operation",
    "x-envoy-downstream-service-cluster",
    "x-envoy-downstream-service-node",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-external-address",
    "x-envoy-force-trace",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-internal",
    "x-envoy-ip-tags",
    "x-envoy-max-retries",
    "x-envoy-original-host",
    "x-envoy-original-path",
    "x-envoy-retriable-header-names",
    "x-envoy-retriable-status-codes",
    "x-envoy-retry-grpc-on",
    "x-envoy-retry-on",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-stream-duration-ms",
];

/// What the gateway knows of the client.
pub(super) struct Client<'a> {
    /// The peer's address.
    pub(super) address: &'a HeaderValue,
    /// Whether it speaks TLS.
    pub(super) is_tls: bool,
    /// Its certificate, described.
    pub(super) certificate: Option<&'a HeaderValue>,
}

/// What a request asks its connection to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upgrade {
    None,
    WebSocket,
    /// Nothing that Istio's gateway upgrades to.
    Other,
}

impl Upgrade {
    /// What a request asks for. An offer of h2c is ignored, and so is an upgrade that
    /// `connection` does not name.
    pub(super) fn wanted(version: Version, headers: &HeaderMap) -> Self {
        let Some(to) = headers.get(UPGRADE).filter(|_| version == Version::HTTP_11) else {
            return Self::None;
        };
        let named = headers.get_all(CONNECTION).iter().any(|value| {
            let mut tokens = value.as_bytes().split(|byte| *byte == b',');
            tokens.any(|token| token.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
        });
        match to.as_bytes() {
            _ if !named => Self::None,
            to if to.eq_ignore_ascii_case(b"websocket") => Self::WebSocket,
            to if to.eq_ignore_ascii_case(b"h2c") => Self::None,
            _ => Self::Other,
        }
    }
}

/// Takes out what belongs to the client's connection only. `te: trailers`,
/// which gRPC needs, stays.
pub(super) fn strip_request_hop(headers: &mut HeaderMap) {
    strip_named_by_connection(headers);
    headers.remove(EXPECT);
    headers.remove(HTTP2_SETTINGS);
    if headers.contains_key(TE) {
        let trailers = headers.get_all(TE).iter().any(|value| {
            let mut tokens = value.as_bytes().split(|byte| *byte == b',');
            tokens.any(|token| token.trim_ascii().eq_ignore_ascii_case(b"trailers"))
        });
        headers.remove(TE);
        if trailers {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
    }
}

/// Takes out what belongs to the upstream's connection only; what `connection`
/// names besides passes, as in Envoy.
pub(super) fn strip_response_hop(headers: &mut HeaderMap) {
    headers.remove(CONNECTION);
    strip_of_a_connection(headers);
}

/// Whether an upstream's answer of HTTP/1.1 says in two ways, or in one that nobody
/// knows, where its body ends.
pub(super) fn is_ambiguous<B>(response: &Response<B>) -> bool {
    let headers = response.headers();
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next();
    let is_number = |length: &HeaderValue| length.as_bytes().iter().all(u8::is_ascii_digit);
    if lengths.next().is_some() || length.is_some_and(|length| !is_number(length)) {
        return true;
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        let is_chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
        return !is_chunked || length.is_some() || response.status() == StatusCode::NO_CONTENT;
    }
    // A body behind a status that has none would be taken for the next answer.
    response.status() == StatusCode::NO_CONTENT && length.is_some_and(|length| length != "0")
}

/// Joins the cookies that HTTP/2 lets a client send as fields of their own (RFC 9113, section 8.2.3).
pub(super) fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(COOKIE).iter();
    let (Some(first), Some(second)) = (cookies.next(), cookies.next()) else {
        return;
    };
    let mut joined = first.as_bytes().to_vec();
    for cookie in std::iter::once(second).chain(cookies) {
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(cookie.as_bytes());
    }
    if let Ok(joined) = HeaderValue::try_from(joined) {
        headers.insert(COOKIE, joined);
    }
}

/// Says how a request's body is framed in HTTP/1.1, as Envoy does: methods that
/// usually have a body say that there is none, and one of unknown length is chunked.
pub(super) fn frame_for_http1(method: &Method, headers: &mut HeaderMap, has_body: bool) {
    if headers.contains_key(CONTENT_LENGTH) {
        return;
    }
    if has_body {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    } else if ![Method::GET, Method::HEAD, Method::DELETE, Method::TRACE].contains(method) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
}

fn strip_named_by_connection(headers: &mut HeaderMap) {
    let is_plain = |value: &HeaderValue| {
        value.as_bytes().eq_ignore_ascii_case(b"keep-alive") || value.as_bytes().eq_ignore_ascii_case(b"close")
    };
    if headers.contains_key(CONNECTION) {
        // The list may be spread over several fields.
        let fields = headers.get_all(CONNECTION).iter();
        let naming: Vec<HeaderValue> = fields.filter(|value| !is_plain(value)).cloned().collect();
        headers.remove(CONNECTION);
        for token in naming
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        {
            let name = HeaderName::from_bytes(token.trim_ascii());
            if let Ok(name) = name
                && ![HOST, TE, CONTENT_LENGTH].contains(&name)
            {
                headers.remove(name);
            }
        }
    }
    strip_of_a_connection(headers);
}

/// Takes out what speaks of a connection wherever it stands.
fn strip_of_a_connection(headers: &mut HeaderMap) {
    headers.remove(KEEP_ALIVE);
    headers.remove(TRANSFER_ENCODING);
    headers.remove(UPGRADE);
    headers.remove(PROXY_CONNECTION);
}

/// Tells the upstream of the client, as Envoy does with `use_remote_address`
/// and SANITIZE_SET: every client is an outside one, also on a private network
/// (Istio names no internal addresses), and nothing that it claims of itself is passed on.
/// Gives the request's id.
pub(super) fn announce_client(headers: &mut HeaderMap, client: &Client<'_>, random: &Random) -> HeaderValue {
    strip_envoy(headers);
    match client.certificate {
        Some(certificate) => drop(headers.insert(X_FORWARDED_CLIENT_CERT, certificate.clone())),
        None => drop(headers.remove(X_FORWARDED_CLIENT_CERT)),
    }
    let forwarded_for = if headers.contains_key(&X_FORWARDED_FOR) {
        let mut joined = Vec::new();
        for value in headers.get_all(&X_FORWARDED_FOR) {
            joined.extend_from_slice(value.as_bytes());
            joined.push(b',');
        }
        joined.extend_from_slice(client.address.as_bytes());
        HeaderValue::try_from(joined).unwrap_or_else(|_| client.address.clone())
    } else {
        client.address.clone()
    };
    headers.insert(X_FORWARDED_FOR, forwarded_for);
    let scheme = if client.is_tls { "https" } else { "http" };
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
    headers.insert(X_ENVOY_EXTERNAL_ADDRESS, client.address.clone());
    let id = HeaderValue::from_bytes(&random.uuid()).unwrap_or_else(|_| HeaderValue::from_static("-"));
    headers.insert(X_REQUEST_ID, id.clone());
    id
}

fn strip_envoy(headers: &mut HeaderMap) {
    if headers.keys().any(|name| name.as_str().starts_with("x-envoy-")) {
        for name in NOT_FOR_CLIENTS {
            headers.remove(*name);
        }
    }
}

/// Says which attempt this is, from 1.
pub(super) fn set_attempt(headers: &mut HeaderMap, attempt: u32) {
    headers.insert(X_ENVOY_ATTEMPT_COUNT, HeaderValue::from(attempt));
}

/// Says how long the upstream may take: `grpc-timeout` for gRPC, too.
pub(super) fn announce_limit(headers: &mut HeaderMap, limit: Duration, is_grpc: bool) {
    let milliseconds = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    headers.insert(X_ENVOY_EXPECTED_RQ_TIMEOUT_MS, HeaderValue::from(milliseconds));
    if is_grpc {
        headers.insert(timeout::GRPC_TIMEOUT, timeout::grpc_header(limit));
    }
}

/// Keeps the path that a rewrite replaced.
pub(super) fn set_original_path(headers: &mut HeaderMap, path_and_query: &str) {
    if let Ok(value) = HeaderValue::from_str(path_and_query) {
        headers.insert(X_ENVOY_ORIGINAL_PATH, value);
    }
}

/// Keeps the authority that a rewrite replaced.
pub(super) fn set_original_host(headers: &mut HeaderMap, authority: &HeaderValue) {
    headers.insert(X_ENVOY_ORIGINAL_HOST, authority.clone());
}

/// Names the gateway and the upstream's time.
pub(super) fn finish_response(headers: &mut HeaderMap, upstream_milliseconds: u64) {
    headers.insert(SERVER, SERVER_NAME);
    let time = match upstream_milliseconds {
        0 => HeaderValue::from_static("0"),
        1 => HeaderValue::from_static("1"),
        more => HeaderValue::from(more),
    };
    headers.insert(X_ENVOY_UPSTREAM_SERVICE_TIME, time);
}

#[cfg(test)]
mod tests {
    use super::{Client, Upgrade, announce_client, frame_for_http1, is_ambiguous, join_cookies, strip_request_hop};
    use crate::gateway::dataplane::random::Random;
    use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version};

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    fn announced(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = map(pairs);
        let address = HeaderValue::from_static("203.0.113.9");
        let client = Client {
            address: &address,
            is_tls: true,
            certificate: None,
        };
        announce_client(&mut headers, &client, &Random::seeded(1));
        headers
    }

    #[test]
    fn what_an_outside_client_claims_is_replaced() {
        let headers = announced(&[
            ("x-forwarded-proto", "http"),
            ("x-forwarded-client-cert", "Hash=1"),
            ("x-envoy-internal", "true"),
            ("x-envoy-max-retries", "9"),
            ("x-request-id", "mine"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-envoy-peer-metadata", "kept"),
        ]);
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-for"], "1.2.3.4,203.0.113.9");
        assert_eq!(headers["x-envoy-external-address"], "203.0.113.9");
        assert_eq!(headers["x-envoy-peer-metadata"], "kept");
        assert_ne!(headers["x-request-id"], "mine");
        for name in ["x-forwarded-client-cert", "x-envoy-internal", "x-envoy-max-retries"] {
            assert!(!headers.contains_key(name), "{name}");
        }
    }

    #[test]
    fn http1_is_told_how_long_a_body_is() {
        for (method, has_body, told) in [
            (Method::GET, false, None),
            (Method::DELETE, false, None),
            (Method::OPTIONS, false, Some(("content-length", "0"))),
            (Method::POST, false, Some(("content-length", "0"))),
            (Method::GET, true, Some(("transfer-encoding", "chunked"))),
        ] {
            let mut headers = HeaderMap::new();
            frame_for_http1(&method, &mut headers, has_body);
            assert_eq!(headers, map(told.as_slice()), "{method}");
        }
    }

    #[test]
    fn answers_with_two_framings_are_ambiguous() {
        for (status, fields, expected) in [
            (200, &[("content-length", "3")][..], false),
            (200, &[("transfer-encoding", "Chunked")], false),
            (200, &[("content-length", "3"), ("content-length", "3")], true),
            (200, &[("content-length", "3, 3")], true),
            (200, &[("content-length", "3"), ("transfer-encoding", "chunked")], true),
            (200, &[("transfer-encoding", "gzip, chunked")], true),
            (204, &[("content-length", "0")], false),
            (204, &[("content-length", "2")], true),
            (204, &[("transfer-encoding", "chunked")], true),
            (304, &[("content-length", "2")], false),
        ] {
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            *response.headers_mut() = map(fields);
            assert_eq!(is_ambiguous(&response), expected, "{status} {fields:?}");
        }
    }

    #[test]
    fn an_upgrade_is_named_by_connection() {
        for (fields, expected) in [
            (&[("upgrade", "websocket")][..], Upgrade::None),
            (
                &[("upgrade", "WebSocket"), ("connection", "keep-alive, Upgrade")],
                Upgrade::WebSocket,
            ),
            (&[("upgrade", "h2c"), ("connection", "upgrade")], Upgrade::None),
            (&[("upgrade", "foo"), ("connection", "upgrade")], Upgrade::Other),
        ] {
            assert_eq!(Upgrade::wanted(Version::HTTP_11, &map(fields)), expected, "{fields:?}");
        }
        let fields = map(&[("upgrade", "websocket"), ("connection", "upgrade")]);
        assert_eq!(Upgrade::wanted(Version::HTTP_2, &fields), Upgrade::None);
    }

    #[test]
    fn cookies_are_joined_to_one_field() {
        let mut headers = map(&[("cookie", "a=1"), ("x-a", "1"), ("cookie", "b=2")]);
        join_cookies(&mut headers);
        assert_eq!(headers, map(&[("cookie", "a=1; b=2"), ("x-a", "1")]));
    }

    #[test]
    fn a_hops_headers_end_with_the_hop() {
        let mut headers = map(&[
            ("connection", "keep-alive, x-secret"),
            ("connection", "close"),
            ("connection", "x-other"),
            ("keep-alive", "1"),
            ("x-other", "1"),
            ("x-secret", "1"),
            ("te", "gzip, trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("expect", "100-continue"),
            ("x-kept", "1"),
        ]);
        strip_request_hop(&mut headers);
        assert_eq!(headers, map(&[("x-kept", "1"), ("te", "trailers")]));
    }
}
