//! The Secrets of hosts: for `credentialName`, or mounted as files.

use std::collections::BTreeMap;

use super::metadata::metadata;
use super::{HostIntent, Intent, Issuer, cert_manager};
use crate::manifests::model::secret::{SecretBytes, TYPE_OPAQUE, TYPE_TLS};
use crate::manifests::model::{Manifest, Secret};
use crate::manifests::naming::{CA_CHAIN_FILE, CRL_FILE};
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::workspace::config::{IstioTarget, SecretStyle};

/// The Secrets of all hosts, in the namespace of the gateway's pods.
pub(super) fn secrets(intent: &Intent) -> Result<Vec<Manifest>, Problem> {
    let mut objects = Vec::new();
    for host in &intent.hosts {
        match (intent.issuer, intent.secrets) {
            (None, SecretStyle::Credential) => objects.push(Manifest::Secret(credential(intent, host)?)),
            (None, SecretStyle::FileMount) => {
                objects.push(Manifest::Secret(mounted_pair(intent, host)));
                objects.extend(mounted_ca(intent, host)?.map(Manifest::Secret));
            }
            (Some(Issuer::CertManager), style) => {
                objects.extend(cert_manager::of_host(intent, host)?);
                if style == SecretStyle::FileMount {
                    objects.extend(mounted_ca(intent, host)?.map(Manifest::Secret));
                }
            }
        }
    }
    Ok(objects)
}

fn credential(intent: &Intent, host: &HostIntent) -> Result<Secret, Problem> {
    // Istio 1.1 knows only its own key names, and no Kubernetes types.
    let (secret_type, [cert, key, ca, crl]) = match intent.istio {
        IstioTarget::Latest => (TYPE_TLS, ["tls.crt", "tls.key", "ca.crt", "ca.crl"]),
        IstioTarget::V1_1 => (TYPE_OPAQUE, ["cert", "key", "cacert", "crl"]),
    };
    let mut data = BTreeMap::from([
        (cert.to_owned(), SecretBytes::new(host.material.certificate.clone())),
        (key.to_owned(), SecretBytes::new(host.material.key.to_vec())),
    ]);
    if host.mode.verifies_clients() {
        data.extend(authority(
            host,
            ca,
            (intent.istio == IstioTarget::Latest).then_some(crl),
        )?);
    }
    let name = &host.names.credential;
    Ok(Secret::new(
        metadata(intent, name, &intent.gateway.pod_namespace),
        secret_type,
        data,
    ))
}

fn mounted_pair(intent: &Intent, host: &HostIntent) -> Secret {
    let pair = BTreeMap::from([
        (
            "tls.crt".to_owned(),
            SecretBytes::new(host.material.certificate.clone()),
        ),
        ("tls.key".to_owned(), SecretBytes::new(host.material.key.to_vec())),
    ]);
    let name = &host.names.mount.certs_secret;
    Secret::new(metadata(intent, name, &intent.gateway.pod_namespace), TYPE_TLS, pair)
}

/// The CA's Secret of a host that verifies clients.
fn mounted_ca(intent: &Intent, host: &HostIntent) -> Result<Option<Secret>, Problem> {
    if !host.mode.verifies_clients() {
        return Ok(None);
    }
    let crl = (intent.istio == IstioTarget::Latest).then_some(CRL_FILE);
    let data = authority(host, CA_CHAIN_FILE, crl)?;
    let name = &host.names.mount.ca_certs_secret;
    let metadata = metadata(intent, name, &intent.gateway.pod_namespace);
    Ok(Some(Secret::new(metadata, TYPE_OPAQUE, data)))
}

/// What client certificates are verified against.
fn authority(host: &HostIntent, ca_key: &str, crl_key: Option<&str>) -> Result<BTreeMap<String, SecretBytes>, Problem> {
    let ca = ca_of(host)?.to_vec();
    let mut data = BTreeMap::from([(ca_key.to_owned(), SecretBytes::new(ca))]);
    if let (Some(key), Some(crl)) = (crl_key, &host.material.crl) {
        data.insert(key.to_owned(), SecretBytes::new(crl.clone()));
    }
    Ok(data)
}

/// The CA of a host that verifies clients.
pub(super) fn ca_of(host: &HostIntent) -> Result<&[u8], Problem> {
    host.material.ca.as_deref().ok_or_else(|| {
        Problem::new(format!("{} has no CA to verify clients against", host.names.host))
            .why(format!("its mode is {}", host.mode.istio()))
            .fix(
                Remedy::from("put the CA certificates into 2_intermediate/certs/ca-chain.cert.pem in its folder; or ")
                    .and(ours::make_simple(&host.names.host))
                    .and(" sets mode simple, in which clients are not verified"),
            )
    })
}
