//! Which cluster `rotate`, `status`, `inspect`, `verify` and `adopt` go to, and
//! that they go to none by accident. The API server here is the test's own; what a
//! real one makes of Secrets is tested in tests/real.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::fake_api_server::{FakeApiServer, kubeconfig, status, tells_no_secret, workspace};
use crate::harness::{Dir, Ran};

const HOST: &str = "httpbin.example.com";
const LEAF: &str = "httpbin.example.com/3_application/certs/httpbin.example.com.cert.pem";

#[test]
fn the_current_context_is_no_reason_to_touch_a_cluster() {
    let dir = workspace();
    let server = FakeApiServer::start();
    server.kubeconfig(&dir);
    for args in [
        &["status"][..],
        &["status", "--expires-within", "1d"],
        &["rotate", HOST],
        &["rotate", HOST, "--dry-run"],
        &["rotate", HOST, "--ca"],
        &["rotate", HOST, "--finish"],
        &["rotate", "--if-expires-in", "1d"],
    ] {
        dir.run(args).exits(0);
    }
    assert!(server.asked("").is_empty(), "{:?}", server.asked(""));

    // Recorded by apply, it is meant; --local leaves it alone all the same.
    dir.run(&["apply"]).exits(0);
    let asked = server.asked("").len();
    dir.run(&["status", "--local"]).exits(0);
    dir.run(&["rotate", HOST, "--local"]).exits(0);
    dir.run(&["rotate", "--if-expires-in", "1d", "--local"]).exits(0);
    let mut by_variable = dir.command(&["rotate", HOST]);
    Ran::of(by_variable.env("ISTIO_TLS_LOCAL", "yes"), &["rotate", HOST]).exits(0);
    assert_eq!(server.asked("").len(), asked);
    let ran = dir.run(&["rotate", HOST]).exits(0);
    tells_no_secret(&dir, ran).prints("Secret istio-system/httpbin-credential configured in the context there");
    assert!(server.asked("").len() > asked);
    dir.run(&["status"])
        .exits(0)
        .prints("file, Secret istio-system/httpbin-credential");
    // Server-side apply alone: nothing is deleted, and no other way of writing is used.
    assert!(server.asked("DELETE").is_empty() && server.asked("PUT").is_empty() && server.asked("POST").is_empty());
}

#[test]
fn flags_choose_the_cluster_and_exclude_each_other() {
    let dir = workspace();
    let server = FakeApiServer::start();
    server.kubeconfig(&dir);
    for (args, said) in [
        (
            &["rotate", HOST, "--local", "--context", "there"][..],
            "cannot be used with",
        ),
        (&["rotate", HOST, "--local", "--kubeconfig", "x"], "cannot be used with"),
        (&["rotate", HOST, "--local", "--force-conflicts"], "cannot be used with"),
        (&["status", "--local", "--context", "there"], "cannot be used with"),
        (&["status", "--local", "--target", "cluster"], "exclude each other"),
        (
            &["rotate", HOST, "--context", "elsewhere"],
            "there is no context \"elsewhere\"",
        ),
        (&["rotate", HOST, "--kubeconfig", "absent"], "absent"),
        (
            &["status", "--context", "elsewhere"],
            "there is no context \"elsewhere\"",
        ),
        (
            &["inspect", "secret/x", "--context", "elsewhere"],
            "there is no context \"elsewhere\"",
        ),
        (&["verify", "secret/x", "--kubeconfig", "absent"], "absent"),
        (
            &["adopt", "secret/x", "--context", "elsewhere"],
            "there is no context \"elsewhere\"",
        ),
        (&["inspect", "secret/"], "is not a valid name for a Secret"),
        (&["verify", "secret/A/b"], "is not a valid namespace"),
        (&["adopt", "secret/a/../b"], "is not a valid name for a Secret"),
    ] {
        dir.run(args).exits(2).says(said);
    }
    assert!(server.asked("").is_empty(), "{:?}", server.asked(""));
    // Where nothing was applied, no Secret is made.
    let leaf = dir.read(LEAF);
    dir.run(&["rotate", HOST, "--context", "there"])
        .exits(1)
        .prints("has no Secret istio-system/httpbin-credential of httpbin.example.com; istio-tls apply --context there creates it");
    assert_ne!(dir.read(LEAF), leaf);
    assert!(server.stored().is_empty());
    // Chains alone have no id by which a Secret could be known.
    let bare = Dir::new();
    bare.run(&["gen-certs", HOST]).exits(0);
    std::fs::remove_file(bare.path("istio-tls.yaml")).expect("removed");
    server.kubeconfig(&bare);
    bare.run(&["rotate", HOST, "--context", "there"])
        .exits(2)
        .says("there is no istio-tls.yaml here");
    // A cluster elsewhere is asked about on a terminal, and named without one.
    kubeconfig(&dir, "https://192.0.2.1:6443");
    let config = dir.path(".kube/config").display().to_string();
    let leaf = dir.read(LEAF);
    dir.run(&["rotate", HOST, "--kubeconfig", &config])
        .exits(2)
        .says("nothing was rotated in the context there")
        .says("--context there or --yes");
    assert_eq!(dir.read(LEAF), leaf);
}

#[test]
fn a_server_that_refuses_or_fails_leaves_the_files() {
    for (what, code, said) in [
        ("a server error", 500, "it repeatedly answered 500"),
        ("is overloaded", 429, "429 Too Many Requests"),
        ("no right", 403, "may not"),
    ] {
        let dir = workspace();
        let fails = Arc::new(AtomicBool::new(false));
        let now = Arc::clone(&fails);
        let server = FakeApiServer::failing(move |request, _| {
            let tries = request.method == "PATCH" && request.target.contains("dryRun");
            let message = "secrets \"x\" is forbidden: User \"jane\" cannot patch resource \"secrets\"";
            (tries && now.load(Ordering::Relaxed)).then(|| status(code, "Reason", message, &json!({})))
        });
        server.kubeconfig(&dir);
        dir.run(&["apply", "--no-wait"]).exits(0);
        fails.store(true, Ordering::Relaxed);
        let (leaf, stored) = (dir.read(LEAF), server.stored());
        let ran = dir.run(&["rotate", HOST, "--retry-for", "1s"]);
        let ran = tells_no_secret(&dir, ran.exits(3)).says(said).says("--local");
        assert!(
            ran.stderr.contains("nothing of httpbin.example.com was written"),
            "{what}"
        );
        assert_eq!((dir.read(LEAF), server.stored()), (leaf, stored), "{what}");
    }
}
