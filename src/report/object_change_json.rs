//! What happened to an object in a cluster, as JSON: one shape for `apply` and `delete`
//! (docs/json.md).

use schemars::JsonSchema;
use serde::Serialize;

use crate::ops::object_change::{Change, ObjectChange};
use crate::remedy::Aim;

/// What happened to one object.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ObjectJson<'o> {
    /// `apiVersion` of the object.
    api_version: &'o str,
    /// `kind` of the object.
    kind: &'o str,
    /// Null where the kind has no namespaces.
    namespace: Option<&'o str>,
    /// `metadata.name`.
    name: &'o str,
    /// What was done or, with `--dry-run`, would be done.
    action: Change,
    /// What blocks the deletion of a terminating object.
    finalizers: &'o [String],
    /// Notes for the user.
    notes: Vec<String>,
}

impl<'o> ObjectJson<'o> {
    /// The object; `aim` completes the command lines.
    pub(super) fn new(object: &'o ObjectChange, aim: &Aim) -> Self {
        Self {
            api_version: &object.api_version,
            kind: &object.kind,
            namespace: object.namespace.as_deref(),
            name: &object.name,
            action: object.change,
            finalizers: &object.finalizers,
            notes: object.notes.iter().map(|note| note.words(aim)).collect(),
        }
    }
}
