//! What may not be done to a host while its CA is rotated.

use super::failure::Failure;
use crate::files::shown;
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::workspace::layout::{ChainLayout, PREVIOUS_CA_FOLDER};
use crate::workspace::store;

/// Refuses to replace a chain while its CA is rotated: both CAs, the clients of
/// both and what clients were told would be gone. `command` is what would
/// replace it.
///
/// # Errors
/// When the CA of one of these chains is being rotated: exit 2.
pub fn refuse<'l>(mut replaced: impl Iterator<Item = &'l ChainLayout>, command: &str) -> Result<(), Failure> {
    let Some(layout) = replaced.find(|layout| store::has_previous_ca(layout)) else {
        return Ok(());
    };
    let host = layout.host();
    Err(Failure::usage(
        Problem::new(format!(
            "the CA of {host} is being rotated, so its chain is not replaced"
        ))
        .at(format!("{}/", shown(&layout.folder().join(PREVIOUS_CA_FOLDER))))
        .why("the new CA, which clients may trust already, and the previous one would both be lost")
        .fix(
            Remedy::from(ours::rotate_finish(host.as_str()))
                .and(" ends the rotation, ")
                .and(ours::rotate_abort(host.as_str()))
                .and(format!(" takes it back; then {command}")),
        ),
    ))
}
