//! Gateways as the ports that a gateway workload opens: which Gateways apply,
//! in which order, which servers share a port, and which are dropped
//! (istiod's `mergeGateways`).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use super::field::Field;
use super::gateway_api::names;
use super::input::Object;
use super::note::Notes;
use crate::manifests::model::gateway::{GatewaySpec, Server, ServerTlsSettings, TlsMode};
use crate::manifests::server_hosts::{ServerHost, hosts_of};
use crate::problem::Problem;

/// A listener: a port and the servers on it, in the order in which they were taken.
pub(super) struct MergedPort<'a> {
    pub(super) number: u16,
    /// `server.bind`; empty for every address.
    pub(super) bind: String,
    /// Servers that terminate or pass on TLS, told apart by SNI.
    pub(super) tls: Vec<MergedServer<'a>>,
    /// Servers without TLS: any number that speak HTTP, or one of TCP.
    pub(super) plain: Vec<MergedServer<'a>>,
    pub(super) plain_kind: PlainKind,
}

/// What a server without TLS speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlainKind {
    /// HTTP, HTTP2, GRPC and GRPC-WEB share one route table.
    Http,
    /// TCP and its relatives: nothing shares the connections.
    Tcp,
}

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain(PlainKind),
    /// HTTPS and TLS.
    Tls,
}

/// One server of a Gateway.
pub(super) struct MergedServer<'a> {
    /// `namespace/name` of its Gateway.
    pub(super) gateway: String,
    pub(super) server: &'a Server,
    pub(super) place: Field<'a>,
    pub(super) hosts: Vec<ServerHost>,
    /// It is a listener of the Gateway API.
    pub(super) of_gateway_api: bool,
}

impl MergedServer<'_> {
    /// Its Gateway as the user knows it.
    pub(super) fn shown(&self) -> String {
        names::shown(&self.gateway)
    }

    /// Says that the server is dropped for one of its fields.
    fn dropped(&self, field: &str, why: String) -> Problem {
        Problem::new(format!("a server of Gateway {} is dropped", self.shown()))
            .at(self.place.child(field).locate())
            .why(why)
    }
}

/// Merges `gateways` for pods with these labels. What is dropped or not run is
/// said in `notes`.
pub(super) fn merge<'a>(
    gateways: &'a [Object<'a, GatewaySpec>],
    pod_labels: &BTreeMap<String, String>,
    notes: &mut Notes,
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
                of_gateway_api: gateway.of_gateway_api,
            };
            if let Err(dropped) = merging.take(server) {
                notes.push(dropped);
            }
        }
    }
    merging.ports
}

/// Whether a Gateway's selector is satisfied by the gateway's pods; an absent one always is.
fn selects(gateway: &Object<'_, GatewaySpec>, pod_labels: &BTreeMap<String, String>, notes: &mut Notes) -> bool {
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
    notes.push_limit(
        Problem::new(format!(
            "serve does not play Gateway {}: its selector is for other pods",
            gateway.full_name()
        ))
        .at(Field::new(gateway, "spec.selector").locate())
        .why(format!(
            "it wants {}; the pods of the gateway that is played have {}",
            unmet.join(", "),
            labels.join(", ")
        )),
    );
    false
}

#[derive(Default)]
struct Merging<'a> {
    ports: Vec<MergedPort<'a>>,
    by_address: HashMap<(u16, String), usize>,
    /// What the last plain server of a port speaks, and its bind.
    plain: HashMap<u16, (PlainKind, String)>,
    /// Hosts of servers with a tls block, with their namespaces: for which bind and whose.
    taken: HashMap<(u16, String), (String, String)>,
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
        if server.server.tls.is_some() {
            self.claim_hosts(&server, number, &bind)?;
        }
        self.check_plain(&server, number, kind, &bind)?;
        if kind == Kind::Tls && !self.plain.contains_key(&number) {
            self.claim_route_name(&server, number)?;
        }
        if let Kind::Plain(plain) = kind {
            self.plain.insert(number, (plain, bind.clone()));
        }
        let index = *self.by_address.entry((number, bind.clone())).or_insert_with(|| {
            self.ports.push(MergedPort {
                number,
                bind,
                tls: Vec::new(),
                plain: Vec::new(),
                plain_kind: PlainKind::Http,
            });
            self.ports.len() - 1
        });
        let port = &mut self.ports[index];
        match kind {
            Kind::Tls => port.tls.push(server),
            Kind::Plain(kind) => {
                port.plain_kind = kind;
                port.plain.push(server);
            }
        }
        Ok(())
    }

    /// Whether the server may join a port on which a plain server was taken: only HTTP
    /// joins HTTP. TLS servers before a plain one are told apart from it, those after it are not.
    fn check_plain(&self, server: &MergedServer<'_>, number: u16, kind: Kind, bind: &str) -> Result<(), Problem> {
        let Some((open, _)) = self.plain.get(&number).filter(|(_, open)| open == bind) else {
            return Ok(());
        };
        if (*open, kind) == (PlainKind::Http, Kind::Plain(PlainKind::Http)) {
            return Ok(());
        }
        let spoken = match open {
            PlainKind::Http => "plain HTTP",
            PlainKind::Tcp => "TCP",
        };
        Err(server.dropped(
            "port",
            format!("port {number} speaks {spoken} already; Istio keeps the oldest Gateway's"),
        ))
    }

    /// On a port a host belongs to the first server with a tls block that lists it.
    fn claim_hosts(&mut self, server: &MergedServer<'_>, number: u16, bind: &str) -> Result<(), Problem> {
        for host in &server.hosts {
            let owner = self.taken.get(&(number, host.text()));
            if let Some((_, owner)) = owner.filter(|(known, _)| known == bind) {
                return Err(server.dropped(
                    "hosts",
                    format!(
                        "host {} of port {number} belongs to Gateway {} already",
                        host.text(),
                        names::shown(owner)
                    ),
                ));
            }
        }
        for host in &server.hosts {
            let owner = (bind.to_owned(), server.gateway.clone());
            self.taken.insert((number, host.text()), owner);
        }
        Ok(())
    }

    /// Each HTTPS server has a route table of its own, named by its port.
    fn claim_route_name(&mut self, server: &MergedServer<'_>, number: u16) -> Result<(), Problem> {
        let port_name = &server.server.port.name;
        let route_name = (number, port_name.clone(), server.gateway.clone());
        if speaks_https(server.server) && !self.route_names.insert(route_name) {
            return Err(server.dropped(
                "port.name",
                format!("another server of this Gateway has the port name {port_name:?}"),
            ));
        }
        Ok(())
    }
}

/// The family of a server's protocol; an error names the field and the reason.
fn kind_of(server: &Server) -> Result<Kind, (&'static str, String)> {
    let protocol = server.port.protocol.to_ascii_uppercase();
    match protocol.as_str() {
        "HTTP" | "HTTP2" | "GRPC" | "GRPC-WEB" | "HTTP_PROXY" => Ok(Kind::Plain(PlainKind::Http)),
        "HTTPS" | "TLS" if server.tls.is_none() => Err((
            "port.protocol",
            format!("protocol {protocol} needs a tls block, without which Istio refuses the Gateway"),
        )),
        "HTTPS" | "TLS" => Ok(Kind::Tls),
        "TCP" | "MONGO" | "REDIS" | "MYSQL" => Ok(Kind::Plain(PlainKind::Tcp)),
        _ => Err((
            "port.protocol",
            format!("{:?} is no protocol of a Gateway", server.port.protocol),
        )),
    }
}

/// Whether the server terminates TLS and speaks HTTP.
pub(super) fn speaks_https(server: &Server) -> bool {
    let mode = server.tls.as_ref().map(ServerTlsSettings::effective_mode);
    server.port.protocol.eq_ignore_ascii_case("HTTPS")
        && mode.is_some_and(|mode| !matches!(mode, TlsMode::Passthrough | TlsMode::AutoPassthrough))
}
