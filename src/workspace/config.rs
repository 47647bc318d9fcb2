//! The content of istio-tls.yaml as values. Reading and editing the file are elsewhere in
//! this folder; nothing here does I/O.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::Host;

/// The workspace file's name.
pub const FILE_NAME: &str = "istio-tls.yaml";

/// How a server authenticates clients (Istio `ServerTLSSettings.mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The client is not asked for a certificate.
    Simple,
    /// The client must present a certificate that verifies.
    #[default]
    Mutual,
    /// A certificate, if presented, must verify.
    OptionalMutual,
}

impl Mode {
    /// Every mode with its word in flags and in istio-tls.yaml.
    pub const WORDS: &[(&str, Self)] = &[
        ("simple", Self::Simple),
        ("mutual", Self::Mutual),
        ("optional-mutual", Self::OptionalMutual),
    ];

    /// The word in flags and in istio-tls.yaml.
    pub fn word(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Mutual => "mutual",
            Self::OptionalMutual => "optional-mutual",
        }
    }

    /// The word that Istio's API uses.
    pub fn istio(self) -> &'static str {
        match self {
            Self::Simple => "SIMPLE",
            Self::Mutual => "MUTUAL",
            Self::OptionalMutual => "OPTIONAL_MUTUAL",
        }
    }

    /// Whether clients are verified at all, so that a CA is needed.
    pub fn verifies_clients(self) -> bool {
        self != Self::Simple
    }
}

/// How the gateway gets its key material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum SecretStyle {
    /// `credentialName`: the gateway fetches the Secret (SDS).
    #[default]
    Credential,
    /// Secrets mounted into the gateway's pods as files.
    FileMount,
}

impl SecretStyle {
    /// Every style with its word in flags and in istio-tls.yaml.
    pub const WORDS: &[(&str, Self)] = &[("credential", Self::Credential), ("file-mount", Self::FileMount)];
}

/// Where the private key of a host's server certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum ServerKey {
    /// In the workspace: if it is missing, it is lost.
    #[default]
    Here,
    /// Where the certificate request was created (`gen-certs --csr`).
    Elsewhere,
}

impl ServerKey {
    /// Every place with its word in istio-tls.yaml.
    pub const WORDS: &[(&str, Self)] = &[("here", Self::Here), ("elsewhere", Self::Elsewhere)];

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    fn is_here(&self) -> bool {
        *self == Self::Here
    }
}

/// Which Istio version the objects are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub enum IstioTarget {
    /// Current releases: networking.istio.io/v1.
    #[default]
    #[serde(rename = "latest")]
    Latest,
    /// The release of the task page: v1alpha3 and its placeholders.
    #[serde(rename = "1.1")]
    V1_1,
}

impl IstioTarget {
    /// Every target with its word in flags and in istio-tls.yaml.
    pub const WORDS: &[(&str, Self)] = &[("latest", Self::Latest), ("1.1", Self::V1_1)];
}

/// The whole of istio-tls.yaml (unknown fields are kept in the file, not here).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceConfig {
    /// The file's format; 1.
    pub version: u32,
    /// This workspace's random id: 16 lower-case hex digits.
    pub id: String,
    /// The mode of hosts that do not have their own.
    #[serde(default)]
    pub mode: Mode,
    /// How Secrets reach the gateway.
    #[serde(default)]
    pub secrets: SecretStyle,
    /// The target Istio version.
    #[serde(default)]
    pub istio: IstioTarget,
    /// The kubeconfig context of the last `apply`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The Gateway object.
    #[serde(default)]
    pub gateway: GatewayEntry,
    /// The hosts, in the order in which they were created.
    #[serde(default, deserialize_with = "list_or_nothing")]
    pub hosts: Vec<HostEntry>,
}

/// `hosts:` with nothing after it is an empty list.
fn list_or_nothing<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<HostEntry>, D::Error> {
    Ok(Option::<Vec<HostEntry>>::deserialize(deserializer)?.unwrap_or_default())
}

/// The Gateway object that the workspace's manifests contain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GatewayEntry {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `spec.selector`: labels of the gateway's pods.
    pub selector: BTreeMap<String, String>,
    /// The namespace of those pods, in which their Secrets must be.
    pub pod_namespace: String,
}

impl Default for GatewayEntry {
    fn default() -> Self {
        Self {
            name: "mygateway".into(),
            namespace: "default".into(),
            selector: BTreeMap::from([("istio".into(), "ingressgateway".into())]),
            pod_namespace: "istio-system".into(),
        }
    }
}

/// One host of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostEntry {
    /// The host, as in the certificate.
    pub host: Host,
    /// Its mode; the workspace's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The name of the credential Secret, recorded so that it never changes later.
    pub credential_name: String,
    /// Where the private key of its server certificate is.
    #[serde(default, skip_serializing_if = "ServerKey::is_here")]
    pub server_key: ServerKey,
    /// Routes; empty means the sample's or `/` to the first label, port 8000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<RouteEntry>,
    /// Names of the additional clients (the first, named like the host, is not listed).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<String>,
}

/// One route: a path to a Service's port. Exactly one of `exact` and `prefix`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteEntry {
    /// The whole path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
    /// The beginning of the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The Service's name.
    pub service: String,
    /// The Service's port.
    pub port: u16,
}

impl WorkspaceConfig {
    /// The effective mode of `entry`.
    pub fn mode_of(&self, entry: &HostEntry) -> Mode {
        entry.mode.unwrap_or(self.mode)
    }

    /// The entry of a host.
    pub fn host(&self, host: &Host) -> Option<&HostEntry> {
        self.hosts.iter().find(|entry| &entry.host == host)
    }
}
