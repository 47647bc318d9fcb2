//! File mounts: the volumes that the gateway's pods need, as a patch of their Deployment or as Helm
//! values.

use serde::Serialize;

use super::Intent;
use crate::manifests::model::Deployment;
use crate::manifests::model::ObjectMeta;
use crate::manifests::model::deployment::{
    Container, DeploymentSpec, PodSpec, PodTemplate, SecretVolume, Volume, VolumeMount,
};
use crate::workspace::config::IstioTarget;

/// The Deployment of Istio's default ingress gateway.
pub const INGRESS_DEPLOYMENT: &str = "istio-ingressgateway";
/// Its container.
const PROXY_CONTAINER: &str = "istio-proxy";

/// A Secret mounted into the gateway's pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct SecretMount {
    name: String,
    secret_name: String,
    mount_path: String,
}

/// The mounts of all hosts. Helm and the default installation already have those of the first host,
/// including the CA, regardless of its mode.
fn mounts(intent: &Intent) -> Vec<SecretMount> {
    let mut mounts = Vec::new();
    for (index, host) in intent.hosts.iter().enumerate() {
        let names = &host.names.mount;
        mounts.push(SecretMount {
            name: names.certs_volume.clone(),
            secret_name: names.certs_secret.clone(),
            mount_path: names.certs_path.clone(),
        });
        if index == 0 || host.mode.verifies_clients() {
            mounts.push(SecretMount {
                name: names.ca_certs_volume.clone(),
                secret_name: names.ca_certs_secret.clone(),
                mount_path: names.ca_certs_path.clone(),
            });
        }
    }
    mounts
}

fn volume(mount: &SecretMount) -> Volume {
    Volume {
        name: mount.name.clone(),
        secret: Some(SecretVolume {
            secret_name: Some(mount.secret_name.clone()),
            // The pods start even if the Secret does not exist yet.
            optional: Some(true),
            items: Vec::new(),
        }),
    }
}

fn volume_mount(mount: &SecretMount) -> VolumeMount {
    VolumeMount {
        name: mount.name.clone(),
        mount_path: mount.mount_path.clone(),
        sub_path: None,
        read_only: Some(true),
    }
}

/// The changed part of the gateway's Deployment: server-side apply and a strategic merge patch both
/// leave everything else unchanged.
pub(super) fn patch(intent: &Intent) -> Deployment {
    let mounts = mounts(intent);
    Deployment::new(
        ObjectMeta::new(INGRESS_DEPLOYMENT, &intent.gateway.pod_namespace),
        DeploymentSpec {
            template: PodTemplate {
                spec: PodSpec {
                    containers: vec![Container {
                        name: PROXY_CONTAINER.into(),
                        volume_mounts: mounts.iter().map(volume_mount).collect(),
                    }],
                    volumes: mounts.iter().map(volume).collect(),
                    service_account_name: None,
                },
                ..PodTemplate::default()
            },
        },
    )
}

/// The same as values of Istio's Helm chart: `gateway` in current versions,
/// `gateways.istio-ingressgateway.secretVolumes` in 1.1, where the list replaces the chart's own
/// and so must be complete.
pub fn helm_values(intent: &Intent) -> serde_json::Value {
    let mounts = mounts(intent);
    match intent.istio {
        IstioTarget::Latest => serde_json::json!({
            "volumes": mounts.iter().map(volume).collect::<Vec<_>>(),
            "volumeMounts": mounts.iter().map(volume_mount).collect::<Vec<_>>(),
        }),
        IstioTarget::V1_1 => serde_json::json!({
            "gateways": { "istio-ingressgateway": { "secretVolumes": mounts } },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::intent;
    use super::super::{Part, objects};
    use super::{helm_values, mounts};
    use crate::workspace::config::{IstioTarget, Mode, SecretStyle};

    #[test]
    fn a_mount_per_secret() {
        let hosts = ["httpbin.example.com", "bookinfo.com"];
        for (mode, secrets) in [
            (
                Mode::Simple,
                &[
                    "istio-ingressgateway-certs",
                    "istio-ingressgateway-ca-certs",
                    "istio-ingressgateway-bookinfo-certs",
                ][..],
            ),
            (
                Mode::Mutual,
                &[
                    "istio-ingressgateway-certs",
                    "istio-ingressgateway-ca-certs",
                    "istio-ingressgateway-bookinfo-certs",
                    "istio-ingressgateway-bookinfo-ca-certs",
                ],
            ),
        ] {
            let intent = intent(&hosts, mode, SecretStyle::FileMount, IstioTarget::Latest);
            let mounted = mounts(&intent);
            let found: Vec<&str> = mounted.iter().map(|mount| mount.secret_name.as_str()).collect();
            assert_eq!(found, secrets);
            let values = helm_values(&intent);
            assert_eq!(values["volumes"].as_array().unwrap().len(), secrets.len());
            assert_eq!(values["volumeMounts"].as_array().unwrap().len(), secrets.len());
        }
    }

    #[test]
    fn volume_names_stay_short_enough() {
        let hosts = [
            "a.com",
            "a-label-of-the-greatest-length-that-a-domain-name-may-ever-have.org",
        ];
        let intent = intent(&hosts, Mode::Mutual, SecretStyle::FileMount, IstioTarget::Latest);
        assert!(
            mounts(&intent)
                .iter()
                .all(|mount| crate::names::is_dns_label(&mount.name))
        );
    }

    #[test]
    fn credentials_have_no_volumes() {
        let intent = intent(&["a.com"], Mode::Mutual, SecretStyle::Credential, IstioTarget::Latest);
        assert!(objects(&intent, &[Part::IngressVolumes]).is_err());
    }
}
