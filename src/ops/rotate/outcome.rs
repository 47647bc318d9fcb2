//! The plan and the result of `rotate`.

use std::path::PathBuf;
use std::time::Duration;

use super::decide::{ChainState, Idle, LeftDue, Step};
use crate::certs::summary::CertificateSummary;
use crate::cluster::apply::Action;
use crate::names::Host;
use crate::ops::Failure;
use crate::ops::client_look::Look;
use crate::remedy::Remedy;

/// The plan.
pub struct DryRun {
    /// The cluster's context, if one is used.
    pub context: Option<String>,
    /// The hosts for which something would be done.
    pub hosts: Vec<PlannedHost>,
    /// Why nothing would be done for another one.
    pub failure: Option<Failure>,
}

/// The plan for one host.
pub struct PlannedHost {
    /// The content of its folder.
    pub state: ChainState,
    /// What would be done.
    pub step: Step,
    /// What is due as well, but not renewed.
    pub due: Vec<LeftDue>,
    /// Its Secrets in the cluster.
    pub secrets: Vec<PlannedSecret>,
}

/// The planned change of a Secret.
pub struct PlannedSecret {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The keys whose values would change.
    pub changes: Vec<String>,
    /// Its data differs from the files.
    pub lags: bool,
    /// Its present leaf.
    pub leaf: Option<CertificateSummary>,
}

/// What was done, as far as it got.
pub struct Outcome {
    /// Host by host; one that is rotated in two exchanges appears twice.
    pub done: Vec<Done>,
    /// Something was changed, or may have been.
    pub has_begun: bool,
    /// Why it is incomplete.
    pub failure: Option<Failure>,
}

impl Outcome {
    /// Whether everything was done and, where possible, verified.
    pub fn is_done(&self) -> bool {
        self.done.iter().all(|done| match done {
            Done::Nothing { .. } => true,
            Done::Rotated(rotated) => rotated.is_done() && !rotated.has_no_secret,
        })
    }
}

/// Where a missing server key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbsentKey {
    /// It should be in the workspace.
    Lost,
    /// Where its certificate request was created, as istio-tls.yaml says.
    Elsewhere,
}

/// The result for one host.
pub enum Done {
    /// Nothing is due, and neither Secrets nor gateways are checked.
    Nothing {
        /// The host.
        host: Host,
        /// Why.
        idle: Idle,
        /// The server's key is not in the workspace, so neither Secrets nor gateways are
        /// checked.
        absent_key: Option<AbsentKey>,
        /// What is due as well, but not renewed.
        due: Vec<LeftDue>,
    },
    /// One exchange.
    Rotated(Box<Rotated>),
}

/// The result of one exchange of a host's material.
pub struct Rotated {
    /// The host.
    pub host: Host,
    /// What was to be done.
    pub step: Step,
    /// What is due as well, but not renewed.
    pub due: Vec<LeftDue>,
    /// The certificates that were replaced.
    pub changes: Vec<Change>,
    /// Notes for the user.
    pub notes: Vec<String>,
    /// The serial number that must be served afterwards.
    pub serial: String,
    /// The host's folder.
    pub folder: PathBuf,
    /// The folder with the old files.
    pub kept: PathBuf,
    /// The files that change.
    pub files: Vec<PathBuf>,
    /// The files are as the step wants them.
    pub is_written: bool,
    /// The cluster's context, if one is used.
    pub context: Option<String>,
    /// The Secrets that were stored.
    pub secrets: Vec<Stored>,
    /// The titles of those that were not stored.
    pub left: Vec<String>,
    /// The title of one that was sent but not answered.
    pub unknown: Option<String>,
    /// The cluster has none of the host's Secrets.
    pub has_no_secret: bool,
    /// The result at every gateway that could be probed.
    pub proofs: Vec<Proof>,
    /// Why the cluster's gateway was not probed, and what to do about it.
    pub unseen: Option<Remedy>,
    /// What to do next.
    pub next: Option<Remedy>,
}

impl Rotated {
    /// No gateway that was probed serves anything else.
    pub fn is_proven(&self) -> bool {
        self.proofs.iter().all(|proof| proof.proven)
    }

    /// Whether the old CA may be removed now.
    pub fn goes_on(&self) -> bool {
        match self.step {
            // A gateway that could not be probed may still serve a leaf of the old CA.
            Step::FinishLeaf => self.is_proven() && self.unseen.is_none(),
            // By asking once more, the user takes responsibility for that.
            Step::CatchUp { finishes } => finishes && self.is_proven(),
            _ => false,
        }
    }

    /// Whether everything requested was done and, where possible, verified.
    pub fn is_done(&self) -> bool {
        self.is_proven() && (self.step != Step::FinishLeaf || self.goes_on())
    }

    /// Whether files or Secrets were changed, or may have been.
    pub fn has_begun(&self) -> bool {
        self.is_written && !matches!(self.step, Step::Nothing(_))
    }
}

/// A certificate before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `server`, `client alice`, `intermediate`, `root`.
    pub what: String,
    /// The previous one; none if there was none.
    pub old: Option<CertificateSummary>,
    /// The new one; none if it was removed without a successor.
    pub new: Option<CertificateSummary>,
}

/// A Secret that was stored.
pub struct Stored {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What the API server did.
    pub action: Action,
    /// The previous leaf; none in a CA's Secret.
    pub old: Option<CertificateSummary>,
    /// The new leaf.
    pub new: Option<CertificateSummary>,
}

impl Stored {
    /// Whether it changed.
    pub fn is_changed(&self) -> bool {
        self.action != Action::Unchanged
    }
}

/// The result for one host at one gateway.
pub struct Proof {
    /// The gateway's address.
    pub target: String,
    /// What it served before.
    pub before: Look,
    /// The last result at its address.
    pub seen: Seen,
    /// Clients of a removed CA were not tried, since no valid one has its key here.
    pub removal_unseen: bool,
    /// The time until the last probe started.
    pub waited: Duration,
    /// The result per pod of a cluster's gateway; none for other gateways.
    pub pods: Option<Pods>,
    /// Every client is served with the expected serial number, and the one of a removed
    /// CA is refused; also at every pod that was probed.
    pub proven: bool,
}

/// The results of all clients at one moment.
pub struct Seen {
    /// The clients that must be accepted.
    pub after: Vec<Look>,
    /// The client of a removed CA.
    pub removed: Option<Look>,
    /// Every client is served with the expected serial number, and the one of a removed
    /// CA is refused.
    pub proven: bool,
}

/// The results at the gateway's pods.
#[derive(Default)]
pub struct Pods {
    /// How many are Ready; none if this user sees none.
    pub ready: usize,
    /// Those that were probed.
    pub asked: Vec<PodProof>,
    /// Why others were not.
    pub unasked: Option<String>,
}

impl Pods {
    /// No pod that was probed serves anything else.
    pub fn is_proven(&self) -> bool {
        self.asked.iter().all(|pod| pod.seen.proven)
    }
}

/// The result at one pod.
pub struct PodProof {
    /// `NAMESPACE/NAME`.
    pub pod: String,
    /// The last results of its clients.
    pub seen: Seen,
    /// The time until the last probe started, since the first pod was probed.
    pub waited: Duration,
}
