//! Ctrl-C and SIGTERM while a command changes or awaits something: the work is
//! dropped where it waits, or cut short with its answers waited for, so that the
//! command can say what it has done.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

use super::context::Context;
use super::{Exit, Failure};
use crate::cluster::stages::{Halt, Halting};
use crate::problem::Problem;

/// How long after a signal the answers of requests that are under way are waited for.
const GRACE: Duration = Duration::from_secs(5);
/// When that is told: most answers have come by then.
const SILENCE: Duration = Duration::from_millis(300);

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
    let mut signals = Signals::register()?;
    tokio::select! {
        biased;
        signal = signals.next() => Ok(Err(signal)),
        done = work => Ok(Ok(done)),
    }
}

/// Runs `work` to its end, which a signal brings nearer: after the first one the
/// work begins nothing more, and waits for the answers of what is under way, at
/// most [`GRACE`]; after a second one it does not wait. Tells what the work came
/// to, and the first signal.
///
/// As with [`or_signal`], ask on the terminal before.
///
/// # Errors
/// Where the system gives no signals.
pub(super) async fn until_signal<T, F>(
    work: impl FnOnce(Halting) -> F,
    context: &Context,
) -> Result<(T, Option<Interrupted>), Failure>
where
    F: Future<Output = T>,
{
    let mut signals = Signals::register()?;
    let (halt, halting) = Halting::channel();
    let mut work = std::pin::pin!(work(halting));
    let mut first: Option<(Interrupted, Instant)> = None;
    let mut told = false;
    loop {
        // What is to happen next unless the work ends or a signal comes.
        let next = first.map(|(_, came)| came + if told { GRACE } else { SILENCE });
        let pause = async {
            match next {
                Some(next) => tokio::time::sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            signal = signals.next() => match first {
                None => {
                    first = Some((signal, Instant::now()));
                    halt.send_replace(Halt::BeginNoMore);
                }
                Some(_) => drop(halt.send_replace(Halt::Now)),
            },
            done = &mut work => return Ok((done, first.map(|(signal, _)| signal))),
            () = pause, if *halt.borrow() == Halt::BeginNoMore => {
                if told {
                    halt.send_replace(Halt::Now);
                } else {
                    told = true;
                    context.say(&format!(
                        "nothing more is sent; waiting {} s at most for answers that are due (once more: not at all)",
                        GRACE.as_secs()
                    ));
                }
            }
        }
    }
}

/// SIGINT and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn register() -> Result<Self, Failure> {
        let register = |kind| {
            signal(kind)
                .map_err(|error| Failure::runtime(Problem::new("signals cannot be received").why(error.to_string())))
        };
        Ok(Self {
            interrupt: register(SignalKind::interrupt())?,
            terminate: register(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Interrupted {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => Interrupted::Interrupt,
            _ = self.terminate.recv() => Interrupted::Terminate,
        }
    }
}
