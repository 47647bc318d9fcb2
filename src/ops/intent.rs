//! The intended state of the workspace's hosts; see [`crate::sources::intent`]. Reports
//! what was repaired on the way.

use super::entries;
use super::surroundings::Surroundings;
use crate::problem::Problem;
pub use crate::sources::intent::{
    entries_of, intent, intent_or_keyless, issuer_key, material, material_by, of_host, secrets_of,
};
use crate::sources::workspace::Workspace;
use crate::workspace::config::WorkspaceConfig;
use crate::workspace::store;

/// The content of istio-tls.yaml, and the chains without an entry in it, which are
/// reported to the observer.
///
/// # Errors
/// If the folder or the file cannot be read, or there is no host at all.
pub fn workspace(here: &Surroundings) -> Result<WorkspaceConfig, Problem> {
    store::tidy(&here.dir)?;
    let workspace = Workspace::with_hosts(&here.dir)?;
    say(&workspace, here);
    Ok(workspace.config)
}

/// Reports once where the workspace differs from its file, and what has no effect in it.
pub fn say(workspace: &Workspace, here: &Surroundings) {
    if let Some(file) = &workspace.file {
        entries::say(file, here);
    }
    for discrepancy in &workspace.discrepancies {
        here.say_once(&Problem::from(discrepancy).text(&here.aim));
    }
}
