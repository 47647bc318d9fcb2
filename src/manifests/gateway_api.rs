//! Objects of the Kubernetes Gateway API, which have no types here: what is not of the
//! wanted shape is taken for absent.

use std::collections::BTreeMap;

use serde_json::Value;

use super::crd;
use super::model::Other;

pub use super::crd::GROUP;

/// The controller of the classes that istiod makes pods for.
const CONTROLLER: &str = "istio.io/gateway-controller";
/// The class that istiod makes.
const CLASS: &str = "istio";
/// The label of the pods that istiod makes for a Gateway.
pub const NAME_LABEL: &str = "gateway.networking.k8s.io/gateway-name";
/// The label of such pods with the Gateway's class.
const CLASS_LABEL: &str = "gateway.networking.k8s.io/gateway-class-name";
/// Istio's option for client certificates.
pub const TERMINATE_MODE: &str = "gateway.istio.io/tls-terminate-mode";
/// Istio's option for the suites of TLS 1.2.
pub const CIPHER_SUITES: &str = "gateway.istio.io/tls-cipher-suites";

/// The items of a list; nothing when it is none.
pub fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// A text that is there and not empty.
pub fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Whether an object is of a kind of the Gateway API.
pub fn is_of(other: &Other, kind: &str) -> bool {
    other.kind == kind && is_of_group(other)
}

/// Whether an object is of any kind of the Gateway API.
pub fn is_of_group(other: &Other) -> bool {
    let group = other.api_version.split_once('/').map(|(group, _)| group);
    group == Some(GROUP)
}

/// An object as an API server stores it: with the defaults of its definition.
pub fn stored(other: &Other) -> Value {
    let version = other.api_version.split_once('/').map_or("", |(_, version)| version);
    let mut content = other.content.clone();
    crd::fill_in(&other.kind, version, &mut content);
    content
}

/// A listener of a Gateway.
#[derive(Debug, Clone, Copy)]
pub struct Listener<'a> {
    /// Its place in `spec.listeners`.
    pub index: usize,
    /// The listener.
    pub json: &'a Value,
}

impl<'a> Listener<'a> {
    /// The listeners of a Gateway, or of a ListenerSet.
    pub fn of(content: &'a Value) -> impl Iterator<Item = Self> + use<'a> {
        let listeners = list(content.pointer("/spec/listeners"));
        listeners.enumerate().map(|(index, json)| Self { index, json })
    }

    /// The path of one of its fields.
    pub fn path(&self, field: &str) -> String {
        format!("spec.listeners[{}].{field}", self.index)
    }

    /// A field that is a text.
    pub fn text(&self, pointer: &str) -> Option<&'a str> {
        text(self.json.pointer(pointer))
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        self.text("/name").unwrap_or_default()
    }

    /// Its protocol.
    pub fn protocol(&self) -> &'a str {
        self.text("/protocol").unwrap_or_default()
    }

    /// Its port.
    pub fn port(&self) -> Option<u64> {
        self.json.get("port").and_then(Value::as_u64)
    }

    /// Its TLS settings.
    pub fn tls(&self) -> Option<&'a Value> {
        self.json.get("tls").filter(|tls| tls.is_object())
    }
}

/// The class of a Gateway.
pub fn class(gateway: &Value) -> &str {
    text(gateway.pointer("/spec/gatewayClassName")).unwrap_or_default()
}

/// Whether a class is Istio's, or nobody's: then its Gateways wait for somebody.
/// `classes` are the cluster's; where they may not be listed, the name tells.
pub fn is_of_istio(class: &str, classes: Option<&[Value]>) -> bool {
    match classes.map(|classes| classes.iter().find(|one| one["metadata"]["name"] == class)) {
        Some(Some(found)) => found["spec"]["controllerName"] == CONTROLLER,
        Some(None) => true,
        None => class == CLASS,
    }
}

/// The labels by which the pods are selected that istiod makes for a Gateway.
pub fn pod_labels(gateway: &Value) -> BTreeMap<String, String> {
    let name = text(gateway.pointer("/metadata/name")).unwrap_or_default();
    BTreeMap::from([(NAME_LABEL.to_owned(), name.to_owned())])
}

/// All labels of those pods.
pub fn made_labels(gateway: &Value) -> BTreeMap<String, String> {
    let mut labels = pod_labels(gateway);
    labels.insert(CLASS_LABEL.to_owned(), class(gateway).to_owned());
    let own = gateway
        .pointer("/spec/infrastructure/labels")
        .and_then(Value::as_object);
    for (label, value) in own.into_iter().flatten() {
        labels.insert(label.clone(), value.as_str().unwrap_or_default().to_owned());
    }
    labels
}

/// The name of the Deployment and the Service that istiod makes for a Gateway.
pub fn made_name(name: &str, class: &str) -> String {
    format!("{name}-{class}")
}

/// Name and namespace of the Service that `spec.addresses` names: then the pods
/// behind it are the gateway, and istiod makes none. `namespace` is the Gateway's own.
pub fn service(gateway: &Value, namespace: &str) -> Option<(String, String)> {
    let mut addresses = list(gateway.pointer("/spec/addresses")).filter(|address| address["type"] == "Hostname");
    let address = text(addresses.next()?.get("value"))?;
    let mut labels = address.split('.');
    let name = labels.next()?.to_owned();
    Some((name, labels.next().unwrap_or(namespace).to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{is_of_istio, made_labels, service, stored};
    use crate::manifests::model::Other;

    fn gateway(spec: Value) -> Value {
        let mut gateway = json!({"metadata": {"name": "edge", "namespace": "web"}});
        gateway["spec"] = spec;
        gateway
    }

    #[test]
    fn classes_tell_whose_a_gateway_is() {
        let class =
            |name: &str, controller: &str| json!({"metadata": {"name": name}, "spec": {"controllerName": controller}});
        let classes = [
            class("edge", "istio.io/gateway-controller"),
            class("nginx", "nginx.org/controller"),
            class("istio-waypoint", "istio.io/mesh-controller"),
        ];
        for (name, listed, unlisted) in [
            ("edge", true, false),
            ("nginx", false, false),
            ("istio-waypoint", false, false),
            ("istio", true, true),
            ("isto", true, false),
        ] {
            assert_eq!(is_of_istio(name, Some(&classes)), listed, "{name}");
            assert_eq!(is_of_istio(name, None), unlisted, "{name}");
        }
    }

    #[test]
    fn a_service_may_be_named_in_place_of_pods() {
        let with =
            |value: &str, kind: &str| service(&gateway(json!({"addresses": [{"type": kind, "value": value}]})), "web");
        let both = |name: &str, namespace: &str| Some((name.to_owned(), namespace.to_owned()));
        assert_eq!(
            with("gw.istio-system.svc.cluster.local", "Hostname"),
            both("gw", "istio-system")
        );
        assert_eq!(with("gw", "Hostname"), both("gw", "web"));
        assert_eq!(with("192.0.2.1", "IPAddress"), None);
        assert_eq!(service(&gateway(json!({})), "web"), None);
    }

    #[test]
    fn pods_have_the_gateways_own_labels() {
        let labels = made_labels(&gateway(
            json!({"gatewayClassName": "istio", "infrastructure": {"labels": {"team": "shop"}}}),
        ));
        let found: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
        assert_eq!(
            found,
            [
                "gateway.networking.k8s.io/gateway-class-name=istio",
                "gateway.networking.k8s.io/gateway-name=edge",
                "team=shop"
            ]
        );
    }

    #[test]
    fn objects_are_stored_with_the_defaults_of_their_definition() {
        let other = |version: &str, content: Value| Other {
            api_version: format!("gateway.networking.k8s.io/{version}"),
            kind: "HTTPRoute".into(),
            content,
            ..Other::default()
        };
        let content = json!({"spec": {"rules": [{"backendRefs": [{"name": "a", "port": 80}]}]}});
        let found = stored(&other("v1", content.clone()));
        let rule = &found["spec"]["rules"][0];
        assert_eq!(rule["backendRefs"][0]["weight"], 1);
        assert_eq!(rule["matches"][0]["path"], json!({"type": "PathPrefix", "value": "/"}));
        // A version without a definition stays as it is.
        assert_eq!(stored(&other("v7", content.clone())), content);
    }
}
