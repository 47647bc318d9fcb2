use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Found, Wanted, choose, choose_for};
use crate::remedy::Aim;

fn wanted() -> Wanted {
    Wanted {
        pod_namespace: "istio-system".into(),
        selector: BTreeMap::from([("istio".into(), "ingressgateway".into())]),
        namespace: "default".into(),
        name: "mygateway".into(),
    }
}

/// Istio's default Service, with this type and status.
fn service(kind: &str, ingress: &Value) -> Value {
    let node_ports = kind != "ClusterIP";
    let port = |name: &str, port: u16, node: u16| {
        let mut made = json!({"name": name, "port": port});
        if node_ports {
            made["nodePort"] = json!(node);
        }
        made
    };
    json!({
        "metadata": {"name": "istio-ingressgateway", "namespace": "istio-system"},
        "spec": {
            "type": kind,
            "selector": {"app": "istio-ingressgateway", "istio": "ingressgateway"},
            "ports": [port("status-port", 15021, 30021), port("http2", 80, 30080), port("https", 443, 30443)],
        },
        "status": {"loadBalancer": {"ingress": ingress}},
    })
}

fn node(name: &str, addresses: &[(&str, &str)]) -> Value {
    let addresses: Vec<Value> = (addresses.iter())
        .map(|(kind, address)| json!({"type": kind, "address": address}))
        .collect();
    json!({"metadata": {"name": name}, "status": {"addresses": addresses}})
}

fn pod(node: &str, host_ip: &str) -> Value {
    json!({
        "metadata": {"name": "gw-1", "labels": {"app": "istio-ingressgateway", "istio": "ingressgateway"}},
        "spec": {"nodeName": node},
        "status": {"hostIP": host_ip},
    })
}

fn api_gateway(address: &str) -> Value {
    json!({
        "metadata": {"namespace": "default", "name": "mygateway"},
        "spec": {"listeners": [{"protocol": "HTTP", "port": 80}, {"protocol": "HTTPS", "port": 8443}]},
        "status": {"addresses": [{"value": address}]},
    })
}

fn found(service: Value) -> Found {
    Found {
        services: vec![service],
        ..Found::default()
    }
}

/// A name, what is found, the resulting address, and part of its source.
type Row = (&'static str, Found, (&'static str, u16, Option<u16>), &'static str);

#[test]
fn addresses_that_are_found() {
    let nodes = || {
        Some(vec![
            node("a", &[("InternalIP", "10.1.0.1")]),
            node("b", &[("Hostname", "b"), ("InternalIP", "10.1.0.2")]),
        ])
    };
    let balanced = |entry: Value| service("LoadBalancer", &json!([entry]));
    let with_nodes = |service: Value, nodes, pods| Found {
        pods,
        nodes,
        ..found(service)
    };
    let internal = json!([]);
    let rows: Vec<Row> = vec![
        (
            "ip",
            found(balanced(json!({"ip": "10.0.0.7"}))),
            ("10.0.0.7", 443, Some(80)),
            "the LoadBalancer of Service istio-system/istio-ingressgateway",
        ),
        (
            "hostname",
            found(balanced(json!({"hostname": "x.elb.example.com"}))),
            ("x.elb.example.com", 443, Some(80)),
            "LoadBalancer",
        ),
        (
            "a LoadBalancer beats nodes",
            with_nodes(balanced(json!({"ip": "10.0.0.7"})), nodes(), vec![]),
            ("10.0.0.7", 443, Some(80)),
            "LoadBalancer",
        ),
        (
            "a node on which the gateway runs",
            with_nodes(service("NodePort", &internal), nodes(), vec![pod("b", "10.1.0.2")]),
            ("10.1.0.2", 30443, Some(30080)),
            "the InternalIP of the node b and the NodePort",
        ),
        (
            "an ExternalIP beats an InternalIP",
            with_nodes(
                service("NodePort", &internal),
                Some(vec![
                    node("a", &[("InternalIP", "10.1.0.1")]),
                    node("b", &[("InternalIP", "10.1.0.2"), ("ExternalIP", "192.0.2.2")]),
                ]),
                vec![],
            ),
            ("192.0.2.2", 30443, Some(30080)),
            "the ExternalIP of the node b",
        ),
        (
            "nodes may not be listed",
            with_nodes(service("NodePort", &internal), None, vec![pod("a", "10.1.0.1")]),
            ("10.1.0.1", 30443, Some(30080)),
            "the hostIP of the pod gw-1",
        ),
        (
            "a pending LoadBalancer has its NodePort",
            with_nodes(service("LoadBalancer", &internal), nodes(), vec![]),
            ("10.1.0.1", 30443, Some(30080)),
            "whose LoadBalancer has no address yet",
        ),
        (
            "the Gateway API",
            Found {
                gateway: Some(api_gateway("10.0.0.9")),
                ..Found::default()
            },
            ("10.0.0.9", 8443, Some(80)),
            "Gateway API's Gateway default/mygateway",
        ),
    ];
    for (name, found, (host, secure, plain), source) in rows {
        let ingress = choose(&found, &wanted()).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert_eq!(
            (ingress.host.as_str(), ingress.secure_port, ingress.plain_port),
            (host, secure, plain),
            "{name}"
        );
        assert!(ingress.source.contains(source), "{name}: {}", ingress.source);
    }
}

#[test]
fn what_is_said_where_there_is_no_address() {
    let no_https = {
        let mut made = service("LoadBalancer", &json!([{"ip": "10.0.0.7"}]));
        made["spec"]["ports"] = json!([{"name": "http2", "port": 80}, {"port": 70000}]);
        made
    };
    let other = {
        let mut made = service("LoadBalancer", &json!([{"ip": "10.0.0.7"}]));
        made["metadata"]["name"] = json!("web");
        made["spec"]["selector"] = json!({"app": "web"});
        made
    };
    let no_nodes = |nodes| Found {
        nodes,
        ..found(service("NodePort", &json!(null)))
    };
    let rows: Vec<(Found, &[&str])> = vec![
        (
            Found::default(),
            &[
                "no Service in the namespace istio-system",
                "istio=ingressgateway; there is no Service",
            ],
        ),
        (
            found(other),
            &[
                "no Service in the namespace istio-system",
                "there are web",
                "--gateway-namespace",
            ],
        ),
        (
            found(service("LoadBalancer", &json!([]))),
            &[
                "has no address yet",
                "minikube tunnel",
                "--target",
                "port-forward service/istio-ingressgateway 8443:443",
            ],
        ),
        (
            found(service("LoadBalancer", &json!([{"ip": ""}]))),
            &["has no address yet"],
        ),
        (
            found(service("ClusterIP", &json!(null))),
            &[
                "reached from outside",
                "ClusterIP",
                "kubectl -n istio-system port-forward",
            ],
        ),
        (
            found(no_https),
            &["no port named https, and no port 443", "http2 80, 70000"],
        ),
        (no_nodes(None), &["no node address", "may not list nodes"]),
        (
            no_nodes(Some(vec![node("a", &[("Hostname", "a")])])),
            &["no node has an ExternalIP"],
        ),
        (
            Found {
                gateway: Some(api_gateway("mygateway-istio.default.svc.cluster.local")),
                ..Found::default()
            },
            &["no Service in the namespace"],
        ),
    ];
    for (found, texts) in rows {
        let said = choose(&found, &wanted()).expect_err("no address").text(&Aim::default());
        for text in texts {
            assert!(said.contains(text), "{text:?} is not in\n{said}");
        }
    }
}

#[test]
fn every_address_is_known_and_the_best_comes_first() {
    let all = |found: &Found| {
        let mut ingress = choose(found, &wanted()).expect("an address");
        let hosts: Vec<String> = std::iter::once(ingress.host.clone())
            .chain(ingress.others.iter().map(|other| other.host.clone()))
            .collect();
        // The preferred one brings its own description.
        let last = ingress.others.len() - 1;
        let (host, source) = (ingress.others[last].host.clone(), ingress.others[last].source.clone());
        ingress.prefer(last);
        assert_eq!((ingress.host, ingress.source), (host, source));
        hosts
    };
    let dual = json!([{"ip": "10.0.0.7"}, {"ip": "2001:db8::7", "hostname": "lb.example.com"}, {"ip": "10.0.0.7"}]);
    assert_eq!(
        all(&found(service("LoadBalancer", &dual))),
        ["10.0.0.7", "2001:db8::7", "lb.example.com"]
    );
    let nodes = vec![
        node("a", &[("InternalIP", "10.1.0.1"), ("InternalIP", "2001:db8::1")]),
        node("b", &[("InternalIP", "10.1.0.2"), ("ExternalIP", "192.0.2.2")]),
    ];
    let of_nodes = Found {
        nodes: Some(nodes),
        pods: vec![pod("b", "10.1.0.2")],
        ..found(service("NodePort", &json!([])))
    };
    assert_eq!(all(&of_nodes), ["192.0.2.2", "10.1.0.2", "10.1.0.1", "2001:db8::1"]);
    let mut both = pod("a", "10.1.0.1");
    both["status"]["hostIPs"] = json!([{"ip": "10.1.0.1"}, {"ip": "2001:db8::1"}]);
    let of_pods = Found {
        nodes: None,
        pods: vec![both, pod("b", "10.1.0.2")],
        ..found(service("NodePort", &json!([])))
    };
    assert_eq!(all(&of_pods), ["10.1.0.1", "2001:db8::1", "10.1.0.2"]);
    let mut gateway = api_gateway("10.0.0.9");
    gateway["status"]["addresses"] =
        json!([{"value": "gw.default.svc.cluster.local"}, {"value": "10.0.0.9"}, {"value": "gw.example.com"}]);
    let of_api = Found {
        gateway: Some(gateway),
        ..Found::default()
    };
    assert_eq!(all(&of_api), ["10.0.0.9", "gw.example.com"]);
}

#[test]
fn the_pods_labels_choose_the_service() {
    let mut narrow = service("LoadBalancer", &json!([{"ip": "10.0.0.8"}]));
    narrow["metadata"]["name"] = json!("edge");
    narrow["spec"]["selector"] = json!({"app": "istio-ingressgateway"});
    let mut canary = service("LoadBalancer", &json!([{"ip": "10.0.0.9"}]));
    canary["spec"]["selector"] = json!({"istio": "ingressgateway", "revision": "canary"});
    let mut all = service("LoadBalancer", &json!([{"ip": "10.0.0.1"}]));
    all["spec"]["selector"] = json!({});
    let mut found = Found {
        services: vec![all, canary, narrow],
        pods: vec![pod("a", "10.1.0.1")],
        ..Found::default()
    };
    assert_eq!(choose(&found, &wanted()).expect("one").host, "10.0.0.8");
    // Without known pods, the Service's selector must contain the Gateway's.
    found.pods.clear();
    assert_eq!(choose(&found, &wanted()).expect("one").host, "10.0.0.9");
}

#[test]
fn the_port_is_the_one_that_leads_to_the_gateways() {
    let with_ports = |ports: Value, kind: &str| {
        let mut service = service(kind, &json!([{"ip": "192.0.2.1"}]));
        if kind == "NodePort" {
            service["status"] = json!({});
        }
        service["spec"]["ports"] = ports;
        Found {
            nodes: Some(vec![node("a", &[("InternalIP", "10.1.0.1")])]),
            ..found(service)
        }
    };
    let ports = json!([
        {"name": "http3", "port": 443, "protocol": "UDP", "nodePort": 30001},
        {"name": "other", "port": 443, "targetPort": 8443, "protocol": "TCP", "nodePort": 30002},
        {"name": "https", "port": 9443, "targetPort": 444, "nodePort": 30003},
    ]);
    for (kind, gateway_port, expected) in [
        ("LoadBalancer", None, Some(9443)),
        ("LoadBalancer", Some(443), Some(443)),
        ("LoadBalancer", Some(444), Some(9443)),
        ("LoadBalancer", Some(80), None),
        ("NodePort", None, Some(30003)),
        ("NodePort", Some(443), Some(30002)),
        ("NodePort", Some(8443), Some(30002)),
    ] {
        let chosen = choose_for(&with_ports(ports.clone(), kind), &wanted(), gateway_port);
        assert_eq!(
            chosen.ok().map(|one| one.secure_port),
            expected,
            "{kind} {gateway_port:?}"
        );
    }
    // UDP alone is not an HTTPS port.
    let udp = json!([{"name": "https", "port": 443, "protocol": "UDP"}]);
    let problem = choose(&with_ports(udp, "LoadBalancer"), &wanted()).unwrap_err();
    assert!(problem.what.contains("no port named https"), "{}", problem.what);
    // The status in the Gateway API.
    let status = Found {
        gateway: Some(api_gateway("192.0.2.9")),
        ..Found::default()
    };
    assert_eq!(choose_for(&status, &wanted(), Some(8443)).unwrap().secure_port, 8443);
    assert!(choose_for(&status, &wanted(), Some(9443)).is_err());
}
