//! The workers and the ports that they share: starts them, swaps their
//! configuration, and drains them.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::current::Current;
use super::listener::{self, OpenListener, Opened, StartError};
use super::settings::ServerSettings;
use super::stats::Stats;
use super::worker::{Command, WorkerHandle};
use crate::gateway::config::table::Table;

/// The workers of a running gateway. Dropping them ends them at once;
/// [`Workers::drain`] ends them politely.
pub(in crate::gateway) struct Workers {
    settings: Arc<ServerSettings>,
    current: Arc<Current>,
    handles: Vec<WorkerHandle>,
    /// Also what lets one `replace` wait for another.
    open: Mutex<Vec<OpenListener>>,
}

impl Workers {
    /// Opens every port of the table and starts the workers.
    ///
    /// # Errors
    /// [`StartError`] when an address is in use or cannot be opened; nothing is left open.
    pub(in crate::gateway) fn start(settings: &Arc<ServerSettings>, table: Table) -> Result<Self, StartError> {
        let count = settings.threads.max(1);
        let opened = listener::open_new(settings, &table, &[])?;
        let current = Arc::new(Current::new(table));
        let handles: Vec<WorkerHandle> = (0..count)
            .map(|index| WorkerHandle::start(index, settings, &current))
            .collect::<Result<_, _>>()
            .map_err(StartError::Thread)?;
        let open = hand_out(opened, &handles);
        Ok(Self {
            settings: Arc::clone(settings),
            current,
            handles,
            open: Mutex::new(open),
        })
    }

    /// The configuration that they serve.
    pub(in crate::gateway) fn current(&self) -> &Arc<Current> {
        &self.current
    }

    /// What each of them counts.
    pub(in crate::gateway) fn stats(&self) -> Vec<Arc<Stats>> {
        self.handles.iter().map(|worker| Arc::clone(&worker.stats)).collect()
    }

    /// Serves `table` from the next request on: opens ports that are new,
    /// closes those that are gone, and never cuts an existing connection.
    ///
    /// # Errors
    /// [`StartError`] when a new port cannot be opened; then the former table stays.
    pub(in crate::gateway) fn replace(&self, table: Table) -> Result<(), StartError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let ports: Vec<(u16, bool)> = table.listeners.iter().map(|l| (l.port, listener::is_tls(l))).collect();
        let opened = listener::open_new(&self.settings, &table, &open).inspect_err(|_| self.refuse())?;
        self.current.replace(table);
        open.retain_mut(|listener| {
            let stays = ports.iter().find(|(port, _)| *port == listener.gateway_port);
            if let Some((_, tls)) = stays {
                listener.tls = *tls;
            } else {
                for worker in &self.handles {
                    worker.send(Command::Close(listener.gateway_port));
                }
            }
            stays.is_some()
        });
        open.extend(hand_out(opened, &self.handles));
        open.sort_unstable_by_key(|listener| listener.gateway_port);
        self.current.reloads.taken.fetch_add(1, Relaxed);
        Ok(())
    }

    /// Takes listeners out of `table` whose ports cannot be opened now, and says why:
    /// for the tables of a cluster, which others change too: one port must not keep
    /// everything else from being served.
    pub(in crate::gateway) fn leave_out_closed(&self, table: &mut Table) -> Vec<StartError> {
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
            if let Err(error) = listener::open_new(&self.settings, &tried, &open) {
                tried.listeners.pop();
                errors.push(error);
            }
        }
        tried.listeners.sort_by_key(|listener| listener.port);
        table.listeners = tried.listeners;
        errors
    }

    /// Counts a change that could not even become a table.
    pub(in crate::gateway) fn refuse(&self) {
        self.current.reloads.refused.fetch_add(1, Relaxed);
    }

    /// The opened ports, by Gateway port.
    pub(in crate::gateway) fn listeners(&self) -> Vec<OpenListener> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes the ports, lets requests in flight end for at most `grace`, then
    /// ends the workers. Clients are told: HTTP/2 by GOAWAY, HTTP/1.1 by
    /// `connection: close`.
    pub(in crate::gateway) fn drain(self, grace: Duration) {
        for worker in &self.handles {
            worker.send(Command::Drain(grace));
        }
        for worker in self.handles {
            worker.join();
        }
    }
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
