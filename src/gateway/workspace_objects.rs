//! The workspace's Gateway and VirtualServices, for serving without `-f`: the
//! same objects that `istio-tls manifests` prints.

use std::collections::HashMap;

use super::field::Locate;
use super::input::{Input, Object};
use crate::manifests::build::{self, Api, HostIntent, Intent, Material, Part};
use crate::manifests::model::Manifest;
use crate::manifests::{naming, routes};
use crate::names::Host;
use crate::problem::Problem;
use crate::workspace::config::{FILE_NAME, HostEntry, Mode, WorkspaceConfig};

/// Objects that stand in no file.
struct Made(String);

impl Locate for Made {
    fn locate(&self, path: &str) -> String {
        format!("{} (made from {FILE_NAME})  {path}", self.0)
    }
}

/// What a chain folder holds beside the server's certificate.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ChainParts {
    /// Client certificates: the chain was made for mutual TLS.
    pub(super) clients: bool,
    /// Revocation lists.
    pub(super) crls: bool,
}

/// Adds the objects of `hosts`. Where no file says so, a chain with client
/// certificates is served in mode mutual.
///
/// # Errors
/// When hosts exclude each other.
pub(super) fn add(
    config: Option<&WorkspaceConfig>,
    hosts: &[(Host, Option<String>)],
    parts_of: &dyn Fn(&Host) -> ChainParts,
    namespace: Option<&str>,
    input: &mut Input,
) -> Result<(), Problem> {
    if hosts.is_empty() {
        return Ok(());
    }
    let mut gateway = config.map(|config| config.gateway.clone()).unwrap_or_default();
    if let Some(namespace) = namespace {
        namespace.clone_into(&mut gateway.namespace);
    }
    gateway.pod_namespace.clone_from(&input.pod_namespace);
    let default_namespace = gateway.namespace.clone();
    // By host: to look through the list for each of thousands takes its square.
    let entries: HashMap<&Host, &HostEntry> = config
        .iter()
        .flat_map(|config| &config.hosts)
        .map(|entry| (&entry.host, entry))
        .collect();
    let names = naming::names(hosts.iter().map(|(host, recorded)| (host, recorded.as_deref())));
    let intent = Intent {
        hosts: names
            .into_iter()
            .map(|names| {
                let entry = entries.get(&names.host).copied();
                let parts = parts_of(&names.host);
                let recorded = entry.map(|entry| entry.routes.clone()).unwrap_or_default();
                HostIntent {
                    mode: match (config, entry) {
                        (Some(config), Some(entry)) => config.mode_of(entry),
                        _ if parts.clients => Mode::Mutual,
                        _ => Mode::Simple,
                    },
                    routes: if recorded.is_empty() {
                        routes::default_routes(&names.host)
                    } else {
                        recorded
                    },
                    // The Secrets' content is read from the chains themselves.
                    material: Material {
                        crl: parts.crls.then(Vec::new),
                        ..Material::default()
                    },
                    names,
                }
            })
            .collect(),
        gateway,
        secrets: config.map(|config| config.secrets).unwrap_or_default(),
        istio: config.map(|config| config.istio).unwrap_or_default(),
        api: Api::Istio,
        issuer: None,
    };
    for manifest in build::objects(&intent, &[Part::Gateway, Part::VirtualServices])? {
        let namespace = manifest.metadata().namespace_or(&default_namespace).to_owned();
        let name = manifest.metadata().name.clone();
        let place = Box::new(Made(manifest.title(&default_namespace)));
        let created = String::new();
        match manifest {
            Manifest::Gateway(gateway) => input.gateways.push(Object {
                namespace,
                name,
                created,
                spec: gateway.spec,
                place,
            }),
            Manifest::VirtualService(service) => input.virtual_services.push(Object {
                namespace,
                name,
                created,
                spec: service.spec,
                place,
            }),
            _ => {}
        }
    }
    Ok(())
}
