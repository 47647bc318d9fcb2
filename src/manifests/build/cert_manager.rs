//! cert-manager in place of our own leaf: the host's intermediate becomes a CA
//! Issuer, and a Certificate fills the Secret that the gateway reads and
//! renews it by itself.

use std::collections::BTreeMap;

use serde_json::json;

use super::gateway_api::object;
use super::{HostIntent, Intent, metadata};
use crate::manifests::model::secret::{SecretBytes, TYPE_TLS};
use crate::manifests::model::{Manifest, Secret};
use crate::manifests::naming::{MANAGED_BY, MANAGED_BY_LABEL};
use crate::problem::Problem;
use crate::workspace::config::SecretStyle;

const API_VERSION: &str = "cert-manager.io/v1";
/// A year, as our own leaves.
const DURATION: &str = "8760h";
/// A month before the end.
const RENEW_BEFORE: &str = "720h";
/// The longest common name (X.520 ub-common-name).
const LONGEST_COMMON_NAME: usize = 64;

/// The CA's Secret, the Issuer and the Certificate of one host.
pub(super) fn of_host(intent: &Intent, host: &HostIntent) -> Result<[Manifest; 3], Problem> {
    let names = &host.names;
    let namespace = &intent.gateway.pod_namespace;
    let (Some(ca), Some(key)) = (&host.material.ca, &host.material.issuer_key) else {
        return Err(Problem::new(format!(
            "{} has no intermediate key for cert-manager to sign with",
            names.host
        ))
        .why("2_intermediate/private/intermediate.key.pem is not there, as in chains made with --ca")
        .fix("use a chain with its own intermediate: istio-tls gen-certs without --ca"));
    };
    let issuer = format!("{}-issuer", names.base);
    let ca_secret = format!("{}-issuer-ca", names.base);
    // With the root at the end, cert-manager hands out the root as ca.crt.
    let data = BTreeMap::from([
        ("tls.crt".to_owned(), SecretBytes::new(ca.clone())),
        ("tls.key".to_owned(), SecretBytes::new(key.to_vec())),
    ]);
    let secret = Secret::new(metadata(intent, &ca_secret, namespace), TYPE_TLS, data);
    let issuer_object = object(
        API_VERSION.into(),
        "Issuer",
        metadata(intent, &issuer, namespace),
        &json!({ "ca": { "secretName": ca_secret } }),
    );
    let target = match intent.secrets {
        SecretStyle::Credential => &names.credential,
        SecretStyle::FileMount => &names.mount.certs_secret,
    };
    let mut spec = json!({
        "secretName": target,
        "secretTemplate": { "labels": { MANAGED_BY_LABEL: MANAGED_BY } },
        "duration": DURATION,
        "renewBefore": RENEW_BEFORE,
        "privateKey": { "algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always" },
        "usages": ["digital signature", "server auth"],
        "issuerRef": { "name": issuer, "kind": "Issuer", "group": "cert-manager.io" },
    });
    let host = names.host.as_str();
    if host.len() <= LONGEST_COMMON_NAME {
        spec["commonName"] = json!(host);
    }
    let field = if names.host.ip().is_some() {
        "ipAddresses"
    } else {
        "dnsNames"
    };
    spec[field] = json!([host]);
    let certificate = object(
        API_VERSION.into(),
        "Certificate",
        metadata(intent, target, namespace),
        &spec,
    );
    Ok([
        Manifest::Secret(secret),
        Manifest::Other(issuer_object),
        Manifest::Other(certificate),
    ])
}
