//! A gateway that has no address, reached through a port-forward, on a real API
//! server. Played are the node, its kubelet and the pods (`played_node`); a
//! running `serve` is the gateway behind the pods' port.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::cluster_discover::copy;
use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::harness::Dir;
use crate::played_node::PlayedNode;
use crate::running_program::{Program, await_condition};
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";

/// The gateway's Service, whose port for HTTPS leads to the port that pods call
/// `secure`.
#[track_caller]
pub(crate) fn make_service(plane: &ControlPlane, namespace: &str, kind: &str) {
    let mut spec = json!({
        "type": kind,
        "selector": {"app": "istio-ingressgateway", "istio": "ingressgateway"},
        "ports": [{"name": "http2", "port": 80}, {"name": "https", "port": 443, "targetPort": "secure"}],
    });
    if kind == "LoadBalancer" {
        spec["allocateLoadBalancerNodePorts"] = json!(false);
    }
    let service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "istio-ingressgateway", "namespace": namespace}, "spec": spec});
    plane.kubectl_with(&["apply", "--server-side", "--force-conflicts"], &service.to_string());
}

/// A pod of the gateway that leads to `serve`.
#[track_caller]
pub(crate) fn make_gateway(node: &PlayedNode<'_>, namespace: &str, name: &str, serve: &Serve<'_>) {
    let labels = json!({"app": "istio-ingressgateway", "istio": "ingressgateway"});
    let containers = json!([{"name": "istio-proxy", "image": "auto",
        "ports": [{"name": "plain", "containerPort": 8080}, {"name": "secure", "containerPort": 8443}]}]);
    node.play(namespace, name, leads_to(&serve.address(443).to_string()));
    node.make_pod(namespace, name, &labels, &containers);
}

fn leads_to(address: &str) -> Value {
    json!({"ports": {"8443": address}})
}

fn through(namespace: &str, pod: &str) -> String {
    format!("through a port-forward to the pod {namespace}/{pod} port 8443")
}

/// Lets the user viewer do this with port-forwards of the namespace.
#[track_caller]
fn allow_viewer(plane: &ControlPlane, namespace: &str, verbs: &Value) {
    let group = "rbac.authorization.k8s.io";
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": {"name": "forwards", "namespace": namespace},
            "rules": [{"apiGroups": [""], "resources": ["pods/portforward"], "verbs": verbs}]},
        {"apiVersion": format!("{group}/v1"), "kind": "RoleBinding",
            "metadata": {"name": "forwards", "namespace": namespace},
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "forwards"},
            "subjects": [{"apiGroup": group, "kind": "User", "name": "viewer"}]},
    ]});
    plane.kubectl_with(&["apply", "--server-side"], &list.to_string());
}

#[test]
fn a_gateway_without_address_is_reached_through_a_pod() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "tunnelled", &[HOST], "mutual");
    let namespace = workspace.pod_namespace.clone();
    let gateway = Dir::new();
    copy(&workspace.dir, &gateway);
    let serve = Serve::start(&gateway, &[]);
    make_service(&plane, &namespace, "ClusterIP");
    let probe = ["probe", "--target", "cluster"];

    workspace
        .run(&probe)
        .exits(1)
        .says("its type is ClusterIP")
        .says("no pod of the gateway that is Running and Ready");
    let node = PlayedNode::start(&plane, "played-tunnelled");
    make_gateway(&node, &namespace, "gateway-1", &serve);
    node.set_ready(&namespace, "gateway-1", false);
    workspace
        .run(&probe)
        .exits(1)
        .says("no pod of the gateway that is Running and Ready");
    node.set_ready(&namespace, "gateway-1", true);

    let words = through(&namespace, "gateway-1");
    workspace
        .run(&probe)
        .exits(0)
        .says("has no address that can be reached from outside")
        .says(&words);
    workspace.run(&[&probe[..], &["--mtls"]].concat()).exits(0);
    let json = workspace.run(&[&probe[..], &["-o", "json"]].concat()).exits(0).json();
    let target = json["results"][0]["target"].as_str().expect("a target");
    assert!(target.starts_with("127.0.0.1:"), "{target}");
    let ran = workspace
        .run(&["request", HOST, "/status/418", "--target", "cluster"])
        .exits(0);
    ran.says(&words).prints("teapot");
    workspace.run(&["status", "--target", "cluster"]).exits(0).says(&words);

    // What is printed must lead there when this process has ended.
    let line = format!("kubectl -n {namespace} port-forward service/istio-ingressgateway 8443:443");
    for args in [
        &["probe", "--print-env", "--target", "cluster"][..],
        &["request", HOST, "--target", "cluster", "--print", "curl"][..],
    ] {
        let ran = workspace.run(args).exits(1).says(&line);
        assert!(!ran.stderr.contains("through a port-forward"), "{}", ran.stderr);
        assert!(!ran.stdout.contains("127.0.0.1"), "{}", ran.stdout);
    }

    // apply looks through it, and records the context for what comes after.
    let report = workspace.run(&["apply", "-o", "json"]).exits(0).says(&words).json();
    assert_eq!(report["servingChecked"], true, "{report:#}");
    make_service(&plane, &namespace, "LoadBalancer");
    workspace
        .run(&["probe"])
        .exits(0)
        .says("the LoadBalancer of Service")
        .says("has no address yet")
        .says(&words);

    // Every connection was closed by us.
    let count = |word: &str| node.log().matches(word).count();
    await_condition(|| count(": begins") == count(": ends"), || node.log());
    assert!(count(": begins") > 5, "{}", node.log());
}

#[test]
fn what_is_said_when_a_port_forward_fails() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "untunnelled", &[HOST], "simple");
    let namespace = workspace.pod_namespace.clone();
    let gateway = Dir::new();
    copy(&workspace.dir, &gateway);
    let serve = Serve::start(&gateway, &[]);
    make_service(&plane, &namespace, "ClusterIP");
    let lost = PlayedNode::start(&plane, "played-lost");
    make_gateway(&lost, &namespace, "gateway-1", &serve);

    // A user who may see the pod, but not forward its ports.
    let as_viewer = ["probe", "--target", "cluster", "--context", "viewer"];
    workspace
        .run(&as_viewer)
        .exits(1)
        .says("its type is ClusterIP")
        .says("the user \"viewer\" may not get pods/portforward")
        .says("can-i get pods/portforward");
    allow_viewer(&plane, &namespace, &json!(["get"]));
    workspace
        .run(&as_viewer)
        .exits(1)
        .says("the user \"viewer\" may not create pods/portforward");
    allow_viewer(&plane, &namespace, &json!(["get", "create"]));
    workspace
        .run(&as_viewer)
        .exits(0)
        .says(&through(&namespace, "gateway-1"));

    // Nothing listens in the pod: that is told, and no guess from the TLS side.
    lost.play(&namespace, "gateway-1", json!({"ports": {}}));
    let words = format!("nothing responds on port 8443 of the pod {namespace}/gateway-1");
    let probe = ["probe", "--target", "cluster"];
    let ran = workspace
        .run(&[&probe[..], &["-o", "json"]].concat())
        .exits(1)
        .says(&words);
    assert_eq!(ran.json()["error"]["what"], words);
    workspace
        .run(&["request", HOST, "/status/418", "--target", "cluster"])
        .exits(1)
        .says(&words);
    workspace
        .run(&["apply", "--wait", "1s"])
        .exits(0)
        .says("not checked whether the gateway")
        .says(&words);

    // A node that cannot be reached; then a second pod on another one.
    lost.stop_kubelet();
    workspace
        .run(&probe)
        .exits(1)
        .says(&format!("the node of the pod {namespace}/gateway-1 cannot be reached"))
        .says("connection refused");
    let node = PlayedNode::start(&plane, "played-found");
    make_gateway(&node, &namespace, "gateway-2", &serve);
    workspace.run(&probe).exits(0).says(&through(&namespace, "gateway-2"));
}

#[test]
fn a_pod_that_goes_meanwhile_has_a_successor() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "replaced", &[HOST], "mutual");
    let namespace = workspace.pod_namespace.clone();
    let gateway = Dir::new();
    copy(&workspace.dir, &gateway);
    let serve = Serve::start(&gateway, &[]);
    make_service(&plane, &namespace, "ClusterIP");
    let node = PlayedNode::start(&plane, "played-replaced");
    make_gateway(&node, &namespace, "gateway-1", &serve);
    workspace.run(&["apply"]).exits(0);

    // A watching probe, and an apply that waits for a new certificate.
    workspace.dir.run(&["gen-certs", HOST, "--force"]).exits(0);
    let start = |args: &[&str], log: &str| {
        let mut command = workspace.command(args);
        command.stdout(Stdio::null());
        command.stderr(std::fs::File::create(workspace.dir.path(log)).expect("a log"));
        Program(command.spawn().expect("it starts"))
    };
    let said = |log: &str| workspace.dir.read(log);
    let _watch = start(&["probe", "--watch=100ms", "--target", "cluster"], "watch.log");
    let mut apply = start(&["apply", "--wait", "120s"], "apply.log");
    for log in ["watch.log", "apply.log"] {
        await_condition(|| said(log).contains(&through(&namespace, "gateway-1")), || said(log));
    }
    node.end_pod(&namespace, "gateway-1");
    let gone = format!("the pod {namespace}/gateway-1 does not exist");
    await_condition(
        || said("watch.log").contains(&gone) || said("watch.log").contains("no address"),
        || said("watch.log"),
    );
    make_gateway(&node, &namespace, "gateway-2", &serve);
    for log in ["watch.log", "apply.log"] {
        await_condition(|| said(log).contains(&through(&namespace, "gateway-2")), || said(log));
    }
    copy(&workspace.dir, &gateway);
    await_condition(
        || apply.0.try_wait().expect("a status").is_some(),
        || format!("apply does not end:\n{}\n{}", said("apply.log"), serve.log()),
    );
    assert!(apply.0.wait().expect("a status").success(), "{}", said("apply.log"));
    assert!(said("apply.log").contains(&format!("the gateway serves {HOST} with serial ")));
}
