//! The gateway's own answers, with the status, body and headers that Envoy gives.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;

use super::exchange::Exchange;
use super::headers;
use super::request_body;
use super::response_body::ResponseBody;

/// A response, or the gateway's own answer in its place.
pub(super) type Answer = Result<Response<ResponseBody>, (LocalReply, Exchange)>;

/// An answer of the gateway itself.
pub(super) struct LocalReply {
    status: StatusCode,
    body: Bytes,
    location: Option<String>,
    /// The connection is not used again (HTTP/1.1).
    close: bool,
    /// For the access log.
    flags: &'static str,
}

/// A row of the table: no body, or text.
const fn reply(status: StatusCode, body: &'static str, flags: &'static str) -> LocalReply {
    LocalReply {
        status,
        body: Bytes::from_static(body.as_bytes()),
        location: None,
        close: false,
        flags,
    }
}

impl LocalReply {
    pub(super) const fn not_found() -> Self {
        reply(StatusCode::NOT_FOUND, "", "NR")
    }

    pub(super) const fn no_cluster() -> Self {
        reply(StatusCode::SERVICE_UNAVAILABLE, "", "NC")
    }

    pub(super) const fn no_healthy_upstream() -> Self {
        reply(StatusCode::SERVICE_UNAVAILABLE, "no healthy upstream", "UH")
    }

    pub(super) const fn connect_failed(retried: bool) -> Self {
        let body = if retried {
            "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: remote connection failure"
        } else {
            "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure"
        };
        reply(StatusCode::SERVICE_UNAVAILABLE, body, "UF")
    }

    pub(super) const fn connect_timed_out() -> Self {
        let body = "upstream connect error or disconnect/reset before headers. reset reason: connection timeout";
        reply(StatusCode::SERVICE_UNAVAILABLE, body, "UF")
    }

    pub(super) const fn upstream_closed() -> Self {
        let body = "upstream connect error or disconnect/reset before headers. reset reason: connection termination";
        reply(StatusCode::SERVICE_UNAVAILABLE, body, "UC")
    }

    pub(super) const fn upstream_protocol() -> Self {
        let body = "upstream connect error or disconnect/reset before headers. reset reason: protocol error";
        reply(StatusCode::BAD_GATEWAY, body, "UPE")
    }

    pub(super) const fn timed_out() -> Self {
        reply(StatusCode::GATEWAY_TIMEOUT, "upstream request timeout", "UT")
    }

    pub(super) const fn upgrade_required() -> Self {
        reply(StatusCode::UPGRADE_REQUIRED, "Upgrade Required", "DPE").closing()
    }

    /// HTTP/1.1 without a Host.
    pub(super) const fn no_host() -> Self {
        reply(StatusCode::BAD_REQUEST, "", "DPE").closing()
    }

    pub(super) const fn bad_request() -> Self {
        reply(StatusCode::BAD_REQUEST, "Bad Request", "DPE").closing()
    }

    pub(super) const fn not_implemented() -> Self {
        reply(StatusCode::NOT_IMPLEMENTED, "Not Implemented", "DPE").closing()
    }

    /// An Upgrade to something else than WebSocket.
    pub(super) const fn upgrade_refused() -> Self {
        reply(StatusCode::FORBIDDEN, "", "-")
    }

    pub(super) const fn too_large() -> Self {
        reply(StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large", "-")
    }

    pub(super) const fn redirect(status: StatusCode, location: String) -> Self {
        LocalReply {
            status,
            body: Bytes::new(),
            location: Some(location),
            close: false,
            flags: "-",
        }
    }

    pub(super) const fn direct(status: StatusCode, body: Bytes) -> Self {
        LocalReply {
            status,
            body,
            location: None,
            close: false,
            flags: "-",
        }
    }

    const fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// To a gRPC client the status is a header, and the HTTP status 200.
    fn into_grpc_response(self, mut exchange: Exchange) -> Response<ResponseBody> {
        exchange.answered(StatusCode::OK, self.flags);
        let mut response = Response::new(ResponseBody::full(Bytes::new(), exchange));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", HeaderValue::from(grpc_status(self.status)));
        if !self.body.is_empty()
            && let Ok(message) = HeaderValue::try_from(percent_encoded(&self.body))
        {
            headers.insert("grpc-message", message);
        }
        headers.insert(http::header::SERVER, headers::SERVER_NAME);
        response
    }

    /// Answers a request; what the client still sends of it is read and discarded.
    pub(super) fn answer(self, request: Request<Incoming>, exchange: Exchange) -> Response<ResponseBody> {
        let version = request.version();
        request_body::discard(&exchange.worker.tasks, request.into_body());
        self.into_response(version, exchange)
    }

    /// The response to a request of this version.
    pub(super) fn into_response(self, version: Version, mut exchange: Exchange) -> Response<ResponseBody> {
        if exchange.is_grpc {
            return self.into_grpc_response(exchange);
        }
        exchange.answered(self.status, self.flags);
        let typed = !self.body.is_empty();
        let mut response = Response::new(ResponseBody::full(self.body, exchange));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Some(location) = self.location.and_then(|location| HeaderValue::try_from(location).ok()) {
            headers.insert(LOCATION, location);
        }
        if typed {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        }
        headers.insert(http::header::SERVER, headers::SERVER_NAME);
        if self.close && version < Version::HTTP_2 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// The gRPC status for an HTTP status, by gRPC's own table.
const fn grpc_status(status: StatusCode) -> u16 {
    match status.as_u16() {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => 2,
    }
}

/// A `grpc-message`: what is not printable ASCII, and `%`, as `%XX`.
fn percent_encoded(text: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text {
        match byte {
            b'%' | 0..b' ' | 0x7f.. => {
                let _ = write!(encoded, "%{byte:02X}");
            }
            _ => encoded.push(char::from(*byte)),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::percent_encoded;

    #[test]
    fn a_grpc_message_is_printable() {
        assert_eq!(
            percent_encoded("100 % größer\n".as_bytes()),
            "100 %25 gr%C3%B6%C3%9Fer%0A"
        );
    }
}
