//! Intent into objects: what hosts, in which mode and style, become as
//! Secrets, a Gateway, VirtualServices and samples.

mod cert_manager;
pub mod envoy;
mod gateway;
mod gateway_api;
pub mod ingress_volumes;
mod samples;
mod secrets;
mod virtual_services;

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::model::{Manifest, ObjectMeta};
use super::naming::{HostNames, MANAGED_BY, MANAGED_BY_LABEL};
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::workspace::config::{GatewayEntry, IstioTarget, Mode, RouteEntry, SecretStyle};

/// How many servers one Gateway holds at most, so that the object stays well
/// below the size that etcd takes.
pub const SERVERS_PER_GATEWAY: usize = 500;
/// The port of every server that is made here.
pub const HTTPS_PORT: u16 = 443;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The hosts, in the order of their servers.
    pub hosts: Vec<HostIntent>,
    /// The Gateway's name, namespace and selector, and the namespace of its pods.
    pub gateway: GatewayEntry,
    /// How key material reaches the gateway.
    pub secrets: SecretStyle,
    /// The Istio that is to read the objects.
    pub istio: IstioTarget,
    /// The API that routes are written in.
    pub api: Api,
    /// What issues server certificates in the cluster; none: ours are handed over.
    pub issuer: Option<Issuer>,
}

impl Intent {
    /// The Gateway that holds the server of the host at `index`.
    fn gateway_name(&self, index: usize) -> String {
        let size = match self.api {
            Api::Istio => SERVERS_PER_GATEWAY,
            Api::GatewayApi => gateway_api::LISTENERS_PER_GATEWAY,
        };
        match index / size {
            0 => self.gateway.name.clone(),
            part => format!("{}-{}", self.gateway.name, part + 1),
        }
    }
}

/// The API that Gateways and routes are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Api {
    /// networking.istio.io: Gateway and VirtualService.
    #[default]
    Istio,
    /// gateway.networking.k8s.io: Gateway, HTTPRoute and ReferenceGrant.
    GatewayApi,
}

impl Api {
    /// Every API with its word in flags.
    pub const WORDS: &[(&str, Self)] = &[("istio", Self::Istio), ("gateway-api", Self::GatewayApi)];
}

/// What issues server certificates in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer {
    /// cert-manager, with the host's intermediate as its CA.
    CertManager,
}

impl Issuer {
    /// Every issuer with its word in flags.
    pub const WORDS: &[(&str, Self)] = &[("cert-manager", Self::CertManager)];
}

/// One host of an [`Intent`].
#[derive(Debug, Clone)]
pub struct HostIntent {
    /// The host and what its objects are called.
    pub names: HostNames,
    /// How clients are authenticated.
    pub mode: Mode,
    /// Where its paths lead; never empty.
    pub routes: Vec<RouteEntry>,
    /// Its chain, for the Secrets.
    pub material: Material,
}

/// The key material of one host, as PEM.
#[derive(Clone, Default)]
pub struct Material {
    /// The leaf, then the intermediate.
    pub certificate: Vec<u8>,
    /// The leaf's key.
    pub key: Zeroizing<Vec<u8>>,
    /// What client certificates must chain to: intermediate, then root.
    pub ca: Option<Vec<u8>>,
    /// Revocation lists of those authorities, one after the other.
    pub crl: Option<Vec<u8>>,
    /// The intermediate's key, for an issuer in the cluster.
    pub issuer_key: Option<Zeroizing<Vec<u8>>>,
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Material").finish_non_exhaustive()
    }
}

/// A kind of objects that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Secrets with certificates and keys.
    Secrets,
    /// The Gateway.
    Gateway,
    /// A VirtualService per host.
    VirtualServices,
    /// Workloads and Services of the samples.
    Samples,
    /// The volumes of file-mount style, as a patch of the gateway's Deployment.
    IngressVolumes,
}

impl Part {
    /// Every part with its word in flags.
    pub const WORDS: &[(&str, Self)] = &[
        ("secrets", Self::Secrets),
        ("gateway", Self::Gateway),
        ("virtualservice", Self::VirtualServices),
        ("samples", Self::Samples),
        ("ingress-volumes", Self::IngressVolumes),
    ];

    /// What is made when nothing is chosen.
    pub fn default_of(style: SecretStyle) -> Vec<Self> {
        let mut parts = vec![Self::Secrets, Self::Gateway, Self::VirtualServices];
        if style == SecretStyle::FileMount {
            parts.push(Self::IngressVolumes);
        }
        parts
    }
}

/// Makes the objects of the chosen parts: Secrets, then Gateway, then
/// VirtualServices, samples, and the patch of the gateway's Deployment.
///
/// # Errors
/// When hosts exclude each other, or a host that verifies clients has no CA.
pub fn objects(intent: &Intent, parts: &[Part]) -> Result<Vec<Manifest>, Problem> {
    check(intent)?;
    let mut objects = Vec::new();
    if parts.contains(&Part::Secrets) {
        objects.extend(secrets::secrets(intent)?);
    }
    if parts.contains(&Part::Gateway) {
        match intent.api {
            Api::Istio => objects.extend(gateway::gateways(intent).into_iter().map(Manifest::Gateway)),
            Api::GatewayApi => objects.extend(gateway_api::gateways(intent).into_iter().map(Manifest::Other)),
        }
    }
    if parts.contains(&Part::VirtualServices) {
        match intent.api {
            Api::Istio => {
                let routes = virtual_services::virtual_services(intent);
                objects.extend(routes.into_iter().map(Manifest::VirtualService));
            }
            Api::GatewayApi => objects.extend(gateway_api::routes(intent).into_iter().map(Manifest::Other)),
        }
    }
    if parts.contains(&Part::Samples) {
        objects.extend(samples::samples(intent).into_iter().map(Manifest::Other));
    }
    if parts.contains(&Part::IngressVolumes) {
        if intent.secrets != SecretStyle::FileMount {
            return Err(Problem::new("there are no volumes to mount")
                .why("the gateway fetches Secrets by credentialName; only file-mount style has volumes")
                .fix("add --secrets file-mount"));
        }
        objects.push(Manifest::Deployment(ingress_volumes::patch(intent)));
    }
    Ok(objects)
}

/// Refuses what cannot stand together.
fn check(intent: &Intent) -> Result<(), Problem> {
    let mut addresses = intent.hosts.iter().filter(|host| host.names.host.ip().is_some());
    if let (Some(first), Some(second)) = (addresses.next(), addresses.next()) {
        let both = ours::add_name(&first.names.host, &second.names.host);
        return Err(Problem::new(format!(
            "{} and {} cannot share a port",
            first.names.host, second.names.host
        ))
        .why("clients send no SNI for an address, so a port has one certificate for all of them")
        .fix(
            Remedy::from("one certificate for both: ")
                .and(both)
                .then(format!("name {} alone", first.names.host)),
        ));
    }
    if intent.api == Api::GatewayApi {
        if intent.istio == IstioTarget::V1_1 {
            return Err(Problem::new("Istio 1.1 does not read the Gateway API").fix("--istio latest, or --api istio"));
        }
        if intent.secrets == SecretStyle::FileMount {
            return Err(Problem::new("the Gateway API has no mounted files")
                .why("its listeners name Secrets only")
                .fix("--secrets credential, or --api istio"));
        }
    }
    if intent.issuer.is_some() && intent.istio == IstioTarget::V1_1 && intent.secrets == SecretStyle::Credential {
        return Err(
            Problem::new("Istio 1.1 does not read the Secrets that cert-manager writes")
                .why("it wants the keys cert and key; cert-manager writes tls.crt and tls.key")
                .fix("--istio latest, or --secrets file-mount"),
        );
    }
    Ok(())
}

/// The apiVersion of Istio's objects.
fn istio_api_version(target: IstioTarget) -> &'static str {
    match target {
        IstioTarget::Latest => "networking.istio.io/v1",
        IstioTarget::V1_1 => "networking.istio.io/v1alpha3",
    }
}

/// The metadata of an object that is made here.
fn metadata(intent: &Intent, name: &str, namespace: &str) -> ObjectMeta {
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

/// As [`metadata`], for what stands beside the Gateway: the task page leaves
/// the namespace `default` to the reader's context.
fn gateway_metadata(intent: &Intent, name: &str) -> ObjectMeta {
    let mut metadata = metadata(intent, name, &intent.gateway.namespace);
    if intent.istio == IstioTarget::V1_1 && intent.gateway.namespace == "default" {
        metadata.namespace = None;
    }
    metadata
}

#[cfg(test)]
mod tests;
