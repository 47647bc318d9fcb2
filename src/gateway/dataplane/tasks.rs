//! The tasks of one worker, which run on the thread that starts them.

use std::cell::Cell;
use std::rc::Rc;

/// Runs hyper's tasks on the worker that started them.
#[derive(Clone, Copy)]
pub(super) struct LocalExecutor;

impl<F: Future + 'static> hyper::rt::Executor<F> for LocalExecutor
where
    F::Output: 'static,
{
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

/// Starts tasks for as long as the worker runs any: one that ends drops its
/// tasks, and what is dropped with them may not start others.
#[derive(Clone)]
pub(super) struct Tasks {
    run: Rc<Cell<bool>>,
}

impl Tasks {
    /// Those of a worker that starts.
    pub(super) fn new() -> Self {
        Self {
            run: Rc::new(Cell::new(true)),
        }
    }

    /// Starts a task, or drops it when the worker runs none any more.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        if self.run.get() {
            tokio::task::spawn_local(task);
        }
    }

    /// Says that the worker runs no more tasks.
    pub(super) fn end(&self) {
        self.run.set(false);
    }
}
