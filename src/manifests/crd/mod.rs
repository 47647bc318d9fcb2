//! Validates Gateway API objects like an API server, with the schemas and CEL rules of the
//! CustomResourceDefinitions. `scripts/gateway-api-schemas` generates `gateway-api.json` from them;
//! it is parsed when the first such object is validated.

mod cel;
mod schema;

use std::sync::OnceLock;

use serde_json::Value;

use cel::Rules;

/// The group of the definitions.
pub const GROUP: &str = "gateway.networking.k8s.io";

/// Something that an API server refuses or drops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field's path, such as `spec.listeners[0].port`.
    pub path: String,
    /// What is wrong, as a fragment.
    pub what: String,
    /// The kind of fault.
    pub kind: FaultKind,
}

/// Kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// A value that the schema refuses.
    Value,
    /// A violated validation rule.
    Rule,
    /// A field that is not in the schema, and that an API server drops.
    Unknown,
}

/// Validates objects; caches compiled rules.
#[derive(Default)]
pub struct Judge {
    rules: Rules,
}

impl Judge {
    /// Validates an object of a kind and version of [`GROUP`]; objects without a known definition
    /// are not validated.
    pub fn faults(&self, kind: &str, version: &str, content: &Value) -> Vec<Fault> {
        let Some(schema) = schema_of(kind, version) else {
            return Vec::new();
        };
        let mut faults = Vec::new();
        let mut object = content.clone();
        schema::fill_in(schema, &mut object);
        schema::unknown_fields(schema, &object, &mut faults);
        let known = faults.len();
        schema::check(schema, &object, "", &mut faults);
        // As in an API server, rules are evaluated only if the schema matches.
        if faults.len() == known {
            self.rules.check(schema, &object, "", &mut faults);
        }
        faults
    }
}

/// Fills in the defaults of an object's definition, like an API server before storing it.
pub fn fill_in(kind: &str, version: &str, object: &mut Value) {
    if let Some(schema) = schema_of(kind, version) {
        schema::fill_in(schema, object);
    }
}

/// Whether the definition of a kind has a version, served or not; none if there is no known
/// definition.
pub fn has_version(kind: &str, version: &str) -> Option<bool> {
    let versions = definitions().get(kind)?.get("versions")?;
    Some(versions.get(version).is_some())
}

fn schema_of(kind: &str, version: &str) -> Option<&'static Value> {
    let definition = definitions().get(kind)?;
    let place = definition.get("versions")?.get(version)?.get("schema")?.as_u64()?;
    definition.get("schemas")?.get(usize::try_from(place).ok()?)
}

fn definitions() -> &'static Value {
    static READ: OnceLock<Value> = OnceLock::new();
    READ.get_or_init(|| serde_json::from_str(include_str!("gateway-api.json")).unwrap_or_default())
}

/// The path of a subfield.
fn below(path: &str, name: &str) -> String {
    if name.is_empty() || name.contains(['.', '[', ']', '"', '/']) {
        format!("{path}[\"{name}\"]")
    } else if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// The path of an item of a list.
fn item(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{FaultKind, Judge, definitions, has_version};

    fn gateway(listeners: &Value) -> Value {
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "g"},
            "spec": {"gatewayClassName": "istio", "listeners": listeners}
        })
    }

    fn faults(listeners: &Value) -> Vec<(String, FaultKind)> {
        let found = Judge::default().faults("Gateway", "v1", &gateway(listeners));
        found.into_iter().map(|fault| (fault.path, fault.kind)).collect()
    }

    #[test]
    fn values_rules_and_unknown_fields() {
        let good = json!({"name": "a", "port": 80, "protocol": "HTTP"});
        assert_eq!(faults(&json!([good])), []);
        for (listener, path, kind) in [
            (
                json!({"name": "a", "port": "80", "protocol": "HTTP"}),
                "spec.listeners[0].port",
                FaultKind::Value,
            ),
            (
                json!({"name": "a", "port": 65536, "protocol": "HTTP"}),
                "spec.listeners[0].port",
                FaultKind::Value,
            ),
            (
                json!({"name": "a", "protocol": "HTTP"}),
                "spec.listeners[0].port",
                FaultKind::Value,
            ),
            (
                json!({"name": "a", "port": 80, "protocol": "HTTP", "hostname": "A.com"}),
                "spec.listeners[0].hostname",
                FaultKind::Value,
            ),
            (
                json!({"name": "a", "port": 80, "protocol": "HTTP", "hostnam": "a.com"}),
                "spec.listeners[0].hostnam",
                FaultKind::Unknown,
            ),
            (
                json!({"name": "a", "port": 443, "protocol": "TLS"}),
                "spec.listeners",
                FaultKind::Rule,
            ),
            (
                json!({"name": "a", "port": 443, "protocol": "HTTPS", "tls": {"mode": "Passthrough"}}),
                "spec.listeners",
                FaultKind::Rule,
            ),
            // The default mode is Terminate.
            (
                json!({"name": "a", "port": 443, "protocol": "HTTPS", "tls": {}}),
                "spec.listeners[0].tls",
                FaultKind::Rule,
            ),
        ] {
            assert_eq!(faults(&json!([listener])), [(path.to_owned(), kind)], "{listener}");
        }
        let twice = json!([good, {"name": "a", "port": 81, "protocol": "HTTP"}]);
        let found = faults(&twice);
        assert_eq!(found, [("spec.listeners[1]".to_owned(), FaultKind::Value)]);
    }

    #[test]
    fn every_rule_is_compiled() {
        let Value::Object(definitions) = definitions() else {
            panic!("no definitions");
        };
        let mut rules = 0;
        for definition in definitions.values() {
            each_rule(definition, &mut |rule| {
                rules += 1;
                super::cel::compiles(rule).unwrap_or_else(|error| panic!("{rule}: {error}"));
            });
        }
        assert!(rules > 100, "{rules}");
        assert_eq!(has_version("HTTPRoute", "v1"), Some(true));
        assert_eq!(has_version("HTTPRoute", "v9"), Some(false));
        assert_eq!(has_version("Nothing", "v1"), None);
    }

    fn each_rule(value: &Value, seen: &mut impl FnMut(&str)) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if name == "x-kubernetes-validations" {
                        let rules = value.as_array().into_iter().flatten();
                        rules.filter_map(|rule| rule["rule"].as_str()).for_each(&mut *seen);
                    } else {
                        each_rule(value, seen);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| each_rule(item, seen)),
            _ => {}
        }
    }
}
