//! One `serve` per workspace: a lock that the system releases with the process, and a
//! file that tells others its addresses.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::ops::Failure;
use crate::problem::Problem;
use crate::remedy::{Aim, Kind, Line, Remedy};
use crate::workspace::layout::STATE_FOLDER;
use crate::workspace::running::{self, RunningServe};
use crate::workspace::store;

/// Held while this process serves the workspace; the file is removed with it.
pub(super) struct Claim {
    path: PathBuf,
    /// The user's context, for commands in the log.
    aim: Aim,
    /// The lock is released when the file is closed.
    _lock: File,
}

/// Claims the workspace folder; `None` if nothing can be written, so that others cannot
/// find this process either.
///
/// # Errors
/// A runtime failure if another process serves it, naming that process.
pub(super) fn claim(workspace: &Path, aim: &Aim) -> Result<Option<Claim>, Failure> {
    let state = workspace.join(STATE_FOLDER);
    let (path, lock_path) = (workspace.join(running::FILE), workspace.join(running::LOCK));
    let lock = match running::open_lock(workspace) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && state.is_dir() => {
            let problem = of_another_user(workspace, &state, &lock_path, &error);
            tracing::warn!("{}\nprobe will not find this gateway by itself", problem.text(aim));
            return Ok(None);
        }
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
        Ok(()) => Ok(Some(Claim {
            path,
            aim: aim.clone(),
            _lock: lock,
        })),
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

/// A lock file that may not be opened: it is unknown whether it is locked.
fn of_another_user(workspace: &Path, state: &Path, lock: &Path, error: &io::Error) -> Problem {
    let owner = |path: &Path| path.metadata().ok().map(|metadata| metadata.uid());
    let closed = if lock.exists() { lock } else { state };
    let problem = Problem::new(format!("{} cannot be opened", closed.display()));
    let why = crate::files::plain(error);
    match (owner(closed), owner(workspace)) {
        (Some(other), Some(own)) if other != own => {
            let chown = Line::new(Kind::TakeOwnership, ["sudo", "chown", "-R"]).arg(own.to_string());
            problem
                .why(format!(
                    "{why}; it belongs to the user {other}, whose serve is running here or has left it behind"
                ))
                .fix(chown.arg(state.display().to_string()))
        }
        _ => problem
            .why(why)
            .fix("run serve as the owner of the workspace, or select another folder with -C"),
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
            Problem::new(format!("{folder} is already served, by process {}", first.pid))
                .at(format!("{}, admin {}", addresses.join(", "), first.admin))
                .fix(
                    Remedy::from("use that one, or stop it first: ")
                        .and(Line::new(Kind::Kill, ["kill".to_owned(), first.pid.to_string()])),
                )
        }
        None => Problem::new(format!("{folder} is already served, by another process"))
            .fix("stop it first, or serve another folder with -C"),
    }
}

impl Claim {
    /// Writes the file by which others find this gateway.
    pub(super) fn publish(&self, running: &RunningServe) {
        let written = serde_json::to_string_pretty(running)
            .map_err(|error| Problem::new(error.to_string()))
            .and_then(|content| store::write_file(&self.path, format!("{content}\n").as_bytes(), 0o600));
        if let Err(problem) = written {
            tracing::warn!("{}", problem.text(&self.aim));
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // It may have been removed with the folder.
        let _ = std::fs::remove_file(&self.path);
    }
}
