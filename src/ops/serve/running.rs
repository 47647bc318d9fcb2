//! A running gateway, and how it stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::cluster::Followed;
use super::exclusive::Claim;
use crate::gateway::admin::summary::ListenerSummary;
use crate::gateway::dataplane::listener::OpenListener;
use crate::gateway::follow::watch::Stopper;
use crate::gateway::server::Server;
use crate::ops::cluster_access::runtime;
use crate::ops::interruption::{Cancel, Interrupted};
use crate::ops::{Failure, Surroundings};

/// How long requests may continue after a signal.
const GRACE: Duration = Duration::from_secs(30);

/// A running gateway. Dropping it stops it at once.
pub struct RunningGateway {
    pub(super) server: Arc<Server>,
    pub(super) claim: Arc<Option<Claim>>,
    pub(super) reload: Option<JoinHandle<()>>,
    pub(super) stopper: Stopper,
    pub(super) summary: Vec<ListenerSummary>,
    /// Watched while it serves.
    pub(super) following: Option<Followed>,
}

impl RunningGateway {
    /// The opened ports.
    pub fn listeners(&self) -> Vec<OpenListener> {
        self.server.listeners()
    }

    /// The admin interface's address.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.server.admin()
    }

    /// What was served at the start.
    pub fn summary(&self) -> &[ListenerSummary] {
        &self.summary
    }

    /// Closes the ports, lets requests end, and removes the file with its addresses.
    pub fn drain(mut self) {
        drop(self.following.take());
        self.end_reload();
        let Self { server, claim, .. } = self;
        if let Some(server) = Arc::into_inner(server) {
            server.drain(GRACE);
        }
        drop(claim);
    }

    /// Serves until a signal comes, and lets open requests end; a second signal aborts
    /// them.
    ///
    /// # Errors
    /// If the system provides no way to wait.
    pub fn until_signal(self, cancel: &mut Cancel, here: &Surroundings) -> Result<(), Failure> {
        runtime()?.block_on(async {
            let first = match cancel.next().await {
                Interrupted::Interrupt => "Ctrl-C",
                Interrupted::Terminate => "SIGTERM",
            };
            here.say(&format!("{first}: no new connections; open requests may end"));
            let (done, drained) = tokio::sync::oneshot::channel();
            std::thread::spawn(move || {
                self.drain();
                // After a second signal nothing is awaited.
                let _ = done.send(());
            });
            tokio::select! {
                // A panic there was already shown, and the ports are closed.
                _ = drained => {}
                // Whatever is open is aborted.
                _ = cancel.next() => {}
            }
        });
        Ok(())
    }

    fn end_reload(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.reload.take() {
            // A panic there was already shown.
            let _ = thread.join();
        }
    }
}
