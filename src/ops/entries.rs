//! What is recorded in istio-tls.yaml; see [`crate::sources::entries`]. Reports what has
//! no effect in the file.

use super::surroundings::Surroundings;
use crate::problem::Problem;
use crate::sources::entries;
pub use crate::sources::entries::{Recorded, missing, record, shown_by};
use crate::workspace::file::WorkspaceFile;

/// The workspace's file, if there is one.
///
/// # Errors
/// If the file exists and is not valid.
pub fn read(here: &Surroundings) -> Result<Option<WorkspaceFile>, Problem> {
    let file = WorkspaceFile::read(&here.dir)?;
    if let Some(file) = &file {
        say(file, here);
    }
    Ok(file)
}

/// The workspace's file, or the initial content of a new one.
///
/// # Errors
/// As [`read`].
pub fn read_or_new(here: &Surroundings) -> Result<WorkspaceFile, Problem> {
    let file = entries::read_or_new(&here.dir)?;
    say(&file, here);
    Ok(file)
}

/// Reports once which keys look like misspelled fields.
pub fn say(file: &WorkspaceFile, here: &Surroundings) {
    for misspelled in &file.misspelled {
        here.say_once(&misspelled.to_string());
    }
}
