//! Parses Kubernetes JSON into facts. Fields that are missing or of another type are ignored, since
//! API server versions may differ.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::facts::{Complaint, Container, Labels, Pod};

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A map of texts, such as labels.
pub fn labels(value: &Value) -> Labels {
    let entries = value.as_object().into_iter().flatten();
    entries
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// A pod.
pub fn pod(object: &Value) -> Pod {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    let condition = |kind: &str| list(&status["conditions"]).find(|condition| condition["type"] == kind);
    let is_true = |kind| condition(kind).is_some_and(|condition| condition["status"] == "True");
    let message = ["PodScheduled", "Ready"]
        .into_iter()
        .filter(|kind| !is_true(kind))
        .find_map(|kind| condition(kind)?["message"].as_str())
        .or_else(|| status["message"].as_str())
        .unwrap_or_default();
    // A native Kubernetes sidecar is an init container that keeps running.
    let specs = || list(&spec["containers"]).chain(list(&spec["initContainers"]));
    let states = || list(&status["containerStatuses"]).chain(list(&status["initContainerStatuses"]));
    let containers = list(&spec["containers"])
        .chain(list(&spec["initContainers"]).filter(|container| container["restartPolicy"] == "Always"));
    let volumes = list(&spec["volumes"]).filter_map(|volume| {
        let secret = &volume["secret"];
        let name = secret["secretName"].as_str()?.to_owned();
        Some((name, secret["optional"].as_bool().unwrap_or(false)))
    });
    let ports = specs()
        .flat_map(|container| list(&container["ports"]))
        .filter_map(|port| {
            let number = u16::try_from(port["containerPort"].as_u64()?).ok()?;
            Some((port["name"].as_str()?.to_owned(), number))
        });
    Pod {
        namespace: text(&metadata["namespace"]),
        name: text(&metadata["name"]),
        labels: labels(&metadata["labels"]),
        phase: text(&status["phase"]),
        ready: is_true("Ready"),
        ending: metadata["deletionTimestamp"].is_string(),
        containers: containers
            .map(|spec| {
                let state = states().find(|state| state["name"] == spec["name"]);
                container(text(&spec["name"]), state.unwrap_or(&Value::Null))
            })
            .collect(),
        account: spec["serviceAccountName"].as_str().unwrap_or("default").to_owned(),
        secret_volumes: volumes.collect(),
        ports: ports.collect(),
        message: message.to_owned(),
    }
}

fn container(name: String, state: &Value) -> Container {
    let ended = &state["lastState"]["terminated"];
    let waiting = &state["state"]["waiting"];
    Container {
        name,
        restarts: state["restartCount"]
            .as_u64()
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(0),
        ended: ended["finishedAt"].as_str().and_then(|time| {
            let time = OffsetDateTime::parse(time, &Rfc3339).ok()?;
            let reason = ended["reason"].as_str().unwrap_or("ended");
            let words = match ended["exitCode"].as_i64() {
                Some(code) => format!("{reason}, exit code {code}"),
                None => reason.to_owned(),
            };
            Some((time, words))
        }),
        waiting: waiting["reason"]
            .as_str()
            .map(|reason| match waiting["message"].as_str() {
                Some(message) => format!("{reason}: {message}"),
                None => reason.to_owned(),
            }),
    }
}

/// Ready addresses by the name of their Service, from `EndpointSlices`.
pub fn endpoints(slices: &[Value]) -> BTreeMap<String, usize> {
    let mut ready: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for slice in slices {
        let Some(service) = slice["metadata"]["labels"]["kubernetes.io/service-name"].as_str() else {
            continue;
        };
        let addresses = ready.entry(service.to_owned()).or_default();
        for endpoint in list(&slice["endpoints"]) {
            // Absent means ready.
            if endpoint["conditions"]["ready"].as_bool() != Some(false) {
                addresses.extend(list(&endpoint["addresses"]).filter_map(Value::as_str));
            }
        }
    }
    ready
        .into_iter()
        .map(|(service, addresses)| (service, addresses.len()))
        .collect()
}

/// Conditions that are bad if false: Istio's, and the Gateway API's.
const GOOD_CONDITIONS: [&str; 4] = ["Reconciled", "Accepted", "Programmed", "ResolvedRefs"];

/// Errors in an object's status: validation messages of Istio, and conditions that should be true.
pub fn complaints(object: &Value) -> Vec<Complaint> {
    let metadata = &object["metadata"];
    let title = format!(
        "{} {}/{}",
        text(&object["kind"]),
        text(&metadata["namespace"]),
        text(&metadata["name"])
    );
    let mut found = Vec::new();
    let messages = list(&object["status"]["validationMessages"]).filter(|message| message["level"] == "ERROR");
    for message in messages {
        let code = text(&message["type"]["code"]);
        found.push(Complaint {
            object: title.clone(),
            path: "status.validationMessages".to_owned(),
            message: if code.is_empty() {
                "it is not valid".to_owned()
            } else {
                code
            },
        });
    }
    let conditions = list(&object["status"]["conditions"]).filter(|condition| condition["status"] == "False");
    for condition in conditions {
        let kind = text(&condition["type"]);
        if GOOD_CONDITIONS.contains(&kind.as_str()) {
            let (reason, message) = (text(&condition["reason"]), text(&condition["message"]));
            let words: Vec<String> = [reason, message].into_iter().filter(|text| !text.is_empty()).collect();
            found.push(Complaint {
                object: title.clone(),
                path: format!("status.conditions[type={kind}]"),
                message: words.join(": "),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::{complaints, endpoints, pod};

    #[test]
    fn a_pod_is_read() {
        let read = pod(&json!({
            "metadata": {"name": "a", "namespace": "n", "labels": {"istio": "ingressgateway"}},
            "spec": {
                "serviceAccountName": "edge",
                "initContainers": [
                    {"name": "istio-init"},
                    {"name": "istio-proxy", "restartPolicy": "Always", "ports": [{"name": "https", "containerPort": 8443}]},
                ],
                "containers": [{"name": "app"}],
                "volumes": [{"name": "v", "secret": {"secretName": "s", "optional": true}}, {"name": "w"}],
            },
            "status": {
                "phase": "Running",
                "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False", "message": "not yet"}],
                "containerStatuses": [{"name": "app", "restartCount": 2,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-11-23T11:00:00Z"}}}],
            },
        }));
        assert_eq!(read.title(), "Pod n/a");
        assert!(!read.ready && !read.ending);
        assert_eq!(read.message, "not yet");
        assert_eq!(read.account, "edge");
        assert_eq!(read.ports, BTreeMap::from([("https".to_owned(), 8443)]));
        assert_eq!(read.secret_volumes, BTreeMap::from([("s".to_owned(), true)]));
        let names: Vec<&str> = read.containers.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["app", "istio-proxy"]);
        let app = &read.containers[0];
        assert_eq!((app.restarts, app.waiting.as_deref()), (2, Some("CrashLoopBackOff")));
        assert_eq!(app.ended.as_ref().unwrap().1, "OOMKilled, exit code 137");
    }

    #[test]
    fn an_empty_object_is_a_pod_of_which_nothing_is_known() {
        let read = pod(&json!({}));
        assert_eq!((read.name.as_str(), read.ready, read.containers.len()), ("", false, 0));
    }

    #[test]
    fn only_ready_addresses_count() {
        let slice = |service: &str, ready: Option<bool>, address: &str| {
            json!({"metadata": {"labels": {"kubernetes.io/service-name": service}},
                "endpoints": [{"addresses": [address], "conditions": {"ready": ready}}]})
        };
        let slices = [
            slice("a", Some(true), "10.0.0.1"),
            slice("a", Some(false), "10.0.0.2"),
            slice("a", None, "10.0.0.3"),
            slice("a", Some(true), "10.0.0.1"),
            slice("b", Some(false), "10.0.0.4"),
            json!({"metadata": {}, "endpoints": []}),
        ];
        let expected = BTreeMap::from([("a".to_owned(), 2), ("b".to_owned(), 0)]);
        assert_eq!(endpoints(&slices), expected);
    }

    #[test]
    fn a_status_complains() {
        let object = |status| json!({"kind": "Gateway", "metadata": {"namespace": "n", "name": "a"}, "status": status});
        for (status, expected) in [
            (json!({}), None),
            (json!({"conditions": [{"type": "Reconciled", "status": "True"}]}), None),
            (json!({"conditions": [{"type": "Conflicted", "status": "False"}]}), None),
            (
                json!({"validationMessages": [{"level": "WARNING", "type": {"code": "IST0162"}}]}),
                None,
            ),
            (
                json!({"validationMessages": [{"level": "ERROR", "type": {"code": "IST0101"}}]}),
                Some("IST0101"),
            ),
            (
                json!({"conditions": [{"type": "Accepted", "status": "False", "reason": "Invalid", "message": "no port"}]}),
                Some("Invalid: no port"),
            ),
        ] {
            let found = complaints(&object(status.clone()));
            assert_eq!(found.first().map(|one| one.message.as_str()), expected, "{status}");
            assert!(found.iter().all(|one| one.object == "Gateway n/a"));
        }
    }
}
