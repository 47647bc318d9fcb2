//! The files that a configuration is read from, with a record of everything that was accessed: it
//! determines what is watched, and whether anything changed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files;
use crate::problem::Problem;
use crate::secrets::MaterialFiles;

/// Texts of manifests and of istio-tls.yaml, by path.
pub type Texts = BTreeMap<PathBuf, Arc<[u8]>>;

/// One reading of the disk.
#[derive(Default)]
pub struct DiskFiles {
    seen: RefCell<Seen>,
    /// The texts that were read; none where nobody asks for them.
    texts: Option<RefCell<Texts>>,
    /// Texts that are read in place of what the disk holds.
    held: Texts,
}

/// What a reading accessed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Files by path: a digest of their content, or `None` if they did not exist.
    pub files: BTreeMap<PathBuf, Option<[u8; 32]>>,
    /// Folders that were listed, with their content.
    pub folders: BTreeMap<PathBuf, Vec<String>>,
    /// The generation of a cluster's objects; 0 if there is no cluster.
    pub generation: u64,
}

impl DiskFiles {
    /// A reading that keeps the texts of manifests, and that reads those of `held` in
    /// place of what the disk holds now.
    pub fn keeping(held: Texts) -> Self {
        Self {
            texts: Some(RefCell::default()),
            held,
            ..Self::default()
        }
    }

    /// The texts that were read since this was asked last.
    pub fn texts(&self) -> Texts {
        self.texts.as_ref().map(RefCell::take).unwrap_or_default()
    }

    /// Reads a file of objects, or istio-tls.yaml.
    ///
    /// # Errors
    /// As [`DiskFiles::read_limited`].
    pub fn read_manifest(&self, path: &Path) -> Result<Option<Vec<u8>>, Problem> {
        let content = match self.held.get(path) {
            Some(held) => {
                self.seen.borrow_mut().files.insert(path.to_owned(), Some(digest(held)));
                Some(held.to_vec())
            }
            None => self.read_limited(path, files::MANIFEST_LIMIT)?,
        };
        if let (Some(texts), Some(content)) = (&self.texts, &content) {
            texts.borrow_mut().insert(path.to_owned(), content.as_slice().into());
        }
        Ok(content)
    }

    /// What was accessed since the last call.
    pub fn seen(&self) -> Seen {
        self.seen.take()
    }

    /// Remembers the generation of a cluster's objects.
    pub(super) fn saw_generation(&self, generation: u64) {
        self.seen.borrow_mut().generation = generation;
    }

    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    /// See [`files::read`], except that a missing file is `None`.
    pub fn read_limited(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Problem> {
        // A dangling link is a missing file, as in the middle of a swap.
        let content = files::read_if_there(path, limit)?;
        let digest = content.as_ref().map(|content| digest(content));
        self.seen.borrow_mut().files.insert(path.to_owned(), digest);
        Ok(content)
    }
}

fn digest(content: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
    digest.as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

impl MaterialFiles for DiskFiles {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, Problem> {
        self.read_limited(path, files::PEM_LIMIT)
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, Problem> {
        let names = files::list(folder);
        let listed = names.clone().unwrap_or_default();
        self.seen.borrow_mut().folders.insert(folder.to_owned(), listed);
        names
    }
}

impl Seen {
    /// Whether the disk is unchanged. Builds nothing, so it needs no memory, regardless of the
    /// number of files.
    pub fn is_current(&self) -> bool {
        let again = DiskFiles::default();
        let names_in = |folder: &Path| again.list(folder).unwrap_or_default();
        self.folders.iter().all(|(folder, names)| names_in(folder) == *names)
            && self.files.iter().all(|(path, known)| {
                let content = again.read_limited(path, files::MANIFEST_LIMIT.max(files::PEM_LIMIT));
                content.is_ok_and(|content| content.map(|content| digest(&content)) == *known)
            })
    }

    /// Whether the same content was read, wherever else was looked; files of `gone` may
    /// be missing since `before`.
    pub fn same_content(&self, before: &Self, gone: &BTreeSet<PathBuf>) -> bool {
        let present = |seen: &Self| -> Vec<(PathBuf, [u8; 32])> {
            seen.files
                .iter()
                .filter(|(path, _)| !gone.contains(*path))
                .filter_map(|(path, digest)| Some((path.clone(), (*digest)?)))
                .collect()
        };
        self.generation == before.generation && present(self) == present(before)
    }

    /// Files that `before` had but this reading does not.
    pub fn gone_since<'s>(&'s self, before: &'s Self) -> impl Iterator<Item = &'s Path> {
        before
            .files
            .iter()
            .filter(|(path, digest)| digest.is_some() && self.files.get(*path).is_none_or(Option::is_none))
            // A file may no longer be needed but still exist. An inaccessible file is not gone
            // either.
            .filter(|(path, _)| matches!(path.try_exists(), Ok(false)))
            .map(|(path, _)| path.as_path())
    }

    /// The folders to watch, absolute: those of every file and listing, where
    /// symbolic links lead, and every folder between one of `tops` and these.
    /// Watching folders, not files, notices atomic renames and swapped links.
    pub fn watched_folders(&self, tops: &[PathBuf]) -> BTreeSet<PathBuf> {
        let tops: Vec<PathBuf> = tops.iter().map(|top| absolute(top)).collect();
        let mut folders: BTreeSet<PathBuf> = tops.iter().cloned().collect();
        let mut add = |folder: &Path| {
            let top = tops.iter().filter(|top| folder.starts_with(top)).max();
            for above in folder.ancestors() {
                if !folders.insert(above.to_owned()) || top.is_none_or(|top| above == top) {
                    break;
                }
            }
        };
        for path in self.files.keys() {
            add(&parent(&absolute(path)));
            if path.is_symlink()
                && let Ok(real) = path.canonicalize()
            {
                add(&parent(&real));
            }
        }
        for folder in self.folders.keys() {
            add(&absolute(folder));
        }
        folders.retain(|folder| folder.is_dir());
        folders
    }
}

/// Without a look at the disk; a path that cannot be made absolute stays as it is.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The folder of a path.
pub fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(above) if above.as_os_str().is_empty() => PathBuf::from("."),
        Some(above) => above.to_owned(),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::DiskFiles;
    use crate::secrets::MaterialFiles as _;

    #[test]
    fn a_reading_is_current_until_a_file_or_a_folder_changes() {
        let dir = tempfile::tempdir().unwrap();
        let (file, absent) = (dir.path().join("a"), dir.path().join("b"));
        let reading = || {
            let files = DiskFiles::default();
            files.read(&file).unwrap();
            files.read(&absent).unwrap();
            files.list(dir.path()).unwrap();
            files.seen()
        };
        std::fs::write(&file, "one").unwrap();
        std::os::unix::fs::symlink(dir.path().join("nothing"), dir.path().join("link")).unwrap();
        let files = DiskFiles::default();
        assert!(
            files.read(&dir.path().join("link")).unwrap().is_none(),
            "a link to nothing"
        );
        assert!(files.read(&file.join("below")).unwrap().is_none(), "below a file");
        assert!(files.read(dir.path()).is_err(), "a folder");
        assert_eq!(files.seen().files.len(), 2);
        assert!(files.seen().files.is_empty(), "nothing was looked at since");
        let first = reading();
        assert!(first.is_current());
        std::fs::write(&file, "two").unwrap();
        assert!(!first.is_current());
        let second = reading();
        std::fs::write(&absent, "new").unwrap();
        assert!(!second.is_current());
    }
}
