//! `delete` where a server fails in the middle, or the cluster is another than the
//! one that was applied to: what is told, and that nothing is lost. The API server
//! here is the test's own.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::fake_api_server::{FakeApiServer, kubeconfig, workspace};
use crate::http_stub::{HttpStub, Reply};

const SECRET: &str = "/api/v1/namespaces/istio-system/secrets/httpbin-credential";

fn kinds(printed: &Value) -> Vec<&str> {
    let objects = printed["objects"].as_array().expect("a list").iter();
    objects.map(|object| object["kind"].as_str().expect("a kind")).collect()
}

#[test]
fn files_stay_while_another_cluster_holds_what_was_applied() {
    let dir = workspace();
    let server = FakeApiServer::start();
    server.kubeconfig(&dir);
    dir.run(&["apply"]).exits(0);
    let there = dir.read(".kube/config");
    // Another kubeconfig, whose current context is of another cluster.
    let empty = FakeApiServer::start();
    empty.kubeconfig(&dir);
    let elsewhere = dir.read(".kube/config").replace("there", "elsewhere");
    dir.write(".kube/config", &elsewhere);
    for args in [
        &["delete", "--local", "--yes"][..],
        &["delete", "--local", "--yes", "--ignore-not-found"],
        &["delete", "--local", "--dry-run"],
        &["delete", "--local", "--yes", "--context", "elsewhere"],
    ] {
        dir.run(args)
            .exits(2)
            .says("the last apply used the context there, but this is elsewhere")
            .says("istio-tls delete --context there --local")
            .says("--no-cluster");
        assert!(dir.path("istio-tls.yaml").exists() && dir.path("httpbin.example.com").exists());
    }
    let ran = dir.run(&["delete", "--yes", "--ignore-not-found"]).exits(0);
    assert_eq!(ran.stdout, "");
    let ran = dir
        .run(&["delete", "--yes", "--ignore-not-found", "-o", "json"])
        .exits(0);
    let empty = serde_json::json!([]);
    let expected = serde_json::json!({"schema": 1, "context": "elsewhere", "dryRun": false,
        "objects": empty, "files": empty, "kept": empty});
    assert_eq!(ran.json(), expected);
    // Where the cluster is gone for good, the files may go.
    dir.run(&["delete", "--no-cluster", "--yes"]).exits(2);
    dir.run(&["delete", "--local", "--no-cluster", "--context", "there", "--yes"])
        .exits(2);
    let text = dir.read("istio-tls.yaml");
    let id = text.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id");
    dir.run(&["delete", "--local", "--no-cluster", "--dry-run"])
        .exits(0)
        .says("the objects in the context there are kept: kubectl --context there get secrets")
        .says(&format!("-l istio-tls.dev/workspace={id}"));
    dir.write(".kube/config", there);
    dir.run(&["delete", "--local", "--yes"]).exits(0);
    assert!(server.stored().is_empty() && !dir.path("istio-tls.yaml").exists());
}

#[test]
fn files_go_without_a_cluster_that_is_gone() {
    let dir = workspace();
    let server = FakeApiServer::start();
    server.kubeconfig(&dir);
    dir.run(&["apply"]).exits(0);
    kubeconfig(&dir, &format!("http://{}", crate::running_program::free_address()));
    dir.run(&["delete", "--local", "--no-cluster", "--yes"])
        .exits(0)
        .prints("istio-tls.yaml deleted");
    assert!(!dir.path("istio-tls.yaml").exists() && !server.stored().is_empty());
}

#[test]
fn what_is_gone_stands_beside_the_error_of_a_server_that_is_lost() {
    let dir = workspace();
    let server = Arc::new(FakeApiServer::start());
    server.kubeconfig(&dir);
    dir.run(&["apply"]).exits(0);
    let address = server.address();
    let lost = HttpStub::start(move |request| {
        if request.method == "DELETE" && request.target.starts_with(SECRET) {
            Reply::Drop
        } else {
            Reply::Forward(address, Duration::ZERO)
        }
    });
    kubeconfig(&dir, &format!("http://{}", lost.address));
    let ran = dir
        .run(&["delete", "--yes", "--retry-for", "300ms", "-o", "json"])
        .exits(3);
    let printed = ran.json();
    assert_eq!(kinds(&printed), ["VirtualService", "Gateway"]);
    assert_eq!(printed["context"], "there");
    assert_eq!(printed["objects"][0]["action"], "deleted");
    assert!(printed["error"]["what"].is_string());
    assert_eq!(server.stored(), [SECRET]);
}

#[test]
fn what_was_deleted_without_an_answer_is_told_once_it_is_gone() {
    let dir = workspace();
    let server = Arc::new(FakeApiServer::start());
    server.kubeconfig(&dir);
    dir.run(&["apply"]).exits(0);
    let (address, inner) = (server.address(), Arc::clone(&server));
    let mut cut = false;
    // The first request arrives, and its answer does not.
    let outer = HttpStub::start(move |request| {
        if request.method == "DELETE" && request.target.starts_with(SECRET) && !cut {
            cut = true;
            inner.remove(SECRET);
            return Reply::Drop;
        }
        Reply::Forward(address, Duration::ZERO)
    });
    kubeconfig(&dir, &format!("http://{}", outer.address));
    dir.run(&["delete", "--yes"])
        .exits(0)
        .prints("Secret istio-system/httpbin-credential deleted");
    assert!(server.stored().is_empty());
}
