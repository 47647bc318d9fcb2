//! The kinds of an API server: for each its path, and whether it is namespaced.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::client::{Call, Client};
use super::failure::{ApiError, Asked};
use crate::problem::Problem;
use crate::remedy::{Remedy, other};

/// A kind on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// `networking.istio.io/v1`; `v1` for the core group.
    pub api_version: String,
    /// `Gateway`.
    pub kind: String,
    /// `gateways`.
    pub plural: String,
    /// Whether the kind is namespaced.
    pub namespaced: bool,
}

impl Resource {
    /// The path of an object, or of all objects (in a namespace, or everywhere).
    pub fn path(&self, namespace: Option<&str>, name: Option<&str>) -> String {
        let mut path = group_path(&self.api_version);
        if let Some(namespace) = namespace.filter(|_| self.namespaced) {
            path.push_str("/namespaces/");
            path.push_str(namespace);
        }
        path.push('/');
        path.push_str(&self.plural);
        if let Some(name) = name {
            path.push('/');
            path.push_str(name);
        }
        path
    }

    /// The name in RBAC rules and for kubectl: `gateways.networking.istio.io`.
    pub fn full_name(&self) -> String {
        match group(&self.api_version) {
            "" => self.plural.clone(),
            group => format!("{}.{group}", self.plural),
        }
    }

    /// Whether it is a kind of this API group.
    pub fn is_of(&self, wanted: &str) -> bool {
        group(&self.api_version) == wanted
    }

    /// The description of a request for errors.
    pub fn asked(&self, verb: &'static str, namespace: Option<&str>, name: Option<&str>) -> Asked {
        let namespace = namespace.filter(|_| self.namespaced);
        let title = match (namespace, name) {
            (Some(namespace), Some(name)) => format!("{} {namespace}/{name}", self.kind),
            (None, Some(name)) => format!("{} {name}", self.kind),
            (Some(namespace), None) => format!("{} in the namespace {namespace}", self.plural),
            (None, None) => format!("{} in all namespaces", self.plural),
        };
        Asked {
            verb,
            resource: self.full_name(),
            namespace: namespace.map(str::to_owned),
            title,
        }
    }
}

/// The group of an apiVersion; empty for the core group.
pub fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

fn group_path(api_version: &str) -> String {
    if api_version.contains('/') {
        format!("/apis/{api_version}")
    } else {
        format!("/api/{api_version}")
    }
}

/// The kinds of one group and version; empty if the server does not serve it.
///
/// # Errors
/// If the server cannot be reached or refuses.
pub async fn served(client: &Client<'_>, api_version: &str) -> Result<Vec<Resource>, Problem> {
    let path = group_path(api_version);
    match client.send(&Call::get(path.clone())).await {
        Ok(list) => Ok(read_list(api_version, &list)),
        Err(ApiError::Status(status)) if status.code == 404 => Ok(Vec::new()),
        Err(error) => Err(client.problem(&error, &asked_for(api_version, path))),
    }
}

fn asked_for(api_version: &str, path: String) -> Asked {
    Asked {
        verb: "get",
        resource: path,
        namespace: None,
        title: format!("the resources of {api_version}"),
    }
}

fn read_list(api_version: &str, list: &Value) -> Vec<Resource> {
    let resources = list["resources"].as_array().into_iter().flatten();
    resources
        .filter_map(|resource| {
            let plural = resource["name"].as_str()?;
            // `deployments/status` is a subresource.
            (!plural.contains('/')).then(|| Resource {
                api_version: api_version.to_owned(),
                kind: resource["kind"].as_str().unwrap_or_default().to_owned(),
                plural: plural.to_owned(),
                namespaced: resource["namespaced"].as_bool().unwrap_or(true),
            })
        })
        .collect()
}

/// Why a kind could not be discovered.
#[derive(Debug)]
pub struct Undiscovered {
    /// Whether the server does not have the kind; otherwise it could not be reached.
    pub is_unknown: bool,
    /// The reason in words.
    pub problem: Problem,
}

impl From<Problem> for Undiscovered {
    fn from(problem: Problem) -> Self {
        Self {
            is_unknown: false,
            problem,
        }
    }
}

/// The resources of these (apiVersion, kind), each discovered once.
///
/// # Errors
/// If the server cannot be reached, or does not have one of them.
pub async fn discover(
    client: &Client<'_>,
    wanted: &BTreeSet<(String, String)>,
) -> Result<BTreeMap<(String, String), Resource>, Undiscovered> {
    let mut found = BTreeMap::new();
    let mut of_version: BTreeMap<&str, Vec<Resource>> = BTreeMap::new();
    for (api_version, kind) in wanted {
        if !of_version.contains_key(api_version.as_str()) {
            of_version.insert(api_version, served(client, api_version).await?);
        }
        let resources = &of_version[api_version.as_str()];
        match resources.iter().find(|resource| &resource.kind == kind) {
            Some(resource) => {
                found.insert((api_version.clone(), kind.clone()), resource.clone());
            }
            None => return Err(unknown_kind(client, api_version, kind).await),
        }
    }
    Ok(found)
}

/// The problem, with the existing versions of the group, if any.
pub(super) async fn unknown_kind(client: &Client<'_>, api_version: &str, kind: &str) -> Undiscovered {
    Undiscovered {
        is_unknown: true,
        problem: unknown_kind_problem(client, api_version, kind).await,
    }
}

async fn unknown_kind_problem(client: &Client<'_>, api_version: &str, kind: &str) -> Problem {
    let group = group(api_version);
    let problem = Problem::new(format!("the cluster does not have {kind} of {api_version}"))
        .at(format!("context {}", client.access.context));
    let versions: Vec<String> = match client.send(&Call::get(format!("/apis/{group}"))).await {
        Ok(answer) if !group.is_empty() => answer["versions"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|version| version["version"].as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    };
    if versions.is_empty() {
        return problem
            .why(format!(
                "the custom resource definition of {kind} (CRDs of {group}) is not installed"
            ))
            .fix(install_hint(group));
    }
    let named: Vec<String> = versions.iter().map(|version| format!("{group}/{version}")).collect();
    problem
        .why(format!("it serves {}, but not this kind in this version", named.join(", ")))
        .fix(if group == "networking.istio.io" {
            "update Istio's CRDs with the tool that installed them; for an old Istio set istio: \"1.1\" in istio-tls.yaml"
        } else {
            "change apiVersion to a served one, or update the CRD"
        })
}

fn install_hint(group: &str) -> Remedy {
    match group {
        "networking.istio.io" => {
            Remedy::from(other::istioctl_install()).and(" (or the Helm chart istio/base for the CRDs alone)")
        }
        "gateway.networking.k8s.io" => Remedy::from(
            "install the Gateway API's CRDs: standard-install.yaml of a release of kubernetes-sigs/gateway-api",
        ),
        "cert-manager.io" => Remedy::from("install cert-manager with its CRDs"),
        _ => Remedy::from("install the CRD of the kind").then(Remedy::again()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Resource, read_list};

    fn resource(api_version: &str, plural: &str, namespaced: bool) -> Resource {
        Resource {
            api_version: api_version.to_owned(),
            kind: String::new(),
            plural: plural.to_owned(),
            namespaced,
        }
    }

    #[test]
    fn paths_are_those_of_the_api() {
        for (api_version, plural, namespaced, namespace, name, expected) in [
            (
                "v1",
                "secrets",
                true,
                Some("a"),
                Some("b"),
                "/api/v1/namespaces/a/secrets/b",
            ),
            ("v1", "namespaces", false, Some("a"), Some("b"), "/api/v1/namespaces/b"),
            ("v1", "secrets", true, None, None, "/api/v1/secrets"),
            (
                "apps/v1",
                "deployments",
                true,
                Some("a"),
                None,
                "/apis/apps/v1/namespaces/a/deployments",
            ),
        ] {
            assert_eq!(
                resource(api_version, plural, namespaced).path(namespace, name),
                expected
            );
        }
        assert_eq!(
            resource("networking.istio.io/v1", "gateways", true).full_name(),
            "gateways.networking.istio.io"
        );
    }

    #[test]
    fn parts_of_resources_are_left_out() {
        let list = serde_json::json!({"resources": [
            {"name": "deployments", "kind": "Deployment", "namespaced": true},
            {"name": "deployments/status", "kind": "Deployment", "namespaced": true},
        ]});
        let found = read_list("apps/v1", &list);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].plural, "deployments");
    }
}
