//! Kubernetes `Deployment`, and the pods of all other workload kinds: their labels, volumes and
//! mounts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::metadata::ObjectMeta;
use super::{Manifest, Other};

/// The kind's name.
pub const KIND: &str = "Deployment";

fn kind() -> &'static str {
    KIND
}

/// A Deployment object, as far as relevant for a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// `apps/v1`, or an older version.
    pub api_version: String,
    #[serde(skip_deserializing, default = "kind")]
    kind: &'static str,
    /// `metadata`.
    pub metadata: ObjectMeta,
    /// `spec`.
    #[serde(default)]
    pub spec: DeploymentSpec,
}

impl Deployment {
    /// An object of apps/v1.
    pub fn new(metadata: ObjectMeta, spec: DeploymentSpec) -> Self {
        Self {
            api_version: "apps/v1".into(),
            kind: KIND,
            metadata,
            spec,
        }
    }
}

/// `Deployment.spec`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeploymentSpec {
    /// The pod template.
    pub template: PodTemplate,
}

/// `PodTemplateSpec`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodTemplate {
    /// The pods' labels.
    #[serde(skip_serializing_if = "PodMeta::is_empty")]
    pub metadata: PodMeta,
    /// The pods.
    pub spec: PodSpec,
}

/// The kinds other than `Deployment` whose `spec.template` is a pod: those of `apps/v1`, and Argo's
/// Rollout, which replaces a Deployment.
const TEMPLATED: &[&str] = &[
    "DaemonSet",
    "StatefulSet",
    "ReplicaSet",
    "ReplicationController",
    "Rollout",
];

impl PodTemplate {
    /// The pod template of an object; none for a kind that manages no pods.
    pub fn of(manifest: &Manifest) -> Option<Cow<'_, Self>> {
        match manifest {
            Manifest::Deployment(deployment) => Some(Cow::Borrowed(&deployment.spec.template)),
            Manifest::Other(other) => Self::of_other(other).map(Cow::Owned),
            _ => None,
        }
    }

    /// [`Self::of`] for an object of a kind without a type.
    pub fn of_other(other: &Other) -> Option<Self> {
        let template = match other.kind.as_str() {
            "Pod" => &other.content,
            kind if TEMPLATED.contains(&kind) => other.content.pointer("/spec/template")?,
            _ => return None,
        };
        // Each part separately: a malformed spec does not hide the labels.
        let part = |name: &str| template.get(name).cloned().unwrap_or_default();
        Some(Self {
            metadata: serde_json::from_value(part("metadata")).unwrap_or_default(),
            spec: serde_json::from_value(part("spec")).unwrap_or_default(),
        })
    }

    /// Whether the pods are gateways: injected with Istio's gateway template, or with a manually
    /// added proxy.
    pub fn is_gateway(&self) -> bool {
        let templates = self.metadata.annotations.get("inject.istio.io/templates");
        templates.is_some_and(|names| names.split(',').any(|name| name.trim() == "gateway"))
            || self
                .spec
                .containers
                .iter()
                .any(|container| container.name == "istio-proxy")
    }
}

/// The metadata of a pod that has no name yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodMeta {
    /// Labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl PodMeta {
    fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.annotations.is_empty()
    }
}

/// `PodSpec`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    /// The containers.
    pub containers: Vec<Container>,
    /// The volumes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// The account that reads Secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Where volumes are mounted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_mounts: Vec<VolumeMount>,
}

/// `VolumeMount`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeMount {
    /// The volume.
    pub name: String,
    /// Where.
    pub mount_path: String,
    /// A single file of the volume instead of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_path: Option<String>,
    /// Whether it is read-only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
}

/// A volume; sources other than Secrets are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// The Secret whose keys are its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretVolume>,
}

/// `SecretVolumeSource`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretVolume {
    /// The Secret's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    /// Whether the pod starts without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
    /// The keys that become files; all if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<KeyToPath>,
}

/// `KeyToPath`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyToPath {
    /// The Secret's key.
    pub key: String,
    /// The file's name.
    pub path: String,
}
