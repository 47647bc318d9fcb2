//! What `rotate` would do, and what came of it.

use std::path::PathBuf;
use std::time::Duration;

use super::decide::{ChainState, Idle, LeftDue, Step};
use crate::certs::summary::CertificateSummary;
use crate::cluster::apply::Action;
use crate::names::Host;
use crate::ops::Failure;
use crate::ops::client_look::Look;
use crate::remedy::Remedy;

/// What would be done.
pub struct DryRun {
    /// The cluster's context, where one is in play.
    pub context: Option<String>,
    /// The hosts of which something would be done.
    pub hosts: Vec<PlannedHost>,
    /// Why nothing would be done of another one.
    pub failure: Option<Failure>,
}

/// What would be done with one host.
pub struct PlannedHost {
    /// What stands in its folder.
    pub state: ChainState,
    /// What would be done.
    pub step: Step,
    /// What is due as well, and stays.
    pub due: Vec<LeftDue>,
    /// Its Secrets in the cluster.
    pub secrets: Vec<PlannedSecret>,
}

/// What would become of a Secret.
pub struct PlannedSecret {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The keys that would get other values.
    pub changes: Vec<String>,
    /// Its data differs from what the files hold.
    pub lags: bool,
    /// The leaf that it holds now.
    pub leaf: Option<CertificateSummary>,
}

/// What was done, as far as it came.
pub struct Outcome {
    /// Host by host; one that is rotated in two exchanges stands twice.
    pub done: Vec<Done>,
    /// Something was changed, or may have been.
    pub has_begun: bool,
    /// Why that is not all.
    pub failure: Option<Failure>,
}

impl Outcome {
    /// Whether everything was done and, where possible, seen.
    pub fn is_done(&self) -> bool {
        self.done.iter().all(|done| match done {
            Done::Nothing { .. } => true,
            Done::Rotated(rotated) => rotated.is_done() && !rotated.has_no_secret,
        })
    }
}

/// Where a server's key is that is not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbsentKey {
    /// It should be here.
    Lost,
    /// Where its certificate request was made, as istio-tls.yaml says.
    Elsewhere,
}

/// What came of one host.
pub enum Done {
    /// Nothing is due, and nothing live is in play.
    Nothing {
        /// The host.
        host: Host,
        /// Why.
        idle: Idle,
        /// The server's key is not here, so neither Secrets nor gateways are looked at.
        absent_key: Option<AbsentKey>,
        /// What is due as well, and stays.
        due: Vec<LeftDue>,
    },
    /// One exchange.
    Rotated(Box<Rotated>),
}

/// What came of one exchange of a host's material.
pub struct Rotated {
    /// The host.
    pub host: Host,
    /// What was to be done.
    pub step: Step,
    /// What is due as well, and stays.
    pub due: Vec<LeftDue>,
    /// The certificates that were replaced.
    pub changes: Vec<Change>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// The serial number that is to be served afterwards.
    pub serial: String,
    /// The host's folder.
    pub folder: PathBuf,
    /// The folder that the old files are kept in.
    pub kept: PathBuf,
    /// The files that change.
    pub files: Vec<PathBuf>,
    /// The files stand as the step wants them.
    pub is_written: bool,
    /// The cluster's context, where one is in play.
    pub context: Option<String>,
    /// The Secrets that were stored.
    pub secrets: Vec<Stored>,
    /// The titles of those that were not.
    pub left: Vec<String>,
    /// The title of one that was sent, and of which no answer has come.
    pub unknown: Option<String>,
    /// The cluster has none of the host's Secrets.
    pub has_no_secret: bool,
    /// At every gateway that could be looked at.
    pub proofs: Vec<Proof>,
    /// Why the cluster's gateway was not looked at, and what to do about it.
    pub unseen: Option<Remedy>,
    /// What to do next.
    pub next: Option<Remedy>,
}

impl Rotated {
    /// No gateway that was looked at serves anything else.
    pub fn is_proven(&self) -> bool {
        self.proofs.iter().all(|proof| proof.proven)
    }

    /// Whether the old CA may go now.
    pub fn goes_on(&self) -> bool {
        match self.step {
            // A gateway that nobody has seen may serve a leaf of the old CA still.
            Step::FinishLeaf => self.is_proven() && self.unseen.is_none(),
            // Asked for once more, the user has seen to it.
            Step::CatchUp { finishes } => finishes && self.is_proven(),
            _ => false,
        }
    }

    /// Whether everything that was asked for was done and, where possible, seen.
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
    /// The one before; none where there was none.
    pub old: Option<CertificateSummary>,
    /// The one after; none when it goes without another.
    pub new: Option<CertificateSummary>,
}

/// One Secret that was stored.
pub struct Stored {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What the API server did.
    pub action: Action,
    /// The leaf before; none in the Secret of a CA.
    pub old: Option<CertificateSummary>,
    /// The leaf after.
    pub new: Option<CertificateSummary>,
}

impl Stored {
    /// Whether it is not what it was.
    pub fn is_changed(&self) -> bool {
        self.action != Action::Unchanged
    }
}

/// What was seen of one host at one gateway.
pub struct Proof {
    /// Where the gateway is.
    pub target: String,
    /// What it served before.
    pub before: Look,
    /// What its address showed last.
    pub seen: Seen,
    /// Clients of a CA that went were not looked at, since none that is good has its
    /// key here.
    pub removal_unseen: bool,
    /// Until the last look began.
    pub waited: Duration,
    /// The gateway's pods, each by itself; none of a gateway that is no cluster's.
    pub pods: Option<Pods>,
    /// Every client is served, with the wanted serial number, and that of a CA
    /// that went is refused; at every pod that was asked, too.
    pub proven: bool,
}

/// What every client saw at one moment.
pub struct Seen {
    /// The clients that are to be let in.
    pub after: Vec<Look>,
    /// The client of a CA that went.
    pub removed: Option<Look>,
    /// Every client is served, with the wanted serial number, and that of a CA
    /// that went is refused.
    pub proven: bool,
}

/// What the gateway's pods serve.
#[derive(Default)]
pub struct Pods {
    /// How many are Ready; none where this user sees none.
    pub ready: usize,
    /// Those that were asked.
    pub asked: Vec<PodProof>,
    /// Why others were not.
    pub unasked: Option<String>,
}

impl Pods {
    /// No pod that was asked serves anything else.
    pub fn is_proven(&self) -> bool {
        self.asked.iter().all(|pod| pod.seen.proven)
    }
}

/// What one pod serves.
pub struct PodProof {
    /// `NAMESPACE/NAME`.
    pub pod: String,
    /// What its clients saw last.
    pub seen: Seen,
    /// Until the last look began, since the first pod was asked.
    pub waited: Duration,
}
