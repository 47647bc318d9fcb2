//! The chains in a workspace folder, and their files.

use std::io;
use std::path::Path;

use crate::files::{self, PEM_LIMIT};
use crate::problem::Problem;
use crate::workspace::layout::{ChainLayout, Part, host_of_folder};

/// Reads a part of a chain; none if it does not exist.
///
/// # Errors
/// If it exists but cannot be read.
pub fn read(layout: &ChainLayout, part: Part<'_>) -> Result<Option<Vec<u8>>, Problem> {
    let path = layout.path(part);
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound || error.kind() == io::ErrorKind::NotADirectory => {
            Ok(None)
        }
        _ => files::read(&path, PEM_LIMIT).map(Some),
    }
}

/// Whether the host's folder contains any part of a chain.
///
/// # Errors
/// If that cannot be determined: a folder may not be entered.
pub fn has_chain(layout: &ChainLayout) -> Result<bool, Problem> {
    if !files::is_there(&layout.folder())? {
        return Ok(false);
    }
    for part in PARTS {
        if files::is_there(&layout.path(part))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The parts of a chain without clients.
const PARTS: [Part<'static>; 7] = [
    Part::RootCert,
    Part::RootKey,
    Part::IntermediateCert,
    Part::CaChain,
    Part::IntermediateKey,
    Part::ServerCert,
    Part::ServerKey,
];

/// Whether the host's CA is being replaced: the previous one is still kept.
pub fn has_previous_ca(layout: &ChainLayout) -> bool {
    let previous = layout.previous_ca();
    // An unreadable folder is reported by whoever reads it.
    PARTS
        .into_iter()
        .any(|part| files::is_there(&previous.path(part)).unwrap_or(true))
}

/// The clients with certificates in the host's folder: the host's default client first,
/// then by name.
///
/// # Errors
/// If the folder cannot be read.
pub fn clients(layout: &ChainLayout) -> Result<Vec<String>, Problem> {
    let own_file = layout.path(Part::ClientCert(layout.host().as_str()));
    let folder = own_file.parent().unwrap_or(&own_file);
    Ok(layout.clients_of(&files::list(folder)?))
}

/// The chains of a folder: those with a server certificate, sorted by host.
///
/// # Errors
/// If the folder cannot be read.
pub fn find_chains(dir: &Path) -> Result<Vec<ChainLayout>, Problem> {
    let mut found = Vec::new();
    for host in files::list(dir)?.iter().filter_map(|name| host_of_folder(name)) {
        let layout = ChainLayout::new(dir, &host);
        if files::is_there(&layout.path(Part::ServerCert))? {
            found.push(layout);
        }
    }
    found.sort();
    Ok(found)
}
