//! The workspace as a source: its hosts, their chains, and the Gateway and
//! VirtualServices that `istio-tls manifests` would print for them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::disk::DiskFiles;
use crate::files::MANIFEST_LIMIT;
use crate::manifests::build::{self, Api, HostIntent, Intent, Material, Part};
use crate::manifests::load::{Object, Origin};
use crate::manifests::{naming, routes};
use crate::names::Host;
use crate::problem::Problem;
use crate::secrets::MaterialFiles as _;
use crate::workspace::config::{FILE_NAME, HostEntry, Mode, WorkspaceConfig};
use crate::workspace::file;

/// The workspace as far as its hosts go.
pub(super) struct Workspace {
    /// istio-tls.yaml.
    pub(super) config: Option<WorkspaceConfig>,
    /// Hosts with their recorded credential names; without istio-tls.yaml, those of the folders.
    pub(super) hosts: Vec<(Host, Option<String>)>,
    /// Chain folders by host.
    folders: HashMap<Host, PathBuf>,
}

impl Workspace {
    /// Reads istio-tls.yaml, or without one looks for the folders of chains.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub(super) fn read(folder: &Path, files: &DiskFiles) -> Result<Self, Problem> {
        let path = below(folder, FILE_NAME);
        let config = match files.read_limited(&path, MANIFEST_LIMIT)? {
            Some(content) => {
                let shown = path.display().to_string();
                let text = String::from_utf8(content)
                    .map_err(|_| Problem::new(format!("{shown} is no UTF-8 text")).at(shown.clone()))?;
                Some(file::parse(&shown, &text)?)
            }
            None => None,
        };
        let mut workspace = Self {
            hosts: Vec::new(),
            folders: HashMap::new(),
            config,
        };
        if let Some(config) = &workspace.config {
            for entry in &config.hosts {
                let folder = below(folder, &entry.host.folder_name());
                workspace.folders.insert(entry.host.clone(), folder);
                let recorded = Some(entry.credential_name.clone());
                workspace.hosts.push((entry.host.clone(), recorded));
            }
        }
        if workspace.hosts.is_empty() {
            workspace.find_folders(folder, files);
        }
        Ok(workspace)
    }

    /// The HOST/3_application folders, as generate.sh left them.
    fn find_folders(&mut self, workspace: &Path, files: &DiskFiles) {
        for name in files.list(workspace) {
            let folder = below(workspace, &name);
            let listed = files.list(&folder.join("3_application/certs"));
            let mut hosts = listed.iter().filter_map(|file| file.strip_suffix(".cert.pem"));
            let Some(first) = hosts.clone().next() else { continue };
            let own = hosts.find(|host| *host == name);
            let Ok(host) = Host::parse(&own.unwrap_or(first).replace("_wildcard.", "*.")) else {
                continue;
            };
            // Of two folders for one host, that of its name counts.
            if own.is_some() || !self.folders.contains_key(&host) {
                if !self.folders.contains_key(&host) {
                    self.hosts.push((host.clone(), None));
                }
                self.folders.insert(host, folder);
            }
        }
    }

    /// The chain folders by the names of the Secrets that hold their material.
    pub(super) fn secret_names(&self) -> HashMap<String, PathBuf> {
        let named = naming::names(self.hosts.iter().map(|(host, recorded)| (host, recorded.as_deref())));
        let mut chains = HashMap::new();
        for names in named {
            if let Some(folder) = self.folders.get(&names.host) {
                for secret in [names.credential, names.mount.certs_secret, names.mount.ca_certs_secret] {
                    chains.insert(secret, folder.clone());
                }
            }
        }
        chains
    }

    /// The Gateways and VirtualServices of the hosts. Where no file says so, a
    /// chain with client certificates is served in mode mutual.
    ///
    /// # Errors
    /// When hosts exclude each other.
    pub(super) fn objects(
        &self,
        files: &DiskFiles,
        namespace: Option<&str>,
        pod_namespace: &str,
    ) -> Result<Vec<Object>, Problem> {
        if self.hosts.is_empty() {
            return Ok(Vec::new());
        }
        let config = self.config.as_ref();
        let mut gateway = config.map(|config| config.gateway.clone()).unwrap_or_default();
        if let Some(namespace) = namespace {
            namespace.clone_into(&mut gateway.namespace);
        }
        pod_namespace.clone_into(&mut gateway.pod_namespace);
        let intent = Intent {
            hosts: self.intents(files),
            gateway,
            secrets: config.map(|config| config.secrets).unwrap_or_default(),
            istio: config.map(|config| config.istio).unwrap_or_default(),
            api: Api::Istio,
            issuer: None,
        };
        let origin = Origin::made(FILE_NAME);
        let manifests = build::objects(&intent, &[Part::Gateway, Part::VirtualServices])?;
        let objects = manifests.into_iter().map(|manifest| Object {
            origin: origin.clone(),
            manifest,
        });
        Ok(objects.collect())
    }

    fn intents(&self, files: &DiskFiles) -> Vec<HostIntent> {
        let config = self.config.as_ref();
        // By host: to look through the list for each of thousands takes its square.
        let entries: HashMap<&Host, &HostEntry> = config
            .iter()
            .flat_map(|config| &config.hosts)
            .map(|entry| (&entry.host, entry))
            .collect();
        let names = naming::names(self.hosts.iter().map(|(host, recorded)| (host, recorded.as_deref())));
        names
            .into_iter()
            .map(|names| {
                let entry = entries.get(&names.host).copied();
                let parts = self.parts(files, &names.host);
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
            .collect()
    }

    fn parts(&self, files: &DiskFiles, host: &Host) -> ChainParts {
        let Some(folder) = self.folders.get(host) else {
            return ChainParts::default();
        };
        let any = |name: &str| !files.list(&folder.join(name)).is_empty();
        ChainParts {
            clients: any("4_client/certs"),
            crls: any("1_root/crl") || any("2_intermediate/crl"),
        }
    }
}

/// What a chain folder holds beside the server's certificate.
#[derive(Debug, Clone, Copy, Default)]
struct ChainParts {
    /// Client certificates: the chain was made for mutual TLS.
    clients: bool,
    /// Revocation lists.
    crls: bool,
}

/// The names that a host's Secrets have when nothing else is recorded.
pub(super) fn secret_names_of(host: &str) -> Vec<String> {
    let Ok(host) = Host::parse(host) else { return Vec::new() };
    let names = naming::names_of(&host);
    vec![names.credential, names.mount.certs_secret, names.mount.ca_certs_secret]
}

/// A path in the workspace folder, short when that is the current one.
fn below(folder: &Path, name: &str) -> PathBuf {
    if folder == Path::new(".") {
        PathBuf::from(name)
    } else {
        folder.join(name)
    }
}
