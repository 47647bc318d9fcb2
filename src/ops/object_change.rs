//! What happened to an object in a cluster, for `apply` and `delete`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::cluster::apply::{Action, Ready};
use crate::cluster::owned::Owned;
use crate::cluster::plan::Wanted;
use crate::remedy::Remedy;

/// What happened to an object, or would happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It will be applied; the effect was not determined.
    Applied,
    /// It did not exist.
    Created,
    /// It existed and was changed.
    Configured,
    /// It existed and is unchanged.
    Unchanged,
    /// It was deleted and created again.
    Replaced,
    /// It was deleted because the workspace no longer contains it.
    Pruned,
    /// It was deleted.
    Deleted,
    /// The workspace's fields were removed from it.
    Unpatched,
    /// It was deleted, but its finalizers hold it.
    Terminating,
}

impl Change {
    /// Its word in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Replaced => "replaced",
            Self::Pruned => "pruned",
            Self::Deleted => "deleted",
            Self::Unpatched => "unpatched",
            Self::Terminating => "terminating",
        }
    }
}

impl From<Action> for Change {
    fn from(action: Action) -> Self {
        match action {
            Action::Created => Self::Created,
            Action::Configured => Self::Configured,
            Action::Unchanged => Self::Unchanged,
            Action::Replaced => Self::Replaced,
        }
    }
}

/// An object, and what happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectChange {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// Its namespace, unless it is cluster-scoped.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// `Kind namespace/name`.
    pub title: String,
    /// What happened to it.
    pub change: Change,
    /// Notes for the user.
    pub notes: Vec<Remedy>,
    /// What holds it, if it was deleted but still exists.
    pub finalizers: Vec<String>,
}

impl ObjectChange {
    /// For an object that no server was asked about; `namespace` is for objects that name
    /// none.
    pub fn of_wanted(object: &Wanted, namespace: &str) -> Self {
        Self {
            api_version: object.api_version.clone(),
            kind: object.kind.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            title: object.title(namespace),
            change: Change::Applied,
            notes: Vec::new(),
            finalizers: Vec::new(),
        }
    }

    /// For an object that is applied.
    pub fn of_ready(object: &Ready, action: Action) -> Self {
        Self {
            api_version: object.resource.api_version.clone(),
            kind: object.resource.kind.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            title: object.title(),
            change: action.into(),
            notes: object.notes.iter().map(crate::cluster::apply::Note::words).collect(),
            finalizers: Vec::new(),
        }
    }

    /// For an object that is deleted.
    pub fn of_owned(object: &Owned, change: Change) -> Self {
        Self {
            api_version: object.resource.api_version.clone(),
            kind: object.resource.kind.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            title: object.title(),
            change,
            notes: Vec::new(),
            finalizers: Vec::new(),
        }
    }
}
