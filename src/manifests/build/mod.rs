//! Intent into objects: what hosts, in which mode and style, become as
//! Secrets, a Gateway, VirtualServices and samples.

mod cert_manager;
pub mod envoy;
mod gateway;
mod gateway_api;
pub mod ingress_volumes;
mod intent;
mod metadata;
mod samples;
mod secrets;
mod virtual_services;

pub use gateway_api::frontend;
pub use intent::{Api, HTTPS_PORT, HostIntent, Intent, Issuer, Material, SERVERS_PER_GATEWAY};

use super::model::Manifest;
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::workspace::config::{IstioTarget, SecretStyle};

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

#[cfg(test)]
mod tests;
