//! What `rotate` prints: the plan of `--dry-run`, and what was done and proven,
//! as text and as JSON.

use std::time::Duration;

use serde_json::{Value, json};

use super::exchange::Exchanged;
use super::issue::{Change, Prepared};
use super::plan::{Ends, LeftDue, Step};
use super::pods::Pods;
use super::prove::{Proof, Seen};
use super::secrets::{Leaf, Stored, TriedSecret};
use super::{Done, Planned};
use crate::certs::times::rfc3339;
use crate::ops::client_look::Look;
use crate::cli::context::Context;
use crate::files::shown;
use crate::names::Host;
use crate::probe::verdict::span;
use crate::report::paint::printable;
use crate::shell::quote;
use crate::workspace::layout::Part;

/// The plan in words.
pub(super) fn plan_text(planned: &[Planned], cluster: Option<&str>) -> String {
    let mut lines = vec!["nothing is written (--dry-run); this would be done:".to_owned()];
    for Planned {
        state,
        step,
        secrets,
        due,
        ..
    } in planned
    {
        let host = &state.host;
        match step {
            Step::Nothing(why) => lines.push(format!("  {why}")),
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
                if secrets.iter().any(|secret| secret.differs) {
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
        if let Some(cluster) = cluster {
            lines.extend(secrets_planned(secrets, step, cluster, host.as_str()));
        }
    }
    lines.join("\n") + "\n"
}

/// What would become of a host's Secrets, by serial numbers and fingerprints.
fn secrets_planned(secrets: &[TriedSecret], step: &Step, cluster: &str, host: &str) -> Vec<String> {
    if secrets.is_empty() {
        return vec![format!(
            "  {host}: the context {cluster} has no Secret of it, and gets none"
        )];
    }
    secrets
        .iter()
        .map(|secret| {
            let place = &secret.place;
            let title = format!("Secret {}/{}", place.namespace, place.name);
            let keys = changed_keys(secret, step);
            let held = match &secret.leaf {
                Some(leaf) => format!("; it holds {} (SHA-256 {})", named(&leaf.ends), leaf.sha256),
                None => String::new(),
            };
            let lags = if secret.differs {
                ", and lags behind the files"
            } else {
                ""
            };
            let change = match keys.len() {
                0 => "stays".to_owned(),
                _ => format!("gets new {}", keys.join(", ")),
            };
            format!("  {host}: {title} of the context {cluster} {change}{held}{lags}")
        })
        .collect()
}

/// The keys of a Secret that a step changes, or that lag behind the files.
fn changed_keys(secret: &TriedSecret, step: &Step) -> Vec<String> {
    let (leaf, ca) = match step {
        Step::Leaves { server, .. } => (*server, false),
        Step::FinishLeaf => (true, true),
        Step::StartCa | Step::FinishCa | Step::AbortCa | Step::CatchUp { finishes: true } => (false, true),
        Step::Nothing(_) | Step::ResumeCa | Step::CatchUp { finishes: false } => (false, false),
    };
    let mut keys = match step {
        Step::Nothing(_) => Vec::new(),
        _ => secret.lagging_keys(),
    };
    let place = &secret.place;
    let of_leaf = place.leaf_keys.iter().filter(|_| leaf);
    for key in of_leaf.chain(place.ca_key.iter().filter(|_| ca)) {
        if !keys.iter().any(|known| known == key) {
            keys.push((*key).to_owned());
        }
    }
    keys
}

/// The plan for programs.
pub(super) fn plan_json(planned: &[Planned], cluster: Option<&str>) -> Value {
    let rotations: Vec<Value> = (planned.iter())
        .map(
            |Planned {
                 state,
                 step,
                 secrets,
                 due,
                 ..
             }| {
                let (server, clients) = match step {
                    Step::Leaves { server, clients } => (*server, clients.clone()),
                    Step::FinishLeaf => (true, Vec::new()),
                    Step::StartCa => (false, state.clients.iter().map(|(name, _)| name.clone()).collect()),
                    Step::Nothing(_) | Step::ResumeCa | Step::FinishCa | Step::AbortCa | Step::CatchUp { .. } => {
                        (false, Vec::new())
                    }
                };
                let secrets: Vec<Value> = (secrets.iter())
                    .map(|secret| {
                        json!({
                            "namespace": secret.place.namespace,
                            "name": secret.place.name,
                            "changes": changed_keys(secret, step),
                            "lags": secret.differs,
                            "leaf": secret.leaf.as_ref().map(leaf_json),
                        })
                    })
                    .collect();
                json!({
                    "host": state.host,
                    "action": step.word(),
                    "reason": reason(step),
                    "server": server,
                    "clients": clients,
                    "rotatingCa": state.rotating,
                    "due": due.iter().map(due_json).collect::<Vec<_>>(),
                    "secrets": secrets,
                })
            },
        )
        .collect();
    json!({"schema": 1, "dryRun": true, "context": cluster, "rotations": rotations})
}

fn reason(step: &Step) -> Option<&str> {
    match step {
        Step::Nothing(why) => Some(why),
        _ => None,
    }
}

/// What was done, in words, and what to type next.
pub(super) fn text(done: &[Done], context: &Context) -> String {
    let mut lines = Vec::new();
    for done in done {
        match done {
            Done::Nothing(host, why, due) => {
                lines.push(why.clone());
                lines.extend(due.iter().map(|left| due_line(host, left)));
            }
            Done::Rotated(exchanged) => rotated(exchanged, context, &mut lines),
        }
    }
    lines.join("\n") + "\n"
}

fn rotated(exchanged: &Exchanged, context: &Context, lines: &mut Vec<String>) {
    let prepared = &exchanged.prepared;
    let host = prepared.held.layout.host();
    let changed = exchanged.secrets.iter().any(Stored::is_changed);
    let headline = format!(
        "{host}: {}",
        match &prepared.step {
            Step::Nothing(_) => "nothing to do",
            Step::Leaves { server: true, .. } => "the server leaf is rotated",
            Step::Leaves { server: false, .. } => "clients are rotated",
            Step::StartCa => "a new CA stands beside the old one; the gateway goes on serving a leaf of the old CA",
            Step::ResumeCa => "the CA is being rotated already",
            Step::FinishLeaf => "the server leaf is of the new CA",
            Step::FinishCa if exchanged.is_proven() && !exchanged.proofs.is_empty() =>
                "the CA is rotated; the previous one is trusted no more",
            Step::FinishCa => "the CA is rotated; the previous one is gone from the files",
            Step::AbortCa => "the rotation of the CA is taken back",
            Step::CatchUp { .. } if changed => "the Secrets lagged behind the files, and hold now what those hold",
            Step::CatchUp { .. } => "the Secrets hold what the files hold",
        }
    );
    let nothing = reason(&prepared.step);
    lines.push(nothing.map_or(headline, str::to_owned));
    lines.extend(exchanged.due.iter().map(|left| due_line(host, left)));
    let width = prepared
        .changes
        .iter()
        .map(|change| change.what.len())
        .max()
        .unwrap_or_default();
    for change in &prepared.changes {
        let side = |word: &str, ends: &Ends| format!("  {:<width$}  {word}  {}", change.what, named(ends));
        lines.extend(change.old.as_ref().map(|old| side("old", old)));
        lines.extend(change.new.as_ref().map(|new| side("new", new)));
    }
    if prepared.paths().next().is_some() {
        let old = context.dir.join(".istio-tls/old").join(host.folder_name());
        lines.push(format!(
            "  wrote {} files below {}/, all at once; the old ones are in {}/",
            prepared.paths().count(),
            shown(&prepared.held.layout.folder()),
            shown(&old)
        ));
    }
    for secret in exchanged.secrets.iter().filter(|_| nothing.is_none()) {
        let cluster = exchanged.context.as_deref().unwrap_or_default();
        lines.push(format!(
            "  Secret {}/{} {} in the context {cluster}",
            secret.namespace,
            secret.name,
            secret.action.word()
        ));
    }
    lines.extend((exchanged.unknown.iter()).map(|title| format!("  {title} not known to be stored")));
    lines.extend((exchanged.left.iter()).map(|title| format!("  {title} NOT stored")));
    // Where nothing was to do, only what is wrong is worth a word.
    for proof in (exchanged.proofs.iter()).filter(|proof| nothing.is_none() || !proof.proven) {
        proven(prepared, proof, lines);
    }
    match &exchanged.unseen {
        Some(why) => lines.push(format!("  not proven at the cluster's gateway: {why}")),
        None if exchanged.proofs.is_empty() && exchanged.context.is_some() => {
            lines.push("  not proven at the cluster's gateway".to_owned());
        }
        None if exchanged.proofs.is_empty() => {
            lines.push("  nothing live was proven: no serve of this workspace runs here".to_owned());
        }
        None => {}
    }
    lines.extend(next(exchanged, context));
}

fn proven(prepared: &Prepared, proof: &Proof, lines: &mut Vec<String>) {
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
    seen(prepared, &proof.seen, proof.waited, "    ", lines);
    if proof.removal_unseen {
        lines.push(
            "    that clients of the CA that went are refused was not seen: none of them that is good has its key here"
                .to_owned(),
        );
    }
    if let Some(pods) = &proof.pods {
        of_pods(prepared, pods, lines);
    }
}

/// What each client saw, a line for each.
fn seen(prepared: &Prepared, seen: &Seen, waited: Duration, indent: &str, lines: &mut Vec<String>) {
    let after = span(waited.as_micros() as u64);
    for look in &seen.after {
        let verdict = &look.outcome.verdict;
        let serial = look.serial().unwrap_or("no certificate");
        let line = if look.is_served(&prepared.serial) {
            let but = if look.lacks_pair {
                ", seen without a client certificate, since no good one is here".to_owned()
            } else if look.as_before {
                format!("; as before the rotation, {}", printable(&verdict.summary))
            } else {
                String::new()
            };
            format!("served {serial} after {after}{but}")
        } else if verdict.is_ok() {
            format!("served {serial} still, not {}, after {after}", prepared.serial)
        } else {
            format!("{}: {}", verdict.code.as_str(), printable(&verdict.summary))
        };
        lines.push(format!("{indent}{}: {line}", look.label));
        if !verdict.is_ok() && !look.is_served(&prepared.serial) {
            lines.extend(verdict.fix.as_ref().map(|fix| format!("{indent}  try: {fix}")));
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
fn of_pods(prepared: &Prepared, pods: &Pods, lines: &mut Vec<String>) {
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
        seen(prepared, &pod.seen, pod.waited, "      ", lines);
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

fn next(exchanged: &Exchanged, context: &Context) -> Option<String> {
    let prepared = &exchanged.prepared;
    let dir = context.dir_flag();
    let layout = &prepared.held.layout;
    let host = quote(layout.host().as_str());
    match prepared.step {
        _ if !exchanged.is_proven() => Some(format!(
            "\nnext: look why the gateway did not take it up: istio-tls{dir} status, and its log\n      then istio-tls{dir} rotate {host}{}",
            match prepared.step {
                Step::StartCa | Step::ResumeCa => " --ca  (makes no third CA, but proves it again)",
                Step::FinishLeaf | Step::CatchUp { finishes: true } => " --finish  (goes on where it stopped)",
                // Nothing is due any more, so that it only looks.
                _ => " --if-expires-in 0d  (makes nothing anew, but proves it again)",
            }
        )),
        _ if exchanged.has_no_secret => Some(format!(
            "\nnext: see to the Secret in the context {}, without which its gateway serves nothing of this\n      or --local, when {host} is not to be there",
            exchanged.context.as_deref().unwrap_or_default()
        )),
        Step::FinishLeaf if !exchanged.is_done() => Some(format!(
            "\nnext: the previous CA is trusted until the gateway is seen to serve {}\n      then istio-tls{dir} rotate {host} --finish  (once more; the previous CA goes)",
            prepared.serial
        )),
        Step::StartCa | Step::ResumeCa => Some(format!(
            "\nnext: give every client {}{}\n      then istio-tls{dir} rotate {host} --finish  (or --abort, to go back)",
            if prepared.held.clients.is_empty() {
                ""
            } else {
                "its new certificate and "
            },
            shown(&layout.path(Part::CaChain))
        )),
        _ => None,
    }
}

fn named(ends: &Ends) -> String {
    format!("{} until {}", ends.serial, ends.not_after.date())
}

/// What was done, for programs.
pub(super) fn json(done: &[Done]) -> Value {
    let rotations: Vec<Value> = (done.iter())
        .map(|done| match done {
            Done::Nothing(host, why, due) => json!({
                "host": host,
                "action": "none",
                "reason": why,
                "due": due.iter().map(due_json).collect::<Vec<_>>(),
            }),
            Done::Rotated(exchanged) => rotation_json(exchanged),
        })
        .collect();
    json!({"schema": 1, "rotations": rotations})
}

fn rotation_json(exchanged: &Exchanged) -> Value {
    let prepared = &exchanged.prepared;
    let proofs: Vec<Value> = exchanged.proofs.iter().map(proof_json).collect();
    json!({
        "host": prepared.held.layout.host(),
        "action": prepared.step.word(),
        "reason": reason(&prepared.step),
        "due": exchanged.due.iter().map(due_json).collect::<Vec<_>>(),
        "certificates": prepared.changes.iter().map(change_json).collect::<Vec<_>>(),
        "files": prepared.paths().map(|path| shown(&path)).collect::<Vec<_>>(),
        "context": exchanged.context,
        "secrets": exchanged.secrets.iter().map(secret_json).collect::<Vec<_>>(),
        "notStored": exchanged.left,
        "notKnown": exchanged.unknown.iter().collect::<Vec<_>>(),
        "live": proofs.first(),
        "proofs": proofs,
        "notProvenInCluster": exchanged.unseen,
        "notes": prepared.notes,
    })
}

fn due_json(left: &LeftDue) -> Value {
    json!({"what": left.what, "notAfter": rfc3339(left.ends.not_after), "flag": left.flag})
}

fn secret_json(secret: &Stored) -> Value {
    json!({
        "namespace": secret.namespace,
        "name": secret.name,
        "action": secret.action.word(),
        "old": secret.old.as_ref().map(leaf_json),
        "new": secret.new.as_ref().map(leaf_json),
    })
}

fn leaf_json(leaf: &Leaf) -> Value {
    json!({"serial": leaf.ends.serial, "notAfter": rfc3339(leaf.ends.not_after), "sha256": leaf.sha256})
}

fn change_json(change: &Change) -> Value {
    let ends = |ends: &Option<Ends>| {
        ends.as_ref()
            .map(|ends| json!({"serial": ends.serial, "notAfter": rfc3339(ends.not_after)}))
    };
    json!({"what": change.what, "old": ends(&change.old), "new": ends(&change.new)})
}

fn proof_json(proof: &Proof) -> Value {
    let look = |look: &Look| {
        json!({
            "client": look.label,
            "ok": look.outcome.verdict.is_ok(),
            "serial": look.serial(),
            "verdict": look.outcome.verdict,
        })
    };
    let removed = |seen: &Seen| {
        seen.removed.as_ref().map(|seen| {
            let mut value = look(seen);
            value["refused"] = seen.is_refused().into();
            value
        })
    };
    let pods = proof.pods.as_ref().map(|pods| {
        let asked = pods.asked.iter().map(|pod| {
            json!({
                "pod": pod.pod,
                "proven": pod.seen.proven,
                "after": pod.seen.after.iter().map(look).collect::<Vec<_>>(),
                "removed": removed(&pod.seen),
            })
        });
        json!({"ready": pods.ready, "asked": asked.collect::<Vec<_>>(), "notAsked": pods.unasked})
    });
    json!({
        "target": proof.target,
        "proven": proof.proven,
        "waitedMicros": proof.waited.as_micros() as u64,
        "before": look(&proof.before),
        "after": proof.seen.after.iter().map(look).collect::<Vec<_>>(),
        "removed": removed(&proof.seen),
        "removedUnseen": proof.removal_unseen,
        "pods": pods,
    })
}
