//! The text output of `gen-certs`: the plan of `--dry-run` and the result.

use super::workspace_words::{day, recorded};
use crate::files::shown;
use crate::ops::issue::change::Change;
use crate::ops::issue::ended::Ended;
use crate::ops::issue::job::{Action, Job, Plan};
use crate::ops::issue::outcome::{Made, Outcome};
use crate::ops::issue::request::Signer;
use crate::remedy::{Aim, Kind, Line, Word, ours};
use crate::workspace::config::FILE_NAME;
use crate::workspace::layout::Part;

/// Up to this many hosts are shown with every path.
const DETAILED: usize = 5;

/// The plan as text.
pub fn plan(plan: &Plan) -> String {
    let mut lines = vec!["nothing was written (--dry-run); this would be done:".to_owned()];
    if let Some(root) = &plan.new_root {
        lines.push(format!(
            "  create   {}/ (a root for many hosts)",
            root.folder().display()
        ));
    }
    for job in &plan.jobs {
        lines.push(planned(job));
    }
    lines.extend(ends(&plan.jobs.iter().collect::<Vec<_>>(), "ends"));
    if plan.skipped > 0 {
        lines.push(format!("  keep     {} that exist", plan.skipped));
    }
    lines.push(format!("  record   in {}\n", shown(&plan.file.path)));
    lines.join("\n")
}

/// The result as text, and the next command; `aim` completes the command lines.
pub fn outcome(outcome: &Outcome, aim: &Aim) -> String {
    let mut lines = Vec::new();
    if let Some(root) = &outcome.new_root {
        lines.push(format!("created {}/  root for many hosts", root.folder().display()));
    }
    for made in &outcome.made {
        let job = &made.job;
        lines.push(format!(
            "{} {}/  until {}",
            done(job),
            shown(&job.layout.folder()),
            day(&made.leaf.not_after)
        ));
        if outcome.made.len() <= DETAILED {
            let rows = rows(outcome, made);
            let width = rows.iter().map(|(path, _)| path.len()).max().unwrap_or_default();
            lines.extend(rows.iter().map(|(path, what)| format!("  {path:<width$}  {what}")));
        }
    }
    lines.extend(ends(
        &outcome.made.iter().map(|made| &made.job).collect::<Vec<_>>(),
        "ended",
    ));
    if outcome.made.len() > DETAILED {
        lines.push(format!("{} chains", outcome.made.len()));
    }
    if outcome.skipped > 0 {
        lines.push(format!("{} exist already and were kept", outcome.skipped));
    }
    lines.extend(workspace(outcome));
    lines.extend(next(outcome, aim));
    lines.join("\n") + "\n"
}

/// The present contents of istio-tls.yaml.
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

/// The next command.
fn next(outcome: &Outcome, aim: &Aim) -> Vec<String> {
    let serve = ours::serve().typed(aim);
    let mut lines = vec![match outcome.made.first() {
        Some(made) if !made.has_server_key => format!(
            "\nnext: put the private key of the request at {} (gen-certs did not create one), then {serve}",
            shown(&made.job.layout.path(Part::ServerKey))
        ),
        _ => format!("\nnext: {serve}"),
    }];
    let changed: Vec<&Job> = (outcome.made.iter().map(|made| &made.job))
        .filter(|job| matches!(job.action, Action::Change(_)))
        .collect();
    if !changed.is_empty() && outcome.file.config.context.is_some() {
        lines.push(format!(
            "      {}  (brings the change to the cluster)",
            ours::apply().typed(aim)
        ));
    }
    if let Some((job, client)) = changed.iter().find_map(|job| Some((job, job.clients.first()?))) {
        let path = |part: Part<'_>| shown(&job.layout.path(part));
        let curl = Line::new(Kind::CurlAsClient, ["curl"])
            .flag("--cert", path(Part::ClientCert(client)))
            .flag("--key", path(Part::ClientKey(client)))
            .arg(Word::Placeholder("URL"));
        lines.push(format!("      {}", curl.typed(aim)));
    }
    lines
}

/// What will be done for a host, as a line of the plan.
fn planned(job: &Job) -> String {
    let folder = shown(&job.layout.folder());
    let will = match &job.action {
        Action::Create => "create",
        Action::Replace(_) => "replace",
        Action::Change(change) if change.is_of_clients_alone() => "add to",
        Action::Change(change) => {
            return format!("  {:<8} {folder}/ ({})", "change", changes(job, change).join("; "));
        }
    };
    let clients = match job.clients.as_slice() {
        [] => "none".to_owned(),
        clients => clients.join(", "),
    };
    format!("  {will:<8} {folder}/ (mode {}, clients: {clients})", job.mode.word())
}

/// What changes in an existing chain.
fn changes(job: &Job, change: &Change) -> Vec<String> {
    let mut changes = Vec::new();
    if let Some(former) = change.former_mode {
        changes.push(format!("mode {} instead of {}", job.mode.word(), former.word()));
    }
    if !job.clients.is_empty() {
        changes.push(format!("new clients: {}", job.clients.join(", ")));
    }
    if !change.sans.is_empty() {
        changes.push(format!(
            "the server certificate is reissued with {}, for the same key",
            names(change)
        ));
    }
    if !change.bundles.is_empty() {
        changes.push(format!("PKCS#12 bundles: {}", change.bundles.join(", ")));
    }
    changes
}

fn names(change: &Change) -> String {
    let names: Vec<String> = change.sans.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// What was done with a host's chain.
fn done(job: &Job) -> &'static str {
    match &job.action {
        Action::Create => "created",
        Action::Replace(_) => "replaced",
        Action::Change(change) if change.is_of_clients_alone() => "added",
        Action::Change(_) => "changed",
    }
}

/// What new chains replace; `verb` is `ends` or `ended`.
fn ends(jobs: &[&Job], verb: &str) -> Vec<String> {
    let replaced = jobs.iter().filter_map(|job| match &job.action {
        Action::Replace(ended) => Some((*job, ended)),
        Action::Create | Action::Change(_) => None,
    });
    let replaced: Vec<(&Job, &Ended)> = replaced.collect();
    if replaced.len() > DETAILED {
        let clients: usize = replaced.iter().map(|(_, ended)| ended.clients).sum();
        return vec![format!(
            "{verb}: {} CAs with {clients} client certificates, which the new chains refuse; the old trees are kept in {}/ until a host's chain changes again",
            replaced.len(),
            replaced[0].1.kept.parent().map(shown).unwrap_or_default()
        )];
    }
    let mut lines = Vec::new();
    for (job, ended) in replaced {
        let host = job.layout.host();
        let ca = match &ended.fingerprint {
            Some(fingerprint) => format!("the CA with the SHA-256 fingerprint {fingerprint}"),
            None => "a chain without a CA".to_owned(),
        };
        let ca = if ended.has_key {
            format!("{verb}: {ca}")
        } else {
            format!("{verb} for {host}: {ca}, whose key is not here")
        };
        let clients = match ended.clients {
            0 => "no client certificate of it is here".to_owned(),
            1 => "its client certificate is refused by the new chain".to_owned(),
            count => format!("its {count} client certificates are refused by the new chain"),
        };
        lines.push(format!("{ca}; {clients}"));
        lines.push(format!(
            "       the old tree is kept in {}/ until the chain of {host} changes again",
            shown(&ended.kept)
        ));
    }
    lines
}

fn rows(outcome: &Outcome, made: &Made) -> Vec<(String, String)> {
    let job = &made.job;
    let path = |part: Part<'_>| job.layout.relative(part).display().to_string();
    let lock = if outcome.encrypted { ", key encrypted" } else { "" };
    let mut rows = Vec::new();
    if let Action::Change(change) = &job.action {
        rows.extend(changed_rows(job, change));
    } else {
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
        if made.has_server_key {
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

/// What changed in an existing chain, except for its new clients.
fn changed_rows(job: &Job, change: &Change) -> Vec<(String, String)> {
    let path = |part: Part<'_>| job.layout.relative(part).display().to_string();
    let mut rows = Vec::new();
    if let Some(former) = change.former_mode {
        rows.push((
            FILE_NAME.to_owned(),
            format!("mode {} instead of {}", job.mode.word(), former.word()),
        ));
    }
    if !change.sans.is_empty() {
        let what = format!("server, intermediate; now with {}, for the same key", names(change));
        rows.push((path(Part::ServerCert), what));
    }
    for client in &change.bundles {
        rows.push((
            path(Part::ClientBundle(client)),
            format!("client {client}, for a browser (PKCS#12)"),
        ));
    }
    rows
}
