//! `istio-tls up`: an empty folder to a proven mutual-TLS request.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::harness::{Dir, Ran};

/// Ports that the system chooses, so that tests run beside each other.
const FREE: [&str; 4] = ["--port-map", "443=0", "--admin", "127.0.0.1:0"];

fn up(dir: &Dir, args: &[&str]) -> Ran {
    let args: Vec<&str> = ["up"].iter().chain(args).chain(&FREE).copied().collect();
    dir.run(&args)
}

#[test]
fn an_empty_folder_becomes_a_proven_gateway() {
    let dir = Dir::new();
    let ran = up(&dir, &["httpbin.example.com", "--once"]).exits(0);
    let ran = ran.prints("-=[ teapot ]=-").prints("4 of 4 checks passed");
    let ran = ran.prints("refused without a client certificate");
    ran.says("created httpbin.example.com/").says("the gateway is ready");
    assert!(
        !dir.path(".istio-tls/serve.json").exists(),
        "an ended gateway still says where it listens"
    );
}

#[test]
fn a_second_run_keeps_the_chain_and_needs_no_host() {
    let dir = Dir::new();
    up(&dir, &["httpbin.example.com", "bookinfo.com", "--once"]).exits(0);
    let chain = "httpbin.example.com/3_application/certs/httpbin.example.com.cert.pem";
    let before = dir.read(chain);
    let ran = up(&dir, &["--once", "-o", "json"]).exits(0);
    let results = ran.json()["results"].as_array().expect("results").clone();
    assert_eq!(results.len(), 8, "two hosts, four checks each");
    assert!(results.iter().all(|result| result["ok"] == true));
    assert_eq!(dir.read(chain), before);
}

#[test]
fn a_simple_host_is_probed_without_a_client_certificate() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "helloworld-v1.example.com", "--mode", "simple"])
        .exits(0);
    up(&dir, &["--once"]).exits(0).prints("HTTP/2 200 on /hello");
}

#[test]
fn a_failed_check_is_exit_1() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com", "--bad", "expired"])
        .exits(0);
    up(&dir, &["--once"]).exits(1).prints("certificate-expired");
}

#[test]
fn without_once_it_serves_until_told_to_end() {
    let dir = Dir::new();
    let args: Vec<&str> = ["up", "httpbin.example.com"].iter().chain(&FREE).copied().collect();
    let mut child = dir
        .command(&args)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let proven = lines
        .by_ref()
        .any(|line| line.expect("a line").contains("checks passed"));
    assert!(proven, "the probe did not pass");
    dir.run(&["probe"]).exits(0).prints("teapot");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal sent");
    assert_eq!(child.wait().expect("the binary ends").code(), Some(0));
}

#[test]
fn nothing_to_serve_and_wrong_hosts_are_exit_2() {
    let dir = Dir::new();
    up(&dir, &["--once"]).exits(2).says("istio-tls gen-certs");
    up(&dir, &["../evil", "--once"]).exits(2).says("is not a host name");
    up(&dir, &["httpbin.example.com", "--once", "-f", "gateway.yaml"])
        .exits(2)
        .says("istio-tls serve -f");
    assert!(
        !dir.path("istio-tls.yaml").exists(),
        "a refused command wrote something"
    );
}
