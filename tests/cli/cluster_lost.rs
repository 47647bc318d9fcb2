//! Requests that an API server has carried out and whose answers were lost: what
//! became of them is looked up, and said where it cannot be.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::fake_api_server::{FakeApiServer, kubeconfig, tells_no_secret, workspace};
use crate::harness::{Dir, Ran};
use crate::http_stub::{HttpStub, Reply, Request};

const HOST: &str = "httpbin.example.com";
const SECRET: &str = "/api/v1/namespaces/istio-system/secrets/httpbin-credential";
const GATEWAY: &str = "/apis/networking.istio.io/v1/namespaces/default/gateways/mygateway";

/// A server before `inner` that loses the answers to these requests. With `dies` it
/// answers nothing more afterwards.
fn losing(inner: &FakeApiServer, dir: &Dir, method: &'static str, path: &'static str, dies: bool) {
    let address = inner.address();
    let is_dead = AtomicBool::new(false);
    let is_lost = move |request: &Request| {
        request.method == method
            && request.target.starts_with(path)
            && !request.target.contains("dryRun")
            && !String::from_utf8_lossy(&request.body).contains("dryRun")
    };
    let outer = HttpStub::start(move |request| {
        if is_dead.load(Ordering::Relaxed) {
            return Reply::Drop;
        }
        if is_lost(request) {
            is_dead.store(dies, Ordering::Relaxed);
            return Reply::Lost(address);
        }
        Reply::Forward(address, Duration::ZERO)
    });
    kubeconfig(dir, &format!("http://{}", outer.address));
}

/// The advice is given once, and is the one that goes on.
#[track_caller]
fn advises_once(ran: &Ran, advice: &str) {
    assert_eq!(
        ran.stderr.matches("run the same command again").count(),
        1,
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains(advice), "{}", ran.stderr);
}

#[test]
fn apply_looks_up_what_it_had_no_answer_to() {
    let dir = workspace();
    let inner = FakeApiServer::start();
    losing(&inner, &dir, "PATCH", GATEWAY, false);
    dir.run(&["apply", "--retry-for", "300ms"])
        .exits(0)
        .prints("Gateway default/mygateway created\nVirtualService default/httpbin created");
}

#[test]
fn apply_says_what_is_not_known() {
    let dir = workspace();
    let inner = FakeApiServer::start();
    losing(&inner, &dir, "PATCH", GATEWAY, true);
    let ran = dir.run(&["apply", "--retry-for", "300ms"]).exits(3);
    let ran = tells_no_secret(&dir, ran)
        .says("applied: Secret istio-system/httpbin-credential\n")
        .says("not applied: VirtualService default/httpbin\n")
        .says("sent, result unknown: Gateway default/mygateway\n");
    advises_once(
        &ran,
        "try: run the same command again: what is applied is kept, the rest follows",
    );
    assert_eq!(inner.stored(), [SECRET, GATEWAY]);
}

#[test]
fn delete_looks_up_what_it_had_no_answer_to_and_says_what_is_not_known() {
    for dies in [false, true] {
        let dir = workspace();
        let inner = FakeApiServer::start();
        inner.kubeconfig(&dir);
        dir.run(&["apply", "--no-wait"]).exits(0);
        losing(&inner, &dir, "DELETE", GATEWAY, dies);
        let ran = dir.run(&["delete", "--yes", "--retry-for", "300ms"]);
        if dies {
            let ran = ran
                .exits(3)
                .says("deleted so far: VirtualService default/httpbin\n")
                .says("not deleted: Secret istio-system/httpbin-credential\n")
                .says("sent, result unknown: Gateway default/mygateway\n");
            advises_once(&ran, "try: run the same command again for the rest");
        } else {
            ran.exits(0);
            assert!(inner.stored().is_empty());
        }
    }
}

#[test]
fn rotate_looks_up_what_it_had_no_answer_to() {
    let dir = workspace();
    let inner = FakeApiServer::start();
    inner.kubeconfig(&dir);
    dir.run(&["apply", "--no-wait"]).exits(0);
    let before = inner.object(SECRET);
    losing(&inner, &dir, "PATCH", SECRET, false);
    let ran = dir.run(&["rotate", HOST, "--retry-for", "300ms"]).exits(0);
    tells_no_secret(&dir, ran).prints("Secret istio-system/httpbin-credential configured in the context there");
    assert_ne!(inner.object(SECRET)["data"], before["data"]);
}

#[test]
fn rotate_says_what_is_not_known_and_the_one_line_that_goes_on() {
    let dir = workspace();
    let inner = FakeApiServer::start();
    inner.kubeconfig(&dir);
    dir.run(&["apply", "--no-wait"]).exits(0);
    losing(&inner, &dir, "PATCH", SECRET, true);
    let ran = dir
        .run(&["rotate", HOST, "--retry-for", "300ms", "-o", "json"])
        .exits(3);
    let printed = tells_no_secret(&dir, ran).json();
    let why = printed["error"]["why"].as_str().expect("a reason");
    assert!(
        why.contains("swapped: the files of httpbin.example.com")
            && why.contains("sent, result unknown: Secret istio-system/httpbin-credential")
            && !why.contains("not swapped"),
        "{why}"
    );
    let fix = printed["error"]["fix"].as_str().expect("a fix");
    assert!(
        fix.starts_with("istio-tls rotate httpbin.example.com --if-expires-in 0d") && !fix.contains('\n'),
        "{fix}"
    );
    let rotation = &printed["rotations"][0];
    assert_eq!(rotation["notStored"], serde_json::json!([]));
    assert_eq!(
        rotation["notKnown"],
        serde_json::json!(["Secret istio-system/httpbin-credential"])
    );
    assert_eq!(rotation["secrets"], Value::Array(Vec::new()));
    // That line finds it stored.
    inner.kubeconfig(&dir);
    dir.run(&["rotate", HOST, "--if-expires-in", "0d"])
        .exits(0)
        .prints("nothing to do");
}
