//! What was deleted, for programs (docs/json.md).

use serde::Serialize;

use crate::cluster::owned::Copied;
use crate::ops::delete::outcome::Outcome;
use crate::ops::object_change::ObjectChange;
use crate::remedy::Aim;

/// What `delete` came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteJson<'o> {
    schema: u32,
    /// Null where no cluster was asked.
    context: Option<&'o str>,
    dry_run: bool,
    objects: Vec<ObjectJson<'o>>,
    files: &'o [String],
    kept: Vec<KeptJson<'o>>,
}

/// What happened to one object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ObjectJson<'o> {
    api_version: &'o str,
    kind: &'o str,
    namespace: Option<&'o str>,
    name: &'o str,
    action: &'static str,
    finalizers: &'o [String],
    notes: Vec<String>,
}

/// What bears the workspace's labels, and was made by somebody else.
#[derive(Debug, Serialize)]
struct KeptJson<'o> {
    title: &'o str,
    managers: &'o [String],
}

impl<'o> DeleteJson<'o> {
    /// The outcome for a user who stands at `aim`.
    pub fn new(outcome: &'o Outcome, aim: &Aim) -> Self {
        let objects = outcome.objects.iter();
        Self {
            schema: 1,
            context: outcome.context.as_deref(),
            dry_run: outcome.dry_run,
            objects: objects.map(|object| ObjectJson::new(object, aim)).collect(),
            files: &outcome.files,
            kept: outcome.kept.iter().map(KeptJson::from).collect(),
        }
    }
}

impl<'o> ObjectJson<'o> {
    fn new(object: &'o ObjectChange, aim: &Aim) -> Self {
        Self {
            api_version: &object.api_version,
            kind: &object.kind,
            namespace: object.namespace.as_deref(),
            name: &object.name,
            action: object.change.word(),
            finalizers: &object.finalizers,
            notes: object.notes.iter().map(|note| note.words(aim)).collect(),
        }
    }
}

impl<'o> From<&'o Copied> for KeptJson<'o> {
    fn from(copy: &'o Copied) -> Self {
        Self {
            title: &copy.title,
            managers: &copy.managers,
        }
    }
}
