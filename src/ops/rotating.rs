//! What may not be done to a host while its CA is rotated.

use super::failure::Failure;
use crate::files::shown;
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::workspace::layout::{ChainLayout, PREVIOUS_CA_FOLDER};
use crate::workspace::store;

/// Refuses to replace a chain while its CA is rotated. `command` is what would
/// replace it.
///
/// # Errors
/// When the CA of one of these chains is being rotated: exit 2.
pub fn refuse<'l>(mut replaced: impl Iterator<Item = &'l ChainLayout>, command: &str) -> Result<(), Failure> {
    match replaced.find_map(|layout| replacing(layout, command)) {
        Some(problem) => Err(Failure::usage(problem)),
        None => Ok(()),
    }
}

/// Why a chain is not replaced while its CA is rotated: both CAs, the clients of both
/// and what clients were told would be gone. None where no rotation is under way.
pub fn replacing(layout: &ChainLayout, command: &str) -> Option<Problem> {
    refusal(
        layout,
        command,
        "its chain is not replaced",
        "the new CA, which clients may trust already, and the previous one would both be lost",
    )
}

/// Why a chain is not changed while its CA is rotated. None where no rotation is under
/// way.
pub fn changing(layout: &ChainLayout, command: &str) -> Option<Problem> {
    refusal(
        layout,
        command,
        "its chain is not changed",
        "what one of the two CAs issues now would be lost when the rotation ends or is taken back",
    )
}

fn refusal(layout: &ChainLayout, command: &str, what: &str, why: &str) -> Option<Problem> {
    if !store::has_previous_ca(layout) {
        return None;
    }
    let host = layout.host();
    let problem = Problem::new(format!("the CA of {host} is being rotated, so {what}"))
        .at(format!("{}/", shown(&layout.folder().join(PREVIOUS_CA_FOLDER))))
        .why(why)
        .fix(
            Remedy::from(ours::rotate_finish(host.as_str()))
                .and(" ends the rotation, ")
                .and(ours::rotate_abort(host.as_str()))
                .and(format!(" takes it back; then {command}")),
        );
    Some(problem)
}
