//! The plan of `gen-certs`: decided host by host before anything is issued for a new
//! chain or written, so that `--dry-run` can show it.

use std::collections::HashMap;
use std::path::PathBuf;

use super::change::Change;
use super::ended;
use super::job::{Action, Job, Plan};
use super::refusals::{Refusal, host_folder_as_root, together, too_long};
use super::request::{Request, Signer};
use super::warnings;
use crate::files;
use crate::names::Host;
use crate::ops::entries;
use crate::ops::failure::Failure;
use crate::ops::rotating;
use crate::ops::surroundings::Surroundings;
use crate::problem::Problem;
use crate::workspace::config::{HostEntry, WorkspaceConfig};
use crate::workspace::layout::{ChainLayout, RootLayout};
use crate::workspace::store;

/// Decides what to do, and issues what existing chains get. Nothing is written.
///
/// # Errors
/// If a host is refused: all refusals are reported together. If istio-tls.yaml is not
/// valid.
pub fn plan(request: &Request, here: &Surroundings) -> Result<Plan, Failure> {
    let file = entries::read_or_new(here).map_err(Failure::usage)?;
    let mut jobs = Vec::with_capacity(request.hosts.len());
    let mut refusals = Vec::new();
    let mut skipped = 0;
    let entry_of: HashMap<_, _> = file.config.hosts.iter().map(|entry| (&entry.host, entry)).collect();
    let names = request.hosts.iter().map(Host::as_str);
    if let Some(problem) = names
        .chain(request.clients.iter().map(String::as_str))
        .find_map(too_long)
    {
        return Err(Failure::usage(problem));
    }
    for host in &request.hosts {
        let layout = ChainLayout::new(&here.dir, host);
        let entry = entry_of.get(host).copied();
        let stands = store::has_chain(&layout).map_err(Failure::runtime)?;
        if stands && !request.force && request.skip_existing {
            skipped += 1;
            continue;
        }
        let job = if stands && !request.force {
            change(request, layout, entry, &file.config, here)
        } else {
            chain(request, layout, entry, &file.config, stands.then_some(here))
        };
        match job {
            Ok(job) => jobs.push(job),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if let Some(problem) = together(refusals) {
        return Err(Failure::usage(problem));
    }
    Ok(Plan {
        warnings: warnings::of_hosts(&request.hosts, &jobs),
        new_root: new_root(request)?,
        jobs,
        file,
        skipped,
    })
}

/// An addition to an existing chain.
fn change(
    request: &Request,
    layout: ChainLayout,
    entry: Option<&HostEntry>,
    config: &WorkspaceConfig,
    here: &Surroundings,
) -> Result<Job, Refusal> {
    let (change, clients, mode) = Change::new(request, &layout, entry, config, here)?;
    Ok(Job {
        layout,
        action: Action::Change(Box::new(change)),
        clients,
        mode,
    })
}

/// A new chain; it replaces another one if `replaces` says where that is kept.
fn chain(
    request: &Request,
    layout: ChainLayout,
    entry: Option<&HostEntry>,
    config: &WorkspaceConfig,
    replaces: Option<&Surroundings>,
) -> Result<Job, Refusal> {
    let refused = |problem: Problem| Refusal::of(&layout, problem);
    let mode = (request.mode)
        .or(entry.map(|entry| config.mode_of(entry)))
        .unwrap_or(config.mode);
    let mut clients = Vec::new();
    if mode.verifies_clients() || !request.clients.is_empty() {
        clients.push(layout.host().as_str().to_owned());
    }
    let (known, action) = match replaces {
        Some(here) => {
            if let Some(problem) = rotating::replacing(&layout, "gen-certs") {
                return Err(refused(problem));
            }
            let ended = ended::by_replacing(&layout, here).map_err(refused)?;
            (store::clients(&layout).map_err(refused)?, Action::Replace(ended))
        }
        None => (Vec::new(), Action::Create),
    };
    let recorded = entry.map(|entry| entry.clients.as_slice()).unwrap_or_default();
    for client in known.iter().chain(recorded).chain(&request.clients) {
        if !clients.contains(client) {
            clients.push(client.clone());
        }
    }
    Ok(Job {
        layout,
        action,
        clients,
        mode,
    })
}

/// The root of `--root`, to be created.
fn new_root(request: &Request) -> Result<Option<RootLayout>, Failure> {
    let Signer::Root(dir) = &request.signer else {
        return Ok(None);
    };
    if let Some(problem) = host_folder_as_root(dir) {
        return Err(Failure::usage(problem));
    }
    let root = RootLayout::new(dir);
    let is_there = |path: PathBuf| files::is_there(&path).map_err(Failure::usage);
    let is_new = !is_there(root.cert())? && !is_there(root.key())?;
    Ok(is_new.then_some(root))
}
