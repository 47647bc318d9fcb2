//! SIGTERM and Ctrl-C, awaited without a worker's help.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::Failure;
use crate::cli::interrupt::await_signals;
use crate::problem::Problem;

/// The signals that end `serve`; from [`Signals::register`] on they no longer kill the process.
pub(in crate::cli) struct Signals {
    runtime: tokio::runtime::Runtime,
    streams: std::cell::RefCell<(Signal, Signal)>,
}

/// Which signal came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Ending {
    /// SIGTERM.
    Terminate,
    /// Ctrl-C.
    Interrupt,
}

impl Ending {
    pub(in crate::cli) fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "Ctrl-C",
        }
    }
}

impl Signals {
    pub(in crate::cli) fn register() -> Result<Self, Failure> {
        await_signals();
        let failed =
            |error: std::io::Error| Failure::runtime(Problem::new("signals cannot be received").why(error.to_string()));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let streams = {
            let _inside = runtime.enter();
            (
                signal(SignalKind::terminate()).map_err(failed)?,
                signal(SignalKind::interrupt()).map_err(failed)?,
            )
        };
        Ok(Self {
            runtime,
            streams: streams.into(),
        })
    }

    /// Waits for a signal.
    pub(in crate::cli) fn wait(&self) -> Ending {
        let (terminate, interrupt) = &mut *self.streams.borrow_mut();
        self.runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => Ending::Terminate,
                _ = interrupt.recv() => Ending::Interrupt,
            }
        })
    }

    /// Waits for a signal, or until `going_on` is false.
    pub(in crate::cli) fn wait_while(&self, going_on: impl Fn() -> bool) -> Option<Ending> {
        let (terminate, interrupt) = &mut *self.streams.borrow_mut();
        self.runtime.block_on(async {
            while going_on() {
                let pause = tokio::time::sleep(Duration::from_millis(20));
                tokio::select! {
                    _ = terminate.recv() => return Some(Ending::Terminate),
                    _ = interrupt.recv() => return Some(Ending::Interrupt),
                    () = pause => {}
                }
            }
            None
        })
    }
}
