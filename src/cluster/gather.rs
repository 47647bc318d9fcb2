//! Reads from a cluster for an examination: a missing permission is a reason in words; only a
//! server that cannot be reached at all is an error.

use http::Method;
use serde_json::{Value, json};

use super::client::{Call, Client};
use super::failure::ApiError;
use super::resources::{Resource, served};
use crate::problem::Problem;

/// What was read, or why it may not be read.
pub type Seen<T> = Result<T, String>;

/// Versions of Istio's networking API, newest first.
const ISTIO_VERSIONS: [&str; 3] = [
    "networking.istio.io/v1",
    "networking.istio.io/v1beta1",
    "networking.istio.io/v1alpha3",
];

/// Istio's kinds in the newest version that the server serves; none if it serves none.
///
/// # Errors
/// If the server cannot be reached.
pub async fn istio_kinds(client: &Client<'_>) -> Result<Vec<Resource>, Problem> {
    for version in ISTIO_VERSIONS {
        let kinds = served(client, version).await?;
        if kinds.iter().any(|kind| kind.kind == "Gateway") {
            return Ok(kinds);
        }
    }
    Ok(Vec::new())
}

/// A namespaced built-in kind.
pub fn resource(api_version: &str, kind: &str, plural: &str) -> Resource {
    Resource {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        namespaced: true,
    }
}

/// Lists objects in a namespace, or in all; `query` is empty or begins with `?`. Each object gets
/// its kind and version, which lists omit.
///
/// # Errors
/// If the server cannot be reached.
pub async fn list(
    client: &Client<'_>,
    resource: &Resource,
    namespace: Option<&str>,
    query: &str,
) -> Result<Seen<Vec<Value>>, Problem> {
    let path = format!("{}{query}", resource.path(namespace, None));
    let answer = client.send(&Call::get(path)).await;
    let seen = allowed(client, answer, resource, "list", namespace, None)?;
    Ok(seen.map(|mut list| {
        let items = match list["items"].take() {
            Value::Array(items) => items,
            _ => Vec::new(),
        };
        items.into_iter().map(|item| named(item, resource)).collect()
    }))
}

/// Reads an object; none if it does not exist.
///
/// # Errors
/// If the server cannot be reached.
pub async fn get(
    client: &Client<'_>,
    resource: &Resource,
    namespace: Option<&str>,
    name: &str,
) -> Result<Seen<Option<Value>>, Problem> {
    let answer = client.get(resource, namespace, name).await;
    allowed(client, answer, resource, "get", namespace, Some(name))
}

/// Whether a service account may do `verb` with all Secrets in its namespace.
///
/// # Errors
/// If the server cannot be reached.
pub async fn may_use_secrets(
    client: &Client<'_>,
    namespace: &str,
    account: &str,
    verb: &str,
) -> Result<Seen<bool>, Problem> {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": format!("system:serviceaccount:{namespace}:{account}"),
            "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{namespace}"), "system:authenticated"],
            "resourceAttributes": {"namespace": namespace, "verb": verb, "resource": "secrets"},
        },
    });
    let reviews = Resource {
        namespaced: false,
        ..resource("authorization.k8s.io/v1", "SubjectAccessReview", "subjectaccessreviews")
    };
    let call = Call {
        method: Method::POST,
        path: reviews.path(None, None),
        body: Some(("application/json", &review)),
    };
    let answer = client.send(&call).await;
    let seen = allowed(client, answer, &reviews, "create", None, None)?;
    Ok(seen.map(|review| review["status"]["allowed"] == true))
}

/// Names in a label or field selector, percent-encoded.
pub fn query(parameter: &str, pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| {
            format!(
                "{}%3D{}",
                super::discover::encoded(name),
                super::discover::encoded(value)
            )
        })
        .collect();
    format!("?{parameter}={}", pairs.join("%2C"))
}

fn named(mut object: Value, resource: &Resource) -> Value {
    if object.is_object() {
        object["apiVersion"] = json!(resource.api_version);
        object["kind"] = json!(resource.kind);
    }
    object
}

/// Missing permissions and unknown kinds are not errors.
fn allowed<T>(
    client: &Client<'_>,
    answer: Result<T, ApiError>,
    resource: &Resource,
    verb: &'static str,
    namespace: Option<&str>,
    name: Option<&str>,
) -> Result<Seen<T>, Problem> {
    let error = match answer {
        Ok(answer) => return Ok(Ok(answer)),
        Err(error) => error,
    };
    let problem = client.problem(&error, &resource.asked(verb, namespace, name));
    match error.status().map(|status| status.code) {
        Some(403) => Ok(Err(problem.what)),
        Some(404) => Ok(Err(format!("the cluster does not have {}", resource.full_name()))),
        _ => Err(problem),
    }
}
