//! An object that is to be applied: for whom, what the server would make of it, and
//! why it does not take it.

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
    /// Take over objects of other workspaces, and fields of other managers.
    pub force_conflicts: bool,
    /// Delete and make anew a Secret that cannot be changed.
    pub replace: bool,
}

/// For whom objects are applied.
#[derive(Debug, Clone, Copy)]
pub struct Applying<'p> {
    /// The workspace's id; none marks nothing.
    pub workspace: Option<&'p str>,
    /// The namespace of objects that name none.
    pub namespace: &'p str,
    /// What the user allows.
    pub allowed: Allowed,
    /// How what is in the way is overcome.
    pub ways: Ways<'p>,
}

impl Applying<'_> {
    /// The field manager of patches: objects that several workspaces change
    /// need one for each, or the second would take the first one's fields back.
    pub(super) fn manager(&self, wanted: &Wanted) -> String {
        match self.workspace {
            Some(id) if wanted.is_patch => patch_manager(id),
            _ => FIELD_MANAGER.to_owned(),
        }
    }
}

/// The field manager of a workspace's part of somebody else's object.
pub(super) fn patch_manager(workspace: &str) -> String {
    format!("{FIELD_MANAGER}-{workspace}")
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It was not there.
    Created,
    /// It was there and changed.
    Configured,
    /// It was there and is the same.
    Unchanged,
    /// It was deleted and made anew.
    Replaced,
}

impl Action {
    /// Its word in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Replaced => "replaced",
        }
    }
}

/// What the user should know of an object that is to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// It is taken over from this workspace, and no longer holds these hosts.
    TakenFromWorkspace {
        /// That workspace's id.
        id: String,
        /// Hosts that it has, and ours has not.
        hosts: Vec<String>,
    },
    /// It was made by these managers, and stays theirs.
    StaysTheirs(Vec<String>),
    /// It was made by these managers, and is this workspace's from now on.
    TakenFromOthers(Vec<String>),
    /// It bears this workspace's label and stays somebody else's, unless this is typed.
    PutBack(Remedy),
    /// It bears this workspace's label, and is made this workspace's again.
    TakenBack,
    /// Its type stays what it is.
    TypeStays(String),
}

impl Note {
    /// Whether it says that an object is somebody else's.
    pub(super) fn is_of_others(&self) -> bool {
        matches!(self, Self::StaysTheirs(_) | Self::PutBack(_))
    }

    /// It in words, with what to type.
    pub fn words(&self) -> Remedy {
        let by = |managers: &[String]| match managers {
            [] => "somebody else".to_owned(),
            managers => managers.join(", "),
        };
        match self {
            Self::TakenFromWorkspace { id, hosts } if hosts.is_empty() => {
                format!("it is taken over from another workspace ({id})").into()
            }
            Self::TakenFromWorkspace { id, hosts } => format!(
                "it is taken over from another workspace ({id}), and no longer holds {}",
                hosts.join(", ")
            )
            .into(),
            Self::StaysTheirs(managers) => format!(
                "it was made by {}, and stays theirs: delete will leave it",
                by(managers)
            )
            .into(),
            Self::TakenFromOthers(managers) => format!(
                "it was made by {}, and is this workspace's from now on: delete will remove it",
                by(managers)
            )
            .into(),
            Self::PutBack(line) => Remedy::from(
                "it has this workspace's label all the same, as an object restored from a saved copy does; to make it this workspace's again: ",
            )
            .and(line.clone()),
            Self::TakenBack => "it has this workspace's label and was made again by others; it is taken back".into(),
            Self::TypeStays(kept) => format!("its type stays {kept}: a type never changes").into(),
        }
    }
}

/// An object that the server would take.
pub struct Ready {
    /// The kind as the server knows it.
    pub resource: Resource,
    /// Its namespace, if its kind stands in one.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// What will happen.
    pub forecast: Action,
    /// It changes a part of somebody else's object.
    pub is_patch: bool,
    /// What the user should know.
    pub notes: Vec<Note>,
    pub(super) body: Value,
    pub(super) before: Option<Value>,
    pub(super) after: Value,
    pub(super) leftovers: Vec<String>,
    pub(super) manager: String,
    /// Fields of other managers are taken over.
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

    /// Whether it is a Deployment of its own, whose pods run once it is stored.
    pub fn is_workload(&self) -> bool {
        self.resource.kind == "Deployment" && self.resource.is_of("apps") && !self.is_patch
            // What is paused rolls nothing out.
            && self.after["spec"]["paused"] != true
    }

    /// Whether the server has it all, our hold on its fields included.
    pub(super) fn is_stored(&self) -> bool {
        let fields = |object| live::applied_fields(object, &self.manager);
        self.forecast == Action::Unchanged
            && (self.before.as_ref()).is_some_and(|before| fields(before) == fields(&self.after))
    }

    /// The object as it is now; none when it is not there.
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
    /// Somebody else's objects or fields are in the way.
    pub is_conflict: bool,
    /// The answer was lost, and the server may have done it all the same.
    pub is_unknown: bool,
    /// An object is wrong for this cluster, whoever applies it and when: its
    /// kind or namespace is not there, or the server does not take what it holds.
    pub is_input: bool,
    /// In words.
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

/// What is applied to an object that has been deleted goes with it; `kind` is as
/// kubectl takes it.
pub(super) fn going(
    client: &Client<'_>,
    title: &str,
    namespace: Option<&str>,
    kind: &str,
    name: &str,
    finalizers: &[String],
) -> Problem {
    let why = match finalizers {
        [] => "it is there until that is done, and what is applied to it now goes with it".to_owned(),
        finalizers => format!(
            "it is there until its finalizers are done ({}), and what is applied to it now goes with it",
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
        assert!(Note::StaysTheirs(Vec::new()).words().contains("made by somebody else"));
        let taken = Note::TakenFromOthers(vec!["helm".to_owned()]);
        assert!(!taken.is_of_others() && taken.words().contains("made by helm"));
    }
}
