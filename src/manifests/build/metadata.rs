//! What all generated objects have in common.

use std::collections::BTreeMap;

use super::intent::Intent;
use crate::manifests::model::ObjectMeta;
use crate::manifests::naming::{MANAGED_BY, MANAGED_BY_LABEL};
use crate::workspace::config::IstioTarget;

/// The apiVersion of Istio's objects.
pub(super) fn istio_api_version(target: IstioTarget) -> &'static str {
    match target {
        IstioTarget::Latest => "networking.istio.io/v1",
        IstioTarget::V1_1 => "networking.istio.io/v1alpha3",
    }
}

/// The metadata of a generated object.
pub(super) fn metadata(intent: &Intent, name: &str, namespace: &str) -> ObjectMeta {
    let labels = match intent.istio {
        IstioTarget::Latest => BTreeMap::from([(MANAGED_BY_LABEL.to_owned(), MANAGED_BY.to_owned())]),
        // The task page's objects have none.
        IstioTarget::V1_1 => BTreeMap::new(),
    };
    ObjectMeta {
        labels,
        ..ObjectMeta::new(name, namespace)
    }
}

/// Like [`metadata`], for objects in the Gateway's namespace: the task page leaves the namespace
/// `default` to the reader's context.
pub(super) fn gateway_metadata(intent: &Intent, name: &str) -> ObjectMeta {
    let mut metadata = metadata(intent, name, &intent.gateway.namespace);
    if intent.istio == IstioTarget::V1_1 && intent.gateway.namespace == "default" {
        metadata.namespace = None;
    }
    metadata
}
