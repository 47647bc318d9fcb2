//! A Gateway of the Gateway API, read as the Gateway that Istio makes of it:
//! its listeners are servers, its certificateRefs credential names, and its
//! selector is the label of the pods that istiod makes for it. So the same rules
//! judge both.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::facts::Labels;
use crate::manifests::model::Gateway;

/// The API's group.
pub const GROUP: &str = "gateway.networking.k8s.io";
/// The controller of the classes that istiod makes pods for.
const CONTROLLER: &str = "istio.io/gateway-controller";
/// The class that istiod makes.
const CLASS: &str = "istio";
/// The label of the pods that istiod makes for a Gateway.
const NAME_LABEL: &str = "gateway.networking.k8s.io/gateway-name";
/// Istio's option for client certificates.
const TERMINATE_MODE: &str = "gateway.istio.io/tls-terminate-mode";

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The class of a Gateway.
pub fn class(gateway: &Value) -> &str {
    text(&gateway["spec"]["gatewayClassName"])
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

/// The labels of the pods that istiod makes for a Gateway.
pub fn pod_labels(gateway: &Value) -> Labels {
    BTreeMap::from([(NAME_LABEL.to_owned(), text(&gateway["metadata"]["name"]).to_owned())])
}

/// The name of the Deployment and the Service that istiod makes for a Gateway.
pub fn made_name(name: &str, class: &str) -> String {
    format!("{name}-{class}")
}

/// Name and namespace of the Service that `spec.addresses` names: then the pods
/// behind it are the gateway, and istiod makes none.
pub fn service(gateway: &Value) -> Option<(String, String)> {
    let mut addresses = list(&gateway["spec"]["addresses"]).filter(|address| address["type"] == "Hostname");
    let address = addresses.next()?["value"].as_str()?;
    let mut labels = address.split('.');
    let name = labels.next()?.to_owned();
    let own = text(&gateway["metadata"]["namespace"]);
    Some((name, labels.next().unwrap_or(own).to_owned()))
}

/// What a Gateway's status holds as long as no controller has taken it up.
pub fn unclaimed(gateway: &Value) -> Option<String> {
    let conditions = || list(&gateway["status"]["conditions"]);
    let accepted = conditions().find(|condition| condition["type"] == "Accepted");
    match accepted {
        None => Some("its status has no condition Accepted".to_owned()),
        Some(condition) if condition["status"] == "Unknown" => Some(format!(
            "Accepted is Unknown ({}: {})",
            text(&condition["reason"]),
            text(&condition["message"])
        )),
        Some(_) => None,
    }
}

/// The Gateway that Istio makes of it, with this selector; none for an object
/// that is not of the API's shape.
pub fn gateway(value: &Value, selector: &Labels) -> Option<Gateway> {
    let own = text(&value["metadata"]["namespace"]);
    let servers: Vec<Value> = list(&value["spec"]["listeners"])
        .map(|listener| server(listener, own))
        .collect();
    serde_json::from_value(json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": "Gateway",
        "metadata": {"name": value["metadata"]["name"], "namespace": own},
        "spec": {"selector": selector, "servers": servers},
    }))
    .ok()
}

fn server(listener: &Value, own: &str) -> Value {
    let host = match text(&listener["hostname"]) {
        "" => "*".to_owned(),
        host => host.to_ascii_lowercase(),
    };
    let mut server = json!({
        "port": {"number": listener["port"], "name": listener["name"], "protocol": listener["protocol"]},
        "hosts": [host],
    });
    let tls = &listener["tls"];
    if !tls.is_object() {
        return server;
    }
    let mode = match (text(&tls["mode"]), text(&tls["options"][TERMINATE_MODE])) {
        ("Passthrough", _) => "PASSTHROUGH",
        (_, mode @ ("MUTUAL" | "OPTIONAL_MUTUAL" | "ISTIO_MUTUAL")) => mode,
        _ => "SIMPLE",
    };
    let references = list(&tls["certificateRefs"]).filter(|reference| {
        let group = text(&reference["group"]);
        group.is_empty() && reference["kind"].as_str().unwrap_or("Secret") == "Secret"
    });
    let names: Vec<String> = references
        .map(|reference| {
            let namespace = reference["namespace"].as_str().unwrap_or(own);
            format!("{namespace}/{}", text(&reference["name"]))
        })
        .collect();
    server["tls"] = json!({"mode": mode, "credentialNames": names});
    server
}

/// What the status says of the listeners: of each the first condition that is
/// not as it should be, with the listener's place in the spec.
pub fn listener_complaints(gateway: &Value) -> Vec<(usize, String)> {
    let place = |name: &Value| list(&gateway["spec"]["listeners"]).position(|listener| &listener["name"] == name);
    list(&gateway["status"]["listeners"])
        .filter_map(|listener| {
            let bad = ["Conflicted", "ResolvedRefs", "Accepted", "Programmed"]
                .into_iter()
                .find_map(|kind| {
                    let wrong = if kind == "Conflicted" { "True" } else { "False" };
                    list(&listener["conditions"]).find(|one| one["type"] == kind && one["status"] == wrong)
                })?;
            let words = format!(
                "{} is {} ({}: {})",
                text(&bad["type"]),
                text(&bad["status"]),
                text(&bad["reason"]),
                text(&bad["message"])
            );
            Some((place(&listener["name"])?, words))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{gateway, is_of_istio, listener_complaints, pod_labels, service, unclaimed};
    use crate::manifests::model::gateway::TlsMode;

    fn of_api(listeners: &Value) -> Value {
        json!({"metadata": {"name": "edge", "namespace": "web"}, "spec": {"gatewayClassName": "istio", "listeners": listeners}})
    }

    #[test]
    fn listeners_are_servers() {
        let value = of_api(&json!([
            {"name": "http", "port": 80, "protocol": "HTTP"},
            {"name": "https", "port": 443, "protocol": "HTTPS", "hostname": "A.example.com", "tls": {
                "certificateRefs": [{"name": "a"}, {"name": "b", "namespace": "other", "kind": "Secret", "group": ""},
                    {"name": "c", "kind": "Vault", "group": "x"}],
                "options": {"gateway.istio.io/tls-terminate-mode": "MUTUAL"}}},
            {"name": "tls", "port": 444, "protocol": "TLS", "tls": {"mode": "Passthrough"}},
        ]));
        let read = gateway(&value, &pod_labels(&value)).expect("a Gateway");
        let servers = &read.spec.servers;
        assert_eq!(read.spec.selector["gateway.networking.k8s.io/gateway-name"], "edge");
        assert!(servers[0].tls.is_none() && servers[0].hosts == ["*"]);
        let tls = servers[1].tls.as_ref().expect("TLS");
        assert_eq!((tls.mode, servers[1].port.number), (Some(TlsMode::Mutual), 443));
        assert_eq!(servers[1].hosts, ["a.example.com"]);
        assert_eq!(tls.credential_names, ["web/a", "other/b"]);
        let tls = servers[2].tls.as_ref().expect("TLS");
        assert_eq!(tls.mode, Some(TlsMode::Passthrough));
        assert!(gateway(&json!({"spec": 3}), &pod_labels(&json!({}))).is_none());
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
        let with = |value: &str, kind: &str| {
            let mut gateway = of_api(&json!([]));
            gateway["spec"]["addresses"] = json!([{"type": kind, "value": value}]);
            service(&gateway)
        };
        let both = |name: &str, namespace: &str| Some((name.to_owned(), namespace.to_owned()));
        assert_eq!(
            with("gw.istio-system.svc.cluster.local", "Hostname"),
            both("gw", "istio-system")
        );
        assert_eq!(with("gw", "Hostname"), both("gw", "web"));
        assert_eq!(with("192.0.2.1", "IPAddress"), None);
        assert_eq!(service(&of_api(&json!([]))), None);
    }

    #[test]
    fn the_status_tells_who_waits_and_what_is_wrong() {
        let mut value = of_api(&json!([{"name": "a"}, {"name": "b"}, {"name": "c"}]));
        assert!(unclaimed(&value).expect("words").contains("no condition"));
        let condition =
            |kind: &str, status: &str| json!({"type": kind, "status": status, "reason": "R", "message": "m"});
        value["status"]["conditions"] = json!([condition("Accepted", "Unknown")]);
        assert_eq!(unclaimed(&value).as_deref(), Some("Accepted is Unknown (R: m)"));
        value["status"]["conditions"] = json!([condition("Accepted", "False")]);
        assert_eq!(unclaimed(&value), None);
        value["status"]["listeners"] = json!([
            {"name": "b", "conditions": [condition("Programmed", "False"), condition("ResolvedRefs", "False")]},
            {"name": "a", "conditions": [condition("Programmed", "True"), condition("Conflicted", "False")]},
            {"name": "c", "conditions": [condition("Conflicted", "True")]},
            {"name": "gone", "conditions": [condition("Accepted", "False")]},
        ]);
        let expected = [
            (1, "ResolvedRefs is False (R: m)".to_owned()),
            (2, "Conflicted is True (R: m)".to_owned()),
        ];
        assert_eq!(listener_complaints(&value), expected);
    }
}
