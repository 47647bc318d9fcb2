//! The `serve` that runs in a workspace.

use std::time::Duration;

use crate::ops::failure::Failure;
use crate::ops::surroundings::Surroundings;
use crate::probe::local;
use crate::workspace::running::RunningServe;

/// How long its admin may take to say that it is alive.
const ADMIN_PATIENCE: Duration = Duration::from_secs(1);

/// The `serve` of this workspace, if one runs and says so.
///
/// # Errors
/// When what it says may not be read: exit 3.
pub async fn running_serve(here: &Surroundings) -> Result<Option<RunningServe>, Failure> {
    let Some(serve) = RunningServe::read(&here.dir).map_err(Failure::runtime)? else {
        return Ok(None);
    };
    Ok(local::answers(&serve, ADMIN_PATIENCE).await.then_some(serve))
}
