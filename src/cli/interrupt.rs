//! Ctrl-C and SIGTERM. While a command changes or awaits something, the work is
//! dropped where it waits, or cut short with its answers waited for, so that the
//! command can say what it has done. Everywhere else they end the process, with
//! the exit code of the README and JSON where that was asked for.

use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
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

/// Somebody in this process awaits signals: they end nothing by themselves.
static AWAITED: AtomicBool = AtomicBool::new(false);
/// What [`end_on_signal`] tells.
static STANDING: Mutex<Standing> = Mutex::new(Standing {
    before: None,
    result: None,
});

/// What a command that a signal ends has to say.
struct Standing {
    /// What it had not come to.
    before: Option<&'static str>,
    /// Fields beside `error`.
    result: Option<Value>,
}

/// From here on the command that calls this ends signals itself.
pub(super) fn await_signals() {
    AWAITED.store(true, Ordering::SeqCst);
}

/// What is told when a signal ends the process from here on: `before` what that
/// was, and the object that the command prints on success, as far as it is known.
pub(super) fn stands(before: &'static str, result: Value) {
    if let Ok(mut standing) = STANDING.lock() {
        (standing.before, standing.result) = (Some(before), Some(result));
    }
}

/// Ends the process with exit code 130 when a signal comes before the command
/// awaits it; with `json`, standard output parses then. Where no thread can be had
/// for it, a signal ends the process as it does by default.
pub(super) fn end_on_signal(json: bool) {
    let wait = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            let Ok(mut signals) = Signals::listen() else { return };
            loop {
                let signal = signals.next().await;
                if !AWAITED.load(Ordering::SeqCst) {
                    end(signal, json);
                }
            }
        });
    };
    // Nothing is lost without it but the exit code.
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(wait);
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing waits for this signal, and what is half-written is left as SIGKILL would leave it"
)]
fn end(signal: Interrupted, json: bool) -> ! {
    let standing = STANDING.lock().ok();
    let before = standing.as_ref().and_then(|standing| standing.before);
    let result = standing.as_ref().and_then(|standing| standing.result.clone());
    let before = before.map_or_else(String::new, |before| format!(" before {before}"));
    let problem = Problem::new(format!("interrupted ({}){before}", signal.name()));
    let failure = Failure::runtime(problem).with_result(result.unwrap_or_default());
    failure.show_last(json);
    std::process::exit(Exit::Interrupted as i32)
}

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
        await_signals();
        Self::listen()
    }

    fn listen() -> Result<Self, Failure> {
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
