//! The workspace's own Secrets against those of the cluster: what `apply` would
//! need to bring each one back, and what it would mend.

use serde_json::Value;

use super::scope::Scope;
use crate::cluster::FIELD_MANAGER;
use crate::cluster::live::{Owner, owner};
use crate::cluster::plan::{SecretType, leftover_keys, secret_type};

impl Scope {
    /// One of the workspace's Secrets as `apply` sends it to a namespace.
    pub(super) fn own_secret(&self, name: &str, namespace: &str) -> Option<Value> {
        let mut object =
            serde_json::to_value(self.secrets.get(name)?).expect("a Secret holds nothing that JSON cannot say");
        object["metadata"]["namespace"] = namespace.into();
        Some(object)
    }

    /// The flag without which `apply` would refuse to bring it back; empty where
    /// it needs none. `live` is the Secret that is there.
    pub(super) fn flag(&self, own: &Value, live: Option<&Value>) -> &'static str {
        let Some(live) = live else { return "" };
        let id = self.config.as_ref().map(|config| config.id.as_str());
        if matches!(secret_type(own, live), SecretType::Misfit(_)) {
            return "--replace";
        }
        let changed = own["data"].as_object().into_iter().flatten();
        let mut changed = changed.filter(|(key, value)| live["data"].get(*key) != Some(value));
        let is_of_others = matches!(owner(live, id), Owner::Workspace(_))
            || !leftover_keys(own, live).is_empty()
            || changed.any(|(key, _)| is_managed_by_others(live, key));
        if is_of_others { "--force-conflicts" } else { "" }
    }
}

/// Whether anyone but an `apply` of this program has written a key of the data.
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

    use crate::cli::doctor::scope::Scope;
    use crate::workspace::config::GatewayEntry;

    #[test]
    fn what_is_in_the_way_of_apply_has_its_flag() {
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
            (None, ""),
            (Some(live(json!({}), "kubectl-patch", "Update")), ""),
            (Some(live(patched.clone(), "istio-tls", "Apply")), ""),
            (
                Some(live(patched.clone(), "kubectl-patch", "Update")),
                "--force-conflicts",
            ),
            (Some(live(patched, "istio-tls", "Update")), "--force-conflicts"),
            (
                Some(live(
                    json!({"data": {"tls.crt": "a", "tls.key": "b", "cert": "c"}}),
                    "x",
                    "Update",
                )),
                "--force-conflicts",
            ),
            (
                Some(live(json!({"type": "kubernetes.io/dockerconfigjson"}), "x", "Update")),
                "--replace",
            ),
        ] {
            assert_eq!(scope.flag(&own, live.as_ref()), expected, "{live:?}");
        }
    }
}
