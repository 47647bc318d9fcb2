//! What `rotate` prints: the plan of `--dry-run`, and what was done and proven,
//! as text and as JSON.

use serde_json::{Value, json};

use super::Done;
use super::issue::{Change, Prepared};
use super::plan::{ChainState, Ends, Step};
use super::prove::{Look, Proof};
use crate::certs::times::rfc3339;
use crate::cli::context::Context;
use crate::files::shown;
use crate::probe::verdict::span;
use crate::report::paint::printable;
use crate::shell::quote;
use crate::workspace::layout::Part;

/// The plan in words.
pub(super) fn plan_text(planned: &[(ChainState, Step)]) -> String {
    let mut lines = vec!["nothing is written (--dry-run); this would be done:".to_owned()];
    for (state, step) in planned {
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
        }
    }
    lines.join("\n") + "\n"
}

/// The plan for programs.
pub(super) fn plan_json(planned: &[(ChainState, Step)]) -> Value {
    let rotations: Vec<Value> = (planned.iter())
        .map(|(state, step)| {
            let (server, clients) = match step {
                Step::Leaves { server, clients } => (*server, clients.clone()),
                Step::FinishLeaf => (true, Vec::new()),
                Step::StartCa => (false, state.clients.iter().map(|(name, _)| name.clone()).collect()),
                Step::Nothing(_) | Step::ResumeCa | Step::FinishCa | Step::AbortCa => (false, Vec::new()),
            };
            json!({
                "host": state.host,
                "action": step.word(),
                "reason": reason(step),
                "server": server,
                "clients": clients,
                "rotatingCa": state.rotating,
            })
        })
        .collect();
    json!({"schema": 1, "dryRun": true, "rotations": rotations})
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
            Done::Nothing(_, why) => lines.push(why.clone()),
            Done::Rotated(prepared, proof) => rotated(prepared, proof.as_deref(), context, &mut lines),
        }
    }
    lines.join("\n") + "\n"
}

fn rotated(prepared: &Prepared, proof: Option<&Proof>, context: &Context, lines: &mut Vec<String>) {
    let host = prepared.held.layout.host();
    lines.push(format!(
        "{host}: {}",
        match prepared.step {
            Step::Nothing(_) => "nothing to do",
            Step::Leaves { server: true, .. } => "the server leaf is rotated",
            Step::Leaves { server: false, .. } => "clients are rotated",
            Step::StartCa => "a new CA stands beside the old one; the gateway goes on serving a leaf of the old CA",
            Step::ResumeCa => "the CA is being rotated already",
            Step::FinishLeaf => "the server leaf is of the new CA",
            Step::FinishCa => "the CA is rotated; the previous one is trusted no more",
            Step::AbortCa => "the rotation of the CA is taken back",
        }
    ));
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
    match proof {
        None => lines.push("  nothing live was proven: no serve of this workspace runs here".to_owned()),
        Some(proof) => proven(prepared, proof, lines),
    }
    lines.extend(next(prepared, proof, context));
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
    for look in &proof.after {
        let verdict = &look.outcome.verdict;
        let serial = look.serial().unwrap_or("no certificate");
        if verdict.is_ok() && look.serial() == Some(prepared.serial.as_str()) {
            lines.push(format!(
                "    {}: served {serial} after {}",
                look.label,
                span(proof.waited.as_micros() as u64)
            ));
        } else if verdict.is_ok() {
            lines.push(format!(
                "    {}: served {serial} still, not {}, after {}",
                look.label,
                prepared.serial,
                span(proof.waited.as_micros() as u64)
            ));
        } else {
            lines.push(format!(
                "    {}: {}: {}",
                look.label,
                verdict.code.as_str(),
                printable(&verdict.summary)
            ));
            lines.extend(verdict.fix.as_ref().map(|fix| format!("      try: {fix}")));
        }
    }
}

fn next(prepared: &Prepared, proof: Option<&Proof>, context: &Context) -> Option<String> {
    let dir = match shown(&context.dir).as_str() {
        "" | "." => String::new(),
        dir => format!(" -C {}", quote(dir)),
    };
    let layout = &prepared.held.layout;
    let host = quote(layout.host().as_str());
    let proven = proof.is_none_or(|proof| proof.proven);
    match prepared.step {
        _ if !proven => Some(format!(
            "\nnext: look why the gateway did not take it up: istio-tls{dir} status, and its log\n      then istio-tls{dir} rotate {host}{}",
            match prepared.step {
                Step::StartCa | Step::ResumeCa => " --ca  (makes no third CA, but proves it again)",
                Step::FinishLeaf | Step::FinishCa => " --finish  (goes on where it stopped)",
                _ => " --dry-run",
            }
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
            Done::Nothing(host, why) => json!({"host": host, "action": "none", "reason": why}),
            Done::Rotated(prepared, proof) => json!({
                "host": prepared.held.layout.host(),
                "action": prepared.step.word(),
                "certificates": prepared.changes.iter().map(change_json).collect::<Vec<_>>(),
                "files": prepared.paths().map(|path| shown(&path)).collect::<Vec<_>>(),
                "live": proof.as_deref().map(proof_json),
                "notes": prepared.notes,
            }),
        })
        .collect();
    json!({"schema": 1, "rotations": rotations})
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
    json!({
        "target": proof.target,
        "proven": proof.proven,
        "waitedMicros": proof.waited.as_micros() as u64,
        "before": look(&proof.before),
        "after": proof.after.iter().map(look).collect::<Vec<_>>(),
    })
}
