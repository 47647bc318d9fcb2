//! Lines that are printed to be typed and need more than this program: openssl, curl,
//! Envoy, or kubectl with a real API server. tests/cli/printed_lines.rs says which.

#[path = "../cli/printed_lines/stage.rs"]
mod stage;

mod abroad;
mod cluster;
mod doctor;
mod programs;
mod requests;

use std::net::TcpListener;

use istio_tls::remedy::Kind;
use serde_json::json;

use crate::cluster_discover::play_status;
use crate::control_plane::ControlPlane;
use stage::Stage;

/// The kinds of the lines that are typed in a situation, and what makes it.
type Scene = (&'static [Kind], fn() -> Stage);

/// Acts scenes, and fails with the kinds that none of them typed.
#[track_caller]
fn act(scenes: &[Scene]) {
    let mut left: Vec<Kind> = Vec::new();
    for (kinds, scene) in scenes {
        let stage = std::panic::catch_unwind(scene).ok();
        let typed = |kind: &Kind| stage.as_ref().is_some_and(|stage| stage.has_typed(*kind));
        left.extend(kinds.iter().copied().filter(|kind| !typed(kind)));
    }
    assert!(left.is_empty(), "{left:?}: see above, or the scene types other kinds");
}

/// A gateway that closes every connection, as one without its Secret does, at the
/// address that a played cloud gives its Service; its port.
fn closing_gateway(plane: &ControlPlane, namespace: &str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "istio-ingressgateway", "namespace": namespace},
        "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false,
            "selector": {"istio": "ingressgateway"}, "ports": [{"name": "https", "port": port}]}});
    plane.kubectl_with(&["apply", "--server-side"], &service.to_string());
    let address = json!({"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}});
    play_status(plane, namespace, "service/istio-ingressgateway", &address);
    port
}
