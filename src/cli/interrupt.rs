//! Ctrl-C and SIGTERM. An operation that listens handles them itself, and reports what it
//! has done. Otherwise they end the process, with the exit code of the README and JSON if
//! requested.

use std::sync::{Arc, Mutex};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::exit::Exit;
use super::failure::show_last;
use crate::ops;
use crate::ops::interruption::{Cancel, Interrupted};
use crate::problem::Problem;
use crate::remedy::Aim;

/// The signals of the process, and their receiver.
#[derive(Debug, Clone, Default)]
pub(super) struct Signals(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The listening operation; none if a signal ends the process.
    listener: Option<UnboundedSender<Interrupted>>,
}

impl Signals {
    /// Ends the process with exit code 130 on a signal that nobody listens for; with
    /// `json`, standard output parses even then. If no thread can be started for it, a
    /// signal ends the process as it does by default.
    pub(super) fn end_on_signal(&self, json: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        // First of all, so that an early signal is reported, too.
        let taken = {
            let _entered = runtime.enter();
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        };
        let (Ok(mut interrupt), Ok(mut terminate)) = taken else {
            return;
        };
        let signals = self.clone();
        let wait = move || {
            runtime.block_on(async {
                loop {
                    let came = tokio::select! {
                        biased;
                        _ = interrupt.recv() => Interrupted::Interrupt,
                        _ = terminate.recv() => Interrupted::Terminate,
                    };
                    signals.take(came, json);
                }
            });
        };
        // Without it, only the exit code is lost.
        let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(wait);
    }

    /// Passes a signal to the listener, or ends the process.
    fn take(&self, came: Interrupted, json: bool) {
        let Ok(state) = self.0.lock() else { return };
        match &state.listener {
            // If the listener is gone, there is nothing left to report.
            Some(listener) => drop(listener.send(came)),
            None => end(came, json),
        }
    }

    /// From here on an operation handles signals itself. Ask on the terminal before.
    pub(super) fn cancel(&self) -> Cancel {
        let (sender, receiver) = unbounded_channel();
        if let Ok(mut state) = self.0.lock() {
            state.listener = Some(sender);
        }
        Cancel::new(receiver)
    }

    /// From here on a signal ends the process again.
    pub(super) fn release(&self) {
        if let Ok(mut state) = self.0.lock() {
            state.listener = None;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing waits for this signal; files are left as after SIGKILL"
)]
fn end(came: Interrupted, json: bool) -> ! {
    let problem = Problem::new(format!("interrupted ({})", came.name()));
    let failure = ops::Failure::new(ops::Class::Interrupted, problem);
    show_last(&failure, json, &Aim::default());
    std::process::exit(Exit::Interrupted as i32)
}
