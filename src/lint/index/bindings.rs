//! The servers of Gateways that a VirtualService's routes apply to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::host_index::{HostIndex, Suffixes};
use crate::lint::item::Item;
use crate::lint::world::World;
use crate::manifests::model::gateway::{Server, ServerTlsSettings, TlsMode};
use crate::manifests::model::{Gateway, VirtualService};
use crate::manifests::server_hosts::hosts_of;

/// The reserved name for all sidecars of the mesh in a VirtualService's gateways.
pub(in crate::lint) const MESH: &str = "mesh";

/// The kind of routes that a server uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lint) enum Takes {
    /// `http` routes.
    Http,
    /// `tls` routes, by SNI.
    Tls,
    /// `tcp` routes.
    Tcp,
    /// No routes: TLS mode `AUTO_PASSTHROUGH`.
    Nothing,
    /// Unknown, because the server is invalid.
    Unknown,
}

impl Takes {
    /// The kind of routes that a server uses, given its protocol and TLS mode.
    pub(in crate::lint) fn of(server: &Server) -> Self {
        let mode = server.tls.as_ref().map(ServerTlsSettings::effective_mode);
        match (server.port.protocol.to_ascii_lowercase().as_str(), mode) {
            ("https" | "tls", Some(TlsMode::Passthrough)) => Self::Tls,
            ("https" | "tls", Some(TlsMode::AutoPassthrough)) => Self::Nothing,
            ("http" | "http2" | "grpc" | "grpc-web" | "http_proxy", _) | ("https", Some(_)) => Self::Http,
            ("tcp" | "mongo" | "redis" | "mysql", None) | ("tls", Some(_)) => Self::Tcp,
            _ => Self::Unknown,
        }
    }
}

/// A server that exposes a host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lint) struct Exposure {
    /// Only VirtualServices in this namespace may bind; none means any.
    pub(in crate::lint) namespace: Option<String>,
    /// The kind of routes that the server uses.
    pub(in crate::lint) takes: Takes,
    /// The server's port.
    pub(in crate::lint) port: u32,
}

/// A Gateway with its hosts.
pub(in crate::lint) struct BoundGateway<'a> {
    /// The Gateway.
    pub(in crate::lint) item: &'a Item<'a, Gateway>,
    hosts: HostIndex<Exposure>,
}

impl BoundGateway<'_> {
    /// The servers that expose a host, regardless of which namespaces may bind.
    pub(in crate::lint) fn exposures(&self, host: &str) -> Vec<&Exposure> {
        self.hosts.overlapping(&host.to_ascii_lowercase()).collect()
    }

    /// The servers that a VirtualService's routes apply to.
    pub(in crate::lint) fn servers_for(&self, service: &Item<'_, VirtualService>) -> BTreeSet<&Exposure> {
        let hosts = service.object.spec.hosts.iter();
        hosts
            .flat_map(|host| self.exposures(host))
            .filter(|exposure| exposure.is_open_to(service.namespace))
            .collect()
    }
}

impl Exposure {
    /// Whether VirtualServices in a namespace may bind.
    pub(in crate::lint) fn is_open_to(&self, namespace: &str) -> bool {
        self.namespace.as_deref().is_none_or(|only| only == namespace)
    }
}

/// All Gateways, by name and namespace.
pub(in crate::lint) struct Gateways<'a> {
    by_name: HashMap<&'a str, BTreeMap<&'a str, BoundGateway<'a>>>,
}

impl<'a> Gateways<'a> {
    /// Indexes the world's Gateways for the hosts of its VirtualServices.
    pub(in crate::lint) fn of(world: &'a World<'_>) -> Self {
        let services = world.virtual_services.iter();
        let hosts: Vec<String> = services
            .flat_map(|service| &service.object.spec.hosts)
            .filter(|host| host.starts_with('*'))
            .map(|host| host.to_ascii_lowercase())
            .collect();
        let asked = Suffixes::of(hosts.iter().map(String::as_str));
        let mut gateways = Self {
            by_name: HashMap::new(),
        };
        for item in &world.gateways {
            let mut hosts = HostIndex::asked_for(&asked);
            for server in &item.object.spec.servers {
                for host in hosts_of(server, item.namespace) {
                    let exposure = Exposure {
                        namespace: host.namespace,
                        takes: Takes::of(server),
                        port: server.port.number,
                    };
                    hosts.add(&host.name, &exposure);
                }
            }
            let of_name = gateways.by_name.entry(&item.metadata.name).or_default();
            of_name.insert(item.namespace, BoundGateway { item, hosts });
        }
        gateways
    }

    /// The Gateway that a VirtualService in a namespace refers to.
    pub(in crate::lint) fn find(&self, reference: &str, namespace: &str) -> Option<&BoundGateway<'a>> {
        let (namespace, name) = gateway_name(reference, namespace);
        self.by_name.get(name)?.get(namespace)
    }

    /// Namespaces that have a Gateway with a name.
    pub(in crate::lint) fn namespaces_of(&self, name: &str) -> impl Iterator<Item = &'a str> + '_ {
        self.by_name.get(name).into_iter().flat_map(BTreeMap::keys).copied()
    }

    /// The Gateways that a VirtualService is bound to, if all of them are known and the mesh is not
    /// among them.
    pub(in crate::lint) fn all_of(&self, service: &Item<'_, VirtualService>) -> Option<Vec<&BoundGateway<'a>>> {
        let named = &service.object.spec.gateways;
        if named.is_empty() || named.iter().any(|name| name == MESH) {
            return None;
        }
        named.iter().map(|name| self.find(name, service.namespace)).collect()
    }
}

/// Namespace and name of the Gateway that a VirtualService in a namespace refers to as `name`,
/// `namespace/name`, `./name`, or in the legacy form `name.namespace.svc.cluster.local`.
pub(in crate::lint) fn gateway_name<'t>(reference: &'t str, namespace: &'t str) -> (&'t str, &'t str) {
    match (reference.split_once('/'), reference.split_once('.')) {
        (Some((".", name)), _) => (namespace, name),
        (Some(named), _) => named,
        (None, Some((name, rest))) => (rest.split('.').next().unwrap_or(rest), name),
        (None, None) => (namespace, reference),
    }
}

#[cfg(test)]
mod tests {
    use super::{Takes, gateway_name};
    use crate::manifests::model::gateway::{Port, Server, ServerTlsSettings, TlsMode};

    #[test]
    fn gateways_are_named_in_four_forms() {
        for (reference, expected) in [
            ("gw", ("here", "gw")),
            ("./gw", ("here", "gw")),
            ("there/gw", ("there", "gw")),
            ("gw.there.svc.cluster.local", ("there", "gw")),
            ("gw.there", ("there", "gw")),
        ] {
            assert_eq!(gateway_name(reference, "here"), expected, "{reference}");
        }
    }

    #[test]
    fn what_a_server_takes_follows_from_protocol_and_mode() {
        for (protocol, mode, expected) in [
            ("HTTP", None, Takes::Http),
            ("http", Some(TlsMode::Passthrough), Takes::Http),
            ("GRPC-Web", None, Takes::Http),
            ("HTTPS", Some(TlsMode::Simple), Takes::Http),
            ("HTTPS", Some(TlsMode::Passthrough), Takes::Tls),
            ("HTTPS", None, Takes::Unknown),
            ("TLS", Some(TlsMode::Passthrough), Takes::Tls),
            ("TLS", Some(TlsMode::Mutual), Takes::Tcp),
            ("TLS", Some(TlsMode::AutoPassthrough), Takes::Nothing),
            ("TCP", None, Takes::Tcp),
            ("MONGO", None, Takes::Tcp),
            ("UDP", None, Takes::Unknown),
        ] {
            let server = Server {
                port: Port {
                    protocol: protocol.to_owned(),
                    ..Port::default()
                },
                tls: mode.map(|mode| ServerTlsSettings {
                    mode: Some(mode),
                    ..ServerTlsSettings::default()
                }),
                ..Server::default()
            };
            assert_eq!(Takes::of(&server), expected, "{protocol}");
        }
    }
}
