//! The JSON Schema (draft 2020-12) of istio-tls.yaml, for editors and checks.
//! Pure; kept beside the types that it describes.

use serde_json::{Value, json};

use super::config::{IstioTarget, Mode, SecretStyle, ServerKey};

/// A DNS-1123 label (namespaces), as Kubernetes checks it.
const LABEL: &str = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";
/// A DNS-1123 subdomain (object names).
const SUBDOMAIN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/// The schema as a JSON document.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "istio-tls.yaml",
        "description": "A workspace of istio-tls: which hosts an Istio ingress gateway serves with HTTPS, and how",
        "type": "object",
        "required": ["version", "id"],
        "properties": {
            "version": {"const": super::file::VERSION, "description": "The file's format"},
            "id": {
                "type": "string",
                "pattern": "^[0-9a-f]{16}$",
                "description": "Random; marks this workspace's objects in a cluster"
            },
            "mode": choice(&words(Mode::WORDS), "mutual", "How clients are authenticated, unless a host says otherwise"),
            "secrets": choice(&words(SecretStyle::WORDS), "credential", "How the gateway gets certificates and keys"),
            "istio": choice(&words(IstioTarget::WORDS), "latest", "The Istio version that the manifests are for"),
            "context": {
                "type": "string",
                "minLength": 1,
                "description": "The kubeconfig context of the last apply, which asks before it uses another one"
            },
            "gateway": {
                "type": "object",
                "description": "The Gateway object",
                "properties": {
                    "name": named(SUBDOMAIN, "metadata.name"),
                    "namespace": named(LABEL, "metadata.namespace"),
                    "selector": {
                        "type": "object",
                        "description": "Labels of the gateway's pods",
                        "additionalProperties": {"type": "string"}
                    },
                    "podNamespace": named(LABEL, "The namespace of those pods, in which their Secrets must be")
                }
            },
            "hosts": {
                "type": ["array", "null"],
                "description": "The hosts, in the order in which they were created",
                "items": host()
            }
        }
    })
}

/// A host's entry.
fn host() -> Value {
    json!({
        "type": "object",
        "required": ["host", "credentialName"],
        "properties": {
            "host": {
                "type": "string",
                "minLength": 1,
                "maxLength": 253,
                "description": "A DNS name, a wildcard such as *.example.com, or an IP address"
            },
            "mode": choice(&words(Mode::WORDS), "mutual", "This host's mode; the workspace's if absent"),
            "credentialName": named(SUBDOMAIN, "The Secret with certificate and key"),
            "serverKey": choice(&words(ServerKey::WORDS), "here", "Where the key of the server certificate \
                is: with the certificate, or where the certificate request was created (gen-certs --csr), so \
                that rotate skips the host"),
            "routes": {
                "type": "array",
                "description": "Where requests go; if absent: the sample's routes, or / to the first label, \
                    port 8000",
                "items": {
                    "type": "object",
                    "required": ["service", "port"],
                    "oneOf": [{"required": ["exact"]}, {"required": ["prefix"]}],
                    "properties": {
                        "exact": {"type": "string", "pattern": "^/", "description": "The whole path"},
                        "prefix": {"type": "string", "pattern": "^/", "description": "The beginning of the path"},
                        "service": {"type": "string", "minLength": 1, "description": "The Service"},
                        "port": {"type": "integer", "minimum": 1, "maximum": 65535, "description": "The Service's port"}
                    }
                }
            },
            "clients": {
                "type": "array",
                "description": "Additional clients; the first is named like the host and not listed",
                "items": {"type": "string", "description": "The client's name"}
            }
        }
    })
}

fn named(pattern: &str, description: &str) -> Value {
    json!({"type": "string", "pattern": pattern, "maxLength": 253, "description": description})
}

fn words<T>(table: &[(&'static str, T)]) -> Vec<&'static str> {
    table.iter().map(|(word, _)| *word).collect()
}

fn choice(words: &[&str], default: &str, description: &str) -> Value {
    json!({"enum": words, "default": default, "description": description})
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::schema;
    use crate::workspace::file::WorkspaceFile;

    /// Every field that the types write is described, with its type.
    fn described(schema: &Value, value: &Value, path: &str) {
        if let Some(allowed) = schema["enum"].as_array() {
            assert!(allowed.contains(value), "{path}: {value} is not allowed");
        }
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let field = match &schema["properties"][name] {
                        Value::Null => &schema["additionalProperties"],
                        field => field,
                    };
                    assert!(field.is_object(), "{path}.{name} is not described");
                    described(field, value, &format!("{path}.{name}"));
                }
            }
            Value::Array(items) => {
                for item in items {
                    described(&schema["items"], item, &format!("{path}[]"));
                }
            }
            _ => {}
        }
    }

    #[test]
    fn what_is_written_is_described() {
        let file = WorkspaceFile::starter(Path::new("."), "0123456789abcdef");
        let mut config = file.config;
        config.hosts = serde_json::from_value(json!([{
            "host": "a.com", "mode": "simple", "credentialName": "a", "serverKey": "elsewhere",
            "routes": [{"exact": "/", "service": "a", "port": 80}, {"prefix": "/", "service": "a", "port": 80}],
            "clients": ["alice"]
        }]))
        .expect("hosts");
        described(&schema(), &serde_json::to_value(&config).expect("a value"), "");
    }
}
