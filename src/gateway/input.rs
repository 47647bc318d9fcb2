//! What the gateway is configured with: the objects of the input and the
//! settings beside them. Values only; reading them is the command's work.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rustls::pki_types::CertificateRevocationListDer;

use super::clusters::{KnownServices, Upstream};
use super::field::Locate;
use crate::manifests::model::gateway::GatewaySpec;
use crate::manifests::model::virtual_service::VirtualServiceSpec;

/// Everything that a routing table is built from, but for the Secrets.
#[derive(Default)]
pub struct Input<'a> {
    /// Gateways, in the order of the input.
    pub gateways: Vec<Object<'a, GatewaySpec>>,
    /// VirtualServices, in the order of the input.
    pub virtual_services: Vec<Object<'a, VirtualServiceSpec>>,
    /// Services; where there is none at all, every destination exists.
    pub services: KnownServices,
    /// The namespace of the gateway's pods.
    pub pod_namespace: String,
    /// The labels of the gateway's pods.
    pub pod_labels: BTreeMap<String, String>,
    /// `--upstream`.
    pub upstreams: Vec<Upstream>,
    /// `--crl`.
    pub crls: Vec<CertificateRevocationListDer<'static>>,
}

/// An object of the input with its place.
pub struct Object<'a, T> {
    /// `metadata.namespace`, or the default.
    pub namespace: &'a str,
    /// `metadata.name`.
    pub name: &'a str,
    /// `metadata.creationTimestamp` as text (RFC 3339), which sorts by time; empty in files.
    pub created: &'a str,
    /// The spec.
    pub spec: &'a T,
    /// Where its fields stand.
    pub place: Box<dyn Locate + 'a>,
}

impl<T> Object<'_, T> {
    /// `namespace/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// The oldest first; then by name, then by namespace, as istiod sorts.
    pub fn age_order(&self, other: &Self) -> Ordering {
        (self.created, self.name, self.namespace).cmp(&(other.created, other.name, other.namespace))
    }
}

impl<T> Locate for Object<'_, T> {
    fn locate(&self, path: &str) -> String {
        self.place.locate(path)
    }
}
