//! How `serve --cluster` and `lint --cluster` follow an API server that forgets,
//! ends watches, or gives what cannot be read. The server is the test's own;
//! a real one is asked in tests/real.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fake_api_server::{TOKEN, kubeconfig, status};
use crate::harness::Dir;
use crate::http_stub::{HttpStub, Reply, Request};
use crate::running_program::free_address;
use crate::serve_process::Serve;
use crate::tls_client::plain_get;

/// What a watch of the Gateways is answered, each time; afterwards nothing.
type Watches = Vec<Vec<Value>>;

/// Answers lists of the Gateways in the order given, the last one again and
/// again, and watches of them likewise, once the changes are let through.
/// There is one VirtualService.
struct Objects {
    gateways: Vec<Vec<Value>>,
    watches: Watches,
    seen: Seen,
}

/// What a test and its API server tell each other.
#[derive(Clone, Default)]
struct Seen {
    /// When Gateways were watched.
    watched: Arc<Mutex<Vec<Instant>>>,
    /// Before, no watch has an event: what comes first would be served from the start.
    changes: Arc<AtomicBool>,
}

fn gateway(name: &str, port: u16) -> Value {
    json!({"apiVersion": "networking.istio.io/v1", "kind": "Gateway",
        "metadata": {"name": name, "namespace": "a", "resourceVersion": "5"},
        "spec": {"selector": {"istio": "ingressgateway"}, "servers": [
            {"port": {"number": port, "name": name, "protocol": "HTTP"}, "hosts": ["*"]}]}})
}

fn event(kind: &str, object: &Value) -> Value {
    json!({"type": kind, "object": object})
}

impl Objects {
    fn answer(&mut self, request: &Request) -> Reply {
        let ok = |value: &Value| Reply::Answer(200, "", value.to_string());
        let kinds = |kinds: &[(&str, &str)]| {
            let list = kinds.iter();
            let list: Vec<Value> = list
                .map(|(name, kind)| json!({"name": name, "kind": kind, "namespaced": true}))
                .collect();
            ok(&json!({"resources": list}))
        };
        let list = |items: &[Value]| ok(&json!({"metadata": {"resourceVersion": "1"}, "items": items}));
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let of_gateways = path.ends_with("/gateways");
        if query.contains("watch=1") {
            let lines = if of_gateways {
                self.seen.watched.lock().expect("no panic").push(Instant::now());
                let more = self.seen.changes.load(Ordering::Acquire) && !self.watches.is_empty();
                more.then(|| self.watches.remove(0))
            } else {
                None
            };
            let lines: Vec<String> = (lines.unwrap_or_default().iter())
                .map(|event| format!("{event}\n"))
                .collect();
            return Reply::Answer(200, "", lines.concat());
        }
        match path {
            "/api/v1" => kinds(&[("services", "Service"), ("secrets", "Secret"), ("pods", "Pod")]),
            "/apis/apps/v1" => kinds(&[("deployments", "Deployment")]),
            "/apis/networking.istio.io/v1" => kinds(&[("gateways", "Gateway"), ("virtualservices", "VirtualService")]),
            _ if of_gateways && query.contains("limit=500") && self.gateways.len() > 1 => {
                list(&self.gateways.remove(0))
            }
            _ if of_gateways => list(&self.gateways[0]),
            _ if path.ends_with("/virtualservices") => list(&[json!({
                "metadata": {"name": "all", "namespace": "a"},
                "spec": {"hosts": ["*"], "gateways": ["one"], "http": [{"directResponse": {"status": 204}}]}})]),
            path if path.starts_with("/api") && path.split('/').count() > 3 && !path.ends_with("/v1") => list(&[]),
            _ => Reply::Answer(404, "", "404 page not found\n".to_owned()),
        }
    }
}

/// A folder whose kubeconfig leads to these objects, and what their server saw.
fn cluster(gateways: Vec<Vec<Value>>, watches: Watches) -> (Dir, Seen) {
    let seen = Seen::default();
    let mut objects = Objects {
        gateways,
        watches,
        seen: seen.clone(),
    };
    let stub = HttpStub::start(move |request| objects.answer(request));
    let dir = Dir::new();
    kubeconfig(&dir, &format!("http://{}", stub.address));
    (dir, seen)
}

/// Serves the cluster, and lets the changes through when it is ready.
fn serve<'d>(dir: &'d Dir, seen: &Seen) -> Serve<'d> {
    let serve = Serve::start(dir, PORTS);
    seen.changes.store(true, Ordering::Release);
    serve
}

const PORTS: &[&str] = &["--cluster", "--port-map", "81=0,82=0"];

#[test]
fn a_forgotten_version_is_listed_anew_and_events_are_taken() {
    let gone = json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"});
    let (one, two, three) = (gateway("one", 80), gateway("two", 81), gateway("three", 82));
    let (dir, seen) = cluster(
        vec![vec![one.clone()], vec![one.clone(), two.clone()]],
        vec![
            vec![event("ERROR", &gone)],
            vec![
                event("ADDED", &three),
                event("BOOKMARK", &json!({"metadata": {"resourceVersion": "9"}})),
            ],
            vec![event("DELETED", &two)],
        ],
    );
    let mut serve = serve(&dir, &seen);
    serve.wait_until("what the second list has", |serve| {
        serve.log().contains("configuration reloaded")
    });
    serve.wait_until("what was added", |serve| serve.find_address(82).is_some());
    serve.wait_until("what was deleted", |serve| serve.find_address(81).is_none());
    assert!(serve.find_address(80).is_some(), "{}", serve.log());
    assert!(!serve.log().contains("is unreachable"), "{}", serve.log());
}

#[test]
fn a_server_that_ends_every_watch_is_not_asked_in_a_tight_loop() {
    let (dir, seen) = cluster(vec![vec![gateway("one", 80)]], Vec::new());
    let mut serve = serve(&dir, &seen);
    serve.wait_until("it has watched five times", |_| {
        seen.watched.lock().expect("no panic").len() >= 5
    });
    let times = seen.watched.lock().expect("no panic").clone();
    let pauses: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (pause, least) in pauses.iter().zip([100, 200, 400, 800]) {
        assert!(*pause >= Duration::from_millis(least), "{pauses:?}");
    }
}

#[test]
fn a_version_that_cannot_be_read_leaves_the_one_before_and_everything_else() {
    let mut broken = gateway("one", 80);
    broken["spec"]["servers"] = json!("none");
    let (dir, seen) = cluster(
        vec![vec![gateway("one", 80)]],
        vec![
            vec![event("MODIFIED", &broken)],
            vec![event("ADDED", &gateway("two", 81))],
        ],
    );
    let mut serve = serve(&dir, &seen);
    serve.wait_until("it is said", |serve| {
        serve.log().contains("the previous version stays in use")
    });
    serve.wait_until("the other one", |serve| serve.find_address(81).is_some());
    assert!(serve.log().contains("Gateway a/one  spec.servers"), "{}", serve.log());
    let answer = plain_get(serve.address(80), "a.com", "/").expect("an answer");
    assert_eq!(answer.status, 204);
    // There is no token anywhere in what it says.
    assert!(!serve.log().contains(TOKEN));
}

#[test]
fn lint_names_the_object_that_cannot_be_read() {
    let mut broken = gateway("one", 80);
    broken["spec"]["servers"] = json!("none");
    let (dir, _) = cluster(vec![vec![broken, gateway("two", 81)]], Vec::new());
    let ran = dir.run(&["lint", "--cluster", "-o", "json"]).exits(2);
    let report = ran.json();
    let finding = &report["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["object"]),
        (&json!("ITL0002"), &json!("Gateway a/one")),
        "{report:#}"
    );
    assert_eq!((&finding["file"], &finding["line"]), (&json!(""), &Value::Null));
}

#[test]
fn usage_that_excludes_itself() {
    let dir = Dir::new();
    for (args, says) in [
        (&["serve", "--cluster", "-f", "a.yaml"][..], "cannot be used with"),
        (&["lint", "--cluster", "-f", "a.yaml"], "cannot be used with"),
        (&["serve", "--cluster", "-R"], "cannot be used with"),
        (&["lint", "--cluster", "-R"], "cannot be used with"),
        (&["serve", "--context", "there"], "--cluster"),
        (&["serve", "--kubeconfig", "there"], "--cluster"),
        (&["lint", "--context", "there"], "--cluster"),
        (&["lint", "--kubeconfig", "there"], "--cluster"),
        (&["lint", "--cluster", "k8s/"], "--cluster and k8s/ exclude each other"),
        (
            &["lint", "--cluster", "--fix"],
            "istio-tls lint -f FILE --fix; then istio-tls apply -f FILE",
        ),
        (&["up", "a.com", "--cluster"], "istio-tls serve --cluster"),
        (&["serve", "--cluster"], "there is no kubeconfig"),
        (&["lint", "--cluster"], "there is no kubeconfig"),
    ] {
        dir.run(args).exits(2).says(says);
    }
}

#[test]
fn a_cluster_that_cannot_be_used() {
    let dir = Dir::new();
    kubeconfig(&dir, &format!("http://{}", free_address()));
    dir.run(&["serve", "--cluster"]).exits(3).says("cannot be reached");
    let ran = dir.run(&["lint", "--cluster", "-o", "json"]).exits(3);
    assert!(ran.json()["error"]["what"].is_string());
    dir.run(&["lint", "--cluster", "--context", "nowhere"])
        .exits(2)
        .says("there is no context \"nowhere\"");
    // The context that apply recorded is asked, not the current one.
    dir.run(&["gen-certs", "a.com"]).exits(0);
    let text = dir.read("istio-tls.yaml");
    dir.write("istio-tls.yaml", format!("{text}context: recorded\n"));
    dir.run(&["lint", "--cluster"])
        .exits(2)
        .says("there is no context \"recorded\"");
    dir.run(&["lint", "--cluster", "--context", "there"]).exits(3);

    // Without Istio's kinds, and for a user who may see nothing.
    let no_kinds = HttpStub::start(|request| match request.target.as_str() {
        target if target.starts_with("/api/v1/pods") => Reply::Answer(200, "", r#"{"items":[]}"#.to_owned()),
        "/api/v1" | "/apis/apps/v1" => Reply::Answer(200, "", r#"{"resources":[]}"#.to_owned()),
        _ => Reply::Answer(404, "", "404 page not found\n".to_owned()),
    });
    let dir = Dir::new();
    kubeconfig(&dir, &format!("http://{}", no_kinds.address));
    dir.run(&["serve", "--cluster"])
        .exits(2)
        .says("the cluster does not have Gateway of networking.istio.io/v1")
        .says("istioctl install");
    dir.run(&["lint", "--cluster"])
        .exits(2)
        .says("the cluster does not have Gateway of networking.istio.io/v1")
        .says("istioctl install");
    let forbidden = HttpStub::start(|request| match request.target.as_str() {
        "/apis/networking.istio.io/v1" => {
            let kinds = json!({"resources": [{"name": "gateways", "kind": "Gateway", "namespaced": true}]});
            Reply::Answer(200, "", kinds.to_string())
        }
        target if target.split('/').count() <= 4 && !target.contains('?') => Reply::Answer(
            200,
            "",
            r#"{"resources":[{"name":"virtualservices","kind":"VirtualService","namespaced":true}]}"#.to_owned(),
        ),
        _ => status(
            403,
            "Forbidden",
            "gateways is forbidden: User \"jane\" cannot list",
            &json!({}),
        ),
    });
    kubeconfig(&dir, &format!("http://{}", forbidden.address));
    let ran = dir
        .run(&["lint", "--cluster", "-n", "shop", "-o", "json"])
        .exits(3)
        .says("nothing in the cluster is readable");
    assert!(ran.json()["error"]["what"].is_string());
    dir.run(&["lint", "--cluster"])
        .exits(3)
        .says("nothing in the cluster is readable")
        .says("Gateway, VirtualService")
        .says("the user \"jane\" may not list gateways.networking.istio.io");
}

#[test]
fn a_port_that_cannot_be_opened_keeps_nothing_else_from_being_served() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    let (dir, seen) = cluster(
        vec![vec![gateway("one", 80)]],
        vec![
            vec![event("ADDED", &gateway("busy", port))],
            vec![event("ADDED", &gateway("two", 81))],
        ],
    );
    let mut serve = serve(&dir, &seen);
    serve.wait_until("it is said", |serve| {
        let log = serve.log();
        log.contains("a Gateway's port is not opened here") && log.contains(&format!("--port-map {port}=PORT"))
    });
    serve.wait_until("the other one", |serve| serve.find_address(81).is_some());
    assert!(serve.find_address(80).is_some() && serve.find_address(port).is_none());
}
