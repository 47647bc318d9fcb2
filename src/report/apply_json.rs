//! What happened to objects in a cluster, as JSON: `apply` (docs/json.md).

use schemars::JsonSchema;
use serde::Serialize;

use super::object_change_json::ObjectJson;
use super::schema_number::SchemaNumber;
use crate::cluster::kubeconfig::Access;
use crate::ops::apply::outcome::{Difference, Outcome, Served};
use crate::ops::apply::request::Purpose;
use crate::remedy::Aim;

/// The result of `apply`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplyJson<'o> {
    /// The number of this format.
    schema: SchemaNumber,
    /// The kubeconfig context, if a cluster was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'o str>,
    /// The API server's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<&'o str>,
    /// The workspace's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<&'o str>,
    /// The kind of dry run; omitted if objects were stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<DryRunJson>,
    /// The objects, in the order in which they were applied.
    objects: Vec<ObjectJson<'o>>,
    /// Whether the gateway was seen to serve the new certificates.
    serving_checked: bool,
    /// What was seen, by host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    serving: Vec<ServedJson<'o>>,
}

/// Who validated the objects.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum DryRunJson {
    /// Only this program.
    Client,
    /// The API server.
    Server,
}

/// A certificate that a gateway was seen to serve.
#[derive(Debug, Serialize, JsonSchema)]
struct ServedJson<'o> {
    /// The host: a DNS name, a wildcard or an IP address.
    host: &'o str,
    /// The address that was probed.
    target: &'o str,
    /// The serial number, lower-case hex pairs with colons.
    serial: &'o str,
}

/// The result of `apply --diff`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DifferencesJson<'o> {
    /// The number of this format.
    schema: SchemaNumber,
    /// The kubeconfig context, if a cluster was used.
    context: &'o str,
    /// The API server's address.
    server: &'o str,
    /// The objects that would change.
    differences: Vec<DifferenceJson<'o>>,
}

/// What would change in one object.
#[derive(Debug, Serialize, JsonSchema)]
struct DifferenceJson<'o> {
    /// The object.
    #[serde(flatten)]
    object: ObjectJson<'o>,
    /// A unified diff of its YAML; key material is never shown.
    diff: &'o str,
}

impl<'o> ApplyJson<'o> {
    /// The outcome; `aim` completes the command lines.
    pub fn new(outcome: &'o Outcome, aim: &Aim) -> Self {
        let cluster = outcome.cluster.as_ref();
        let objects = outcome.objects.iter();
        Self {
            schema: SchemaNumber,
            context: cluster.map(|cluster| cluster.context.as_str()),
            server: cluster.map(|cluster| cluster.server.as_str()),
            workspace: outcome.workspace.as_deref(),
            dry_run: match outcome.purpose {
                Purpose::Store | Purpose::Diff => None,
                Purpose::TryHere => Some(DryRunJson::Client),
                Purpose::TryThere => Some(DryRunJson::Server),
            },
            objects: objects.map(|object| ObjectJson::new(object, aim)).collect(),
            serving_checked: outcome.serving.is_some(),
            serving: outcome.serving.iter().flatten().map(ServedJson::from).collect(),
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
    /// The differences in a cluster; `aim` completes the command lines.
    pub fn new(found: &'o [Difference], access: &'o Access, aim: &Aim) -> Self {
        let differences = found.iter().map(|one| DifferenceJson {
            object: ObjectJson::new(&one.object, aim),
            diff: &one.diff,
        });
        Self {
            schema: SchemaNumber,
            context: &access.context,
            server: &access.server,
            differences: differences.collect(),
        }
    }
}
