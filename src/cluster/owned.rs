//! What this workspace has created in a cluster, found by its label, and the fields that it added
//! to objects of others; listed, then removed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use super::WORKSPACE_LABEL;
use super::client::{AT_ONCE, Apply, Call, Client, Deleted};
use super::failure::ApiError;
use super::live::{self, Owner};
use super::plan::{Stage, stage};
use super::ready::patch_manager;
use super::resources::{Resource, served};
use super::shared::Shared;
use super::stages::{Halting, in_stages};
use crate::manifests::naming::{MANAGED_BY, MANAGED_BY_LABEL};
use crate::problem::Problem;
use crate::remedy::{Remedy, kubectl};

/// The kinds that are searched: (apiVersions, of which the first served one is used; kinds). No
/// kinds means all of the group, for Istio and the Gateway API. Namespaces are excluded: deleting
/// one would delete everything that others put into it.
const KINDS: &[(&[&str], &[&str])] = &[
    (&["v1"], &["Secret", "ConfigMap", "Service", "ServiceAccount"]),
    (&["apps/v1"], &["Deployment"]),
    (
        &[
            "networking.istio.io/v1",
            "networking.istio.io/v1beta1",
            "networking.istio.io/v1alpha3",
        ],
        &[],
    ),
    (&["gateway.networking.k8s.io/v1"], &[]),
    (&["gateway.networking.k8s.io/v1beta1"], &["ReferenceGrant"]),
    (&["cert-manager.io/v1"], &["Certificate", "Issuer"]),
];
/// The interval between checks whether objects are gone.
const PAUSE: Duration = Duration::from_millis(250);
/// Without these kinds, nothing is known about what exists.
const NEEDED: &[&str] = &["Secret", "Gateway", "VirtualService"];

/// Something of this workspace in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The kind on the server.
    pub resource: Resource,
    /// Its namespace, if its kind is namespaced.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    uid: String,
    /// Whether only the fields that were added to it are ours.
    pub is_patch: bool,
    /// What would remain for others if only these were removed.
    shared: Shared,
}

impl Owned {
    /// `Kind namespace/name`.
    pub fn title(&self) -> String {
        self.resource
            .asked("delete", self.namespace.as_deref(), Some(&self.name))
            .title
    }

    /// What its owners should know when it is removed.
    pub fn note(&self) -> Option<String> {
        self.shared.note(&self.title())
    }

    /// Whether it is the object with this group, kind, namespace and name.
    pub fn is(&self, resource: &Resource, namespace: Option<&str>, name: &str) -> bool {
        use super::resources::group;
        group(&self.resource.api_version) == group(&resource.api_version)
            && self.resource.kind == resource.kind
            && self.namespace.as_deref() == namespace
            && self.name == name
    }

    fn stage(&self) -> Stage {
        stage(&self.resource.api_version, &self.resource.kind, self.is_patch)
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// What is ours, in the order of removal.
    pub objects: Vec<Owned>,
    /// What has the workspace's labels but was created by someone else.
    pub copies: Vec<Copied>,
    /// What could not be searched, in words.
    pub unseen: Vec<String>,
}

/// An object with the workspace's labels that this program has not applied, for example a copy of
/// one of its objects. It is never removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// `Kind namespace/name`.
    pub title: String,
    /// The managers of its fields.
    pub managers: Vec<String>,
    /// The command that removes it.
    pub removal: Remedy,
}

impl Copied {
    /// Why it stays, in words, and how to remove it.
    pub fn note(&self) -> Remedy {
        let by = match self.managers.as_slice() {
            [] => "someone else".to_owned(),
            managers => managers.join(", "),
        };
        Remedy::from(format!(
            "{} has this workspace's labels but was created by {by}, like a copy or a restored object, so it is left alone; to delete it: ",
            self.title
        ))
        .and(self.removal.clone())
    }
}

/// Finds everything that belongs to the workspace: in all namespaces, or, if the user may not list
/// those, in `namespaces`; and its volumes in the Deployments of `pod_namespace` and of the
/// namespaces in which something was found.
///
/// # Errors
/// If the server cannot be reached, or the user may not list any of the required kinds.
pub async fn find(
    client: &Client<'_>,
    workspace: &str,
    namespaces: &BTreeSet<String>,
    pod_namespace: &str,
) -> Result<Found, Problem> {
    let mut resources = Vec::new();
    for (versions, kinds) in KINDS {
        for version in *versions {
            let of_version = served(client, version).await?;
            if of_version.is_empty() {
                continue;
            }
            resources.extend(
                of_version
                    .into_iter()
                    .filter(|resource| kinds.is_empty() || kinds.contains(&resource.kind.as_str())),
            );
            break;
        }
    }
    let lists: Vec<Found> = stream::iter(&resources)
        .map(|resource| list(client, resource, workspace, namespaces))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut found = Found::default();
    for list in lists {
        found.objects.extend(list.objects);
        found.copies.extend(list.copies);
        found.unseen.extend(list.unseen);
    }
    // The gateway's Deployment is in the namespace of its Secrets.
    let mut of_pods: BTreeSet<String> = found
        .objects
        .iter()
        .filter_map(|object| object.namespace.clone())
        .collect();
    of_pods.insert(pod_namespace.to_owned());
    for namespace in &of_pods {
        patches(client, workspace, namespace, &mut found).await?;
    }
    // Routes are removed before Gateways, and Secrets last.
    found.objects.sort_by_key(|object| std::cmp::Reverse(object.stage()));
    Ok(found)
}

async fn list(
    client: &Client<'_>,
    resource: &Resource,
    workspace: &str,
    namespaces: &BTreeSet<String>,
) -> Result<Found, Problem> {
    let mut found = Found::default();
    match labelled(client, resource, None, workspace).await {
        Ok(list) => return Ok(list),
        Err(error) if is_forbidden(&error) && resource.namespaced => {}
        Err(error) if is_forbidden(&error) => {
            found.unseen.push(resource.asked("list", None, None).title);
            return Ok(found);
        }
        Err(error) => return Err(client.problem(&error, &resource.asked("list", None, None))),
    }
    for namespace in namespaces {
        match labelled(client, resource, Some(namespace), workspace).await {
            Ok(list) => {
                found.objects.extend(list.objects);
                found.copies.extend(list.copies);
            }
            Err(error) if is_forbidden(&error) && !NEEDED.contains(&resource.kind.as_str()) => {
                found.unseen.push(resource.asked("list", Some(namespace), None).title);
            }
            Err(error) => return Err(client.problem(&error, &resource.asked("list", Some(namespace), None))),
        }
    }
    Ok(found)
}

fn is_forbidden(error: &ApiError) -> bool {
    error.status().is_some_and(|status| status.code == 403)
}

async fn labelled(
    client: &Client<'_>,
    resource: &Resource,
    namespace: Option<&str>,
    workspace: &str,
) -> Result<Found, ApiError> {
    let selector = format!("{WORKSPACE_LABEL}={workspace},{MANAGED_BY_LABEL}={MANAGED_BY}");
    let path = format!(
        "{}?labelSelector={}",
        resource.path(namespace, None),
        selector.replace('/', "%2F").replace('=', "%3D").replace(',', "%2C")
    );
    let list = client.send(&Call::get(path)).await?;
    let mut found = Found::default();
    for object in items(&list) {
        let owned = owned(resource, object, false);
        if live::owner(object, Some(workspace)) == Owner::Ours {
            found.objects.push(owned);
        } else {
            let kind = owned.resource.full_name();
            let removal = kubectl::delete(owned.namespace.as_deref(), &kind, &owned.name);
            found.copies.push(Copied {
                title: owned.title(),
                managers: live::managers(object),
                removal: Remedy::from(removal).at_cluster(&client.access.flags),
            });
        }
    }
    Ok(found)
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list["items"].as_array().into_iter().flatten()
}

fn owned(resource: &Resource, object: &Value, is_patch: bool) -> Owned {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Owned {
        resource: resource.clone(),
        namespace: resource.namespaced.then(|| text(&object["metadata"]["namespace"])),
        name: text(&object["metadata"]["name"]),
        uid: live::uid(object).to_owned(),
        is_patch,
        shared: Shared::default(),
    }
}

/// Deployments of others to which this workspace has added fields.
async fn patches(client: &Client<'_>, workspace: &str, namespace: &str, found: &mut Found) -> Result<(), Problem> {
    let resource = Resource {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        plural: "deployments".to_owned(),
        namespaced: true,
    };
    let manager = patch_manager(workspace);
    match client.send(&Call::get(resource.path(Some(namespace), None))).await {
        Ok(list) => {
            let patched = items(&list).filter(|object| live::is_applied_by(object, &manager));
            let patched = patched.map(|object| Owned {
                shared: Shared::find(object, &manager),
                ..owned(&resource, object, true)
            });
            found.objects.extend(patched);
        }
        Err(error) if is_forbidden(&error) => {
            found.unseen.push(resource.asked("list", Some(namespace), None).title);
        }
        Err(error) => return Err(client.problem(&error, &resource.asked("list", Some(namespace), None))),
    }
    Ok(())
}

/// What was not removed; nothing if everything was.
#[derive(Debug, Default)]
pub struct Unremoved {
    /// Why the first one could not be removed.
    pub refused: Option<Problem>,
    /// What still exists, in words.
    pub left: Vec<String>,
    /// What was requested but whose response was lost, or pending when the run was cut short, in
    /// words.
    pub unknown: Vec<String>,
}

/// Removes everything, in the order of [`Found::objects`], stage by stage, several per stage
/// concurrently; `told` is called for each that is gone, and for each that finalizers hold, with
/// these. After the first refusal, or when the run is cut short, nothing more is started.
pub async fn remove_until(
    client: &Client<'_>,
    objects: &[Owned],
    workspace: &str,
    dry_run: bool,
    halting: &Halting,
    told: &mut dyn FnMut(&Owned, Vec<String>),
) -> Unremoved {
    let work = |object| remove(client, object, workspace, dry_run);
    let mut told = |object: &Owned, deleted: Deleted| match deleted {
        // It existed when it was listed: a retried request of this run, or someone else, has
        // deleted it.
        Deleted::NotThere | Deleted::Gone => told(object, Vec::new()),
        Deleted::Held(finalizers) => told(object, finalizers),
    };
    let is_unknown = |failed: &Failed| failed.may_be_done;
    let undone = in_stages(objects, Owned::stage, halting, work, is_unknown, &mut told).await;
    let titles = |objects: Vec<&Owned>| objects.into_iter().map(Owned::title).collect();
    Unremoved {
        refused: undone.refused.map(|failed| failed.problem),
        left: titles(undone.left),
        unknown: titles(undone.unknown),
    }
}

/// Why one could not be removed.
struct Failed {
    problem: Problem,
    /// The response was lost: it may be gone anyway.
    may_be_done: bool,
}

/// Removes one: deletes the object, or the fields that were added to it.
///
/// # Errors
/// If the server cannot be reached or refuses.
async fn remove(client: &Client<'_>, object: &Owned, workspace: &str, dry_run: bool) -> Result<Deleted, Failed> {
    let namespace = object.namespace.as_deref();
    let verb = if object.is_patch { "patch" } else { "delete" };
    let outcome = if object.is_patch {
        // A manager loses the fields that it no longer applies.
        let bare = json!({
            "apiVersion": object.resource.api_version,
            "kind": object.resource.kind,
            "metadata": {"name": object.name, "namespace": object.namespace, "uid": object.uid},
        });
        let manager = patch_manager(workspace);
        let how = Apply {
            manager: &manager,
            force: false,
            dry_run,
        };
        let removed = match object.shared.removal(&object.uid) {
            Some(removal) => {
                let (resource, name) = (&object.resource, &object.name);
                client.merge_lists(resource, namespace, name, &removal, dry_run).await
            }
            None => Ok(Value::Null),
        };
        match removed {
            // Shared fields would be invalid without their values.
            Ok(_) if dry_run && object.shared != Shared::default() => Ok(Deleted::Gone),
            Ok(_) => client
                .apply(&object.resource, namespace, &object.name, &bare, how)
                .await
                .map(|_| Deleted::Gone),
            Err(error) => Err(error),
        }
    } else {
        client
            .delete(&object.resource, namespace, &object.name, &object.uid, dry_run)
            .await
    };
    let error = match outcome {
        Ok(deleted) => return Ok(deleted),
        Err(error) => error,
    };
    let mut may_be_done = !dry_run && error.may_be_done();
    if may_be_done && !object.is_patch {
        match client.get_once(&object.resource, namespace, &object.name).await {
            Ok(None) => return Ok(Deleted::Gone),
            Ok(Some(now)) if live::uid(&now) != object.uid => return Ok(Deleted::Gone),
            Ok(Some(now)) if live::is_going(&now) => return Ok(Deleted::Held(live::finalizers(&now))),
            Ok(Some(_)) => may_be_done = error.may_be_under_way(),
            Err(_) => {}
        }
    }
    Err(Failed {
        may_be_done,
        problem: client.problem(&error, &object.resource.asked(verb, namespace, Some(&object.name))),
    })
}

/// Waits until deleted objects are gone, with a time limit; `told` is called for each that is.
/// Those that remain are left in `held`, with the finalizers that hold them, however this ends.
///
/// # Errors
/// If the server cannot be reached.
pub async fn await_gone(
    client: &Client<'_>,
    held: &mut Vec<(Owned, Vec<String>)>,
    limit: Duration,
    told: &mut dyn FnMut(&Owned),
) -> Result<(), Problem> {
    let start = Instant::now();
    loop {
        let mut index = 0;
        while let Some((object, finalizers)) = held.get_mut(index) {
            let namespace = object.namespace.as_deref();
            match client.get(&object.resource, namespace, &object.name).await {
                Ok(Some(live)) if live::uid(&live) == object.uid => {
                    *finalizers = live::finalizers(&live);
                    index += 1;
                }
                // Another object with that name is a different one.
                Ok(_) => told(&held.remove(index).0),
                // Users who may delete it may not be allowed to read it.
                Err(error) if is_forbidden(&error) => index += 1,
                Err(error) => {
                    let asked = object.resource.asked("get", namespace, Some(&object.name));
                    return Err(client.problem(&error, &asked));
                }
            }
        }
        if held.is_empty() || start.elapsed() >= limit {
            return Ok(());
        }
        tokio::time::sleep(PAUSE.min(limit)).await;
    }
}
