//! What a worker and one of its connections tell each other: that the
//! connection is to end, and since when it waits for its client.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::limits::Limits;
use super::wire::{Activity, Refusal};

/// How long an idle client may take to say goodbye once it is told to: one
/// that never answers would keep its place.
const PARTING: Duration = Duration::from_secs(5);

/// How a connection is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Not at all.
    No,
    /// When its requests are answered; the client is told.
    Gently,
    /// At once.
    Now,
}

/// What the worker and a connection tell each other.
pub(super) struct Signals {
    cut: Cell<Cut>,
    changed: Notify,
    pub(super) activity: Arc<Activity>,
    /// Requests in work.
    active: Cell<u32>,
    /// Request bodies that are still read.
    bodies: Cell<u32>,
    /// When it last had no request in work.
    idle_since: Cell<u32>,
    /// What the connection became: the task that passes its bytes on.
    upgraded: RefCell<Option<JoinHandle<()>>>,
}

impl Signals {
    pub(super) fn new(seconds: &Arc<AtomicU32>) -> Self {
        Self {
            cut: Cell::new(Cut::No),
            changed: Notify::new(),
            activity: Activity::new(seconds),
            active: Cell::new(0),
            bodies: Cell::new(0),
            idle_since: Cell::new(seconds.load(Relaxed)),
            upgraded: RefCell::default(),
        }
    }

    /// The connection goes on as this task, in its place among the connections.
    pub(super) fn becomes(&self, task: JoinHandle<()>) {
        self.activity.switched.store(true, Relaxed);
        *self.upgraded.borrow_mut() = Some(task);
    }

    /// Waits until that has ended. When the gateway drains, it may go on until
    /// the grace is over: nobody can tell a WebSocket's peers to hurry.
    pub(super) async fn upgraded(&self) {
        let Some(mut task) = self.upgraded.take() else {
            return;
        };
        loop {
            tokio::select! {
                biased;
                _ = &mut task => return,
                how = self.next() => if how == Cut::Now {
                    return task.abort();
                },
            }
        }
    }

    /// Asks the connection to end.
    pub(super) fn cut(&self, how: Cut) {
        if self.cut.get() != Cut::Now {
            self.cut.set(how);
            self.changed.notify_one();
        }
    }

    /// Applies the limits on waiting.
    pub(super) fn check(&self, now: u32, limits: &Limits) {
        let over = |since: u32, limit: std::time::Duration| u64::from(now.saturating_sub(since)) > limit.as_secs();
        if self.active.get() == 0 {
            let slow_head = self.activity.head_begun.load(Relaxed)
                && over(self.activity.head_since.load(Relaxed), limits.head_time);
            if slow_head || over(self.idle_since.get(), limits.idle + PARTING) {
                self.cut(Cut::Now);
            } else if over(self.idle_since.get(), limits.idle) {
                self.cut(Cut::Gently);
            }
        } else if self.bodies.get() > 0 && over(self.activity.last_read.load(Relaxed), limits.body_idle) {
            self.cut(Cut::Now);
        }
    }

    pub(super) async fn next(&self) -> Cut {
        loop {
            self.changed.notified().await;
            match self.cut.get() {
                Cut::No => {}
                how => return how,
            }
        }
    }

    /// A request begins; how it is refused by the reader of its head.
    pub(super) fn begin(&self) -> Refusal {
        self.active.set(self.active.get() + 1);
        self.activity.between.store(false, Relaxed);
        self.activity.head_begun.store(false, Relaxed);
        self.activity.take_refusal()
    }

    /// A request is answered.
    pub(super) fn end(&self, now: u32) {
        self.active.set(self.active.get().saturating_sub(1));
        if self.active.get() == 0 {
            self.idle_since.set(now);
            self.activity.answered();
        }
    }

    pub(super) fn body_begins(&self) {
        self.bodies.set(self.bodies.get() + 1);
    }

    pub(super) fn body_ends(&self) {
        self.bodies.set(self.bodies.get().saturating_sub(1));
    }
}
