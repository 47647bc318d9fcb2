//! cert-manager instead of our own leaf: the host's intermediate becomes a CA Issuer, and a
//! Certificate fills and renews the Secret that the gateway reads.

use std::collections::BTreeMap;

use serde_json::json;

use super::gateway_api::object;
use super::metadata::metadata;
use super::{HostIntent, Intent};
use crate::manifests::model::secret::{SecretBytes, TYPE_TLS};
use crate::manifests::model::{Manifest, Secret};
use crate::manifests::naming::{MANAGED_BY, MANAGED_BY_LABEL};
use crate::problem::Problem;
use crate::workspace::config::SecretStyle;

const API_VERSION: &str = "cert-manager.io/v1";
/// A year, like our own leaves.
const DURATION: &str = "8760h";
/// A month before expiry.
const RENEW_BEFORE: &str = "720h";
/// The maximum length of a common name (X.520 ub-common-name).
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
        .why("2_intermediate/private/intermediate.key.pem does not exist, as in chains issued with --ca")
        .fix("provide that key, or use only hosts whose chain has its own intermediate, issued without --ca"));
    };
    let issuer = format!("{}-issuer", names.base);
    let ca_secret = format!("{}-issuer-ca", names.base);
    // With the root at the end, cert-manager provides the root as ca.crt.
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

#[cfg(test)]
mod tests {
    use super::super::tests::intent;
    use super::super::{Intent, Issuer, Part, objects};
    use crate::manifests::model::Manifest;
    use crate::workspace::config::{IstioTarget, Mode, SecretStyle};

    fn wanted(hosts: &[&str], style: SecretStyle) -> Intent {
        let mut intent = intent(hosts, Mode::Mutual, style, IstioTarget::Latest);
        intent.issuer = Some(Issuer::CertManager);
        intent
    }

    fn titles(intent: &Intent) -> Vec<String> {
        let objects = objects(intent, &[Part::Secrets]).unwrap();
        objects.iter().map(|object| object.title("-")).collect()
    }

    #[test]
    fn the_certificate_fills_the_secret_that_the_gateway_reads() {
        let intent = wanted(&["httpbin.example.com"], SecretStyle::Credential);
        assert_eq!(
            titles(&intent),
            [
                "Secret istio-system/httpbin-issuer-ca",
                "Issuer istio-system/httpbin-issuer",
                "Certificate istio-system/httpbin-credential"
            ]
        );
        let made = objects(&intent, &[Part::Secrets]).unwrap();
        let Manifest::Other(certificate) = &made[2] else {
            panic!()
        };
        assert_eq!(certificate.content["spec"]["secretName"], "httpbin-credential");
        assert_eq!(certificate.content["spec"]["dnsNames"][0], "httpbin.example.com");
        let mounted = wanted(&["httpbin.example.com"], SecretStyle::FileMount);
        assert_eq!(
            titles(&mounted)[2..],
            [
                "Certificate istio-system/istio-ingressgateway-certs",
                "Secret istio-system/istio-ingressgateway-ca-certs"
            ]
        );
    }

    #[test]
    fn addresses_and_long_names() {
        let long = format!("{}.example", "a".repeat(60));
        let made = objects(&wanted(&["10.0.0.1", &long], SecretStyle::Credential), &[Part::Secrets]).unwrap();
        let specs: Vec<&serde_json::Value> = made
            .iter()
            .filter_map(|object| match object {
                Manifest::Other(other) if other.kind == "Certificate" => Some(&other.content["spec"]),
                _ => None,
            })
            .collect();
        assert_eq!(specs[0]["ipAddresses"][0], "10.0.0.1");
        assert!(specs[1].get("commonName").is_none());
    }

    #[test]
    fn without_a_key_nothing_can_be_signed() {
        let mut intent = wanted(&["a.com"], SecretStyle::Credential);
        intent.hosts[0].material.issuer_key = None;
        let problem = objects(&intent, &[Part::Secrets]).unwrap_err();
        assert!(problem.what.contains("a.com has no intermediate key"), "{problem}");
    }
}
