//! The ingress gateway of a test's namespaces: `serve --cluster`, which reads
//! Secrets and Gateways as istiod and Envoy do together. The test plays the cloud
//! that gives its Service an address; no pod runs it.

use serde_json::{Value, json};

use crate::cluster_discover::play_status;
use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::harness::Dir;
use crate::serve_process::Serve;
use crate::tls_client::Identity;

/// Starts it in an empty folder of its own, and gives it the LoadBalancer's address.
#[track_caller]
pub(crate) fn start<'d>(plane: &ControlPlane, workspace: &ClusterWorkspace, dir: &'d Dir) -> Serve<'d> {
    let serve = without_address(plane, workspace, dir);
    give_address(plane, workspace, &serve);
    serve
}

/// Starts it in an empty folder of its own.
#[track_caller]
pub(crate) fn without_address<'d>(plane: &ControlPlane, workspace: &ClusterWorkspace, dir: &'d Dir) -> Serve<'d> {
    workspace.make_services(plane);
    Serve::start(
        dir,
        &[
            "--cluster",
            "--kubeconfig",
            plane.kubeconfig().to_str().expect("text"),
            "-n",
            &workspace.namespace,
            "--gateway-namespace",
            &workspace.pod_namespace,
            "--access-log",
            "off",
        ],
    )
}

/// The gateway's Service, with the address at which `serve` listens.
#[track_caller]
pub(crate) fn give_address(plane: &ControlPlane, workspace: &ClusterWorkspace, serve: &Serve<'_>) {
    let port = serve.address(443).port();
    // Its selector is the Gateway's own, which pods of a Deployment have, too.
    let service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "istio-ingressgateway", "namespace": workspace.pod_namespace},
        "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false,
            "selector": {"istio": "ingressgateway"}, "ports": [{"name": "https", "port": port}]}});
    plane.kubectl_with(&["apply", "--server-side"], &service.to_string());
    let address = json!({"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}});
    play_status(
        plane,
        &workspace.pod_namespace,
        "service/istio-ingressgateway",
        &address,
    );
}

/// What a client is answered with; its words where it is refused.
pub(crate) fn asked(serve: &Serve<'_>, host: &str, identity: &Identity) -> Result<u16, String> {
    let mut connection = serve.open(host, identity)?;
    connection.get("/status/418").map(|answer| answer.status)
}

/// The text of a key of a Secret, by kubectl.
#[track_caller]
pub(crate) fn secret_text(plane: &ControlPlane, namespace: &str, name: &str, key: &str) -> String {
    use base64::Engine as _;
    let secret = plane.get(namespace, "secret", name);
    let value = secret["data"][key]
        .as_str()
        .unwrap_or_else(|| panic!("Secret {namespace}/{name} has no {key}"));
    let bytes = base64::engine::general_purpose::STANDARD.decode(value).expect("base64");
    String::from_utf8(bytes).expect("text")
}

/// What tells whether a Secret is the same object, and whether it was written.
#[track_caller]
pub(crate) fn identity_of(plane: &ControlPlane, namespace: &str, name: &str) -> (Value, Value) {
    let secret = plane.get(namespace, "secret", name);
    let metadata = &secret["metadata"];
    (metadata["uid"].clone(), metadata["resourceVersion"].clone())
}
