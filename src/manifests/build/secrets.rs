//! The Secrets of hosts: for `credentialName`, or mounted as files.

use std::collections::BTreeMap;

use super::{HostIntent, Intent, metadata};
use crate::manifests::model::Secret;
use crate::manifests::model::secret::{SecretBytes, TYPE_OPAQUE, TYPE_TLS};
use crate::manifests::naming::{CA_CHAIN_FILE, CRL_FILE};
use crate::problem::Problem;
use crate::workspace::config::{IstioTarget, SecretStyle};

/// The Secrets of all hosts, in the namespace of the gateway's pods.
pub(super) fn secrets(intent: &Intent) -> Result<Vec<Secret>, Problem> {
    let mut secrets = Vec::new();
    for host in &intent.hosts {
        match intent.secrets {
            SecretStyle::Credential => secrets.push(credential(intent, host)?),
            SecretStyle::FileMount => secrets.extend(file_mount(intent, host)?),
        }
    }
    Ok(secrets)
}

fn credential(intent: &Intent, host: &HostIntent) -> Result<Secret, Problem> {
    // Istio 1.1 knows only its own key names, and no type of Kubernetes'.
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

fn file_mount(intent: &Intent, host: &HostIntent) -> Result<Vec<Secret>, Problem> {
    let mount = &host.names.mount;
    let namespace = &intent.gateway.pod_namespace;
    let pair = BTreeMap::from([
        (
            "tls.crt".to_owned(),
            SecretBytes::new(host.material.certificate.clone()),
        ),
        ("tls.key".to_owned(), SecretBytes::new(host.material.key.to_vec())),
    ]);
    let mut secrets = vec![Secret::new(
        metadata(intent, &mount.certs_secret, namespace),
        TYPE_TLS,
        pair,
    )];
    if host.mode.verifies_clients() {
        let crl = (intent.istio == IstioTarget::Latest).then_some(CRL_FILE);
        secrets.push(Secret::new(
            metadata(intent, &mount.ca_certs_secret, namespace),
            TYPE_OPAQUE,
            authority(host, CA_CHAIN_FILE, crl)?,
        ));
    }
    Ok(secrets)
}

/// What client certificates are verified against.
fn authority(host: &HostIntent, ca_key: &str, crl_key: Option<&str>) -> Result<BTreeMap<String, SecretBytes>, Problem> {
    let ca = host.material.ca.clone().ok_or_else(|| {
        Problem::new(format!("{} has no CA to verify clients against", host.names.host))
            .why(format!("its mode is {}", host.mode.istio()))
            .fix("choose --mode simple, or make the chain anew with istio-tls gen-certs")
    })?;
    let mut data = BTreeMap::from([(ca_key.to_owned(), SecretBytes::new(ca))]);
    if let (Some(key), Some(crl)) = (crl_key, &host.material.crl) {
        data.insert(key.to_owned(), SecretBytes::new(crl.clone()));
    }
    Ok(data)
}
