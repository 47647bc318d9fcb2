//! What is wanted of the workspace's hosts; see [`crate::sources::intent`]. What was
//! repaired on the way is told here.

use super::entries;
use super::surroundings::Surroundings;
use crate::problem::Problem;
pub use crate::sources::intent::{
    entries_of, intent, intent_or_keyless, issuer_key, material, material_by, of_host, secrets_of,
};
use crate::sources::workspace::Workspace;
use crate::workspace::config::WorkspaceConfig;
use crate::workspace::store;

/// What istio-tls.yaml says, and below it the chains that it does not name, which
/// the observer is told of.
///
/// # Errors
/// When the folder or the file cannot be read, or there is no host at all.
pub fn workspace(here: &Surroundings) -> Result<WorkspaceConfig, Problem> {
    store::tidy(&here.dir)?;
    let workspace = Workspace::with_hosts(&here.dir)?;
    say(&workspace, here);
    Ok(workspace.config)
}

/// Tells once in what the workspace is not as its file says, and what in that has no effect.
pub fn say(workspace: &Workspace, here: &Surroundings) {
    if let Some(file) = &workspace.file {
        entries::say(file, here);
    }
    for discrepancy in &workspace.discrepancies {
        here.say_once(&Problem::from(discrepancy).text(&here.aim));
    }
}
