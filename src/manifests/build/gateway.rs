//! The Gateway: a server per host on port 443.

use super::metadata::{gateway_metadata, istio_api_version};
use super::{HTTPS_PORT, HostIntent, Intent, SERVERS_PER_GATEWAY};
use crate::manifests::model::Gateway;
use crate::manifests::model::gateway::{GatewaySpec, Port, Server, ServerTlsSettings};
use crate::manifests::naming::CRL_FILE;
use crate::workspace::config::{IstioTarget, SecretStyle};

/// The placeholder that Istio 1.1 requires instead of a path: its validation accepts any text.
const SDS_PLACEHOLDER: &str = "use sds";

/// The Gateway; several if there are more servers than one object should have.
pub(super) fn gateways(intent: &Intent) -> Vec<Gateway> {
    let alone = intent.hosts.len() == 1;
    intent
        .hosts
        .chunks(SERVERS_PER_GATEWAY)
        .enumerate()
        .map(|(part, hosts)| {
            Gateway::new(
                istio_api_version(intent.istio),
                gateway_metadata(intent, &intent.gateway_name(part * SERVERS_PER_GATEWAY)),
                GatewaySpec {
                    selector: intent.gateway.selector.clone(),
                    servers: hosts.iter().map(|host| server(intent, host, alone)).collect(),
                },
            )
        })
        .collect()
}

fn server(intent: &Intent, host: &HostIntent, alone: bool) -> Server {
    let names = &host.names;
    Server {
        port: Port {
            number: u32::from(HTTPS_PORT),
            name: if alone { "https".into() } else { names.server.clone() },
            protocol: "HTTPS".into(),
            target_port: None,
        },
        tls: Some(tls(intent, host)),
        // Clients send no SNI for an IP address.
        hosts: vec![match names.host.ip() {
            Some(_) => "*".into(),
            None => names.host.to_string(),
        }],
        ..Server::default()
    }
}

fn tls(intent: &Intent, host: &HostIntent) -> ServerTlsSettings {
    let verifies = host.mode.verifies_clients();
    let mode = Some(host.mode.into());
    match (intent.secrets, intent.istio) {
        (SecretStyle::Credential, IstioTarget::Latest) => ServerTlsSettings {
            mode,
            credential_name: Some(host.names.credential.clone()),
            ..ServerTlsSettings::default()
        },
        (SecretStyle::Credential, IstioTarget::V1_1) => ServerTlsSettings {
            mode,
            server_certificate: Some(SDS_PLACEHOLDER.into()),
            private_key: Some(SDS_PLACEHOLDER.into()),
            ca_certificates: verifies.then(|| SDS_PLACEHOLDER.into()),
            credential_name: Some(host.names.credential.clone()),
            ..ServerTlsSettings::default()
        },
        (SecretStyle::FileMount, target) => {
            let mount = &host.names.mount;
            let crl = verifies && host.material.crl.is_some() && target == IstioTarget::Latest;
            ServerTlsSettings {
                mode,
                server_certificate: Some(mount.certificate_path()),
                private_key: Some(mount.key_path()),
                ca_certificates: verifies.then(|| mount.ca_path()),
                ca_crl: crl.then(|| format!("{}/{CRL_FILE}", mount.ca_certs_path)),
                ..ServerTlsSettings::default()
            }
        }
    }
}
