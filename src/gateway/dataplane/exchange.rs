//! One request and its answer. An exchange ends, and is logged, when its
//! response body has been sent or dropped.

use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use http::header::{CONTENT_TYPE, HeaderMap};
use http::{Request, StatusCode};

use super::access_log::Entry;
use super::downstream::Downstream;
use super::headers::Upgrade;
use super::signals::Signals;
use super::stats::Counter;
use super::worker_state::WorkerState;

/// One request and its answer, from the head's arrival to the last byte sent.
pub(super) struct Exchange {
    pub(super) worker: Rc<WorkerState>,
    pub(super) signals: Rc<Signals>,
    pub(super) downstream: Rc<Downstream>,
    started: Instant,
    /// What the access log will say; none when it is off.
    pub(super) entry: Option<Box<Entry>>,
    /// The client speaks gRPC: it wants the gateway's own answers as such.
    pub(super) is_grpc: bool,
    /// What the client wants the connection to become.
    pub(super) upgrade: Upgrade,
}

impl Exchange {
    /// Begins with a request's head; `signals` are told when it ends.
    pub(super) fn begin<B>(
        worker: &Rc<WorkerState>,
        signals: &Rc<Signals>,
        downstream: &Rc<Downstream>,
        request: &Request<B>,
    ) -> Self {
        worker.stats.add(Counter::Requests);
        Self {
            entry: worker.log.is_on().then(|| Box::new(Entry::of(request))),
            is_grpc: is_grpc(request.headers()),
            upgrade: Upgrade::wanted(request.version(), request.headers()),
            started: Instant::now(),
            worker: Rc::clone(worker),
            signals: Rc::clone(signals),
            downstream: Rc::clone(downstream),
        }
    }

    /// Counts the answer, and notes it for the access log; `flags` as in [`Entry::flags`].
    pub(super) fn answered(&mut self, status: StatusCode, flags: &'static str) {
        self.worker.stats.status(status);
        if let Some(entry) = &mut self.entry {
            entry.status = Some(status);
            entry.flags = flags;
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.signals.end(self.worker.seconds.load(Relaxed));
        if let Some(entry) = self.entry.take() {
            let took = self.started.elapsed();
            self.worker.log.write(&entry, &self.downstream, took);
        }
    }
}

/// As Envoy tells it.
fn is_grpc(headers: &HeaderMap) -> bool {
    let rest = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.as_bytes().strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"+"))
}
