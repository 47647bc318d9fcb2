//! WebSocket through the gateway: Python's websockets as the client over TLS
//! and as the server behind an `--upstream`, plain and HTTPS; and a change of
//! certificate while one is open.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::Stdio;

use crate::harness::Dir;
use crate::python::{PythonServer, python};
use crate::serve_process::{Serve, trusting};

const HOST: &str = "chat.example.com";

/// Every message of the client; the host's chain is made anew in their middle.
#[track_caller]
fn every_message_comes_through(dir: &Dir, scheme: &str, server: &PythonServer) {
    let upstream = format!("chat={scheme}://127.0.0.1:{}", server.port);
    let mut serve = Serve::start(dir, &["--upstream", &upstream]);
    let mut client = python("websocket_client.py")
        .args([&serve.address(443).port().to_string(), HOST])
        .arg(dir.path(format!("{HOST}/1_root/certs/ca.cert.pem")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    let mut input = client.stdin.take().expect("its input");
    let mut lines = BufReader::new(client.stdout.take().expect("its output"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("a line");
    if line == "open\n" {
        // The same authority signs a new certificate.
        let leaf = |serve: &Serve<'_>| serve.open(HOST, &trusting(dir, HOST)).map(|open| open.leaf());
        let before = leaf(&serve).expect("a handshake");
        dir.run(&["gen-certs", HOST, "--mode", "simple", "--root", "shared", "--force"])
            .exits(0);
        serve.wait_until("the new certificate is served", |serve| {
            leaf(serve).is_ok_and(|now| now != before)
        });
        input.write_all(b"go on\n").expect("it listens");
    }
    drop(input);
    let output = client.wait_with_output().expect("it ends");
    lines.read_to_string(&mut line).expect("text");
    assert!(
        output.status.success() && line.contains("every message came through"),
        "{line}{}\nthe gateway:\n{}",
        String::from_utf8_lossy(&output.stderr),
        serve.log()
    );
}

fn workspace() -> Dir {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--mode", "simple", "--root", "shared"])
        .exits(0);
    dir
}

#[test]
fn websocket_reaches_a_plain_upstream_and_survives_a_new_certificate() {
    let server = PythonServer::start("websocket_server.py", &[]);
    every_message_comes_through(&workspace(), "http", &server);
}

#[test]
fn websocket_reaches_an_https_upstream_that_would_rather_speak_http2() {
    let dir = workspace();
    let part = |kind: &str, file: &str| dir.path(format!("{HOST}/3_application/{kind}/{HOST}.{file}.pem"));
    let [certificate, key] = [part("certs", "cert"), part("private", "key")];
    let args: [&Path; 2] = [&certificate, &key];
    let server = PythonServer::start("websocket_server.py", &args);
    every_message_comes_through(&dir, "https", &server);
}
