//! Workloads and Services of the samples, for the hosts that route to them.

use std::collections::BTreeMap;

use super::Intent;
use super::metadata::gateway_metadata;
use crate::manifests::load;
use crate::manifests::model::Other;
use crate::workspace::config::IstioTarget;

/// A sample: the Service that routes refer to, and its objects for each target.
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

/// The objects of every sample that a host's routes refer to, each once.
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

/// An object of a template, in the namespace and with the label of all others.
fn object(intent: &Intent, mut content: serde_json::Value) -> Other {
    let text = |pointer: &str| {
        let found = content.pointer(pointer).and_then(serde_json::Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    let mut metadata = gateway_metadata(intent, &text("/metadata/name"));
    let (api_version, kind) = (text("/apiVersion"), text("/kind"));
    let labels = content.pointer("/metadata/labels");
    metadata.labels.extend(
        labels
            .and_then(|labels| serde_json::from_value::<BTreeMap<String, String>>(labels.clone()).ok())
            .unwrap_or_default(),
    );
    content["metadata"] = serde_json::to_value(&metadata).expect("metadata holds only text");
    Other {
        api_version,
        kind,
        metadata,
        content,
    }
}
