//! The schemas and rules of the Gateway API that lint has: those of the
//! definitions themselves, and judged as crdcheck judges, which runs the API
//! server's own code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use istio_tls::manifests::crd::{FaultKind, GROUP, Judge};
use istio_tls::manifests::load;
use serde_json::{Value, json};

use crate::crd_schemas::accepts;
use crate::installed_tools::{installed, tools_folder};

/// The kinds that lint judges.
const KINDS: &[&str] = &[
    "BackendTLSPolicy",
    "GRPCRoute",
    "Gateway",
    "GatewayClass",
    "HTTPRoute",
    "ListenerSet",
    "ReferenceGrant",
    "TCPRoute",
    "TLSRoute",
];

fn definitions() -> PathBuf {
    installed(Path::new("crds-experimental/gateway.networking.k8s.io_gateways.yaml"));
    tools_folder().join("crds-experimental")
}

/// Without what is for people, and with the keys in order.
fn compact(value: &Value, is_schema: bool) -> Value {
    match value {
        Value::Object(fields) => {
            let mut kept = BTreeMap::new();
            for (name, value) in fields {
                let is_text =
                    is_schema && matches!(name.as_str(), "description" | "externalDocs" | "example" | "title");
                if is_text {
                    continue;
                }
                // The names of properties are no keywords.
                kept.insert(name.clone(), compact(value, !(is_schema && name == "properties")));
            }
            Value::Object(kept.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| compact(item, is_schema)).collect()),
        value => value.clone(),
    }
}

fn made() -> Value {
    let mut all = BTreeMap::new();
    let files = std::fs::read_dir(definitions()).expect("the definitions");
    for file in files {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("UTF-8");
        for document in load::values(&text).expect("YAML") {
            let kind = document["spec"]["names"]["kind"].as_str().unwrap_or_default();
            if document["kind"] != "CustomResourceDefinition"
                || document["spec"]["group"] != GROUP
                || !KINDS.contains(&kind)
            {
                continue;
            }
            let mut schemas: Vec<Value> = Vec::new();
            let mut versions = BTreeMap::new();
            for version in document["spec"]["versions"].as_array().expect("versions") {
                let mut schema = compact(&version["schema"]["openAPIV3Schema"], true);
                let properties = schema["properties"].as_object_mut().expect("properties");
                for field in ["apiVersion", "kind", "metadata", "status"] {
                    properties.remove(field);
                }
                let place = schemas.iter().position(|known| *known == schema).unwrap_or_else(|| {
                    schemas.push(schema);
                    schemas.len() - 1
                });
                let name = version["name"].as_str().expect("a name").to_owned();
                versions.insert(name, json!({"schema": place, "served": version["served"]}));
            }
            all.insert(kind.to_owned(), json!({"schemas": schemas, "versions": versions}));
        }
    }
    assert_eq!(all.len(), KINDS.len());
    json!(all)
}

#[test]
fn the_committed_schemas_are_those_of_the_definitions() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manifests/crd/gateway-api.json");
    let text = made().to_string() + "\n";
    if std::env::var_os("ISTIO_TLS_BLESS").is_some() {
        std::fs::write(&committed, &text).expect("written");
    }
    assert!(
        std::fs::read_to_string(&committed).expect("committed") == text,
        "run scripts/gateway-api-schemas"
    );
}

fn objects() -> Vec<Value> {
    let object = |kind: &str, spec: Value| json!({"apiVersion": format!("{GROUP}/v1"), "kind": kind, "metadata": {"name": "a", "namespace": "b"}, "spec": spec});
    vec![
        object(
            "Gateway",
            json!({"gatewayClassName": "istio", "addresses": [{"type": "IPAddress", "value": "10.0.0.1"}], "listeners": [
                {"name": "http", "port": 80, "protocol": "HTTP", "hostname": "a.example.com"},
                {"name": "https", "port": 443, "protocol": "HTTPS", "tls": {"mode": "Terminate",
                    "certificateRefs": [{"name": "c"}], "options": {"example.com/a": "b"}},
                    "allowedRoutes": {"namespaces": {"from": "All"}, "kinds": [{"kind": "HTTPRoute"}]}}]}),
        ),
        object(
            "HTTPRoute",
            json!({"parentRefs": [{"name": "g", "sectionName": "http"}, {"name": "g", "sectionName": "https"}],
                "hostnames": ["a.example.com"], "rules": [{
                    "matches": [{"path": {"type": "PathPrefix", "value": "/a"}, "method": "GET",
                        "headers": [{"name": "x", "value": "v"}], "queryParams": [{"name": "q", "value": "v"}]}],
                    "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x", "value": "y"}]}},
                        {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/b"}}}],
                    "backendRefs": [{"name": "s", "port": 80, "weight": 1}],
                    "timeouts": {"request": "10s", "backendRequest": "2s"}}]}),
        ),
        object(
            "GRPCRoute",
            json!({"parentRefs": [{"name": "g"}], "rules": [{"matches": [{"method": {"service": "a.B", "method": "C"}}],
                "filters": [{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "s", "port": 80}, "percent": 5}}],
                "backendRefs": [{"name": "s", "port": 80}]}]}),
        ),
        object(
            "TLSRoute",
            json!({"parentRefs": [{"name": "g"}], "hostnames": ["a.example.com"], "rules": [{"backendRefs": [{"name": "s", "port": 443}]}]}),
        ),
        object(
            "TCPRoute",
            json!({"parentRefs": [{"name": "g"}], "rules": [{"backendRefs": [{"name": "s", "port": 443}]}]}),
        ),
        object(
            "ReferenceGrant",
            json!({"from": [{"group": GROUP, "kind": "Gateway", "namespace": "x"}], "to": [{"group": "", "kind": "Secret"}]}),
        ),
        object(
            "BackendTLSPolicy",
            json!({"targetRefs": [{"group": "", "kind": "Service", "name": "s"}],
                "validation": {"hostname": "a.example.com", "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}]}}),
        ),
        object(
            "ListenerSet",
            json!({"parentRef": {"name": "g"}, "listeners": [{"name": "a", "port": 8080, "protocol": "HTTP"}]}),
        ),
    ]
}

/// Values that are put in place of each value.
fn others() -> Vec<Value> {
    let long = "a".repeat(300);
    vec![
        json!(null),
        json!(0),
        json!(-1),
        json!(70000),
        json!(1.5),
        json!(true),
        json!(""),
        json!("*"),
        json!("a"),
        json!("TLS"),
        json!("HTTP"),
        json!("Terminate"),
        json!("Passthrough"),
        json!("Exact"),
        json!("RegularExpression"),
        json!("/a//b"),
        json!("a.example.com"),
        json!("*.example.com"),
        json!("10.0.0.1"),
        json!("1m"),
        json!("Service"),
        json!([]),
        json!({}),
        json!([{}]),
        json!(long),
    ]
}

/// The object with one value replaced, dropped or repeated, for every value of it.
fn mutated(object: &Value) -> Vec<Value> {
    let mut pointers = Vec::new();
    collect(object, String::new(), &mut pointers);
    let mut all = vec![object.clone()];
    for pointer in pointers.iter().filter(|pointer| pointer.starts_with("/spec")) {
        for other in others() {
            let mut changed = object.clone();
            *changed.pointer_mut(pointer).expect("a value") = other;
            all.push(changed);
        }
        let mut without = object.clone();
        let (above, name) = pointer.rsplit_once('/').expect("a pointer");
        match without.pointer_mut(above) {
            Some(Value::Object(fields)) => drop(fields.remove(&name.replace("~1", "/"))),
            Some(Value::Array(items)) => {
                let place: usize = name.parse().expect("a place");
                items.push(items[place].clone());
            }
            _ => continue,
        }
        all.push(without);
    }
    all
}

fn collect(value: &Value, at: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(value, format!("{at}/{}", name.replace('/', "~1")), pointers);
            }
        }
        Value::Array(items) => {
            for (place, value) in items.iter().enumerate() {
                collect(value, format!("{at}/{place}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(at);
}

#[test]
fn objects_are_judged_as_an_api_server_judges_them() {
    let judge = Judge::default();
    let all: Vec<Value> = objects().iter().flat_map(mutated).collect();
    let theirs = accepts(&all, &definitions());
    assert_eq!(theirs.len(), all.len());
    assert!(theirs.iter().filter(|accepted| **accepted).count() > 100);
    let mut wrong = Vec::new();
    for (object, accepted) in all.iter().zip(&theirs) {
        let kind = object["kind"].as_str().expect("a kind");
        let faults = judge.faults(kind, "v1", object);
        let ours = !faults.iter().any(|fault| fault.kind != FaultKind::Unknown);
        if ours != *accepted {
            wrong.push(format!("accepted: {accepted}, ours: {faults:?}\n  {object}"));
        }
    }
    assert!(
        wrong.len() * 1000 <= all.len(),
        "{} of {}:\n{}",
        wrong.len(),
        all.len(),
        wrong[..wrong.len().min(10)].join("\n")
    );
}
