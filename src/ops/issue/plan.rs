//! What `gen-certs` is to do: decided host by host before anything is issued or
//! written, so that `--dry-run` can show it.

use std::collections::HashMap;

use super::refusals::{exists, has_client, host_folder_as_root, too_long};
use super::request::{Request, Signer};
use crate::ops::entries;
use crate::ops::failure::Failure;
use crate::ops::surroundings::Surroundings;
use crate::workspace::config::Mode;
use crate::workspace::file::WorkspaceFile;
use crate::workspace::layout::{ChainLayout, RootLayout};
use crate::workspace::store;

/// What happens to one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A chain where there was none.
    Create,
    /// A chain in place of another one.
    Replace,
    /// Clients under the chain that is there.
    AddClients,
}

/// What is to be made for one host.
pub struct Job {
    /// Where it goes.
    pub layout: ChainLayout,
    /// What happens to the host.
    pub action: Action,
    /// All clients to issue, the host's own first.
    pub clients: Vec<String>,
    /// How the gateway is to treat client certificates.
    pub mode: Mode,
}

/// Everything that is to be made.
pub struct Plan {
    /// Host by host, in the order of the request.
    pub jobs: Vec<Job>,
    /// istio-tls.yaml as it stands.
    pub file: WorkspaceFile,
    /// The shared root that does not exist yet.
    pub new_root: Option<RootLayout>,
    /// Hosts that `--skip-existing` passed over.
    pub skipped: usize,
}

/// Decides what is to be made. Nothing is written.
///
/// # Errors
/// When a chain stands there already and may not be replaced, or istio-tls.yaml
/// is not valid.
pub fn plan(request: &Request, here: &Surroundings) -> Result<Plan, Failure> {
    let file = entries::read_or_new(here).map_err(Failure::usage)?;
    let mut jobs = Vec::with_capacity(request.hosts.len());
    let mut standing = Vec::new();
    let mut skipped = 0;
    let entry_of: HashMap<_, _> = file.config.hosts.iter().map(|entry| (&entry.host, entry)).collect();
    for host in &request.hosts {
        let layout = ChainLayout::new(&here.dir, host);
        if let Some(name) = too_long(host.as_str()).or_else(|| request.clients.iter().find_map(|name| too_long(name))) {
            return Err(Failure::usage(name));
        }
        let entry = entry_of.get(host);
        let mode = (request.mode)
            .or(entry.map(|entry| file.config.mode_of(entry)))
            .unwrap_or(file.config.mode);
        let stands = store::has_chain(&layout).map_err(Failure::runtime)?;
        if !stands || request.force {
            let mut clients = Vec::new();
            if mode.verifies_clients() || !request.clients.is_empty() {
                clients.push(host.as_str().to_owned());
            }
            let known = if stands {
                store::clients(&layout).map_err(Failure::runtime)?
            } else {
                Vec::new()
            };
            let recorded = entry.map(|entry| entry.clients.as_slice()).unwrap_or_default();
            for client in known.iter().chain(recorded).chain(&request.clients) {
                if !clients.contains(client) {
                    clients.push(client.clone());
                }
            }
            jobs.push(Job {
                layout,
                action: if stands { Action::Replace } else { Action::Create },
                clients,
                mode,
            });
        } else if request.skip_existing {
            skipped += 1;
        } else if request.only_clients {
            let known = store::clients(&layout).map_err(Failure::runtime)?;
            if let Some(client) = request.clients.iter().find(|client| known.contains(client)) {
                return Err(Failure::usage(has_client(&layout, client)));
            }
            let mut clients: Vec<String> = Vec::new();
            for client in &request.clients {
                if !clients.contains(client) {
                    clients.push(client.clone());
                }
            }
            jobs.push(Job {
                layout,
                action: Action::AddClients,
                clients,
                mode,
            });
        } else {
            standing.push((layout, entry.is_some()));
        }
    }
    if let Some((first, is_recorded)) = standing.first() {
        return Err(Failure::usage(exists(first, standing.len(), *is_recorded)));
    }
    let new_root = match &request.signer {
        Signer::Root(dir) => {
            if let Some(problem) = host_folder_as_root(dir) {
                return Err(Failure::usage(problem));
            }
            let root = RootLayout::new(dir);
            (!root.cert().exists() && !root.key().exists()).then_some(root)
        }
        _ => None,
    };
    Ok(Plan {
        jobs,
        file,
        new_root,
        skipped,
    })
}
