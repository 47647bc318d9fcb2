//! Responses of API servers and proxies.

use serde_json::Value;

use super::checks::{NOW, told};
use crate::cluster::failure::Status;
use crate::cluster::ingress::{self, Found};
use crate::cluster::{diff, gateway_pod, live, plan, rollout};
use crate::doctor::{envoy, read};
use crate::manifests::load;

/// A list of objects from an API server.
pub(super) fn answers(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    if let Ok(status) = serde_json::from_value::<Status>(value.clone()) {
        let _ = (status.conflicts(), status.may_pass(), status.is_node_unreachable());
    }
    let objects: Vec<Value> = match &value {
        Value::Array(items) => items.clone(),
        Value::Object(_) => vec![value.clone()],
        _ => return,
    };
    for object in &objects {
        if let Err(error) = load::object(object) {
            told(&error.into(), &[]);
        }
        let _ = (read::pod(object), read::complaints(object), read::labels(object));
        let _ = (
            live::managers(object),
            live::controller(object),
            live::owner(object, Some("a")),
        );
        let _ = rollout::progress(object);
        assert!(diff::is_same(object, object), "{object} is another than itself");
        assert_eq!(diff::unified(Some(object), Some(object), "a"), None);
        let shown = diff::shown(object);
        assert_eq!(diff::shown(&shown)["kind"], object["kind"]);
    }
    read::endpoints(&objects);
    gateway(&objects);
    let loaded = load::load(&Value::from(objects.clone()).to_string(), "a");
    drop(loaded);
    match plan::wanted(objects) {
        Ok((wanted, _)) => {
            assert!(wanted.is_sorted_by_key(|object| object.stage), "not in order");
            for object in &wanted {
                let body = object.body(Some("b"), plan::Marks::Workspace("0123456789abcdef"));
                assert!(body["metadata"]["managedFields"].is_null());
                let _ = plan::secret_type(&body, &body);
                assert!(plan::leftover_keys(&body, &body).is_empty());
            }
        }
        Err(problem) => told(&problem, &[]),
    }
}

/// The gateway's address, found in the objects: the same in any order.
fn gateway(objects: &[Value]) {
    let of_kind = |kind: &str| -> Vec<Value> {
        let objects = objects.iter();
        objects.filter(|object| object["kind"] == kind).cloned().collect()
    };
    let found = Found {
        services: of_kind("Service"),
        pods: of_kind("Pod"),
        nodes: Some(of_kind("Node")).filter(|nodes| !nodes.is_empty()),
        gateway: of_kind("Gateway").into_iter().next(),
    };
    let wanted = ingress::Wanted {
        pod_namespace: "istio-system".into(),
        selector: [("istio".to_owned(), "ingressgateway".to_owned())].into(),
        namespace: "default".into(),
        name: "mygateway".into(),
    };
    match ingress::choose(&found, &wanted) {
        Ok(chosen) => assert!(!chosen.host.is_empty() && chosen.secure_port > 0, "{chosen:?}"),
        Err(problem) => told(&problem, &[]),
    }
    for pod in gateway_pod::ready(&found, &wanted) {
        assert!(pod.port > 0, "{pod:?}");
    }
}

/// Envoy's responses to the three requests of `doctor`, separated by NUL.
pub(super) fn envoy_admin(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == 0);
    let answers = std::array::from_fn(|_| parts.next().unwrap_or_default());
    match envoy::view(answers, NOW) {
        Ok(view) => drop(view.loaded),
        Err(why) => assert!(!why.is_empty()),
    }
}
