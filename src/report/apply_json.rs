//! What happened to objects of a cluster, for programs: `apply` (docs/json.md).

use serde::Serialize;

use crate::cluster::kubeconfig::Access;
use crate::ops::apply::outcome::{Difference, Outcome, Served};
use crate::ops::apply::request::Purpose;
use crate::ops::object_change::ObjectChange;
use crate::remedy::Aim;

/// What `apply` came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplyJson<'o> {
    schema: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'o str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<&'o str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<&'o str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<&'static str>,
    objects: Vec<ObjectJson<'o>>,
    /// The gateway was seen to serve it.
    serving_checked: bool,
    /// What was seen, host by host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    serving: Vec<ServedJson<'o>>,
}

/// What happened to one object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ObjectJson<'o> {
    api_version: &'o str,
    kind: &'o str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'o str>,
    name: &'o str,
    action: &'static str,
    /// What the user should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ServedJson<'o> {
    host: &'o str,
    target: &'o str,
    serial: &'o str,
}

/// What `apply --diff` found.
#[derive(Debug, Serialize)]
pub struct DifferencesJson<'o> {
    schema: u32,
    context: &'o str,
    server: &'o str,
    differences: Vec<DifferenceJson<'o>>,
}

#[derive(Debug, Serialize)]
struct DifferenceJson<'o> {
    #[serde(flatten)]
    object: ObjectJson<'o>,
    diff: &'o str,
}

impl<'o> ApplyJson<'o> {
    /// The outcome for a user who stands at `aim`.
    pub fn new(outcome: &'o Outcome, aim: &Aim) -> Self {
        let cluster = outcome.cluster.as_ref();
        let objects = outcome.objects.iter();
        Self {
            schema: 1,
            context: cluster.map(|cluster| cluster.context.as_str()),
            server: cluster.map(|cluster| cluster.server.as_str()),
            workspace: outcome.workspace.as_deref(),
            dry_run: match outcome.purpose {
                Purpose::Store | Purpose::Diff => None,
                Purpose::TryHere => Some("client"),
                Purpose::TryThere => Some("server"),
            },
            objects: objects.map(|object| ObjectJson::new(object, aim)).collect(),
            serving_checked: outcome.serving.is_some(),
            serving: outcome.serving.iter().flatten().map(ServedJson::from).collect(),
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
            notes: object.notes.iter().map(|note| note.words(aim)).collect(),
        }
    }
}

impl<'o> From<&'o Served> for ServedJson<'o> {
    fn from(served: &'o Served) -> Self {
        Self {
            host: &served.host,
            target: &served.target,
            serial: &served.serial,
        }
    }
}

impl<'o> DifferencesJson<'o> {
    /// The differences in a cluster, for a user who stands at `aim`.
    pub fn new(found: &'o [Difference], access: &'o Access, aim: &Aim) -> Self {
        let differences = found.iter().map(|one| DifferenceJson {
            object: ObjectJson::new(&one.object, aim),
            diff: &one.diff,
        });
        Self {
            schema: 1,
            context: &access.context,
            server: &access.server,
            differences: differences.collect(),
        }
    }
}
