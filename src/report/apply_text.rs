//! What `apply` prints: a line per object as it happens, or JSON at the end.

use serde::Serialize;
use serde_json::json;

use super::input::Input;
use super::is_change;
use super::serving::Served;
use crate::cli::context::{Context, Format};
use crate::cli::{Exit, Failure};
use crate::cluster::apply::Ready;
use crate::cluster::kubeconfig::Access;
use crate::cluster::owned::Owned;

/// What happened to one object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    api_version: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
    action: &'static str,
    /// What the user should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<String>,
    #[serde(skip)]
    title: String,
}

impl Outcome {
    pub(super) fn of(object: &Ready, action: &'static str) -> Self {
        Self {
            api_version: object.resource.api_version.clone(),
            kind: object.resource.kind.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            action,
            notes: object.notes.clone(),
            title: object.title(),
        }
    }

    pub(super) fn of_owned(object: &Owned, action: &'static str) -> Self {
        Self {
            api_version: object.resource.api_version.clone(),
            kind: object.resource.kind.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            action,
            notes: Vec::new(),
            title: object.title(),
        }
    }
}

/// Everything that happened.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    schema: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<&'static str>,
    objects: Vec<Outcome>,
    /// The gateway was seen to serve it.
    serving_checked: bool,
    /// What was seen, host by host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    serving: Vec<Served>,
}

impl Report {
    pub(super) fn new(access: &Access, input: &Input, dry_run: Option<&'static str>) -> Self {
        Self {
            schema: 1,
            context: Some(access.context.clone()),
            server: Some(access.server.clone()),
            workspace: input.workspace_id().map(str::to_owned),
            dry_run,
            objects: Vec::new(),
            serving_checked: false,
            serving: Vec::new(),
        }
    }

    /// What `--dry-run client` knows.
    pub(super) fn of_client(input: &Input, access: Option<&Access>) -> Self {
        let default = input
            .namespace
            .as_deref()
            .or(access.map(|access| access.namespace.as_str()));
        let objects = input.wanted.iter().map(|object| Outcome {
            api_version: object.api_version.clone(),
            kind: object.kind.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            action: "applied",
            notes: Vec::new(),
            title: object.title(default.unwrap_or("default")),
        });
        Self {
            schema: 1,
            context: access.map(|access| access.context.clone()),
            server: access.map(|access| access.server.clone()),
            workspace: input.workspace_id().map(str::to_owned),
            dry_run: Some("client"),
            objects: objects.collect(),
            serving_checked: false,
            serving: Vec::new(),
        }
    }

    /// The gateway serves these hosts.
    pub(super) fn add_served(&mut self, hosts: Vec<Served>) {
        self.serving_checked = true;
        self.serving = hosts;
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        self.objects.push(outcome);
    }

    /// Adds an outcome, and says so at once in text.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(super) fn tell(&mut self, outcome: Outcome, format: Format, context: &Context) -> Result<(), Failure> {
        let line = format!("{} {}\n", outcome.title, outcome.action);
        self.objects.push(outcome);
        match format {
            Format::Text => context.print(&line),
            Format::Json => Ok(()),
        }
    }

    /// The objects that were stored or pruned.
    pub(super) fn titles(&self) -> Vec<String> {
        self.objects.iter().map(|outcome| outcome.title.clone()).collect()
    }

    /// Prints what has not been told yet.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(super) fn show(&self, format: Format, context: &Context) -> Result<Exit, Failure> {
        if format == Format::Text {
            let suffix = self
                .dry_run
                .map_or_else(String::new, |who| format!(" (dry run, {who})"));
            for outcome in &self.objects {
                context.print(&format!("{} {}{suffix}\n", outcome.title, outcome.action))?;
            }
        }
        self.end(format, context)
    }

    /// Ends the output.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(super) fn end(&self, format: Format, context: &Context) -> Result<Exit, Failure> {
        if format == Format::Json {
            context.print_json(self)?;
        }
        Ok(Exit::Done)
    }
}

/// What `--diff` prints; something to change is exit 1.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn differences(
    ready: &[Ready],
    surplus: &[Owned],
    access: &Access,
    format: Format,
    context: &Context,
) -> Result<Exit, Failure> {
    let mut found = Vec::new();
    for object in ready.iter().filter(|object| is_change(object.forecast)) {
        found.push((
            Outcome::of(object, object.forecast.word()),
            object.difference().unwrap_or_default(),
        ));
    }
    for object in surplus {
        let outcome = Outcome::of_owned(object, "pruned");
        let text = format!("--- live  {0}\n+++ pruned  {0}\n", outcome.title);
        found.push((outcome, text));
    }
    match format {
        Format::Text => {
            if found.is_empty() {
                context.say("nothing would change");
            }
            let text: String = found.iter().map(|(_, text)| text.as_str()).collect();
            context.print(&text)?;
        }
        Format::Json => {
            let list: Vec<_> = found
                .iter()
                .map(|(outcome, text)| {
                    let mut value = json!(outcome);
                    value["diff"] = json!(text);
                    value
                })
                .collect();
            context.print_json(&json!({
                "schema": 1,
                "context": access.context,
                "server": access.server,
                "differences": list,
            }))?;
        }
    }
    Ok(if found.is_empty() { Exit::Done } else { Exit::Findings })
}
