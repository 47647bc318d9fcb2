//! What is wanted of the workspace's hosts; see [`crate::sources::intent`]. What
//! was repaired on the way is said here.

use std::path::Path;

use super::context::note_once;
use super::entries;
use crate::problem::Problem;
pub(super) use crate::sources::intent::{
    entries_of, intent, intent_or_keyless, issuer_key, material, material_by, of_host, secrets_of,
};
use crate::sources::workspace::Workspace;
use crate::workspace::config::WorkspaceConfig;
use crate::workspace::store;

/// What istio-tls.yaml says, and below it the chains that it does not name, which
/// are told of on standard error.
///
/// # Errors
/// When the folder or the file cannot be read, or there is no host at all.
pub(super) fn workspace(dir: &Path) -> Result<WorkspaceConfig, Problem> {
    store::tidy(dir)?;
    let workspace = Workspace::with_hosts(dir)?;
    say(&workspace);
    Ok(workspace.config)
}

/// Says once what in the workspace was not as its file says.
pub(super) fn say(workspace: &Workspace) {
    workspace.file.iter().for_each(entries::say);
    for repair in &workspace.repairs {
        note_once(&repair.to_string());
    }
}
