//! An object to apply: for which workspace, the server's result, and why the server refuses it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::FIELD_MANAGER;
use super::client::Client;
use super::conflict::Ways;
use super::diff;
use super::live;
use super::plan::{Stage, Wanted};
use super::resources::{Resource, Undiscovered};
use crate::problem::Problem;
use crate::remedy::{Remedy, kubectl};

/// What the user allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowed {
    /// Taking over objects of other workspaces, and fields of other managers.
    pub force_conflicts: bool,
    /// Deleting and recreating a Secret that cannot be changed.
    pub replace: bool,
}

/// The context in which objects are applied.
#[derive(Debug, Clone, Copy)]
pub struct Applying<'p> {
    /// The ID of the workspace; none means no labels.
    pub workspace: Option<&'p str>,
    /// The namespace of objects without one.
    pub namespace: &'p str,
    /// What the user allows.
    pub allowed: Allowed,
    /// How to resolve conflicts.
    pub ways: Ways<'p>,
}

impl Applying<'_> {
    /// The field manager of patches: objects that several workspaces change need one for each, or
    /// the second would remove the first one's fields.
    pub(super) fn manager(&self, wanted: &Wanted) -> String {
        match self.workspace {
            Some(id) if wanted.is_patch => patch_manager(id),
            _ => FIELD_MANAGER.to_owned(),
        }
    }
}

/// The field manager of a workspace's part of someone else's object.
pub(super) fn patch_manager(workspace: &str) -> String {
    format!("{FIELD_MANAGER}-{workspace}")
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It did not exist.
    Created,
    /// It existed and was changed.
    Configured,
    /// It existed and is unchanged.
    Unchanged,
    /// It was deleted and recreated.
    Replaced,
}

impl Action {
    /// Its name in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Replaced => "replaced",
        }
    }
}

/// What the user should know about an object to apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// It is taken over from this workspace, and no longer has these hosts.
    TakenFromWorkspace {
        /// The ID of that workspace.
        id: String,
        /// Hosts that it has but ours does not.
        hosts: Vec<String>,
    },
    /// It was created by these managers, and stays theirs.
    StaysTheirs(Vec<String>),
    /// It was created by these managers, and belongs to this workspace from now on.
    TakenFromOthers(Vec<String>),
    /// It has this workspace's label but stays someone else's, unless this command is run.
    PutBack(Remedy),
    /// It has this workspace's label, and belongs to this workspace again.
    TakenBack,
    /// Its type stays what it is.
    TypeStays(String),
}

impl Note {
    /// Whether it means that an object belongs to someone else.
    pub(super) fn is_of_others(&self) -> bool {
        matches!(self, Self::StaysTheirs(_) | Self::PutBack(_))
    }

    /// The note in words, with the command.
    pub fn words(&self) -> Remedy {
        let by = |managers: &[String]| match managers {
            [] => "someone else".to_owned(),
            managers => managers.join(", "),
        };
        match self {
            Self::TakenFromWorkspace { id, hosts } if hosts.is_empty() => {
                format!("it is taken over from another workspace ({id})").into()
            }
            Self::TakenFromWorkspace { id, hosts } => format!(
                "it is taken over from another workspace ({id}), and no longer has {}",
                hosts.join(", ")
            )
            .into(),
            Self::StaysTheirs(managers) => format!(
                "it was created by {}, and stays theirs: delete will leave it",
                by(managers)
            )
            .into(),
            Self::TakenFromOthers(managers) => format!(
                "it was created by {}, and belongs to this workspace from now on: delete will remove it",
                by(managers)
            )
            .into(),
            Self::PutBack(line) => Remedy::from(
                "it has this workspace's label anyway, like an object restored from a backup; to make it this workspace's again: ",
            )
            .and(line.clone()),
            Self::TakenBack => "it has this workspace's label but was recreated by others; it is taken back".into(),
            Self::TypeStays(kept) => format!("its type stays {kept}: a type cannot be changed").into(),
        }
    }
}

/// An object that the server would accept.
pub struct Ready {
    /// The kind on the server.
    pub resource: Resource,
    /// Its namespace, if its kind is namespaced.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// What will happen.
    pub forecast: Action,
    /// Whether it changes part of someone else's object.
    pub is_patch: bool,
    /// Notes for the user.
    pub notes: Vec<Note>,
    pub(super) body: Value,
    pub(super) before: Option<Value>,
    pub(super) after: Value,
    pub(super) leftovers: Vec<String>,
    pub(super) manager: String,
    /// Whether fields of other managers are taken over.
    pub(super) force: bool,
    pub(super) stage: Stage,
}

impl Ready {
    /// `Kind namespace/name`.
    pub fn title(&self) -> String {
        self.resource
            .asked("patch", self.namespace.as_deref(), Some(&self.name))
            .title
    }

    /// Whether it is its own Deployment, whose pods start once it is stored.
    pub fn is_workload(&self) -> bool {
        self.resource.kind == "Deployment" && self.resource.is_of("apps") && !self.is_patch
            // A paused Deployment does not roll out.
            && self.after["spec"]["paused"] != true
    }

    /// Whether the server has everything, including our ownership of its fields.
    pub(super) fn is_stored(&self) -> bool {
        let fields = |object| live::applied_fields(object, &self.manager);
        self.forecast == Action::Unchanged
            && (self.before.as_ref()).is_some_and(|before| fields(before) == fields(&self.after))
    }

    /// The current object; none if it does not exist.
    pub fn before(&self) -> Option<&Value> {
        self.before.as_ref()
    }

    /// The object as the server would store it.
    pub fn after(&self) -> &Value {
        &self.after
    }

    /// What would change, as a unified diff without key material.
    pub fn difference(&self) -> Option<String> {
        diff::unified(self.before.as_ref(), Some(&self.after), &self.title())
    }
}

/// Why nothing, or not everything, was applied.
#[derive(Debug)]
pub struct Refused {
    /// There are conflicts with objects or fields of others.
    pub is_conflict: bool,
    /// The response was lost, but the server may have applied it anyway.
    pub is_unknown: bool,
    /// An object is invalid for this cluster, regardless of the user and time: its kind or
    /// namespace does not exist, or the server does not accept its content.
    pub is_input: bool,
    /// The reason in words.
    pub problem: Problem,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self {
            is_conflict: false,
            is_unknown: false,
            is_input: false,
            problem,
        }
    }
}

impl From<Undiscovered> for Refused {
    fn from(Undiscovered { is_unknown, problem }: Undiscovered) -> Self {
        Self {
            is_input: is_unknown,
            ..problem.into()
        }
    }
}

/// Changes applied to an object that is being deleted are lost with it; `kind` is as in kubectl.
pub(super) fn going(
    client: &Client<'_>,
    title: &str,
    namespace: Option<&str>,
    kind: &str,
    name: &str,
    finalizers: &[String],
) -> Problem {
    let why = match finalizers {
        [] => "it exists until that is done, and changes applied to it now would be lost".to_owned(),
        finalizers => format!(
            "it exists until its finalizers are done ({}), and changes applied to it now would be lost",
            finalizers.join(", ")
        ),
    };
    client.access.aim(
        Problem::new(format!("{title} is being deleted"))
            .at(format!("context {}", client.access.context))
            .why(why)
            .fix(
                Remedy::from(kubectl::wait_for_delete(namespace, kind, name))
                    .and(" returns when it is gone")
                    .then(Remedy::again()),
            ),
    )
}

#[cfg(test)]
mod tests {
    use super::Note;
    use crate::remedy::{Remedy, ours};

    #[test]
    fn what_stays_somebody_elses_is_told_with_the_line_that_takes_it_back() {
        let back = Note::PutBack(Remedy::from(ours::apply_force_conflicts()));
        assert!(
            back.words()
                .ends_with("this workspace's again: istio-tls apply --force-conflicts")
        );
        assert!(back.is_of_others() && Note::StaysTheirs(Vec::new()).is_of_others());
        assert!(
            Note::StaysTheirs(Vec::new())
                .words()
                .contains("created by someone else")
        );
        let taken = Note::TakenFromOthers(vec!["helm".to_owned()]);
        assert!(!taken.is_of_others() && taken.words().contains("created by helm"));
    }
}
