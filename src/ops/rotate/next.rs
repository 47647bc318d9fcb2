//! What to do after an exchange.

use super::decide::Step;
use super::issue::Prepared;
use super::outcome::Rotated;
use super::request::Request;
use crate::files::shown;
use crate::remedy::{Remedy, ours};
use crate::workspace::layout::Part;

/// What to do after an exchange, depending on how far it got; none if nothing is left.
pub(super) fn next(prepared: &Prepared, rotated: &Rotated, request: &Request) -> Option<Remedy> {
    let host = &rotated.host;
    let line = |line| Remedy::from(request.going_on(line));
    let first = match rotated.step {
        _ if !rotated.is_proven() => {
            let again = match rotated.step {
                Step::StartCa | Step::ResumeCa => {
                    line(ours::rotate_ca(host)).and("  (creates no third CA, but verifies it again)")
                }
                Step::FinishLeaf | Step::CatchUp { finishes: true } => {
                    line(ours::rotate_finish(host)).and("  (continues where it stopped)")
                }
                // Nothing is due any more, so it only probes.
                _ => line(ours::bring_up(host)).and("  (issues nothing again, but verifies it again)"),
            };
            Remedy::from("find out why the gateway did not pick it up: ")
                .and(ours::status())
                .and(", and its log")
                .below("then ")
                .and(again)
        }
        _ if rotated.has_no_secret => Remedy::from(format!(
            "fix the Secret in the context {}, without which its gateway serves none of this",
            rotated.context.as_deref().unwrap_or_default()
        ))
        .below(format!("or --local, if {host} should not be there")),
        Step::FinishLeaf if !rotated.is_done() => Remedy::from(format!(
            "the previous CA is trusted until the gateway is seen to serve {}",
            rotated.serial
        ))
        .below("then ")
        .and(line(ours::rotate_finish(host)))
        .and("  (once more; removes the previous CA)"),
        Step::StartCa | Step::ResumeCa => Remedy::from(format!(
            "give every client {}{}",
            if prepared.held.clients.is_empty() {
                ""
            } else {
                "its new certificate and "
            },
            shown(&prepared.held.layout.path(Part::CaChain))
        ))
        .below("then ")
        .and(line(ours::rotate_finish(host)))
        .and("  (or --abort, to go back)"),
        _ => return None,
    };
    Some(first)
}
