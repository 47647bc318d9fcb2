//! Opens ports: exclusively first, so that a port in use is an error, then
//! once per worker with SO_REUSEPORT, so that the kernel spreads connections
//! and no worker waits for another.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use super::settings::ServerSettings;
use crate::gateway::config::table::{self, ListenerProtocol, Table};
use crate::problem::Problem;

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

/// Opened ports, each with a socket for every worker.
pub(super) type Opened = Vec<(OpenListener, Vec<TcpListener>)>;

/// Opens the ports of `table` that are not open yet.
///
/// # Errors
/// [`StartError`] for the first that cannot be opened; nothing is left open.
pub(super) fn open_new(
    settings: &ServerSettings,
    table: &Table,
    already: &[OpenListener],
) -> Result<Opened, StartError> {
    let local = |port: u16| {
        settings
            .ports
            .get(&port)
            .copied()
            .unwrap_or_else(|| default_local_port(port))
    };
    for (at, listener) in table.listeners.iter().enumerate() {
        let same = |other: &&table::Listener| local(other.port) == local(listener.port) && local(other.port) != 0;
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
        .filter(|listener| !already.iter().any(|open| open.gateway_port == listener.port))
        .map(|listener| {
            let address = SocketAddr::new(settings.bind, local(listener.port));
            let (address, sockets) = open(address, Some(listener.port), settings.threads.max(1))?;
            let open = OpenListener {
                gateway_port: listener.port,
                address,
                tls: is_tls(listener),
            };
            Ok((open, sockets))
        })
        .collect()
}

/// Whether TLS is spoken on a listener.
pub(super) fn is_tls(listener: &table::Listener) -> bool {
    matches!(listener.protocol, ListenerProtocol::Tls(_))
}

/// Connections that wait to be accepted, per worker.
const BACKLOG: i32 = 4096;

/// Opens `address` `count` times; port 0 lets the system choose one for all.
///
/// # Errors
/// [`StartError::InUse`] when anything listens there already, this program
/// included; [`StartError::Listen`] otherwise.
pub(in crate::gateway) fn open(
    address: SocketAddr,
    gateway_port: Option<u16>,
    count: usize,
) -> Result<(SocketAddr, Vec<TcpListener>), StartError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::InUse { address, gateway_port },
        _ => StartError::Listen { address, source },
    };
    let exclusive = bind(address, false).map_err(failed)?;
    let chosen = exclusive.local_addr().map_err(failed)?;
    if count == 1 || !SHARES_PORTS {
        let mut sockets = Vec::with_capacity(count);
        for _ in 1..count {
            sockets.push(exclusive.try_clone().map_err(failed)?);
        }
        sockets.push(exclusive);
        return Ok((chosen, sockets));
    }
    drop(exclusive);
    let sockets: Result<Vec<_>, _> = (0..count).map(|_| bind(chosen, true)).collect();
    Ok((chosen, sockets.map_err(failed)?))
}

const SHARES_PORTS: bool = cfg!(all(unix, not(any(target_os = "solaris", target_os = "illumos"))));

fn bind(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // On Unix: do not wait for connections of a former process to time out. On
    // Windows the same option would let two processes share the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
    if shared {
        socket.set_reuse_port(true)?;
    }
    #[cfg(not(unix))]
    let _ = shared;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::{StartError, default_local_port, open};

    #[test]
    fn a_port_is_shared_by_workers_and_by_nobody_else() {
        let (address, sockets) = open("127.0.0.1:0".parse().unwrap(), Some(443), 3).unwrap();
        assert_eq!(sockets.len(), 3);
        assert!(sockets.iter().all(|socket| socket.local_addr().unwrap() == address));
        assert!(matches!(
            open(address, Some(443), 2),
            Err(StartError::InUse {
                gateway_port: Some(443),
                ..
            })
        ));
        drop(sockets);
        open(address, Some(443), 1).unwrap();
    }

    #[test]
    fn privileged_ports_move_up() {
        assert_eq!(
            [80, 443, 1023, 1024, 8443].map(default_local_port),
            [8080, 8443, 9023, 1024, 8443]
        );
    }
}
