//! `lint --cluster` on a real API server says of objects what `lint -f` says of
//! their files. There are no nodes; the gateway's pods are assumed, as for files.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::harness::{Dir, Ran};

const HOST: &str = "httpbin.example.com";

/// Faults of every subject that an API server takes all the same.
const FAULTS: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: astray, namespace: NAMESPACE}
spec:
  hosts: [astray.example.com]
  gateways: [nowhere]
  http:
  - route: [{destination: {host: nobody, port: {number: 80}}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: faulty, namespace: NAMESPACE}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    tls: {mode: SIMPLE, credentialName: not-there}
    hosts: [missing.example.com]
  - port: {number: 443, name: https-misfit, protocol: HTTPS}
    tls: {mode: SIMPLE, credentialName: misfit}
    hosts: [misfit.example.com]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: orphan, namespace: NAMESPACE}
spec:
  parentRefs: [{name: nowhere}]
  rules: [{backendRefs: [{name: nobody, port: 80}]}]
";

/// What was found, without places in files.
fn findings(ran: &Ran) -> BTreeSet<(String, String, String)> {
    let report = ran.json();
    let findings = report["findings"].as_array().expect("findings");
    let text = |finding: &Value, field: &str| finding[field].as_str().expect("text").to_owned();
    findings
        .iter()
        .map(|finding| (text(finding, "code"), text(finding, "object"), text(finding, "path")))
        .collect()
}

#[test]
fn live_objects_are_judged_as_their_files() {
    // Alone, so that no other test's objects are found.
    let plane = ControlPlane::start_all();
    let workspace = ClusterWorkspace::new(&plane, "linted", &[HOST], "mutual");
    let stranger = Dir::new();
    stranger.run(&["gen-certs", HOST]).exits(0);
    let secret = plane.kubectl_ok(&[
        "-n",
        &workspace.pod_namespace,
        "create",
        "secret",
        "generic",
        "misfit",
        "--dry-run=client",
        "-o",
        "yaml",
        &format!(
            "--from-file=tls.crt={}",
            workspace
                .dir
                .path(format!("{HOST}/3_application/certs/{HOST}.cert.pem"))
                .display()
        ),
        &format!(
            "--from-file=tls.key={}",
            stranger
                .path(format!("{HOST}/3_application/private/{HOST}.key.pem"))
                .display()
        ),
    ]);
    let made = workspace.dir.run(&["manifests", "--samples"]).exits(0).stdout;
    let all = format!(
        "{made}\n---\n{}\n---\n{secret}",
        FAULTS.replace("NAMESPACE", &workspace.namespace)
    );
    plane.kubectl_with(&["apply", "--server-side"], &all);

    // The file knows what is in it, and no more; the cluster has no roles for the gateway either.
    let elsewhere = Dir::new();
    let file = elsewhere.write("all.yaml", all);
    let namespace = ["--gateway-namespace", workspace.pod_namespace.as_str()];
    let args = [
        &["lint", "-f", file.to_str().expect("text"), "-o", "json"][..],
        &namespace,
    ]
    .concat();
    let of_files = elsewhere.run(&args).exits(1);
    let kubeconfig = workspace.kubeconfig.to_str().expect("text").to_owned();
    let live = |more: &[&str]| {
        let args = [
            &["lint", "--cluster", "--kubeconfig", &kubeconfig][..],
            &namespace,
            more,
        ]
        .concat();
        let ran = elsewhere.run(&args);
        for text in [&ran.stdout, &ran.stderr] {
            workspace.is_told_no_key("lint --cluster", text);
        }
        ran
    };
    let of_cluster = live(&["-o", "json"]).exits(1);
    let expected = findings(&of_files);
    for code in ["ITL0301", "ITL0404", "ITL0501", "ITL0510", "ITL0924"] {
        assert!(expected.iter().any(|(found, ..)| found == code), "{expected:?}");
    }
    assert_eq!(findings(&of_cluster), expected);
    for finding in of_cluster.json()["findings"].as_array().expect("findings") {
        assert_eq!(finding["file"], "", "{finding}");
        assert_eq!(finding["line"], Value::Null, "{finding}");
    }

    // Every format names the object.
    live(&[])
        .exits(1)
        .prints("at:  Gateway linted/faulty  spec.servers[0].tls.credentialName")
        .prints("in the cluster of context admin");
    live(&["-o", "github"]).exits(1).prints("at:  Gateway linted/faulty");
    let sarif = live(&["-o", "sarif"]).exits(1).json();
    let results = sarif["runs"][0]["results"].as_array().expect("results").clone();
    assert_eq!(results.len(), expected.len());
    for result in results {
        let place = &result["locations"][0];
        assert_eq!(place["physicalLocation"], Value::Null, "{result}");
        assert!(place["logicalLocations"][0]["name"].is_string(), "{result}");
    }

    // What may not be read is skipped, and no finding.
    let viewer = live(&["--context", "viewer", "-o", "json"])
        .exits(1)
        .says("not everything is visible");
    let skipped = viewer.json()["skipped"].to_string();
    assert!(
        skipped.contains("the user \\\"viewer\\\" may not list secrets"),
        "{skipped}"
    );
    // Also the overlap of certificates, which stand in Secrets.
    let of_secrets = |code: &str| ["ITL03", "ITL04", "ITL08"].contains(&&code[..5]);
    let without: BTreeSet<_> = expected
        .iter()
        .filter(|(code, ..)| !of_secrets(code))
        .cloned()
        .collect();
    assert_eq!(findings(&viewer), without);
    let limited = live(&["--context", "limited", "-o", "json"]).exits(0);
    assert!(
        limited.json()["skipped"].to_string().contains("may not list"),
        "{}",
        limited.stdout
    );
    // One namespace: what stands elsewhere may be there.
    let narrow = live(&["-n", &workspace.pod_namespace, "-o", "json"]).exits(0);
    assert_eq!(findings(&narrow), BTreeSet::new());

    // Nobody to ask.
    plane.stop_apiserver();
    let ran = live(&["-o", "json"]).exits(3).says("cannot be reached");
    assert!(ran.json()["error"]["what"].is_string());
}
