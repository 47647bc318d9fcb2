//! Signals that cut an operation short: the work is dropped where it waits, or begins
//! nothing more and has its answers waited for, so that it can be said what was done.

use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::failure::{Class, Failure};
use super::surroundings::Surroundings;
use crate::cluster::stages::{Halt, Halting};
use crate::problem::Problem;
use crate::remedy::Remedy;

/// How long after a signal the answers of requests that are under way are waited for.
const GRACE: Duration = Duration::from_secs(5);
/// When that is told: most answers have come by then.
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

    /// The failure that says so, where nothing was done: `interrupted (SIGINT) before
    /// anything was stored`.
    pub fn before(self, before: &str) -> Failure {
        let what = format!("interrupted ({}) before {before}", self.name());
        Failure::new(Class::Interrupted, Problem::new(what))
    }

    /// The failure that says so: `interrupted (SIGINT) before the gateway served it`.
    /// What was done and what is left belongs into its `why`, the line that goes on
    /// into its `fix`, and [`Failure::with_result`] holds the same for programs.
    pub fn failure(self, before: &str, why: String, fix: impl Into<Remedy>) -> Failure {
        let what = format!("interrupted ({}) before {before}", self.name());
        Failure::new(Class::Interrupted, Problem::new(what).why(why).fix(fix))
    }
}

/// The signals that come from now on. While it is held, none ends the process.
#[derive(Debug)]
pub struct Cancel(UnboundedReceiver<Interrupted>);

impl Cancel {
    /// Takes the signals that are sent to `signals`.
    pub fn new(signals: UnboundedReceiver<Interrupted>) -> Self {
        Self(signals)
    }

    /// Waits for the next signal; for ever where none can come.
    pub async fn next(&mut self) -> Interrupted {
        match self.0.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}

/// Runs `work` until it ends or a signal comes. It is dropped then, at the place
/// where it waits: what it has done must stand where the caller sees it (a `&mut`
/// that it was lent), and a request that is under way may have arrived.
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

/// Runs `work` to its end, which a signal brings nearer: after the first one the
/// work begins nothing more, and waits for the answers of what is under way, at
/// most [`GRACE`]; after a second one it does not wait. Tells what the work came
/// to, and the first signal.
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
                        "nothing more is sent; waiting {} s at most for answers that are due (once more: not at all)",
                        GRACE.as_secs()
                    ));
                }
            }
        }
    }
}
