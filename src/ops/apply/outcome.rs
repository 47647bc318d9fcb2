//! The result of `apply`.

use super::input::Input;
use super::request::Purpose;
use crate::cluster::apply::Ready;
use crate::cluster::kubeconfig::Access;
use crate::cluster::owned::Owned;
use crate::ops::object_change::{Change, ObjectChange};

/// All that happened, or would happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The cluster, if one is known.
    pub cluster: Option<ClusterName>,
    /// The workspace's id.
    pub workspace: Option<String>,
    /// What was done with the objects.
    pub purpose: Purpose,
    /// The objects, in the order in which they changed.
    pub objects: Vec<ObjectChange>,
    /// The hosts that the gateway was seen to serve; none if that was not checked.
    pub serving: Option<Vec<Served>>,
}

/// Which cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterName {
    /// The kubeconfig's context.
    pub context: String,
    /// The API server.
    pub server: String,
}

impl From<&Access> for ClusterName {
    fn from(access: &Access) -> Self {
        Self {
            context: access.context.clone(),
            server: access.server.clone(),
        }
    }
}

/// A host whose new certificate was seen at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The host.
    pub host: String,
    /// Where it was probed: address and port.
    pub target: String,
    /// The serial number of its leaf.
    pub serial: String,
}

/// What differs in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The object, and what would happen to it.
    pub object: ObjectChange,
    /// What would change, as a unified diff without key material.
    pub diff: String,
}

impl Outcome {
    /// Nothing has happened yet.
    pub fn new(input: &Input, access: Option<&Access>, purpose: Purpose) -> Self {
        Self {
            cluster: access.map(ClusterName::from),
            workspace: input.workspace_id().map(str::to_owned),
            purpose,
            objects: Vec::new(),
            serving: None,
        }
    }

    /// What is known without a server.
    pub fn untried(input: &Input, access: Option<&Access>) -> Self {
        let namespace = input.namespace_or(access);
        let objects = input.wanted.iter();
        Self {
            objects: objects
                .map(|object| ObjectChange::of_wanted(object, namespace))
                .collect(),
            ..Self::new(input, access, Purpose::TryHere)
        }
    }

    /// What would happen, according to the API server's dry run.
    pub fn forecast(input: &Input, access: &Access, ready: &[Ready], surplus: &[Owned]) -> Self {
        let applied = ready
            .iter()
            .map(|object| ObjectChange::of_ready(object, object.forecast));
        let pruned = surplus
            .iter()
            .map(|object| ObjectChange::of_owned(object, Change::Pruned));
        Self {
            objects: applied.chain(pruned).collect(),
            ..Self::new(input, Some(access), Purpose::TryThere)
        }
    }

    /// The titles of all objects.
    pub fn titles(&self) -> Vec<String> {
        self.objects.iter().map(|object| object.title.clone()).collect()
    }
}

/// What differs: objects that would change, and those that would be pruned.
pub fn differences(ready: &[Ready], surplus: &[Owned]) -> Vec<Difference> {
    let changed = ready.iter().map(|object| Difference {
        object: ObjectChange::of_ready(object, object.forecast),
        diff: object.difference().unwrap_or_default(),
    });
    let changed = changed.filter(|one| one.object.change != Change::Unchanged);
    let pruned = surplus.iter().map(|object| {
        let object = ObjectChange::of_owned(object, Change::Pruned);
        Difference {
            diff: format!("--- live  {0}\n+++ pruned  {0}\n", object.title),
            object,
        }
    });
    changed.chain(pruned).collect()
}
