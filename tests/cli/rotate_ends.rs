//! How `rotate` ends: by a signal, with something due that it leaves, and with a
//! CA that must no longer be trusted.

use std::process::Stdio;
use std::sync::mpsc::channel;

use rustix::process::{Pid, Signal, kill_process};

use crate::fake_api_server::{FakeApiServer, gateway_at};
use crate::harness::Dir;
use crate::http_stub::Reply;
use crate::running_program::{Program, await_condition};
use crate::serve_process::{Serve, client_of};

const HOST: &str = "httpbin.example.com";
const LEAF: &str = "httpbin.example.com/3_application/certs/httpbin.example.com.cert.pem";

/// A gateway that serves the Secrets of its input, whatever becomes of the files.
fn stale(dir: &Dir) -> Serve<'_> {
    let objects = dir.run(&["manifests"]).exits(0).stdout;
    dir.write("objects.yaml", objects);
    Serve::start(dir, &["-f", "objects.yaml"])
}

/// Runs until standard error holds `until`, sends the signal, and gives the exit
/// code, standard output and standard error.
#[track_caller]
fn interrupted(dir: &Dir, args: &[&str], until: &str, signal: Signal) -> (Option<i32>, String, String) {
    let file = |name: &str| std::fs::File::create(dir.path(name)).expect("a file");
    let mut command = dir.command(args);
    command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
    let mut program = Program(command.spawn().expect("it starts"));
    await_condition(|| dir.read("err").contains(until), || dir.read("err"));
    kill_process(Pid::from_child(&program.0), signal).expect("a signal sent");
    await_condition(|| program.0.try_wait().expect("a status").is_some(), || dir.read("err"));
    let code = program.0.wait().expect("a status").code();
    (code, dir.read("out"), dir.read("err"))
}

#[test]
fn a_signal_tells_what_is_swapped() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "b.com"]).exits(0);
    let _serve = stale(&dir);
    let before = dir.read(LEAF);
    let args = ["rotate", HOST, "b.com", "--wait", "1h", "-o", "json"];
    let (code, out, err) = interrupted(&dir, &args, "waiting until", Signal::INT);
    assert_eq!(code, Some(130), "{err}");
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(json["schema"], 1);
    let why = json["error"]["why"].as_str().expect("a reason");
    assert!(why.contains("swapped: the files of httpbin.example.com"), "{why}");
    assert!(why.contains("nothing of b.com was written"), "{why}");
    let rotations = json["rotations"].as_array().expect("rotations");
    assert_eq!(rotations.len(), 1, "{json:#}");
    assert_eq!(rotations[0]["host"], HOST);
    assert_eq!(rotations[0]["action"], "leaf");
    assert_eq!(rotations[0]["proofs"], serde_json::json!([]));
    assert!(!rotations[0]["files"].as_array().expect("files").is_empty());
    assert_ne!(dir.read(LEAF), before);
    assert!(!out.contains("PRIVATE KEY") && !err.contains("PRIVATE KEY"));

    let args = ["rotate", HOST, "--wait", "1h"];
    let (code, out, err) = interrupted(&dir, &args, "waiting until", Signal::TERM);
    assert_eq!(code, Some(130), "{err}");
    assert!(out.contains("httpbin.example.com: the server leaf is rotated"), "{out}");
    for text in [
        "interrupted (SIGTERM) before httpbin.example.com was seen at the gateway",
        "swapped: the files of httpbin.example.com",
        "status shows what is served",
    ] {
        assert!(err.contains(text), "{text}\n{err}");
    }
}

#[test]
fn a_signal_ends_the_wait_for_another_process() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let before = dir.read(LEAF);
    let lock = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.path(".istio-tls/lock"))
        .expect("the lock");
    lock.lock().expect("locked");
    let (code, out, err) = interrupted(
        &dir,
        &["rotate", HOST, "-o", "json"],
        "waiting for another istio-tls",
        Signal::INT,
    );
    assert_eq!(code, Some(130), "{err}");
    assert!(err.contains("nothing was written"), "{err}");
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert!(
        json["rotations"].is_null() && json["error"]["what"].is_string(),
        "{json:#}"
    );
    assert_eq!(dir.read(LEAF), before);
    drop(lock);
    dir.run(&["rotate", HOST]).exits(0);
}

#[test]
fn what_is_due_and_left_is_said() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--client", "alice", "--days", "20"])
        .exits(0);
    dir.run(&["rotate", HOST, "--days", "90"]).exits(0);
    dir.run(&["rotate"])
        .exits(2)
        .says(&format!("istio-tls rotate {HOST}, or"));
    for args in [
        &["rotate", "--if-expires-in", "30d"][..],
        &["rotate", "--if-expires-in", "30d", "--dry-run"],
    ] {
        dir.run(args)
            .exits(0)
            .prints("nothing to do")
            .prints("client alice of httpbin.example.com is also due")
            .prints("but was not renewed: --clients");
    }
    let json = dir
        .run(&["rotate", "--if-expires-in", "30d", "-o", "json"])
        .exits(0)
        .json();
    let due = json["rotations"][0]["due"].as_array().expect("due");
    assert_eq!(due.len(), 2, "{json:#}");
    assert_eq!(
        (&due[1]["what"], &due[1]["flag"]),
        (&"client alice".into(), &"--clients".into())
    );
    // The CA in its time: an intermediate is good for five years.
    dir.run(&["rotate", "--if-expires-in", "3000d", "--dry-run", "--clients"])
        .exits(0)
        .prints("intermediate of httpbin.example.com is also due");
    dir.run(&["rotate", HOST, "--ca", "--if-expires-in", "3000d", "--dry-run"])
        .exits(0)
        .prints("a new intermediate beside");
    dir.run(&["rotate", "--if-expires-in", "30d", "--clients"]).exits(0);
    let ran = dir.run(&["rotate", "--if-expires-in", "10d"]).exits(0);
    assert!(!ran.stdout.contains("also due"), "{}", ran.stdout);
}

#[test]
fn a_ca_that_goes_is_seen_to_be_trusted_no_more() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let serve = Serve::start(&dir, &[]);
    for end in ["--abort", "--finish"] {
        dir.run(&["rotate", HOST, "--ca"]).exits(0);
        dir.run(&["rotate", HOST, end])
            .exits(0)
            .prints("the client chain of the removed CA: refused after");
    }
    // Where no key is left that could show it, that is said.
    dir.run(&["rotate", HOST, "--ca"]).exits(0);
    let key = format!("{HOST}/5_previous_ca/4_client/private/{HOST}.key.pem");
    std::fs::remove_file(dir.path(key)).expect("removed");
    let json = dir.run(&["rotate", HOST, "--finish", "-o", "json"]).exits(0).json();
    let proof = &json["rotations"][1]["live"];
    assert_eq!(
        (&proof["removed"], &proof["removedUnseen"]),
        (&serde_json::Value::Null, &true.into())
    );
    drop(serve);

    // A gateway that goes on with both CAs is no proof.
    dir.run(&["rotate", HOST, "--ca"]).exits(0);
    let moved = client_of(&dir, HOST);
    let serve = stale(&dir);
    dir.run(&["rotate", HOST, "--abort", "--wait", "0s"])
        .exits(1)
        .prints("NOT verified")
        .prints("the client chain of the removed CA: NOT refused: the gateway still trusts that CA");
    let mut connection = serve.open(HOST, &moved).expect("it is let in");
    assert_eq!(connection.get("/status/418").map(|answer| answer.status), Ok(418));
}

#[test]
fn a_rotation_that_is_nearly_finished_is_not_taken_back() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    dir.run(&["rotate", HOST, "--ca"]).exits(0);
    dir.run(&["status"])
        .exits(0)
        .prints("--finish, when every client has moved; or istio-tls rotate httpbin.example.com --abort");
    let _serve = stale(&dir);
    dir.run(&["rotate", HOST, "--finish", "--wait", "0s"]).exits(1);
    dir.run(&["rotate", HOST, "--abort"]).exits(2);
    let ran = dir
        .run(&["status"])
        .exits(1)
        .prints("--finish, which continues where it stopped");
    assert!(!ran.stdout.contains("--abort"), "{}", ran.stdout);
}

#[test]
fn a_previous_ca_that_was_changed_by_hand_is_not_brought_back() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "b.com"]).exits(0);
    dir.run(&["rotate", HOST, "--ca"]).exits(0);
    let root = format!("{HOST}/5_previous_ca/1_root/certs/ca.cert.pem");
    let kept = dir.read(&root);
    dir.write(&root, dir.read("b.com/1_root/certs/ca.cert.pem"));
    let bundle = dir.read(format!("{HOST}/1_root/certs/ca.cert.pem"));
    dir.run(&["rotate", HOST, "--abort"])
        .exits(2)
        .says("did not issue the server leaf")
        .says("5_previous_ca")
        .says("--finish");
    assert_eq!(dir.read(format!("{HOST}/1_root/certs/ca.cert.pem")), bundle);
    dir.write(&root, kept);
    dir.run(&["rotate", HOST, "--abort"]).exits(0);
    dir.run(&["verify", HOST]).exits(0);
    // What was wrong with the leaf before is no reason to stay.
    dir.run(&["gen-certs", "late.com", "--bad", "expired"]).exits(0);
    dir.run(&["rotate", "late.com", "--ca"]).exits(0);
    dir.run(&["rotate", "late.com", "--abort"]).exits(0);
}

#[test]
fn an_entry_that_comes_back_is_told() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "b.com"]).exits(0);
    let ran = dir.run(&["manifests"]).exits(0);
    assert!(!ran.stderr.contains("has no entry"), "{}", ran.stderr);
    let text = dir.read("istio-tls.yaml");
    let entry = text.find("  - host: b.com").expect("an entry");
    dir.write("istio-tls.yaml", &text[..entry]);
    for args in [&["manifests"][..], &["status"], &["rotate", "--if-expires-in", "1d"]] {
        let ran = dir.run(args).exits(0).says(
            "istio-tls.yaml has no entry for b.com, but b.com/ holds its chain, so the host counts; \
             to exclude it, move b.com/ away or delete it",
        );
        assert_eq!(ran.stderr.matches("has no entry").count(), 1, "{}", ran.stderr);
    }
    std::fs::remove_dir_all(dir.path("b.com")).expect("removed");
    let ran = dir.run(&["manifests"]).exits(0);
    assert!(
        !ran.stdout.contains("b.com") && !ran.stderr.contains("has no entry"),
        "{}",
        ran.stderr
    );
}

#[test]
fn an_end_that_is_interrupted_between_its_exchanges_says_what_is_done() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "b.com"]).exits(0);
    dir.run(&["rotate", HOST, "b.com", "--ca"]).exits(0);
    let serve = stale(&dir);
    let file = |name: &str| std::fs::File::create(dir.path(name)).expect("a file");
    let mut command = dir.command(&["rotate", HOST, "b.com", "--finish", "--wait", "1h", "-o", "json"]);
    command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
    let mut program = Program(command.spawn().expect("it starts"));
    let says = |text: &str| await_condition(|| dir.read("err").contains(text), || dir.read("err"));
    says("waiting until");
    // The new leaf is served, and the folder is in use when the old CA is to go.
    let objects = dir.run(&["manifests"]).exits(0).stdout;
    let lock = std::fs::File::options().write(true).open(dir.path(".istio-tls/lock"));
    let lock = lock.expect("the lock");
    lock.lock().expect("locked");
    dir.write("objects.yaml", objects);
    says("waiting for another istio-tls");
    kill_process(Pid::from_child(&program.0), Signal::INT).expect("a signal sent");
    await_condition(|| program.0.try_wait().expect("a status").is_some(), || dir.read("err"));
    assert_eq!(program.0.wait().expect("a status").code(), Some(130));
    let json: serde_json::Value = serde_json::from_str(&dir.read("out")).expect("JSON");
    let why = json["error"]["why"].as_str().expect("a reason");
    let lines: Vec<&str> = why.lines().collect();
    assert!(
        lines[0].starts_with("swapped: the files of httpbin.example.com (serial "),
        "{why}"
    );
    assert_eq!(
        lines[1..],
        [
            "not done: removing the previous CA of httpbin.example.com, which is still trusted",
            "nothing of b.com was written"
        ]
    );
    assert_eq!(json["rotations"].as_array().map(Vec::len), Some(1), "{json:#}");
    assert_eq!(json["rotations"][0]["action"], "ca-finish-leaf");
    assert_eq!(
        json["error"]["what"],
        "interrupted (SIGINT) before the previous CA of httpbin.example.com was removed"
    );
    let fix = json["error"]["fix"].as_str().expect("a fix");
    assert!(
        fix.starts_with("istio-tls rotate httpbin.example.com --finish"),
        "{fix}"
    );
    drop((lock, serve));
    dir.run(&["rotate", HOST, "b.com", "--finish"]).exits(0);
}

#[test]
fn a_ca_goes_on_where_its_backend_was_unwell_before() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let objects = dir.run(&["manifests"]).exits(0).stdout;
    dir.write("objects.yaml", objects);
    // Nobody listens on port 1: the gateway answers 503, before and afterwards.
    let args = ["-f", "objects.yaml", "--upstream", "httpbin:8000=http://127.0.0.1:1"];
    let _serve = Serve::start(&dir, &args);
    // Cut off where the gateway knows the old CA alone.
    dir.run(&["rotate", HOST, "--ca", "--wait", "0s"]).exits(1);
    let file = |name: &str| std::fs::File::create(dir.path(name)).expect("a file");
    let mut command = dir.command(&["rotate", HOST, "--ca", "--wait", "1h"]);
    command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
    let mut program = Program(command.spawn().expect("it starts"));
    let said = || dir.read("err") + &dir.read("out");
    await_condition(|| said().contains("waiting until"), said);
    let objects = dir.run(&["manifests"]).exits(0).stdout;
    dir.write("objects.yaml", objects);
    await_condition(|| program.0.try_wait().expect("a status").is_some(), said);
    assert_eq!(program.0.wait().expect("a status").code(), Some(0), "{}", said());
    let printed = dir.read("out");
    assert!(
        printed.contains("with a failure (unexpected-status)") && printed.contains("as before the rotation"),
        "{printed}"
    );
}

/// A cluster whose gateway is this `serve`; it holds back the dry runs that come
/// after so many, and says when one has come.
fn around(
    serve: &Serve<'_>,
    dir: &Dir,
    dry_runs: usize,
) -> (std::sync::mpsc::Receiver<()>, std::sync::mpsc::Sender<()>) {
    let port = serve.address(443).port();
    let ((reach, reached), (release, released)) = (channel(), channel());
    let (mut released, mut seen) = (Some(released), 0);
    let server = FakeApiServer::failing(move |request, _| {
        if let Some(answer) = gateway_at(port, request) {
            return Some(answer);
        }
        if request.method != "PATCH" || !request.target.contains("dryRun") {
            return None;
        }
        seen += 1;
        let released = (seen > dry_runs).then(|| released.take()).flatten()?;
        // A test that has failed waits no more.
        let _ = reach.send(());
        Some(Reply::Held(([127, 0, 0, 1], 1).into(), released))
    });
    server.kubeconfig(dir);
    (reached, release)
}

#[test]
fn an_end_that_is_interrupted_before_the_last_secret_says_what_is_stored() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    dir.run(&["rotate", HOST, "--ca"]).exits(0);
    // It follows the files, as the cluster's gateway follows the Secrets.
    let serve = Serve::start(&dir, &[]);
    let (reached, release) = around(&serve, &dir, 4);
    // Three dry runs, of the Secret, the Gateway and the route; --finish has two.
    dir.run(&["apply", "--no-wait"]).exits(0);
    let file = |name: &str| std::fs::File::create(dir.path(name)).expect("a file");
    let mut command = dir.command(&["rotate", HOST, "--finish", "-o", "json"]);
    command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
    let mut program = Program(command.spawn().expect("it starts"));
    reached
        .recv_timeout(std::time::Duration::from_mins(1))
        .unwrap_or_else(|error| panic!("{error}: {}{}", dir.read("err"), dir.read("out")));
    kill_process(Pid::from_child(&program.0), Signal::INT).expect("a signal sent");
    await_condition(|| program.0.try_wait().expect("a status").is_some(), || dir.read("err"));
    drop(release);
    assert_eq!(program.0.wait().expect("a status").code(), Some(130));
    let json: serde_json::Value = serde_json::from_str(&dir.read("out")).expect("JSON");
    let error = &json["error"];
    assert_eq!(
        error["what"],
        "interrupted (SIGINT) before the previous CA of httpbin.example.com was removed"
    );
    let why = error["why"].as_str().expect("a reason");
    let lines: Vec<&str> = why.lines().collect();
    assert!(
        lines[0].starts_with("swapped: the files of httpbin.example.com (serial "),
        "{why}"
    );
    assert_eq!(
        lines[1..],
        [
            "swapped: Secret istio-system/httpbin-credential",
            "not done: removing the previous CA of httpbin.example.com, which is still trusted",
        ]
    );
    let fix = error["fix"].as_str().expect("a fix");
    assert!(
        fix.starts_with("istio-tls rotate httpbin.example.com --finish"),
        "{fix}"
    );
}
