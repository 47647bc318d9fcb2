//! The workspace's own Secrets compared with those in the cluster: what `apply` would
//! need to restore each one, and what that would fix.

use serde_json::Value;

use super::scope::Scope;
use crate::cluster::FIELD_MANAGER;
use crate::cluster::live::{Owner, owner};
use crate::cluster::plan::{SecretType, leftover_keys, secret_type};
use crate::doctor::facts::Needs;

impl Scope {
    /// One of the workspace's Secrets as `apply` sends it to a namespace.
    pub(super) fn own_secret(&self, name: &str, namespace: &str) -> Option<Value> {
        let mut object =
            serde_json::to_value(self.secrets.get(name)?).expect("a Secret contains nothing that JSON cannot express");
        object["metadata"]["namespace"] = namespace.into();
        Some(object)
    }

    /// What `apply` needs to restore it. `live` is the Secret in the cluster.
    pub(super) fn needs(&self, own: &Value, live: Option<&Value>) -> Needs {
        let Some(live) = live else { return Needs::Nothing };
        let id = self.config.as_ref().map(|config| config.id.as_str());
        if matches!(secret_type(own, live), SecretType::Misfit(_)) {
            return Needs::Replace;
        }
        let changed = own["data"].as_object().into_iter().flatten();
        let mut changed = changed.filter(|(key, value)| live["data"].get(*key) != Some(value));
        let is_of_others = matches!(owner(live, id), Owner::Workspace(_))
            || !leftover_keys(own, live).is_empty()
            || changed.any(|(key, _)| is_managed_by_others(live, key));
        if is_of_others {
            Needs::ForceConflicts
        } else {
            Needs::Nothing
        }
    }
}

/// Whether anything other than this program's `apply` has written a key of the data.
fn is_managed_by_others(live: &Value, key: &str) -> bool {
    let field = format!("f:{key}");
    let entries = live["metadata"]["managedFields"].as_array().into_iter().flatten();
    entries
        .filter(|entry| entry["fieldsV1"]["f:data"].get(&field).is_some())
        .any(|entry| entry["manager"] != FIELD_MANAGER || entry["operation"] != "Apply")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use crate::doctor::facts::Needs;
    use crate::ops::doctor::scope::Scope;
    use crate::workspace::config::GatewayEntry;

    #[test]
    fn what_is_in_the_way_of_apply_is_known() {
        let scope = Scope {
            hosts: Vec::new(),
            gateway: GatewayEntry::default(),
            config: None,
            secrets: BTreeMap::new(),
            chainless: Vec::new(),
        };
        let own = json!({"type": "kubernetes.io/tls", "data": {"tls.crt": "a", "tls.key": "b"}});
        let live = |change: Value, manager: &str, operation: &str| {
            let mut live = own.clone();
            for (field, value) in change.as_object().expect("fields") {
                live[field] = value.clone();
            }
            live["metadata"] = json!({"managedFields": [{"manager": manager, "operation": operation,
                "fieldsV1": {"f:data": {"f:tls.crt": {}, "f:tls.key": {}, "f:cert": {}}}}]});
            live
        };
        let patched = json!({"data": {"tls.crt": "a", "tls.key": "z"}});
        for (live, expected) in [
            (None, Needs::Nothing),
            (Some(live(json!({}), "kubectl-patch", "Update")), Needs::Nothing),
            (Some(live(patched.clone(), "istio-tls", "Apply")), Needs::Nothing),
            (
                Some(live(patched.clone(), "kubectl-patch", "Update")),
                Needs::ForceConflicts,
            ),
            (Some(live(patched, "istio-tls", "Update")), Needs::ForceConflicts),
            (
                Some(live(
                    json!({"data": {"tls.crt": "a", "tls.key": "b", "cert": "c"}}),
                    "x",
                    "Update",
                )),
                Needs::ForceConflicts,
            ),
            (
                Some(live(json!({"type": "kubernetes.io/dockerconfigjson"}), "x", "Update")),
                Needs::Replace,
            ),
        ] {
            assert_eq!(scope.needs(&own, live.as_ref()), expected, "{live:?}");
        }
    }
}
