//! A running `serve` of a test: started on free ports, awaited, ended by its id.

#![allow(dead_code, reason = "each test target uses its part")]

use std::fs::File;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::Dir;
use crate::running_program::{Program, await_condition, await_value};
use crate::tls_client::{Connection, Identity};

/// How many were started, for the names of their logs.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// A running gateway.
pub(crate) struct Serve<'d> {
    dir: &'d Dir,
    program: Program,
    log: String,
}

impl<'d> Serve<'d> {
    /// Starts `serve` in the folder on free ports and waits until it is ready.
    #[track_caller]
    pub(crate) fn start(dir: &'d Dir, args: &[&str]) -> Self {
        Self::start_by(dir, args, Dir::command)
    }

    /// The same with a command that another function makes.
    #[track_caller]
    pub(crate) fn start_by(dir: &'d Dir, args: &[&str], command: fn(&Dir, &[&str]) -> Command) -> Self {
        let log = format!("serve-{}.log", STARTED.fetch_add(1, Ordering::Relaxed));
        let mut all = vec!["serve", "--admin", "127.0.0.1:0", "--port-map", "443=0,80=0"];
        all.extend_from_slice(args);
        let child = command(dir, &all)
            .stdout(Stdio::null())
            .stderr(File::create(dir.path(&log)).expect("a log"))
            .spawn()
            .expect("the binary starts");
        let mut serve = Self {
            dir,
            program: Program(child),
            log,
        };
        serve.wait_until("it is ready", |serve| {
            if let Some(status) = serve.program.0.try_wait().expect("a status") {
                panic!("serve ended with {status}:\n{}", serve.log());
            }
            serve.log().contains("the gateway is ready")
        });
        serve
    }

    /// What it wrote to standard error.
    pub(crate) fn log(&self) -> String {
        self.dir.read(&self.log)
    }

    /// The file of the folder that holds it.
    pub(crate) fn log_file(&self) -> String {
        self.log.clone()
    }

    /// Where a Gateway's port is listened on.
    #[track_caller]
    pub(crate) fn address(&self, port: u16) -> SocketAddr {
        self.find_address(port)
            .unwrap_or_else(|| panic!("port {port} is not open:\n{}", self.log()))
    }

    /// Where its admin listens.
    pub(crate) fn admin(&self) -> SocketAddr {
        let admin = self.told()["admin"].as_str().expect("an admin").parse();
        admin.expect("an address")
    }

    /// What it tells other commands of this folder.
    fn told(&self) -> serde_json::Value {
        serde_json::from_str(&self.dir.read(".istio-tls/serve.json")).expect("JSON")
    }

    pub(crate) fn find_address(&self, port: u16) -> Option<SocketAddr> {
        self.told()["listeners"]
            .as_array()?
            .iter()
            .find(|listener| listener["port"] == port)?["address"]
            .as_str()?
            .parse()
            .ok()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.program.0.id()
    }

    /// A connection to port 443.
    pub(crate) fn open(&self, host: &str, identity: &Identity) -> Result<Connection, String> {
        Connection::open(self.address(443), host, identity)
    }

    /// Waits for a condition.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, what: &str, mut condition: impl FnMut(&mut Self) -> bool) {
        let (dir, log) = (self.dir, self.log.clone());
        await_condition(|| condition(self), || format!("never: {what}\n{}", dir.read(&log)));
    }

    /// Sends a signal and gives the exit code.
    pub(crate) fn end(self, signal: rustix::process::Signal) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.program.0);
        rustix::process::kill_process(pid, signal).expect("a signal sent");
        self.ended()
    }

    /// Waits until it ends and gives the exit code.
    pub(crate) fn ended(mut self) -> Option<i32> {
        let (dir, log) = (self.dir, self.log.clone());
        await_value(
            || self.program.0.try_wait().expect("a status"),
            || format!("it does not end:\n{}", dir.read(&log)),
        )
        .code()
    }
}

/// The first client of a host's chain in the folder.
pub(crate) fn client_of(dir: &Dir, host: &str) -> Identity {
    Identity {
        client: Some((
            dir.read(format!("{host}/4_client/certs/{host}.cert.pem")),
            dir.read(format!("{host}/4_client/private/{host}.key.pem")),
        )),
        ..trusting(dir, host)
    }
}

/// A client without certificate that trusts a host's root.
pub(crate) fn trusting(dir: &Dir, host: &str) -> Identity {
    Identity {
        authorities: dir.read(format!("{host}/1_root/certs/ca.cert.pem")),
        client: None,
    }
}
