//! What `gen-certs` prints: the plan of `--dry-run` and what was made.

use super::workspace_words::{day, recorded};
use crate::files::shown;
use crate::ops::issue::outcome::Outcome;
use crate::ops::issue::plan::{Action, Job, Plan};
use crate::ops::issue::request::Signer;
use crate::remedy::{Aim, Kind, Line, Word, ours};
use crate::workspace::layout::Part;

/// Up to so many hosts are told with every path.
const DETAILED: usize = 5;

/// The plan in words.
pub fn plan(plan: &Plan) -> String {
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
            will(job.action),
            shown(&job.layout.folder()),
            job.mode.word(),
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

/// What was made, in words, and what to type next, for a user who stands at `aim`.
pub fn outcome(outcome: &Outcome, aim: &Aim) -> String {
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
    lines.extend(workspace(outcome));
    let serve = ours::serve().typed(aim);
    match outcome.made.first() {
        Some(made) if !outcome.has_server_key && made.job.action != Action::AddClients => lines.push(format!(
            "\nnext: put the key of the request at {} (gen-certs made none), then {serve}",
            shown(&made.job.layout.path(Part::ServerKey))
        )),
        _ => lines.push(format!("\nnext: {serve}")),
    }
    if let Some(job) = (outcome.made.iter().map(|made| &made.job)).find(|job| job.action == Action::AddClients) {
        let path = |part: Part<'_>| shown(&job.layout.path(part));
        let client = &job.clients[0];
        let curl = Line::new(Kind::CurlAsClient, ["curl"])
            .flag("--cert", path(Part::ClientCert(client)))
            .flag("--key", path(Part::ClientKey(client)))
            .arg(Word::Placeholder("URL"));
        lines.push(format!("      {}", curl.typed(aim)));
    }
    lines.join("\n") + "\n"
}

/// What istio-tls.yaml says now.
fn workspace(outcome: &Outcome) -> Option<String> {
    match outcome.made.as_slice() {
        [made] => recorded(&outcome.file, made.job.layout.host()),
        _ => Some(format!(
            "{}: {} hosts",
            shown(&outcome.file.path),
            outcome.file.config.hosts.len()
        )),
    }
}

fn will(action: Action) -> &'static str {
    match action {
        Action::Create => "make",
        Action::Replace => "replace",
        Action::AddClients => "add to",
    }
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
