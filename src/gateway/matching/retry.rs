//! Whether a request is tried again (Envoy's `RetryStateImpl`).

use http::{HeaderMap, StatusCode};

use crate::gateway::config::table::RetryOn;

/// Why an attempt gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No connection could be had.
    Connect,
    /// HTTP/2 refused the stream before it was processed.
    RefusedStream,
    /// The connection or stream ended before the answer's head, or the answer
    /// was no HTTP, or it did not come within `perTryTimeout`.
    Reset,
}

/// Whether an attempt that failed is followed by another.
pub fn after_failure(on: &RetryOn, failure: Failure) -> bool {
    // Envoy counts a reset as the 5xx that it would become.
    on.server_error
        || on.gateway_error
        || on.reset
        || match failure {
            Failure::Connect => on.connect_failure,
            Failure::RefusedStream => on.refused_stream,
            Failure::Reset => false,
        }
}

/// Whether an answer with this head is dropped and the request tried again.
/// A gRPC status in the head counts for gRPC and other requests alike.
pub fn after_answer(on: &RetryOn, status: StatusCode, headers: &HeaderMap) -> bool {
    on.server_error && status.is_server_error()
        || on.gateway_error && matches!(status.as_u16(), 502..=504)
        || on.statuses.contains(&status)
        || !on.grpc.is_empty() && grpc_status(headers).is_some_and(|code| on.grpc.contains(&code))
}

/// Whether anything but a failed connection is tried again, so that a request
/// may be wanted once more after it was sent; `is_grpc` tells gRPC requests.
pub fn may_repeat(on: &RetryOn, is_grpc: bool, is_http2: bool) -> bool {
    on.server_error
        || on.gateway_error
        || on.reset
        || !on.statuses.is_empty()
        || on.refused_stream && is_http2
        || is_grpc && !on.grpc.is_empty()
}

fn grpc_status(headers: &HeaderMap) -> Option<u16> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Failure, after_answer, after_failure, may_repeat};
    use crate::gateway::config::table::RetryOn;
    use http::{HeaderMap, HeaderValue, StatusCode};

    fn none() -> RetryOn {
        RetryOn {
            connect_failure: false,
            refused_stream: false,
            grpc: Vec::new(),
            ..RetryOn::default()
        }
    }

    #[test]
    fn istio_s_own_conditions_spare_what_may_have_been_acted_upon() {
        let on = RetryOn::default();
        assert!(after_failure(&on, Failure::Connect));
        assert!(after_failure(&on, Failure::RefusedStream));
        assert!(!after_failure(&on, Failure::Reset));
        assert!(!after_answer(&on, StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::new()));
        let unavailable = HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from(14))]);
        assert!(after_answer(&on, StatusCode::OK, &unavailable));
        assert!(may_repeat(&on, true, false) && may_repeat(&on, false, true) && !may_repeat(&on, false, false));
    }

    #[test]
    fn each_condition_has_its_statuses() {
        let headers = HeaderMap::new();
        let named = RetryOn {
            statuses: vec![StatusCode::CONFLICT],
            ..none()
        };
        let server_error = RetryOn {
            server_error: true,
            ..none()
        };
        let gateway_error = RetryOn {
            gateway_error: true,
            ..none()
        };
        for (on, status, again) in [
            (&named, 409, true),
            (&named, 500, false),
            (&server_error, 500, true),
            (&server_error, 404, false),
            (&gateway_error, 500, false),
            (&gateway_error, 504, true),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(after_answer(on, status, &headers), again, "{on:?} {status}");
        }
        assert!(after_failure(&gateway_error, Failure::Reset) && !after_failure(&named, Failure::Reset));
    }
}
