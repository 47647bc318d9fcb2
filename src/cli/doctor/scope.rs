//! What is to be examined: the hosts, and what the workspace says of them.

use std::collections::BTreeMap;

use crate::cli::context::Context;
use crate::cli::{Failure, intent};
use crate::manifests::build::{self, Part};
use crate::manifests::model::{Manifest, Secret};
use crate::names::Host;
use crate::problem::Problem;
use crate::workspace::config::{GatewayEntry, WorkspaceConfig};
use crate::workspace::file::WorkspaceFile;

/// What was asked for.
pub(super) struct Scope {
    /// The hosts, lower case; empty means those of the cluster's Gateways.
    pub(super) hosts: Vec<String>,
    /// The Gateway of the workspace, or the usual one, with the flags' namespaces.
    pub(super) gateway: GatewayEntry,
    /// istio-tls.yaml, if there is one, with what stands beside it.
    pub(super) config: Option<WorkspaceConfig>,
    /// The Secrets that the workspace makes, by name.
    pub(super) secrets: BTreeMap<String, Secret>,
}

impl Scope {
    /// Reads flags and workspace.
    ///
    /// # Errors
    /// When a host is none, or istio-tls.yaml cannot be read: exit 2.
    pub(super) fn read(hosts: &[String], context: &Context) -> Result<Self, Failure> {
        let hosts = hosts
            .iter()
            .map(|host| Host::parse(host).map(|host| host.as_str().to_owned()))
            .collect::<Result<Vec<String>, _>>()
            .map_err(Failure::usage)?;
        if !context.dir.is_dir() {
            return Err(Failure::usage(
                Problem::new(format!("the folder {} is not there", context.dir.display()))
                    .fix("-C with the folder of istio-tls.yaml; without a workspace, leave it out"),
            ));
        }
        let file = WorkspaceFile::read(&context.dir).map_err(Failure::usage)?;
        // Chains without an entry count as `apply` counts them; a workspace
        // without any host is one whose Gateway is still known.
        let config = match (file, intent::workspace(&context.dir)) {
            (None, _) => None,
            (Some(_), Ok(config)) => Some(config),
            (Some(file), Err(_)) => Some(file.config),
        };
        let mut gateway = config.as_ref().map(|config| config.gateway.clone()).unwrap_or_default();
        if let Some(namespace) = &context.namespace {
            gateway.namespace.clone_from(namespace);
        }
        if let Some(namespace) = &context.gateway_namespace {
            gateway.pod_namespace.clone_from(namespace);
        }
        let mut secrets = BTreeMap::new();
        if let Some(config) = &config {
            let all = intent::entries_of(config, &[]).map_err(Failure::usage)?;
            match intent::intent(&context.dir, config, &all).and_then(|mut intent| {
                intent.gateway = gateway.clone();
                build::objects(&intent, &[Part::Secrets])
            }) {
                Ok(objects) => secrets.extend(objects.into_iter().filter_map(|object| match object {
                    Manifest::Secret(secret) => Some((secret.metadata.name.clone(), secret)),
                    _ => None,
                })),
                // The cluster can be examined all the same.
                Err(problem) if config.hosts.is_empty() => drop(problem),
                Err(problem) => context.say_always(&format!("note: {problem}")),
            }
        }
        let known = config.iter().flat_map(|config| &config.hosts);
        let known = known.map(|entry| entry.host.as_str().to_owned()).collect();
        Ok(Self {
            hosts: if hosts.is_empty() { known } else { hosts },
            gateway,
            config,
            secrets,
        })
    }
}
