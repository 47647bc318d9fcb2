//! Whose objects `apply` and `delete` touch, what they look up and ask before,
//! and what they say when they end early. The API server here is the test's own.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::sync::mpsc;

use serde_json::{Value, json};

use crate::fake_api_server::{FakeApiServer, gateway_at, tells_no_secret, workspace};
use crate::harness::Dir;
use crate::http_stub::{HttpStub, Reply, Request};
use crate::running_program::await_condition;

const GATEWAY: &str = "/apis/networking.istio.io/v1/namespaces/default/gateways/mygateway";
const SECRET: &str = "/api/v1/namespaces/istio-system/secrets/httpbin-credential";
const COPY: &str = "/api/v1/namespaces/team-b/secrets/httpbin-credential";
const VIRTUAL_SERVICE: &str = "/apis/networking.istio.io/v1/namespaces/default/virtualservices/httpbin";

#[test]
fn a_copy_that_somebody_made_is_left_alone_and_told() {
    let dir = workspace();
    let server = FakeApiServer::start();
    server.kubeconfig(&dir);
    dir.run(&["apply"]).exits(0);
    let mut copy = server.object(SECRET);
    copy["metadata"]["namespace"] = json!("team-b");
    server.put(COPY, "kubectl-create", copy);
    let told = "Secret team-b/httpbin-credential has this workspace's labels but was created by kubectl-create";
    let removal = "to delete it: kubectl -n team-b delete secrets httpbin-credential\n";
    let ran = dir
        .run(&["apply", "--prune", "--yes"])
        .exits(0)
        .says(told)
        .says(removal);
    assert!(!ran.stdout.contains("pruned"), "{}", ran.stdout);
    let ran = dir.run(&["delete", "--yes", "-o", "json"]).exits(0).says(told);
    assert_eq!(
        ran.json()["kept"],
        json!([{"title": "Secret team-b/httpbin-credential", "managers": ["kubectl-create"]}])
    );
    assert_eq!(server.stored(), [COPY]);
    dir.run(&["delete", "--yes"])
        .exits(1)
        .says(told)
        .says("there is nothing to delete");
}

#[test]
fn another_workspaces_objects_are_no_place_for_force_first() {
    let (one, two) = (workspace(), Dir::new());
    let server = FakeApiServer::start();
    server.kubeconfig(&one);
    server.kubeconfig(&two);
    two.run(&["gen-certs", "bookinfo.com"]).exits(0);
    one.run(&["apply"]).exits(0);
    let ran = two.run(&["apply"]).exits(1).says("it belongs to another workspace");
    let (_, fix) = ran.stderr.split_once("try: ").expect("what to do");
    let (names, force) = fix.split_once("--force-conflicts").expect("force, too");
    assert!(names.contains("another gateway.name"), "{fix}");
    assert!(force.contains("httpbin.example.com is no longer served"), "{fix}");
    // What is advised works, and leaves the first one its Gateway.
    let text = two.read("istio-tls.yaml");
    let named = text.replace("name: mygateway", "name: bookinfo-gateway");
    assert_ne!(text, named);
    two.write("istio-tls.yaml", named);
    two.run(&["apply"])
        .exits(0)
        .prints("Gateway default/bookinfo-gateway created");
    one.run(&["apply"])
        .exits(0)
        .prints("Gateway default/mygateway unchanged");
    // Taking it over says which hosts go.
    two.write("istio-tls.yaml", text);
    two.run(&["apply", "--force-conflicts"])
        .exits(0)
        .says("it is taken over from another workspace")
        .says("no longer has httpbin.example.com");
}

#[test]
fn mounted_secrets_of_another_workspace_are_advised_about() {
    let (one, two) = (workspace(), workspace());
    let server = FakeApiServer::start();
    for dir in [&one, &two] {
        server.kubeconfig(dir);
        let text = dir.read("istio-tls.yaml");
        dir.write(
            "istio-tls.yaml",
            text.replace("secrets: credential", "secrets: file-mount"),
        );
    }
    // Only the Secrets: the server knows no Deployments.
    for (dir, code) in [(&one, 0), (&two, 1)] {
        let secrets = dir.run(&["manifests", "--only", "secrets"]).exits(0).stdout;
        dir.write("secrets.yaml", secrets);
        let ran = dir.run(&["apply", "-f", "secrets.yaml"]).exits(code);
        if code == 1 {
            ran.says("Secret istio-system/istio-ingressgateway-certs: it belongs to another workspace")
                .says("secrets: credential")
                .says("podNamespace of another gateway");
        }
    }
}

#[test]
fn a_secret_that_is_replaced_is_the_workspaces_own() {
    let dir = workspace();
    let server = FakeApiServer::start();
    server.kubeconfig(&dir);
    server.put(
        SECRET,
        "kubectl-create",
        json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
            "metadata": {"name": "httpbin-credential", "namespace": "istio-system"}, "data": {".dockerconfigjson": "e30="}}),
    );
    dir.run(&["apply"])
        .exits(1)
        .says("--replace deletes and recreates the Secret");
    let ran = dir
        .run(&["apply", "--replace"])
        .exits(0)
        .prints("Secret istio-system/httpbin-credential replaced");
    assert!(!ran.stderr.contains("stays theirs"), "{}", ran.stderr);
    let labels = &server.object(SECRET)["metadata"]["labels"];
    assert_eq!(labels["app.kubernetes.io/managed-by"], "istio-tls");
    dir.run(&["apply", "--force-conflicts"])
        .exits(0)
        .prints("Secret istio-system/httpbin-credential unchanged");
    dir.run(&["delete", "--yes"]).exits(0);
    assert!(server.stored().is_empty(), "{:?}", server.stored());
}

#[test]
fn pruning_lists_and_wants_a_yes() {
    let dir = workspace();
    let server = FakeApiServer::start();
    server.kubeconfig(&dir);
    dir.run(&["gen-certs", "bookinfo.com"]).exits(0);
    dir.run(&["apply"]).exits(0);
    let context = "context: there\n";
    let text = dir.read("istio-tls.yaml");
    let (kept, _) = text.split_once("  - host: bookinfo.com").expect("an entry");
    let kept = if kept.contains(context) {
        kept.to_owned()
    } else {
        format!("{kept}{context}")
    };
    dir.write("istio-tls.yaml", kept);
    std::fs::remove_dir_all(dir.path("bookinfo.com")).expect("a folder");
    let before = server.stored();
    dir.run(&["apply", "--prune"])
        .exits(2)
        .says("  Secret istio-system/bookinfo-credential")
        .says("  VirtualService default/bookinfo")
        .says("nothing was applied, and nothing pruned")
        .says("add --yes");
    assert_eq!(server.stored(), before);
    dir.run(&["apply", "--prune", "--yes"])
        .exits(0)
        .prints("Secret istio-system/bookinfo-credential pruned");
    // Nothing to prune needs no yes.
    dir.run(&["apply", "--prune"]).exits(0);
}

#[test]
fn what_a_file_refers_to_may_be_in_the_cluster() {
    let dir = workspace();
    let server = FakeApiServer::start();
    server.kubeconfig(&dir);
    let route = dir.run(&["manifests", "--only", "virtualservice"]).exits(0).stdout;
    dir.write("route.yaml", &route);
    let missing = "there is no Gateway mygateway in namespace default";
    dir.run(&["apply", "-f", "route.yaml"])
        .exits(1)
        .says(missing)
        .says("--no-lint");
    assert!(server.stored().is_empty(), "{:?}", server.stored());
    // No server is asked, so it may be there.
    dir.run(&["apply", "-f", "route.yaml", "--dry-run", "client"])
        .exits(0)
        .says("note: unless the cluster has it")
        .says(missing)
        .prints("VirtualService default/httpbin applied (dry run, client)");
    dir.run(&["apply"]).exits(0);
    let ran = dir.run_with_input(&["apply", "-f", "-"], route.as_bytes()).exits(0);
    let ran = ran.prints("VirtualService default/httpbin unchanged");
    assert!(!ran.stderr.contains(missing), "{}", ran.stderr);
    // So may a Secret be that a Gateway names.
    let gateway = |port: u16| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: g}}\nspec:\n  selector: {{istio: ingressgateway}}\n\
             \x20 servers:\n  - port: {{number: {port}, name: https, protocol: HTTPS}}\n    hosts: [a.example.com]\n\
             \x20   tls: {{mode: SIMPLE, credentialName: by-hand}}\n"
        )
    };
    dir.write("gateway.yaml", gateway(443));
    let args = ["apply", "-f", "gateway.yaml"];
    dir.run(&args).exits(1).says("by-hand").says("--no-lint");
    let mut by_hand = server.object(SECRET);
    by_hand["metadata"] = json!({"name": "by-hand", "namespace": "istio-system"});
    server.put(
        "/api/v1/namespaces/istio-system/secrets/by-hand",
        "kubectl-create",
        by_hand,
    );
    let ran = dir.run(&args).exits(0).prints("Gateway default/g created");
    tells_no_secret(&dir, ran);
    // Faults of the object itself stop it before a server is asked.
    dir.write("gateway.yaml", gateway(0));
    let asked = server.asked("").len();
    dir.run(&[&args[..], &["--dry-run", "client"]].concat())
        .exits(1)
        .says("port");
    dir.run(&args).exits(1).says("port");
    assert_eq!(server.asked("").len(), asked);
}

/// Starts `apply`, sends it the signal when `ready` says so, and gives what it printed.
fn interrupted(dir: &Dir, args: &[&str], signal: &str, ready: impl Fn() -> bool) -> (Option<i32>, Value, String) {
    let child = dir
        .command(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    await_condition(&ready, || "it never came so far".to_owned());
    let kill = std::process::Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(kill.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.signal(), None, "it was killed");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let stdout = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "no JSON: {error}\n{}\n{stderr}",
            String::from_utf8_lossy(&output.stdout)
        )
    });
    (output.status.code(), stdout, stderr)
}

fn stores(request: &Request, path: &str) -> bool {
    request.method == "PATCH" && request.target.starts_with(path) && !request.target.contains("dryRun")
}

#[test]
fn an_interrupt_while_storing_says_what_is_applied() {
    for signal in ["-INT", "-TERM"] {
        let dir = workspace();
        let (reached, seen) = mpsc::channel();
        let inner = FakeApiServer::failing(move |request, _| {
            // The last one never gets through: it is asked again and again.
            stores(request, VIRTUAL_SERVICE).then(|| {
                // Who listened may have seen enough.
                let _ = reached.send(());
                Reply::Drop
            })
        });
        inner.kubeconfig(&dir);
        let came = || seen.try_recv().is_ok();
        let (code, printed, said) = interrupted(&dir, &["apply", "-o", "json", "--retry-for", "60s"], signal, came);
        assert_eq!(code, Some(130), "{said}");
        let objects: Vec<&str> = (printed["objects"].as_array().expect("a list").iter())
            .map(|object| object["kind"].as_str().expect("a kind"))
            .collect();
        assert_eq!(objects, ["Secret", "Gateway"]);
        let why = printed["error"]["why"].as_str().expect("a reason");
        assert!(
            why.contains("applied: Secret istio-system/httpbin-credential, Gateway default/mygateway")
                && why.contains("sent, result unknown: VirtualService default/httpbin"),
            "{why}"
        );
        assert!(said.contains("run the same command again"), "{said}");
        assert_eq!(inner.stored(), [SECRET, GATEWAY]);
    }
}

/// A server whose gateway is on this machine, at a port where `treat` answers.
fn with_gateway(dir: &Dir, address: std::net::SocketAddr) -> FakeApiServer {
    let port = address.port();
    let server = FakeApiServer::failing(move |request, _| gateway_at(port, request));
    server.kubeconfig(dir);
    server
}

#[test]
fn a_wait_that_runs_out_or_is_interrupted_prints_what_was_applied() {
    let dir = workspace();
    // It speaks no TLS: what was applied is never served.
    let other = HttpStub::start(|_| Reply::Answer(200, "", "{}".to_owned()));
    let server = with_gateway(&dir, other.address);
    let ran = dir.run(&["apply", "-o", "json", "--wait", "1s"]).exits(1);
    let printed = tells_no_secret(&dir, ran).json();
    assert_eq!(printed["schema"], 1);
    assert_eq!(printed["context"], "there");
    assert_eq!(printed["servingChecked"], false);
    assert_eq!(printed["objects"].as_array().map(Vec::len), Some(3));
    assert_eq!(printed["objects"][0]["action"], "created");
    let what = printed["error"]["what"].as_str().expect("an error");
    assert!(what.contains("the gateway does not serve it"), "{what}");
    // Waiting without end, and interrupted.
    let before = server.asked("/services").len();
    let looked = || server.asked("/services").len() > before;
    let args = ["apply", "-o", "json", "--wait", "10m"];
    let (code, printed, said) = interrupted(&dir, &args, "-INT", looked);
    assert_eq!(code, Some(130), "{said}");
    assert_eq!(printed["objects"][2]["action"], "unchanged");
    assert!(
        said.contains("interrupted (SIGINT) before the gateway was seen to serve it")
            && said.contains("not applied: nothing"),
        "{said}"
    );
}

#[test]
fn samples_that_no_host_leads_to_are_told() {
    let dir = crate::harness::Dir::new();
    dir.run(&["gen-certs", "shop.example"]).exits(0);
    let note = "note: no host leads to a Service of the samples (httpbin, helloworld-v1, productpage)";
    let args = ["apply", "--samples", "--dry-run", "client"];
    dir.run(&args).exits(0).says(note);
    let ran = dir.run(&["apply", "--dry-run", "client"]).exits(0);
    assert!(!ran.stderr.contains(note), "{}", ran.stderr);
    dir.run(&["gen-certs", "httpbin.example.com"]).exits(0);
    let ran = dir.run(&args).exits(0);
    assert!(!ran.stderr.contains(note), "{}", ran.stderr);
}
