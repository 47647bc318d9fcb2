//! Workloads and Services of the samples, for the hosts that lead to them.

use super::{Intent, gateway_metadata};
use crate::manifests::load;
use crate::manifests::model::Other;
use crate::manifests::naming::{MANAGED_BY, MANAGED_BY_LABEL};
use crate::workspace::config::IstioTarget;

/// A sample: the Service that routes name, and its objects for each target.
struct Sample {
    service: &'static str,
    latest: &'static str,
    v1_1: &'static str,
}

const SAMPLES: &[Sample] = &[
    Sample {
        service: "httpbin",
        latest: include_str!("../../../templates/samples/httpbin.yaml"),
        v1_1: include_str!("../../../templates/samples/httpbin-1.1.yaml"),
    },
    Sample {
        service: "helloworld-v1",
        latest: include_str!("../../../templates/samples/helloworld-v1.yaml"),
        v1_1: include_str!("../../../templates/samples/helloworld-v1-1.1.yaml"),
    },
    Sample {
        service: "productpage",
        latest: include_str!("../../../templates/samples/bookinfo.yaml"),
        v1_1: include_str!("../../../templates/samples/bookinfo.yaml"),
    },
];

/// The objects of every sample that a host's routes name, each once.
pub(super) fn samples(intent: &Intent) -> Vec<Other> {
    let named = |service: &str| {
        let mut routes = intent.hosts.iter().flat_map(|host| &host.routes);
        routes.any(|route| route.service == service)
    };
    SAMPLES
        .iter()
        .filter(|sample| named(sample.service))
        .flat_map(|sample| {
            let text = match intent.istio {
                IstioTarget::Latest => sample.latest,
                IstioTarget::V1_1 => sample.v1_1,
            };
            load::values(text).expect("the templates are valid, as their test shows")
        })
        .map(|content| object(intent, content))
        .collect()
}

/// An object of a template in the namespace and with the label of all others.
fn object(intent: &Intent, mut content: serde_json::Value) -> Other {
    let text = |content: &serde_json::Value, pointer: &str| {
        let found = content.pointer(pointer).and_then(serde_json::Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    let wanted = gateway_metadata(intent, "");
    if let Some(metadata) = content.get_mut("metadata").and_then(serde_json::Value::as_object_mut) {
        if let Some(namespace) = wanted.namespace {
            metadata.insert("namespace".into(), namespace.into());
        }
        if intent.istio == IstioTarget::Latest {
            let labels = metadata
                .entry("labels")
                .or_insert_with(|| serde_json::Value::Object(serde_json::Map::new()));
            if let Some(labels) = labels.as_object_mut() {
                labels.insert(MANAGED_BY_LABEL.into(), MANAGED_BY.into());
            }
        }
    }
    let mut metadata = gateway_metadata(intent, &text(&content, "/metadata/name"));
    metadata.labels = content
        .pointer("/metadata/labels")
        .and_then(|labels| serde_json::from_value(labels.clone()).ok())
        .unwrap_or_default();
    Other {
        api_version: text(&content, "/apiVersion"),
        kind: text(&content, "/kind"),
        metadata,
        content,
    }
}
