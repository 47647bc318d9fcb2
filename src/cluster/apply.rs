//! Server-side apply of many objects: all are tried without being stored, and
//! only when the server takes every one of them, the first is stored.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use super::client::{AT_ONCE, Apply, Client, Deleted};
use super::conflict::{self, Conflict, Reason};
use super::diff;
use super::failure::{ApiError, Status};
use super::live::{self, Owner};
use super::plan::{Marks, SecretType, Stage, Wanted, leftover_keys, secret_type};
use super::resources::{Resource, Undiscovered, discover};
use super::stages::{Halting, in_stages};
use super::{FIELD_MANAGER, WORKSPACE_LABEL};
use crate::problem::Problem;

/// What the user allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowed {
    /// Take over objects of other workspaces, and fields of other managers.
    pub force_conflicts: bool,
    /// Delete and make anew a Secret that cannot be changed.
    pub replace: bool,
}

/// For whom objects are applied.
#[derive(Debug, Clone, Copy)]
pub struct Applying<'p> {
    /// The workspace's id; none marks nothing.
    pub workspace: Option<&'p str>,
    /// The namespace of objects that name none.
    pub namespace: &'p str,
    /// What the user allows.
    pub allowed: Allowed,
    /// The command that applies them, as a user types it.
    pub line: &'p str,
}

impl Applying<'_> {
    /// The field manager of patches: objects that several workspaces change
    /// need one for each, or the second would take the first one's fields back.
    fn manager(&self, wanted: &Wanted) -> String {
        match self.workspace {
            Some(id) if wanted.is_patch => patch_manager(id),
            _ => FIELD_MANAGER.to_owned(),
        }
    }
}

/// The field manager of a workspace's part of somebody else's object.
pub fn patch_manager(workspace: &str) -> String {
    format!("{FIELD_MANAGER}-{workspace}")
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It was not there.
    Created,
    /// It was there and changed.
    Configured,
    /// It was there and is the same.
    Unchanged,
    /// It was deleted and made anew.
    Replaced,
}

impl Action {
    /// Its word in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Replaced => "replaced",
        }
    }
}

/// An object that the server would take.
pub struct Ready {
    /// The kind as the server knows it.
    pub resource: Resource,
    /// Its namespace, if its kind stands in one.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// What will happen.
    pub forecast: Action,
    /// It changes a part of somebody else's object.
    pub is_patch: bool,
    /// What the user should know.
    pub notes: Vec<String>,
    body: Value,
    before: Option<Value>,
    after: Value,
    leftovers: Vec<String>,
    manager: String,
    /// Fields of other managers are taken over.
    force: bool,
    stage: Stage,
}

impl Ready {
    /// `Kind namespace/name`.
    pub fn title(&self) -> String {
        self.resource
            .asked("patch", self.namespace.as_deref(), Some(&self.name))
            .title
    }

    /// Whether it is a Deployment of its own, whose pods run once it is stored.
    pub fn is_workload(&self) -> bool {
        self.resource.kind == "Deployment" && self.resource.is_of("apps") && !self.is_patch
            // What is paused rolls nothing out.
            && self.after["spec"]["paused"] != true
    }

    /// Whether the server has it all, our hold on its fields included.
    fn is_stored(&self) -> bool {
        let fields = |object| live::applied_fields(object, &self.manager);
        self.forecast == Action::Unchanged
            && (self.before.as_ref()).is_some_and(|before| fields(before) == fields(&self.after))
    }

    /// The object as it is now; none when it is not there.
    pub fn before(&self) -> Option<&Value> {
        self.before.as_ref()
    }

    /// The object as the server would store it.
    pub fn after(&self) -> &Value {
        &self.after
    }

    /// What would change, as a unified diff without key material.
    pub fn difference(&self) -> Option<String> {
        diff::unified(self.before.as_ref(), Some(&self.after), &self.title())
    }
}

/// Why nothing, or not everything, was applied.
#[derive(Debug)]
pub struct Refused {
    /// Somebody else's objects or fields are in the way.
    pub is_conflict: bool,
    /// The answer was lost, and the server may have done it all the same.
    pub is_unknown: bool,
    /// An object is wrong for this cluster, whoever applies it and when: its
    /// kind or namespace is not there, or the server does not take what it holds.
    pub is_input: bool,
    /// In words.
    pub problem: Problem,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self {
            is_conflict: false,
            is_unknown: false,
            is_input: false,
            problem,
        }
    }
}

impl From<Undiscovered> for Refused {
    fn from(Undiscovered { is_unknown, problem }: Undiscovered) -> Self {
        Self {
            is_input: is_unknown,
            ..problem.into()
        }
    }
}

/// Asks the server about every object, storing nothing.
///
/// # Errors
/// When the server cannot be asked, refuses one, or somebody else's object or
/// field is in the way.
pub async fn prepare(client: &Client<'_>, wanted: &[Wanted], applying: &Applying<'_>) -> Result<Vec<Ready>, Refused> {
    let kinds: BTreeSet<(String, String)> = wanted
        .iter()
        .map(|object| (object.api_version.clone(), object.kind.clone()))
        .collect();
    let resources = discover(client, &kinds).await?;
    let made: BTreeSet<&str> = wanted
        .iter()
        .filter(|object| object.kind == "Namespace")
        .map(|object| object.name.as_str())
        .collect();
    let tried: Vec<Tried> = stream::iter(wanted)
        .map(|object| try_object(client, object, &resources, &made, applying))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut conflicts: Vec<Conflict> = Vec::new();
    let mut ready = Vec::with_capacity(tried.len());
    for tried in tried {
        match tried {
            Tried::Ready(object) => ready.push(*object),
            Tried::Conflict(conflict) => conflicts.push(conflict),
            Tried::Wrong(problem) => {
                return Err(Refused {
                    is_input: true,
                    ..problem.into()
                });
            }
        }
    }
    if conflicts.is_empty() {
        return Ok(ready);
    }
    Err(Refused {
        is_conflict: true,
        is_unknown: false,
        is_input: false,
        problem: conflict::problem(&conflicts, &client.access.context),
    })
}

enum Tried {
    Ready(Box<Ready>),
    Conflict(Conflict),
    /// The server would never take it.
    Wrong(Problem),
}

async fn try_object(
    client: &Client<'_>,
    wanted: &Wanted,
    resources: &BTreeMap<(String, String), Resource>,
    made: &BTreeSet<&str>,
    applying: &Applying<'_>,
) -> Result<Tried, Problem> {
    let resource = &resources[&(wanted.api_version.clone(), wanted.kind.clone())];
    let namespace = resource
        .namespaced
        .then(|| wanted.namespace.as_deref().unwrap_or(applying.namespace));
    let asked = |verb| resource.asked(verb, namespace, Some(&wanted.name));
    let title = asked("get").title;
    let before = client
        .get(resource, namespace, &wanted.name)
        .await
        .map_err(|error| client.problem(&error, &asked("get")))?;
    if let Some(before) = before.as_ref().filter(|before| live::is_going(before)) {
        let line = format!("{} {}", resource.full_name(), wanted.name);
        return Err(going(client, &title, namespace, &line, &live::finalizers(before)));
    }
    if wanted.is_patch && before.is_none() {
        return Err(Problem::new(format!("{title} is not there"))
            .at(format!("context {}", client.access.context))
            .why("the volumes of file-mount style are added to the gateway's own Deployment")
            .fix("install Istio's ingress gateway, or choose its namespace with --gateway-namespace"));
    }
    let force = applying.allowed.force_conflicts;
    let owner = before.as_ref().map(|object| live::owner(object, applying.workspace));
    let conflict = |reason| Ok(Tried::Conflict(Conflict { title, reason }));
    let mut notes = Vec::new();
    let mut marks = applying.workspace.map_or(Marks::None, Marks::Workspace);
    let (mut stays_theirs, mut put_back) = (false, None);
    match (&owner, &before) {
        (Some(Owner::Workspace(id)), Some(before)) => {
            let hosts = conflict::hosts_lost(&wanted.body(namespace, marks), before);
            if !force {
                return conflict(Reason::Workspace {
                    id: id.clone(),
                    kind: wanted.kind.clone(),
                    hosts,
                });
            }
            notes.push(match hosts.as_slice() {
                [] => format!("it is taken over from another workspace ({id})"),
                hosts => format!(
                    "it is taken over from another workspace ({id}), and holds {} no more",
                    hosts.join(", ")
                ),
            });
        }
        // A namespace is never marked nor deleted, whoever made it.
        (Some(Owner::Others(managers)), Some(before))
            if applying.workspace.is_some() && !wanted.is_patch && wanted.kind != "Namespace" =>
        {
            let is_labelled = before["metadata"]["labels"][WORKSPACE_LABEL].as_str() == applying.workspace;
            if force && is_labelled {
                notes.push("it has this workspace's label and was made anew by others; it is taken back".to_owned());
            } else {
                notes.push(theirs(managers));
                if is_labelled {
                    let line = format!("{} --force-conflicts", applying.line);
                    put_back = Some(format!(
                        "it bears this workspace's label all the same, as an object does that was put back from a saved copy; to make it this workspace's again: {}",
                        crate::shell::aimed(&line, &client.access.flags.to_string())
                    ));
                    notes.extend(put_back.clone());
                }
                marks = Marks::None;
                stays_theirs = true;
            }
        }
        _ => {}
    }
    let mut body = wanted.body(namespace, marks);
    // What stays in conflict with nobody needs no force, and stays whose it was.
    let mut take_over = |body: &mut Value, notes: &mut Vec<String>| {
        if let (Some(Owner::Others(managers)), Some(id), true) = (&owner, applying.workspace, stays_theirs) {
            notes.retain(|note| *note != theirs(managers) && Some(note) != put_back.as_ref());
            notes.push(taken(managers));
            let kept = body["type"].take();
            *body = wanted.body(namespace, Marks::Workspace(id));
            if !kept.is_null() {
                body["type"] = kept;
            }
        }
        stays_theirs = false;
    };
    let mut leftovers = Vec::new();
    if let Some(before) = before.as_ref().filter(|_| wanted.is_secret()) {
        match secret_type(&body, before) {
            SecretType::Fits => {}
            SecretType::Keep(kept) => {
                notes.push(format!("its type stays {kept}: a type never changes"));
                body["type"] = json!(kept);
            }
            SecretType::Misfit(why) if !applying.allowed.replace => return conflict(Reason::Type(why)),
            SecretType::Misfit(_) => {
                // What is made anew is ours, whoever made the one before.
                if let (Some(Owner::Others(managers)), Some(id)) = (&owner, applying.workspace) {
                    notes.retain(|note| *note != theirs(managers) && Some(note) != put_back.as_ref());
                    body = wanted.body(namespace, Marks::Workspace(id));
                }
                return Ok(Tried::Ready(Box::new(Ready {
                    resource: resource.clone(),
                    namespace: namespace.map(str::to_owned),
                    name: wanted.name.clone(),
                    forecast: Action::Replaced,
                    is_patch: false,
                    notes,
                    after: body.clone(),
                    body,
                    before: Some(before.clone()),
                    leftovers,
                    manager: applying.manager(wanted),
                    force,
                    stage: wanted.stage,
                })));
            }
        }
        leftovers = leftover_keys(&body, before);
        if !leftovers.is_empty() && !force {
            let lines = leftovers.iter().map(|key| {
                let manager = live::manager_of_data(before, key).unwrap_or("another manager");
                format!("data.{key} of {manager} would stay, and Istio might read it in place of ours")
            });
            return conflict(Reason::Fields(lines.collect()));
        }
        if !leftovers.is_empty() {
            take_over(&mut body, &mut notes);
        }
    }
    let manager = applying.manager(wanted);
    let how = Apply {
        manager: &manager,
        force: false,
        dry_run: true,
    };
    let mut answer = client.apply(resource, namespace, &wanted.name, &body, how).await;
    if force
        && let Err(ApiError::Status(status)) = &answer
        && status.is_field_conflict()
    {
        take_over(&mut body, &mut notes);
        let how = Apply { force, ..how };
        answer = client.apply(resource, namespace, &wanted.name, &body, how).await;
    }
    let after = match answer {
        Ok(after) => after,
        Err(ApiError::Status(status)) if status.is_field_conflict() => {
            return conflict(Reason::Fields(status.conflicts()));
        }
        // The namespace is among the objects; it comes first.
        Err(ApiError::Status(status))
            if status.is_namespace_missing() && namespace.is_some_and(|name| made.contains(name)) =>
        {
            body.clone()
        }
        Err(error) => {
            let problem = client.problem(&error, &asked("patch"));
            let is_wrong = error.status().is_some_and(Status::is_input);
            return if is_wrong {
                Ok(Tried::Wrong(problem))
            } else {
                Err(problem)
            };
        }
    };
    let forecast = match &before {
        None => Action::Created,
        Some(before) if leftovers.is_empty() && diff::is_same(before, &after) => Action::Unchanged,
        Some(_) => Action::Configured,
    };
    Ok(Tried::Ready(Box::new(Ready {
        resource: resource.clone(),
        namespace: namespace.map(str::to_owned),
        name: wanted.name.clone(),
        forecast,
        is_patch: wanted.is_patch,
        notes,
        body,
        before,
        after: without(after, &leftovers),
        leftovers,
        manager,
        force: force && !stays_theirs,
        stage: wanted.stage,
    })))
}

/// What is applied to an object that has been deleted goes with it. `kubectl` names
/// it by `line`.
fn going(client: &Client<'_>, title: &str, namespace: Option<&str>, line: &str, finalizers: &[String]) -> Problem {
    let within = namespace.map_or_else(String::new, |namespace| format!(" -n {namespace}"));
    let why = match finalizers {
        [] => "it is there until that is done, and what is applied to it now goes with it".to_owned(),
        finalizers => format!(
            "it is there until its finalizers are done ({}), and what is applied to it now goes with it",
            finalizers.join(", ")
        ),
    };
    client.access.aim(
        Problem::new(format!("{title} is being deleted"))
            .at(format!("context {}", client.access.context))
            .why(why)
            .fix(format!(
                "kubectl{within} wait --for=delete {line} returns when it is gone; then run the same command again"
            )),
    )
}

/// Somebody else's object stays theirs.
fn theirs(managers: &[String]) -> String {
    format!(
        "it was made by {}, and stays theirs: delete will leave it",
        if managers.is_empty() {
            "somebody else".to_owned()
        } else {
            managers.join(", ")
        }
    )
}

/// Whose an object was that is this workspace's from now on.
fn taken(managers: &[String]) -> String {
    format!(
        "it was made by {}, and is this workspace's from now on: delete will remove it",
        if managers.is_empty() {
            "somebody else".to_owned()
        } else {
            managers.join(", ")
        }
    )
}

fn without(mut object: Value, keys: &[String]) -> Value {
    if let Some(data) = object.get_mut("data").and_then(Value::as_object_mut) {
        for key in keys {
            data.shift_remove(key);
        }
    }
    object
}

/// Why storing ended before its end.
#[derive(Debug)]
pub struct Stopped {
    /// The first refusal.
    pub refused: Refused,
    /// What is not stored, in words.
    pub left: Vec<String>,
    /// What may be stored, in words: its answer was lost.
    pub unknown: Vec<String>,
}

/// Stores the objects, a stage after the other, several of a stage at a time;
/// `told` hears of each in its order. After the first refusal nothing more is begun.
///
/// # Errors
/// When the server cannot be asked or refuses one.
pub async fn store_all(
    client: &Client<'_>,
    ready: &[Ready],
    told: &mut dyn FnMut(&Ready, Action),
) -> Result<(), Stopped> {
    let never = Halting::never();
    // On the heap: the futures of callers are large already.
    let Unstored { refused, left, unknown } = Box::pin(store_until(client, ready, &never, told)).await;
    match refused {
        Some(refused) => Err(Stopped { refused, left, unknown }),
        None => Ok(()),
    }
}

/// What is not stored; nothing when all is.
#[derive(Debug, Default)]
pub struct Unstored {
    /// The first refusal, where there was one.
    pub refused: Option<Refused>,
    /// What is not stored, in words.
    pub left: Vec<String>,
    /// What was sent, and whose answer was lost or had not come when the run was cut
    /// short, in words.
    pub unknown: Vec<String>,
}

/// As [`store_all`], unless the run is cut short.
pub async fn store_until(
    client: &Client<'_>,
    ready: &[Ready],
    halting: &Halting,
    told: &mut dyn FnMut(&Ready, Action),
) -> Unstored {
    let work = |object| store(client, object);
    let is_unknown = |refused: &Refused| refused.is_unknown;
    let undone = in_stages(ready, |object| object.stage, halting, work, is_unknown, told).await;
    let titles = |objects: Vec<&Ready>| objects.into_iter().map(Ready::title).collect();
    Unstored {
        refused: undone.refused,
        left: titles(undone.left),
        unknown: titles(undone.unknown),
    }
}

/// What became of an object whose answer was lost.
enum Look {
    /// It is what was sent.
    Stored(Value),
    /// It is what it was before.
    AsBefore,
    /// The server cannot be asked, or somebody else has changed it.
    Unknown,
}

/// Looks whether the server has stored an object.
async fn look(client: &Client<'_>, object: &Ready) -> Look {
    let now = client
        .get_once(&object.resource, object.namespace.as_deref(), &object.name)
        .await;
    let fields = |object_now| live::applied_fields(object_now, &object.manager);
    match (now, &object.before) {
        (Ok(Some(now)), _)
            if diff::is_same(&without(now.clone(), &object.leftovers), &object.after)
                && fields(&now) == fields(&object.after) =>
        {
            Look::Stored(now)
        }
        (Ok(Some(now)), Some(before)) if live::version(&now) == live::version(before) => Look::AsBefore,
        (Ok(None), None) => Look::AsBefore,
        _ => Look::Unknown,
    }
}

/// Stores one object; says what happened to it.
async fn store(client: &Client<'_>, object: &Ready) -> Result<Action, Refused> {
    if object.is_stored() {
        return Ok(Action::Unchanged);
    }
    let (resource, namespace) = (&object.resource, object.namespace.as_deref());
    let asked = |verb| resource.asked(verb, namespace, Some(&object.name));
    let refused = |verb, error: &ApiError| Refused {
        is_conflict: error.status().is_some_and(Status::is_field_conflict),
        is_input: error.status().is_some_and(Status::is_input),
        is_unknown: error.may_be_done(),
        problem: client.problem(error, &asked(verb)),
    };
    if object.forecast == Action::Replaced {
        let uid = object.before.as_ref().map(live::uid).unwrap_or_default();
        let deleted = client
            .delete(resource, namespace, &object.name, uid, false)
            .await
            .map_err(|error| refused("delete", &error))?;
        if let Deleted::Held(finalizers) = deleted {
            let line = format!("{} {}", resource.full_name(), object.name);
            return Err(going(client, &object.title(), namespace, &line, &finalizers).into());
        }
    }
    let how = Apply {
        manager: &object.manager,
        force: object.force,
        dry_run: false,
    };
    let sent = client.apply(resource, namespace, &object.name, &object.body, how).await;
    let mut after = match sent {
        Ok(after) => after,
        Err(error) if error.may_be_done() => match look(client, object).await {
            Look::Stored(now) => now,
            Look::AsBefore if !error.may_be_under_way() => {
                return Err(Refused {
                    is_unknown: false,
                    ..refused("patch", &error)
                });
            }
            Look::AsBefore | Look::Unknown => return Err(refused("patch", &error)),
        },
        Err(error) => return Err(refused("patch", &error)),
    };
    if !object.leftovers.is_empty() {
        // What others left is taken away only now: until here it was served.
        let gone: serde_json::Map<String, Value> =
            object.leftovers.iter().map(|key| (key.clone(), Value::Null)).collect();
        after = client
            .merge(resource, namespace, &object.name, &json!({"data": gone}))
            .await
            .map_err(|error| refused("patch", &error))?;
    }
    Ok(match (&object.before, object.forecast) {
        (_, Action::Replaced) => Action::Replaced,
        (None, _) => Action::Created,
        (Some(before), _) if live::version(before) == live::version(&after) => Action::Unchanged,
        (Some(_), _) => Action::Configured,
    })
}
