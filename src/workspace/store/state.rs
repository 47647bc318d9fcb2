//! The workspace's own folder, `.istio-tls`: the lock, and cleaning up after a killed
//! process.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::atomic::{SECRET, cannot_write, make_folders};
use crate::files;
use crate::problem::Problem;
use crate::workspace::layout::STATE_FOLDER;

/// Held by the only process that may write.
pub(super) const LOCK: &str = "lock";
/// Excludes the old trees, which contain private keys, from version control.
pub(super) const GITIGNORE: &str = ".gitignore";
/// The prefix of a folder in which a process builds trees.
pub(super) const STAGING_PREFIX: &str = "new-";
/// The suffix of a file with the inode of the new tree of an exchange.
pub(super) const SWAP_SUFFIX: &str = ".swap";
/// The folder of replaced trees, in [`STATE_FOLDER`].
pub const OLD: &str = "old";

/// Completes what a killed process left unfinished, if nobody is writing now. For
/// commands that only read; writers do it when they open the store.
///
/// # Errors
/// If the state folder cannot be read or cleaned up.
pub fn tidy(dir: &Path) -> Result<(), Problem> {
    if dir.metadata().is_ok_and(|metadata| !metadata.is_dir()) {
        return Err(Problem::new(format!("{} is not a folder", dir.display())).why("not a directory"));
    }
    let state = dir.join(STATE_FOLDER);
    if !files::list(&state)?.iter().any(|name| name.starts_with(STAGING_PREFIX)) {
        return Ok(());
    }
    let path = state.join(LOCK);
    let lock = match OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(SECRET)
        .open(&path)
    {
        Ok(lock) => lock,
        // A user who may only read takes the folder as it is.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
            ) =>
        {
            return Ok(());
        }
        Err(error) => return Err(cannot_write(&path, &error)),
    };
    match lock.try_lock() {
        Ok(()) => recover(dir, &state),
        // Another process is working on it.
        Err(_) => Ok(()),
    }
}

/// Creates the state folder; returns whether it was new.
pub(super) fn make_state_folder(state: &Path) -> Result<bool, Problem> {
    match state.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(false),
        Ok(_) => Err(Problem::new(format!("{} cannot be used", state.display()))
            .why("it is a symbolic link or a file; keys are written below it")
            .fix(format!("move {} away", state.display()))),
        Err(_) => {
            make_folders(state).map_err(|error| cannot_write(state, &error))?;
            fs::write(state.join(GITIGNORE), "*\n").map_err(|error| {
                // Only if it was just created.
                let _ = fs::remove_file(state.join(GITIGNORE));
                let _ = fs::remove_dir(state);
                cannot_write(state, &error)
            })?;
            Ok(true)
        }
    }
}

/// Creates the state folder if there is none and takes its lock; returns whether the
/// folder was new. If another process holds the lock, returns none when `waits` says not
/// to wait. A process that wrote nothing removes what it created, so the lock that was
/// awaited may be gone once it is ours.
pub(super) fn lock_state(state: &Path, waits: impl FnOnce() -> bool) -> Result<Option<(File, bool)>, Problem> {
    let path = state.join(LOCK);
    let failed = |error: io::Error| cannot_write(&path, &error);
    let mut waits = Some(waits);
    loop {
        let created = make_state_folder(state)?;
        let opened = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(SECRET)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path);
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened.map_err(failed)?,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                if waits.take().is_some_and(|waits| !waits()) {
                    return Ok(None);
                }
                file.lock().map_err(failed)?;
            }
            Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
        }
        let held = file.metadata().map_err(failed)?.ino();
        if fs::metadata(&path).is_ok_and(|now| now.ino() == held) {
            return Ok(Some((file, created)));
        }
    }
}

/// Completes or undoes what killed processes left in the state folder.
pub(super) fn recover(dir: &Path, state: &Path) -> Result<(), Problem> {
    for name in files::list(state)? {
        if !name.starts_with(STAGING_PREFIX) {
            continue;
        }
        let staging = state.join(&name);
        for mark in files::list(&staging)? {
            if let Some(host) = mark.strip_suffix(SWAP_SUFFIX) {
                finish_swap(dir, state, &staging, host).map_err(|error| cannot_write(&dir.join(host), &error))?;
            }
        }
        fs::remove_dir_all(&staging).map_err(|error| cannot_write(&staging, &error))?;
    }
    Ok(())
}

pub(super) fn finish_swap(dir: &Path, state: &Path, staging: &Path, name: &str) -> io::Result<()> {
    let (tree, target) = (staging.join(name), dir.join(name));
    let Ok(metadata) = tree.symlink_metadata() else {
        return Ok(());
    };
    let new: Option<u64> = fs::read_to_string(staging.join(format!("{name}{SWAP_SUFFIX}")))?
        .parse()
        .ok();
    let tree_is_new = new == Some(metadata.ino());
    match (tree_is_new, target.symlink_metadata().is_ok()) {
        // The first step of the two-step rename was done.
        (true, false) => fs::rename(&tree, &target),
        // The trees were exchanged, but the old one was not moved to its folder yet.
        (false, true) => move_to_old(&tree, &state.join(OLD).join(name)),
        _ => Ok(()),
    }
}

pub(super) fn move_to_old(tree: &Path, old: &Path) -> io::Result<()> {
    if let Some(parent) = old.parent() {
        make_folders(parent)?;
    }
    match fs::remove_dir_all(old) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(tree, old)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{STATE_FOLDER, recover};

    #[test]
    fn what_a_kill_leaves_is_finished() {
        for (what, tree, stands, expected, old) in [
            ("built, not exchanged", "new", Some("old"), "old", None),
            ("exchanged, not put away", "old", Some("new"), "new", Some("old")),
            ("first of two steps", "new", None, "new", None),
        ] {
            let dir = tempfile::tempdir().expect("a folder");
            let staging = dir.path().join(".istio-tls/new-1");
            fs::create_dir_all(staging.join("a.com")).expect("made");
            fs::write(staging.join("a.com/which"), tree).expect("written");
            let mut inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(staging.join("a.com")).expect("there"));
            if let Some(stands) = stands {
                fs::create_dir_all(dir.path().join("a.com")).expect("made");
                fs::write(dir.path().join("a.com/which"), stands).expect("written");
                if stands == "new" {
                    inode =
                        std::os::unix::fs::MetadataExt::ino(&fs::metadata(dir.path().join("a.com")).expect("there"));
                }
            }
            fs::write(staging.join("a.com.swap"), inode.to_string()).expect("written");
            recover(dir.path(), &dir.path().join(STATE_FOLDER)).expect(what);
            let which = fs::read_to_string(dir.path().join("a.com/which")).expect(what);
            assert_eq!(which, expected, "{what}");
            assert!(!staging.exists(), "{what}");
            assert_eq!(
                fs::read_to_string(dir.path().join(".istio-tls/old/a.com/which"))
                    .ok()
                    .as_deref(),
                old,
                "{what}"
            );
        }
    }
}
