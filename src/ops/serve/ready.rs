//! The summary of a gateway that has started: addresses, hosts, and lines to try.

use std::net::SocketAddr;

use super::running::RunningGateway;
use crate::gateway::admin::summary::{HostSummary, ListenerSummary, Speaks};
use crate::gateway::dataplane::listener::OpenListener;
use crate::names::Host;
use crate::ops::Surroundings;
use crate::remedy::{Kind, Line, Word};
use crate::workspace::layout::{ChainLayout, Part};

/// A gateway that has started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Its ports.
    pub ports: Vec<ReadyPort>,
    /// The admin interface's address.
    pub admin: Option<SocketAddr>,
    /// A request to try, for the first host that has a name and works.
    pub curl: Option<Line>,
}

/// An open port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyPort {
    /// Its local address.
    pub address: SocketAddr,
    /// The Gateway server's `port.number`.
    pub gateway_port: u16,
    /// Its protocol.
    pub speaks: Speaks,
    /// The names that are served.
    pub hosts: Vec<HostSummary>,
}

/// The summary of a gateway; the files of its workspace are looked up.
pub fn ready(running: &RunningGateway, here: &Surroundings) -> Ready {
    let open = running.listeners();
    let ports = running.summary().iter().filter_map(|listener| {
        Some(ReadyPort {
            address: address_of(listener, &open)?,
            gateway_port: listener.port,
            speaks: listener.speaks,
            hosts: listener.hosts.clone(),
        })
    });
    let ports: Vec<ReadyPort> = ports.collect();
    Ready {
        curl: ports.iter().find_map(|port| curl(port, here)),
        ports,
        admin: running.admin(),
    }
}

fn address_of(listener: &ListenerSummary, open: &[OpenListener]) -> Option<SocketAddr> {
    let open = open.iter().find(|open| open.gateway_port == listener.port);
    open.map(|open| open.address)
}

/// A curl line for the first host of a port that has a name and works.
fn curl(port: &ReadyPort, here: &Surroundings) -> Option<Line> {
    let works = |host: &&HostSummary| {
        let ends_here = host.mode.is_some_and(|mode| mode != "PASSTHROUGH");
        ends_here && !host.is_tcp && host.fault.is_none() && !host.name.starts_with('*')
    };
    let host = port.hosts.iter().find(works)?;
    let layout = ChainLayout::new(&here.dir, &Host::parse(&host.name).ok()?);
    let or = |part: Part<'_>, placeholder: &'static str| {
        let path = layout.path(part);
        if path.exists() {
            let path = path.strip_prefix(".").unwrap_or(&path);
            Word::Plain(path.display().to_string())
        } else {
            Word::Placeholder(placeholder)
        }
    };
    let (name, local) = (host.name.as_str(), port.address.port());
    let ip = if port.address.ip().is_unspecified() {
        "127.0.0.1".to_owned()
    } else {
        port.address.ip().to_string()
    };
    let mut line = Line::new(Kind::Curl, ["curl", "-v"])
        .flag("--resolve", format!("{name}:{local}:{ip}"))
        .flag("--cacert", or(Part::CaChain, "CA.pem"));
    if host.mode == Some("MUTUAL") {
        line = line
            .flag("--cert", or(Part::ClientCert(name), "CLIENT.cert.pem"))
            .flag("--key", or(Part::ClientKey(name), "CLIENT.key.pem"));
    }
    let path = host.path.as_deref().unwrap_or("/");
    Some(line.arg(format!("https://{name}:{local}{path}")))
}
