//! What `apply` and `delete` say and do when a cluster, or the way to it,
//! fails. The API server here is the test's own; it fails as each test says.

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::fake_api_server::{
    FakeApiServer, TOKEN, kubeconfig, status, status_with, tells_no_secret, unknown_path, workspace,
};
use crate::http_stub::{Reply, Request};

const GATEWAY: &str = "/apis/networking.istio.io/v1/namespaces/default/gateways/mygateway";
const SECRET: &str = "/api/v1/namespaces/istio-system/secrets/httpbin-credential";
const VIRTUAL_SERVICE: &str = "/apis/networking.istio.io/v1/namespaces/default/virtualservices/httpbin";

/// How a server refuses, if it does.
type Refusal = fn(&Request) -> Option<Reply>;

/// How it refuses once.
type Passing = fn() -> Reply;

fn stores(request: &Request, path: &str) -> bool {
    request.method == "PATCH" && request.target.starts_with(path) && !request.target.contains("dryRun")
}

#[test]
fn what_is_refused_is_said_in_words() {
    let forbidden = "secrets \"httpbin-credential\" is forbidden: User \"jane\" cannot get resource \"secrets\" in API group \"\" in the namespace \"istio-system\"";
    let rows: &[(&str, Refusal, i32, &[&str])] = &[
        (
            "expired credentials",
            |_| Some(status(401, "Unauthorized", "Unauthorized", &json!({}))),
            3,
            &[
                "does not accept the credentials of the user \"somebody\"",
                "401 Unauthorized",
            ],
        ),
        (
            "a missing CRD",
            |request| {
                request
                    .target
                    .starts_with("/apis/networking.istio.io")
                    .then(unknown_path)
            },
            2,
            &[
                "the cluster does not have Gateway of networking.istio.io/v1",
                "CRDs of networking.istio.io",
                "istioctl install",
            ],
        ),
        (
            "an older CRD",
            |request| match request.target.as_str() {
                "/apis/networking.istio.io/v1" => Some(unknown_path()),
                "/apis/networking.istio.io" => Some(Reply::Answer(
                    200,
                    "",
                    json!({"versions": [{"version": "v1alpha3"}]}).to_string(),
                )),
                _ => None,
            },
            2,
            &["it serves networking.istio.io/v1alpha3"],
        ),
        (
            "a namespace that is not there",
            |request| {
                (request.method == "PATCH").then(|| {
                    status(
                        404,
                        "NotFound",
                        "namespaces \"istio-system\" not found",
                        &json!({"kind": "namespaces", "name": "istio-system"}),
                    )
                })
            },
            2,
            &[
                "the namespace istio-system does not exist",
                "try: kubectl create namespace istio-system\n",
            ],
        ),
        (
            "an invalid object",
            |request| {
                (request.method == "PATCH").then(|| {
                    status(
                        422,
                        "Invalid",
                        "invalid",
                        &json!({"causes": [{"field": "spec.servers", "message": "Required value"}]}),
                    )
                })
            },
            2,
            &[
                "the API server refuses Secret istio-system/httpbin-credential",
                "spec.servers: Required value",
            ],
        ),
        (
            "key material in the server's words",
            |request| {
                (request.method == "PATCH").then(|| {
                    let body = String::from_utf8_lossy(&request.body).into_owned();
                    status(400, "BadRequest", &body, &json!({}))
                })
            },
            2,
            &["is not shown"],
        ),
        (
            "another manager's field",
            |request| {
                (request.method == "PATCH").then(|| {
                    status(
                        409,
                        "Conflict",
                        "conflict",
                        &json!({"causes": [{"reason": "FieldManagerConflict",
                        "message": "conflict with \"helm\" using v1", "field": ".data.tls.crt"}]}),
                    )
                })
            },
            1,
            &[
                "data.tls.crt is managed by helm",
                "--force-conflicts",
                "nothing was applied",
            ],
        ),
        (
            "no Kubernetes at all",
            |_| Some(Reply::Answer(200, "", "<html>hello</html>".to_owned())),
            3,
            &["does not respond like a Kubernetes API server"],
        ),
        (
            "another server in its place",
            |_| Some(Reply::Answer(403, "", "<html>proxy</html>".to_owned())),
            3,
            &["403"],
        ),
        (
            "a server that fails always",
            |_| Some(status(500, "InternalError", "etcdserver: no leader", &json!({}))),
            3,
            &["the API server failed", "500", "no leader"],
        ),
        (
            "a server that is busy always",
            |_| {
                Some(status_with(
                    429,
                    "Retry-After: 1\r\n",
                    "TooManyRequests",
                    "slow down",
                    &json!({}),
                ))
            },
            3,
            &["is overloaded"],
        ),
        (
            "connections that break always",
            |_| Some(Reply::Drop),
            3,
            &["broke off"],
        ),
    ];
    for (what, fail, code, words) in rows {
        let dir = workspace();
        let server = FakeApiServer::failing(move |request, _| fail(request));
        server.kubeconfig(&dir);
        let ran = dir.run(&["apply", "--retry-for", "1s", "-o", "json"]);
        assert!(ran.json()["error"]["what"].is_string(), "{what}: {}", ran.stdout);
        let mut ran = tells_no_secret(&dir, ran).exits(*code);
        for word in *words {
            ran = ran.says(word);
        }
        assert!(server.stored().is_empty(), "{what}: {:?}", server.stored());
    }
    // A refusal that names a user of the server's own.
    let dir = workspace();
    let server = FakeApiServer::failing(move |request, _| {
        request
            .target
            .starts_with(SECRET)
            .then(|| status(403, "Forbidden", forbidden, &json!({})))
    });
    server.kubeconfig(&dir);
    dir.run(&["apply"])
        .exits(3)
        .says("the user \"jane\" may not get secrets in the namespace istio-system")
        .says("kubectl auth can-i get secrets -n istio-system");
}

#[test]
fn what_passes_is_waited_for() {
    let rows: &[(&str, Passing)] = &[
        ("409", || {
            status(409, "Conflict", "the object has been modified", &json!({}))
        }),
        ("429", || {
            status_with(429, "Retry-After: 1\r\n", "TooManyRequests", "", &json!({}))
        }),
        ("500", || {
            status(500, "InternalError", "etcdserver: leader changed", &json!({}))
        }),
        ("503", || Reply::Answer(503, "", "starting".to_owned())),
        ("a reset", || Reply::Drop),
    ];
    for (what, fail) in rows {
        let dir = workspace();
        // Each request fails once; those of `delete` that ask every kind would take long with Retry-After.
        let server = FakeApiServer::failing(move |request, before| {
            (before == 0 && !request.target.contains("labelSelector")).then(fail)
        });
        server.kubeconfig(&dir);
        let start = Instant::now();
        dir.run(&["apply"])
            .exits(0)
            .prints("VirtualService default/httpbin created");
        assert_eq!(server.stored(), [SECRET, GATEWAY, VIRTUAL_SERVICE], "{what}");
        if *what == "429" {
            assert!(
                start.elapsed() >= Duration::from_secs(3),
                "Retry-After was not respected"
            );
            assert_eq!(server.asked(&format!("GET {SECRET}")).len(), 2);
        }
        dir.run(&["delete", "--yes"])
            .exits(0)
            .prints("Secret istio-system/httpbin-credential deleted");
        assert!(server.stored().is_empty(), "{what}");
    }
}

#[test]
fn a_run_that_stops_in_the_middle_says_where_and_goes_on_from_there() {
    let dir = workspace();
    let broken = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&broken);
    let server = FakeApiServer::failing(move |request, _| {
        (switch.load(Ordering::Relaxed) && stores(request, VIRTUAL_SERVICE))
            .then(|| status(500, "InternalError", "etcdserver: no space", &json!({})))
    });
    server.kubeconfig(&dir);
    let stopped = dir.run(&["apply", "--retry-for", "500ms"]).exits(3);
    let stopped = tells_no_secret(&dir, stopped)
        .says("applied: Secret istio-system/httpbin-credential, Gateway default/mygateway")
        .says("not applied: VirtualService default/httpbin")
        .says("run the same command again");
    assert!(
        stopped.stdout.contains("Gateway default/mygateway created"),
        "{}",
        stopped.stdout
    );
    assert_eq!(server.stored(), [SECRET, GATEWAY]);
    broken.store(false, Ordering::Relaxed);
    dir.run(&["apply"])
        .exits(0)
        .prints("Gateway default/mygateway unchanged")
        .prints("VirtualService default/httpbin created");
    assert_eq!(server.stored(), [SECRET, GATEWAY, VIRTUAL_SERVICE]);
}

#[test]
fn a_slow_server_is_waited_for() {
    let dir = workspace();
    let fast = FakeApiServer::start();
    fast.kubeconfig(&dir);
    let upstream = dir.read(".kube/config");
    let address = upstream
        .lines()
        .find_map(|line| line.trim().strip_prefix("server: http://"))
        .expect("a server")
        .parse()
        .expect("an address");
    let slow = crate::http_stub::HttpStub::start(move |_| Reply::Forward(address, Duration::from_millis(200)));
    kubeconfig(&dir, &format!("http://{}", slow.address));
    dir.run(&["apply"]).exits(0);
    assert_eq!(fast.stored(), [SECRET, GATEWAY, VIRTUAL_SERVICE]);
}

#[test]
fn nobody_listens() {
    let dir = workspace();
    kubeconfig(&dir, &format!("https://{}", crate::running_program::free_address()));
    let start = Instant::now();
    dir.run(&["apply"])
        .exits(3)
        .says("cannot be reached")
        .says("connection refused");
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "it took {:?}",
        start.elapsed()
    );
    kubeconfig(&dir, "https://no-such-host.invalid");
    dir.run(&["apply", "--yes"]).exits(3).says("cannot be resolved");
}

#[test]
fn tls_to_a_port_without_tls() {
    let dir = workspace();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    kubeconfig(&dir, &format!("https://{}", listener.local_addr().expect("an address")));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // Whether it is still read is of no matter.
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
    });
    dir.run(&["apply"]).exits(3).says("TLS with the API server");
}

#[test]
fn no_kubeconfig_and_no_context() {
    let dir = workspace();
    dir.run(&["apply"]).exits(2).says("there is no kubeconfig");
    dir.run(&["apply", "--kubeconfig", "nowhere"])
        .exits(2)
        .says("nowhere cannot be read");
    kubeconfig(&dir, "http://127.0.0.1:1");
    dir.run(&["apply", "--context", "elsewhere"])
        .exits(2)
        .says("there is no context \"elsewhere\"")
        .says("has there");
    dir.write(".kube/config", "users:\n- name: u\n  user: {token: [hush-hush]}\n");
    let ran = dir.run(&["apply"]).exits(2).says("cannot be used");
    assert!(!ran.stderr.contains("hush-hush"), "{}", ran.stderr);
}

#[test]
fn a_login_command_that_fails_is_named_and_its_output_is_not_shown() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = workspace();
    let command = dir.write("login", format!("#!/bin/sh\necho {TOKEN}\necho {TOKEN} >&2\nexit 7\n"));
    std::fs::set_permissions(&command, std::fs::Permissions::from_mode(0o755)).expect("executable");
    kubeconfig(&dir, "http://127.0.0.1:1");
    let text = dir.read(".kube/config").replace(
        &format!("{{token: {TOKEN}}}"),
        &format!(
            "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {}, interactiveMode: Never}}}}",
            command.display()
        ),
    );
    dir.write(".kube/config", text);
    let ran = dir
        .run(&["apply"])
        .exits(3)
        .says("could not be obtained")
        .says("exit status: 7");
    tells_no_secret(&dir, ran);
}

#[test]
fn the_first_apply_to_a_cluster_elsewhere_is_asked_about() {
    let dir = workspace();
    // TEST-NET-1 (RFC 5737): nothing is there.
    kubeconfig(&dir, "https://192.0.2.1:6443");
    dir.run(&["apply"])
        .exits(2)
        .says("nothing was applied to the context there")
        .says("--context there or --yes");
    assert!(!dir.read("istio-tls.yaml").contains("context:"));
    // A look changes nothing, so nobody is asked.
    dir.run(&["apply", "--dry-run", "client"])
        .exits(0)
        .prints("Gateway default/mygateway applied (dry run, client)");
}

#[test]
fn the_context_is_recorded_and_comments_stay() {
    let dir = workspace();
    let server = FakeApiServer::start();
    server.kubeconfig(&dir);
    let before = dir.read("istio-tls.yaml");
    dir.run(&["apply", "--dry-run", "server"])
        .exits(0)
        .prints("created (dry run, server)");
    dir.run(&["apply", "--diff"])
        .exits(1)
        .prints("+  name: httpbin-credential");
    assert_eq!(dir.read("istio-tls.yaml"), before);
    assert!(server.stored().is_empty());
    dir.run(&["apply"]).exits(0);
    let after = dir.read("istio-tls.yaml");
    for line in before.lines() {
        assert!(after.lines().any(|kept| kept == line), "{line:?} is lost in\n{after}");
    }
    assert!(after.lines().any(|line| line == "context: there"), "{after}");
    dir.run(&["apply", "--diff"]).exits(0);
    // Hosts are still added where the list is.
    dir.run(&["gen-certs", "bookinfo.com"]).exits(0);
    dir.run(&["apply", "-o", "json"]).exits(0);
}

#[test]
fn json_says_what_happened() {
    let dir = workspace();
    let server = FakeApiServer::start();
    server.kubeconfig(&dir);
    let made = tells_no_secret(&dir, dir.run(&["apply", "-o", "json"]).exits(0)).json();
    assert_eq!(made["schema"], 1);
    assert_eq!(made["context"], "there");
    assert_eq!(made["servingChecked"], false);
    let objects: Vec<String> = made["objects"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|object| format!("{} {}", object["kind"], object["action"]).replace('"', ""))
        .collect();
    assert_eq!(objects, ["Secret created", "Gateway created", "VirtualService created"]);
    let again = dir.run(&["apply", "-o", "json"]).exits(0).json();
    assert_eq!(again["objects"][1]["action"], "unchanged");
    let gone = dir.run(&["delete", "--yes", "-o", "json"]).exits(0).json();
    assert_eq!(gone["objects"].as_array().expect("a list").len(), 3);
    assert_eq!(dir.run(&["delete", "--yes", "-o", "json"]).exits(1).json()["schema"], 1);
    dir.run(&["delete", "--yes", "--ignore-not-found"]).exits(0);
}

#[test]
fn without_a_terminal_nothing_is_deleted_unasked() {
    let dir = workspace();
    let server = FakeApiServer::start();
    server.kubeconfig(&dir);
    dir.run(&["apply"]).exits(0);
    dir.run(&["delete"])
        .exits(2)
        .says("Secret istio-system/httpbin-credential")
        .says("add --yes");
    dir.run(&["delete", "--dry-run"])
        .exits(0)
        .prints("Gateway default/mygateway deleted (dry run)");
    assert_eq!(server.stored().len(), 3);
}

#[test]
fn local_files_go_without_a_cluster_and_unknown_ones_stay() {
    let dir = workspace();
    dir.run(&[
        "gen-certs",
        "httpbin.example.com",
        "--client",
        "alice",
        "--pkcs12",
        "--force",
    ])
    .exits(0);
    dir.write("httpbin.example.com/notes.txt", "mine");
    dir.write(
        "other.example.com/3_application/certs/other.example.com.cert.pem",
        "not ours",
    );
    dir.run(&["delete", "--local"]).exits(2).says("httpbin.example.com/");
    dir.run(&["delete", "--local", "--yes"])
        .exits(0)
        .prints("istio-tls.yaml deleted");
    let mut left: Vec<String> = std::fs::read_dir(dir.path(""))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    left.sort();
    assert_eq!(left, ["httpbin.example.com", "other.example.com"]);
    assert_eq!(
        std::fs::read_dir(dir.path("httpbin.example.com"))
            .expect("a folder")
            .count(),
        1
    );
    dir.run(&["delete", "--local", "--yes"])
        .exits(1)
        .says("there is nothing to delete");
    dir.run(&["delete", "--yes"])
        .exits(2)
        .says("there is no istio-tls.yaml here");
}

#[test]
fn an_unreachable_cluster_keeps_the_folder_whose_id_marks_its_objects() {
    let dir = workspace();
    let server = FakeApiServer::start();
    server.kubeconfig(&dir);
    dir.run(&["apply"]).exits(0);
    kubeconfig(&dir, &format!("http://{}", crate::running_program::free_address()));
    dir.run(&["delete", "--local", "--yes"])
        .exits(3)
        .says("cannot be reached")
        .says("no longer exists: istio-tls delete --local --no-cluster");
    assert!(dir.path("istio-tls.yaml").exists());
}

#[test]
fn what_lint_calls_an_error_is_not_applied() {
    let dir = workspace();
    let server = FakeApiServer::start();
    server.kubeconfig(&dir);
    dir.run(&["gen-certs", "httpbin.example.com", "--bad", "expired", "--force"])
        .exits(0);
    dir.run(&["apply"]).exits(1).says("expired").says("--no-lint");
    assert!(server.asked("").is_empty(), "{:?}", server.asked(""));
    dir.run(&["apply", "--no-lint"]).exits(0);
    assert_eq!(server.stored().len(), 3);
    // Files, too.
    dir.write(
        "bad.yaml",
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n  selector: {istio: ingressgateway}\n\
         \x20 servers:\n  - port: {number: 443, name: https, protocol: HTTPS}\n    hosts: [a.example.com]\n    tls: {mode: SIMPLE, credentialName: nowhere}\n",
    );
    dir.run(&["apply", "-f", "bad.yaml"])
        .exits(1)
        .says("nowhere")
        .says("--no-lint");
    assert_eq!(server.stored().len(), 3);
}
