//! Which chains stand in a workspace folder, and what they hold.

use std::io;
use std::path::Path;

use crate::files::{self, PEM_LIMIT};
use crate::problem::Problem;
use crate::workspace::layout::{ChainLayout, Part, host_of_folder};

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
    layout.folder().symlink_metadata().is_ok() && has_parts(layout)
}

fn has_parts(layout: &ChainLayout) -> bool {
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

/// Whether the host's CA is being rotated: the previous one is still kept.
pub fn has_previous_ca(layout: &ChainLayout) -> bool {
    has_parts(&layout.previous_ca())
}

/// The clients whose certificates stand in the host's folder: the host's own
/// first, then by name.
///
/// # Errors
/// When the folder cannot be read.
pub fn clients(layout: &ChainLayout) -> Result<Vec<String>, Problem> {
    let own_file = layout.path(Part::ClientCert(layout.host().as_str()));
    let folder = own_file.parent().unwrap_or(&own_file);
    Ok(layout.clients_of(&files::list(folder)?))
}

/// The chains of a folder: those with a server certificate, sorted by host.
///
/// # Errors
/// When the folder cannot be read.
pub fn find_chains(dir: &Path) -> Result<Vec<ChainLayout>, Problem> {
    let mut found: Vec<ChainLayout> = files::list(dir)?
        .iter()
        .filter_map(|name| host_of_folder(name))
        .map(|host| ChainLayout::new(dir, &host))
        .filter(|layout| layout.path(Part::ServerCert).exists())
        .collect();
    found.sort();
    Ok(found)
}
