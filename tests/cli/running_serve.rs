//! Starts our own gateway for a test, and ends it with the test.

#![allow(dead_code, reason = "each test target uses its part")]

use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::harness::Dir;

/// A running `serve`, ended when dropped.
pub(crate) struct Serve(pub(crate) Child);

impl Drop for Serve {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts `serve` in `dir` on ports that the system chooses, and waits until
/// it tells where they are.
pub(crate) fn serve(dir: &Dir) -> (Serve, SocketAddr) {
    // What an earlier serve of this folder left is not this one's word.
    let told = dir.path(".istio-tls/serve.json");
    let _ = std::fs::remove_file(&told);
    let args = [
        "serve",
        "--port-map",
        "443=0",
        "--admin",
        "127.0.0.1:0",
        "--access-log",
        "off",
    ];
    let child = dir
        .command(&args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("serve starts");
    let serve = Serve(child);
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let address = std::fs::read(&told)
            .ok()
            .and_then(|content| serde_json::from_slice::<serde_json::Value>(&content).ok())
            .and_then(|told| told["listeners"][0]["address"].as_str()?.parse().ok());
        if let Some(address) = address {
            return (serve, address);
        }
        assert!(Instant::now() < deadline, "serve does not tell where it listens");
        std::thread::sleep(Duration::from_millis(10));
    }
}
