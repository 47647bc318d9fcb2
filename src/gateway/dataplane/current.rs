//! The current configuration, shared by every worker without a lock on the request
//! path: a number that workers compare, and behind it the table.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;

use super::tls::Handshakes;
use crate::gateway::config::table::{Cluster, Endpoint, Listener, Table, UpstreamProtocol};

/// One table in use.
pub(in crate::gateway) struct Generation {
    /// Counts up with each table.
    pub(in crate::gateway) number: u64,
    /// The table.
    pub(in crate::gateway) table: Table,
    /// Per cluster, the remote it leads to.
    pub(super) remotes: Vec<Option<Arc<Remote>>>,
    /// What the handshakes of its filter chains need.
    pub(super) handshakes: Handshakes,
}

impl Generation {
    fn new(number: u64, table: Table, known: &Remotes) -> Self {
        Self {
            number,
            remotes: intern(known, &table.clusters),
            handshakes: Handshakes::of(&table),
            table,
        }
    }

    /// The listener of a Gateway port.
    pub(super) fn listener(&self, gateway_port: u16) -> Option<&Listener> {
        self.table
            .listeners
            .iter()
            .find(|listener| listener.port == gateway_port)
    }
}

/// An upstream that outlives tables, so that its connections do too.
pub(super) struct Remote {
    /// Its place in each worker's list of pools.
    pub(super) index: usize,
    /// Host name or address.
    pub(super) host: String,
    /// Port.
    pub(super) port: u16,
    /// What is spoken.
    pub(super) protocol: UpstreamProtocol,
}

/// What every worker reads.
pub(in crate::gateway) struct Current {
    number: AtomicU64,
    generation: ArcSwap<Generation>,
    remotes: Remotes,
    /// When the server was started, for the admin.
    pub(in crate::gateway) started: Instant,
    /// How many changes of the configuration were taken, and how many refused.
    pub(in crate::gateway) reloads: Reloads,
}

/// How often the configuration has been changed, or should have been.
#[derive(Default)]
pub(in crate::gateway) struct Reloads {
    /// The change was taken.
    pub(in crate::gateway) taken: AtomicU64,
    /// It could not be used, and the last good configuration stayed.
    pub(in crate::gateway) refused: AtomicU64,
}

impl Current {
    /// The first table.
    pub(in crate::gateway) fn new(table: Table) -> Self {
        let remotes = Mutex::default();
        let generation = Generation::new(1, table, &remotes);
        Self {
            number: AtomicU64::new(1),
            generation: ArcSwap::from_pointee(generation),
            remotes,
            started: Instant::now(),
            reloads: Reloads::default(),
        }
    }

    /// The number of the current table: one load.
    pub(super) fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// The current table.
    pub(in crate::gateway) fn generation(&self) -> Arc<Generation> {
        self.generation.load_full()
    }

    /// Publishes the next table; callers take turns.
    pub(super) fn replace(&self, table: Table) {
        let number = self.number.load(Ordering::Acquire) + 1;
        let generation = Generation::new(number, table, &self.remotes);
        self.generation.store(Arc::new(generation));
        self.number.store(number, Ordering::Release);
    }
}

type Remotes = Mutex<HashMap<(String, u16, UpstreamProtocol), Arc<Remote>>>;

fn intern(known: &Remotes, clusters: &[Cluster]) -> Vec<Option<Arc<Remote>>> {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    clusters
        .iter()
        .map(|cluster| match &cluster.endpoint {
            Endpoint::Remote { host, port, protocol } => {
                let index = known.len();
                let remote = known.entry((host.clone(), *port, *protocol)).or_insert_with(|| {
                    Arc::new(Remote {
                        index,
                        host: host.clone(),
                        port: *port,
                        protocol: *protocol,
                    })
                });
                Some(Arc::clone(remote))
            }
            Endpoint::Sample(_) | Endpoint::Unknown => None,
        })
        .collect()
}
