//! Reads chains from the workspace folder and writes them, each all at once:
//! a tree is built beside (`.istio-tls/new-XXXX/HOST`) and exchanged with the
//! one that stands there in a single step. A process killed at any moment
//! leaves the whole old chain or the whole new one; the next start tidies up.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::layout::{ChainLayout, Part, RootLayout, STATE_FOLDER, host_of_folder};
use crate::files::{self, PEM_LIMIT, plain};
use crate::problem::Problem;

/// The mode of files that anyone may read.
pub const PUBLIC: u32 = 0o644;
/// The mode of files that hold a private key.
pub const SECRET: u32 = 0o600;
const FOLDER: u32 = 0o700;
const LOCK: &str = "lock";
const STAGING_PREFIX: &str = "new-";
const SWAP_SUFFIX: &str = ".swap";
const OLD: &str = "old";

/// What becomes of the files that stand in a chain's folder already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// A new chain: all parts of the old one go, other files stay.
    OtherFiles,
    /// The same chain with some parts added or renewed: all other files stay.
    Everything,
}

/// A workspace folder opened for writing, by one process at a time.
pub struct Store {
    dir: PathBuf,
    state: PathBuf,
    staging: PathBuf,
    _lock: File,
    exchange: bool,
    created: bool,
    wrote: AtomicBool,
}

/// Reads a part of a chain; none if it is not there.
///
/// # Errors
/// When it is there and cannot be read.
pub fn read(layout: &ChainLayout, part: Part<'_>) -> Result<Option<Vec<u8>>, Problem> {
    let path = layout.path(part);
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound || error.kind() == io::ErrorKind::NotADirectory => {
            Ok(None)
        }
        _ => files::read(&path, PEM_LIMIT).map(Some),
    }
}

/// Whether any part of a chain stands in the host's folder.
pub fn has_chain(layout: &ChainLayout) -> bool {
    if layout.folder().symlink_metadata().is_err() {
        return false;
    }
    [
        Part::RootCert,
        Part::RootKey,
        Part::IntermediateCert,
        Part::CaChain,
        Part::IntermediateKey,
        Part::ServerCert,
        Part::ServerKey,
    ]
    .into_iter()
    .any(|part| layout.path(part).symlink_metadata().is_ok())
}

/// The clients whose certificates stand in the host's folder: the host's own
/// first, then by name.
///
/// # Errors
/// When the folder cannot be read.
pub fn clients(layout: &ChainLayout) -> Result<Vec<String>, Problem> {
    let folder = layout.folder().join("4_client/certs");
    let own = layout.host().folder_name();
    let mut names = Vec::new();
    for name in file_names(&folder)? {
        if let Some(name) = name.strip_suffix(".cert.pem") {
            if name == own {
                names.push(layout.host().as_str().to_owned());
            } else {
                names.push(name.replace("_wildcard.", "*."));
            }
        }
    }
    names.sort_by_key(|name| (name != layout.host().as_str(), name.clone()));
    Ok(names)
}

/// The chains of a folder: those with a server certificate, sorted by host.
///
/// # Errors
/// When the folder cannot be read.
pub fn find_chains(dir: &Path) -> Result<Vec<ChainLayout>, Problem> {
    let mut found: Vec<ChainLayout> = file_names(dir)?
        .iter()
        .filter_map(|name| host_of_folder(name))
        .map(|host| ChainLayout::new(dir, &host))
        .filter(|layout| layout.path(Part::ServerCert).exists())
        .collect();
    found.sort();
    Ok(found)
}

/// Finishes what a killed process left half done, if nobody is writing now.
/// For commands that only read; writers do it when they open the store.
///
/// # Errors
/// When the state folder cannot be read or tidied.
pub fn tidy(dir: &Path) -> Result<(), Problem> {
    let state = dir.join(STATE_FOLDER);
    if !file_names(&state)?.iter().any(|name| name.starts_with(STAGING_PREFIX)) {
        return Ok(());
    }
    let lock = File::open(state.join(LOCK)).map_err(|error| cannot_write(&state.join(LOCK), &error))?;
    match lock.try_lock() {
        Ok(()) => recover(dir, &state),
        // Another process is at work on it.
        Err(_) => Ok(()),
    }
}

/// Writes a file under a temporary name and renames it into place; a symbolic
/// link there is replaced, not followed.
///
/// # Errors
/// When it cannot be written; what stood there still does.
pub fn write_file(path: &Path, content: &[u8], mode: u32) -> Result<(), Problem> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    PendingFile::new(folder, path, content, mode)?.commit()
}

/// A file that is written whole under another name, and only needs its own.
pub struct PendingFile {
    file: tempfile::NamedTempFile,
    path: PathBuf,
}

impl PendingFile {
    fn new(folder: &Path, path: &Path, content: &[u8], mode: u32) -> Result<Self, Problem> {
        let write = || -> io::Result<tempfile::NamedTempFile> {
            let mut file = tempfile::Builder::new().prefix(".istio-tls-").tempfile_in(folder)?;
            file.write_all(content)?;
            file.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
            Ok(file)
        };
        Ok(Self {
            file: write().map_err(|error| cannot_write(path, &error))?,
            path: path.to_owned(),
        })
    }

    /// Puts the file in its place, where a symbolic link is replaced.
    ///
    /// # Errors
    /// When it cannot be renamed; what stood there still does.
    pub fn commit(self) -> Result<(), Problem> {
        let Self { file, path } = self;
        match file.persist(&path) {
            Ok(_) => Ok(()),
            Err(error) => Err(cannot_write(&path, &error.error)),
        }
    }
}

impl Store {
    /// Opens the workspace folder for writing, made if absent. Waits for
    /// another process that writes there, after `waiting` was called. Finishes
    /// what a killed process left half done.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(dir: &Path, waiting: impl FnOnce()) -> Result<Self, Problem> {
        Self::open_as(dir, waiting, true)
    }

    fn open_as(dir: &Path, waiting: impl FnOnce(), exchange: bool) -> Result<Self, Problem> {
        make_folders(dir).map_err(|error| cannot_write(dir, &error))?;
        let state = dir.join(STATE_FOLDER);
        let (lock, created) = lock_state(&state, waiting)?;
        recover(dir, &state)?;
        let staging = tempfile::Builder::new()
            .prefix(STAGING_PREFIX)
            .tempdir_in(&state)
            .map_err(|error| cannot_write(&state, &error))?
            .keep();
        Ok(Self {
            dir: dir.to_owned(),
            state,
            staging,
            _lock: lock,
            exchange,
            created,
            wrote: AtomicBool::new(false),
        })
    }

    /// Writes parts of a chain in one step; `keep` says what else of an
    /// existing tree stays. The tree that stood there is kept under
    /// `.istio-tls/old/` until the next success.
    ///
    /// # Errors
    /// When a file cannot be written, or the folder is a symbolic link; what
    /// stood there still does.
    pub fn write_chain(&self, layout: &ChainLayout, parts: &[(Part<'_>, &[u8])], keep: Keep) -> Result<(), Problem> {
        let target = layout.folder();
        let folder_name = layout.host().folder_name();
        let tree = self.staging.join(&folder_name);
        let stands = match target.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => true,
            Ok(_) => {
                return Err(Problem::new(format!("{} cannot be written", target.display()))
                    .why("it is a symbolic link or a file; a chain stands in a folder of its own")
                    .fix(format!("move {} away, or adopt it from elsewhere", target.display())));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(cannot_write(&target, &error)),
        };
        let outcome = self
            .build(layout, &tree, parts)
            .and_then(|()| {
                if stands {
                    carry_over(layout, &tree, keep)?;
                }
                self.publish(&tree, &target, &folder_name, stands)
            })
            .map_err(|(path, error)| cannot_write(&path, &error));
        if outcome.is_err() {
            // What was built is of no use; the error to tell is the first one.
            let _ = fs::remove_dir_all(&tree);
        } else {
            self.wrote.store(true, Ordering::Relaxed);
        }
        outcome
    }

    /// Writes a file that waits for its name until it is committed, so that
    /// what may fail has been done before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn prepare_file(&self, path: &Path, content: &[u8], mode: u32) -> Result<PendingFile, Problem> {
        PendingFile::new(&self.staging, path, content, mode)
    }

    /// Writes a root that many hosts share, where there is none yet.
    ///
    /// # Errors
    /// When a half of it stands there, or it cannot be written.
    pub fn write_root(&self, layout: &RootLayout, cert: &[u8], key: &[u8]) -> Result<(), Problem> {
        for path in [layout.cert(), layout.key()] {
            if path.symlink_metadata().is_ok() {
                return Err(Problem::new(format!("{} exists already", path.display()))
                    .why("a root is written only where neither its certificate nor its key stands")
                    .fix("give another folder to --root, or complete the root that is there"));
            }
        }
        let tree = self.staging.join("root");
        let staged = RootLayout::new(&tree);
        let write = |place: &RootLayout| -> Result<(), (PathBuf, io::Error)> {
            for (path, content, mode) in [(place.key(), key, SECRET), (place.cert(), cert, PUBLIC)] {
                if let Some(folder) = path.parent() {
                    make_folders(folder).map_err(|error| (folder.to_owned(), error))?;
                }
                write_new(&path, content, mode)?;
            }
            Ok(())
        };
        let folder = layout.folder();
        let outcome = if folder.symlink_metadata().is_ok() {
            write(layout)
        } else {
            let parent = folder
                .parent()
                .filter(|parent| *parent != Path::new(""))
                .unwrap_or(Path::new("."));
            make_folders(parent)
                .map_err(|error| (parent.to_owned(), error))
                .and_then(|()| write(&staged))
                .and_then(|()| match fs::rename(&tree, folder) {
                    // Another file system cannot be renamed to.
                    Err(error) if error.kind() == io::ErrorKind::CrossesDevices => write(layout),
                    Err(error) => Err((folder.to_owned(), error)),
                    Ok(()) => Ok(()),
                })
        };
        // Left only after an error or a write to another file system.
        let _ = fs::remove_dir_all(&tree);
        outcome.map_err(|(path, error)| cannot_write(&path, &error))?;
        self.wrote.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Takes back a root that was just written and has signed nothing that stands.
    pub fn remove_root(&self, layout: &RootLayout) {
        // What cannot be removed is a root like any other.
        for file in [layout.cert(), layout.key()] {
            let _ = fs::remove_file(&file);
            if let Some(folder) = file.parent() {
                let _ = fs::remove_dir(folder);
            }
        }
        let _ = fs::remove_dir(layout.folder());
    }

    fn build(
        &self,
        layout: &ChainLayout,
        tree: &Path,
        parts: &[(Part<'_>, &[u8])],
    ) -> Result<(), (PathBuf, io::Error)> {
        make_folders(tree).map_err(|error| (tree.to_owned(), error))?;
        let mut made: Vec<PathBuf> = Vec::new();
        for (part, content) in parts {
            let relative = layout.relative(*part);
            let at = |error| (layout.path(*part), error);
            for folder in folders_above(&relative) {
                if !made.iter().any(|known| known == folder) {
                    DirBuilder::new().mode(FOLDER).create(tree.join(folder)).map_err(at)?;
                    made.push(folder.to_owned());
                }
            }
            let mode = if part.is_secret() { SECRET } else { PUBLIC };
            write_new(&tree.join(relative), content, mode).map_err(|(_, error)| at(error))?;
        }
        Ok(())
    }

    /// Puts a finished tree in its place.
    fn publish(&self, tree: &Path, target: &Path, name: &str, stands: bool) -> Result<(), (PathBuf, io::Error)> {
        let at_target = |error: io::Error| (target.to_owned(), error);
        if !stands {
            return match renameat_with(CWD, tree, CWD, target, RenameFlags::NOREPLACE) {
                Ok(()) => Ok(()),
                Err(error) if unsupported(error) => fs::rename(tree, target).map_err(at_target),
                Err(error) => Err(at_target(error.into())),
            };
        }
        // Says which of the two trees is the new one, for a start after a kill.
        let mark = self.staging.join(format!("{name}{SWAP_SUFFIX}"));
        let at_mark = |error: io::Error| (mark.clone(), error);
        let inode = fs::metadata(tree).map_err(at_target)?.ino();
        // Appears whole or not at all.
        let unfinished = self.staging.join("mark");
        fs::write(&unfinished, inode.to_string()).map_err(at_mark)?;
        fs::rename(&unfinished, &mark).map_err(at_mark)?;
        let old = self.state.join(OLD).join(name);
        let exchanged = if self.exchange {
            match renameat_with(CWD, tree, CWD, target, RenameFlags::EXCHANGE) {
                Ok(()) => true,
                Err(error) if unsupported(error) => false,
                Err(error) => return Err(at_target(error.into())),
            }
        } else {
            false
        };
        if exchanged {
            // The new chain stands; the old one's copy is a courtesy.
            if move_to_old(tree, &old).is_err() {
                let _ = fs::remove_dir_all(tree);
            }
        } else {
            move_to_old(target, &old).map_err(|error| (old.clone(), error))?;
            if let Err(error) = fs::rename(tree, target) {
                // Back to what was.
                let _ = fs::rename(&old, target);
                return Err(at_target(error));
            }
        }
        // Left over, it would only be tidied at the next start.
        let _ = fs::remove_file(&mark);
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // What cannot be removed here is removed at the next start.
        let _ = fs::remove_dir_all(&self.staging);
        if self.created && !self.wrote.load(Ordering::Relaxed) {
            for name in [LOCK, ".gitignore"] {
                let _ = fs::remove_file(self.state.join(name));
            }
            let _ = fs::remove_dir(&self.state);
        }
        debug_assert!(self.state.starts_with(&self.dir));
    }
}

/// Makes the state folder; says whether it was new.
fn make_state_folder(state: &Path) -> Result<bool, Problem> {
    match state.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(false),
        Ok(_) => Err(Problem::new(format!("{} cannot be used", state.display()))
            .why("it is a symbolic link or a file; keys are written below it")
            .fix(format!("move {} away", state.display()))),
        Err(_) => {
            make_folders(state).map_err(|error| cannot_write(state, &error))?;
            // Old trees hold private keys.
            fs::write(state.join(".gitignore"), "*\n").map_err(|error| {
                // Only what was just made.
                let _ = fs::remove_file(state.join(".gitignore"));
                let _ = fs::remove_dir(state);
                cannot_write(state, &error)
            })?;
            Ok(true)
        }
    }
}

/// Makes the state folder if there is none and takes its lock; says whether the
/// folder was new. A process that wrote nothing removes what it made, so the
/// lock waited for may be gone once it is ours.
fn lock_state(state: &Path, waiting: impl FnOnce()) -> Result<(File, bool), Problem> {
    let path = state.join(LOCK);
    let failed = |error: io::Error| cannot_write(&path, &error);
    let mut waiting = Some(waiting);
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
                if let Some(waiting) = waiting.take() {
                    waiting();
                }
                file.lock().map_err(failed)?;
            }
            Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
        }
        let held = file.metadata().map_err(failed)?.ino();
        if fs::metadata(&path).is_ok_and(|now| now.ino() == held) {
            return Ok((file, created));
        }
    }
}

/// Finishes or undoes what processes that were killed left in the state folder.
fn recover(dir: &Path, state: &Path) -> Result<(), Problem> {
    for name in file_names(state)? {
        if !name.starts_with(STAGING_PREFIX) {
            continue;
        }
        let staging = state.join(&name);
        for mark in file_names(&staging)? {
            if let Some(host) = mark.strip_suffix(SWAP_SUFFIX) {
                finish_swap(dir, state, &staging, host).map_err(|error| cannot_write(&dir.join(host), &error))?;
            }
        }
        fs::remove_dir_all(&staging).map_err(|error| cannot_write(&staging, &error))?;
    }
    Ok(())
}

fn finish_swap(dir: &Path, state: &Path, staging: &Path, name: &str) -> io::Result<()> {
    let (tree, target) = (staging.join(name), dir.join(name));
    let Ok(metadata) = tree.symlink_metadata() else {
        return Ok(());
    };
    let new: Option<u64> = fs::read_to_string(staging.join(format!("{name}{SWAP_SUFFIX}")))?
        .parse()
        .ok();
    let tree_is_new = new == Some(metadata.ino());
    match (tree_is_new, target.symlink_metadata().is_ok()) {
        // The two-step rename had made its first step.
        (true, false) => fs::rename(&tree, &target),
        // Exchanged, and the old tree was not put away yet.
        (false, true) => move_to_old(&tree, &state.join(OLD).join(name)),
        _ => Ok(()),
    }
}

fn move_to_old(tree: &Path, old: &Path) -> io::Result<()> {
    if let Some(parent) = old.parent() {
        make_folders(parent)?;
    }
    match fs::remove_dir_all(old) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(tree, old)
}

/// Copies what stands in the host's folder and is to stay into the new tree.
fn carry_over(layout: &ChainLayout, tree: &Path, keep: Keep) -> Result<(), (PathBuf, io::Error)> {
    let source = layout.folder();
    copy_missing(&source, &source, tree, &|relative| {
        keep == Keep::OtherFiles && is_part(layout, relative)
    })
}

fn copy_missing(
    top: &Path,
    source: &Path,
    target: &Path,
    left_out: &dyn Fn(&Path) -> bool,
) -> Result<(), (PathBuf, io::Error)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error: io::Error| (path, error)
    };
    for entry in fs::read_dir(source).map_err(at(source))? {
        let entry = entry.map_err(at(source))?;
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        let kind = entry.file_type().map_err(at(&from))?;
        let relative = from.strip_prefix(top).unwrap_or(&from);
        if kind.is_dir() {
            make_folders(&to).map_err(at(&to))?;
            copy_missing(top, &from, &to, left_out)?;
        } else if left_out(relative) || to.symlink_metadata().is_ok() {
            // Replaced, or of the old chain.
        } else if kind.is_symlink() {
            let link = fs::read_link(&from).map_err(at(&from))?;
            std::os::unix::fs::symlink(link, &to).map_err(at(&to))?;
        } else if kind.is_file() {
            fs::copy(&from, &to).map_err(at(&from))?;
        } else {
            return Err((
                from,
                io::Error::other("it is no regular file and cannot be carried over"),
            ));
        }
    }
    Ok(())
}

/// Whether a path below the host's folder is a file of a chain.
fn is_part(layout: &ChainLayout, relative: &Path) -> bool {
    let fixed = [
        Part::RootCert,
        Part::RootKey,
        Part::RootCrl,
        Part::IntermediateCert,
        Part::CaChain,
        Part::IntermediateKey,
        Part::IntermediateCrl,
        Part::ServerCert,
        Part::ServerKey,
    ];
    if fixed.iter().any(|part| layout.relative(*part) == relative) {
        return true;
    }
    let text = relative.to_string_lossy();
    (text.starts_with("4_client/certs/") && text.ends_with(".cert.pem"))
        || (text.starts_with("4_client/private/") && (text.ends_with(".key.pem") || text.ends_with(".p12")))
}

/// The folders of a relative path, the outermost first.
fn folders_above(relative: &Path) -> Vec<&Path> {
    let mut folders: Vec<&Path> = relative
        .ancestors()
        .skip(1)
        .filter(|folder| *folder != Path::new(""))
        .collect();
    folders.reverse();
    folders
}

/// Writes a file that must not exist yet, into a folder that does.
fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), (PathBuf, io::Error)> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(content)?;
        // A strict umask would keep the gateway's user from reading it.
        if mode == PUBLIC && file.metadata()?.mode() & 0o777 != PUBLIC {
            file.set_permissions(fs::Permissions::from_mode(PUBLIC))?;
        }
        Ok(())
    };
    write().map_err(|error| (path.to_owned(), error))
}

fn make_folders(path: &Path) -> io::Result<()> {
    if path.components().all(|part| part == Component::CurDir) {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(FOLDER).create(path)
}

/// The names in a folder; none if there is no such folder. Names that are no
/// text are nothing of ours.
fn file_names(folder: &Path) -> Result<Vec<String>, Problem> {
    let failed = |error: io::Error| Problem::new(format!("{} cannot be read", folder.display())).why(plain(&error));
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        if let Ok(name) = entry.map_err(failed)?.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}

fn unsupported(error: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    error == Errno::INVAL || error == Errno::NOSYS || error == Errno::NOTSUP || error == Errno::OPNOTSUPP
}

fn cannot_write(path: &Path, error: &io::Error) -> Problem {
    let path = path.strip_prefix(".").unwrap_or(path);
    let path = if path == Path::new("") { Path::new(".") } else { path };
    Problem::new(format!("{} cannot be written", path.display())).why(plain(error))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::{Keep, Store, clients, find_chains, has_chain, read, recover};
    use crate::names::Host;
    use crate::workspace::layout::{ChainLayout, Part, RootLayout, STATE_FOLDER};

    const PARTS: &[Part<'_>] = &[
        Part::RootKey,
        Part::ServerCert,
        Part::ServerKey,
        Part::ClientCert("a.com"),
    ];

    fn layout(dir: &tempfile::TempDir) -> ChainLayout {
        ChainLayout::new(dir.path(), &Host::parse("a.com").expect("a host"))
    }

    fn write(store: &Store, layout: &ChainLayout, text: &str) {
        let parts: Vec<_> = PARTS.iter().map(|part| (*part, text.as_bytes())).collect();
        store.write_chain(layout, &parts, Keep::OtherFiles).expect("written");
    }

    fn mode(path: impl AsRef<std::path::Path>) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn a_chain_is_replaced_whole_with_and_without_exchange() {
        for exchange in [true, false] {
            let dir = tempfile::tempdir().expect("a folder");
            let layout = layout(&dir);
            let store = Store::open_as(dir.path(), || (), exchange).expect("open");
            write(&store, &layout, "one");
            assert_eq!(mode(layout.path(Part::ServerKey)), 0o600);
            assert_eq!(mode(layout.path(Part::ServerCert)), 0o644);
            assert_eq!(mode(layout.folder()), 0o700);
            fs::write(layout.folder().join("notes.txt"), "mine").expect("written");
            std::os::unix::fs::symlink("/nowhere", layout.folder().join("link")).expect("linked");
            let alice = layout.path(Part::ClientCert("alice"));
            fs::write(&alice, "old client").expect("written");
            assert_eq!(clients(&layout).expect("clients"), ["a.com", "alice"]);
            write(&store, &layout, "two");
            for part in PARTS {
                assert_eq!(read(&layout, *part).expect("read").expect("there"), b"two");
            }
            assert_eq!(fs::read(layout.folder().join("notes.txt")).expect("kept"), b"mine");
            assert!(layout.folder().join("link").is_symlink());
            assert!(!alice.exists(), "a client of the old chain stayed");
            let old = dir
                .path()
                .join(".istio-tls/old/a.com/3_application/certs/a.com.cert.pem");
            assert_eq!(fs::read(old).expect("kept"), b"one");
            store
                .write_chain(&layout, &[(Part::ClientCert("bob"), b"three")], Keep::Everything)
                .expect("written");
            assert_eq!(read(&layout, Part::ServerKey).expect("read").expect("there"), b"two");
            drop(store);
            let left: Vec<_> = fs::read_dir(dir.path().join(STATE_FOLDER))
                .expect("a folder")
                .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
                .filter(|name| name.starts_with("new-"))
                .collect();
            assert!(left.is_empty(), "{left:?} stayed");
            assert_eq!(find_chains(dir.path()).expect("found"), [layout]);
        }
    }

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

    #[test]
    fn links_are_not_followed_and_failures_change_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let elsewhere = tempfile::tempdir().expect("a folder");
        let layout = layout(&dir);
        std::os::unix::fs::symlink(elsewhere.path(), layout.folder()).expect("linked");
        let store = Store::open(dir.path(), || ()).expect("open");
        store
            .write_chain(&layout, &[(Part::ServerKey, b"x")], Keep::OtherFiles)
            .expect_err("a link");
        drop(store);
        assert_eq!(fs::read_dir(elsewhere.path()).expect("a folder").count(), 0);
        assert_eq!(
            fs::read_dir(dir.path()).expect("a folder").count(),
            1,
            "only the link is left"
        );
        assert!(!has_chain(&layout));

        let linked = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink(elsewhere.path(), linked.path().join(STATE_FOLDER)).expect("linked");
        assert!(Store::open(linked.path(), || ()).is_err());
        assert_eq!(fs::read_dir(elsewhere.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn a_root_is_written_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(dir.path(), || ()).expect("open");
        for name in ["absent/root", "present"] {
            let root = RootLayout::new(&dir.path().join(name));
            if name == "present" {
                fs::create_dir(root.folder()).expect("made");
            }
            store.write_root(&root, b"cert", b"key").expect(name);
            assert_eq!(fs::read(root.cert()).expect("there"), b"cert");
            assert_eq!(mode(root.key()), 0o600);
            store.write_root(&root, b"cert", b"key").expect_err("it is there");
        }
    }

    #[test]
    fn the_second_writer_waits() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = Store::open(dir.path(), || ()).expect("open");
        let (told, asked) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| Store::open(dir.path(), || told.send(()).expect("told")).map(drop));
            asked.recv().expect("it waits");
            drop(first);
            second.join().expect("no panic").expect("open");
        });
    }
}
