//! Programs that tests start: awaited by a condition, never by a fixed time,
//! and ended with the test.

#![allow(dead_code, reason = "each test target uses its part")]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};

/// Ends what runs while this is true, also when the test fails: threads of a
/// scope would be waited for without end.
pub(crate) struct StopAtEnd<'a>(pub(crate) &'a std::sync::atomic::AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(false, std::sync::atomic::Ordering::Relaxed);
    }
}

/// How long a condition is awaited on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(10);

/// A program of a test, ended when dropped.
pub(crate) struct Program(pub(crate) Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Program {
    /// Waits until it listens at `address`.
    #[track_caller]
    pub(crate) fn await_listening(&mut self, address: SocketAddr, log: impl Fn() -> String) {
        await_condition(
            || {
                if let Some(status) = self.0.try_wait().expect("its state is known") {
                    panic!("it ended with {status}: {}", log());
                }
                TcpStream::connect(address).is_ok()
            },
            || format!("nothing listens at {address}: {}", log()),
        );
    }
}

/// Looks until `condition` gives a value; fails with `else_say` when it never does.
#[track_caller]
pub(crate) fn await_value<T>(mut condition: impl FnMut() -> Option<T>, else_say: impl FnOnce() -> String) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "{}", else_say());
        std::thread::sleep(PAUSE);
    }
}

/// Looks until `condition` holds; fails with `else_say` when it never does.
#[track_caller]
pub(crate) fn await_condition(mut condition: impl FnMut() -> bool, else_say: impl FnOnce() -> String) {
    await_value(|| condition().then_some(()), else_say);
}

/// An address on which nothing listens now.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

/// Its port.
pub(crate) fn free_port() -> u16 {
    free_address().port()
}
