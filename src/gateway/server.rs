//! The running gateway: the data plane and the admin beside it. The command
//! that serves owns one [`Server`]; it hands in routing tables and never sees a
//! socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::admin::server::AdminHandle;
use super::config::table::Table;
use super::dataplane::listener::{self, OpenListener, StartError};
use super::dataplane::settings::ServerSettings;
use super::dataplane::workers::Workers;

/// A running gateway. Dropping it ends the workers at once; [`Server::drain`] ends them politely.
pub struct Server {
    workers: Workers,
    admin: Option<AdminHandle>,
}

impl Server {
    /// Opens every port of the table and the admin's, and starts the workers.
    ///
    /// # Errors
    /// [`StartError`] when an address is in use or cannot be opened; nothing is left open.
    pub fn start(settings: ServerSettings, table: Table) -> Result<Self, StartError> {
        let settings = Arc::new(settings);
        let admin = settings
            .admin
            .map(|address| listener::open(address, None, 1))
            .transpose()?;
        let workers = Workers::start(&settings, table)?;
        let admin = admin
            .map(|(address, mut sockets)| {
                let socket = sockets.swap_remove(0);
                AdminHandle::start(address, socket, &settings, workers.current(), workers.stats())
            })
            .transpose()
            .map_err(StartError::Thread)?;
        Ok(Self { workers, admin })
    }

    /// Serves `table` from the next request on: opens ports that are new,
    /// closes those that are gone, and never cuts an existing connection.
    ///
    /// # Errors
    /// [`StartError`] when a new port cannot be opened; then the former table stays.
    pub fn replace(&self, table: Table) -> Result<(), StartError> {
        self.workers.replace(table)
    }

    /// Takes listeners out of `table` whose ports cannot be opened now, and says why:
    /// for the tables of a cluster, which others change too: one port must not keep
    /// everything else from being served.
    pub fn leave_out_closed(&self, table: &mut Table) -> Vec<StartError> {
        self.workers.leave_out_closed(table)
    }

    /// Counts a change that could not even become a table.
    pub fn refuse(&self) {
        self.workers.refuse();
    }

    /// The opened ports, by Gateway port.
    pub fn listeners(&self) -> Vec<OpenListener> {
        self.workers.listeners()
    }

    /// Where the admin really listens.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(|admin| admin.address)
    }

    /// Closes the ports, lets requests in flight end for at most `grace`, then
    /// ends the workers. Clients are told: HTTP/2 by GOAWAY, HTTP/1.1 by
    /// `connection: close`.
    pub fn drain(self, grace: Duration) {
        self.workers.drain(grace);
        if let Some(admin) = self.admin {
            admin.stop();
        }
    }
}
