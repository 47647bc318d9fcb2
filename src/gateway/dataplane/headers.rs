//! The header rules of Istio's gateway: what the upstream is told, what the
//! client is told, and what belongs to one hop only.

use http::HeaderValue;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, SERVER, TE, TRANSFER_ENCODING, UPGRADE,
};

use super::random::Random;

/// What the gateway calls itself.
pub(super) const SERVER_NAME: HeaderValue = HeaderValue::from_static("istio-envoy");

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_CLIENT_CERT: HeaderName = HeaderName::from_static("x-forwarded-client-cert");
/// The id that follows a request.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_ENVOY_EXTERNAL_ADDRESS: HeaderName = HeaderName::from_static("x-envoy-external-address");
const X_ENVOY_INTERNAL: HeaderName = HeaderName::from_static("x-envoy-internal");
const X_ENVOY_ATTEMPT_COUNT: HeaderName = HeaderName::from_static("x-envoy-attempt-count");
const X_ENVOY_ORIGINAL_PATH: HeaderName = HeaderName::from_static("x-envoy-original-path");
const X_ENVOY_UPSTREAM_SERVICE_TIME: HeaderName = HeaderName::from_static("x-envoy-upstream-service-time");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// What the gateway knows of the client.
pub(super) struct Client<'a> {
    /// The peer's address.
    pub(super) address: &'a HeaderValue,
    /// Whether that is on a private network.
    pub(super) is_internal: bool,
    /// Whether it speaks TLS.
    pub(super) is_tls: bool,
    /// Its certificate, described.
    pub(super) certificate: Option<&'a HeaderValue>,
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

/// Takes out what belongs to the upstream's connection only.
pub(super) fn strip_response_hop(headers: &mut HeaderMap) {
    strip_named_by_connection(headers);
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
        headers.remove(KEEP_ALIVE);
    }
    headers.remove(TRANSFER_ENCODING);
    headers.remove(UPGRADE);
    headers.remove(PROXY_CONNECTION);
}

/// Tells the upstream of the client, as Envoy does with `use_remote_address`
/// and SANITIZE_SET: nothing that an outside client claims of itself is passed on.
/// Gives the request's id.
pub(super) fn announce_client(headers: &mut HeaderMap, client: &Client<'_>, random: &Random) -> HeaderValue {
    let came_through_proxies = headers.contains_key(&X_FORWARDED_FOR);
    let internal = client.is_internal && !came_through_proxies;
    if internal {
        headers.remove(X_ENVOY_INTERNAL);
    } else {
        strip_envoy(headers);
    }
    match client.certificate {
        Some(certificate) => drop(headers.insert(X_FORWARDED_CLIENT_CERT, certificate.clone())),
        None => drop(headers.remove(X_FORWARDED_CLIENT_CERT)),
    }
    let forwarded_for = if came_through_proxies {
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
    if internal {
        headers.insert(X_ENVOY_INTERNAL, HeaderValue::from_static("true"));
    } else {
        headers.insert(X_ENVOY_EXTERNAL_ADDRESS, client.address.clone());
    }
    let known = if internal {
        headers.get(&X_REQUEST_ID).cloned()
    } else {
        None
    };
    let id = known.unwrap_or_else(|| {
        let id = HeaderValue::from_bytes(&random.uuid()).unwrap_or_else(|_| HeaderValue::from_static("-"));
        headers.insert(X_REQUEST_ID, id.clone());
        id
    });
    headers.insert(X_ENVOY_ATTEMPT_COUNT, HeaderValue::from_static("1"));
    id
}

/// Envoy's own headers are not for outside clients to set.
fn strip_envoy(headers: &mut HeaderMap) {
    if headers.keys().any(|name| name.as_str().starts_with("x-envoy-")) {
        let names: Vec<HeaderName> = headers
            .keys()
            .filter(|name| name.as_str().starts_with("x-envoy-"))
            .cloned()
            .collect();
        for name in names {
            headers.remove(name);
        }
    }
}

/// Says which attempt this is, from 1.
pub(super) fn set_attempt(headers: &mut HeaderMap, attempt: u32) {
    headers.insert(X_ENVOY_ATTEMPT_COUNT, HeaderValue::from(attempt));
}

/// Keeps the path that a rewrite replaced.
pub(super) fn set_original_path(headers: &mut HeaderMap, path_and_query: &str) {
    if let Ok(value) = HeaderValue::from_str(path_and_query) {
        headers.insert(X_ENVOY_ORIGINAL_PATH, value);
    }
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
    use super::{Client, announce_client, strip_request_hop};
    use crate::gateway::dataplane::random::Random;
    use http::{HeaderMap, HeaderName, HeaderValue};

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    fn announced(pairs: &[(&'static str, &'static str)], internal: bool) -> HeaderMap {
        let mut headers = map(pairs);
        let address = HeaderValue::from_static("203.0.113.9");
        let client = Client {
            address: &address,
            is_internal: internal,
            is_tls: true,
            certificate: None,
        };
        announce_client(&mut headers, &client, &Random::seeded(1));
        headers
    }

    #[test]
    fn what_an_outside_client_claims_is_replaced() {
        let headers = announced(
            &[
                ("x-forwarded-proto", "http"),
                ("x-forwarded-client-cert", "Hash=1"),
                ("x-envoy-internal", "true"),
                ("x-envoy-max-retries", "9"),
                ("x-request-id", "mine"),
                ("x-forwarded-for", "1.2.3.4"),
            ],
            false,
        );
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-for"], "1.2.3.4,203.0.113.9");
        assert_eq!(headers["x-envoy-external-address"], "203.0.113.9");
        assert_eq!(headers["x-envoy-attempt-count"], "1");
        assert_ne!(headers["x-request-id"], "mine");
        for name in ["x-forwarded-client-cert", "x-envoy-internal", "x-envoy-max-retries"] {
            assert!(!headers.contains_key(name), "{name}");
        }
    }

    #[test]
    fn an_inside_client_keeps_its_request_id() {
        let headers = announced(&[("x-request-id", "mine"), ("x-envoy-internal", "no")], true);
        assert_eq!(headers["x-request-id"], "mine");
        assert_eq!(headers["x-envoy-internal"], "true");
        assert!(!headers.contains_key("x-envoy-external-address"));
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
