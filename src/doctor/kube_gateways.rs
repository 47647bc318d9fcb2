//! Reads a Gateway of the Gateway API as the Gateway that Istio generates from it: its listeners
//! are servers, its certificateRefs are credential names, and its selector is the label of the pods
//! that istiod creates for it. So the same rules apply to both.

use serde_json::{Value, json};

use super::facts::Labels;
use crate::manifests::gateway_api::TERMINATE_MODE;
use crate::manifests::model::Gateway;

pub use crate::manifests::gateway_api::{GROUP, class, is_of_istio, made_name, pod_labels, service};

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The state of a Gateway that no controller has accepted yet.
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

/// The Gateway that Istio generates from it, with this selector; none if the object is malformed.
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

/// The listeners' errors in the status: for each, the first bad condition, with the listener's
/// index in the spec.
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

    use super::{gateway, listener_complaints, pod_labels, unclaimed};
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
