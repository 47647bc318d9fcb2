//! Single Secrets as they stand in a cluster: what they hold, of which type they
//! are, and whose. Keys are read with them, and never shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::WORKSPACE_LABEL;
use super::client::{Call, Client};
use super::failure::ApiError;
use super::live::{self, Owner};
use super::resources::Resource;
use crate::problem::Problem;
use crate::secrets::SecretData;

/// A Secret that was read.
pub struct LiveSecret {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `type`.
    pub secret_type: String,
    /// Whose it is.
    pub owner: Owner,
    /// The managers of its fields, this program aside.
    pub managers: Vec<String>,
    /// The program that keeps it as it wants it, in words.
    pub controller: Option<String>,
    /// Its values.
    pub data: SecretData,
}

impl LiveSecret {
    /// Reads the object; `workspace` is the id of the one that asks.
    pub fn of_object(object: &Value, workspace: Option<&str>) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (namespace, name) = (
            text(&object["metadata"]["namespace"]),
            text(&object["metadata"]["name"]),
        );
        let data = object["data"].as_object();
        let values = data.into_iter().flatten().map(|(key, value)| {
            // What an API server stores is always base64.
            let value = STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default();
            (key.clone(), value)
        });
        Self {
            secret_type: object["type"].as_str().unwrap_or("Opaque").to_owned(),
            owner: live::owner(object, workspace),
            managers: live::managers(object),
            controller: live::controller(object),
            data: SecretData::of_object(&namespace, &name, None, values),
            namespace,
            name,
        }
    }
}

/// Reads a Secret; none when it, or its namespace, is not there.
///
/// # Errors
/// When the server cannot be asked or refuses.
pub async fn read(
    client: &Client<'_>,
    namespace: &str,
    name: &str,
    workspace: Option<&str>,
) -> Result<Option<LiveSecret>, ApiError> {
    let object = client.get(&secrets(), Some(namespace), name).await?;
    Ok(object.map(|object| LiveSecret::of_object(&object, workspace)))
}

/// An error of [`read`] in words.
pub fn problem(client: &Client<'_>, error: &ApiError, namespace: &str, name: &str) -> Problem {
    client.problem(error, &secrets().asked("get", Some(namespace), Some(name)))
}

/// The namespaces that hold a Secret of this name, sorted; none when this user
/// may not look through the whole cluster.
pub async fn namespaces_with(client: &Client<'_>, name: &str) -> Option<Vec<String>> {
    namespaces_by(client, &format!("fieldSelector=metadata.name%3D{name}")).await
}

/// As [`namespaces_with`], of Secrets that this workspace made.
pub async fn namespaces_of(client: &Client<'_>, name: &str, workspace: &str) -> Option<Vec<String>> {
    let query = format!("fieldSelector=metadata.name%3D{name}&labelSelector={WORKSPACE_LABEL}%3D{workspace}");
    namespaces_by(client, &query).await
}

async fn namespaces_by(client: &Client<'_>, query: &str) -> Option<Vec<String>> {
    let path = secrets().path(None, None);
    let list = client.send(&Call::get(format!("{path}?{query}"))).await.ok()?;
    let mut namespaces: Vec<String> = (list["items"].as_array().into_iter().flatten())
        .filter_map(|object| object["metadata"]["namespace"].as_str())
        .map(str::to_owned)
        .collect();
    namespaces.sort_unstable();
    Some(namespaces)
}

fn secrets() -> Resource {
    Resource {
        api_version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        plural: "secrets".to_owned(),
        namespaced: true,
    }
}
