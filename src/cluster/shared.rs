//! Volumes and mounts of someone else's Deployment whose value `--force-conflicts` has taken over:
//! when the workspace releases them, the value is removed but the rest would remain: a volume
//! without a source, which becomes an empty one and conflicts with its owner. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::live;

/// What would be left incomplete if only the workspace's fields were removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shared {
    /// Names of volumes.
    volumes: Vec<String>,
    /// The paths of mounts, by `containers` or `initContainers` and the container's name, including
    /// those of the volumes.
    mounts: BTreeMap<(&'static str, String), BTreeSet<String>>,
    /// The managers of the remaining fields.
    managers: BTreeSet<String>,
}

impl Shared {
    /// Finds them in `deployment`, partly applied by `manager`.
    pub(super) fn find(deployment: &Value, manager: &str) -> Self {
        let mut shared = Self::default();
        let ours = pod(live::applied_fields(deployment, manager));
        let entries = deployment["metadata"]["managedFields"].as_array();
        let others: Vec<(&str, &Value)> = (entries.into_iter().flatten())
            .filter(|entry| entry["manager"] != manager || entry["operation"] != "Apply")
            .map(|entry| (entry["manager"].as_str().unwrap_or_default(), pod(&entry["fieldsV1"])))
            .collect();
        for (item, name) in items(&ours["f:volumes"], "name") {
            let of_others = held(&others, |pod| &pod["f:volumes"], item);
            if shared.is_half(&of_others, |fields| &fields["f:secret"]["f:secretName"]) {
                shared.volumes.push(name);
            }
        }
        for (container, name) in items(&ours["f:containers"], "name") {
            for (item, path) in items(&ours["f:containers"][container]["f:volumeMounts"], "mountPath") {
                let of_others = held(&others, |pod| &pod["f:containers"][container]["f:volumeMounts"], item);
                if shared.is_half(&of_others, |fields| &fields["f:name"]) {
                    let mounts = shared.mounts.entry(("containers", name.clone()));
                    mounts.or_default().insert(path);
                }
            }
        }
        for kind in ["containers", "initContainers"] {
            let containers = deployment["spec"]["template"]["spec"][kind].as_array();
            for container in containers.into_iter().flatten() {
                shared.add_mounts(kind, container);
            }
        }
        shared
    }

    /// Whether others own an item without its essential field.
    fn is_half(&mut self, of_others: &[(&str, &Value)], value: impl Fn(&Value) -> &Value) -> bool {
        let is_half = !of_others.is_empty() && of_others.iter().all(|(_, fields)| value(fields).is_null());
        if is_half {
            let managers = of_others.iter().map(|(manager, _)| (*manager).to_owned());
            self.managers.extend(managers);
        }
        is_half
    }

    /// Adds the mounts of the volumes, which cannot exist without them.
    fn add_mounts(&mut self, kind: &'static str, container: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for mount in container["volumeMounts"].as_array().into_iter().flatten() {
            if self.volumes.contains(&text(&mount["name"])) {
                let mounts = self.mounts.entry((kind, text(&container["name"])));
                mounts.or_default().insert(text(&mount["mountPath"]));
            }
        }
    }

    /// The strategic merge patch of the Deployment with this UID that removes them completely; none
    /// if there are none.
    pub(super) fn removal(&self, uid: &str) -> Option<Value> {
        if self.managers.is_empty() {
            return None;
        }
        let volumes = self
            .volumes
            .iter()
            .map(|name| json!({"name": name, "$patch": "delete"}));
        let mut pod = json!({"volumes": volumes.collect::<Vec<_>>()});
        for kind in ["containers", "initContainers"] {
            let of_kind = self.mounts.iter().filter(|((of, _), _)| *of == kind);
            let containers: Vec<Value> = of_kind
                .map(|((_, name), paths)| {
                    let mounts = paths.iter().map(|path| json!({"mountPath": path, "$patch": "delete"}));
                    json!({"name": name, "volumeMounts": mounts.collect::<Vec<_>>()})
                })
                .collect();
            if !containers.is_empty() {
                pod[kind] = json!(containers);
            }
        }
        Some(json!({"metadata": {"uid": uid}, "spec": {"template": {"spec": pod}}}))
    }

    /// What the owners of the object `title` should know; none if nothing is shared.
    pub(super) fn note(&self, title: &str) -> Option<String> {
        let paths: BTreeSet<&str> = self.mounts.values().flatten().map(String::as_str).collect();
        let parts = [
            ("volume", self.volumes.iter().map(String::as_str).collect::<Vec<_>>()),
            ("mount", paths.into_iter().collect()),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(kind, names)| format!("{kind} {}", names.join(", ")))
            .collect();
        let managers: Vec<&str> = self.managers.iter().map(String::as_str).collect();
        (!managers.is_empty()).then(|| {
            let owners = managers.join(", ");
            format!(
                "{title}: {} of {owners} had a value that --force-conflicts replaced: removed completely, {owners} must apply it again",
                parts.join(" and ")
            )
        })
    }
}

/// The pod's fields of a Deployment's `fieldsV1`.
fn pod(fields: &Value) -> &Value {
    &fields["f:spec"]["f:template"]["f:spec"]
}

/// The items of a list in `fieldsV1`, each with the value of its key `field`.
fn items<'v>(list: &'v Value, field: &str) -> Vec<(&'v str, String)> {
    let names = list.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    names
        .filter_map(|name| {
            let key: Value = serde_json::from_str(name.strip_prefix("k:")?).ok()?;
            Some((name, key[field].as_str()?.to_owned()))
        })
        .collect()
}

/// The fields of an item that each of the others owns.
fn held<'v>(
    others: &[(&'v str, &'v Value)],
    list: impl Fn(&'v Value) -> &'v Value,
    item: &str,
) -> Vec<(&'v str, &'v Value)> {
    let holders = others
        .iter()
        .filter_map(|(manager, pod)| Some((*manager, list(pod).get(item)?)));
    holders.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Shared;

    const VOLUME: &str = r#"k:{"name":"certs"}"#;
    const MOUNT: &str = r#"k:{"mountPath":"/certs"}"#;

    /// A Deployment with one volume and its mount, with fields owned by two managers.
    fn deployment(ours: &Value, theirs: &Value) -> Value {
        let entry = |manager: &str, fields: &Value| {
            let mount = &fields["mount"];
            let mounts = if mount.is_null() {
                json!({})
            } else {
                json!({MOUNT: mount})
            };
            json!({"manager": manager, "operation": "Apply", "fieldsV1": {"f:spec": {"f:template": {"f:spec": {
                "f:containers": {r#"k:{"name":"istio-proxy"}"#: {"f:volumeMounts": mounts}},
                "f:volumes": if fields["volume"].is_null() { json!({}) } else { json!({VOLUME: fields["volume"]}) },
            }}}}})
        };
        json!({
            "metadata": {"managedFields": [entry("istio-tls-a", ours), entry("helm", theirs)]},
            "spec": {"template": {"spec": {
                "containers": [{"name": "istio-proxy", "volumeMounts": [{"name": "certs", "mountPath": "/certs"}]}],
                "initContainers": [{"name": "first", "volumeMounts": [{"name": "certs", "mountPath": "/first"}]}],
            }}},
        })
    }

    #[test]
    fn what_others_hold_without_its_value_is_taken_away_whole() {
        let whole = json!({"volume": {".": {}, "f:name": {}, "f:secret": {"f:secretName": {}}},
            "mount": {".": {}, "f:mountPath": {}, "f:name": {}}});
        let half_volume = json!({"volume": {".": {}, "f:name": {}}});
        let half_mount = json!({"mount": {".": {}, "f:mountPath": {}}});
        for (theirs, mounts) in [
            (&half_volume, Some(json!([["/certs"], ["/first"]]))),
            (&half_mount, Some(json!([["/certs"], []]))),
            // They own all of it, or nothing.
            (&whole, None),
            (&json!({}), None),
        ] {
            let shared = Shared::find(&deployment(&whole, theirs), "istio-tls-a");
            let removal = shared.removal("u");
            let paths = |patch: &Value| {
                let pod = &patch["spec"]["template"]["spec"];
                let of = |kind: &str| -> Vec<Value> {
                    let mounts = pod[kind][0]["volumeMounts"].as_array().into_iter().flatten();
                    mounts.map(|mount| mount["mountPath"].clone()).collect()
                };
                json!([of("containers"), of("initContainers")])
            };
            assert_eq!(removal.as_ref().map(paths), mounts, "{theirs}");
            let is_volume = theirs["volume"].is_object() && mounts.is_some();
            let removed = removal.map(|patch| patch["spec"]["template"]["spec"]["volumes"].clone());
            assert_eq!(removed.is_some_and(|list| list[0]["name"] == "certs"), is_volume);
            assert_eq!(
                shared.note("Deployment a/b").is_some_and(|note| note.contains("helm")),
                mounts.is_some()
            );
        }
    }
}
