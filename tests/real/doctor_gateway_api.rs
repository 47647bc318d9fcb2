//! `doctor` where the ingress is a Gateway of the Gateway API, on a real API
//! server with its kinds. Played are istiod (the GatewayClass, the status of the
//! Gateway, and the pod and the Service that it makes for it), the node, the
//! cloud that gives the address, and the admin interface of the gateway's Envoy;
//! the gateway itself is a running `serve`. Real are the objects, their defaults
//! and validation, ReferenceGrants, Secrets, rights and endpoints.

use serde_json::{Value, json};

use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::doctor_patient::{HOST, LEAF, PROXY, SECRET, copy, fix_of, type_line};
use crate::gateway_envoys::{Envoy, Told};
use crate::harness::{Dir, Ran};
use crate::played_node::PlayedNode;
use crate::running_program::await_condition;
use crate::serve_process::Serve;

const GATEWAYS: &str = "gateways.gateway.networking.k8s.io";
const MADE: &str = "mygateway-istio";
const LISTENER: &str = "https-httpbin";
const ADMIN: &str = "kubernetes-gateway://edge-ingress/httpbin-credential";

struct Edge<'p> {
    plane: &'p ControlPlane,
    workspace: ClusterWorkspace,
    node: PlayedNode<'p>,
    envoy: Envoy,
}

impl Edge<'_> {
    fn kubectl(&self, args: &[&str]) -> String {
        self.plane.kubectl_ok(&[&["-n", "edge"], args].concat())
    }

    fn apply(&self, object: &Value) {
        self.plane
            .kubectl_with(&["apply", "--server-side", "--force-conflicts"], &object.to_string());
    }

    fn doctor(&self, args: &[&str]) -> Ran {
        self.workspace.run(&[&["doctor", "--timeout", "5s"], args].concat())
    }

    #[track_caller]
    fn is_well(&self) {
        let report = self.doctor(&["-o", "json"]).exits(0).json();
        assert_eq!(report["findings"], json!([]), "{report:#}");
        let skipped = report["skipped"].as_array().expect("a list");
        let is_dns = |one: &Value| one["reason"].as_str().expect("words").contains("reserved");
        assert!(skipped.iter().all(is_dns), "{report:#}");
    }

    /// The only finding.
    #[track_caller]
    fn finds(&self, code: &str, words: &str) -> Value {
        let report = self.doctor(&["-o", "json"]).exits(1).json();
        let findings = report["findings"].as_array().expect("a list");
        assert_eq!(findings.len(), 1, "{report:#}");
        assert_eq!(findings[0]["code"], code, "{report:#}");
        let what = findings[0]["what"].as_str().expect("words");
        assert!(what.contains(words), "not {words:?} in {report:#}");
        findings[0].clone()
    }

    /// Plays what istiod writes into the Gateway's status: whether its listener
    /// has its certificate.
    fn play_status(&self, resolved: Option<(&str, &str)>) {
        let time = "2026-01-01T00:00:00Z";
        let condition = |kind: &str, status: &str, reason: &str, message: &str| {
            json!({"type": kind, "status": status,
            "reason": reason, "message": message, "lastTransitionTime": time, "observedGeneration": 1})
        };
        let good = |kind: &str| condition(kind, "True", kind, "as it should be");
        let (references, programmed) = match resolved {
            None => (good("ResolvedRefs"), good("Programmed")),
            Some((reason, message)) => (
                condition("ResolvedRefs", "False", reason, message),
                condition("Programmed", "False", "Invalid", "bad TLS configuration"),
            ),
        };
        let status = json!({"status": {
            "addresses": [{"type": "IPAddress", "value": "127.0.0.1"}],
            "conditions": [good("Accepted"), programmed],
            "listeners": [{"name": LISTENER, "attachedRoutes": 1, "conditions": [good("Accepted"), references],
                "supportedKinds": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}]}]}});
        self.kubectl(&[
            "patch",
            GATEWAYS,
            "mygateway",
            "--subresource=status",
            "--type=merge",
            "-p",
            &status.to_string(),
        ]);
    }

    /// Plays istiod, which makes a pod and a Service for the Gateway.
    fn play_pod(&self) {
        let labels = json!({"gateway.networking.k8s.io/gateway-name": "mygateway"});
        let containers = json!([{"name": PROXY, "image": "auto"}]);
        self.node.make_pod("edge", "mygateway-istio-0", &labels, &containers);
        let log = self.node.file("proxy.log", "info\tEnvoy proxy is ready\n");
        let containers = json!({PROXY: {"log": log, "exec": []}});
        let ports = json!({"15000": self.envoy.stub.address.to_string()});
        self.node.play(
            "edge",
            "mygateway-istio-0",
            json!({"containers": containers, "ports": ports}),
        );
    }

    fn play_service(&self, port: u16) {
        self.apply(
            &json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": MADE, "namespace": "edge"},
            "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false,
                "selector": {"gateway.networking.k8s.io/gateway-name": "mygateway"},
                "ports": [{"name": "status-port", "port": 15021}, {"name": "https", "port": port}]}}),
        );
        let address = json!({"status": {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}}).to_string();
        self.kubectl(&[
            "patch",
            "service",
            MADE,
            "--subresource=status",
            "--type=merge",
            "-p",
            &address,
        ]);
        let path = "jsonpath={.items[*].endpoints[*].conditions.ready}";
        let label = format!("-lkubernetes.io/service-name={MADE}");
        let ask = || self.kubectl(&["get", "endpointslices", &label, "-o", path]);
        await_condition(|| ask().contains("true"), ask);
    }
}

#[test]
fn a_gateway_of_the_gateway_api_is_examined_from_class_to_certificate() {
    let plane = ControlPlane::start_all();
    let workspace = ClusterWorkspace::new(&plane, "edge", &[HOST], "simple");
    let gateway = Dir::new();
    copy(&workspace.dir, &gateway);
    let serve = Serve::start(&gateway, &[]);
    let port = serve.address(443).port();
    let envoy = Envoy::start(Told {
        name: ADMIN.to_owned(),
        chain: Some(workspace.dir.read(LEAF)),
    });
    let edge = Edge {
        plane: &plane,
        node: PlayedNode::start(&plane, "played-edge"),
        workspace,
        envoy,
    };
    let istiod = json!([{"name": "discovery", "image": "auto"}]);
    edge.node
        .make_pod("edge-ingress", "istiod", &json!({"app": "istiod"}), &istiod);

    // What `manifests` makes for the Gateway API; the gateway listens on a port that is free here.
    let list = edge
        .workspace
        .dir
        .run(&["manifests", "--api", "gateway-api", "-o", "json"]);
    let list = list.exits(0).json();
    let mut objects: Vec<Value> = list["items"].as_array().expect("items").clone();
    for object in &mut objects {
        if object["kind"] == "Gateway" {
            let listener = &mut object["spec"]["listeners"][0];
            listener["port"] = json!(port);
            listener["name"] = json!(LISTENER);
        }
        edge.apply(object);
    }
    let grant = objects.iter().find(|object| object["kind"] == "ReferenceGrant");
    let grant = grant.expect("a grant: the Secret is in another namespace").clone();

    // The API server's own defaults say that nobody has taken it up.
    let finding = edge.finds("ITL1106", "has the class \"istio\", which does not exist");
    assert!(fix_of(&finding).contains("-l app=istiod"), "{finding:#}");
    let class = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass",
        "metadata": {"name": "istio"}, "spec": {"controllerName": "istio.io/gateway-controller"}});
    edge.apply(&class);
    edge.finds(
        "ITL1106",
        "no controller has accepted Gateway edge/mygateway: Accepted is Unknown (Pending:",
    );
    let other = r#"{"spec":{"gatewayClassName":"isto"}}"#;
    edge.kubectl(&["patch", GATEWAYS, "mygateway", "--type=merge", "-p", other]);
    let finding = edge.finds("ITL1106", "has the class \"isto\", which does not exist");
    let line = fix_of(&finding);
    type_line(&plane, &edge.workspace.dir, line.split(';').next().expect("a line"));
    edge.finds("ITL1106", "no controller has accepted");

    // Taken up, without pods; without a Service; then whole.
    edge.play_status(None);
    let finding = edge.finds("ITL1110", "gateway.networking.k8s.io/gateway-name=mygateway");
    assert!(
        fix_of(&finding).contains("creates the Deployment edge/mygateway-istio"),
        "{finding:#}"
    );
    edge.play_pod();
    edge.finds(
        "ITL1120",
        "no Service in namespace edge selects the pods of Gateway edge/mygateway",
    );
    edge.play_service(port);
    edge.is_well();
    edge.doctor(&[]).exits(0).prints(&format!(
        "no findings: 1 Gateway, 1 gateway pod, 1 certificate, 127.0.0.1 port {port} for {HOST}"
    ));

    // A listener that istiod does not take, for a reason that is not seen here.
    let complaint = Some(("InvalidCertificateRef", "something else"));
    edge.play_status(complaint);
    edge.finds(
        "ITL1103",
        "listener https-httpbin of Gateway edge/mygateway is not accepted: ResolvedRefs is False (InvalidCertificateRef: something else)",
    );

    // Without the grant: our own diagnosis, and a line that mends it.
    let name = grant["metadata"]["name"].as_str().expect("a name");
    plane.kubectl_ok(&["-n", "edge-ingress", "delete", "referencegrant", name]);
    let finding = edge.finds(
        "ITL0901",
        "no ReferenceGrant in namespace edge-ingress allows Gateways in edge to refer to Secret",
    );
    type_line(&plane, &edge.workspace.dir, &fix_of(&finding));
    edge.play_status(None);
    edge.is_well();

    // The Secret is gone: the workspace brings it back.
    plane.kubectl_ok(&["-n", "edge-ingress", "delete", "secret", SECRET]);
    edge.play_status(complaint);
    let finding = edge.finds(
        "ITL0301",
        "there is no secret \"httpbin-credential\" in namespace edge-ingress",
    );
    assert_eq!(
        finding["path"], "spec.listeners[0].tls.certificateRefs[0].name",
        "{finding:#}"
    );
    assert!(fix_of(&finding).contains("doctor --fix"), "{finding:#}");
    let ran = edge.doctor(&["--fix", "--yes", "--wait", "0s", "-o", "json"]);
    assert_eq!(
        ran.json()["fixed"],
        json!(["Secret edge-ingress/httpbin-credential created"]),
        "{}",
        ran.stdout
    );
    edge.play_status(None);
    edge.is_well();

    // A certificate of another host.
    let other = Dir::new();
    other.run(&["gen-certs", "shop.example.com"]).exits(0);
    let part = |part: &str| {
        other
            .path(format!("shop.example.com/3_application/{part}"))
            .display()
            .to_string()
    };
    let files = [
        format!("--cert={}", part("certs/shop.example.com.cert.pem")),
        format!("--key={}", part("private/shop.example.com.key.pem")),
    ];
    plane.kubectl_ok(&["-n", "edge-ingress", "delete", "secret", SECRET]);
    let create = ["-n", "edge-ingress", "create", "secret", "tls", SECRET];
    plane.kubectl_ok(&[&create[..], &[&files[0], &files[1]]].concat());
    edge.finds("ITL0440", HOST);
    plane.kubectl_ok(&["-n", "edge-ingress", "delete", "secret", SECRET]);
    edge.doctor(&["--fix", "--yes", "--wait", "0s"]).exits(0);
    edge.is_well();

    // The proxy waits for it, as istiod hands it over by its own name.
    edge.envoy.tells(ADMIN, None);
    edge.finds(
        "ITL1150",
        "is waiting for the certificate of Secret edge-ingress/httpbin-credential",
    );
    edge.envoy.tells(ADMIN, Some(edge.workspace.dir.read(LEAF)));

    // Somebody who may read no Secrets: a reason, no finding.
    let report = edge.doctor(&["--context", "viewer", "-o", "json"]).exits(0).json();
    let reasons = report["skipped"].to_string();
    assert!(
        reasons.contains("may not get secrets in the namespace edge-ingress"),
        "{report:#}"
    );
    // Without the workspace, as anybody who comes by.
    let stranger = Dir::new();
    let mut command = stranger.command(&["doctor", "--timeout", "5s", "-o", "json"]);
    command.env("KUBECONFIG", plane.kubeconfig());
    let report = Ran::of(&mut command, &["doctor"]).exits(0).json();
    assert_eq!(report["findings"], json!([]), "{report:#}");
}
