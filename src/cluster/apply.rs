//! Server-side apply of many objects: all are tried as a dry run, and only if the server accepts
//! all of them is the first one stored.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use super::client::{AT_ONCE, Apply, Client, Deleted};
use super::conflict::{self, Conflict};
use super::diff;
use super::failure::{ApiError, Status};
use super::live;
use super::plan::Wanted;
use super::ready::going;
use super::resources::discover;
use super::stages::{Halting, in_stages};
use super::trial::{Tried, try_object, without};

pub use super::conflict::Ways;
pub use super::ready::{Action, Allowed, Applying, Note, Ready, Refused};

/// Tries every object as a dry run.
///
/// # Errors
/// If the server cannot be reached, refuses one, or there is a conflict with an object or field of
/// someone else.
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
        problem: conflict::problem(&conflicts, &client.access.context, applying.ways).at_cluster(&client.access.flags),
    })
}

/// Why storing stopped early.
#[derive(Debug)]
pub struct Stopped {
    /// The first refusal.
    pub refused: Refused,
    /// What is not stored, in words.
    pub left: Vec<String>,
    /// What may be stored, in words: the response was lost.
    pub unknown: Vec<String>,
}

/// Stores the objects stage by stage, several per stage concurrently; `told` is called for each, in
/// order. After the first refusal, nothing more is started.
///
/// # Errors
/// If the server cannot be reached or refuses one.
pub async fn store_all(
    client: &Client<'_>,
    ready: &[Ready],
    told: &mut dyn FnMut(&Ready, Action),
) -> Result<(), Stopped> {
    let never = Halting::never();
    // On the heap: the callers' futures are already large.
    let Unstored { refused, left, unknown } = Box::pin(store_until(client, ready, &never, told)).await;
    match refused {
        Some(refused) => Err(Stopped { refused, left, unknown }),
        None => Ok(()),
    }
}

/// What is not stored; nothing if everything is.
#[derive(Debug, Default)]
pub struct Unstored {
    /// The first refusal, if any.
    pub refused: Option<Refused>,
    /// What is not stored, in words.
    pub left: Vec<String>,
    /// What was sent but whose response was lost, or pending when the run was cut short, in words.
    pub unknown: Vec<String>,
}

/// Like [`store_all`], but can be cut short.
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

/// The state of an object whose response was lost.
enum Look {
    /// It is as sent.
    Stored(Value),
    /// It is unchanged.
    AsBefore,
    /// The server cannot be reached, or someone else has changed it.
    Unknown,
}

/// Checks whether the server has stored an object.
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

/// Stores one object; returns what happened to it.
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
            let (kind, title) = (resource.full_name(), object.title());
            return Err(going(client, &title, namespace, &kind, &object.name, &finalizers).into());
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
        // Leftovers of others are removed only now: until here they were served.
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
