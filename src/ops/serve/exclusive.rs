//! One `serve` per workspace: a lock that the system drops with the process,
//! and the file that tells others where it listens.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::ops::Failure;
use crate::problem::Problem;
use crate::workspace::running::{self, RunningServe};
use crate::workspace::store;

/// Held while this process serves the workspace; the file goes with it.
pub(super) struct Claim {
    path: PathBuf,
    /// The lock ends when the file is closed.
    _lock: File,
}

/// Claims the workspace folder; `None` where nothing can be written, so that
/// nobody can be told either.
///
/// # Errors
/// When another process serves it: exit 3, naming that process.
pub(super) fn claim(workspace: &Path) -> Result<Option<Claim>, Failure> {
    let (path, lock_path) = (workspace.join(running::FILE), workspace.join(running::LOCK));
    let lock = match running::open_lock(workspace) {
        Ok(lock) => lock,
        Err(error) => {
            tracing::warn!(
                "{} cannot be written ({}), so probe will not find this gateway by itself",
                if lock_path.exists() { &lock_path } else { &path }.display(),
                crate::files::plain(&error)
            );
            return Ok(None);
        }
    };
    match lock.try_lock() {
        Ok(()) => Ok(Some(Claim { path, _lock: lock })),
        Err(std::fs::TryLockError::WouldBlock) => Err(Failure::runtime(already_served(workspace, &path))),
        Err(std::fs::TryLockError::Error(error)) => {
            tracing::warn!(
                "{} cannot be locked: {}",
                lock_path.display(),
                crate::files::plain(&error)
            );
            Ok(None)
        }
    }
}

fn already_served(workspace: &Path, path: &Path) -> Problem {
    let folder = match workspace.to_str() {
        Some(".") => "this folder".to_owned(),
        _ => workspace.display().to_string(),
    };
    let first = std::fs::read(path)
        .ok()
        .and_then(|content| serde_json::from_slice::<RunningServe>(&content).ok());
    match first {
        Some(first) => {
            let addresses: Vec<String> = first.listeners.iter().map(|open| open.address.to_string()).collect();
            Problem::new(format!("{folder} is served already, by process {}", first.pid))
                .at(format!("{}, admin {}", addresses.join(", "), first.admin))
                .fix(format!("use that one, or end it first: kill {}", first.pid))
        }
        None => Problem::new(format!("{folder} is served already, by another process"))
            .fix("end it first, or serve another folder with -C"),
    }
}

impl Claim {
    /// Writes what others find this gateway by.
    pub(super) fn publish(&self, running: &RunningServe) {
        let written = serde_json::to_string_pretty(running)
            .map_err(|error| Problem::new(error.to_string()))
            .and_then(|content| store::write_file(&self.path, format!("{content}\n").as_bytes(), 0o600));
        if let Err(problem) = written {
            tracing::warn!("{problem}");
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // It may have been removed with the folder.
        let _ = std::fs::remove_file(&self.path);
    }
}
