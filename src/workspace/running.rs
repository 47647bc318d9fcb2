//! What a running `serve` writes about itself to `.istio-tls/serve.json`, so that `probe`
//! finds it. Written with mode 0600, removed at exit, and only valid as long as the admin
//! address answers with the same id.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::layout::STATE_FOLDER;
use super::store::PUBLIC;
use crate::files;
use crate::problem::Problem;

/// The file's path below the workspace folder.
pub const FILE: &str = ".istio-tls/serve.json";
/// The lock of the running `serve`, below the workspace folder.
pub const LOCK: &str = ".istio-tls/serve.lock";
/// The maximum size of such a file that is read, in bytes.
const LIMIT: u64 = 1 << 20;
/// The header with the id in every response of the admin interface.
pub const ID_HEADER: &str = "x-istio-tls-id";

/// A running `serve` of this workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningServe {
    /// The file's format; 1.
    pub schema: u32,
    /// Random for each start: 32 lower-case hex digits.
    pub id: String,
    /// The process.
    pub pid: u32,
    /// The admin interface's address.
    pub admin: SocketAddr,
    /// The Gateways' ports and the local addresses on which they listen.
    pub listeners: Vec<RunningListener>,
    /// The manifests that it serves; none if it serves the workspace or a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifests: Option<RunningManifests>,
}

/// The input of `serve -f`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningManifests {
    /// Files and folders, absolute.
    pub paths: Vec<PathBuf>,
    /// Whether subfolders are read, too.
    pub recursive: bool,
}

/// One listener of a running `serve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningListener {
    /// `port.number` of the Gateway's server.
    pub port: u16,
    /// The local address.
    pub address: SocketAddr,
    /// Whether it uses TLS.
    pub tls: bool,
}

impl RunningServe {
    /// The file of a `serve` in this folder; none if there is no such file, or it is from
    /// another release. Does not check whether that `serve` is still running.
    ///
    /// # Errors
    /// If it exists but cannot be read, such as that of another user's `serve`.
    pub fn read(dir: &Path) -> Result<Option<Self>, Problem> {
        let content = files::read_if_there(&dir.join(FILE), LIMIT).map_err(|problem| {
            problem.fix("run this as the user who runs serve, or give its address: --target ADDR")
        })?;
        Ok(content.and_then(|content| serde_json::from_slice(&content).ok()))
    }
}

/// Opens the file that the only `serve` of a folder locks, and creates it if there is
/// none.
///
/// # Errors
/// If it cannot be opened or created.
pub fn open_lock(dir: &Path) -> io::Result<File> {
    let state = dir.join(STATE_FOLDER);
    if !state.is_dir() {
        fs::DirBuilder::new().mode(0o700).recursive(true).create(&state)?;
    }
    let path = dir.join(LOCK);
    let open = || {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(PUBLIC);
        options.open(&path)
    };
    let denied = match open() {
        // It may be another user's. Locking it does not require write access.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => match File::open(&path) {
            Ok(file) => return Ok(file),
            Err(_) => error,
        },
        opened => return opened,
    };
    // Left behind: a running serve also writes the file beside it.
    let nobody_serves = files::is_there(&dir.join(FILE)).is_ok_and(|told| !told);
    if nobody_serves && fs::remove_file(&path).is_ok() {
        return open();
    }
    Err(denied)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{FILE, RunningServe, open_lock};

    #[test]
    fn what_is_told_is_read_and_what_cannot_be_read_is_no_absence() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(RunningServe::read(dir.path()), Ok(None));
        drop(open_lock(dir.path()).expect("a lock"));
        fs::write(dir.path().join(FILE), "{}").expect("written");
        assert_eq!(RunningServe::read(dir.path()), Ok(None), "of another release");
        fs::remove_file(dir.path().join(FILE)).expect("removed");
        // Permissions do not apply to root; a folder in place of the file fails for
        // everyone.
        fs::create_dir(dir.path().join(FILE)).expect("made");
        let problem = RunningServe::read(dir.path()).expect_err("a folder");
        assert!(problem.what.contains(FILE), "{problem}");
    }
}
