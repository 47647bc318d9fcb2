//! The objects of a gateway, as values: Istio's Gateway and
//! VirtualService, Kubernetes' Secret, Service and Deployment. Field names,
//! types and required fields are those of the custom resource definitions;
//! networking.istio.io/v1, v1beta1 and v1alpha3 have the same schema.

pub mod deployment;
pub mod duration;
pub mod gateway;
pub mod http_route;
pub mod metadata;
pub mod secret;
pub mod service;
pub mod virtual_service;

pub use deployment::Deployment;
pub use gateway::Gateway;
pub use metadata::ObjectMeta;
pub use secret::Secret;
pub use service::Service;
pub use virtual_service::VirtualService;

use serde::Serialize;

/// An object of a manifest.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Manifest {
    /// networking.istio.io Gateway.
    Gateway(Gateway),
    /// networking.istio.io VirtualService.
    VirtualService(VirtualService),
    /// v1 Secret.
    Secret(Secret),
    /// v1 Service.
    Service(Service),
    /// apps/v1 Deployment, and its older versions.
    Deployment(Deployment),
    /// Any other kind, unchanged.
    Other(Other),
}

impl Manifest {
    /// Its `kind`.
    pub fn kind(&self) -> &str {
        match self {
            Self::Gateway(_) => gateway::KIND,
            Self::VirtualService(_) => virtual_service::KIND,
            Self::Secret(_) => secret::KIND,
            Self::Service(_) => service::KIND,
            Self::Deployment(_) => deployment::KIND,
            Self::Other(other) => &other.kind,
        }
    }

    /// Its `apiVersion`.
    pub fn api_version(&self) -> &str {
        match self {
            Self::Gateway(object) => &object.api_version,
            Self::VirtualService(object) => &object.api_version,
            Self::Secret(object) => &object.api_version,
            Self::Service(object) => &object.api_version,
            Self::Deployment(object) => &object.api_version,
            Self::Other(object) => &object.api_version,
        }
    }

    /// Its `metadata`.
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Gateway(object) => &object.metadata,
            Self::VirtualService(object) => &object.metadata,
            Self::Secret(object) => &object.metadata,
            Self::Service(object) => &object.metadata,
            Self::Deployment(object) => &object.metadata,
            Self::Other(object) => &object.metadata,
        }
    }

    /// `Kind namespace/name`, with `default_namespace` for an object without a namespace.
    pub fn title(&self, default_namespace: &str) -> String {
        let metadata = self.metadata();
        format!(
            "{} {}/{}",
            self.kind(),
            metadata.namespace_or(default_namespace),
            metadata.name
        )
    }
}

/// An object of an uninterpreted kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Other {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata`.
    pub metadata: ObjectMeta,
    /// The whole object.
    pub content: serde_json::Value,
}

impl Serialize for Other {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.content.serialize(serializer)
    }
}
