//! `/stats/prometheus`: the counters of all workers, added up, in Prometheus'
//! text format under Envoy's and Istio's names.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::gateway::dataplane::current::Current;
use crate::gateway::dataplane::stats::{Counter, Stats};

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

/// The sum over all workers in Prometheus' text format.
pub(super) fn page(workers: &[Arc<Stats>], current: &Current) -> String {
    let sum = |read: &dyn Fn(&Stats) -> u64| workers.iter().map(|stats| read(stats)).sum::<u64>();
    let mut text = String::new();
    for (counter, name, help) in COUNTERS {
        let value = sum(&|stats| stats.count(counter));
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
    }
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    for (status, count) in workers.iter().flat_map(|stats| stats.statuses()) {
        if count > 0 {
            *statuses.entry(status).or_default() += count;
        }
    }
    let _ = writeln!(
        text,
        "# HELP envoy_http_downstream_rq_xx Answers by class of status\n# TYPE envoy_http_downstream_rq_xx counter"
    );
    for class in 1..=5 {
        let count: u64 = statuses
            .iter()
            .filter(|(status, _)| **status / 100 == class)
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
    let active = sum(&Stats::active);
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
    use super::page;
    use crate::gateway::config::table::Table;
    use crate::gateway::dataplane::current::Current;
    use crate::gateway::dataplane::stats::{Counter, Stats};
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
        let text = page(&workers, &current);
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
