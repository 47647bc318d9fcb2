//! Single Secrets in a cluster: their content, type and owner. Keys are read with them, but never
//! shown.

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
    /// Its owner.
    pub owner: Owner,
    /// The managers of its fields, except this program.
    pub managers: Vec<String>,
    /// The controller that reconciles it, in words.
    pub controller: Option<String>,
    /// Its values.
    pub data: SecretData,
}

impl LiveSecret {
    /// Parses the object; `workspace` is the ID of the current one.
    pub fn of_object(object: &Value, workspace: Option<&str>) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (namespace, name) = (
            text(&object["metadata"]["namespace"]),
            text(&object["metadata"]["name"]),
        );
        let data = object["data"].as_object();
        let values = data.into_iter().flatten().map(|(key, value)| {
            // API servers always store base64.
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

/// Reads a Secret; none if it, or its namespace, does not exist.
///
/// # Errors
/// If the server cannot be reached or refuses.
pub async fn read(
    client: &Client<'_>,
    namespace: &str,
    name: &str,
    workspace: Option<&str>,
) -> Result<Option<LiveSecret>, ApiError> {
    let object = client.get(&secrets(), Some(namespace), name).await?;
    Ok(object.map(|object| LiveSecret::of_object(&object, workspace)))
}

/// The problem from an error of [`read`].
pub fn problem(client: &Client<'_>, error: &ApiError, namespace: &str, name: &str) -> Problem {
    client.problem(error, &secrets().asked("get", Some(namespace), Some(name)))
}

/// The namespaces with a Secret of this name, sorted; none if this user may not list Secrets in the
/// whole cluster.
pub async fn namespaces_with(client: &Client<'_>, name: &str) -> Option<Vec<String>> {
    namespaces_by(client, &format!("fieldSelector=metadata.name%3D{name}")).await
}

/// Like [`namespaces_with`], for Secrets that this workspace created.
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
