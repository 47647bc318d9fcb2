//! Istio `Gateway` (networking.istio.io).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::metadata::ObjectMeta;

/// The kind's name.
pub const KIND: &str = "Gateway";

fn kind() -> &'static str {
    KIND
}

/// A Gateway object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gateway {
    /// `networking.istio.io/v1`, or `v1beta1` or `v1alpha3` of it.
    pub api_version: String,
    #[serde(skip_deserializing, default = "kind")]
    kind: &'static str,
    /// `metadata`.
    pub metadata: ObjectMeta,
    /// `spec`.
    #[serde(default)]
    pub spec: GatewaySpec,
}

impl Gateway {
    /// An object of the given version.
    pub fn new(api_version: impl Into<String>, metadata: ObjectMeta, spec: GatewaySpec) -> Self {
        Self {
            api_version: api_version.into(),
            kind: KIND,
            metadata,
            spec,
        }
    }
}

/// `Gateway.spec`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GatewaySpec {
    /// Labels of the gateway's pods; empty selects every gateway pod.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
    /// The servers.
    pub servers: Vec<Server>,
}

/// One server: a port and the hosts exposed on it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    /// The port (required).
    pub port: Port,
    /// The address or `unix://` path to bind to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<String>,
    /// A name for logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Not implemented by Istio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_endpoint: Option<String>,
    /// TLS settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<ServerTlsSettings>,
    /// The hosts, each `[namespace/]name` (required).
    pub hosts: Vec<String>,
}

/// A server's port.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// The port number.
    pub number: u32,
    /// A name, unique within the Gateway.
    pub name: String,
    /// HTTP, HTTPS, HTTP2, GRPC, GRPC-WEB, MONGO, TCP or TLS, in any case.
    pub protocol: String,
    /// Deprecated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_port: Option<u32>,
}

/// Istio `ServerTLSSettings`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerTlsSettings {
    /// Redirect plain HTTP to HTTPS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https_redirect: Option<bool>,
    /// How TLS is handled; the default is PASSTHROUGH.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<TlsMode>,
    /// Path of the certificate in the gateway's pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_certificate: Option<String>,
    /// Path of the key in the gateway's pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<String>,
    /// Path of the CA in the gateway's pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificates: Option<String>,
    /// Path of the CRL in the gateway's pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_crl: Option<String>,
    /// The Secret in the namespace of the gateway's pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_name: Option<String>,
    /// One Secret or two, for an RSA and an ECDSA certificate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credential_names: Vec<String>,
    /// One pair of files or two, for an RSA and an ECDSA certificate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tls_certificates: Vec<TlsCertificate>,
    /// The Secret with the CA, instead of `credentialName` plus `-cacert`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_cert_credential_name: Option<String>,
    /// The client certificate must contain one of these names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subject_alt_names: Vec<String>,
    /// Base64 SHA-256 of the client's public key info.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verify_certificate_spki: Vec<String>,
    /// Hex SHA-256 of the client's certificate, colons allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verify_certificate_hash: Vec<String>,
    /// The lowest TLS version; the default is TLS 1.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_protocol_version: Option<TlsProtocol>,
    /// The highest TLS version; the default is TLS 1.3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_protocol_version: Option<TlsProtocol>,
    /// TLS 1.2 cipher suites by OpenSSL names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cipher_suites: Vec<String>,
    /// Key exchange groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ecdh_curves: Vec<String>,
    /// Accept client certificates that do not verify.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure_skip_verify: Option<bool>,
}

impl ServerTlsSettings {
    /// The mode, with Istio's default.
    pub fn effective_mode(&self) -> TlsMode {
        self.mode.unwrap_or(TlsMode::Passthrough)
    }
}

/// A pair of files of `tlsCertificates`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsCertificate {
    /// Path of the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_certificate: Option<String>,
    /// Path of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<String>,
    /// Path of the CA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificates: Option<String>,
}

/// Istio `ServerTLSSettings.TLSmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TlsMode {
    /// The connection is forwarded by SNI.
    Passthrough,
    /// TLS is terminated; clients present no certificate.
    Simple,
    /// TLS is terminated; clients must present a certificate.
    Mutual,
    /// Forwarded between clusters of a mesh.
    AutoPassthrough,
    /// Mutual TLS with the mesh's own certificates.
    IstioMutual,
    /// TLS is terminated; a presented certificate must verify.
    OptionalMutual,
}

impl TlsMode {
    /// The name in manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passthrough => "PASSTHROUGH",
            Self::Simple => "SIMPLE",
            Self::Mutual => "MUTUAL",
            Self::AutoPassthrough => "AUTO_PASSTHROUGH",
            Self::IstioMutual => "ISTIO_MUTUAL",
            Self::OptionalMutual => "OPTIONAL_MUTUAL",
        }
    }
}

impl From<crate::workspace::config::Mode> for TlsMode {
    fn from(mode: crate::workspace::config::Mode) -> Self {
        use crate::workspace::config::Mode;
        match mode {
            Mode::Simple => Self::Simple,
            Mode::Mutual => Self::Mutual,
            Mode::OptionalMutual => Self::OptionalMutual,
        }
    }
}

/// Istio `ServerTLSSettings.TLSProtocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TlsProtocol {
    /// The default.
    #[serde(rename = "TLS_AUTO")]
    Auto,
    /// TLS 1.0.
    #[serde(rename = "TLSV1_0")]
    V1_0,
    /// TLS 1.1.
    #[serde(rename = "TLSV1_1")]
    V1_1,
    /// TLS 1.2.
    #[serde(rename = "TLSV1_2")]
    V1_2,
    /// TLS 1.3.
    #[serde(rename = "TLSV1_3")]
    V1_3,
}
