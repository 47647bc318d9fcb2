//! What `adopt` will take over: found, verified and placed before anything is written.

use std::path::PathBuf;

use super::choose::{Wishes, choose};
use super::placed::Placed;
use super::request::Request;
use super::{notes, sources};
use crate::files::shown;
use crate::ops::entries::{self, Recorded};
use crate::ops::failure::Failure;
use crate::ops::rotating;
use crate::ops::secret_source::SecretTarget;
use crate::ops::surroundings::Surroundings;
use crate::problem::Problem;
use crate::remedy::Remedy;
use crate::workspace::config::{Mode, ServerKey, WorkspaceConfig};
use crate::workspace::file::WorkspaceFile;
use crate::workspace::store;

/// What will be taken over.
pub struct Plan {
    /// The chains.
    pub placed: Vec<Placed>,
    /// istio-tls.yaml as it will be.
    pub file: WorkspaceFile,
    /// Files that contain neither a certificate nor a key.
    pub ignored: usize,
    /// What is recorded of the chains.
    pub(super) recorded: Vec<Recorded>,
    /// The namespace of the gateway's pods, if the user or a Secret gives it.
    pub(super) pods: Option<String>,
}

/// Finds the chains in the input, and decides where they go. Nothing is written.
///
/// # Errors
/// If there is none, one fails verification, or a chain exists at its destination.
pub fn plan(request: &Request, here: &Surroundings) -> Result<Plan, Failure> {
    let password = request.password.as_ref().map(|password| password.as_str());
    let (paths, secrets) = sort_sources(&request.sources)?;
    let mut material = sources::read(&paths, password, here.now)?;
    for secret in secrets {
        let found = secret.fetch(&request.cluster, here)?;
        sources::read_secret(&found, password, here.now, &mut material)?;
    }
    let wishes = Wishes {
        host: request.host.as_ref(),
        accept_faults: request.accept_faults,
        now: here.now,
        line: request.line(),
    };
    let known = entries::read_or_new(here).map_err(Failure::usage)?.config;
    let mut placed: Vec<Placed> = choose(&material, &wishes)?
        .into_iter()
        .map(|chain| {
            let is_known = known.host(&chain.host).is_some();
            Placed::new(chain, is_known, here)
        })
        .collect();
    if let Some(standing) = (placed.iter())
        .find(|placed| !placed.in_place && !request.force && store::has_chain(&placed.layout).unwrap_or(true))
    {
        return Err(Failure::usage(has_chain(standing, &wishes)));
    }
    refuse_rotating(&placed)?;
    check_sharers(&placed, &known)?;
    let recorded = recorded(&placed, request.mode);
    let pods =
        (here.gateway_namespace.clone()).or_else(|| (material.secrets.first()).map(|secret| secret.namespace.clone()));
    let file = wanted(here, &recorded, pods.as_deref())?;
    for placed in &mut placed {
        notes::of_secret(placed, request.mode, &file);
    }
    notes::of_pods(&known, &file, here);
    Ok(Plan {
        placed,
        file,
        ignored: material.ignored,
        recorded,
        pods,
    })
}

/// Refuses to replace a chain while its CA is being replaced.
pub(super) fn refuse_rotating(placed: &[Placed]) -> Result<(), Failure> {
    let replaced = placed.iter().filter(|placed| !placed.in_place);
    rotating::refuse(replaced.map(|placed| &placed.layout), "adopt")
}

fn has_chain(standing: &Placed, wishes: &Wishes<'_>) -> Problem {
    let host = standing.layout.host();
    Problem::new(format!("the workspace already has a chain of {host}"))
        .at(format!("{}/", shown(&standing.layout.folder())))
        .fix(Remedy::from(wishes.line.clone().arg("--force")).and(format!(
            " replaces it, including its CA; or adopt it for another host with --host (not {host})"
        )))
}

/// What is recorded of the chains.
fn recorded(placed: &[Placed], mode: Option<Mode>) -> Vec<Recorded> {
    placed
        .iter()
        .map(|placed| Recorded {
            host: placed.layout.host().clone(),
            mode: mode.or_else(|| placed.usual_mode()),
            credential_name: placed.chain.secret.as_ref().map(|secret| secret.name.clone()),
            server_key: Some(ServerKey::Here),
            clients: (placed.chain.clients.iter())
                .filter(|name| *name != placed.layout.host().as_str())
                .cloned()
                .collect(),
        })
        .collect()
}

/// The file with the chains recorded; the gateway's pods are in `pods`, unless a host
/// says otherwise already.
pub(super) fn wanted(here: &Surroundings, recorded: &[Recorded], pods: Option<&str>) -> Result<WorkspaceFile, Failure> {
    let file = entries::read_or_new(here).map_err(Failure::usage)?;
    let mut config = entries::record(&file.config, recorded);
    if let Some(pods) = pods.filter(|_| file.config.hosts.is_empty()) {
        pods.clone_into(&mut config.gateway.pod_namespace);
    }
    file.edit(&config).map_err(Failure::usage)
}

/// Separates files and folders from Secrets in a cluster; an existing path counts as a
/// path.
fn sort_sources(sources: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<SecretTarget>), Failure> {
    let (mut paths, mut secrets) = (Vec::new(), Vec::new());
    for source in sources {
        match source.to_str().filter(|_| source.symlink_metadata().is_err()) {
            Some(text) => match SecretTarget::parse(text)? {
                Some(secret) => secrets.push(secret),
                None => paths.push(source.clone()),
            },
            None => paths.push(source.clone()),
        }
    }
    Ok((paths, secrets))
}

/// Refuses the Secret of another host of the workspace.
fn check_sharers(placed: &[Placed], known: &WorkspaceConfig) -> Result<(), Failure> {
    for chain in placed.iter().map(|placed| &placed.chain) {
        let Some(secret) = &chain.secret else { continue };
        let others = known.hosts.iter().filter(|entry| entry.host != chain.host);
        let mut sharers = others.filter(|entry| entry.credential_name == secret.name);
        if let Some(sharer) = sharers.next() {
            return Err(Failure::usage(
                Problem::new(format!(
                    "the Secret {} belongs to {} in this workspace",
                    secret.name, sharer.host
                ))
                .why("each host has its own Secret: one would replace the other")
                .fix("adopt the chain from files; the host gets a Secret with another name"),
            ));
        }
    }
    Ok(())
}
