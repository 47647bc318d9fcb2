//! Where the gateway of a cluster is found, on a real API server with kubectl
//! as witness. Three parts are played by the tests, because there are no nodes
//! and no cloud: they write the LoadBalancer's address into the Service's
//! status, make the Node or the pod with its address, and a running `serve` is
//! the gateway behind all of them.

use std::process::{Command, Stdio};

use serde_json::json;

use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::harness::{Dir, Ran};
use crate::running_program::{Program, await_condition};
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";
const SERVICE: &str = "istio-ingressgateway";

/// The gateway's Service as Istio's installation makes it, of this type.
#[track_caller]
fn make_service(plane: &ControlPlane, namespace: &str, kind: &str, ports: (u16, u16)) {
    let mut spec = json!({
        "type": kind,
        "selector": {"app": SERVICE, "istio": "ingressgateway"},
        "ports": [{"name": "http2", "port": ports.0}, {"name": "https", "port": ports.1}],
    });
    if kind == "LoadBalancer" {
        // Another test plays a node.
        spec["allocateLoadBalancerNodePorts"] = json!(false);
    }
    let service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": SERVICE, "namespace": namespace}, "spec": spec});
    plane.kubectl_with(&["apply", "--server-side"], &service.to_string());
}

/// Writes the status of an object, as the cloud or a kubelet would.
#[track_caller]
pub(crate) fn play_status(plane: &ControlPlane, namespace: &str, object: &str, status: &serde_json::Value) {
    let patch = json!({"status": status}).to_string();
    plane.kubectl_ok(&[
        "-n",
        namespace,
        "patch",
        object,
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ]);
}

/// Copies chains and istio-tls.yaml to where the gateway reads them.
#[track_caller]
pub(crate) fn copy(from: &Dir, to: &Dir) {
    let mut line = Command::new("cp");
    line.arg("-r").arg(from.path(".")).arg(to.path("."));
    assert!(line.status().expect("cp").success());
}

/// The page's kubectl line for one value.
#[track_caller]
fn kubectl_value(plane: &ControlPlane, namespace: &str, args: &[&str], path: &str) -> String {
    let path = format!("jsonpath={path}");
    plane.kubectl_ok(&[&["-n", namespace, "get"], args, &["-o", &path]].concat())
}

fn export_lines(host: &str, plain: &str, secure: &str) -> String {
    format!("export INGRESS_HOST={host}\nexport INGRESS_PORT={plain}\nexport SECURE_INGRESS_PORT={secure}\n")
}

#[test]
fn the_load_balancers_address_is_probed_and_apply_sees_the_new_certificate() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "balanced", &[HOST], "mutual");
    let gateway = Dir::new();
    copy(&workspace.dir, &gateway);
    let serve = Serve::start(&gateway, &[]);
    let (plain, secure) = (80, serve.address(443).port());
    make_service(&plane, &workspace.pod_namespace, "LoadBalancer", (plain, secure));

    // Nobody plays the cloud yet.
    workspace
        .run(&["probe", "--target", "cluster"])
        .exits(1)
        .says("the LoadBalancer of Service balanced-ingress/istio-ingressgateway has no address yet")
        .says("minikube tunnel")
        .says("port-forward service/istio-ingressgateway");
    workspace
        .run(&["apply"])
        .exits(0)
        .says("not checked whether the gateway already serves this: the LoadBalancer of Service");

    // From here on the test plays the cloud.
    play_status(
        &plane,
        &workspace.pod_namespace,
        &format!("service/{SERVICE}"),
        &json!({"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}),
    );
    workspace.run(&["probe", "--target", "cluster"]).exits(0);
    workspace
        .run(&["request", HOST, "/status/418", "--target", "cluster"])
        .exits(0)
        .prints("teapot");
    let ask = |path: &str| kubectl_value(&plane, &workspace.pod_namespace, &["service", SERVICE], path);
    let by_kubectl = export_lines(
        &ask("{.status.loadBalancer.ingress[0].ip}"),
        &ask("{.spec.ports[?(@.name==\"http2\")].port}"),
        &ask("{.spec.ports[?(@.name==\"https\")].port}"),
    );
    let printed = workspace.run(&["probe", "--print-env", "--target", "cluster"]).exits(0);
    assert_eq!(printed.stdout, by_kubectl);
    // apply has recorded the context.
    let printed = workspace.run(&["probe", "--print-env"]).exits(0);
    assert_eq!(printed.stdout, by_kubectl);
    workspace.run(&["probe", "--mtls"]).exits(0);
    // What is set beats what is recorded; an address of one's own, too.
    let args = ["probe", "--print-env"];
    let mut command = workspace.command(&args);
    let printed = Ran::of(command.env("INGRESS_HOST", "192.0.2.1"), &args).exits(0);
    assert!(printed.stdout.starts_with("export INGRESS_HOST=192.0.2.1\n"));
    let ran = workspace.run(&["probe", "localhost:1", "--timeout", "1s"]).exits(1);
    assert!(!ran.stderr.contains("context admin"), "{}", ran.stderr);

    // What is served is what was applied.
    let ran = workspace.run(&["apply", "-o", "json"]).exits(0);
    let report = ran.json();
    assert_eq!(report["servingChecked"], true, "{report:#}");
    let old = report["serving"][0]["serial"].as_str().expect("a serial").to_owned();
    workspace.dir.run(&["gen-certs", HOST, "--force"]).exits(0);
    let report = workspace.run(&["apply", "--wait", "1s"]).exits(1);
    let report = report
        .says("applied, but after 1 s the gateway does not serve it")
        .says(&format!("served {old}"));
    assert!(report.stdout.contains("Secret balanced-ingress/httpbin-credential"));

    // A gateway that gets the Secret while apply waits.
    let log = workspace.dir.path("apply.log");
    let mut command = workspace.command(&["apply", "--wait", "120s", "-o", "json"]);
    command.stdout(Stdio::piped());
    command.stderr(std::fs::File::create(&log).expect("a file"));
    let mut apply = Program(command.spawn().expect("apply starts"));
    let said = || std::fs::read_to_string(&log).expect("a log");
    await_condition(|| said().contains("waiting until the gateway serves it"), said);
    copy(&workspace.dir, &gateway);
    await_condition(
        || apply.0.try_wait().expect("a status").is_some(),
        || format!("apply does not end:\n{}\n{}", said(), serve.log()),
    );
    assert!(apply.0.wait().expect("a status").success(), "{}", said());
    let output = apply.0.stdout.take().expect("its output");
    let report: serde_json::Value = serde_json::from_reader(output).expect("JSON");
    assert_eq!(report["servingChecked"], true, "{report:#}");
    let new = report["serving"][0]["serial"].as_str().expect("a serial");
    assert_ne!(new, old);
    assert!(said().contains(&format!("the gateway serves {HOST} with serial {new}")));
}

#[test]
fn the_node_port_is_probed_at_the_address_of_a_node_or_pod() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "noded", &[HOST], "simple");
    make_service(&plane, &workspace.pod_namespace, "NodePort", (80, 443));
    let ask = |path: &str| kubectl_value(&plane, &workspace.pod_namespace, &["service", SERVICE], path);
    let plain = ask("{.spec.ports[?(@.name==\"http2\")].nodePort}");
    let secure = ask("{.spec.ports[?(@.name==\"https\")].nodePort}");
    // The gateway stands where kube-proxy would lead.
    let gateway = Dir::new();
    copy(&workspace.dir, &gateway);
    let _serve = Serve::start(&gateway, &["--port-map", &format!("443={secure},80={plain}")]);

    // A user who may not list nodes, and no pod: no address.
    workspace
        .run(&["probe", "--target", "cluster", "--context", "viewer"])
        .exits(1)
        .says("no node address is known")
        .says("this user may not list nodes")
        .says("--target ADDRESS:PORT");

    // The test plays the kubelet that reports the gateway's pod.
    await_condition(
        || {
            let args = ["-n", &workspace.pod_namespace, "get", "serviceaccount", "default"];
            plane.kubectl(&args).status.success()
        },
        || "the namespace never gets its service account".to_owned(),
    );
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "gateway", "namespace": workspace.pod_namespace,
            "labels": {"app": SERVICE, "istio": "ingressgateway"}},
        // Nodes of other tests stay behind the one on which the gateway runs.
        "spec": {"nodeName": "noded", "containers": [{"name": "istio-proxy", "image": "auto"}]}});
    plane.kubectl_with(&["apply", "--server-side"], &pod.to_string());
    play_status(
        &plane,
        &workspace.pod_namespace,
        "pod/gateway",
        &json!({"hostIP": "127.0.0.1", "hostIPs": [{"ip": "127.0.0.1"}]}),
    );
    let pods = ["pods", "-l", "istio=ingressgateway"];
    let host = kubectl_value(&plane, &workspace.pod_namespace, &pods, "{.items[0].status.hostIP}");
    let printed = workspace
        .run(&["probe", "--print-env", "--target", "cluster", "--context", "viewer"])
        .exits(0)
        .says("the hostIP of the pod gateway");
    assert_eq!(printed.stdout, export_lines(&host, &plain, &secure));

    // The test plays a node.
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "noded"}});
    plane.kubectl_with(&["apply", "--server-side"], &node.to_string());
    let addresses = json!([{"type": "Hostname", "address": "noded"}, {"type": "InternalIP", "address": "127.0.0.1"}]);
    play_status(&plane, "default", "node/noded", &json!({"addresses": addresses}));
    workspace
        .run(&["probe", "--target", "cluster"])
        .exits(0)
        .says("the InternalIP of the node noded");
    let path = "{.items[?(@.metadata.name==\"noded\")].status.addresses[?(@.type==\"InternalIP\")].address}";
    let host = kubectl_value(&plane, "default", &["nodes"], path);
    let printed = workspace
        .run(&["probe", "--print-env", "--target", "cluster", "-o", "json"])
        .exits(0);
    assert_eq!(
        printed.json()["variables"],
        json!({"INGRESS_HOST": host, "INGRESS_PORT": plain, "SECURE_INGRESS_PORT": secure})
    );
    plane.kubectl_ok(&["delete", "node", "noded"]);
}

#[test]
fn what_is_said_where_no_address_is_found() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "addressless", &[HOST], "simple");
    // Never a cluster by accident.
    workspace
        .run(&["probe"])
        .exits(1)
        .says("no local gateway is running here")
        .says("--target cluster");
    workspace
        .run(&["probe", "--target", "cluster"])
        .exits(1)
        .says("the ingress gateway has no Service in the namespace addressless-ingress")
        .says("istio=ingressgateway")
        .says("--gateway-namespace");
    workspace
        .run(&["probe", "--target", "cluster", "--context", "limited"])
        .exits(3)
        .says("services")
        .says("limited")
        .says("--target ADDRESS:PORT");
    workspace
        .run(&["probe", "--target", "cluster", "--context", "nowhere"])
        .exits(2)
        .says("nowhere");
    make_service(&plane, &workspace.pod_namespace, "ClusterIP", (80, 443));
    workspace
        .run(&["probe", "--target", "cluster"])
        .exits(1)
        .says("its type is ClusterIP")
        .says("kubectl -n addressless-ingress port-forward service/istio-ingressgateway 8443:443");
    let ran = workspace.run(&["apply", "-o", "json"]).exits(0);
    assert_eq!(ran.json()["servingChecked"], false);
}
