//! The result of `delete`.

use super::plan::Plan;
use crate::cluster::client::Client;
use crate::cluster::owned::Copied;
use crate::ops::object_change::{Change, ObjectChange};

/// All that was deleted, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The kubeconfig's context, if a cluster was used.
    pub context: Option<String>,
    /// Nothing was deleted (`--dry-run`).
    pub dry_run: bool,
    /// The objects, in the order in which they changed.
    pub objects: Vec<ObjectChange>,
    /// The files and folders.
    pub files: Vec<String>,
    /// Objects with the workspace's labels that are kept, because others created them.
    pub kept: Vec<Copied>,
}

impl Outcome {
    /// Nothing has happened yet.
    pub fn new(plan: &Plan, client: Option<&Client<'_>>, dry_run: bool) -> Self {
        Self {
            context: client.map(|client| client.access.context.clone()),
            dry_run,
            objects: Vec::new(),
            files: Vec::new(),
            kept: plan.kept.clone(),
        }
    }

    /// The titles of the objects that are gone.
    pub fn gone(&self) -> Vec<String> {
        let gone = self
            .objects
            .iter()
            .filter(|object| object.change != Change::Terminating);
        gone.map(|object| object.title.clone()).collect()
    }
}
