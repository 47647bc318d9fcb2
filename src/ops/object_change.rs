//! What happened to one object of a cluster, for `apply` and `delete`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::cluster::apply::{Action, Ready};
use crate::cluster::owned::Owned;
use crate::cluster::plan::Wanted;
use crate::remedy::Remedy;

/// What happened to an object, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is to be applied; what that changes was not asked.
    Applied,
    /// It was not there.
    Created,
    /// It was there and changed.
    Configured,
    /// It was there and is the same.
    Unchanged,
    /// It was deleted and made again.
    Replaced,
    /// It was deleted, for the workspace does not hold it any more.
    Pruned,
    /// It was deleted.
    Deleted,
    /// The workspace's fields of it were taken back.
    Unpatched,
    /// It was deleted, and its finalizers hold it.
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
    /// Its namespace, if its kind stands in one.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// `Kind namespace/name`.
    pub title: String,
    /// What happened to it.
    pub change: Change,
    /// What the user should know of it.
    pub notes: Vec<Remedy>,
    /// What holds it, where it was deleted and is there.
    pub finalizers: Vec<String>,
}

impl ObjectChange {
    /// Of an object that no server was asked about; `namespace` is that of objects
    /// that name none.
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

    /// Of an object that is applied.
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

    /// Of an object that is taken away.
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
