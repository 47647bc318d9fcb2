//! The text output of `rotate`: the plan of a dry run, and what was done and verified.

use std::time::Duration;

use super::paint::printable;
use crate::certs::summary::CertificateSummary;
use crate::files::shown;
use crate::names::Host;
use crate::ops::rotate::decide::{Idle, Left, LeftDue, Step};
use crate::ops::rotate::outcome::{
    AbsentKey, Done, DryRun, Outcome, PlannedHost, PlannedSecret, Pods, Proof, Rotated, Seen, Stored,
};
use crate::probe::verdict::span;
use crate::remedy::{Aim, ours};

/// The plan as text.
pub fn plan(dry_run: &DryRun) -> String {
    let mut lines = vec!["nothing was written (--dry-run); this would be done:".to_owned()];
    for PlannedHost {
        state,
        step,
        secrets,
        due,
    } in &dry_run.hosts
    {
        let host = &state.host;
        match step {
            Step::Nothing(idle) => lines.push(format!("  {}", nothing(host, idle))),
            Step::Leaves { server, clients } => {
                if *server {
                    lines.push(format!(
                        "  {host}: a new server leaf in place of {}",
                        named(&state.server)
                    ));
                }
                for (name, ends) in &state.clients {
                    if clients.contains(name) {
                        lines.push(format!("  {host}: a new client {name} in place of {}", named(ends)));
                    }
                }
            }
            Step::StartCa => {
                for (what, ends) in &state.cas {
                    lines.push(format!("  {host}: a new {what} beside {}", named(ends)));
                }
                for (name, ends) in &state.clients {
                    lines.push(format!("  {host}: a new client {name} beside {}", named(ends)));
                }
                lines.push(format!(
                    "  {host}: the server leaf is kept until --finish, {}",
                    named(&state.server)
                ));
            }
            Step::ResumeCa => lines.push(format!(
                "  {host}: the CA is being replaced; it would be verified again"
            )),
            Step::FinishLeaf => {
                lines.push(format!(
                    "  {host}: a new server leaf from the new CA in place of {}",
                    named(&state.server)
                ));
                lines.push(format!(
                    "  {host}: then the previous CA is removed; its clients are refused from then on"
                ));
            }
            Step::FinishCa => lines.push(format!(
                "  {host}: the previous CA is removed; its clients are refused from then on"
            )),
            Step::AbortCa => lines.push(format!(
                "  {host}: the previous CA and its clients are restored, the new CA is removed"
            )),
            Step::CatchUp { finishes } => {
                if secrets.iter().any(|secret| secret.lags) {
                    lines.push(format!(
                        "  {host}: the files are unchanged; its outdated Secrets are updated"
                    ));
                }
                if *finishes {
                    lines.push(format!(
                        "  {host}: the previous CA is removed; its clients are refused from then on"
                    ));
                }
            }
        }
        lines.extend(due.iter().map(|left| due_line(host, left)));
        if let Some(cluster) = &dry_run.context {
            lines.extend(secrets_planned(secrets, cluster, host.as_str()));
        }
    }
    lines.join("\n") + "\n"
}

/// What would change in a host's Secrets, by serial numbers and fingerprints.
fn secrets_planned(secrets: &[PlannedSecret], cluster: &str, host: &str) -> Vec<String> {
    if secrets.is_empty() {
        return vec![format!(
            "  {host}: the context {cluster} has no Secret of this host, and none is created"
        )];
    }
    let line = |secret: &PlannedSecret| {
        let title = format!("Secret {}/{}", secret.namespace, secret.name);
        let held = match &secret.leaf {
            Some(leaf) => format!("; it holds {} (SHA-256 {})", named(leaf), leaf.sha256),
            None => String::new(),
        };
        let lags = if secret.lags { ", and is outdated" } else { "" };
        let change = match secret.changes.len() {
            0 => "stays".to_owned(),
            _ => format!("gets new {}", secret.changes.join(", ")),
        };
        format!("  {host}: {title} of the context {cluster} {change}{held}{lags}")
    };
    secrets.iter().map(line).collect()
}

/// Why nothing is done.
pub(super) fn nothing(host: &Host, idle: &Idle) -> String {
    match idle {
        Idle::LeafIsGood(left) => format!("nothing to do: the server leaf of {host} is valid {}", for_days(*left)),
        Idle::CaIsGood(what, left) => format!("nothing to do: the {what} of {host} is valid {}", for_days(*left)),
        Idle::NoCa => format!("nothing to do: the CA of {host} is not in the workspace"),
        Idle::HasEnded => format!("nothing to do: the replacement of the CA of {host} has already finished"),
    }
}

/// The same for a host that is not examined at all.
pub(super) fn untouched(host: &Host, idle: &Idle, absent_key: Option<AbsentKey>, aim: &Aim) -> String {
    let why = nothing(host, idle);
    match absent_key {
        Some(AbsentKey::Elsewhere) => {
            format!("{why}; its key is not in the workspace, so neither Secret nor gateway is checked")
        }
        Some(AbsentKey::Lost) => format!(
            "{why}; its key is missing, so neither Secret nor gateway is checked: {} replaces it",
            ours::rotate(host).typed(aim)
        ),
        None => why,
    }
}

fn for_days(Left { days, until }: Left) -> String {
    let plural = if days == 1 { "" } else { "s" };
    format!("for {days} more day{plural}, until {}", until.date())
}

/// The result as text, and the next command; `aim` completes the command lines.
pub fn text(outcome: &Outcome, aim: &Aim) -> String {
    let mut lines = Vec::new();
    for done in &outcome.done {
        match done {
            Done::Nothing {
                host,
                idle,
                absent_key,
                due,
            } => {
                lines.push(untouched(host, idle, *absent_key, aim));
                lines.extend(due.iter().map(|left| due_line(host, left)));
            }
            Done::Rotated(done) => rotated(done, aim, &mut lines),
        }
    }
    lines.join("\n") + "\n"
}

fn rotated(done: &Rotated, aim: &Aim, lines: &mut Vec<String>) {
    let host = &done.host;
    let changed = done.secrets.iter().any(Stored::is_changed);
    let headline = format!(
        "{host}: {}",
        match &done.step {
            Step::Nothing(_) => "nothing to do",
            Step::Leaves { server: true, .. } => "the server leaf is rotated",
            Step::Leaves { server: false, .. } => "clients are rotated",
            Step::StartCa => "a new CA was added beside the old one; the gateway still serves a leaf of the old CA",
            Step::ResumeCa => "the replacement of the CA is already under way",
            Step::FinishLeaf => "the server leaf is issued by the new CA",
            Step::FinishCa if done.is_proven() && !done.proofs.is_empty() =>
                "the CA is replaced; the previous one is no longer trusted",
            Step::FinishCa => "the CA is replaced; the previous one is removed from the files",
            Step::AbortCa => "the replacement of the CA was aborted",
            Step::CatchUp { .. } if changed => "the Secrets were outdated and now match the files",
            Step::CatchUp { .. } => "the Secrets match the files",
        }
    );
    let nothing = match &done.step {
        Step::Nothing(idle) => Some(nothing(host, idle)),
        _ => None,
    };
    let is_idle = nothing.is_some();
    lines.push(nothing.unwrap_or(headline));
    lines.extend(done.due.iter().map(|left| due_line(host, left)));
    let width = done
        .changes
        .iter()
        .map(|change| change.what.len())
        .max()
        .unwrap_or_default();
    for change in &done.changes {
        let side =
            |word: &str, ends: &CertificateSummary| format!("  {:<width$}  {word}  {}", change.what, named(ends));
        lines.extend(change.old.as_ref().map(|old| side("old", old)));
        lines.extend(change.new.as_ref().map(|new| side("new", new)));
    }
    if !done.files.is_empty() {
        lines.push(format!(
            "  wrote {} files below {}/ in one step; the old ones are in {}/",
            done.files.len(),
            shown(&done.folder),
            shown(&done.kept)
        ));
    }
    for secret in done.secrets.iter().filter(|_| !is_idle) {
        let cluster = done.context.as_deref().unwrap_or_default();
        lines.push(format!(
            "  Secret {}/{} {} in the context {cluster}",
            secret.namespace,
            secret.name,
            secret.action.word()
        ));
    }
    lines.extend((done.unknown.iter()).map(|title| format!("  {title} may or may not be stored")));
    lines.extend((done.left.iter()).map(|title| format!("  {title} NOT stored")));
    // If there was nothing to do, only problems are printed.
    for proof in (done.proofs.iter()).filter(|proof| !is_idle || !proof.proven) {
        proven(&done.serial, proof, aim, lines);
    }
    match &done.unseen {
        Some(why) => lines.push(format!("  not verified at the cluster's gateway: {}", why.words(aim))),
        None if done.proofs.is_empty() && done.context.is_some() => {
            lines.push("  not verified at the cluster's gateway".to_owned());
        }
        None if done.proofs.is_empty() => {
            lines.push("  not verified at a gateway: no serve of this workspace is running".to_owned());
        }
        None => {}
    }
    if let Some(next) = &done.next {
        lines.push(format!("\nnext: {}", next.words(aim).replace('\n', "\n      ")));
    }
}

fn proven(serial: &str, proof: &Proof, aim: &Aim, lines: &mut Vec<String>) {
    let verb = if proof.proven { "verified" } else { "NOT verified" };
    let before = match (proof.before.outcome.verdict.is_ok(), proof.before.serial()) {
        (true, Some(serial)) => format!("served {serial} before"),
        (false, Some(serial)) => format!(
            "served {serial} before, with a failure ({})",
            proof.before.outcome.verdict.code.as_str()
        ),
        (_, None) => format!(
            "served no certificate before ({})",
            proof.before.outcome.verdict.code.as_str()
        ),
    };
    lines.push(format!("  {verb} at {}: {before}", proof.target));
    seen(serial, &proof.seen, proof.waited, "    ", aim, lines);
    if proof.removal_unseen {
        lines.push(
            "    not verified that clients of the removed CA are refused: no valid one with its \
             key is in the workspace"
                .to_owned(),
        );
    }
    if let Some(pods) = &proof.pods {
        of_pods(serial, pods, aim, lines);
    }
}

/// What each client observed, a line per client.
fn seen(wanted: &str, seen: &Seen, waited: Duration, indent: &str, aim: &Aim, lines: &mut Vec<String>) {
    let after = span(waited.as_micros() as u64);
    for look in &seen.after {
        let verdict = &look.outcome.verdict;
        let serial = look.serial().unwrap_or("no certificate");
        let line = if look.is_served(wanted) {
            let but = if look.lacks_pair {
                ", checked without a client certificate, since no valid one is available".to_owned()
            } else if look.as_before {
                format!("; as before the rotation, {}", printable(&verdict.summary))
            } else {
                String::new()
            };
            format!("served {serial} after {after}{but}")
        } else if verdict.is_ok() {
            format!("still served {serial}, not {wanted}, after {after}")
        } else {
            format!("{}: {}", verdict.code.as_str(), printable(&verdict.summary))
        };
        lines.push(format!("{indent}{}: {line}", look.label));
        if !verdict.is_ok() && !look.is_served(wanted) {
            lines.extend(
                verdict
                    .fix
                    .as_ref()
                    .map(|fix| format!("{indent}  try: {}", fix.words(aim))),
            );
        }
    }
    if let Some(look) = &seen.removed {
        let verdict = &look.outcome.verdict;
        let line = if look.is_refused() {
            format!("refused after {after}")
        } else if verdict.is_ok() {
            "NOT refused: the gateway still trusts that CA".to_owned()
        } else {
            format!(
                "not verified that it is refused for its certificate: {}: {}",
                verdict.code.as_str(),
                printable(&verdict.summary)
            )
        };
        lines.push(format!("{indent}{}: {line}", look.label));
    }
}

/// How many of the gateway's pods were probed individually, and those that serve
/// something else.
fn of_pods(serial: &str, pods: &Pods, aim: &Aim, lines: &mut Vec<String>) {
    let (asked, ready) = (pods.asked.len(), pods.ready);
    let good = pods.asked.iter().filter(|pod| pod.seen.proven).count();
    let counted = format!("    {asked} of {ready} ready pods of the gateway were probed individually");
    lines.push(match &pods.unasked {
        Some(why) => format!("{counted}, {good} serve it: {why}"),
        None if ready == 0 => "    its pods were not probed individually: this user sees no ready pod".to_owned(),
        None => format!("{counted}, {good} serve it"),
    });
    for pod in pods.asked.iter().filter(|pod| !pod.seen.proven) {
        lines.push(format!("    NOT verified at the pod {}:", pod.pod));
        seen(serial, &pod.seen, pod.waited, "      ", aim, lines);
    }
}

fn due_line(host: &Host, left: &LeftDue) -> String {
    format!(
        "  {} of {host} is also due ({}), but was not renewed: {}",
        left.what,
        named(&left.ends),
        left.flag
    )
}

fn named(ends: &CertificateSummary) -> String {
    format!("{} until {}", ends.serial, ends.not_after.date())
}
