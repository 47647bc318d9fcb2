//! Ctrl-C and SIGTERM while a command changes or awaits something: the work is
//! dropped where it waits, so that the command can say what it has done.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};

use super::{Exit, Failure};
use crate::problem::Problem;

/// Which signal came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupted {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Interrupted {
    /// `SIGINT`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }

    /// The failure that says so, exit code 130: `interrupted (SIGINT) before the
    /// gateway served it`. What was done and what is left belongs into its `why`,
    /// the line that goes on into its `fix`, and [`Failure::with_result`] holds the
    /// same for programs.
    pub(super) fn failure(self, before: &str, why: String, fix: String) -> Failure {
        let what = format!("interrupted ({}) before {before}", self.name());
        Failure {
            exit: Exit::Interrupted,
            ..Failure::runtime(Problem::new(what).why(why).fix(fix))
        }
    }
}

/// Runs `work` until it ends or a signal comes. It is dropped then, at the place
/// where it waits: what it has done must stand where the caller sees it (a `&mut`
/// that it was lent), and a request that is under way may have arrived.
///
/// Ask on the terminal before: from here on signals no longer end the process,
/// and a prompt does not wait as a future does.
///
/// # Errors
/// The signal; an outer one where the system gives no signals.
pub(super) async fn or_signal<T>(work: impl Future<Output = T>) -> Result<Result<T, Interrupted>, Failure> {
    let register = |kind| {
        signal(kind)
            .map_err(|error| Failure::runtime(Problem::new("signals cannot be received").why(error.to_string())))
    };
    let mut interrupt = register(SignalKind::interrupt())?;
    let mut terminate = register(SignalKind::terminate())?;
    tokio::select! {
        biased;
        _ = interrupt.recv() => Ok(Err(Interrupted::Interrupt)),
        _ = terminate.recv() => Ok(Err(Interrupted::Terminate)),
        done = work => Ok(Ok(done)),
    }
}
