//! Who reads the output may go, as `head` does, and who reads standard error may be
//! gone: no command ends with a panic then.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::harness::Dir;
use crate::running_program::{Program, await_value};
use crate::serve_process::client_of;
use crate::tls_client::Connection;

const HOST: &str = "httpbin.example.com";

/// A call of every command that does what it can without a cluster, in this order.
const CALLS: &[&[&str]] = &[
    &["init", "--yes"],
    &["gen-certs", HOST],
    &["inspect", HOST],
    &["verify", HOST],
    &["adopt", HOST],
    &["revoke", HOST, "--renew"],
    &["manifests"],
    &["manifests", "--out", "objects"],
    &["lint"],
    &["lint", "explain"],
    &["status"],
    &["probe"],
    &["request", HOST, "/status/418"],
    &["serve", "-f", "nowhere.yaml"],
    &["up", "--once", "--admin", "127.0.0.1:0", "--port-map", "443=0"],
    &["apply"],
    &["rotate", HOST],
    &["doctor"],
    &["completions", "bash"],
    &["man"],
    &["schema"],
    &["delete", "--local", "--no-cluster", "--yes"],
];

/// The end of a pipe that nobody reads.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// Runs a command; fails where it panicked or a signal ended it.
#[track_caller]
fn ends(mut command: Command) -> (i32, String) {
    let output = command.output().expect("the binary starts");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!stderr.contains("panicked"), "{command:?}\n{stderr}");
    let code = output.status.code();
    let code = code.unwrap_or_else(|| panic!("{command:?} ended with {}\n{stderr}", output.status));
    assert!((0..=3).contains(&code), "{command:?} ended with {code}\n{stderr}");
    (code, stderr)
}

#[test]
fn every_command_is_called() {
    let known: BTreeSet<String> = (istio_tls::cli::command().get_subcommands())
        .map(|command| command.get_name().to_owned())
        .collect();
    let called = CALLS.iter().map(|call| call[0].to_owned()).collect();
    assert_eq!(known, called);
}

#[test]
fn nobody_reads_standard_output() {
    for format in [None, Some("json")] {
        let dir = Dir::new();
        for call in CALLS {
            let mut args = call.to_vec();
            args.extend(format.map(|format| ["-o", format]).iter().flatten());
            let mut command = dir.command(&args);
            command.stdout(closed());
            ends(command);
        }
    }
}

#[test]
fn nobody_reads_standard_error() {
    let dir = Dir::new();
    for call in CALLS {
        let mut command = dir.command(call);
        command.stderr(closed());
        ends(command);
        let mut command = dir.command(call);
        command.arg("--nonsense").stderr(closed());
        assert_eq!(ends(command).0, 2, "{call:?}");
    }
}

#[test]
fn help_and_version_are_cut_short_quietly() {
    let dir = Dir::new();
    let of_commands = CALLS.iter().map(|call| vec![call[0], "--help"]);
    let all = [vec!["--help"], vec!["help"], vec!["-h"], vec!["--version"]];
    for args in all.into_iter().chain(of_commands) {
        let mut command = dir.command(&args);
        command.stdout(closed());
        assert_eq!(ends(command), (0, String::new()), "{args:?}");
    }
}

/// What is printed is more than a pipe holds, so that the reader goes in the middle.
#[test]
fn a_reader_that_has_enough_ends_the_command_quietly() {
    let dir = Dir::new();
    let mut command = dir.command(&["lint", "explain", "-o", "markdown"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let mut first = [0; 10];
    let mut stdout = child.stdout.take().expect("a pipe");
    std::io::Read::read_exact(&mut stdout, &mut first).expect("a beginning");
    drop(stdout);
    let output = child.wait_with_output().expect("ended");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn the_gateway_serves_on_without_a_log() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let mut command = dir.command(&["serve", "-v", "-v", "--admin", "127.0.0.1:0", "--port-map", "443=0"]);
    command.stdout(Stdio::null()).stderr(closed());
    let mut serve = Program(command.spawn().expect("started"));
    let told = await_value(
        || std::fs::read_to_string(dir.path(".istio-tls/serve.json")).ok(),
        || "it never tells where it listens".to_owned(),
    );
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let address = told["listeners"][0]["address"].as_str().expect("an address");
    let identity = client_of(&dir, HOST);
    for _ in 0..3 {
        // A failed handshake is logged, too.
        let address = address.parse().expect("an address");
        assert!(Connection::open(address, "other.example.com", &identity).is_err());
        let mut connection = Connection::open(address, HOST, &identity).expect("served");
        assert_eq!(connection.get("/status/418").expect("an answer").status, 418);
    }
    dir.run(&["gen-certs", "b.com"]).exits(0);
    let pid = rustix::process::Pid::from_child(&serve.0);
    rustix::process::kill_process(pid, Signal::TERM).expect("a signal sent");
    let status = await_value(
        || serve.0.try_wait().expect("a status"),
        || "it does not end".to_owned(),
    );
    assert_eq!(status.code(), Some(0));
}
