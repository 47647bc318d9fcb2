//! The owner of a live object and the managers of its fields, from its metadata. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{FIELD_MANAGER, WORKSPACE_LABEL};
use crate::manifests::naming::{MANAGED_BY, MANAGED_BY_LABEL};

/// The owner of a live object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// This workspace.
    Ours,
    /// Created by this program, but without a workspace.
    Unmarked,
    /// Another workspace, with this ID.
    Workspace(String),
    /// Someone else, with the names of its field managers.
    Others(Vec<String>),
}

/// Determines the owner of `object`, for the workspace with this ID. A workspace's label counts
/// only if this program applied it, because a copy of an object, created by someone else, also has
/// it.
pub fn owner(object: &Value, workspace: Option<&str>) -> Owner {
    let labels = &object["metadata"]["labels"];
    let id = labels[WORKSPACE_LABEL].as_str();
    let applied = &applied_fields(object, FIELD_MANAGER)["f:metadata"]["f:labels"];
    match id {
        Some(_) if applied.get(format!("f:{WORKSPACE_LABEL}")).is_none() => Owner::Others(managers(object)),
        Some(id) if Some(id) == workspace => Owner::Ours,
        Some(id) => Owner::Workspace(id.to_owned()),
        None if labels[MANAGED_BY_LABEL] == MANAGED_BY => Owner::Unmarked,
        None => match managers(object) {
            // Applied with -f without a workspace.
            others if others.is_empty() && is_applied_by(object, FIELD_MANAGER) => Owner::Unmarked,
            others => Owner::Others(others),
        },
    }
}

/// The managers of an object's fields, except this program.
pub fn managers(object: &Value) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let names: BTreeSet<&str> = entries
        .filter(|entry| entry["subresource"].as_str().unwrap_or_default().is_empty())
        .filter_map(|entry| entry["manager"].as_str())
        .filter(|name| *name != FIELD_MANAGER)
        .collect();
    names.into_iter().map(str::to_owned).collect()
}

/// The controller that reconciles an object, in words: it reverts changes by others. None if
/// unknown.
pub fn controller(object: &Value) -> Option<String> {
    let metadata = &object["metadata"];
    if let Some(name) = metadata["annotations"]["cert-manager.io/certificate-name"].as_str() {
        return Some(format!("cert-manager (Certificate {name})"));
    }
    let owners = metadata["ownerReferences"].as_array().into_iter().flatten();
    let mut controllers = owners.filter(|owner| owner["controller"] == true);
    if let Some(owner) = controllers.next() {
        let text = |field: &str| owner[field].as_str().unwrap_or_default();
        return Some(format!("the controller of {} {}", text("kind"), text("name")));
    }
    if managers(object).iter().any(|name| name.starts_with("cert-manager")) {
        return Some("cert-manager".to_owned());
    }
    let by = metadata["labels"][MANAGED_BY_LABEL].as_str()?;
    (by != MANAGED_BY && !by.is_empty()).then(|| by.to_owned())
}

/// The manager of a key of `data`, except this program.
pub fn manager_of_data<'o>(object: &'o Value, key: &str) -> Option<&'o str> {
    let field = format!("f:{key}");
    let entries = object["metadata"]["managedFields"].as_array()?;
    entries
        .iter()
        .filter(|entry| entry["fieldsV1"]["f:data"].get(&field).is_some())
        .filter_map(|entry| entry["manager"].as_str())
        .find(|name| *name != FIELD_MANAGER)
}

/// Whether `manager` has applied fields of the object.
pub fn is_applied_by(object: &Value, manager: &str) -> bool {
    !applied_fields(object, manager).is_null()
}

/// The fields that `manager` has applied; null if none.
pub fn applied_fields<'o>(object: &'o Value, manager: &str) -> &'o Value {
    let entries = object["metadata"]["managedFields"].as_array();
    entries
        .into_iter()
        .flatten()
        .find(|entry| entry["manager"] == manager && entry["operation"] == "Apply")
        .map_or(&Value::Null, |entry| &entry["fieldsV1"])
}

/// Whether it is being deleted, and exists only until its finalizers are done.
pub fn is_going(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// `metadata.finalizers`.
pub fn finalizers(object: &Value) -> Vec<String> {
    let finalizers = object["metadata"]["finalizers"].as_array().into_iter().flatten();
    finalizers.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// `metadata.uid`.
pub fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().unwrap_or_default()
}

/// `metadata.resourceVersion`.
pub fn version(object: &Value) -> &str {
    object["metadata"]["resourceVersion"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Owner, controller, manager_of_data, owner};

    #[test]
    fn labels_say_whose_an_object_is() {
        for (labels, expected) in [
            (json!({"istio-tls.dev/workspace": "a"}), Owner::Ours),
            (json!({"istio-tls.dev/workspace": "b"}), Owner::Workspace("b".into())),
            (json!({"app.kubernetes.io/managed-by": "istio-tls"}), Owner::Unmarked),
            (
                json!({"app.kubernetes.io/managed-by": "Helm"}),
                Owner::Others(vec!["helm".into()]),
            ),
        ] {
            let object = json!({"metadata": {"labels": labels, "managedFields": [
                {"manager": "istio-tls", "operation": "Apply",
                    "fieldsV1": {"f:metadata": {"f:labels": {"f:istio-tls.dev/workspace": {}}}}},
                {"manager": "helm", "operation": "Update"},
                {"manager": "kubelet", "operation": "Update", "subresource": "status"},
            ]}});
            assert_eq!(owner(&object, Some("a")), expected);
        }
    }

    #[test]
    fn a_copy_that_somebody_made_is_theirs() {
        let ours = json!({"f:metadata": {"f:labels": {"f:istio-tls.dev/workspace": {}}}});
        for entries in [
            json!([{"manager": "kubectl-create", "operation": "Update", "fieldsV1": ours}]),
            // Applying fields to a copy does not change who owns the label.
            json!([
                {"manager": "kubectl-create", "operation": "Update", "fieldsV1": ours},
                {"manager": "istio-tls", "operation": "Apply", "fieldsV1": {"f:data": {"f:tls.crt": {}}}},
            ]),
            json!([
                {"manager": "kubectl-create", "operation": "Update", "fieldsV1": ours},
                {"manager": "istio-tls", "operation": "Update", "fieldsV1": ours},
            ]),
        ] {
            let object = json!({"metadata": {
                "labels": {"istio-tls.dev/workspace": "a", "app.kubernetes.io/managed-by": "istio-tls"},
                "managedFields": entries,
            }});
            assert_eq!(owner(&object, Some("a")), Owner::Others(vec!["kubectl-create".into()]));
            assert_eq!(owner(&object, Some("b")), Owner::Others(vec!["kubectl-create".into()]));
        }
    }

    #[test]
    fn what_keeps_an_object_is_seen_by_its_metadata() {
        for (metadata, expected) in [
            (
                json!({"annotations": {"cert-manager.io/certificate-name": "shop"}}),
                Some("cert-manager (Certificate shop)"),
            ),
            (
                json!({"managedFields": [{"manager": "cert-manager-certificates-issuing"}]}),
                Some("cert-manager"),
            ),
            (
                json!({"ownerReferences": [{"kind": "ExternalSecret", "name": "shop", "controller": true}]}),
                Some("the controller of ExternalSecret shop"),
            ),
            (
                json!({"ownerReferences": [{"kind": "ConfigMap", "name": "shop"}]}),
                None,
            ),
            (
                json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}}),
                Some("Helm"),
            ),
            (json!({"labels": {"app.kubernetes.io/managed-by": "istio-tls"}}), None),
            (json!({"managedFields": [{"manager": "kubectl-create"}]}), None),
        ] {
            let found = controller(&json!({"metadata": metadata}));
            assert_eq!(found.as_deref(), expected, "{metadata}");
        }
    }

    #[test]
    fn a_key_of_data_has_its_manager() {
        let object = json!({"metadata": {"managedFields": [
            {"manager": "istio-tls", "fieldsV1": {"f:data": {"f:tls.crt": {}}}},
            {"manager": "kubectl-create", "fieldsV1": {"f:data": {"f:cert": {}}}},
        ]}});
        assert_eq!(manager_of_data(&object, "cert"), Some("kubectl-create"));
        assert_eq!(manager_of_data(&object, "tls.crt"), None);
    }
}
