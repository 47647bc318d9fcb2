//! What the gateway is configured with: the objects of the input and the
//! settings beside them. Values only: they are read elsewhere.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rustls::pki_types::CertificateRevocationListDer;

use super::clusters::{KnownServices, Upstream};
use super::field::Locate;
use crate::manifests::load::{self, Origin};
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
        let place = || -> Box<dyn Locate + 'a> {
            if object.origin.file.is_empty() {
                Box::new(InCluster(object.manifest.title(default_namespace)))
            } else {
                Box::new(&object.origin)
            }
        };
        match &object.manifest {
            Manifest::Gateway(gateway) => self.gateways.push(Object {
                namespace,
                name,
                created,
                spec: &gateway.spec,
                place: place(),
            }),
            Manifest::VirtualService(service) => self.virtual_services.push(Object {
                namespace,
                name,
                created,
                spec: &service.spec,
                place: place(),
            }),
            Manifest::Service(service) => {
                let ports = service.spec.ports.iter().map(|port| port.port).collect();
                self.services
                    .ports
                    .insert(format!("{name}.{namespace}.svc.cluster.local"), ports);
            }
            Manifest::Secret(_) | Manifest::Deployment(_) | Manifest::Other(_) => {}
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

impl Locate for &Origin {
    fn locate(&self, path: &str) -> String {
        if self.position.line == 0 {
            return format!("{path}, made from {}", self.file);
        }
        self.describe(path)
    }
}

/// An object of a cluster, by its title.
struct InCluster(String);

impl Locate for InCluster {
    fn locate(&self, path: &str) -> String {
        format!("{}  {path}", self.0)
    }
}
