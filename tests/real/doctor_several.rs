//! `doctor` without a workspace, where several gateways run in several namespaces
//! of a real cluster. Played are the node and the status of its pods, on which
//! nothing answers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::control_plane::ControlPlane;
use crate::doctor_patient::{PROXY, fix_of, type_line};
use crate::harness::{Dir, Ran};
use crate::played_node::PlayedNode;
use crate::running_program::await_condition;

const HOSTS: [&str; 2] = ["a.several.test", "b.several.test"];

#[test]
fn each_of_several_gateways_is_examined_by_itself() {
    let plane = ControlPlane::shared();
    let namespaces = plane.namespaces("several");
    let node = PlayedNode::start(&plane, "played-several");
    let dir = Dir::new();
    let apply = |object: Value| plane.kubectl_with(&["apply", "--server-side"], &object.to_string());
    let gateway = |name: &str, host: &str, port: u16| {
        json!({"apiVersion": "networking.istio.io/v1", "kind": "Gateway",
            "metadata": {"name": name, "namespace": "several"},
            "spec": {"selector": {"istio": format!("several-{name}")}, "servers": [{
                "port": {"number": port, "name": "https", "protocol": "HTTPS"}, "hosts": [host],
                "tls": {"mode": "SIMPLE", "credentialName": format!("{name}-credential")}}]}})
    };
    let service = |name: &str, namespace: &str, kind: &str, ports: Value| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
            "spec": {"type": kind, "selector": {"istio": format!("several-{name}")}, "ports": ports}})
    };
    apply(gateway("a", HOSTS[0], 8443));
    apply(gateway("b", HOSTS[1], 443));
    // One with a port that needs no name, and one that has 443 for UDP, too.
    apply(service("a", &namespaces[0], "ClusterIP", json!([{"port": 443}])));
    let both =
        json!([{"name": "http3", "port": 443, "protocol": "UDP"}, {"name": "tls", "port": 443, "protocol": "TCP"}]);
    apply(service("b", &namespaces[1], "NodePort", both));
    for (name, namespace) in ["a", "b"].iter().zip(&namespaces) {
        let labels = json!({"istio": format!("several-{name}")});
        let containers = json!([{"name": PROXY, "image": "auto"}]);
        node.make_pod(namespace, &format!("gateway-{name}"), &labels, &containers);
        let label = format!("-lkubernetes.io/service-name={name}");
        let path = "jsonpath={.items[*].endpoints[*].conditions.ready}";
        let ask = || plane.kubectl_ok(&["-n", namespace, "get", "endpointslices", &label, "-o", path]);
        await_condition(|| ask().contains("true"), ask);
    }

    let examine = || -> Vec<Value> {
        let args = [&["doctor", "--timeout", "5s", "-o", "json"][..], &HOSTS].concat();
        let mut command = dir.command(&args);
        command.env("KUBECONFIG", plane.kubeconfig());
        let report = Ran::of(&mut command, &args).exits(1).json();
        let findings = report["findings"].as_array().expect("a list").iter();
        // Whether istiod runs is told by the pods of other tests.
        findings.filter(|one| one["code"] != "ITL1102").cloned().collect()
    };
    let told = |findings: &[Value]| -> BTreeSet<String> {
        let words = |one: &Value, field: &str| one[field].as_str().expect("words").to_owned();
        let one = |one: &Value| format!("{} {}", words(one, "code"), words(one, "object"));
        findings.iter().map(one).collect()
    };
    let expected = |all: &[&str]| -> BTreeSet<String> { all.iter().map(|&one| one.to_owned()).collect() };
    let findings = examine();
    assert_eq!(
        told(&findings),
        expected(&[
            "ITL0301 Gateway several/a",
            "ITL0301 Gateway several/b",
            "ITL0307 ServiceAccount several-ingress/default",
            "ITL0307 ServiceAccount several/default",
            "ITL1123 Gateway several/a",
        ]),
        "{findings:#?}"
    );
    // What is told to type mends each.
    for finding in &findings {
        type_line(&plane, &dir, &fix_of(finding));
    }
    std::fs::remove_file(dir.path("istio-tls.yaml")).expect("no workspace any more");
    let findings = examine();
    assert_eq!(
        told(&findings),
        expected(&["ITL1122 Service several/a", "ITL1161 "]),
        "{findings:#?}"
    );
    // Of two ports with one number it is that of TCP.
    let service = plane.get(&namespaces[1], "service", "b");
    let ports = service["spec"]["ports"].as_array().expect("ports").iter();
    let mut tcp = ports
        .filter(|port| port["protocol"] == "TCP")
        .map(|port| &port["nodePort"]);
    let target = format!(
        "{} is not served at 127.0.0.1:{}",
        HOSTS[1],
        tcp.next().expect("a port")
    );
    let refused = findings
        .iter()
        .find(|one| one["code"] == "ITL1161")
        .expect("told above");
    assert!(
        refused["what"].as_str().expect("words").starts_with(&target),
        "{refused:#}"
    );
    // A line to type, where `probe` has a flag.
    let without = findings
        .iter()
        .find(|one| one["code"] == "ITL1122")
        .expect("told above");
    let line = format!(
        "in another terminal istio-tls probe {} --target 127.0.0.1:8443",
        HOSTS[0]
    );
    assert!(fix_of(without).contains(&line), "{without:#}");
}
