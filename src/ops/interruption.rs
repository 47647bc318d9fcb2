//! Signals that interrupt an operation: the work is either dropped at an await point, or
//! starts nothing new while pending answers are awaited, so that the result is known.

use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::failure::{Class, Failure};
use super::surroundings::Surroundings;
use crate::cluster::stages::{Halt, Halting};
use crate::problem::Problem;
use crate::remedy::Remedy;

/// How long to wait after a signal for the answers of requests in flight.
const GRACE: Duration = Duration::from_secs(5);
/// When to report the wait: most answers have come by then.
const SILENCE: Duration = Duration::from_millis(300);

/// Which signal came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupted {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Interrupted {
    /// `SIGINT`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }

    /// The failure, if nothing was done: `interrupted (SIGINT) before anything was
    /// stored`.
    pub fn before(self, before: &str) -> Failure {
        let what = format!("interrupted ({}) before {before}", self.name());
        Failure::new(Class::Interrupted, Problem::new(what))
    }

    /// The failure: `interrupted (SIGINT) before the gateway served it`. What was done
    /// and what is left belongs into its `why`, the line to continue into its `fix`, and
    /// [`Failure::with_result`] has the same as JSON.
    pub fn failure(self, before: &str, why: String, fix: impl Into<Remedy>) -> Failure {
        let what = format!("interrupted ({}) before {before}", self.name());
        Failure::new(Class::Interrupted, Problem::new(what).why(why).fix(fix))
    }
}

/// The signals from now on. While it is held, none ends the process.
#[derive(Debug)]
pub struct Cancel(UnboundedReceiver<Interrupted>);

impl Cancel {
    /// Handles the signals that are sent to `signals`.
    pub fn new(signals: UnboundedReceiver<Interrupted>) -> Self {
        Self(signals)
    }

    /// Waits for the next signal; forever if none can come.
    pub async fn next(&mut self) -> Interrupted {
        match self.0.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}

/// Runs `work` until it ends or a signal comes. Then it is dropped where it waits: what
/// it has done must be visible to the caller (in a `&mut` that it borrowed), and a
/// request in flight may have arrived.
///
/// # Errors
/// The signal.
pub async fn or_signal<T>(work: impl Future<Output = T>, cancel: &mut Cancel) -> Result<T, Interrupted> {
    tokio::select! {
        biased;
        signal = cancel.next() => Err(signal),
        done = work => Ok(done),
    }
}

/// Runs `work` to its end, which a signal brings forward: after the first one the work
/// starts nothing new, and waits for pending answers, at most [`GRACE`]; after a second
/// one it does not wait. Returns the work's result, and the first signal.
pub async fn until_signal<T, F>(
    work: impl FnOnce(Halting) -> F,
    cancel: &mut Cancel,
    here: &Surroundings,
) -> (T, Option<Interrupted>)
where
    F: Future<Output = T>,
{
    let (halt, halting) = Halting::channel();
    let mut work = std::pin::pin!(work(halting));
    let mut first: Option<(Interrupted, Instant)> = None;
    let mut told = false;
    loop {
        // What happens next unless the work ends or a signal comes.
        let next = first.map(|(_, came)| came + if told { GRACE } else { SILENCE });
        let pause = async {
            match next {
                Some(next) => tokio::time::sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            signal = cancel.next() => match first {
                None => {
                    first = Some((signal, Instant::now()));
                    halt.send_replace(Halt::BeginNoMore);
                }
                Some(_) => drop(halt.send_replace(Halt::Now)),
            },
            done = &mut work => return (done, first.map(|(signal, _)| signal)),
            () = pause, if *halt.borrow() == Halt::BeginNoMore => {
                if told {
                    halt.send_replace(Halt::Now);
                } else {
                    told = true;
                    here.say(&format!(
                        "sending nothing more; waiting at most {} s for pending answers (signal \
                         again to skip the wait)",
                        GRACE.as_secs()
                    ));
                }
            }
        }
    }
}
