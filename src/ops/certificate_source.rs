//! Where `inspect` and `verify` find certificates: a file, a folder, standard input, a
//! server, or a Secret in a cluster.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::endpoint;
use super::failure::Failure;
use super::secret_source::SecretTarget;
use super::surroundings::Surroundings;
use crate::files::{self, PEM_LIMIT};
use crate::names::Host;
use crate::problem::Problem;
use crate::workspace::layout::{ChainLayout, STATE_FOLDER, host_of_folder};

/// The depth limit of a folder search.
const DEPTH_LIMIT: usize = 8;
/// The file limit of a folder search.
const FILES_LIMIT: usize = 10_000;
/// The limit for connecting, and for the handshake.
const PATIENCE: Duration = Duration::from_secs(10);
/// File extensions of certificates and keys, which need not be PEM.
const ENDINGS: &[&str] = &[
    "pem", "crt", "cer", "cert", "der", "key", "p8", "pk8", "p12", "pfx", "csr", "req", "crl",
];

/// A target given by the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A folder.
    Folder(PathBuf),
    /// Standard input.
    Stdin,
    /// A server.
    Server {
        /// The host.
        host: Host,
        /// The port.
        port: u16,
    },
    /// A Secret in a cluster.
    Secret(SecretTarget),
}

impl Source {
    /// Interprets `text` as `-`, a path, secret/NAME, the folder of a host's chain in the
    /// workspace (before a path if `-C` names the workspace), or HOST:PORT.
    ///
    /// # Errors
    /// If it is none of these.
    pub fn parse(text: &str, here: &Surroundings) -> Result<Self, Failure> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        if text.is_empty() {
            return Err(Failure::usage(Problem::new("a target is empty").fix(
                "give a file, a folder, HOST:PORT for a server, secret/NAME for a Secret, or - for standard input",
            )));
        }
        let of_workspace = |host: Host| Some(here.dir.join(host.folder_name())).filter(|folder| folder.is_dir());
        let chain = Host::parse(text).ok().and_then(of_workspace);
        // With -C, a host of that workspace takes precedence over a file in the current
        // folder.
        if let (Some(folder), true) = (&chain, here.aim.dir.is_some()) {
            return Ok(Self::Folder(folder.clone()));
        }
        let path = Path::new(text);
        if path.symlink_metadata().is_ok() {
            return Ok(Self::of_path(path));
        }
        if let Some(secret) = SecretTarget::parse(text)? {
            return Ok(Self::Secret(secret));
        }
        if let Some(folder) = chain {
            return Ok(Self::Folder(folder));
        }
        if let Some(server) = Self::server(text) {
            return Ok(server);
        }
        let in_workspace = here.dir.join(path);
        if in_workspace.symlink_metadata().is_ok() {
            return Ok(Self::of_path(&in_workspace));
        }
        Err(Failure::usage(
            Problem::new(format!("there is no file or folder {text}")).fix(
                "give a file, a folder, HOST:PORT for a server, secret/NAME for a Secret, or - for standard input",
            ),
        ))
    }

    fn of_path(path: &Path) -> Self {
        if path.is_dir() {
            Self::Folder(path.to_owned())
        } else {
            Self::File(path.to_owned())
        }
    }

    fn server(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port > 0)?;
        // Without brackets, an IPv6 address has no port.
        if host.contains(':') && !host.starts_with('[') {
            return None;
        }
        let host = Host::parse(host).ok().filter(|host| !host.is_wildcard())?;
        Some(Self::Server { host, port })
    }
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// If it cannot be read.
pub fn read_input(source: &Source) -> Result<(String, Vec<u8>), Failure> {
    match source {
        Source::Stdin => {
            let name = "standard input".to_owned();
            let content = files::read_from(std::io::stdin().lock(), &name, PEM_LIMIT).map_err(Failure::usage)?;
            Ok((name, content))
        }
        Source::File(path) => {
            let content = files::read_given(path, PEM_LIMIT).map_err(Failure::usage)?;
            Ok((path.display().to_string(), content))
        }
        Source::Folder(path) => Err(Failure::usage(
            Problem::new(format!("{} cannot be read", path.display())).why("it is a folder; a file is expected"),
        )),
        Source::Server { host, port } => Err(Failure::usage(
            Problem::new(format!("{host}:{port} is not a file")).why("a file is expected"),
        )),
        Source::Secret(secret) => Err(Failure::usage(
            Problem::new(format!("the Secret {} is not a file", secret.name())).why("a file is expected"),
        )),
    }
}

/// The files in a folder that may contain certificates or keys, by path. Hidden entries
/// (Kubernetes' `..data` links, the workspace's own folder) are skipped.
///
/// # Errors
/// If the folder cannot be read, or contains too much.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let cannot = |error: &std::io::Error| {
            Failure::usage(Problem::new(format!("{} cannot be read", folder.display())).why(files::plain(error)))
        };
        for entry in std::fs::read_dir(&folder).map_err(|error| cannot(&error))? {
            let path = entry.map_err(|error| cannot(&error))?.path();
            let hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.') || name == STATE_FOLDER);
            if hidden {
                continue;
            }
            if path.is_dir() {
                if depth < DEPTH_LIMIT && !path.is_symlink() {
                    folders.push((path, depth + 1));
                }
            } else if path.is_file() {
                found.push(path);
            }
            if found.len() > FILES_LIMIT {
                return Err(Failure::usage(
                    Problem::new(format!("{} contains too many files", folder.display()))
                        .why(format!("at most {FILES_LIMIT} are searched")),
                ));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether the extension says that an unreadable file is an error.
pub fn is_expected(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// Fetches the chain that a server presents for `sni`.
///
/// # Errors
/// If the server does not get as far as sending its certificates; exit 1, like a failed
/// probe.
pub fn served_chain(
    host: &Host,
    port: u16,
    sni: Option<&Host>,
    here: &Surroundings,
) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let sni = sni.unwrap_or(host);
    endpoint::fetch(host, port, sni, PATIENCE, here)
}

/// The host of the tree that a folder is, or that a file is in.
pub fn tree_of(path: &Path) -> Option<ChainLayout> {
    // Use the user's spelling if it names the host, so that paths stay short.
    let written = path.ancestors().take(4).find_map(tree_at);
    written.or_else(|| path.canonicalize().ok()?.ancestors().take(4).find_map(tree_at))
}

fn tree_at(folder: &Path) -> Option<ChainLayout> {
    let host = host_of_folder(folder.file_name()?.to_str()?)?;
    // Reading an unreadable folder reports the reason.
    let is_there = |name: &&str| files::is_there(&folder.join(name)).unwrap_or(true);
    let is_tree = ["1_root", "3_application"].iter().any(is_there);
    is_tree.then(|| ChainLayout::new(folder.parent().unwrap_or(Path::new("")), &host))
}
