//! What is examined: the hosts, and what the workspace says about them.

use std::collections::{BTreeMap, BTreeSet};

use crate::files;
use crate::manifests::model::{Manifest, Secret};
use crate::names::Host;
use crate::ops::entries;
use crate::ops::{Failure, Surroundings, intent};
use crate::problem::Problem;
use crate::workspace::config::{GatewayEntry, HostEntry, WorkspaceConfig};
use crate::workspace::layout::{ChainLayout, Part};

/// The scope.
pub struct Scope {
    /// The hosts, lower case; empty means those of the cluster's Gateways.
    pub(super) hosts: Vec<String>,
    /// The Gateway of the workspace, or the default one, with the flags' namespaces.
    pub(super) gateway: GatewayEntry,
    /// istio-tls.yaml, if it exists, with the files beside it.
    pub(super) config: Option<WorkspaceConfig>,
    /// The Secrets that the workspace creates, by name.
    pub(super) secrets: BTreeMap<String, Secret>,
    /// The hosts for which it cannot, and why.
    pub(super) chainless: Vec<WithoutChain>,
}

/// A host without a usable chain in the folder.
pub(super) struct WithoutChain {
    /// The host.
    pub(super) host: String,
    /// The reason.
    pub(super) problem: Problem,
    /// Whether its folder exists.
    pub(super) has_folder: bool,
}

impl Scope {
    /// Reads flags and workspace.
    ///
    /// # Errors
    /// If istio-tls.yaml cannot be read.
    pub fn read(hosts: &[Host], here: &Surroundings) -> Result<Self, Failure> {
        let hosts: Vec<String> = hosts.iter().map(|host| host.as_str().to_owned()).collect();
        let file = entries::read(here).map_err(Failure::usage)?;
        // Chains without an entry count as for `apply`; without any host, the Gateway of
        // the workspace is still known.
        let config = match (file, intent::workspace(here)) {
            (None, _) => None,
            (Some(_), Ok(config)) => Some(config),
            (Some(file), Err(_)) => Some(file.config),
        };
        let mut gateway = config.as_ref().map(|config| config.gateway.clone()).unwrap_or_default();
        if let Some(namespace) = &here.namespace {
            gateway.namespace.clone_from(namespace);
        }
        if let Some(namespace) = &here.gateway_namespace {
            gateway.pod_namespace.clone_from(namespace);
        }
        let mut secrets = BTreeMap::new();
        let mut chainless = Vec::new();
        let entries = config
            .iter()
            .flat_map(|config| config.hosts.iter().map(move |entry| (config, entry)));
        for (config, entry) in entries {
            // The cluster can be examined nevertheless, and so can the other hosts.
            match secrets_of(config, entry, here) {
                Ok(own) => secrets.extend(own.into_iter().map(|one| (one.metadata.name.clone(), one))),
                Err(problem) => chainless.push(WithoutChain {
                    host: entry.host.as_str().to_owned(),
                    problem,
                    has_folder: ChainLayout::new(&here.dir, &entry.host).folder().is_dir(),
                }),
            }
        }
        let known = config.iter().flat_map(|config| &config.hosts);
        let known = known.map(|entry| entry.host.as_str().to_owned()).collect();
        Ok(Self {
            hosts: if hosts.is_empty() { known } else { hosts },
            gateway,
            config,
            secrets,
            chainless,
        })
    }

    /// The hosts of the workspace.
    pub(super) fn own_hosts(&self) -> BTreeSet<String> {
        let entries = self.config.iter().flat_map(|config| &config.hosts);
        entries.map(|entry| entry.host.as_str().to_owned()).collect()
    }
}

/// The Secrets of one host, from its own chain.
///
/// # Errors
/// If it has none in this folder, or an unusable one.
fn secrets_of(config: &WorkspaceConfig, entry: &HostEntry, here: &Surroundings) -> Result<Vec<Secret>, Problem> {
    let host = &entry.host;
    let material = intent::material(&here.dir, host)?.ok_or_else(|| {
        let layout = ChainLayout::new(&here.dir, host);
        let folder = layout.folder();
        let certificate = layout.path(Part::ServerCert);
        let problem = Problem::new(format!("the workspace has no chain for {host}"));
        if folder.is_dir() {
            problem.why(format!("{} does not exist", files::shown(&certificate)))
        } else {
            problem.why(format!("the folder {} does not exist", files::shown(&folder)))
        }
    })?;
    let objects = intent::secrets_of(config, host, material)?;
    let secrets = objects.into_iter().filter_map(|object| match object {
        Manifest::Secret(secret) => Some(secret),
        _ => None,
    });
    Ok(secrets.collect())
}
