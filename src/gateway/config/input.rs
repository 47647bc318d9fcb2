//! What the gateway is configured with: the objects of the input and the
//! settings beside them. Values only: they are read elsewhere.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rustls::pki_types::CertificateRevocationListDer;

use super::clusters::{KnownServices, Upstream};
use super::field::Locate;
use crate::manifests::load;
use crate::manifests::model::Manifest;
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

impl<'a> Input<'a> {
    /// Takes an object if routing depends on it; `default_namespace` is for one that names none.
    pub fn take(&mut self, object: &'a load::Object, default_namespace: &'a str) {
        let metadata = object.manifest.metadata();
        let namespace = metadata.namespace_or(default_namespace);
        let name = metadata.name.as_str();
        let created = metadata.creation_timestamp.as_deref().unwrap_or_default();
        let place = || Box::new(Source { object, namespace });
        match &object.manifest {
            Manifest::Gateway(gateway) => self.gateways.push(Object {
                namespace,
                name,
                created,
                spec: &gateway.spec,
                place: place(),
                of_gateway_api: false,
            }),
            Manifest::VirtualService(service) => self.virtual_services.push(Object {
                namespace,
                name,
                created,
                spec: &service.spec,
                place: place(),
                of_gateway_api: false,
            }),
            Manifest::Service(_) | Manifest::Secret(_) | Manifest::Deployment(_) | Manifest::Other(_) => {}
        }
    }
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
    /// It was made of objects of the Gateway API, for which other rules hold here and there.
    pub of_gateway_api: bool,
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

/// Where a field of an object of the input stands.
pub(super) fn locate(object: &load::Object, namespace: &str, path: &str) -> String {
    let origin = &object.origin;
    if origin.file.is_empty() {
        return format!("{}  {path}", object.manifest.title(namespace));
    }
    if origin.position.line == 0 {
        return format!("{path}, made from {}", origin.file);
    }
    origin.describe(path)
}

/// An object of the input.
struct Source<'a> {
    object: &'a load::Object,
    namespace: &'a str,
}

impl Locate for Source<'_> {
    fn locate(&self, path: &str) -> String {
        locate(self.object, self.namespace, path)
    }
}
