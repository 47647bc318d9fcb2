//! What `rotate` sees of a cluster's gateway and `status` shows afterwards: every
//! pod behind its address, a gateway that does not follow, Secrets that others renew
//! or that are elsewhere, and a certificate that is its own root. The gateways are
//! `serve`; the tests play the cloud that gives an address, and where they say so
//! the node, its kubelet and the pods (`played_node`).

use serde_json::{Value, json};

use crate::cluster_discover::play_status;
use crate::cluster_forward::make_gateway;
use crate::cluster_gateway::{self, give_address};
use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::harness::{Dir, Ran};
use crate::played_node::PlayedNode;
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";
const SECRET: &str = "httpbin-credential";

/// A gateway that goes on with the Secrets as they are now.
fn stale<'d>(workspace: &ClusterWorkspace, gateway: &'d Dir) -> Serve<'d> {
    gateway.write("objects.yaml", workspace.dir.run(&["manifests"]).exits(0).stdout);
    let pods = &workspace.pod_namespace;
    Serve::start(gateway, &["-f", "objects.yaml", "--gateway-namespace", pods])
}

/// The codes of the findings, with what each says to do.
#[track_caller]
fn findings(ran: &Ran) -> Vec<(String, String)> {
    let json = ran.json();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let findings = json["findings"].as_array().expect("findings").iter();
    findings
        .map(|finding| (text(&finding["code"]), text(&finding["fix"])))
        .collect()
}

fn codes(findings: &[(String, String)]) -> Vec<&str> {
    findings.iter().map(|(code, _)| code.as_str()).collect()
}

#[test]
fn every_ready_pod_behind_the_address_is_asked() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "podsrot", &[HOST], "mutual");
    let pods = workspace.pod_namespace.clone();
    workspace.run(&["apply", "--no-wait"]).exits(0);
    let (follows, stays) = (Dir::new(), Dir::new());
    let serve = cluster_gateway::without_address(&plane, &workspace, &follows);
    let old = stale(&workspace, &stays);
    // The address leads to one that follows; of the pods behind it one does not.
    let service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "istio-ingressgateway", "namespace": pods},
        "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false,
            "selector": {"istio": "ingressgateway"},
            "ports": [{"name": "https", "port": serve.address(443).port(), "targetPort": 8443}]}});
    plane.kubectl_with(&["apply", "--server-side"], &service.to_string());
    let address = json!({"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}});
    play_status(&plane, &pods, "service/istio-ingressgateway", &address);
    workspace
        .run(&["rotate", HOST])
        .exits(0)
        .prints("its pods were not probed individually: this user sees no ready pod");
    let node = PlayedNode::start(&plane, "played-podsrot");
    make_gateway(&node, &pods, "gateway-1", &serve);
    make_gateway(&node, &pods, "gateway-2", &serve);
    workspace
        .run(&["rotate", HOST])
        .exits(0)
        .prints("2 of 2 ready pods of the gateway were probed individually, 2 serve it");
    make_gateway(&node, &pods, "gateway-2", &old);
    let json = workspace
        .run(&["rotate", HOST, "--wait", "1s", "-o", "json"])
        .exits(1)
        .json();
    let live = &json["rotations"][0]["live"];
    assert_eq!(
        (&live["proven"], &live["pods"]["ready"]),
        (&false.into(), &2.into()),
        "{live:#}"
    );
    let asked = live["pods"]["asked"].as_array().expect("pods");
    let seen: Vec<(&Value, &Value)> = asked.iter().map(|pod| (&pod["pod"], &pod["proven"])).collect();
    let names = ["gateway-1", "gateway-2"].map(|name| json!(format!("{pods}/{name}")));
    assert_eq!(seen, [(&names[0], &json!(true)), (&names[1], &json!(false))]);
    workspace
        .run(&["rotate", HOST, "--if-expires-in", "0d", "--wait", "1s"])
        .exits(1)
        .prints(&format!("NOT verified at the pod {pods}/gateway-2"));

    // A pod that is not Ready serves nobody; without its node, none is asked.
    node.set_ready(&pods, "gateway-2", false);
    workspace
        .run(&["rotate", HOST])
        .exits(0)
        .prints("1 of 1 ready pods of the gateway were probed individually");
    node.stop_kubelet();
    workspace
        .run(&["rotate", HOST, "--retry-for", "1s"])
        .exits(0)
        .prints("0 of 1 ready pods of the gateway were probed individually, 0 serve it: no port-forward to the pod");
}

#[test]
fn a_serve_that_is_the_clusters_address_is_proven_once() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "oncerot", &[HOST], "mutual");
    workspace.run(&["apply", "--no-wait"]).exits(0);
    let serve = cluster_gateway::start(&plane, &workspace, &workspace.dir);
    let json = workspace.run(&["rotate", HOST, "-o", "json"]).exits(0).json();
    let proofs = json["rotations"][0]["proofs"].as_array().expect("proofs");
    assert_eq!(proofs.len(), 1, "{json:#}");
    assert_eq!(proofs[0]["target"], serve.address(443).to_string());
    assert_eq!(proofs[0]["pods"]["ready"], 0, "it is the cluster's");
    workspace.run(&["delete", "--yes"]).exits(0);
    // Without the Secret it is the workspace's serve alone.
    let json = workspace
        .run(&["rotate", HOST, "--wait", "0s", "-o", "json"])
        .exits(1)
        .json();
    let proofs = json["rotations"][0]["proofs"].as_array().expect("proofs");
    assert_eq!((proofs.len(), &proofs[0]["pods"]), (1, &Value::Null), "{json:#}");
}

#[test]
fn a_gateway_that_does_not_follow_is_found_by_status() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "followrot", &[HOST], "mutual");
    workspace.run(&["apply", "--no-wait"]).exits(0);
    let gateway = Dir::new();
    let again = "istio-tls rotate httpbin.example.com --if-expires-in 0d";
    let restart = || {
        let serve = stale(&workspace, &gateway);
        give_address(&plane, &workspace, &serve);
        serve
    };
    let status = |code: i32| findings(&workspace.run(&["status", "-o", "json"]).exits(code));
    let serve = restart();
    workspace.run(&["rotate", HOST, "--ca", "--wait", "0s"]).exits(1);
    let found = status(1);
    assert_eq!(codes(&found), ["ITL1007", "ITL1014"]);
    assert!(found[1].1.starts_with(again), "{found:?}");
    drop(serve);
    let serve = restart();
    workspace.run(&["rotate", HOST, "--abort", "--wait", "0s"]).exits(1);
    let found = status(1);
    assert_eq!(codes(&found), ["ITL1013"]);
    assert!(found[0].1.starts_with(again), "{found:?}");
    // Who may not read Secrets sees it, too.
    let seen = findings(&workspace.run(&["status", "--context", "viewer", "-o", "json"]).exits(1));
    assert_eq!(codes(&seen), ["ITL1013"]);
    workspace
        .run(&["rotate", HOST, "--if-expires-in", "0d", "--wait", "0s"])
        .exits(1)
        .prints("NOT refused");
    drop(serve);
    let _serve = restart();
    assert!(status(0).is_empty());
    workspace.run(&["rotate", HOST, "--if-expires-in", "0d"]).exits(0);
}

#[test]
fn what_cert_manager_renewed_has_one_advice_everywhere() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "renewedrot", &[HOST], "simple");
    let pods = workspace.pod_namespace.clone();
    workspace
        .dir
        .run(&["gen-certs", HOST, "--force", "--not-before", "2026-01-01T00:00:00Z"])
        .exits(0);
    workspace.run(&["apply", "--no-wait"]).exits(0);
    let gateway = Dir::new();
    let mut serve = cluster_gateway::start(&plane, &workspace, &gateway);
    workspace.run(&["status"]).exits(0);
    // The test plays cert-manager, which renews the Secret.
    let elsewhere = Dir::new();
    elsewhere.run(&["gen-certs", HOST]).exits(0);
    let read = |part: &str| elsewhere.read(format!("{HOST}/3_application/{part}"));
    let patch = json!({"metadata": {"annotations": {"cert-manager.io/certificate-name": "shop"}},
        "stringData": {"tls.crt": read(&format!("certs/{HOST}.cert.pem")),
            "tls.key": read(&format!("private/{HOST}.key.pem"))}});
    let manager = "--field-manager=cert-manager-certificates-issuing";
    plane.kubectl_ok(&[
        "-n",
        &pods,
        "patch",
        "secret",
        SECRET,
        manager,
        "-p",
        &patch.to_string(),
    ]);
    let adopt = format!("istio-tls adopt secret/{pods}/{SECRET} --host {HOST} --force");
    let all = || {
        findings(
            &workspace
                .run(&["status", "--expires-within", "3650d", "-o", "json"])
                .exits(1),
        )
    };
    serve.wait_until("the gateway has the Secret", |_| codes(&all()).contains(&"ITL1003"));
    let found = all();
    assert_eq!(codes(&found)[..2], ["ITL1009", "ITL1003"]);
    for (code, fix) in &found {
        // The CAs of the files are another matter.
        if !fix.ends_with("--ca") {
            assert!(fix.starts_with(&adopt), "{code}: {fix}");
        }
    }
    let ran = workspace.run(&["rotate", HOST, "--if-expires-in", "0d"]).exits(1);
    ran.says(&adopt).says("cert-manager (Certificate shop) has renewed it");
    workspace
        .run(&["rotate", HOST, "--if-expires-in", "0d", "--force-conflicts"])
        .exits(1)
        .says("contains a newer leaf")
        .says(&adopt);
    workspace.run(&["rotate", HOST]).exits(1).says(&adopt);
    // The advice is one that works.
    workspace
        .run(&["adopt", &format!("secret/{pods}/{SECRET}"), "--host", HOST, "--force"])
        .exits(0);
    workspace.run(&["status"]).exits(0);
    workspace
        .run(&["rotate", HOST, "--if-expires-in", "0d"])
        .exits(0)
        .prints("nothing to do");
}

#[test]
fn where_the_pods_and_the_secret_are_is_said_by_both() {
    // Other tests' pods have the same labels.
    let plane = ControlPlane::start();
    let workspace = ClusterWorkspace::new(&plane, "herewhere", &[HOST], "mutual");
    let pods = workspace.pod_namespace.clone();
    let [objects, there] = plane.namespaces("therewhere");
    workspace
        .run(&["apply", "--no-wait", "-n", &objects, "--gateway-namespace", &there])
        .exits(0);
    let node = PlayedNode::start(&plane, "played-where");
    let gateway = Dir::new();
    let serve = stale(&workspace, &gateway);
    let named = format!("--gateway-namespace {there}, or set gateway.podNamespace to {there} in istio-tls.yaml");
    let made = format!("this workspace's is in {there}: {named}");
    workspace.run(&["rotate", HOST]).exits(1).prints(&made);
    let found = findings(&workspace.run(&["status", "-o", "json"]).exits(1));
    assert_eq!(codes(&found), ["ITL1010"]);
    assert!(found[0].1.starts_with(&made), "{found:?}");

    make_gateway(&node, &there, "gateway-1", &serve);
    let run = format!(
        "no pod of the gateway (istio=ingressgateway) runs in {pods}, where the Secrets are; the pods run in {there}"
    );
    workspace
        .run(&["rotate", HOST])
        .exits(1)
        .prints(&made)
        .prints(&run)
        .prints(&named);
    let ran = workspace.run(&["status"]).exits(1);
    ran.prints("ITL1010").prints("ITL1015").prints(&run).prints(&named);
    // The Secret is made where it is looked for, and no pod reads it there.
    workspace.run(&["apply", "--no-wait", "--yes"]).exits(0);
    workspace
        .run(&["rotate", HOST])
        .exits(0)
        .prints("not verified at the cluster's gateway")
        .prints(&run);
    let found = findings(&workspace.run(&["status", "-o", "json"]).exits(1));
    assert_eq!(codes(&found), ["ITL1015"]);
    assert!(found[0].1.starts_with(&named), "{found:?}");
    // A namespace that is gone.
    let gone = format!("{pods}-gone");
    workspace
        .run(&["rotate", HOST, "--gateway-namespace", &gone])
        .exits(2)
        .says("does not exist")
        .says(&named);
}

#[test]
fn a_certificate_that_is_its_own_root_gets_a_ca_in_two_phases() {
    let plane = ControlPlane::shared();
    for (name, mode, client_ca) in [("ownroot", "simple", false), ("ownrootmutual", "mutual", true)] {
        let [namespace, pods] = plane.namespaces(name);
        let workspace = ClusterWorkspace {
            dir: Dir::new(),
            kubeconfig: plane.kubeconfig(),
            namespace: namespace.clone(),
            pod_namespace: pods.clone(),
        };
        let dir = &workspace.dir;
        let mut params = rcgen::CertificateParams::new(vec![HOST.to_owned()]).expect("a name");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.not_before = rcgen::date_time_ymd(2024, 1, 1);
        params.not_after = rcgen::date_time_ymd(2044, 1, 1);
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        let files = [
            ("tls.crt", dir.write("own.pem", &certificate)),
            ("tls.key", dir.write("own.key", key.serialize_pem())),
            ("ca.crt", dir.path("own.pem")),
        ];
        let count = if client_ca { 3 } else { 2 };
        let mut args: Vec<String> = ["-n", &pods, "create", "secret", "generic", "own"]
            .map(str::to_owned)
            .to_vec();
        let sources = files[..count].iter();
        args.extend(sources.map(|(key, path)| format!("--from-file={key}={}", path.display())));
        plane.kubectl_ok(&args.iter().map(String::as_str).collect::<Vec<_>>());
        std::fs::remove_file(dir.path("own.key")).expect("removed");
        dir.run(&["init", "-n", &namespace, "--gateway-namespace", &pods, "--mode", mode])
            .exits(0);
        workspace.run(&["adopt", "secret/own"]).exits(0);
        workspace.run(&["apply", "--no-wait"]).exits(0);
        let gateway = Dir::new();
        let _serve = cluster_gateway::start(&plane, &workspace, &gateway);
        // What is served is what was served before, and whoever trusts it goes on.
        let begin = ["rotate", HOST, "--ca", "--force-conflicts"];
        workspace
            .run(&begin)
            .exits(0)
            .prints("verified at")
            .prints("as before the rotation");
        workspace
            .run(&["rotate", HOST, "--abort"])
            .exits(0)
            .prints("verified at");
        workspace.run(&begin).exits(0);
        let json = workspace.run(&["status", "-o", "json"]).exits(0).json();
        let root = json["certificates"].as_array().expect("rows").iter();
        let root = root.filter(|row| row["what"] == "root").map(|row| &row["daysLeft"]);
        assert_eq!(root.collect::<Vec<_>>(), [&json!(3649)], "as long as a CA's");
        // Its pair is kubectl's, until it is taken over.
        if !client_ca {
            workspace
                .run(&["rotate", HOST, "--finish"])
                .exits(1)
                .says("--force-conflicts");
        }
        workspace
            .run(&["rotate", HOST, "--finish", "--force-conflicts"])
            .exits(0)
            .prints("the previous one is no longer trusted");
        workspace.run(&["status"]).exits(0);
        workspace.run(&["rotate", HOST]).exits(0).prints("verified at");
    }
}
