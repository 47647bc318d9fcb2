//! `apply --force-conflicts` on a real API server: what it takes over from others,
//! and what it leaves theirs.

use serde_json::Value;

use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::harness::Ran;

const HTTPBIN: &str = "httpbin.example.com";

#[test]
fn force_takes_over_what_is_in_conflict_and_nothing_else() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "forced", &[HTTPBIN], "simple");
    let path = |part: &str| {
        workspace
            .dir
            .path(format!("{HTTPBIN}/3_application/{part}"))
            .display()
            .to_string()
    };
    let (key, cert) = (
        path("private/httpbin.example.com.key.pem"),
        path("certs/httpbin.example.com.cert.pem"),
    );
    let secret = ["secret", "tls", "httpbin-credential", "--key", &key, "--cert", &cert];
    plane.kubectl_ok(&[&["create", "-n", "forced-ingress"], &secret[..]].concat());
    workspace
        .run(&["apply", "--force-conflicts"])
        .exits(0)
        .says("it was created by kubectl-create, and stays theirs");
    let labels = |resource: &str, namespace: &str, name: &str| {
        plane.get(namespace, resource, name)["metadata"]["labels"].clone()
    };
    assert_eq!(labels("secret", "forced-ingress", "httpbin-credential"), Value::Null);

    // An object of ours that was put back from a copy.
    let gateways = "gateways.networking.istio.io";
    let copy = plane.get("forced", gateways, "mygateway");
    let mut copy = serde_json::json!({"apiVersion": copy["apiVersion"], "kind": "Gateway", "spec": copy["spec"],
        "metadata": {"name": "mygateway", "namespace": "forced", "labels": copy["metadata"]["labels"]}});
    plane.kubectl_ok(&["-n", "forced", "delete", gateways, "mygateway"]);
    plane.kubectl_with(&["create"], &copy.to_string());
    let put_back = |ran: &Ran| {
        let cause = "like an object restored from a backup";
        assert!(
            ran.stderr.contains("stays theirs") && ran.stderr.contains(cause),
            "{}",
            ran.stderr
        );
        let (_, line) = ran
            .stderr
            .split_once("this workspace's again: istio-tls ")
            .expect("a line");
        let words = line.lines().next().unwrap_or_default().split(' ');
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    // The line that is told is typed; also where the objects are those of files.
    let manifest = workspace.dir.run(&["manifests", "--only", "gateway"]).exits(0).stdout;
    workspace.dir.write("its gateway.yaml", manifest);
    let ran = workspace.run(&["apply", "-f", "its gateway.yaml"]).exits(0);
    assert_eq!(
        put_back(&ran),
        ["apply", "-f", "'its", "gateway.yaml'", "--force-conflicts"]
    );
    let line = put_back(&workspace.run(&["apply"]).exits(0));
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    workspace.run(&line).exits(0).says("it is taken back");
    let ran = workspace.run(&["apply"]).exits(0);
    assert!(!ran.stderr.contains("Gateway forced/mygateway: it"), "{}", ran.stderr);

    // Other values: there is something to force.
    plane.kubectl_ok(&["-n", "forced-ingress", "delete", "secret", "httpbin-credential"]);
    copy = serde_json::json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": "httpbin-credential", "namespace": "forced-ingress"},
        "stringData": {"tls.crt": "other", "tls.key": "other"}});
    plane.kubectl_with(&["create"], &copy.to_string());
    workspace
        .run(&["apply"])
        .exits(1)
        .says("data.tls.crt is managed by kubectl-create");
    workspace
        .run(&["apply", "--force-conflicts"])
        .exits(0)
        .says("belongs to this workspace from now on: delete will remove it");
    let ran = workspace.run(&["delete", "--yes"]).exits(0);
    for title in [
        "Secret forced-ingress/httpbin-credential deleted",
        "Gateway forced/mygateway deleted",
    ] {
        assert!(ran.stdout.contains(title), "{}", ran.stdout);
    }
}
