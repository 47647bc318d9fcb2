//! The entries in istio-tls.yaml that commands which create chains record: one per host, with a
//! credential name that is chosen once, and missing entries.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::disk::{DiskFiles, parent};
use crate::manifests::naming;
use crate::names::Host;
use crate::problem::Problem;
use crate::secrets::MaterialFiles as _;
use crate::workspace::config::{HostEntry, Mode, ServerKey, WorkspaceConfig};
use crate::workspace::file::{WorkspaceFile, new_id};
use crate::workspace::layout::{ChainLayout, Part, host_of_folder};

/// Facts about one host's chain.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The host.
    pub host: Host,
    /// Its mode, if given by the user or evident from the chain.
    pub mode: Option<Mode>,
    /// The name of its Secret, if it comes from one; a recorded name is kept.
    pub credential_name: Option<String>,
    /// Where its server's key is, if that is known.
    pub server_key: Option<ServerKey>,
    /// Its additional clients.
    pub clients: Vec<String>,
}

/// The workspace's file, or the initial one of a new workspace.
///
/// # Errors
/// If the file exists but is invalid.
pub fn read_or_new(dir: &Path) -> Result<WorkspaceFile, Problem> {
    match WorkspaceFile::read(dir)? {
        Some(file) => Ok(file),
        None => Ok(WorkspaceFile::starter(dir, &new_id()?)),
    }
}

/// The chains in the folder without an entry, except those in `made`: left by an interrupted
/// process, or copied here.
///
/// # Errors
/// When the folder cannot be read.
pub fn missing(dir: &Path, config: &WorkspaceConfig, made: &[Recorded]) -> Result<Vec<Recorded>, Problem> {
    let entries = config.hosts.iter().map(|entry| &entry.host);
    let known = entries.chain(made.iter().map(|recorded| &recorded.host));
    Ok(without_entry(dir, &known.collect(), &DiskFiles::default())?.chains)
}

/// Chains without an entry.
pub(super) struct WithoutEntry {
    /// Chains with a server certificate, by host.
    pub(super) chains: Vec<Recorded>,
    /// Folders that may contain one but are not accessible.
    pub(super) unreadable: Vec<Problem>,
}

/// The chains in the folder whose hosts are not `known`. `files` records all accesses.
///
/// # Errors
/// See [`missing`].
pub(super) fn without_entry(dir: &Path, known: &HashSet<&Host>, files: &DiskFiles) -> Result<WithoutEntry, Problem> {
    let (mut chains, mut unreadable) = (Vec::new(), Vec::new());
    let hosts = files.list(dir)?.into_iter().filter_map(|name| host_of_folder(&name));
    for host in hosts.filter(|host| !known.contains(host)) {
        let layout = ChainLayout::new(dir, &host);
        match holds(&layout, Part::ServerCert, files) {
            Ok(true) => chains.push(of_chain(&layout, files)?),
            Ok(false) => {}
            // It may belong to anyone, and is not an error.
            Err(problem) => unreadable.push(problem),
        }
    }
    chains.sort_by(|one, other| one.host.cmp(&other.host));
    Ok(WithoutEntry { chains, unreadable })
}

fn holds(layout: &ChainLayout, part: Part<'_>, files: &DiskFiles) -> Result<bool, Problem> {
    let path = layout.path(part);
    let names = files.list(&parent(&path))?;
    Ok(path
        .file_name()
        .is_some_and(|own| names.iter().any(|name| own == name.as_str())))
}

/// Facts about a chain on disk: without a client, its mode is simple.
///
/// # Errors
/// When its folder cannot be read.
pub fn shown_by(layout: &ChainLayout) -> Result<Recorded, Problem> {
    of_chain(layout, &DiskFiles::default())
}

/// Like [`shown_by`]; `files` records all accesses.
fn of_chain(layout: &ChainLayout, files: &DiskFiles) -> Result<Recorded, Problem> {
    let folder = parent(&layout.path(Part::ClientCert(layout.host().as_str())));
    let mut clients = layout.clients_of(&files.list(&folder)?);
    let mode = clients.is_empty().then_some(Mode::Simple);
    clients.retain(|name| name != layout.host().as_str());
    Ok(Recorded {
        host: layout.host().clone(),
        mode,
        credential_name: None,
        server_key: None,
        clients,
    })
}

/// The configuration with these hosts recorded: new ones at the end, in order; recorded names never
/// change.
pub fn record(config: &WorkspaceConfig, made: &[Recorded]) -> WorkspaceConfig {
    let mut wanted = config.clone();
    let place: HashMap<Host, usize> = (config.hosts.iter().enumerate())
        .map(|(index, entry)| (entry.host.clone(), index))
        .collect();
    let new: Vec<&Recorded> = made
        .iter()
        .filter(|recorded| !place.contains_key(&recorded.host))
        .collect();
    let names = naming::names(
        (config.hosts.iter())
            .map(|entry| (&entry.host, Some(entry.credential_name.as_str())))
            .chain(
                new.iter()
                    .map(|recorded| (&recorded.host, recorded.credential_name.as_deref())),
            ),
    );
    let own_mode = |mode: Option<Mode>| mode.filter(|mode| *mode != config.mode);
    for (recorded, names) in new.iter().zip(&names[config.hosts.len()..]) {
        wanted.hosts.push(HostEntry {
            host: recorded.host.clone(),
            mode: own_mode(recorded.mode),
            credential_name: names.credential.clone(),
            server_key: recorded.server_key.unwrap_or_default(),
            routes: Vec::new(),
            clients: recorded.clients.clone(),
        });
    }
    for recorded in made {
        if let Some(index) = place.get(&recorded.host) {
            let entry = &mut wanted.hosts[*index];
            if recorded.mode.is_some() {
                entry.mode = own_mode(recorded.mode);
            }
            if let Some(place) = recorded.server_key {
                entry.server_key = place;
            }
            for client in &recorded.clients {
                if !entry.clients.contains(client) {
                    entry.clients.push(client.clone());
                }
            }
        }
    }
    wanted
}
