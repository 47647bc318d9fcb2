//! Answers that the gateway gives by itself, with the status, body and headers
//! that Envoy gives.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode, Version};

use super::body::{Exchange, ResponseBody};
use super::headers;

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

    /// The response.
    pub(super) fn into_response(self, version: Version, mut exchange: Exchange) -> Response<ResponseBody> {
        exchange.connection.worker.stats.status(self.status);
        if let Some(entry) = &mut exchange.entry {
            entry.status = Some(self.status);
            entry.flags = self.flags;
        }
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
