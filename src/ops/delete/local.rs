//! What `gen-certs` created in a workspace folder: the chains of its hosts, the trees
//! that they replaced, and istio-tls.yaml. Unknown files are kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::files;
use crate::problem::Problem;
use crate::workspace::file::WorkspaceFile;
use crate::workspace::layout::{ChainLayout, Part, STATE_FOLDER};
use crate::workspace::store;

/// The existing files of a workspace.
pub(super) struct Local {
    dir: PathBuf,
    /// Files of chains, with their host's folder.
    chains: Vec<(PathBuf, Vec<PathBuf>)>,
    /// istio-tls.yaml.
    file: Option<PathBuf>,
}

impl Local {
    /// Finds them; without istio-tls.yaml the hosts are not known.
    ///
    /// # Errors
    /// If there is no istio-tls.yaml, or a folder cannot be read.
    pub(super) fn find(dir: &Path, file: Option<&WorkspaceFile>) -> Result<Self, Problem> {
        store::tidy(dir)?;
        let mut local = Self {
            dir: dir.to_owned(),
            chains: Vec::new(),
            file: file.map(|file| file.path.clone()),
        };
        for entry in file.iter().flat_map(|file| &file.config.hosts) {
            let layout = ChainLayout::new(dir, &entry.host);
            let found = files_of(&layout)?;
            if !found.is_empty() {
                local.chains.push((layout.folder(), found));
            }
        }
        Ok(local)
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.chains.is_empty() && self.file.is_none()
    }

    /// What would be deleted, for a listing.
    pub(super) fn lines(&self) -> Vec<String> {
        let folders = self
            .chains
            .iter()
            .map(|(folder, found)| format!("{}/ ({} files)", files::shown(folder), found.len()));
        folders.chain(self.file.iter().map(|path| files::shown(path))).collect()
    }

    /// Deletes them; returns what is gone. A folder with other content is kept.
    ///
    /// # Errors
    /// If something cannot be deleted; what was deleted so far is gone.
    pub(super) fn remove(&self) -> Result<Vec<String>, Problem> {
        let lines = self.lines();
        {
            // One writer at a time; the wait is not reported.
            let _writing = store::Store::open(&self.dir, || ())?;
            for (folder, found) in &self.chains {
                for path in found {
                    gone(path, fs::remove_file(path))?;
                }
                remove_empty(folder)?;
                if let Some(name) = folder.file_name() {
                    let old = self.dir.join(STATE_FOLDER).join("old").join(name);
                    gone(&old, fs::remove_dir_all(&old))?;
                }
            }
        }
        if let Some(path) = &self.file {
            gone(path, fs::remove_file(path))?;
        }
        self.remove_state()?;
        Ok(lines)
    }

    /// The state folder, if it contains only what this program writes.
    fn remove_state(&self) -> Result<(), Problem> {
        let state = self.dir.join(STATE_FOLDER);
        let old = state.join("old");
        remove_empty(&old)?;
        let left = names(&state)?;
        if left.iter().all(|name| name == "lock" || name == ".gitignore") {
            for name in left {
                let path = state.join(name);
                gone(&path, fs::remove_file(&path))?;
            }
            gone(&state, fs::remove_dir(&state))?;
        }
        Ok(())
    }
}

/// The existing files of a chain, including those of all its clients.
fn files_of(layout: &ChainLayout) -> Result<Vec<PathBuf>, Problem> {
    if !is_own_folder(&layout.folder())? {
        return Ok(Vec::new());
    }
    let clients = store::clients(layout)?;
    let mut parts = vec![
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
    for client in &clients {
        parts.extend([
            Part::ClientCert(client),
            Part::ClientKey(client),
            Part::ClientBundle(client),
        ]);
    }
    let mut there = Vec::new();
    for path in parts.into_iter().map(|part| layout.path(part)) {
        if files::is_there(&path)? {
            there.push(path);
        }
    }
    Ok(there)
}

/// Removes a folder and its subfolders if they are empty.
fn remove_empty(folder: &Path) -> Result<(), Problem> {
    if !is_own_folder(folder)? {
        return Ok(());
    }
    for name in names(folder)? {
        remove_empty(&folder.join(name))?;
    }
    if names(folder)?.is_empty() {
        gone(folder, fs::remove_dir(folder))?;
    }
    Ok(())
}

/// Whether a folder exists; a link leads to files that are not ours.
fn is_own_folder(folder: &Path) -> Result<bool, Problem> {
    match folder.symlink_metadata() {
        Ok(metadata) => Ok(metadata.is_dir()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(cannot_read(folder, &error)),
    }
}

fn names(folder: &Path) -> Result<Vec<String>, Problem> {
    let read = match fs::read_dir(folder) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot_read(folder, &error)),
    };
    read.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_, _>>()
        .map_err(|error| cannot_read(folder, &error))
}

fn cannot_read(path: &Path, error: &io::Error) -> Problem {
    Problem::new(format!("{} cannot be read", files::shown(path))).why(files::plain(error))
}

/// What is already gone need not be deleted.
fn gone(path: &Path, outcome: io::Result<()>) -> Result<(), Problem> {
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Problem::new(format!("{} cannot be deleted", files::shown(path))).why(files::plain(&error)))
        }
        _ => Ok(()),
    }
}
