//! What was deleted, as JSON (docs/json.md).

use schemars::JsonSchema;
use serde::Serialize;

use super::object_change_json::ObjectJson;
use super::schema_number::SchemaNumber;
use crate::cluster::owned::Copied;
use crate::ops::delete::outcome::Outcome;
use crate::remedy::Aim;

/// The result of `delete`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeleteJson<'o> {
    /// The number of this format.
    schema: SchemaNumber,
    /// Null if no cluster was used.
    context: Option<&'o str>,
    /// Whether nothing was deleted (`--dry-run`).
    dry_run: bool,
    /// What was deleted in the cluster.
    objects: Vec<ObjectJson<'o>>,
    /// Files and folders that were deleted.
    files: &'o [String],
    /// Objects with this workspace's labels that were created by others; they are kept.
    kept: Vec<KeptJson<'o>>,
}

/// An object with the workspace's labels that was created by others.
#[derive(Debug, Serialize, JsonSchema)]
struct KeptJson<'o> {
    /// `Kind namespace/name`.
    title: &'o str,
    /// The field managers.
    managers: &'o [String],
}

impl<'o> DeleteJson<'o> {
    /// The outcome; `aim` completes the command lines.
    pub fn new(outcome: &'o Outcome, aim: &Aim) -> Self {
        let objects = outcome.objects.iter();
        Self {
            schema: SchemaNumber,
            context: outcome.context.as_deref(),
            dry_run: outcome.dry_run,
            objects: objects.map(|object| ObjectJson::new(object, aim)).collect(),
            files: &outcome.files,
            kept: outcome.kept.iter().map(KeptJson::from).collect(),
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
