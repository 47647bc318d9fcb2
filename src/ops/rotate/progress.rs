//! The progress of a rotation. It is kept outside the work, which may be dropped when a
//! signal comes.

use super::decide::LeftDue;
use super::issue::Prepared;
use super::next::next;
use super::outcome::{Done, Rotated};
use super::request::Request;
use crate::names::Host;
use crate::remedy::Cluster;
use crate::workspace::layout::STATE_FOLDER;

/// An exchange in progress.
pub(super) struct AtWork {
    pub(super) prepared: Box<Prepared>,
    /// Its result so far.
    pub(super) rotated: Rotated,
}

impl AtWork {
    /// An exchange that has not started; `context`: that of the cluster in use.
    pub(super) fn new(prepared: Box<Prepared>, due: Vec<LeftDue>, context: Option<&str>) -> Self {
        let layout = &prepared.held.layout;
        let (host, folder) = (layout.host().clone(), layout.folder());
        let workspace = folder.parent().unwrap_or(&folder);
        Self {
            rotated: Rotated {
                step: prepared.step.clone(),
                due,
                changes: prepared.changes.clone(),
                notes: prepared.notes.clone(),
                serial: prepared.serial.clone(),
                kept: workspace.join(STATE_FOLDER).join("old").join(host.folder_name()),
                files: prepared.paths().collect(),
                is_written: false,
                context: context.map(str::to_owned),
                secrets: Vec::new(),
                left: Vec::new(),
                unknown: None,
                has_no_secret: false,
                proofs: Vec::new(),
                unseen: None,
                next: None,
                host,
                folder,
            },
            prepared,
        }
    }
}

/// The progress of a run.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) done: Vec<Done>,
    pub(super) at_work: Option<Box<AtWork>>,
    /// Hosts that were not started.
    pub(super) left: Vec<Host>,
}

impl Progress {
    /// Whether anything was changed or may have been.
    pub(super) fn has_begun(&self) -> bool {
        let at_work = (self.at_work.as_deref()).is_some_and(|at_work| at_work.rotated.has_begun());
        let is_changed = |done: &Done| matches!(done, Done::Rotated(rotated) if rotated.has_begun());
        at_work || self.done.iter().any(is_changed)
    }

    /// The current host is finished; the lines of its next steps are directed to
    /// `cluster`.
    pub(super) fn end_host(&mut self, request: &Request, cluster: Option<&Cluster>) {
        let Some(at_work) = self.at_work.take() else { return };
        let AtWork { prepared, mut rotated } = *at_work;
        let next = next(&prepared, &rotated, request);
        rotated.next = match cluster {
            Some(cluster) => next.map(|next| next.at_cluster(cluster)),
            None => next,
        };
        self.done.push(Done::Rotated(Box::new(rotated)));
    }
}
