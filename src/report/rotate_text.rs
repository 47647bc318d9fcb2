//! What `rotate` prints for people: the plan of a dry run, and what was done and
//! proven.

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

/// The plan in words.
pub fn plan(dry_run: &DryRun) -> String {
    let mut lines = vec!["nothing is written (--dry-run); this would be done:".to_owned()];
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
                    "  {host}: the server leaf stays until --finish, {}",
                    named(&state.server)
                ));
            }
            Step::ResumeCa => lines.push(format!("  {host}: the CA is being rotated; it would be proven again")),
            Step::FinishLeaf => {
                lines.push(format!(
                    "  {host}: a new server leaf of the new CA in place of {}",
                    named(&state.server)
                ));
                lines.push(format!(
                    "  {host}: then the previous CA goes; its clients are refused from then on"
                ));
            }
            Step::FinishCa => lines.push(format!(
                "  {host}: the previous CA goes; its clients are refused from then on"
            )),
            Step::AbortCa => lines.push(format!(
                "  {host}: the previous CA and its clients come back, the new CA goes"
            )),
            Step::CatchUp { finishes } => {
                if secrets.iter().any(|secret| secret.lags) {
                    lines.push(format!(
                        "  {host}: the files stay; its Secrets lag behind them and follow"
                    ));
                }
                if *finishes {
                    lines.push(format!(
                        "  {host}: the previous CA goes; its clients are refused from then on"
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

/// What would become of a host's Secrets, by serial numbers and fingerprints.
fn secrets_planned(secrets: &[PlannedSecret], cluster: &str, host: &str) -> Vec<String> {
    if secrets.is_empty() {
        return vec![format!(
            "  {host}: the context {cluster} has no Secret of it, and gets none"
        )];
    }
    let line = |secret: &PlannedSecret| {
        let title = format!("Secret {}/{}", secret.namespace, secret.name);
        let held = match &secret.leaf {
            Some(leaf) => format!("; it holds {} (SHA-256 {})", named(leaf), leaf.sha256),
            None => String::new(),
        };
        let lags = if secret.lags { ", and lags behind the files" } else { "" };
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
        Idle::LeafIsGood(left) => format!("nothing to do: the server leaf of {host} is good {}", for_days(*left)),
        Idle::CaIsGood(what, left) => format!("nothing to do: the {what} of {host} is good {}", for_days(*left)),
        Idle::NoCa => format!("nothing to do: {host} has no CA here"),
        Idle::HasEnded => format!("nothing to do: the rotation of the CA of {host} has ended already"),
    }
}

/// The same of a host that is not even looked at.
pub(super) fn untouched(host: &Host, idle: &Idle, absent_key: Option<AbsentKey>, aim: &Aim) -> String {
    let why = nothing(host, idle);
    match absent_key {
        Some(AbsentKey::Elsewhere) => {
            format!("{why}; its key is not here, so neither Secret nor gateway is looked at")
        }
        Some(AbsentKey::Lost) => format!(
            "{why}; its key is missing, so neither Secret nor gateway is looked at: {} replaces it",
            ours::rotate(host).typed(aim)
        ),
        None => why,
    }
}

fn for_days(Left { days, until }: Left) -> String {
    let plural = if days == 1 { "" } else { "s" };
    format!("for {days} more day{plural}, until {}", until.date())
}

/// What was done, and what to type next, for a user who stands at `aim`.
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
            Step::StartCa => "a new CA stands beside the old one; the gateway goes on serving a leaf of the old CA",
            Step::ResumeCa => "the CA is being rotated already",
            Step::FinishLeaf => "the server leaf is of the new CA",
            Step::FinishCa if done.is_proven() && !done.proofs.is_empty() =>
                "the CA is rotated; the previous one is trusted no more",
            Step::FinishCa => "the CA is rotated; the previous one is gone from the files",
            Step::AbortCa => "the rotation of the CA is taken back",
            Step::CatchUp { .. } if changed => "the Secrets lagged behind the files, and hold now what those hold",
            Step::CatchUp { .. } => "the Secrets hold what the files hold",
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
            "  wrote {} files below {}/, all at once; the old ones are in {}/",
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
    lines.extend((done.unknown.iter()).map(|title| format!("  {title} not known to be stored")));
    lines.extend((done.left.iter()).map(|title| format!("  {title} NOT stored")));
    // Where nothing was to do, only what is wrong is worth a word.
    for proof in (done.proofs.iter()).filter(|proof| !is_idle || !proof.proven) {
        proven(&done.serial, proof, aim, lines);
    }
    match &done.unseen {
        Some(why) => lines.push(format!("  not proven at the cluster's gateway: {}", why.words(aim))),
        None if done.proofs.is_empty() && done.context.is_some() => {
            lines.push("  not proven at the cluster's gateway".to_owned());
        }
        None if done.proofs.is_empty() => {
            lines.push("  nothing live was proven: no serve of this workspace runs here".to_owned());
        }
        None => {}
    }
    if let Some(next) = &done.next {
        lines.push(format!("\nnext: {}", next.words(aim).replace('\n', "\n      ")));
    }
}

fn proven(serial: &str, proof: &Proof, aim: &Aim, lines: &mut Vec<String>) {
    let verb = if proof.proven { "proven" } else { "NOT proven" };
    let before = match (proof.before.outcome.verdict.is_ok(), proof.before.serial()) {
        (true, Some(serial)) => format!("served {serial} before"),
        (false, Some(serial)) => format!(
            "served {serial} before, which was no success ({})",
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
            "    that clients of the CA that went are refused was not seen: none of them that is good has its key here"
                .to_owned(),
        );
    }
    if let Some(pods) = &proof.pods {
        of_pods(serial, pods, aim, lines);
    }
}

/// What each client saw, a line for each.
fn seen(wanted: &str, seen: &Seen, waited: Duration, indent: &str, aim: &Aim, lines: &mut Vec<String>) {
    let after = span(waited.as_micros() as u64);
    for look in &seen.after {
        let verdict = &look.outcome.verdict;
        let serial = look.serial().unwrap_or("no certificate");
        let line = if look.is_served(wanted) {
            let but = if look.lacks_pair {
                ", seen without a client certificate, since no good one is here".to_owned()
            } else if look.as_before {
                format!("; as before the rotation, {}", printable(&verdict.summary))
            } else {
                String::new()
            };
            format!("served {serial} after {after}{but}")
        } else if verdict.is_ok() {
            format!("served {serial} still, not {wanted}, after {after}")
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
            "NOT refused: the gateway trusts that CA still".to_owned()
        } else {
            format!(
                "not seen to be refused for its certificate: {}: {}",
                verdict.code.as_str(),
                printable(&verdict.summary)
            )
        };
        lines.push(format!("{indent}{}: {line}", look.label));
    }
}

/// How many of the gateway's pods were asked by themselves, and those that serve
/// something else.
fn of_pods(serial: &str, pods: &Pods, aim: &Aim, lines: &mut Vec<String>) {
    let (asked, ready) = (pods.asked.len(), pods.ready);
    let good = pods.asked.iter().filter(|pod| pod.seen.proven).count();
    let counted = format!("    of {ready} ready pods of the gateway {asked} were asked by themselves");
    lines.push(match &pods.unasked {
        Some(why) => format!("{counted}, {good} serve it: {why}"),
        None if ready == 0 => "    its pods were not asked by themselves: this user sees none that is ready".to_owned(),
        None => format!("{counted}, {good} serve it"),
    });
    for pod in pods.asked.iter().filter(|pod| !pod.seen.proven) {
        lines.push(format!("    NOT proven at the pod {}:", pod.pod));
        seen(serial, &pod.seen, pod.waited, "      ", aim, lines);
    }
}

fn due_line(host: &Host, left: &LeftDue) -> String {
    format!(
        "  {} of {host} is due too ({}), and stays: {}",
        left.what,
        named(&left.ends),
        left.flag
    )
}

fn named(ends: &CertificateSummary) -> String {
    format!("{} until {}", ends.serial, ends.not_after.date())
}
