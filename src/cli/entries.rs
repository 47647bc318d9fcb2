//! What is recorded in istio-tls.yaml; see [`crate::sources::entries`]. What in
//! the file has no effect is said here.

use std::path::Path;

use super::context::note_once;
use crate::problem::Problem;
use crate::sources::entries;
pub(super) use crate::sources::entries::{Recorded, missing, record};
use crate::workspace::file::WorkspaceFile;

/// The workspace's file, if there is one.
///
/// # Errors
/// When the file is there and not valid.
pub(super) fn read(dir: &Path) -> Result<Option<WorkspaceFile>, Problem> {
    let file = WorkspaceFile::read(dir)?;
    file.iter().for_each(say);
    Ok(file)
}

/// The workspace's file, or the starter of a new workspace.
///
/// # Errors
/// As [`read`].
pub(super) fn read_or_new(dir: &Path) -> Result<WorkspaceFile, Problem> {
    let file = entries::read_or_new(dir)?;
    say(&file);
    Ok(file)
}

/// Says once which keys look like fields and are none.
pub(super) fn say(file: &WorkspaceFile) {
    for misspelled in &file.misspelled {
        note_once(&misspelled.to_string());
    }
}
