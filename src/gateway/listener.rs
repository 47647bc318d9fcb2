//! Opens ports: exclusively first, so that a port in use is an error, then
//! once per worker with SO_REUSEPORT, so that the kernel spreads connections
//! and no worker waits for another.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use super::server::StartError;

/// Connections that wait to be accepted, per worker.
const BACKLOG: i32 = 4096;

/// Opens `address` `count` times; port 0 lets the system choose one for all.
///
/// # Errors
/// [`StartError::InUse`] when anything listens there already, this program
/// included; [`StartError::Listen`] otherwise.
pub(super) fn open(
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
    use super::open;
    use crate::gateway::server::StartError;

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
}
