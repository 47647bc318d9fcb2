//! What the gateway is started with, beside its configuration.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use super::access_log::AccessLog;
use super::limits::Limits;
use crate::remedy::Aim;

/// What a server is started with; the table comes beside it.
pub struct ServerSettings {
    /// The address on which the Gateways' ports are opened.
    pub bind: IpAddr,
    /// Gateway port to local port; 0 lets the system choose. A port that is
    /// not named follows [`default_local_port`](super::listener::default_local_port).
    pub ports: HashMap<u16, u16>,
    /// Where the admin listens; port 0 lets the system choose, none is no admin.
    pub admin: Option<SocketAddr>,
    /// Worker threads; at least one is started.
    pub threads: usize,
    /// The access log's format.
    pub access_log: AccessLog,
    /// This start's id, carried by every answer of the admin.
    pub id: String,
    /// What clients may use up.
    pub limits: Limits,
    /// Trust anchors for `https` upstreams that are not on this machine; an
    /// upstream on a loopback address is not verified.
    pub upstream_authorities: Vec<CertificateDer<'static>>,
    /// Changes the level of the log, for the admin's `/logging`; takes a
    /// directive such as `debug`, gives the level that holds now.
    pub log_level: Option<LogLevelHandle>,
    /// Where the user stands, for what the log says to type.
    pub aim: Aim,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: HashMap::new(),
            admin: None,
            threads: 1,
            access_log: AccessLog::Off,
            id: String::new(),
            limits: Limits::default(),
            upstream_authorities: Vec::new(),
            log_level: None,
            aim: Aim::default(),
        }
    }
}

/// Reads (`None`) or changes (`Some(directive)`) the level of the log; the
/// error is what is wrong with the directive.
pub type LogLevelHandle = Arc<dyn Fn(Option<&str>) -> Result<String, String> + Send + Sync>;
