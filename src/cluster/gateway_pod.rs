//! The pods through which the ingress gateway is reached if the cluster provides no address, and
//! their HTTPS ports. Pure.

use serde_json::Value;

use super::ingress::{Found, Wanted, number, secure, service, text};
use super::pods::PodRef;

/// The HTTPS ports of Istio gateways in their pods: without and with permission for ports below
/// 1024.
const USUAL: [u16; 2] = [8443, 443];

/// A pod of the gateway, and its HTTPS port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayPod {
    /// The pod.
    pub pod: PodRef,
    /// The HTTPS port.
    pub port: u16,
}

/// The gateway's pods that are Running and Ready, by name. The port is the target port of the
/// Service's HTTPS port; without a Service, one that the pod declares.
pub fn ready(found: &Found, wanted: &Wanted) -> Vec<GatewayPod> {
    let service = service(found, wanted);
    let target = service.and_then(secure);
    let mut pods: Vec<GatewayPod> = (found.pods.iter())
        .filter(|pod| is_ready(pod) && service.is_none_or(|service| selects(service, pod)))
        .filter_map(|pod| {
            Some(GatewayPod {
                port: match target {
                    Some(target) => port_behind(target, pod)?,
                    None => usual_port(pod),
                },
                pod: PodRef {
                    namespace: wanted.pod_namespace.clone(),
                    name: text(&pod["metadata"]["name"]).to_owned(),
                },
            })
        })
        .collect();
    pods.sort_by(|one, other| one.pod.name.cmp(&other.pod.name));
    pods
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    pod["status"]["phase"] == "Running"
        && pod["metadata"]["deletionTimestamp"].is_null()
        && conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Whether the Service selects the pod; one without a selector selects none.
fn selects(service: &Value, pod: &Value) -> bool {
    let labels = &pod["metadata"]["labels"];
    let selector = service["spec"]["selector"].as_object();
    selector.is_some_and(|map| !map.is_empty() && map.iter().all(|(name, value)| &labels[name] == value))
}

/// `targetPort` is a number, the name of one of the pod's ports, or by default the Service's own
/// port. None if the pod has no port with that name.
fn port_behind(target: &Value, pod: &Value) -> Option<u16> {
    match &target["targetPort"] {
        Value::Null => number(&target["port"]),
        Value::String(name) => container_ports(pod)
            .find(|port| port["name"] == **name)
            .and_then(|port| number(&port["containerPort"])),
        port => number(port),
    }
}

/// A port named https, otherwise a usual one that the pod lists, otherwise 443: a gateway without a
/// Service listens on the port numbers of Gateway objects.
fn usual_port(pod: &Value) -> u16 {
    let numbered = |port: &Value| number(&port["containerPort"]);
    (container_ports(pod)
        .find(|port| port["name"] == "https")
        .and_then(numbered))
    .or_else(|| {
        let listed: Vec<u16> = container_ports(pod).filter_map(numbered).collect();
        USUAL.into_iter().find(|port| listed.contains(port))
    })
    .unwrap_or(443)
}

fn container_ports(pod: &Value) -> impl Iterator<Item = &Value> {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    containers.flat_map(|container| container["ports"].as_array().into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::ready;
    use crate::cluster::ingress::{Found, Wanted};

    fn pod(name: &str, ports: &Value) -> Value {
        json!({
            "metadata": {"name": name, "labels": {"app": "gw", "istio": "ingressgateway"}},
            "spec": {"containers": [{"name": "init"}, {"name": "istio-proxy", "ports": ports}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        })
    }

    fn service(target: &Value) -> Value {
        let mut port = json!({"name": "https", "port": 443});
        if !target.is_null() {
            port["targetPort"] = target.clone();
        }
        json!({"metadata": {"name": "gw"}, "spec": {"selector": {"app": "gw"}, "ports": [{"name": "http2", "port": 80}, port]}})
    }

    /// The chosen pods, as `NAME:PORT`.
    fn chosen(services: Vec<Value>, pods: Vec<Value>) -> Vec<String> {
        let wanted = Wanted {
            pod_namespace: "istio-system".into(),
            selector: BTreeMap::from([("istio".into(), "ingressgateway".into())]),
            namespace: "default".into(),
            name: "mygateway".into(),
        };
        let found = Found {
            services,
            pods,
            ..Found::default()
        };
        let pods = ready(&found, &wanted);
        (pods.iter())
            .map(|one| format!("{}:{}", one.pod.name, one.port))
            .collect()
    }

    #[test]
    fn the_services_target_port_is_a_number_a_name_or_its_own() {
        let ports = json!([{"name": "http", "containerPort": 8080}, {"name": "tls", "containerPort": 9443}]);
        for (target, expected) in [
            (json!(8443), vec!["a:8443"]),
            (json!("tls"), vec!["a:9443"]),
            (Value::Null, vec!["a:443"]),
            (json!("unknown"), vec![]),
        ] {
            assert_eq!(
                chosen(vec![service(&target)], vec![pod("a", &ports)]),
                expected,
                "{target}"
            );
        }
    }

    #[test]
    fn without_a_service_the_pods_own_ports_tell() {
        for (ports, expected) in [
            (
                json!([{"containerPort": 8443}, {"name": "https", "containerPort": 10443}]),
                "a:10443",
            ),
            (json!([{"containerPort": 443}, {"containerPort": 8443}]), "a:8443"),
            (json!([{"containerPort": 443}, {"containerPort": 15090}]), "a:443"),
            (Value::Null, "a:443"),
        ] {
            assert_eq!(chosen(Vec::new(), vec![pod("a", &ports)]), [expected], "{ports}");
        }
    }

    #[test]
    fn only_pods_that_serve_are_chosen() {
        let mut waiting = pod("b", &Value::Null);
        waiting["status"]["conditions"][0]["status"] = json!("False");
        let mut leaving = pod("c", &Value::Null);
        leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        let mut ended = pod("d", &Value::Null);
        ended["status"]["phase"] = json!("Failed");
        let mut other = pod("e", &Value::Null);
        other["metadata"]["labels"]["app"] = json!("another");
        let pods = vec![
            pod("z", &Value::Null),
            waiting,
            leaving,
            ended,
            other,
            pod("a", &Value::Null),
        ];
        assert_eq!(chosen(vec![service(&json!(8443))], pods), ["a:8443", "z:8443"]);
    }
}
