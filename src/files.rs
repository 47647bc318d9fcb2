//! Reads files that users name, with a size limit and an error that says what is wrong
//! with the file.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use crate::problem::Problem;

/// The largest certificate, key or CRL file that is read, in bytes.
pub const PEM_LIMIT: u64 = 4 << 20;
/// The largest manifest file that is read, in bytes.
pub const MANIFEST_LIMIT: u64 = 64 << 20;

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// If it is missing, a folder, a dangling link, not a regular file, unreadable, or larger
/// than `limit`.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Problem> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    read_found(path, &metadata, limit)
}

/// Whether something exists at a path, even a dangling link.
///
/// # Errors
/// If that cannot be determined: a folder on the way may not be entered.
pub fn is_there(path: &Path) -> Result<bool, Problem> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Like [`read`], but `None` for a file that does not exist, or a dangling link.
///
/// # Errors
/// Like [`read`].
pub fn read_if_there(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Problem> {
    match std::fs::metadata(path) {
        Ok(metadata) => read_found(path, &metadata, limit).map(Some),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    let dangling = error.kind() == ErrorKind::NotFound && path.symlink_metadata().is_ok();
    let name = Some(shown(path)).filter(|name| !name.is_empty());
    let problem = Problem::new(format!("{} cannot be read", name.as_deref().unwrap_or(".")));
    if dangling {
        return problem.why("it is a symbolic link to a file that does not exist");
    }
    let problem = problem.why(plain(error));
    if error.kind() == ErrorKind::PermissionDenied {
        problem.fix("give this user read permission, or run the command as a user who has it")
    } else {
        problem
    }
}

fn read_found(path: &Path, metadata: &Metadata, limit: u64) -> Result<Vec<u8>, Problem> {
    let shown = path.display();
    if metadata.is_dir() {
        return Err(Problem::new(format!("{shown} cannot be read")).why("it is a folder; a file is expected"));
    }
    if !metadata.is_file() {
        return Err(Problem::new(format!("{shown} cannot be read")).why("it is not a regular file"));
    }
    if metadata.len() > limit {
        return Err(too_large(&shown.to_string(), limit));
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    // One read, instead of one for each reallocation and one for the end.
    let space = usize::try_from(metadata.len()).unwrap_or_default() + 1;
    read_into(Vec::with_capacity(space), file, &shown.to_string(), limit)
}

/// The names in a folder, sorted; none if the folder does not exist. Names that are not
/// text are not ours.
///
/// # Errors
/// If it exists but cannot be read.
pub fn list(folder: &Path) -> Result<Vec<String>, Problem> {
    let failed = |error: std::io::Error| unreadable(folder, &error);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(failed)?.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

/// Reads a file named on the command line: a regular file, or a pipe or device such as a
/// shell's `<(command)`, of at most `limit` bytes.
///
/// # Errors
/// Like [`read`], except for files that are not regular.
pub fn read_given(path: &Path, limit: u64) -> Result<Vec<u8>, Problem> {
    let is_stream = std::fs::metadata(path).is_ok_and(|metadata| {
        let kind = metadata.file_type();
        kind.is_fifo() || kind.is_char_device()
    });
    if !is_stream {
        return read(path, limit);
    }
    let shown = path.display().to_string();
    let stream =
        File::open(path).map_err(|error| Problem::new(format!("{shown} cannot be read")).why(plain(&error)))?;
    read_from(stream, &shown, limit)
}

/// Reads a stream of at most `limit` bytes; `name` is its name in errors.
///
/// # Errors
/// If reading fails or there is more than `limit`.
pub fn read_from(source: impl std::io::Read, name: &str, limit: u64) -> Result<Vec<u8>, Problem> {
    read_into(Vec::new(), source, name, limit)
}

fn read_into(mut content: Vec<u8>, source: impl std::io::Read, name: &str, limit: u64) -> Result<Vec<u8>, Problem> {
    source
        .take(limit + 1)
        .read_to_end(&mut content)
        .map_err(|error| Problem::new(format!("{name} cannot be read")).why(plain(&error)))?;
    if content.len() as u64 > limit {
        return Err(too_large(name, limit));
    }
    Ok(content)
}

fn too_large(name: &str, limit: u64) -> Problem {
    Problem::new(format!("{name} is too large")).why(format!("the limit is {} MiB", limit >> 20))
}

/// A path as a user in the current folder writes it: without a leading `./`.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

/// An I/O error in words, without the system's error number.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}
