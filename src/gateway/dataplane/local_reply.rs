//! The gateway's own answers, with the status, body and headers that Envoy gives.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderMap, LOCATION};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;

use super::exchange::Exchange;
use super::headers::{self, Upgrade};
use super::request_body;
use super::response_body::ResponseBody;
use crate::gateway::config::table::Abort;

/// A response, or the gateway's own answer in its place.
pub(super) type Answer = Result<Response<ResponseBody>, (LocalReply, Exchange)>;

/// An answer of the gateway itself.
pub(super) struct LocalReply {
    status: StatusCode,
    body: Bytes,
    location: Option<String>,
    /// The connection is not used again (HTTP/1.1).
    close: bool,
    /// Why an upstream gave no answer: the body says it.
    reset_reason: Option<&'static str>,
    /// To a gRPC client, in place of the status's own.
    grpc_status: Option<u16>,
    /// Headers beside the usual ones.
    headers: Option<Box<HeaderMap>>,
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
        reset_reason: None,
        grpc_status: None,
        headers: None,
        flags,
    }
}

impl LocalReply {
    pub(super) const fn not_found() -> Self {
        reply(StatusCode::NOT_FOUND, "", "NR")
    }

    /// With the status that the route has for it.
    pub(super) const fn no_cluster(status: StatusCode) -> Self {
        reply(status, "", "NC")
    }

    pub(super) const fn no_healthy_upstream() -> Self {
        reply(StatusCode::SERVICE_UNAVAILABLE, "no healthy upstream", "UH")
    }

    pub(super) const fn connect_failed() -> Self {
        reply(StatusCode::SERVICE_UNAVAILABLE, "", "UF").reset_by("remote connection failure")
    }

    pub(super) const fn connect_timed_out() -> Self {
        reply(StatusCode::SERVICE_UNAVAILABLE, "", "UF").reset_by("connection timeout")
    }

    pub(super) const fn upstream_closed() -> Self {
        reply(StatusCode::SERVICE_UNAVAILABLE, "", "UC").reset_by("connection termination")
    }

    pub(super) const fn upstream_refused_stream() -> Self {
        reply(StatusCode::SERVICE_UNAVAILABLE, "", "UR").reset_by("remote refused stream reset")
    }

    pub(super) const fn upstream_reset_stream() -> Self {
        reply(StatusCode::SERVICE_UNAVAILABLE, "", "UR").reset_by("remote reset")
    }

    pub(super) const fn upstream_protocol() -> Self {
        reply(StatusCode::BAD_GATEWAY, "", "UPE").reset_by("protocol error")
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

    pub(super) const fn head_too_large() -> Self {
        const STATUS: StatusCode = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        reply(STATUS, "Request Header Fields Too Large", "DPE").closing()
    }

    /// A target of https on a connection without TLS.
    pub(super) const fn forbidden() -> Self {
        reply(StatusCode::FORBIDDEN, "Forbidden", "DPE").closing()
    }

    /// An Upgrade to something else than WebSocket.
    pub(super) const fn upgrade_refused() -> Self {
        reply(StatusCode::FORBIDDEN, "", "-").closing()
    }

    pub(super) const fn too_large() -> Self {
        reply(StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large", "-")
    }

    pub(super) fn redirect(status: StatusCode, location: String) -> Self {
        Self {
            location: Some(location),
            ..reply(status, "", "-")
        }
    }

    /// `location` is told with those statuses that have one.
    pub(super) fn direct(status: StatusCode, body: Bytes, location: impl FnOnce() -> String) -> Self {
        let told = status == StatusCode::CREATED || status.is_redirection();
        Self {
            body,
            location: told.then(location),
            ..reply(status, "", "-")
        }
    }

    /// An injected fault.
    pub(super) fn fault(abort: Abort) -> Self {
        const BODY: &str = "fault filter abort";
        match abort {
            Abort::Http(status) => reply(status, BODY, "FI"),
            Abort::Grpc(code) => Self {
                grpc_status: Some(code),
                ..reply(StatusCode::OK, BODY, "FI")
            },
        }
    }

    /// The answer to a CORS preflight.
    pub(super) fn preflight(headers: HeaderMap) -> Self {
        Self {
            headers: Some(Box::new(headers)),
            ..reply(StatusCode::OK, "", "-")
        }
    }

    const fn reset_by(mut self, reason: &'static str) -> Self {
        self.reset_reason = Some(reason);
        self
    }

    /// Says that there were so many attempts before the one that failed last.
    pub(super) fn after_retries(mut self, retries: u32) -> Self {
        if let Some(reason) = self.reset_reason {
            let which = if retries == 0 {
                "reset reason"
            } else {
                "retried and the latest reset reason"
            };
            self.body = format!("upstream connect error or disconnect/reset before headers. {which}: {reason}").into();
        }
        self
    }

    /// Says in the log that no attempt was left.
    pub(super) fn exhausted(mut self) -> Self {
        self.flags = match self.flags {
            "UF" => "UF,URX",
            "UC" => "UC,URX",
            "UR" => "UR,URX",
            "UT" => "UT,URX",
            "UPE" => "URX,UPE",
            other => other,
        };
        self
    }

    pub(super) const fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// To a gRPC client the status is a header, and the HTTP status 200.
    fn into_grpc_response(self, mut exchange: Exchange) -> Response<ResponseBody> {
        exchange.answered(StatusCode::OK, self.flags);
        let mut response = Response::new(ResponseBody::full(Bytes::new(), exchange));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(
            "grpc-status",
            HeaderValue::from(self.grpc_status.unwrap_or_else(|| grpc_status(self.status))),
        );
        if !self.body.is_empty()
            && let Ok(message) = HeaderValue::try_from(percent_encoded(&self.body))
        {
            headers.insert("grpc-message", message);
        }
        headers.insert(http::header::SERVER, headers::SERVER_NAME);
        response
    }

    /// For the access log, and for variables.
    pub(super) const fn flags(&self) -> &'static str {
        self.flags
    }

    /// Answers a request; what the client still sends of it is read and discarded, and
    /// the connection is not used again if there may be more than its head.
    pub(super) fn answer(mut self, request: Request<Incoming>, exchange: Exchange) -> Response<ResponseBody> {
        let version = request.version();
        self.close |= !request.body().is_end_stream() || exchange.upgrade == Upgrade::WebSocket;
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
        headers.extend(self.headers.map(|more| *more).unwrap_or_default());
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
