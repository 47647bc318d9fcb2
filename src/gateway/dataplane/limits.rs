//! What one client may use up, in one place. The defaults are Envoy's as
//! Istio sets them where there is one, and a safe choice where there is none.

use std::time::Duration;

/// Limits of a server; the default holds for every listener.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections in all, shared evenly among the workers; more are reset.
    pub connections: usize,
    /// A TLS handshake takes at most this long (Istio: 15 s).
    pub handshake: Duration,
    /// The bytes of a request head, HTTP/1.1 and HTTP/2 (Envoy: 60 KiB); more is 431.
    pub head_bytes: usize,
    /// The number of header lines (Envoy: 100); more is 431.
    pub header_lines: usize,
    /// A request head is complete after at most this long.
    pub head_time: Duration,
    /// A request body that has begun brings something at least this often.
    pub body_idle: Duration,
    /// A connection without a request is closed after this long (Envoy: one hour).
    pub idle: Duration,
    /// Concurrent streams of an HTTP/2 connection.
    pub streams: u32,
    /// Streams that a client may reset before they are answered (rapid reset).
    pub pending_resets: usize,
    /// Bytes of a request body that a sample reads; more is 413.
    pub sample_body: usize,
    /// A connection to an upstream is established within this time (Istio: 10 s).
    pub connect: Duration,
    /// An upstream connection is kept unused for this long.
    pub upstream_idle: Duration,
    /// Unused upstream connections kept per worker and upstream.
    pub upstream_connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 65_536,
            handshake: Duration::from_secs(15),
            head_bytes: 60 * 1024,
            header_lines: 100,
            head_time: Duration::from_mins(1),
            body_idle: Duration::from_mins(5),
            idle: Duration::from_hours(1),
            streams: 100,
            pending_resets: 20,
            sample_body: 10 * 1024 * 1024,
            connect: Duration::from_secs(10),
            upstream_idle: Duration::from_mins(1),
            upstream_connections: 512,
        }
    }
}
