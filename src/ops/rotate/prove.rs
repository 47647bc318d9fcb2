//! Verifies a rotation at the running `serve` of the workspace, or at the ingress gateway
//! of its cluster: what is served before, and afterwards, until every client that must be
//! accepted gets the new serial number, or the time is up.

use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::issue::{Prepared, Removed};
use super::outcome::{Pods, Proof};
use super::pods;
use super::see::{PATIENCE, PAUSE, see};
use crate::ops::client_look::{Look, look};
use crate::ops::cluster_ingress::Reached;
use crate::ops::{Failure, Surroundings};

/// A gateway that was probed before the rotation.
pub(super) struct Gateway<'a> {
    reached: Reached,
    /// The cluster through which it is reached again if its pod is gone.
    cluster: Option<&'a Cluster<'a>>,
    pub(super) before: Look,
}

impl<'a> Gateway<'a> {
    /// Probes once, as the client before the rotation.
    ///
    /// # Errors
    /// If TLS cannot use the client's key.
    pub(super) async fn look(
        reached: Reached,
        cluster: Option<&'a Cluster<'a>>,
        prepared: &Prepared,
        here: &Surroundings,
    ) -> Result<Self, Failure> {
        let before = look(prepared.held.asked(), &prepared.before, &reached, PATIENCE, here).await?;
        Ok(Self {
            reached,
            cluster,
            before,
        })
    }

    /// Probes as every client until all of them get the expected leaf and the one of a
    /// removed CA is refused, or `wait` is over.
    ///
    /// # Errors
    /// Like [`Gateway::look`].
    pub(super) async fn prove(
        mut self,
        prepared: &Prepared,
        wait: Duration,
        here: &Surroundings,
    ) -> Result<Proof, Failure> {
        let start = Instant::now();
        loop {
            let waited = start.elapsed();
            let seen = see(prepared, &self.before, &self.reached, here).await?;
            if seen.proven || start.elapsed() + PAUSE > wait {
                let pods = match self.cluster {
                    Some(cluster) => {
                        let left = wait.saturating_sub(start.elapsed());
                        Some(pods::prove(cluster, prepared, &self.before, left, here).await?)
                    }
                    None => None,
                };
                return Ok(Proof {
                    target: self.before.outcome.target.clone(),
                    before: self.before,
                    removal_unseen: matches!(prepared.removed, Removed::WithoutKey),
                    waited,
                    proven: seen.proven && pods.as_ref().is_none_or(Pods::is_proven),
                    pods,
                    seen,
                });
            }
            // A pod that is gone may have a successor by now.
            if let (Some(cluster), Some(trouble)) = (self.cluster, self.reached.trouble()) {
                here.say(&format!("note: {}", trouble.what));
                if let Ok((next, told)) = cluster.reach().await {
                    here.say(&told);
                    self.reached = next;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether both are the same socket, as for a `serve` that is also at the cluster's
    /// address.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let address = |gateway: &Self| {
            gateway
                .before
                .outcome
                .facts
                .connect
                .as_ref()
                .map(|connect| connect.address)
        };
        address(self).is_some() && address(self) == address(other)
    }
}
