//! The workspace's Gateway and VirtualServices, for serving without `-f`.

use super::field::Locate;
use super::input::{Input, Object};
use crate::manifests::model::gateway::{GatewaySpec, Port, Server, ServerTlsSettings};
use crate::manifests::model::http_route::{HttpMatch, HttpRoute, HttpRouteDestination, StringMatch};
use crate::manifests::model::virtual_service::{Destination, PortSelector, VirtualServiceSpec};
use crate::manifests::{naming, routes};
use crate::names::Host;
use crate::workspace::config::{FILE_NAME, Mode, WorkspaceConfig};

/// Objects that stand in no file.
struct Made(String);

impl Locate for Made {
    fn locate(&self, path: &str) -> String {
        format!("{FILE_NAME}  {} {path}", self.0)
    }
}

/// Adds the objects of `hosts`. Where no file says so, a chain with client
/// certificates is served in mode mutual.
pub(super) fn add(
    config: Option<&WorkspaceConfig>,
    hosts: &[(Host, Option<String>)],
    has_client: &dyn Fn(&Host) -> bool,
    namespace: Option<&str>,
    input: &mut Input,
) {
    if hosts.is_empty() {
        return;
    }
    let gateway = config.map(|config| config.gateway.clone()).unwrap_or_default();
    let namespace = namespace.unwrap_or(&gateway.namespace).to_owned();
    let names = naming::names(hosts.iter().map(|(host, recorded)| (host, recorded.as_deref())));
    let alone = names.len() == 1;
    let mut servers = Vec::new();
    for names in names {
        let entry = config.and_then(|config| config.host(&names.host));
        let mode = match (config, entry) {
            (Some(config), Some(entry)) => config.mode_of(entry),
            _ if has_client(&names.host) => Mode::Mutual,
            _ => Mode::Simple,
        };
        // Clients send no SNI for an address.
        let host = match names.host.ip() {
            Some(_) => "*".to_owned(),
            None => names.host.to_string(),
        };
        servers.push(Server {
            port: Port {
                number: 443,
                name: if alone {
                    "https".to_owned()
                } else {
                    names.server.clone()
                },
                protocol: "HTTPS".to_owned(),
                target_port: None,
            },
            tls: Some(ServerTlsSettings {
                mode: Some(mode.into()),
                credential_name: Some(names.credential.clone()),
                ..ServerTlsSettings::default()
            }),
            hosts: vec![host.clone()],
            ..Server::default()
        });
        let recorded = entry.map(|entry| entry.routes.clone()).unwrap_or_default();
        let entries = if recorded.is_empty() {
            routes::default_routes(&names.host)
        } else {
            recorded
        };
        let http = entries.into_iter().map(|entry| HttpRoute {
            matches: vec![HttpMatch {
                uri: entry
                    .exact
                    .map(StringMatch::Exact)
                    .or(entry.prefix.map(StringMatch::Prefix)),
                ..HttpMatch::default()
            }],
            route: vec![HttpRouteDestination {
                destination: Destination {
                    host: entry.service,
                    subset: None,
                    port: Some(PortSelector {
                        number: u32::from(entry.port),
                    }),
                },
                ..HttpRouteDestination::default()
            }],
            ..HttpRoute::default()
        });
        input.virtual_services.push(Object {
            namespace: namespace.clone(),
            name: names.virtual_service.clone(),
            created: String::new(),
            spec: VirtualServiceSpec {
                hosts: vec![host],
                gateways: vec![gateway.name.clone()],
                http: http.collect(),
                ..VirtualServiceSpec::default()
            },
            place: Box::new(Made(format!("VirtualService {}", names.virtual_service))),
        });
    }
    input.gateways.push(Object {
        place: Box::new(Made(format!("Gateway {}", gateway.name))),
        name: gateway.name,
        namespace,
        created: String::new(),
        spec: GatewaySpec {
            selector: gateway.selector,
            servers,
        },
    });
}
