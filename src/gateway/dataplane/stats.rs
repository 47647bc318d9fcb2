//! Counters of a worker. Each worker writes its own; readers add them up.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is counted once per event.
#[derive(Debug, Clone, Copy)]
pub(in crate::gateway) enum Counter {
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

/// How many kinds of [`Counter`] there are.
const KINDS: usize = Counter::UpstreamTimeouts as usize + 1;
/// The statuses that are counted: from 100 to 599.
const FIRST_STATUS: u16 = 100;
const STATUSES: usize = 500;

/// The counters of one worker.
#[derive(Default)]
pub(in crate::gateway) struct Stats {
    counters: [AtomicU64; KINDS],
    /// Answers by status.
    statuses: StatusCounts,
    active: AtomicU64,
}

struct StatusCounts(Box<[AtomicU64]>);

impl Default for StatusCounts {
    fn default() -> Self {
        Self((0..STATUSES).map(|_| AtomicU64::new(0)).collect())
    }
}

/// Only the worker itself writes, so a load and a store do: no locked instruction.
fn increment(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

impl Stats {
    pub(in crate::gateway) fn add(&self, counter: Counter) {
        increment(&self.counters[counter as usize]);
    }

    pub(in crate::gateway) fn status(&self, status: http::StatusCode) {
        if let Some(counter) = self
            .statuses
            .0
            .get(usize::from(status.as_u16()).wrapping_sub(usize::from(FIRST_STATUS)))
        {
            increment(counter);
        }
    }

    pub(super) fn set_active(&self, connections: usize) {
        self.active.store(connections as u64, Relaxed);
    }

    /// How often this has happened.
    pub(in crate::gateway) fn count(&self, counter: Counter) -> u64 {
        self.counters[counter as usize].load(Relaxed)
    }

    /// The number of answers with each status, those that never were included.
    pub(in crate::gateway) fn statuses(&self) -> impl Iterator<Item = (u16, u64)> {
        let counts = self.statuses.0.iter().map(|count| count.load(Relaxed));
        (FIRST_STATUS..).zip(counts)
    }

    /// Connections that are open.
    pub(in crate::gateway) fn active(&self) -> u64 {
        self.active.load(Relaxed)
    }
}
