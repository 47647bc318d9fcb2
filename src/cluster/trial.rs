//! Tries one object: its owner, conflicts, and the server's result. Nothing is stored.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::WORKSPACE_LABEL;
use super::client::{Apply, Client};
use super::conflict::{Conflict, Reason, hosts_lost};
use super::diff;
use super::failure::{ApiError, Status};
use super::live::{self, Owner};
use super::plan::{Marks, SecretType, Wanted, leftover_keys, secret_type};
use super::ready::{Action, Allowed, Applying, Note, Ready, going};
use super::resources::Resource;
use crate::problem::Problem;
use crate::remedy::Remedy;

/// The result of a trial.
pub(super) enum Tried {
    /// The server would accept it.
    Ready(Box<Ready>),
    /// There is a conflict with an object or field of someone else.
    Conflict(Conflict),
    /// The server would never accept it.
    Wrong(Problem),
}

/// Tries an object; `made` are the namespaces that are applied together with it.
///
/// # Errors
/// If the server cannot be reached, or the object cannot be applied now.
pub(super) async fn try_object(
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
    let asked = resource.asked("get", namespace, Some(&wanted.name));
    let before = client
        .get(resource, namespace, &wanted.name)
        .await
        .map_err(|error| client.problem(&error, &asked))?;
    if let Some(before) = before.as_ref().filter(|before| live::is_going(before)) {
        let (kind, finalizers) = (resource.full_name(), live::finalizers(before));
        return Err(going(client, &asked.title, namespace, &kind, &wanted.name, &finalizers));
    }
    if wanted.is_patch && before.is_none() {
        return Err(Problem::new(format!("{} does not exist", asked.title))
            .at(format!("context {}", client.access.context))
            .why("with file mounts, volumes are added to the gateway's own Deployment")
            .fix("install Istio's ingress gateway, or set its namespace with --gateway-namespace"));
    }
    let trial = Trial {
        client,
        wanted,
        applying,
        resource,
        namespace,
        owner: before.as_ref().map(|object| live::owner(object, applying.workspace)),
        before,
        body: Value::Null,
        notes: Vec::new(),
        stays_theirs: false,
        leftovers: Vec::new(),
    };
    trial.run(made).await
}

/// An object that is being tried.
struct Trial<'t> {
    client: &'t Client<'t>,
    wanted: &'t Wanted,
    applying: &'t Applying<'t>,
    resource: &'t Resource,
    namespace: Option<&'t str>,
    /// The current object.
    before: Option<Value>,
    /// Its owner.
    owner: Option<Owner>,
    /// The object to send.
    body: Value,
    notes: Vec<Note>,
    /// Whether it belongs to someone else and is not labelled as ours.
    stays_theirs: bool,
    /// Keys that others left in a Secret.
    leftovers: Vec<String>,
}

impl Trial<'_> {
    async fn run(mut self, made: &BTreeSet<&str>) -> Result<Tried, Problem> {
        let prepared = self.claim().and_then(|()| self.fit_secret());
        let fits = match prepared {
            Ok(fits) => fits,
            Err(reason) => return Ok(self.conflict(reason)),
        };
        if !fits {
            let after = self.body.clone();
            let force = self.applying.allowed.force_conflicts;
            return Ok(self.ready(Action::Replaced, after, force));
        }
        let after = match self.send().await {
            Ok(after) => after,
            Err(ApiError::Status(status)) if status.is_field_conflict() => {
                return Ok(self.conflict(Reason::Fields(status.conflicts())));
            }
            // The namespace is one of the objects, and is applied first.
            Err(ApiError::Status(status))
                if status.is_namespace_missing() && self.namespace.is_some_and(|name| made.contains(name)) =>
            {
                self.body.clone()
            }
            Err(error) => {
                let asked = self.resource.asked("patch", self.namespace, Some(&self.wanted.name));
                let problem = self.client.problem(&error, &asked);
                let is_wrong = error.status().is_some_and(Status::is_input);
                return if is_wrong {
                    Ok(Tried::Wrong(problem))
                } else {
                    Err(problem)
                };
            }
        };
        let forecast = match &self.before {
            None => Action::Created,
            Some(before) if self.leftovers.is_empty() && diff::is_same(before, &after) => Action::Unchanged,
            Some(_) => Action::Configured,
        };
        let force = self.applying.allowed.force_conflicts && !self.stays_theirs;
        Ok(self.ready(forecast, after, force))
    }

    /// Determines the future owner of the object, and what to send.
    ///
    /// # Errors
    /// If it belongs to another workspace.
    fn claim(&mut self) -> Result<(), Reason> {
        let (wanted, namespace, workspace) = (self.wanted, self.namespace, self.applying.workspace);
        let force = self.applying.allowed.force_conflicts;
        let mut marks = workspace.map_or(Marks::None, Marks::Workspace);
        match (&self.owner, &self.before) {
            (Some(Owner::Workspace(id)), Some(before)) => {
                let hosts = hosts_lost(&wanted.body(namespace, marks), before);
                let id = id.clone();
                if !force {
                    let kind = wanted.kind.clone();
                    return Err(Reason::Workspace { id, kind, hosts });
                }
                self.notes.push(Note::TakenFromWorkspace { id, hosts });
            }
            // A namespace is never labelled or deleted, regardless of who created it.
            (Some(Owner::Others(managers)), Some(before))
                if workspace.is_some() && !wanted.is_patch && wanted.kind != "Namespace" =>
            {
                let is_labelled = before["metadata"]["labels"][WORKSPACE_LABEL].as_str() == workspace;
                if force && is_labelled {
                    self.notes.push(Note::TakenBack);
                } else {
                    self.notes.push(Note::StaysTheirs(managers.clone()));
                    if is_labelled {
                        let line = Remedy::from(self.applying.ways.force_conflicts.clone());
                        let line = line.at_cluster(&self.client.access.flags);
                        self.notes.push(Note::PutBack(line));
                    }
                    marks = Marks::None;
                    self.stays_theirs = true;
                }
            }
            _ => {}
        }
        self.body = wanted.body(namespace, marks);
        Ok(())
    }

    /// Compares a Secret with the existing one. Returns whether it can be changed; otherwise it
    /// must be deleted and recreated.
    ///
    /// # Errors
    /// If its type or keys of others conflict.
    fn fit_secret(&mut self) -> Result<bool, Reason> {
        let Some(before) = self.before.as_ref().filter(|_| self.wanted.is_secret()) else {
            return Ok(true);
        };
        let Allowed {
            force_conflicts,
            replace,
        } = self.applying.allowed;
        match secret_type(&self.body, before) {
            SecretType::Fits => {}
            SecretType::Keep(kept) => {
                self.body["type"] = json!(kept);
                self.notes.push(Note::TypeStays(kept));
            }
            SecretType::Misfit(why) if !replace => return Err(Reason::Type(why)),
            SecretType::Misfit(_) => {
                // A recreated object is ours, regardless of who created the previous one.
                if let (Some(Owner::Others(_)), Some(id)) = (&self.owner, self.applying.workspace) {
                    self.notes.retain(|note| !note.is_of_others());
                    self.body = self.wanted.body(self.namespace, Marks::Workspace(id));
                }
                return Ok(false);
            }
        }
        self.leftovers = leftover_keys(&self.body, before);
        if self.leftovers.is_empty() {
            return Ok(true);
        }
        if !force_conflicts {
            let lines = self.leftovers.iter().map(|key| {
                let manager = live::manager_of_data(before, key).unwrap_or("another manager");
                format!("data.{key} of {manager} would remain, and Istio might read it instead of ours")
            });
            return Err(Reason::Fields(lines.collect()));
        }
        self.take_over();
        Ok(true)
    }

    /// Sends it as a dry run; with --force-conflicts, it overrides fields of others.
    ///
    /// # Errors
    /// The server's response.
    async fn send(&mut self) -> Result<Value, ApiError> {
        let manager = self.applying.manager(self.wanted);
        let how = Apply {
            manager: &manager,
            force: false,
            dry_run: true,
        };
        let (client, resource, namespace, name) = (self.client, self.resource, self.namespace, &self.wanted.name);
        let answer = client.apply(resource, namespace, name, &self.body, how).await;
        match answer {
            Err(ApiError::Status(status)) if self.applying.allowed.force_conflicts && status.is_field_conflict() => {
                self.take_over();
                let how = Apply { force: true, ..how };
                client.apply(resource, namespace, name, &self.body, how).await
            }
            answer => answer,
        }
    }

    /// Takes over someone else's object: fields without conflicts need no force, and keep their
    /// owners.
    fn take_over(&mut self) {
        if let (Some(Owner::Others(managers)), Some(id), true) =
            (&self.owner, self.applying.workspace, self.stays_theirs)
        {
            self.notes.retain(|note| !note.is_of_others());
            self.notes.push(Note::TakenFromOthers(managers.clone()));
            let kept = self.body["type"].take();
            self.body = self.wanted.body(self.namespace, Marks::Workspace(id));
            if !kept.is_null() {
                self.body["type"] = kept;
            }
        }
        self.stays_theirs = false;
    }

    fn conflict(&self, reason: Reason) -> Tried {
        let asked = self.resource.asked("get", self.namespace, Some(&self.wanted.name));
        Tried::Conflict(Conflict {
            title: asked.title,
            reason,
        })
    }

    fn ready(self, forecast: Action, after: Value, force: bool) -> Tried {
        Tried::Ready(Box::new(Ready {
            resource: self.resource.clone(),
            namespace: self.namespace.map(str::to_owned),
            name: self.wanted.name.clone(),
            forecast,
            is_patch: self.wanted.is_patch && forecast != Action::Replaced,
            notes: self.notes,
            after: without(after, &self.leftovers),
            body: self.body,
            before: self.before,
            leftovers: self.leftovers,
            manager: self.applying.manager(self.wanted),
            force,
            stage: self.wanted.stage,
        }))
    }
}

/// An object without these keys of its data.
pub(super) fn without(mut object: Value, keys: &[String]) -> Value {
    if let Some(data) = object.get_mut("data").and_then(Value::as_object_mut) {
        for key in keys {
            data.shift_remove(key);
        }
    }
    object
}
