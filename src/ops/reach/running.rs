//! The running `serve` of a workspace.

use std::time::Duration;

use crate::ops::failure::Failure;
use crate::ops::surroundings::Surroundings;
use crate::probe::local;
use crate::workspace::running::RunningServe;

/// How long to wait for its admin interface.
const ADMIN_PATIENCE: Duration = Duration::from_secs(1);

/// The `serve` of this workspace, if it is running and answers.
///
/// # Errors
/// If its state file may not be read: exit 3.
pub async fn running_serve(here: &Surroundings) -> Result<Option<RunningServe>, Failure> {
    let Some(serve) = RunningServe::read(&here.dir).map_err(Failure::runtime)? else {
        return Ok(None);
    };
    Ok(local::answers(&serve, ADMIN_PATIENCE).await.then_some(serve))
}
