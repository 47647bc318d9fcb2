//! An interrupted rotation: what is swapped, what is not, and the line to continue.

use super::decide::Step;
use super::outcome::{Done, Rotated};
use super::progress::Progress;
use super::request::Request;
use crate::cluster::apply::Stopped;
use crate::names::Host;
use crate::ops::interruption::Interrupted;
use crate::ops::{Failure, cluster_access};
use crate::remedy::{Line, Remedy, ours};

/// The failure of a step whose files are in place.
pub(super) fn half_done(stopped: Stopped, rotated: &Rotated, request: &Request) -> Failure {
    let mut refused = stopped.refused;
    let problem = &mut refused.problem;
    let mut lines: Vec<String> = problem.why.take().into_iter().collect();
    lines.extend(swapped(rotated));
    problem.why = Some(lines.join("\n"));
    let going_on =
        Remedy::from(going_on(rotated, request)).and("     (continues where it stopped; issues nothing again)");
    problem.fix = Some(Remedy::then_go_on(problem.fix.take(), going_on));
    cluster_access::refused(refused)
}

/// What is swapped, and what is not, one per line.
fn swapped(rotated: &Rotated) -> Vec<String> {
    let host = &rotated.host;
    let files = if rotated.files.is_empty() {
        format!("the files of {host} are unchanged")
    } else {
        let serial = &rotated.serial;
        format!("swapped: the files of {host} (serial {serial} is the server leaf's)")
    };
    let stored = (rotated.secrets.iter()).map(|secret| format!("swapped: Secret {}/{}", secret.namespace, secret.name));
    let unknown = (rotated.unknown.iter()).map(|title| format!("sent, result unknown: {title}"));
    let left = (rotated.left.iter()).map(|title| format!("not swapped: {title}, which the gateway still uses"));
    std::iter::once(files)
        .chain(stored)
        .chain(unknown)
        .chain(left)
        .collect()
}

/// The line that continues an interrupted step.
fn going_on(rotated: &Rotated, request: &Request) -> Line {
    let host = &rotated.host;
    // Once these files are exchanged, there is no recorded replacement that could finish.
    let is_over = rotated.is_written && rotated.left.is_empty() && rotated.unknown.is_none();
    request.going_on(match rotated.step {
        Step::FinishCa | Step::AbortCa if is_over => ours::bring_up(host),
        Step::StartCa | Step::ResumeCa => ours::rotate_ca(host),
        Step::FinishLeaf | Step::FinishCa | Step::CatchUp { finishes: true } => ours::rotate_finish(host),
        Step::AbortCa => ours::rotate_abort(host),
        Step::Leaves { .. } | Step::CatchUp { finishes: false } | Step::Nothing(_) => ours::bring_up(host),
    })
}

/// The state when a signal came: what is swapped, what is not, and the line to continue.
pub(super) fn interrupted(signal: Interrupted, progress: &Progress, request: &Request) -> Failure {
    let mut lines = Vec::new();
    let at_work = progress.at_work.as_deref().map(|at_work| &at_work.rotated);
    // The first of the two exchanges of --finish.
    let mut half = None;
    for done in &progress.done {
        match done {
            Done::Rotated(rotated) if at_work.is_some_and(|now| now.host == rotated.host) => half = Some(&**rotated),
            Done::Rotated(rotated) if !matches!(rotated.step, Step::FinishLeaf) => {
                lines.push(format!("done: {}", rotated.host));
            }
            _ => {}
        }
    }
    if let Some(rotated) = half {
        lines.extend(swapped(rotated));
        if at_work.is_some_and(|last| !last.is_written) {
            lines.push(not_ended(&rotated.host));
        }
    }
    let before = match at_work {
        Some(rotated) if rotated.is_written => {
            lines.extend(swapped(rotated));
            let host = &rotated.host;
            let is_half = rotated.step == Step::FinishLeaf;
            if is_half {
                lines.push(not_ended(host));
            }
            if !rotated.left.is_empty() || rotated.unknown.is_some() {
                format!("the Secrets of {host} were stored")
            } else if is_half && !rotated.proofs.is_empty() {
                format!("the previous CA of {host} was removed")
            } else {
                format!("{host} was seen at the gateway")
            }
        }
        Some(rotated) if half.is_some() => format!("the previous CA of {} was removed", rotated.host),
        _ => "it was finished".to_owned(),
    };
    let begun = at_work.filter(|rotated| !rotated.is_written && half.is_none());
    let begun = begun.map(|rotated| &rotated.host);
    lines.extend((begun.into_iter().chain(&progress.left)).map(|host| format!("nothing of {host} was written")));
    if lines.is_empty() {
        lines.push("nothing was written".to_owned());
    }
    let fix = match at_work {
        Some(rotated) if rotated.is_written && (rotated.context.is_some() || rotated.step == Step::FinishLeaf) => {
            Remedy::from(going_on(rotated, request)).and("     (continues where it stopped; issues nothing again)")
        }
        Some(rotated) if rotated.is_written => Remedy::from(ours::status()).and(" shows what is served"),
        Some(rotated) if half.is_some() && progress.left.is_empty() => {
            Remedy::from(going_on(rotated, request)).and("     (continues where it stopped)")
        }
        _ => Remedy::again(),
    };
    signal.failure(&before, lines.join("\n"), fix)
}

/// The remainder of a --finish whose new leaf is served.
fn not_ended(host: &Host) -> String {
    format!("not done: removing the previous CA of {host}, which is still trusted")
}
