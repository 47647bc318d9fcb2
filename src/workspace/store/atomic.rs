//! Files and folders written with their modes, completely or not at all, and the errors
//! that occur.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use crate::files::plain;
use crate::problem::Problem;

/// The mode of files that anyone may read.
pub const PUBLIC: u32 = 0o644;
/// The mode of files with a private key.
pub const SECRET: u32 = 0o600;
/// The mode of folders.
pub(super) const FOLDER: u32 = 0o700;

/// Writes a file under a temporary name and renames it into place; a symbolic
/// link there is replaced, not followed.
///
/// # Errors
/// If it cannot be written; the old file is kept.
pub fn write_file(path: &Path, content: &[u8], mode: u32) -> Result<(), Problem> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    PendingFile::new(folder, path, content, mode)?.commit()
}

/// A file that was completely written under a temporary name.
pub struct PendingFile {
    file: tempfile::NamedTempFile,
    path: PathBuf,
}

impl PendingFile {
    pub(super) fn new(folder: &Path, path: &Path, content: &[u8], mode: u32) -> Result<Self, Problem> {
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

    /// Renames the file into place; a symbolic link there is replaced.
    ///
    /// # Errors
    /// If it cannot be renamed; the old file is kept.
    pub fn commit(self) -> Result<(), Problem> {
        let Self { file, path } = self;
        match file.persist(&path) {
            Ok(_) => Ok(()),
            Err(error) => Err(cannot_write(&path, &error.error)),
        }
    }
}

/// The folders of a relative path, the outermost first.
pub(super) fn folders_above(relative: &Path) -> Vec<&Path> {
    let mut folders: Vec<&Path> = relative
        .ancestors()
        .skip(1)
        .filter(|folder| *folder != Path::new(""))
        .collect();
    folders.reverse();
    folders
}

/// Writes a file that must not exist yet, into a folder that does.
pub(super) fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), (PathBuf, io::Error)> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(content)?;
        // A strict umask would prevent the gateway's user from reading it.
        if mode == PUBLIC && file.metadata()?.mode() & 0o777 != PUBLIC {
            file.set_permissions(fs::Permissions::from_mode(PUBLIC))?;
        }
        Ok(())
    };
    write().map_err(|error| (path.to_owned(), error))
}

pub(super) fn make_folders(path: &Path) -> io::Result<()> {
    if path.components().all(|part| part == Component::CurDir) {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(FOLDER).create(path)
}

pub(super) fn cannot_write(path: &Path, error: &io::Error) -> Problem {
    let path = path.strip_prefix(".").unwrap_or(path);
    let path = if path == Path::new("") { Path::new(".") } else { path };
    Problem::new(format!("{} cannot be written", path.display())).why(plain(error))
}
