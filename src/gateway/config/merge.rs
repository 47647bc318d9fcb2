//! Gateways as the ports that a gateway workload opens: which Gateways apply,
//! in which order, which servers share a port, and which are dropped
//! (istiod's `mergeGateways`).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use super::field::Field;
use super::input::Object;
use crate::manifests::model::gateway::{GatewaySpec, Server, TlsMode};
use crate::manifests::server_hosts::{ServerHost, hosts_of};
use crate::problem::Problem;

/// A port and the servers on it, in the order in which they were taken.
pub(super) struct MergedPort<'a> {
    pub(super) number: u16,
    pub(super) kind: PortKind,
    pub(super) servers: Vec<MergedServer<'a>>,
}

/// What may share a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PortKind {
    /// HTTP, HTTP2, GRPC and GRPC-WEB share one route table.
    Http,
    /// HTTPS and TLS servers are told apart by SNI.
    Tls,
    /// TCP and its relatives: nothing shares the port.
    Other,
}

/// One server of a Gateway.
pub(super) struct MergedServer<'a> {
    /// `namespace/name` of its Gateway.
    pub(super) gateway: String,
    pub(super) server: &'a Server,
    pub(super) place: Field<'a>,
    pub(super) hosts: Vec<ServerHost>,
}

impl MergedServer<'_> {
    /// Says that the server is dropped for one of its fields.
    fn dropped(&self, field: &str, why: String) -> Problem {
        Problem::new(format!("a server of Gateway {} is dropped", self.gateway))
            .at(self.place.child(field).locate())
            .why(why)
    }
}

/// Merges `gateways` for pods with these labels. What is dropped or not run is
/// said in `notes`.
pub(super) fn merge<'a>(
    gateways: &'a [Object<'a, GatewaySpec>],
    pod_labels: &BTreeMap<String, String>,
    notes: &mut Vec<Problem>,
) -> Vec<MergedPort<'a>> {
    let mut applying: Vec<&Object<'_, GatewaySpec>> = gateways
        .iter()
        .filter(|gateway| selects(gateway, pod_labels, notes))
        .collect();
    applying.sort_by(|a, b| a.age_order(b));
    let mut merging = Merging::default();
    for gateway in applying {
        for (index, server) in gateway.spec.servers.iter().enumerate() {
            let server = MergedServer {
                gateway: gateway.full_name(),
                server,
                place: Field::new(gateway, "spec").item("servers", index),
                hosts: hosts_of(server, gateway.namespace),
            };
            if let Err(dropped) = merging.take(server) {
                notes.push(dropped);
            }
        }
    }
    merging.ports
}

/// Whether a Gateway's selector is satisfied by the gateway's pods; an absent one always is.
fn selects(gateway: &Object<'_, GatewaySpec>, pod_labels: &BTreeMap<String, String>, notes: &mut Vec<Problem>) -> bool {
    let unmet: Vec<String> = gateway
        .spec
        .selector
        .iter()
        .filter(|(label, value)| pod_labels.get(*label) != Some(*value))
        .map(|(label, value)| format!("{label}: {value}"))
        .collect();
    if unmet.is_empty() {
        return true;
    }
    let labels: Vec<String> = pod_labels
        .iter()
        .map(|(label, value)| format!("{label}: {value}"))
        .collect();
    notes.push(
        Problem::new(format!(
            "Gateway {} is ignored: its selector is for other pods",
            gateway.full_name()
        ))
        .at(Field::new(gateway, "spec.selector").locate())
        .why(format!(
            "it wants {}; the ingress gateway's pods have {}",
            unmet.join(", "),
            labels.join(", ")
        )),
    );
    false
}

#[derive(Default)]
struct Merging<'a> {
    ports: Vec<MergedPort<'a>>,
    by_number: HashMap<u16, usize>,
    binds: HashMap<u16, String>,
    /// Hosts taken on a TLS port, with their namespaces, and by whom.
    taken: HashMap<(u16, String), String>,
    route_names: HashSet<(u16, String, String)>,
}

impl<'a> Merging<'a> {
    /// Adds a server to its port.
    ///
    /// # Errors
    /// Why it is dropped.
    fn take(&mut self, server: MergedServer<'a>) -> Result<(), Problem> {
        let port = &server.server.port;
        let number = u16::try_from(port.number)
            .ok()
            .filter(|number| *number != 0)
            .ok_or_else(|| server.dropped("port.number", format!("{} is no TCP port", port.number)))?;
        let kind = kind_of(server.server).map_err(|(field, why)| server.dropped(field, why))?;
        let bind = server.server.bind.clone().unwrap_or_default();
        if !bind.is_empty() && bind.parse::<IpAddr>().is_err() {
            return Err(server.dropped("bind", format!("serve listens on TCP ports only, not on {bind}")));
        }
        if server.hosts.is_empty() {
            return Err(server.dropped("hosts", "it has no host".to_owned()));
        }
        if let Some(&index) = self.by_number.get(&number) {
            self.check_shared(&server, number, kind, self.ports[index].kind, &bind)?;
        }
        if kind == PortKind::Tls {
            self.claim_hosts(&server, number)?;
        }
        let index = *self.by_number.entry(number).or_insert_with(|| {
            self.ports.push(MergedPort {
                number,
                kind,
                servers: Vec::new(),
            });
            self.ports.len() - 1
        });
        self.binds.entry(number).or_insert(bind);
        self.ports[index].servers.push(server);
        Ok(())
    }

    /// Whether the server may join a port that an earlier one opened as `open`.
    fn check_shared(
        &self,
        server: &MergedServer<'_>,
        number: u16,
        kind: PortKind,
        open: PortKind,
        bind: &str,
    ) -> Result<(), Problem> {
        if self.binds.get(&number).map(String::as_str) != Some(bind) {
            return Err(server.dropped(
                "bind",
                format!("port {number} is open for another bind address already, and serve opens each port once"),
            ));
        }
        if open != kind || kind == PortKind::Other {
            let spoken = match open {
                PortKind::Http => "plain HTTP",
                PortKind::Tls => "TLS",
                PortKind::Other => "TCP",
            };
            return Err(server.dropped(
                "port",
                format!("port {number} speaks {spoken} already; Istio keeps the oldest Gateway's"),
            ));
        }
        Ok(())
    }

    /// On a TLS port a host belongs to the first server that lists it.
    fn claim_hosts(&mut self, server: &MergedServer<'_>, number: u16) -> Result<(), Problem> {
        for host in &server.hosts {
            if let Some(owner) = self.taken.get(&(number, host.text())) {
                return Err(server.dropped(
                    "hosts",
                    format!(
                        "host {} of port {number} belongs to Gateway {owner} already",
                        host.text()
                    ),
                ));
            }
        }
        let port_name = &server.server.port.name;
        let route_name = (number, port_name.clone(), server.gateway.clone());
        if terminates(server.server) && !self.route_names.insert(route_name) {
            return Err(server.dropped(
                "port.name",
                format!("another server of this Gateway has the port name {port_name:?}"),
            ));
        }
        for host in &server.hosts {
            self.taken.insert((number, host.text()), server.gateway.clone());
        }
        Ok(())
    }
}

/// The family of a server's protocol; an error names the field and the reason.
fn kind_of(server: &Server) -> Result<PortKind, (&'static str, String)> {
    let protocol = server.port.protocol.to_ascii_uppercase();
    match protocol.as_str() {
        "HTTP" | "HTTP2" | "GRPC" | "GRPC-WEB" | "HTTP_PROXY" => Ok(PortKind::Http),
        "HTTPS" | "TLS" if server.tls.is_none() => Err((
            "port.protocol",
            format!("protocol {protocol} needs a tls block, without which Istio refuses the Gateway"),
        )),
        "HTTPS" | "TLS" => Ok(PortKind::Tls),
        "TCP" | "MONGO" | "REDIS" | "MYSQL" => Ok(PortKind::Other),
        _ => Err((
            "port.protocol",
            format!("{:?} is no protocol of a Gateway", server.port.protocol),
        )),
    }
}

fn terminates(server: &Server) -> bool {
    server
        .tls
        .as_ref()
        .is_some_and(|tls| !matches!(tls.effective_mode(), TlsMode::Passthrough | TlsMode::AutoPassthrough))
}
