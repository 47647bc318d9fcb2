//! The running gateway: starts the workers, swaps their configuration, and
//! drains them. The command that serves owns one [`Server`]; it hands in
//! routing tables and never sees a socket.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::access_log::AccessLog;
use super::admin::AdminHandle;
use super::current::Current;
use super::limits::Limits;
use super::listener;
use super::worker::{Command, WorkerHandle};
use crate::gateway::config::table::{ListenerProtocol, Table};
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
            StartError::SamePort { second, .. } => {
                problem.fix(format!("give one of them another local port: --port-map {second}=PORT"))
            }
            StartError::Listen { source, .. } | StartError::Thread(source) => problem.why(source.to_string()),
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
    settings: Arc<ServerSettings>,
    current: Arc<Current>,
    workers: Vec<WorkerHandle>,
    admin: Option<AdminHandle>,
    /// Also what lets one `replace` wait for another.
    open: Mutex<Vec<OpenListener>>,
}

impl Server {
    /// Opens every port of the table and the admin's, and starts the workers.
    ///
    /// # Errors
    /// [`StartError`] when an address is in use or cannot be opened; nothing is left open.
    pub fn start(settings: ServerSettings, table: Table) -> Result<Self, StartError> {
        let settings = Arc::new(settings);
        let count = settings.threads.max(1);
        let admin = settings
            .admin
            .map(|address| listener::open(address, None, 1))
            .transpose()?;
        let opened = open_new(&settings, &table, &[])?;
        let current = Arc::new(Current::new(table));
        let workers: Vec<WorkerHandle> = (0..count)
            .map(|index| WorkerHandle::start(index, &settings, &current))
            .collect::<Result<_, _>>()
            .map_err(StartError::Thread)?;
        let open = hand_out(opened, &workers);
        let admin = admin
            .map(|(address, mut sockets)| {
                let socket = sockets.swap_remove(0);
                let stats = workers.iter().map(|worker| Arc::clone(&worker.stats)).collect();
                AdminHandle::start(address, socket, &settings, &current, stats)
            })
            .transpose()
            .map_err(StartError::Thread)?;
        Ok(Self {
            settings,
            current,
            workers,
            admin,
            open: Mutex::new(open),
        })
    }

    /// Serves `table` from the next request on: opens ports that are new,
    /// closes those that are gone, and never cuts an existing connection.
    ///
    /// # Errors
    /// [`StartError`] when a new port cannot be opened; then the former table stays.
    pub fn replace(&self, table: Table) -> Result<(), StartError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let ports: Vec<(u16, bool)> = table.listeners.iter().map(|l| (l.port, is_tls(l))).collect();
        let opened = open_new(&self.settings, &table, &open).inspect_err(|_| self.refuse())?;
        self.current.replace(table);
        open.retain_mut(|listener| {
            let stays = ports.iter().find(|(port, _)| *port == listener.gateway_port);
            if let Some((_, tls)) = stays {
                listener.tls = *tls;
            } else {
                for worker in &self.workers {
                    worker.send(Command::Close(listener.gateway_port));
                }
            }
            stays.is_some()
        });
        open.extend(hand_out(opened, &self.workers));
        open.sort_unstable_by_key(|listener| listener.gateway_port);
        self.current.reloads.taken.fetch_add(1, Relaxed);
        Ok(())
    }

    /// Takes listeners out of `table` whose ports cannot be opened now, and says
    /// why: for tables of which nobody here has all in hand, so that one port
    /// does not keep everything else from being served.
    pub fn leave_out_closed(&self, table: &mut Table) -> Vec<StartError> {
        let open = self.listeners();
        let mut errors = Vec::new();
        // A port that is open keeps its local port, whoever else wants it.
        table
            .listeners
            .sort_by_key(|listener| !open.iter().any(|open| open.gateway_port == listener.port));
        let mut tried = Table::default();
        for listener in std::mem::take(&mut table.listeners) {
            tried.listeners.push(listener);
            // What is opened here is closed at once; it is opened for good with the table.
            if let Err(error) = open_new(&self.settings, &tried, &open) {
                tried.listeners.pop();
                errors.push(error);
            }
        }
        tried.listeners.sort_by_key(|listener| listener.port);
        table.listeners = tried.listeners;
        errors
    }

    /// Counts a change that could not even become a table.
    pub fn refuse(&self) {
        self.current.reloads.refused.fetch_add(1, Relaxed);
    }

    /// The opened ports, by Gateway port.
    pub fn listeners(&self) -> Vec<OpenListener> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where the admin really listens.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(|admin| admin.address)
    }

    /// Closes the ports, lets requests in flight end for at most `grace`, then
    /// ends the workers. Clients are told: HTTP/2 by GOAWAY, HTTP/1.1 by
    /// `connection: close`.
    pub fn drain(self, grace: Duration) {
        for worker in &self.workers {
            worker.send(Command::Drain(grace));
        }
        for worker in self.workers {
            worker.join();
        }
        if let Some(admin) = self.admin {
            admin.stop();
        }
    }
}

type Opened = Vec<(OpenListener, Vec<TcpListener>)>;

fn is_tls(listener: &crate::gateway::config::table::Listener) -> bool {
    matches!(listener.protocol, ListenerProtocol::Tls(_))
}

/// Opens the ports of `table` that are not open yet.
fn open_new(settings: &ServerSettings, table: &Table, open: &[OpenListener]) -> Result<Opened, StartError> {
    let local = |port: u16| {
        settings
            .ports
            .get(&port)
            .copied()
            .unwrap_or_else(|| default_local_port(port))
    };
    for (at, listener) in table.listeners.iter().enumerate() {
        let same = |other: &&crate::gateway::config::table::Listener| {
            local(other.port) == local(listener.port) && local(other.port) != 0
        };
        if let Some(other) = table.listeners.iter().take(at).find(same) {
            return Err(StartError::SamePort {
                first: other.port,
                second: listener.port,
                local: local(listener.port),
            });
        }
    }
    table
        .listeners
        .iter()
        .filter(|listener| !open.iter().any(|open| open.gateway_port == listener.port))
        .map(|listener| {
            let address = SocketAddr::new(settings.bind, local(listener.port));
            let (address, sockets) = listener::open(address, Some(listener.port), settings.threads.max(1))?;
            let open = OpenListener {
                gateway_port: listener.port,
                address,
                tls: is_tls(listener),
            };
            Ok((open, sockets))
        })
        .collect()
}

fn hand_out(opened: Opened, workers: &[WorkerHandle]) -> Vec<OpenListener> {
    let mut open: Vec<OpenListener> = opened
        .into_iter()
        .map(|(listener, sockets)| {
            for (worker, socket) in workers.iter().zip(sockets) {
                worker.send(Command::Open(listener.gateway_port, socket));
            }
            listener
        })
        .collect();
    open.sort_unstable_by_key(|listener| listener.gateway_port);
    open
}

#[cfg(test)]
mod tests {
    use super::default_local_port;

    #[test]
    fn privileged_ports_move_up() {
        assert_eq!(
            [80, 443, 1023, 1024, 8443].map(default_local_port),
            [8080, 8443, 9023, 1024, 8443]
        );
    }
}
