//! What may not be done to a host while its CA is being replaced.

use super::failure::Failure;
use crate::files::shown;
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::workspace::layout::{ChainLayout, PREVIOUS_CA_FOLDER};
use crate::workspace::store;

/// Refuses to replace a chain while its CA is being replaced. `command` is what would
/// replace it.
///
/// # Errors
/// If the CA of one of these chains is being replaced: exit 2.
pub fn refuse<'l>(mut replaced: impl Iterator<Item = &'l ChainLayout>, command: &str) -> Result<(), Failure> {
    match replaced.find_map(|layout| replacing(layout, command)) {
        Some(problem) => Err(Failure::usage(problem)),
        None => Ok(()),
    }
}

/// Why a chain is not replaced while its CA is being replaced: both CAs, the clients of
/// both and what was handed out to clients would be lost. None if there is no
/// replacement.
pub fn replacing(layout: &ChainLayout, command: &str) -> Option<Problem> {
    refusal(
        layout,
        command,
        "its chain is not replaced",
        "the new CA, which clients may trust already, and the previous one would both be lost",
    )
}

/// Why a chain is not changed while its CA is being replaced. None if there is no
/// replacement.
pub fn changing(layout: &ChainLayout, command: &str) -> Option<Problem> {
    refusal(
        layout,
        command,
        "its chain is not changed",
        "what one of the two CAs issues now would be lost when the replacement is finished or aborted",
    )
}

fn refusal(layout: &ChainLayout, command: &str, what: &str, why: &str) -> Option<Problem> {
    if !store::has_previous_ca(layout) {
        return None;
    }
    let host = layout.host();
    let problem = Problem::new(format!("the CA of {host} is being replaced, so {what}"))
        .at(format!("{}/", shown(&layout.folder().join(PREVIOUS_CA_FOLDER))))
        .why(why)
        .fix(
            Remedy::from(ours::rotate_finish(host.as_str()))
                .and(" finishes the replacement, ")
                .and(ours::rotate_abort(host.as_str()))
                .and(format!(" aborts it; then {command}")),
        );
    Some(problem)
}
