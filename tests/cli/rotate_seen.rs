//! What a gateway goes on with that did not follow a rotation: `status` shows it
//! after `rotate` has ended, and the next `rotate` looks again.

use crate::harness::Dir;
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";

/// A gateway that serves the Secrets of its input, whatever becomes of the files.
fn stale(dir: &Dir) -> Serve<'_> {
    let objects = dir.run(&["manifests"]).exits(0).stdout;
    dir.write("objects.yaml", objects);
    Serve::start(dir, &["-f", "objects.yaml"])
}

/// The codes of the findings of `status`, but for ITL1007, which every rotation of a
/// CA has; and its exit code.
#[track_caller]
fn status(dir: &Dir, code: i32) -> Vec<String> {
    let json = dir.run(&["status", "-o", "json"]).exits(code).json();
    let findings = json["findings"].as_array().expect("findings").iter();
    let codes = findings.map(|finding| finding["code"].as_str().expect("a code").to_owned());
    codes.filter(|code| code != "ITL1007").collect()
}

const AGAIN: &str = "istio-tls rotate httpbin.example.com --if-expires-in 0d";

#[test]
fn status_shows_what_a_gateway_trusts_that_did_not_follow() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    // A new CA that the gateway does not know yet.
    let serve = stale(&dir);
    assert!(status(&dir, 0).is_empty());
    dir.run(&["rotate", HOST, "--ca", "--wait", "0s"]).exits(1);
    assert_eq!(status(&dir, 1), ["ITL1014"]);
    dir.run(&["status"])
        .exits(1)
        .prints("refuses the client chain for")
        .prints(AGAIN);
    drop(serve);
    // One that went, either way, and is trusted still.
    for end in ["--abort", "--finish"] {
        dir.run(&["rotate", HOST, "--ca"]).exits(0);
        if end == "--finish" {
            // The leaf has followed, and the old CA is to go.
            let serve = stale(&dir);
            dir.run(&["rotate", HOST, end, "--wait", "0s"]).exits(1);
            assert_eq!(status(&dir, 1), ["ITL1003"]);
            drop(serve);
        }
        let serve = stale(&dir);
        assert!(status(&dir, 0).is_empty());
        dir.run(&["rotate", HOST, end, "--wait", "0s"])
            .exits(1)
            .prints("NOT refused")
            .prints(AGAIN);
        assert_eq!(status(&dir, 1), ["ITL1013"], "{end}");
        dir.run(&["status"])
            .exits(1)
            .prints("accepts the client chain of the removed CA")
            .prints(AGAIN);
        // The next command of rotate looks again, whatever is typed.
        for again in [end, "--if-expires-in=0d"] {
            dir.run(&["rotate", HOST, again, "--wait", "0s"])
                .exits(1)
                .prints("nothing to do")
                .prints("NOT verified");
        }
        drop(serve);
        let serve = stale(&dir);
        assert!(status(&dir, 0).is_empty());
        let ran = dir.run(&["rotate", HOST, end]).exits(0).prints("has already finished");
        assert!(!ran.stdout.contains("erified"), "{}", ran.stdout);
        drop(serve);
    }
}

#[test]
fn clients_that_no_gateway_would_let_in_are_not_asked_of_it() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--client", "alice"]).exits(0);
    // The host's own client is revoked; alice takes its place.
    dir.run(&["revoke", HOST, "--client", HOST]).exits(0);
    let serve = Serve::start(
        &dir,
        &["--crl", &format!("{HOST}/2_intermediate/crl/intermediate.crl.pem")],
    );
    assert!(status(&dir, 0).is_empty());
    dir.run(&["rotate", HOST]).exits(0).prints("the client chain: served");
    drop(serve);
    // One that has ended is renewed and proven all the same.
    dir.run(&[
        "gen-certs",
        HOST,
        "--force",
        "--not-before",
        "2024-01-01T00:00:00Z",
        "--not-after",
        "2024-02-01T00:00:00Z",
    ])
    .exits(0);
    let _serve = Serve::start(&dir, &[]);
    dir.run(&["rotate", HOST, "--clients", "--days", "90"])
        .exits(0)
        .prints("the new client chain: served");
    assert!(status(&dir, 0).is_empty());
}
