//! The objects to send to a cluster: without fields that only a server writes, in dependency order,
//! with their labels. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::WORKSPACE_LABEL;
use crate::manifests::naming::{MANAGED_BY, MANAGED_BY_LABEL};
use crate::problem::Problem;

/// The stage in which an object is applied; deletion uses the reverse order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Namespaces and CRDs.
    Namespace,
    /// Service accounts, Secrets and other references of workloads.
    Secret,
    /// Services and workloads.
    Workload,
    /// Gateways.
    Gateway,
    /// VirtualServices and other routes.
    Route,
    /// The gateway's own Deployment, with the volumes of its Secrets.
    Volumes,
}

/// An object to apply.
#[derive(Clone)]
pub struct Wanted {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.namespace`, as written.
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
    /// Its stage.
    pub stage: Stage,
    /// Whether it changes part of an object that someone else created.
    pub is_patch: bool,
    content: Value,
}

/// Changes by [`wanted`] that the author of a manifest should know.
#[derive(Debug, Default)]
pub struct Wishes {
    /// In words.
    pub notes: Vec<String>,
}

/// API versions of Deployments before apps/v1.
const OLD_DEPLOYMENTS: &[&str] = &["extensions/v1beta1", "apps/v1beta1", "apps/v1beta2"];
/// Fields of `metadata` that only a server writes.
const SERVER_METADATA: &[&str] = &[
    "managedFields",
    "resourceVersion",
    "uid",
    "creationTimestamp",
    "generation",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];
/// The copy of the object that `kubectl apply` stores; for a Secret, it contains its keys.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Prepares objects for applying, in order.
///
/// # Errors
/// If one has no name, a name that is not valid in a path, or occurs twice.
pub fn wanted(contents: Vec<Value>) -> Result<(Vec<Wanted>, Wishes), Problem> {
    let mut wishes = Wishes::default();
    let mut all = Vec::with_capacity(contents.len());
    let mut seen = BTreeSet::new();
    for content in contents {
        let object = one(content, &mut wishes)?;
        let id = (
            super::resources::group(&object.api_version).to_owned(),
            object.kind.clone(),
            object.namespace.clone(),
            object.name.clone(),
        );
        if !seen.insert(id) {
            return Err(Problem::new(format!("{} {} occurs twice", object.kind, object.name))
                .why("the second would replace the first")
                .fix("keep one of them"));
        }
        all.push(object);
    }
    // Stable: within a stage, the input order is kept.
    all.sort_by_key(|object| object.stage);
    Ok((all, wishes))
}

fn one(mut content: Value, wishes: &mut Wishes) -> Result<Wanted, Problem> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let kind = text(&content["kind"]).unwrap_or_default();
    let Some(name) = text(&content["metadata"]["name"]).filter(|name| !name.is_empty()) else {
        return Err(Problem::new(format!("an object of kind {kind} has no metadata.name"))
            .why("server-side apply identifies an object by its name; generateName creates a new one each time")
            .fix("give it a name"));
    };
    let namespace = text(&content["metadata"]["namespace"]).filter(|namespace| !namespace.is_empty());
    for (field, value) in [("name", Some(&name)), ("namespace", namespace.as_ref())] {
        if let Some(value) = value
            && !is_path_segment(value)
        {
            return Err(
                Problem::new(format!("{kind} {name:?}: metadata.{field} {value:?} is not valid"))
                    .why("it contains characters that are not allowed in Kubernetes names"),
            );
        }
    }
    clean(&mut content);
    let mut api_version = text(&content["apiVersion"]).unwrap_or_default();
    if kind == "Deployment" && OLD_DEPLOYMENTS.contains(&api_version.as_str()) {
        wishes.notes.push(format!(
            "Deployment {name} is applied as apps/v1: API servers since Kubernetes 1.16 do not accept {api_version}"
        ));
        modernise(&mut content);
        "apps/v1".clone_into(&mut api_version);
    }
    if kind == "Secret" {
        encode_string_data(&mut content);
    }
    let is_patch = kind == "Deployment" && content["spec"].get("selector").is_none();
    Ok(Wanted {
        stage: stage(&api_version, &kind, is_patch),
        api_version,
        kind,
        namespace,
        name,
        is_patch,
        content,
    })
}

/// Names are used in paths unchanged.
fn is_path_segment(name: &str) -> bool {
    name != "."
        && name != ".."
        && name.len() <= 253
        && (name.bytes()).all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':' | b'_'))
}

fn clean(content: &mut Value) {
    if let Some(object) = content.as_object_mut() {
        object.shift_remove("status");
    }
    let Some(metadata) = content.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    for field in SERVER_METADATA {
        metadata.shift_remove(*field);
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.shift_remove(LAST_APPLIED);
        if annotations.is_empty() {
            metadata.shift_remove("annotations");
        }
    }
}

/// extensions/v1beta1 derived the selector from the template's labels.
fn modernise(content: &mut Value) {
    content["apiVersion"] = json!("apps/v1");
    let labels = content["spec"]["template"]["metadata"]["labels"].clone();
    if let Some(spec) = content.get_mut("spec").and_then(Value::as_object_mut)
        && !spec.contains_key("selector")
        && labels.is_object()
    {
        spec.insert("selector".to_owned(), json!({"matchLabels": labels}));
    }
}

/// `stringData` is write-only and never owned, so it could not be removed again; `data` is
/// equivalent.
fn encode_string_data(content: &mut Value) {
    use base64::Engine as _;
    let Some(object) = content.as_object_mut() else { return };
    let Some(Value::Object(texts)) = object.shift_remove("stringData") else {
        return;
    };
    let data = object.entry("data").or_insert_with(|| Value::Object(Map::new()));
    if !data.is_object() {
        *data = Value::Object(Map::new());
    }
    for (key, text) in texts {
        if let Some(text) = text.as_str() {
            data[key] = json!(base64::engine::general_purpose::STANDARD.encode(text));
        }
    }
}

/// The stage of objects of this kind.
pub fn stage(api_version: &str, kind: &str, is_patch: bool) -> Stage {
    let group = super::resources::group(api_version);
    match (group, kind) {
        _ if is_patch => Stage::Volumes,
        ("", "Namespace") | ("apiextensions.k8s.io", _) => Stage::Namespace,
        ("", "Secret" | "ConfigMap" | "ServiceAccount") | ("rbac.authorization.k8s.io" | "cert-manager.io", _) => {
            Stage::Secret
        }
        ("networking.istio.io" | "gateway.networking.k8s.io", "Gateway" | "GatewayClass") => Stage::Gateway,
        ("networking.istio.io" | "gateway.networking.k8s.io", _) => Stage::Route,
        _ => Stage::Workload,
    }
}

/// The labels that an object gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks<'w> {
    /// It belongs to this workspace.
    Workspace(&'w str),
    /// It existed before and belongs to someone else, or there is no workspace: its labels are left
    /// alone.
    None,
}

impl Wanted {
    /// The object to send, in `namespace` if its kind is namespaced.
    pub fn body(&self, namespace: Option<&str>, marks: Marks<'_>) -> Value {
        let mut body = self.content.clone();
        let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) else {
            return body;
        };
        match namespace {
            Some(namespace) => metadata.insert("namespace".to_owned(), json!(namespace)),
            None => metadata.shift_remove("namespace"),
        };
        let labels = metadata.entry("labels").or_insert_with(|| Value::Object(Map::new()));
        if let Some(labels) = labels.as_object_mut() {
            // Another workspace's label in a manifest must not be applied by this one.
            labels.shift_remove(WORKSPACE_LABEL);
            match marks {
                // A namespace outlives the workspace: others put objects into it.
                Marks::Workspace(id) if !self.is_patch && self.kind != "Namespace" => {
                    labels.insert(MANAGED_BY_LABEL.to_owned(), json!(MANAGED_BY));
                    labels.insert(WORKSPACE_LABEL.to_owned(), json!(id));
                }
                _ => {
                    if labels.get(MANAGED_BY_LABEL).is_some_and(|value| value == MANAGED_BY) {
                        labels.shift_remove(MANAGED_BY_LABEL);
                    }
                }
            }
            if labels.is_empty() {
                metadata.shift_remove("labels");
            }
        }
        body
    }

    /// Whether it is a Secret.
    pub fn is_secret(&self) -> bool {
        self.kind == "Secret" && self.api_version == "v1"
    }

    /// `Kind namespace/name`; the default namespace is `default`.
    pub fn title(&self, default: &str) -> String {
        match (self.kind.as_str(), &self.namespace) {
            ("Namespace", _) => format!("{} {}", self.kind, self.name),
            (_, namespace) => format!(
                "{} {}/{}",
                self.kind,
                namespace.as_deref().unwrap_or(default),
                self.name
            ),
        }
    }
}

/// Keys of Secrets that Istio and Envoy read; if a Secret has both sets, Istio prefers `cert` and
/// `key`.
const CREDENTIAL_KEYS: &[&str] = &["cert", "key", "cacert", "crl", "tls.crt", "tls.key", "ca.crt", "ca.crl"];

/// Those of [`CREDENTIAL_KEYS`] that only serve to verify clients: CAs, then their CRLs.
const CA_KEYS: &[&str] = &["cacert", "ca.crt", "crl", "ca.crl"];

/// The type of an existing Secret, compared with the wanted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretType {
    /// It is the same, or there is no Secret yet.
    Fits,
    /// It differs, but can hold the wanted data; a type cannot be changed.
    Keep(String),
    /// It cannot hold the wanted data, or the Secret is immutable, with the reason.
    Misfit(String),
}

/// Compares `body` with the existing Secret.
pub fn secret_type(body: &Value, live: &Value) -> SecretType {
    let of = |secret: &Value| secret["type"].as_str().unwrap_or("Opaque").to_owned();
    let (wanted, there) = (of(body), of(live));
    if live["immutable"] == true && live["data"] != body["data"] {
        return SecretType::Misfit("it is immutable".to_owned());
    }
    if wanted == there {
        return SecretType::Fits;
    }
    let has = |key: &str| body["data"].get(key).is_some();
    let fits = match there.as_str() {
        "kubernetes.io/tls" => has("tls.crt") && has("tls.key"),
        // Built-in types require their own keys.
        other => !other.starts_with("kubernetes.io/") && !other.starts_with("bootstrap.kubernetes.io/"),
    };
    if fits {
        SecretType::Keep(there)
    } else {
        SecretType::Misfit(format!(
            "its type is {there} instead of {wanted}, and a type cannot be changed"
        ))
    }
}

/// Keys of the existing Secret that would remain next to those of `body` and be read instead: those
/// that this program has not applied. A CA of others remains if `body` has none, because none is
/// read in mode simple.
pub fn leftover_keys(body: &Value, live: &Value) -> Vec<String> {
    let verifies_clients = CA_KEYS[..2].iter().any(|key| body["data"].get(*key).is_some());
    CREDENTIAL_KEYS
        .iter()
        .filter(|key| live["data"].get(**key).is_some() && body["data"].get(**key).is_none())
        .filter(|key| verifies_clients || !CA_KEYS.contains(key))
        .filter(|key| !applied_by_us_alone(live, key))
        .map(|key| (*key).to_owned())
        .collect()
}

fn applied_by_us_alone(live: &Value, key: &str) -> bool {
    let field = format!("f:{key}");
    let entries = live["metadata"]["managedFields"].as_array().into_iter().flatten();
    let mut owners = entries.filter(|entry| entry["fieldsV1"]["f:data"].get(&field).is_some());
    let ours = |entry: &Value| entry["manager"] == super::FIELD_MANAGER && entry["operation"] == "Apply";
    owners.next().is_some_and(ours) && owners.all(ours)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Marks, SecretType, leftover_keys, secret_type, wanted};

    fn object(api_version: &str, kind: &str, name: &str) -> Value {
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "n"}})
    }

    #[test]
    fn objects_stand_in_the_order_in_which_they_need_each_other() {
        let mut patch = object("apps/v1", "Deployment", "istio-ingressgateway");
        patch["spec"] = json!({"template": {}});
        let mut workload = object("apps/v1", "Deployment", "httpbin");
        workload["spec"] = json!({"selector": {}});
        let (found, _) = wanted(vec![
            patch,
            object("networking.istio.io/v1", "VirtualService", "v"),
            object("networking.istio.io/v1", "Gateway", "g"),
            workload,
            object("v1", "Service", "s"),
            object("v1", "Secret", "c"),
            object("v1", "Namespace", "n"),
        ])
        .expect("a plan");
        let kinds: Vec<&str> = found.iter().map(|object| object.name.as_str()).collect();
        assert_eq!(kinds, ["n", "c", "httpbin", "s", "g", "v", "istio-ingressgateway"]);
        assert!(found[6].is_patch && !found[2].is_patch);
    }

    #[test]
    fn what_a_server_writes_is_not_sent_back() {
        let mut secret = object("v1", "Secret", "s");
        secret["metadata"]["uid"] = json!("u");
        secret["metadata"]["managedFields"] = json!([]);
        secret["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"});
        secret["stringData"] = json!({"tls.key": "x"});
        secret["status"] = json!({});
        let (found, _) = wanted(vec![secret]).expect("a plan");
        assert_eq!(
            found[0].body(Some("n"), Marks::Workspace("id")),
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"tls.key": "eA=="}, "metadata": {
                "name": "s", "namespace": "n",
                "labels": {"app.kubernetes.io/managed-by": "istio-tls", "istio-tls.dev/workspace": "id"},
            }})
        );
    }

    #[test]
    fn labels_of_others_are_left_alone() {
        let mut gateway = object("networking.istio.io/v1", "Gateway", "g");
        gateway["metadata"]["labels"] =
            json!({"app.kubernetes.io/managed-by": "istio-tls", "istio-tls.dev/workspace": "x", "a": "b"});
        let (found, _) = wanted(vec![gateway]).expect("a plan");
        assert_eq!(
            found[0].body(Some("n"), Marks::None)["metadata"]["labels"],
            json!({"a": "b"})
        );
    }

    #[test]
    fn old_deployments_are_of_apps_v1_with_a_selector() {
        let mut old = object("extensions/v1beta1", "Deployment", "d");
        old["spec"] = json!({"template": {"metadata": {"labels": {"app": "d"}}}});
        let (found, wishes) = wanted(vec![old]).expect("a plan");
        let body = found[0].body(Some("n"), Marks::None);
        assert_eq!(body["apiVersion"], "apps/v1");
        assert_eq!(body["spec"]["selector"], json!({"matchLabels": {"app": "d"}}));
        assert_eq!(wishes.notes.len(), 1);
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["../x", "a/b", "a?b", "a%2fb", "..", ""] {
            assert!(wanted(vec![object("v1", "Secret", name)]).is_err(), "{name}");
        }
        assert!(wanted(vec![object("v1", "Secret", "a"), object("v1", "Secret", "a")]).is_err());
    }

    #[test]
    fn a_type_is_kept_where_it_fits() {
        let pair = json!({"tls.crt": "a", "tls.key": "b"});
        for (there, data, expected) in [
            ("kubernetes.io/tls", pair.clone(), SecretType::Fits),
            ("Opaque", pair.clone(), SecretType::Keep("Opaque".into())),
            (
                "example.com/own",
                pair.clone(),
                SecretType::Keep("example.com/own".into()),
            ),
        ] {
            let body = json!({"type": "kubernetes.io/tls", "data": data});
            assert_eq!(secret_type(&body, &json!({"type": there})), expected, "{there}");
        }
        let opaque = json!({"type": "Opaque", "data": {"cert": "a", "key": "b"}});
        for there in ["kubernetes.io/tls", "kubernetes.io/dockercfg"] {
            assert!(matches!(
                secret_type(&opaque, &json!({"type": there})),
                SecretType::Misfit(_)
            ));
        }
        let frozen = json!({"type": "Opaque", "immutable": true, "data": {}});
        assert!(matches!(secret_type(&opaque, &frozen), SecretType::Misfit(_)));
    }

    #[test]
    fn keys_of_others_that_would_be_read_first_are_seen() {
        let body = json!({"data": {"tls.crt": "a", "tls.key": "b"}});
        let entry = |manager: &str, operation: &str, key: &str| {
            json!({"manager": manager, "operation": operation,
            "fieldsV1": {"f:data": {(format!("f:{key}")): {}}}})
        };
        let live = json!({
            "data": {"tls.crt": "a", "cert": "a", "ca.crt": "a", "notes": "a"},
            "metadata": {"managedFields": [
                entry("kubectl-create", "Update", "cert"),
                entry("istio-tls", "Apply", "ca.crt"),
            ]},
        });
        assert_eq!(leftover_keys(&body, &live), ["cert"]);
        // From cert-manager, next to our pair with and without a CA.
        let issued = json!({"data": {"tls.crt": "a", "tls.key": "b", "ca.crt": "c", "cacert": "d"}});
        assert!(leftover_keys(&body, &issued).is_empty());
        let mutual = json!({"data": {"tls.crt": "a", "tls.key": "b", "ca.crt": "c"}});
        assert_eq!(leftover_keys(&mutual, &issued), ["cacert"]);
    }
}
