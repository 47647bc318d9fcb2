//! What applying would change, as in `kubectl diff`. Values of Secrets are shown as SHA-256
//! fingerprints, and other key material is omitted. Pure.

use base64::Engine as _;
use serde_json::{Map, Value};
use similar::TextDiff;

use super::plan::LAST_APPLIED;
use crate::hex;
use crate::manifests::render;

/// Fields written by the server that a diff does not show.
const NOISE: &[&str] = &[
    "managedFields",
    "resourceVersion",
    "uid",
    "creationTimestamp",
    "generation",
    "selfLink",
];

/// The object for display: sorted, without fields that only a server writes, and without key
/// material.
pub fn shown(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in NOISE {
                metadata.shift_remove(*field);
            }
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut)
                && let Some(copy) = annotations.get_mut(LAST_APPLIED)
            {
                *copy = fingerprint_of(copy);
            }
        }
        if fields.get("kind").is_some_and(|kind| kind == "Secret") {
            for field in ["data", "stringData"] {
                if let Some(values) = fields.get_mut(field).and_then(Value::as_object_mut) {
                    for value in values.values_mut() {
                        *value = fingerprint_of(value);
                    }
                }
            }
        }
    }
    withhold(&mut object);
    sorted(&object)
}

/// The fingerprint of a value of a Secret: of its decoded bytes if it is base64.
fn fingerprint_of(value: &Value) -> Value {
    let text = value.as_str().unwrap_or_default();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap_or_else(|_| text.as_bytes().to_vec());
    Value::String(fingerprint(&bytes))
}

fn fingerprint(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    format!("sha256:{} ({} bytes)", hex::digits(digest.as_ref()), bytes.len())
}

/// Private keys outside of Secrets: in a ConfigMap, an EnvoyFilter, an annotation.
fn withhold(value: &mut Value) {
    match value {
        // As text, or in base64 (`-----BEGIN` at any of three offsets is `LS0tLS1CRUdJTi` at the first).
        Value::String(text) if text.contains("PRIVATE KEY") || text.contains("LS0tLS1CRUdJTi") => {
            *text = fingerprint(text.as_bytes());
        }
        Value::Array(items) => items.iter_mut().for_each(withhold),
        Value::Object(fields) => fields.values_mut().for_each(withhold),
        _ => {}
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort_unstable();
            let fields = names.into_iter().map(|name| (name.clone(), sorted(&fields[name])));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// Whether two objects are the same except for fields that only a server writes.
pub fn is_same(before: &Value, after: &Value) -> bool {
    shown(before) == shown(after)
}

/// The difference as a unified diff; none if there is none. `title` is the name in its header.
pub fn unified(before: Option<&Value>, after: Option<&Value>, title: &str) -> Option<String> {
    let text = |object: Option<&Value>| {
        object.map_or_else(String::new, |object| render::yaml_document(&shown(object)).to_string())
    };
    let (before, after) = (text(before), text(after));
    if before == after {
        return None;
    }
    let diff = TextDiff::from_lines(&before, &after);
    Some(
        diff.unified_diff()
            .context_radius(3)
            .header(&format!("live  {title}"), &format!("applied  {title}"))
            .to_string(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_same, unified};

    #[test]
    fn values_of_secrets_are_fingerprints() {
        let secret = |key: &str| {
            json!({"kind": "Secret", "data": {"tls.key": key}, "metadata": {"annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": format!("{{\"data\":{{\"tls.key\":\"{key}\"}}}}"),
            }}})
        };
        // "before" and "after" in base64.
        let text = unified(Some(&secret("YmVmb3Jl")), Some(&secret("YWZ0ZXI=")), "Secret n/s").expect("a difference");
        for hidden in ["YmVmb3Jl", "YWZ0ZXI="] {
            assert!(!text.contains(hidden), "{text}");
        }
        // printf after | sha256sum
        assert!(
            text.contains(
                "+  tls.key: sha256:f39592393ef0859cb196a52693d2cea00fb2df784b3c04ae54aa7cadb8e562f8 (5 bytes)"
            ),
            "{text}"
        );
        assert!(
            text.starts_with("--- live  Secret n/s\n+++ applied  Secret n/s\n@@"),
            "{text}"
        );
    }

    #[test]
    fn keys_elsewhere_are_withheld_too() {
        let object = json!({"kind": "ConfigMap", "data": {"a": "-----BEGIN PRIVATE KEY-----\nMII\n"},
            "spec": [{"inline": "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0t"}]});
        let text = unified(None, Some(&object), "ConfigMap n/c").expect("a difference");
        assert!(!text.contains("MII") && !text.contains("LS0t"), "{text}");
    }

    #[test]
    fn what_a_server_writes_is_no_difference() {
        let before = json!({"metadata": {"name": "a", "resourceVersion": "1", "uid": "u"}, "spec": {"a": 1, "b": 2}});
        let after = json!({"spec": {"b": 2, "a": 1}, "metadata": {"name": "a", "generation": 2}, "status": {}});
        assert!(is_same(&before, &after));
        assert_eq!(unified(Some(&before), Some(&after), "x"), None);
    }
}
