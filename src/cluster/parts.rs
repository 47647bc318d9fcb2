//! The visible part of a cluster: kinds, and the namespaces in which this user may list them.
//! Missing permissions are reported, and are an error only for required kinds.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::client::{AT_ONCE, Call, Client};
use super::discover::{core, encoded, items};
use super::failure::ApiError;
use super::resources::{self, Resource, Undiscovered};
use crate::problem::Problem;
use crate::sources::live::Unseen;

/// The page size of lists.
const PAGE: u32 = 500;
/// How often a paged list is started.
const MOST_BEGUN: u32 = 3;
/// Excludes numerous Secrets that Istio never gives to a gateway.
const SECRETS_OF_GATEWAYS: &str = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token";

/// A kind whose objects are needed.
#[derive(Debug, Clone, Copy)]
pub struct Want {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The supported versions, the best first.
    pub versions: &'static [&'static str],
    /// `kind`.
    pub kind: &'static str,
    /// The namespaces.
    pub within: Within,
    /// The consequence if they may not be listed.
    pub unless_seen: UnlessSeen,
}

/// The versions of Istio's networking API, which all have the same schema.
pub const ISTIO_VERSIONS: &[&str] = &["v1", "v1beta1", "v1alpha3"];

impl Want {
    /// The objects of a kind in all namespaces, as far as visible.
    pub const fn of(group: &'static str, versions: &'static [&'static str], kind: &'static str) -> Self {
        Self {
            group,
            versions,
            kind,
            within: Within::All,
            unless_seen: UnlessSeen::GoOn,
        }
    }
}

/// The namespaces of needed objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// All, or otherwise those known by name.
    All,
    /// The namespace of the gateway's pods.
    PodNamespace,
}

/// The consequence if objects may not be listed at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnlessSeen {
    /// They are ignored.
    GoOn,
    /// They are ignored, but the server must have the kind.
    GoOnIfServed,
    /// An error, with an alternative, if any.
    Fail(Option<&'static str>),
}

/// The namespaces known by name.
#[derive(Debug, Clone)]
pub struct Places {
    /// The namespace of the gateway's pods.
    pub pods: String,
    /// Those to search if listing all is not allowed.
    pub known: Vec<String>,
    /// Whether only those are needed.
    pub only_known: bool,
}

/// The objects of one kind, in one namespace or in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The kind.
    pub resource: Resource,
    /// The namespace; none means all.
    pub namespace: Option<String>,
}

impl Part {
    /// The path of its objects with a query that excludes irrelevant ones.
    pub(super) fn path(&self, query: &str) -> String {
        let path = self.resource.path(self.namespace.as_deref(), None);
        if self.resource.api_version == "v1" && self.resource.kind == "Secret" {
            return format!("{path}?{query}&fieldSelector={}", encoded(SECRETS_OF_GATEWAYS));
        }
        format!("{path}?{query}")
    }
}

/// The visible part.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// What may be listed.
    pub seen: Vec<Part>,
    /// What may not.
    pub unseen: Vec<Unseen>,
}

/// Finds out for every kind whether it is served, and in which namespaces this user may list it.
///
/// # Errors
/// If the server cannot be reached, or something required is missing.
pub async fn find(client: &Client<'_>, wants: &[Want], places: &Places) -> Result<Parts, Undiscovered> {
    let mut of_version: BTreeMap<String, Vec<Resource>> = BTreeMap::new();
    let mut asked: Vec<(&Want, Resource)> = Vec::new();
    for want in wants {
        match served(client, want, &mut of_version).await? {
            Some(resource) => asked.push((want, resource)),
            None if want.unless_seen == UnlessSeen::GoOn => {}
            None => {
                let api_version = api_version(want.group, want.versions[0]);
                return Err(resources::unknown_kind(client, &api_version, want.kind).await);
            }
        }
    }
    let found: Vec<Parts> = stream::iter(asked)
        .map(|(want, resource)| of_kind(client, want, resource, places))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(Parts {
        seen: found.iter().flat_map(|parts| parts.seen.clone()).collect(),
        unseen: found.into_iter().flat_map(|parts| parts.unseen).collect(),
    })
}

/// The kind in the best version that the server serves.
async fn served(
    client: &Client<'_>,
    want: &Want,
    of_version: &mut BTreeMap<String, Vec<Resource>>,
) -> Result<Option<Resource>, Problem> {
    for version in want.versions {
        let api_version = api_version(want.group, version);
        if !of_version.contains_key(&api_version) {
            let served = resources::served(client, &api_version).await?;
            of_version.insert(api_version.clone(), served);
        }
        let found = of_version[&api_version].iter();
        if let Some(resource) = found.clone().find(|resource| resource.kind == want.kind) {
            return Ok(Some(resource.clone()));
        }
    }
    Ok(None)
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

async fn of_kind(client: &Client<'_>, want: &Want, resource: Resource, places: &Places) -> Result<Parts, Problem> {
    let mut refused: Option<Problem> = None;
    let namespaces: Vec<String> = match want.within {
        Within::PodNamespace => vec![places.pods.clone()],
        Within::All => {
            if !places.only_known || !resource.namespaced {
                match may_list(client, &resource, None).await? {
                    None => return Ok(Parts::whole(resource)),
                    Some(problem) if !resource.namespaced => {
                        return Parts::refused(want, &resource, None, problem);
                    }
                    Some(problem) => refused = Some(problem),
                }
            }
            places.known.clone()
        }
    };
    let mut parts = Parts::default();
    let mut all = true;
    for namespace in &namespaces {
        match may_list(client, &resource, Some(namespace)).await? {
            None => parts.seen.push(Part {
                resource: resource.clone(),
                namespace: Some(namespace.clone()),
            }),
            Some(problem) => {
                all = false;
                parts
                    .unseen
                    .push(unseen(want, &resource, Some(namespace), &problem.what));
                refused.get_or_insert(problem);
            }
        }
    }
    if parts.seen.is_empty() {
        let problem = refused.unwrap_or_else(|| Problem::new("no namespace to search is known"));
        let only = namespaces.first().filter(|_| namespaces.len() == 1);
        return Parts::refused(want, &resource, only.map(String::as_str), problem);
    }
    if want.within != Within::PodNamespace && all {
        let why = refused.map_or_else(|| only_some(places), |problem| problem.what);
        parts.unseen.push(Unseen {
            kind: want.kind.to_owned(),
            seen_in: BTreeSet::new(),
            what: format!(
                "{} outside the namespaces {}",
                resource.full_name(),
                namespaces.join(", ")
            ),
            why,
        });
    }
    let seen = parts.seen.iter().filter_map(|part| part.namespace.clone());
    let seen: BTreeSet<String> = seen.collect();
    for unseen in &mut parts.unseen {
        unseen.seen_in.clone_from(&seen);
    }
    Ok(parts)
}

fn only_some(places: &Places) -> String {
    format!("only the namespaces {} are searched", places.known.join(", "))
}

fn unseen(want: &Want, resource: &Resource, namespace: Option<&str>, why: &str) -> Unseen {
    Unseen {
        kind: want.kind.to_owned(),
        seen_in: BTreeSet::new(),
        what: resource.asked("list", namespace, None).title,
        why: why.to_owned(),
    }
}

impl Parts {
    fn whole(resource: Resource) -> Self {
        Self {
            seen: vec![Part {
                resource,
                namespace: None,
            }],
            unseen: Vec::new(),
        }
    }

    fn without(want: &Want, resource: &Resource, namespace: Option<&str>, why: &str) -> Self {
        Self {
            seen: Vec::new(),
            unseen: vec![unseen(want, resource, namespace, why)],
        }
    }

    fn refused(
        want: &Want,
        resource: &Resource,
        namespace: Option<&str>,
        mut problem: Problem,
    ) -> Result<Self, Problem> {
        match want.unless_seen {
            UnlessSeen::GoOn | UnlessSeen::GoOnIfServed => Ok(Self::without(want, resource, namespace, &problem.what)),
            UnlessSeen::Fail(instead) => {
                if let Some(instead) = instead {
                    problem.fix = Some(match problem.fix.take() {
                        Some(fix) => fix.or(instead),
                        None => instead.into(),
                    });
                }
                Err(problem)
            }
        }
    }
}

/// Whether this user may list the objects; if not, why.
async fn may_list(
    client: &Client<'_>,
    resource: &Resource,
    namespace: Option<&str>,
) -> Result<Option<Problem>, Problem> {
    let path = format!("{}?limit=1", resource.path(namespace, None));
    let Err(error) = client.send(&Call::get(path)).await else {
        return Ok(None);
    };
    let problem = client.problem(&error, &resource.asked("list", namespace, None));
    match error {
        ApiError::Status(status) if status.code == 403 => Ok(Some(problem)),
        _ => Err(problem),
    }
}

/// Whether the server reports that there is no such namespace; without permission, it does not.
pub async fn is_absent(client: &Client<'_>, namespace: &str) -> bool {
    let path = core("Namespace", "namespaces", false).path(None, Some(namespace));
    let answer = client.send(&Call::get(path)).await;
    matches!(answer, Err(ApiError::Status(status)) if status.is_not_found())
}

/// Namespaces and labels of pods that match `selector`: in the whole cluster if they may be listed;
/// otherwise in the namespaces `known`.
///
/// # Errors
/// If the server cannot be reached; without permission to list pods, there are none.
pub async fn pods(
    client: &Client<'_>,
    selector: &BTreeMap<String, String>,
    known: &[String],
) -> Result<Vec<(String, BTreeMap<String, String>)>, Problem> {
    let resource = core("Pod", "pods", true);
    let labels: Vec<String> = (selector.iter())
        .map(|(name, value)| format!("{}%3D{}", encoded(name), encoded(value)))
        .collect();
    let everywhere = std::iter::once(None);
    for namespace in everywhere.chain(known.iter().map(|name| Some(name.as_str()))) {
        let path = format!(
            "{}?limit={PAGE}&labelSelector={}",
            resource.path(namespace, None),
            labels.join("%2C")
        );
        match client.send(&Call::get(path)).await {
            Ok(list) => {
                let found: Vec<_> = items(list).iter().map(namespace_and_labels).collect();
                if namespace.is_none() || !found.is_empty() {
                    return Ok(found);
                }
            }
            Err(ApiError::Status(status)) if status.code == 403 => {}
            Err(error) => return Err(client.problem(&error, &resource.asked("list", namespace, None))),
        }
    }
    Ok(Vec::new())
}

fn namespace_and_labels(pod: &Value) -> (String, BTreeMap<String, String>) {
    let labels = pod["metadata"]["labels"].as_object().into_iter().flatten();
    (
        pod["metadata"]["namespace"].as_str().unwrap_or_default().to_owned(),
        labels
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
    )
}

/// The namespace of the gateway's pods: `usual`, if they run there or none were found, otherwise
/// the first of their namespaces; and the others.
pub fn pod_namespace(pods: &[(String, BTreeMap<String, String>)], usual: &str) -> (String, Vec<String>) {
    let mut found: BTreeSet<&str> = pods.iter().map(|(namespace, _)| namespace.as_str()).collect();
    let chosen = if found.is_empty() || found.contains(usual) {
        usual
    } else {
        found.first().copied().unwrap_or(usual)
    };
    found.remove(chosen);
    (chosen.to_owned(), found.into_iter().map(str::to_owned).collect())
}

/// All objects of a part.
///
/// # Errors
/// When the server cannot be asked or refuses.
pub async fn list(client: &Client<'_>, part: &Part) -> Result<Vec<Value>, Problem> {
    let listed = list_at(client, part).await;
    let asked = part.resource.asked("list", part.namespace.as_deref(), None);
    listed
        .map(|(objects, _)| objects)
        .map_err(|error| client.problem(&error, &asked))
}

/// All objects of a part, and the version of the list, from which changes are followed.
pub(super) async fn list_at(client: &Client<'_>, part: &Part) -> Result<(Vec<Value>, String), ApiError> {
    let base = part.path(&format!("limit={PAGE}"));
    let mut found = Vec::new();
    let mut path = base.clone();
    let mut begun = 1;
    loop {
        let page = match client.send(&Call::get(path.as_str())).await {
            Ok(page) => page,
            // The next page has expired because too much has changed in the meantime.
            Err(ApiError::Status(status)) if status.code == 410 && begun < MOST_BEGUN => {
                begun += 1;
                found.clear();
                path.clone_from(&base);
                continue;
            }
            Err(error) => return Err(error),
        };
        let next = page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
        let version = page["metadata"]["resourceVersion"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let objects = items(page).into_iter();
        found.extend(objects.map(|item| with_header(item, &part.resource)));
        if next.is_empty() {
            return Ok((found, version));
        }
        path = format!("{base}&continue={}", encoded(&next));
    }
}

/// An item of a list with the fields that the list has for all items.
pub(super) fn with_header(mut item: Value, resource: &Resource) -> Value {
    if let Some(object) = item.as_object_mut() {
        object.insert("apiVersion".to_owned(), resource.api_version.clone().into());
        object.insert("kind".to_owned(), resource.kind.clone().into());
    }
    item
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::pod_namespace;

    #[test]
    fn the_usual_namespace_is_taken_where_pods_run_there_or_none_are_found() {
        for (found, expected, others) in [
            (&[][..], "istio-system", &[][..]),
            (&["a", "istio-system"], "istio-system", &["a"]),
            (&["b", "a", "a"], "a", &["b"]),
        ] {
            let pods: Vec<_> = (found.iter())
                .map(|name| ((*name).to_owned(), BTreeMap::new()))
                .collect();
            let (chosen, rest) = pod_namespace(&pods, "istio-system");
            assert_eq!(
                (chosen.as_str(), rest.as_slice()),
                (
                    expected,
                    &*others.to_vec().iter().map(|o| (*o).to_owned()).collect::<Vec<_>>()
                )
            );
        }
    }
}
