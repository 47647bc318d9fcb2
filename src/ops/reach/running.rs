//! The `serve` that runs in a workspace.

use std::time::Duration;

use crate::files;
use crate::ops::surroundings::Surroundings;
use crate::probe::local;
use crate::workspace::running::{self, RunningServe};

/// How long its admin may take to say that it is alive.
const ADMIN_PATIENCE: Duration = Duration::from_secs(1);
/// The most that is read of the note that it leaves.
const NOTE_LIMIT: u64 = 1 << 20;

/// The `serve` of this workspace, if one runs and says so.
pub async fn running_serve(here: &Surroundings) -> Option<RunningServe> {
    let content = files::read(&here.dir.join(running::FILE), NOTE_LIMIT).ok()?;
    let serve: RunningServe = serde_json::from_slice(&content).ok()?;
    local::answers(&serve, ADMIN_PATIENCE).await.then_some(serve)
}
