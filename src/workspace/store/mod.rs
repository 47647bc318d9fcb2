//! Reads chains from the workspace folder and writes each of them in one step: a tree is
//! built beside the existing one (`.istio-tls/new-XXXX/HOST`), and the two are exchanged.
//! A process killed at any moment leaves either the complete old chain or the complete
//! new one; the next start cleans up.

mod atomic;
mod chains;
mod state;
mod tree;

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::layout::{ChainLayout, Part, RootLayout, STATE_FOLDER};
use crate::problem::Problem;
use atomic::{FOLDER, cannot_write, folders_above, make_folders, write_new};
pub use atomic::{PUBLIC, PendingFile, SECRET, write_file};
pub use chains::{clients, find_chains, has_chain, has_previous_ca, read};
use state::{GITIGNORE, LOCK, STAGING_PREFIX, SWAP_SUFFIX, lock_state, move_to_old, recover};
pub use state::{OLD, tidy};
use tree::carry_over;

/// What happens to the existing files in a chain's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// A new chain: all parts of the old one are removed, other files are kept.
    OtherFiles,
    /// The same chain with some parts added or renewed: all other files are kept.
    Everything,
    /// Like [`Self::Everything`], but the previous CA is removed: its replacement is
    /// finished.
    EverythingButPreviousCa,
}

/// A file to write to a chain's folder.
pub struct TreeFile<'a> {
    /// Its path below the folder.
    pub relative: PathBuf,
    /// Whether it contains a private key.
    pub secret: bool,
    /// Its content.
    pub content: &'a [u8],
}

impl<'a> TreeFile<'a> {
    /// A part of a chain, which may be the previous CA's.
    pub fn new(layout: &ChainLayout, part: Part<'_>, content: &'a [u8]) -> Self {
        Self {
            relative: layout.relative(part),
            secret: part.is_secret(),
            content,
        }
    }
}

/// A workspace folder opened for writing, by one process at a time.
pub struct Store {
    dir: PathBuf,
    state: PathBuf,
    staging: PathBuf,
    _lock: File,
    exchange: bool,
    /// This process created the state folder.
    created: bool,
    /// This process created the workspace folder.
    new_folder: bool,
    wrote: AtomicBool,
}

impl Store {
    /// Opens the workspace folder for writing; creates it if absent. Waits for another
    /// process that is writing there, after calling `waiting`. Completes what a killed
    /// process left unfinished.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn open(dir: &Path, waiting: impl FnOnce()) -> Result<Self, Problem> {
        Self::open_as(dir, waiting, true)
    }

    /// Like [`Store::open`]; none while another process is writing there.
    ///
    /// # Errors
    /// The same.
    pub fn try_open(dir: &Path) -> Result<Option<Self>, Problem> {
        Self::open_if(dir, || false, true)
    }

    fn open_as(dir: &Path, waiting: impl FnOnce(), exchange: bool) -> Result<Self, Problem> {
        let waits = || {
            waiting();
            true
        };
        let opened = Self::open_if(dir, waits, exchange)?;
        opened.ok_or_else(|| Problem::new(format!("{} is being written by another process", dir.display())))
    }

    fn open_if(dir: &Path, waits: impl FnOnce() -> bool, exchange: bool) -> Result<Option<Self>, Problem> {
        let new_folder = !dir.exists();
        make_folders(dir).map_err(|error| cannot_write(dir, &error))?;
        let state = dir.join(STATE_FOLDER);
        let Some((lock, created)) = lock_state(&state, waits)? else {
            return Ok(None);
        };
        recover(dir, &state)?;
        let staging = tempfile::Builder::new()
            .prefix(STAGING_PREFIX)
            .tempdir_in(&state)
            .map_err(|error| cannot_write(&state, &error))?
            .keep();
        Ok(Some(Self {
            dir: dir.to_owned(),
            state,
            staging,
            _lock: lock,
            exchange,
            created,
            new_folder,
            wrote: AtomicBool::new(false),
        }))
    }

    /// Writes parts of a chain in one step; `keep` says which other files of an existing
    /// tree are kept. The replaced tree is kept under `.istio-tls/old/` until the next
    /// success.
    ///
    /// # Errors
    /// If a file cannot be written, or the folder is a symbolic link; the old chain is
    /// kept.
    pub fn write_chain(&self, layout: &ChainLayout, parts: &[(Part<'_>, &[u8])], keep: Keep) -> Result<(), Problem> {
        let files: Vec<_> = parts
            .iter()
            .map(|(part, content)| TreeFile::new(layout, *part, content))
            .collect();
        self.write_tree(layout, &files, keep)
    }

    /// Like [`Self::write_chain`], also for files of the previous CA.
    ///
    /// # Errors
    /// Like [`Self::write_chain`].
    pub fn write_tree(&self, layout: &ChainLayout, files: &[TreeFile<'_>], keep: Keep) -> Result<(), Problem> {
        let target = layout.folder();
        let folder_name = layout.host().folder_name();
        let tree = self.staging.join(&folder_name);
        let stands = match target.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => true,
            Ok(_) => {
                return Err(Problem::new(format!("{} cannot be written", target.display()))
                    .why("it is a symbolic link or a file; a chain needs a folder of its own")
                    .fix(format!(
                        "move {} away, or adopt the chain from another place",
                        target.display()
                    )));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(cannot_write(&target, &error)),
        };
        let outcome = Self::build(layout, &tree, files)
            .and_then(|()| {
                if stands {
                    carry_over(layout, &tree, keep)?;
                }
                self.publish(&tree, &target, &folder_name, stands)
            })
            .map_err(|(path, error)| cannot_write(&path, &error));
        if outcome.is_err() {
            // What was built is useless; the first error is the one to report.
            let _ = fs::remove_dir_all(&tree);
        } else {
            self.wrote.store(true, Ordering::Relaxed);
        }
        outcome
    }

    /// Writes a file under a temporary name until it is committed, so that whatever can
    /// fail has been done before.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn prepare_file(&self, path: &Path, content: &[u8], mode: u32) -> Result<PendingFile, Problem> {
        PendingFile::new(&self.staging, path, content, mode)
    }

    /// Writes a shared root, if there is none yet.
    ///
    /// # Errors
    /// If one half of it exists, or it cannot be written.
    pub fn write_root(&self, layout: &RootLayout, cert: &[u8], key: &[u8]) -> Result<(), Problem> {
        for path in [layout.cert(), layout.key()] {
            if path.symlink_metadata().is_ok() {
                return Err(Problem::new(format!("{} already exists", path.display()))
                    .why("a root is written only if neither its certificate nor its key exists")
                    .fix("use another folder for --root, or complete the existing root"));
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
                    // A rename does not work across file systems.
                    Err(error) if error.kind() == io::ErrorKind::CrossesDevices => write(layout),
                    Err(error) => Err((folder.to_owned(), error)),
                    Ok(()) => Ok(()),
                })
        };
        // It is left only after an error or a write to another file system.
        let _ = fs::remove_dir_all(&tree);
        outcome.map_err(|(path, error)| cannot_write(&path, &error))?;
        self.wrote.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Removes a root that was just written and has not signed any existing certificate.
    pub fn remove_root(&self, layout: &RootLayout) {
        // If it cannot be removed, it is a root like any other.
        for file in [layout.cert(), layout.key()] {
            let _ = fs::remove_file(&file);
            if let Some(folder) = file.parent() {
                let _ = fs::remove_dir(folder);
            }
        }
        let _ = fs::remove_dir(layout.folder());
    }

    fn build(layout: &ChainLayout, tree: &Path, files: &[TreeFile<'_>]) -> Result<(), (PathBuf, io::Error)> {
        make_folders(tree).map_err(|error| (tree.to_owned(), error))?;
        let mut made: Vec<PathBuf> = Vec::new();
        for file in files {
            let at = |error| (layout.folder().join(&file.relative), error);
            for folder in folders_above(&file.relative) {
                if !made.iter().any(|known| known == folder) {
                    DirBuilder::new().mode(FOLDER).create(tree.join(folder)).map_err(at)?;
                    made.push(folder.to_owned());
                }
            }
            let mode = if file.secret { SECRET } else { PUBLIC };
            write_new(&tree.join(&file.relative), file.content, mode).map_err(|(_, error)| at(error))?;
        }
        // Where the private key of a certificate request will be placed.
        if let Some(folder) = layout.relative(Part::ServerKey).parent() {
            let folder = tree.join(folder);
            make_folders(&folder).map_err(|error| (folder, error))?;
        }
        Ok(())
    }

    /// Moves a finished tree into place.
    fn publish(&self, tree: &Path, target: &Path, name: &str, stands: bool) -> Result<(), (PathBuf, io::Error)> {
        let at_target = |error: io::Error| (target.to_owned(), error);
        if !stands {
            return match renameat_with(CWD, tree, CWD, target, RenameFlags::NOREPLACE) {
                Ok(()) => Ok(()),
                Err(error) if unsupported(error) => fs::rename(tree, target).map_err(at_target),
                Err(error) => Err(at_target(error.into())),
            };
        }
        // Records which of the two trees is the new one, for a start after a kill.
        let mark = self.staging.join(format!("{name}{SWAP_SUFFIX}"));
        let at_mark = |error: io::Error| (mark.clone(), error);
        let inode = fs::metadata(tree).map_err(at_target)?.ino();
        // Appears completely or not at all; other threads write theirs beside it.
        let unfinished = self.staging.join(format!("{name}.mark"));
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
            // The new chain is in place; the copy of the old one is optional.
            if move_to_old(tree, &old).is_err() {
                let _ = fs::remove_dir_all(tree);
            }
        } else {
            move_to_old(target, &old).map_err(|error| (old.clone(), error))?;
            if let Err(error) = fs::rename(tree, target) {
                // Undo.
                let _ = fs::rename(&old, target);
                return Err(at_target(error));
            }
        }
        // If left over, it is only removed at the next start.
        let _ = fs::remove_file(&mark);
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // What cannot be removed here is removed at the next start.
        let _ = fs::remove_dir_all(&self.staging);
        if self.created && !self.wrote.load(Ordering::Relaxed) {
            for name in [LOCK, GITIGNORE] {
                let _ = fs::remove_file(self.state.join(name));
            }
            let _ = fs::remove_dir(&self.state);
            if self.new_folder {
                let _ = fs::remove_dir(&self.dir);
            }
        }
    }
}

fn unsupported(error: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    error == Errno::INVAL || error == Errno::NOSYS || error == Errno::NOTSUP || error == Errno::OPNOTSUPP
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::{Keep, Store, clients, find_chains, has_chain, read};
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
            for client in ["a_wildcard.b", "*.b.com"] {
                fs::write(layout.path(Part::ClientCert(client)), "another").expect("written");
            }
            let names = ["a.com", "*.b.com", "a_wildcard.b", "alice"];
            assert_eq!(clients(&layout).expect("clients"), names);
            write(&store, &layout, "two");
            for part in PARTS {
                assert_eq!(read(&layout, *part).expect("read").expect("there"), b"two");
            }
            assert_eq!(fs::read(layout.folder().join("notes.txt")).expect("kept"), b"mine");
            assert!(layout.folder().join("link").is_symlink());
            assert!(!alice.exists(), "a client of the old chain remains");
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
            assert!(left.is_empty(), "{left:?} remains");
            assert_eq!(find_chains(dir.path()).expect("found"), [layout]);
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
        assert!(!has_chain(&layout).expect("looked at"));

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
