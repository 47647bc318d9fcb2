//! Proves a rotation at the running `serve` of the workspace, or at the ingress
//! gateway of its cluster: what is served before, and afterwards, until the new
//! serial number is served to every client that must be, or the time is up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::chain::Held;
use super::issue::{Identity, Prepared, Removed};
use super::secrets::Cluster;
use crate::cli::Failure;
use crate::cli::cluster_ingress::Reached;
use crate::cli::connection::client_pair;
use crate::cli::context::Context;
use crate::files::shown;
use crate::probe::codes::Code;
use crate::probe::expectation::Trust;
use crate::probe::run::{Outcome, Settings, run};
use crate::probe::target::{ProbedHost, Wishes, expectations};
use crate::workspace::layout::Part;

/// Between two looks at the gateway.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest that one phase of a look may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// One client's view of the gateway.
pub(super) struct Look {
    pub(super) label: &'static str,
    pub(super) outcome: Outcome,
    /// It was refused for want of a certificate that is not in the workspace;
    /// what is served was seen all the same.
    pub(super) lacks_pair: bool,
    /// Behind TLS it got the same unwanted status as before the rotation, which
    /// is the route's or the Service's doing.
    pub(super) same_status: bool,
}

/// What was seen of one host.
pub(super) struct Proof {
    pub(super) target: String,
    pub(super) before: Look,
    pub(super) after: Vec<Look>,
    /// The client of a CA that went.
    pub(super) removed: Option<Look>,
    /// Clients of such a CA were not looked at, since no key of theirs is here.
    pub(super) removal_unseen: bool,
    /// Until the last look began.
    pub(super) waited: Duration,
    /// Every client is served, with the wanted serial number, and that of a CA
    /// that went is refused.
    pub(super) proven: bool,
}

impl Look {
    /// Whether this client is served with the leaf of this serial number.
    pub(super) fn is_served(&self, serial: &str) -> bool {
        (self.outcome.verdict.is_ok() || self.lacks_pair || self.same_status) && self.serial() == Some(serial)
    }

    /// Whether this client was refused for its certificate, and for nothing else.
    pub(super) fn is_refused(&self) -> bool {
        self.outcome.verdict.code == Code::ClientCertificateRejected
    }

    /// The status of an answer that was not the wanted one.
    fn unwanted_status(&self) -> Option<u16> {
        let answer = self.outcome.facts.http.as_ref()?;
        (self.outcome.verdict.code == Code::UnexpectedStatus).then_some(answer.status)?
    }

    /// The serial number of the leaf that was served.
    pub(super) fn serial(&self) -> Option<&str> {
        self.outcome.chain.first().map(|leaf| leaf.serial.as_str())
    }
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
        let before = look(&prepared.held, &prepared.before, &reached, context).await?;
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
            let mut after = Vec::with_capacity(prepared.after.len());
            for identity in &prepared.after {
                let mut seen = look(&prepared.held, identity, &self.reached, context).await?;
                let status = seen.unwanted_status();
                seen.same_status = status.is_some() && status == self.before.unwanted_status();
                after.push(seen);
            }
            let removed = match &prepared.removed {
                Removed::Client(identity) => Some(look(&prepared.held, identity, &self.reached, context).await?),
                Removed::Nobody | Removed::WithoutKey => None,
            };
            let proven = after.iter().all(|look| look.is_served(&prepared.serial))
                && removed.as_ref().is_none_or(Look::is_refused);
            if proven || start.elapsed() + PAUSE > wait {
                return Ok(Proof {
                    target: self.before.outcome.target.clone(),
                    before: self.before,
                    after,
                    removed,
                    removal_unseen: matches!(prepared.removed, Removed::WithoutKey),
                    waited,
                    proven,
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
}

async fn look(held: &Held, identity: &Identity, reached: &Reached, context: &Context) -> Result<Look, Failure> {
    let host = held.layout.host();
    let path = |part: Part<'_>| shown(&held.layout.path(part));
    let client = match &identity.pair {
        Some((chain, key)) => Some(client_pair(
            chain.clone(),
            key,
            path(Part::ClientCert(host.as_str())),
            path(Part::ClientKey(host.as_str())),
        )?),
        None => None,
    };
    let probed = ProbedHost {
        host: host.clone(),
        port: None,
        mode: Some(held.mode),
        routes: held.entry.routes.clone(),
        trust: Arc::new(Trust {
            source: format!("the roots of {}", identity.label),
            roots: identity.roots.clone(),
            crls: Vec::new(),
        }),
        client,
    };
    let checks = expectations(&[probed], &Wishes::default(), &reached.target);
    let settings = Settings {
        patience: PATIENCE,
        wait: Duration::ZERO,
        concurrency: 1,
        now: context.now,
    };
    let mut outcome = run(checks, settings).await.pop();
    if let Some(outcome) = &mut outcome {
        reached.aim(outcome);
    }
    outcome
        .map(|outcome| Look {
            label: identity.label,
            lacks_pair: identity.pair.is_none() && outcome.verdict.code == Code::ClientCertificateRequired,
            same_status: false,
            outcome,
        })
        .ok_or_else(|| Failure::runtime(crate::problem::Problem::new(format!("{host} could not be probed"))))
}
