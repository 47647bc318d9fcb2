//! Counters of a worker, and their sum in Prometheus' text format under
//! Envoy's and Istio's names. Each worker writes its own; readers add them up.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::current::Current;

/// What is counted once per event.
#[derive(Debug, Clone, Copy)]
pub(super) enum Counter {
    /// Connections accepted.
    Connections,
    /// Connections refused for the limit.
    ConnectionsRefused,
    /// Handshakes that succeeded.
    Handshakes,
    /// Handshakes that failed.
    HandshakesFailed,
    /// Connections reset for an SNI without a chain or material.
    SniRefused,
    /// Requests.
    Requests,
    /// Connections opened to upstreams.
    UpstreamConnections,
    /// Connections to upstreams that failed.
    UpstreamConnectFailed,
    /// Requests sent to an upstream.
    UpstreamRequests,
    /// Further attempts.
    UpstreamRetries,
    /// Requests that met their route's timeout.
    UpstreamTimeouts,
}

const COUNTERS: [(Counter, &str, &str); 11] = [
    (
        Counter::Connections,
        "envoy_http_downstream_cx_total",
        "Connections accepted",
    ),
    (
        Counter::ConnectionsRefused,
        "envoy_http_downstream_cx_overload_total",
        "Connections refused for the limit",
    ),
    (
        Counter::Handshakes,
        "envoy_listener_ssl_handshake",
        "TLS handshakes that succeeded",
    ),
    (
        Counter::HandshakesFailed,
        "envoy_listener_ssl_connection_error",
        "TLS handshakes that failed",
    ),
    (
        Counter::SniRefused,
        "envoy_listener_no_filter_chain_match",
        "Connections reset: no server or no certificate for the SNI",
    ),
    (Counter::Requests, "envoy_http_downstream_rq_total", "Requests"),
    (
        Counter::UpstreamConnections,
        "envoy_cluster_upstream_cx_total",
        "Connections opened to upstreams",
    ),
    (
        Counter::UpstreamConnectFailed,
        "envoy_cluster_upstream_cx_connect_fail",
        "Connections to upstreams that failed",
    ),
    (
        Counter::UpstreamRequests,
        "envoy_cluster_upstream_rq_total",
        "Requests sent to upstreams",
    ),
    (
        Counter::UpstreamRetries,
        "envoy_cluster_upstream_rq_retry",
        "Further attempts",
    ),
    (
        Counter::UpstreamTimeouts,
        "envoy_cluster_upstream_rq_timeout",
        "Requests that met their route's timeout",
    ),
];

/// The counters of one worker.
#[derive(Default)]
pub(super) struct Stats {
    counters: [AtomicU64; COUNTERS.len()],
    /// Answers by status, from 100 to 599.
    statuses: StatusCounts,
    active: AtomicU64,
}

struct StatusCounts(Box<[AtomicU64]>);

impl Default for StatusCounts {
    fn default() -> Self {
        Self((0..500).map(|_| AtomicU64::new(0)).collect())
    }
}

/// Only the worker itself writes, so a load and a store do: no locked instruction.
fn increment(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

impl Stats {
    pub(super) fn add(&self, counter: Counter) {
        increment(&self.counters[counter as usize]);
    }

    pub(super) fn status(&self, status: http::StatusCode) {
        if let Some(counter) = self.statuses.0.get(usize::from(status.as_u16()).wrapping_sub(100)) {
            increment(counter);
        }
    }

    pub(super) fn set_active(&self, connections: usize) {
        self.active.store(connections as u64, Relaxed);
    }
}

/// The sum over all workers in Prometheus' text format.
pub(super) fn prometheus(workers: &[Arc<Stats>], current: &Current) -> String {
    let sum = |read: &dyn Fn(&Stats) -> u64| workers.iter().map(|stats| read(stats)).sum::<u64>();
    let mut text = String::new();
    for (counter, name, help) in COUNTERS {
        let value = sum(&|stats| stats.counters[counter as usize].load(Relaxed));
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
    }
    let statuses: Vec<(usize, u64)> = (0..500)
        .map(|at| (at + 100, sum(&|stats| stats.statuses.0[at].load(Relaxed))))
        .filter(|(_, count)| *count > 0)
        .collect();
    let _ = writeln!(
        text,
        "# HELP envoy_http_downstream_rq_xx Answers by class of status\n# TYPE envoy_http_downstream_rq_xx counter"
    );
    for class in 1..=5 {
        let count: u64 = statuses
            .iter()
            .filter(|(status, _)| status / 100 == class)
            .map(|(_, count)| count)
            .sum();
        let _ = writeln!(
            text,
            "envoy_http_downstream_rq_xx{{envoy_response_code_class=\"{class}\"}} {count}"
        );
    }
    let _ = writeln!(
        text,
        "# HELP istio_requests_total Answers by status\n# TYPE istio_requests_total counter"
    );
    for (status, count) in statuses {
        let _ = writeln!(
            text,
            "istio_requests_total{{reporter=\"source\",response_code=\"{status}\"}} {count}"
        );
    }
    let _ = writeln!(
        text,
        "# HELP istio_tls_reloads_total Changes of the configuration, taken or refused\n# TYPE istio_tls_reloads_total counter"
    );
    let reloads = &current.reloads;
    for (outcome, count) in [("taken", &reloads.taken), ("refused", &reloads.refused)] {
        let count = count.load(Relaxed);
        let _ = writeln!(text, "istio_tls_reloads_total{{outcome=\"{outcome}\"}} {count}");
    }
    let active = sum(&|stats| stats.active.load(Relaxed));
    for (name, help, value) in [
        ("envoy_http_downstream_cx_active", "Connections that are open", active),
        ("envoy_server_concurrency", "Workers", workers.len() as u64),
        ("envoy_server_live", "1 while serving", 1),
        (
            "envoy_server_uptime",
            "Seconds since the start",
            current.started.elapsed().as_secs(),
        ),
    ] {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Counter, Stats, prometheus};
    use crate::gateway::config::table::Table;
    use crate::gateway::current::Current;
    use std::sync::Arc;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn workers_are_added_up() {
        let workers = [Arc::new(Stats::default()), Arc::new(Stats::default())];
        for worker in &workers {
            worker.add(Counter::Requests);
            worker.status(http::StatusCode::IM_A_TEAPOT);
        }
        let current = Current::new(Table::default());
        current.reloads.taken.fetch_add(3, Relaxed);
        let text = prometheus(&workers, &current);
        for line in [
            "envoy_http_downstream_rq_total 2",
            "envoy_http_downstream_rq_xx{envoy_response_code_class=\"4\"} 2",
            "istio_requests_total{reporter=\"source\",response_code=\"418\"} 2",
            "envoy_server_uptime 0",
            "istio_tls_reloads_total{outcome=\"taken\"} 3",
            "istio_tls_reloads_total{outcome=\"refused\"} 0",
        ] {
            assert!(text.lines().any(|had| had == line), "{line} not in\n{text}");
        }
    }
}
