//! Proves a rotation at the running `serve` of the workspace, or at the ingress
//! gateway of its cluster: what is served before, and afterwards, until the new
//! serial number is served to every client that must be, or the time is up.

use std::time::{Duration, Instant};

use super::issue::{Prepared, Removed};
use super::pods::{self, Pods};
use super::secrets::Cluster;
use crate::cli::Failure;
use crate::ops::client_look::{Look, look};
use crate::ops::cluster_ingress::Reached;
use crate::cli::context::Context;

/// Between two looks at the gateway.
pub(super) const PAUSE: Duration = Duration::from_millis(50);
/// The longest that one phase of a look may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was seen of one host.
pub(super) struct Proof {
    pub(super) target: String,
    pub(super) before: Look,
    /// What its address showed last.
    pub(super) seen: Seen,
    /// Clients of a CA that went were not looked at, since none that is good has its
    /// key here.
    pub(super) removal_unseen: bool,
    /// Until the last look began.
    pub(super) waited: Duration,
    /// The gateway's pods, each by itself; none of a gateway that is no cluster's.
    pub(super) pods: Option<Pods>,
    /// Every client is served, with the wanted serial number, and that of a CA
    /// that went is refused; at every pod that was asked, too.
    pub(super) proven: bool,
}

/// A gateway that was looked at before the rotation.
pub(super) struct Gateway<'a> {
    reached: Reached,
    /// The cluster that it is reached by anew, where its pod goes.
    cluster: Option<&'a Cluster<'a>>,
    pub(super) before: Look,
}

impl<'a> Gateway<'a> {
    /// Looks once, as the client before the rotation.
    ///
    /// # Errors
    /// When the client's key is none that TLS can use.
    pub(super) async fn look(
        reached: Reached,
        cluster: Option<&'a Cluster<'a>>,
        prepared: &Prepared,
        context: &Context,
    ) -> Result<Self, Failure> {
        let before = look(prepared.held.asked(), &prepared.before, &reached, PATIENCE, context).await?;
        Ok(Self {
            reached,
            cluster,
            before,
        })
    }

    /// Looks as every client until all of them are served with the wanted leaf and
    /// that of a CA that went is refused, or `wait` is over.
    ///
    /// # Errors
    /// As [`Gateway::look`].
    pub(super) async fn prove(
        mut self,
        prepared: &Prepared,
        wait: Duration,
        context: &Context,
    ) -> Result<Proof, Failure> {
        let start = Instant::now();
        loop {
            let waited = start.elapsed();
            let seen = Seen::look(prepared, &self.before, &self.reached, context).await?;
            if seen.proven || start.elapsed() + PAUSE > wait {
                let pods = match self.cluster {
                    Some(cluster) => {
                        let left = wait.saturating_sub(start.elapsed());
                        Some(pods::prove(cluster, prepared, &self.before, left, context).await?)
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
            // A pod that went may have a successor by now.
            if let (Some(cluster), Some(trouble)) = (self.cluster, self.reached.trouble()) {
                context.say(&format!("note: {}", trouble.what));
                if let Ok((next, told)) = cluster.reach().await {
                    context.say(&told);
                    self.reached = next;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether both are the same socket, as of a `serve` that is the cluster's
    /// address, too.
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

/// What every client saw at one moment.
pub(super) struct Seen {
    pub(super) after: Vec<Look>,
    /// The client of a CA that went.
    pub(super) removed: Option<Look>,
    /// Every client is served, with the wanted serial number, and that of a CA
    /// that went is refused.
    pub(super) proven: bool,
}

impl Seen {
    /// Looks once as every client.
    ///
    /// # Errors
    /// As [`Gateway::look`].
    pub(super) async fn look(
        prepared: &Prepared,
        before: &Look,
        reached: &Reached,
        context: &Context,
    ) -> Result<Self, Failure> {
        let asked = prepared.held.asked();
        let mut after = Vec::with_capacity(prepared.after.len());
        for identity in &prepared.after {
            let mut seen = look(asked, identity, reached, PATIENCE, context).await?;
            seen.as_before = seen.is_as(before);
            after.push(seen);
        }
        let removed = match &prepared.removed {
            Removed::Client(identity) => Some(look(asked, identity, reached, PATIENCE, context).await?),
            Removed::Nobody | Removed::WithoutKey => None,
        };
        Ok(Self {
            proven: after.iter().all(|look| look.is_served(&prepared.serial))
                && removed.as_ref().is_none_or(Look::is_refused),
            after,
            removed,
        })
    }
}
