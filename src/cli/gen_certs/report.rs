//! What `gen-certs` prints: the plan of `--dry-run` and what was made, as text
//! and as JSON.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};

use super::plan::{Action, Job, Plan, Signer};
use super::run::{Made, Outcome};
use crate::cli::context::Context;
use crate::ops::host_secrets;
use crate::files::shown;
use crate::workspace::config::Mode;
use crate::workspace::layout::Part;

/// Up to so many hosts are told with every path.
const DETAILED: usize = 5;

impl Action {
    fn word(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Replace => "replaced",
            Self::AddClients => "client-added",
        }
    }

    fn will(self) -> &'static str {
        match self {
            Self::Create => "make",
            Self::Replace => "replace",
            Self::AddClients => "add to",
        }
    }
}

/// The plan in words.
pub(in crate::cli) fn plan_text(plan: &Plan) -> String {
    let mut lines = vec!["nothing is written (--dry-run); this would be done:".to_owned()];
    if let Some(root) = &plan.new_root {
        lines.push(format!(
            "  make     {}/ (a root for many hosts)",
            root.folder().display()
        ));
    }
    for job in &plan.jobs {
        lines.push(format!(
            "  {:<8} {}/ (mode {}, clients: {})",
            job.action.will(),
            shown(&job.layout.folder()),
            mode_word(job.mode),
            if job.clients.is_empty() {
                "none".to_owned()
            } else {
                job.clients.join(", ")
            }
        ));
    }
    if plan.skipped > 0 {
        lines.push(format!("  leave    {} that exist", plan.skipped));
    }
    lines.push(format!("  record   in {}\n", shown(&plan.file.path)));
    lines.join("\n")
}

/// The plan for programs.
pub(in crate::cli) fn plan_json(plan: &Plan) -> Value {
    let chains: Vec<Value> = (plan.jobs.iter())
        .map(|job| {
            json!({
                "host": job.layout.host(),
                "folder": shown(&job.layout.folder()),
                "action": job.action.word(),
                "mode": job.mode,
                "clients": job.clients,
            })
        })
        .collect();
    json!({"schema": 1, "dryRun": true, "chains": chains, "skipped": plan.skipped})
}

/// What was made, in words, and what to type next.
pub(in crate::cli) fn text(outcome: &Outcome, context: &Context) -> String {
    let mut lines = Vec::new();
    if let Some(root) = &outcome.new_root {
        lines.push(format!("made {}/  root for many hosts", root.folder().display()));
    }
    for made in &outcome.made {
        let job = &made.job;
        let verb = match job.action {
            Action::Create => "made",
            Action::Replace => "made anew",
            Action::AddClients => "added",
        };
        if outcome.made.len() > DETAILED {
            lines.push(format!(
                "{verb} {}/  until {}",
                shown(&job.layout.folder()),
                day(&made.leaf.not_after)
            ));
            continue;
        }
        lines.push(format!(
            "{verb} {}/  until {}",
            shown(&job.layout.folder()),
            day(&made.leaf.not_after)
        ));
        let rows = rows(outcome, job);
        let width = rows.iter().map(|(path, _)| path.len()).max().unwrap_or_default();
        for (path, what) in rows {
            lines.push(format!("  {path:<width$}  {what}"));
        }
    }
    if outcome.made.len() > DETAILED {
        lines.push(format!("{} chains", outcome.made.len()));
    }
    if outcome.skipped > 0 {
        lines.push(format!("{} exist already and were left", outcome.skipped));
    }
    lines.extend(recorded(outcome));
    let dir = if context.dir == Path::new(".") {
        String::new()
    } else {
        format!(" -C {}", context.dir.display())
    };
    match outcome.made.first() {
        Some(made) if !outcome.has_server_key && made.job.action != Action::AddClients => lines.push(format!(
            "\nnext: put the key of the request at {} (gen-certs made none), then istio-tls{dir} serve",
            shown(&made.job.layout.path(Part::ServerKey))
        )),
        _ => lines.push(format!("\nnext: istio-tls{dir} serve")),
    }
    if let Some(made) = outcome.made.iter().find(|made| made.job.action == Action::AddClients) {
        lines.push(format!(
            "      curl --cert {} --key {} ...",
            shown(&made.job.layout.path(Part::ClientCert(&made.job.clients[0]))),
            shown(&made.job.layout.path(Part::ClientKey(&made.job.clients[0]))),
        ));
    }
    lines.join("\n") + "\n"
}

fn recorded(outcome: &Outcome) -> Option<String> {
    let file = shown(&outcome.file.path);
    let config = &outcome.file.config;
    let [made] = outcome.made.as_slice() else {
        return Some(format!("{file}: {} hosts", config.hosts.len()));
    };
    let entry = config.host(made.job.layout.host())?;
    let mode = mode_word(config.mode_of(entry));
    Some(format!(
        "{file}: {} is recorded, mode {mode}, {}",
        entry.host,
        host_secrets::titles(config, entry)
    ))
}

fn rows(outcome: &Outcome, job: &Job) -> Vec<(String, String)> {
    let path = |part: Part<'_>| job.layout.relative(part).display().to_string();
    let lock = if outcome.encrypted { ", key encrypted" } else { "" };
    let mut rows = Vec::new();
    if job.action != Action::AddClients {
        let (root, intermediate) = match outcome.signer {
            Signer::Own => (
                format!("root, with its key{lock}"),
                format!("intermediate, root; key beside{lock}"),
            ),
            Signer::Root(_) => (
                "the shared root".to_owned(),
                format!("intermediate, root; key beside{lock}"),
            ),
            Signer::Intermediate(_) => ("the shared root".to_owned(), "the shared intermediate, root".to_owned()),
        };
        rows.push((path(Part::RootCert), root));
        rows.push((path(Part::CaChain), intermediate));
        rows.push((path(Part::ServerCert), "server, intermediate".to_owned()));
        if outcome.has_server_key {
            rows.push((path(Part::ServerKey), "server key".to_owned()));
        }
    }
    for client in &job.clients {
        rows.push((path(Part::ClientCert(client)), format!("client {client}, intermediate")));
        rows.push((path(Part::ClientKey(client)), "client key".to_owned()));
        if outcome.bundles {
            rows.push((
                path(Part::ClientBundle(client)),
                "both, for a browser (PKCS#12)".to_owned(),
            ));
        }
    }
    rows
}

/// What was made, for programs.
pub(in crate::cli) fn json(outcome: &Outcome) -> Value {
    let entries: HashMap<_, _> = outcome
        .file
        .config
        .hosts
        .iter()
        .map(|entry| (&entry.host, entry))
        .collect();
    let chains: Vec<Value> = (outcome.made.iter())
        .map(|made| {
            let entry = entries.get(made.job.layout.host());
            chain_json(outcome, made, entry.map(|entry| entry.credential_name.as_str()))
        })
        .collect();
    json!({
        "schema": 1,
        "chains": chains,
        "skipped": outcome.skipped,
        "workspace": shown(&outcome.file.path),
        "notes": outcome.notes,
    })
}

fn chain_json(outcome: &Outcome, made: &Made, credential: Option<&str>) -> Value {
    let job = &made.job;
    let path = |part: Part<'_>| shown(&job.layout.path(part));
    let present = |part: Part<'_>, there: bool| there.then(|| path(part));
    let clients: Vec<Value> = (job.clients.iter())
        .map(|name| {
            json!({
                "name": name,
                "certificate": path(Part::ClientCert(name)),
                "key": path(Part::ClientKey(name)),
                "bundle": present(Part::ClientBundle(name), outcome.bundles),
            })
        })
        .collect();
    json!({
        "host": job.layout.host(),
        "folder": shown(&job.layout.folder()),
        "action": job.action.word(),
        "mode": job.mode,
        "credentialName": credential,
        "serial": made.leaf.serial,
        "notBefore": made.leaf.not_before,
        "notAfter": made.leaf.not_after,
        "root": path(Part::RootCert),
        "caChain": path(Part::CaChain),
        "certificate": path(Part::ServerCert),
        "key": present(Part::ServerKey, outcome.has_server_key),
        "clients": clients,
        "notes": made.notes,
    })
}

/// The date of an RFC 3339 time.
fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

fn mode_word(mode: Mode) -> &'static str {
    Mode::WORDS
        .iter()
        .find(|(_, known)| *known == mode)
        .map_or("", |(word, _)| *word)
}
