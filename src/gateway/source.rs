//! Reads everything that `serve` is configured from: manifests given with
//! `-f`, or the workspace, and the Secrets' folders. One reading gives one
//! routing table.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::clusters::Upstream;
use super::config::{self, Built};
use super::disk::DiskFiles;
use super::field::Locate;
use super::input::{Input, Object};
use super::secrets::{MaterialFiles as _, SecretData, SecretMount, SecretStore};
use super::workspace_objects::{self, ChainParts};
use crate::certs::pem;
use crate::files::{MANIFEST_LIMIT, PEM_LIMIT};
use crate::manifests::load::{self, Origin};
use crate::manifests::model::{Deployment, Manifest};
use crate::manifests::naming;
use crate::names::Host;
use crate::problem::Problem;
use crate::workspace::config::{FILE_NAME, WorkspaceConfig};
use crate::workspace::file;

/// Where a configuration is read from.
#[derive(Debug, Default, Clone)]
pub struct Sources {
    /// `-f`: files and folders of manifests; empty means the workspace's objects.
    pub manifests: Vec<PathBuf>,
    /// What `-f -` gave, read once.
    pub stdin: Option<Vec<u8>>,
    /// `--certs`.
    pub certs: Vec<PathBuf>,
    /// The workspace folder.
    pub workspace: PathBuf,
    /// `--crl`.
    pub crls: Vec<PathBuf>,
    /// `--upstream`.
    pub upstreams: Vec<Upstream>,
    /// `--host-files`.
    pub host_files: bool,
    /// `-n`.
    pub namespace: Option<String>,
    /// `--gateway-namespace`.
    pub gateway_namespace: Option<String>,
}

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceError {
    /// Neither objects nor chains were found.
    Nothing(Problem),
    /// Something is there and cannot be read.
    Bad(Problem),
}

impl From<SourceError> for Problem {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Nothing(problem) | SourceError::Bad(problem) => problem,
        }
    }
}

/// The workspace as far as serving it goes.
struct Workspace {
    config: Option<WorkspaceConfig>,
    /// Hosts with their recorded credential names; those of folders without entry come last.
    hosts: Vec<(Host, Option<String>)>,
    /// Chain folders by host.
    folders: HashMap<Host, PathBuf>,
}

impl Sources {
    /// Reads and builds. `files` remembers what was looked at.
    ///
    /// # Errors
    /// When there is nothing to serve, or something cannot be read; nothing is built then.
    pub fn load(&self, files: &DiskFiles) -> Result<Built, SourceError> {
        self.read(files, Gone::IsError)
    }

    /// The same for a change: a file of `-f` that is gone was deleted, and its objects with it.
    ///
    /// # Errors
    /// As [`Sources::load`].
    pub(super) fn load_again(&self, files: &DiskFiles) -> Result<Built, SourceError> {
        self.read(files, Gone::IsEmpty)
    }

    fn read(&self, files: &DiskFiles, gone: Gone) -> Result<Built, SourceError> {
        let workspace = self.read_workspace(files).map_err(SourceError::Bad)?;
        let gateway = workspace
            .config
            .as_ref()
            .map(|config| config.gateway.clone())
            .unwrap_or_default();
        let pod_namespace = self.gateway_namespace.clone().unwrap_or(gateway.pod_namespace.clone());
        let mut input = Input {
            pod_labels: default_pod_labels(),
            upstreams: self.upstreams.clone(),
            pod_namespace: pod_namespace.clone(),
            ..Input::default()
        };
        input.pod_labels.extend(gateway.selector.clone());
        let mut store = SecretStore {
            namespace: pod_namespace,
            objects: HashMap::new(),
            mounts: Vec::new(),
            folders: self.certs.clone(),
            chains: workspace.secret_names(),
            names_of_host: secret_names_of,
            files,
            host_files: self.host_files,
        };
        for path in &self.crls {
            let content = files
                .read_limited(path, PEM_LIMIT)
                .and_then(|content| content.ok_or_else(|| not_there(path)))
                .and_then(|content| pem::crls(&content, &path.display().to_string()));
            input.crls.extend(content.map_err(SourceError::Bad)?);
        }
        let mut notes = Vec::new();
        if self.manifests.is_empty() && self.stdin.is_none() {
            workspace_objects::add(
                workspace.config.as_ref(),
                &workspace.hosts,
                &|host| workspace.parts(files, host),
                self.namespace.as_deref(),
                &mut input,
            )
            .map_err(SourceError::Bad)?;
            if input.gateways.is_empty() {
                return Err(SourceError::Nothing(nothing_found(&self.workspace)));
            }
        } else {
            // Recorded in istio-tls.yaml, the namespace is that of its own objects.
            let namespace = self.namespace.clone().unwrap_or_else(|| "default".to_owned());
            let mut reading = Reading {
                namespace,
                input: &mut input,
                store: &mut store,
                notes: &mut notes,
                gone,
            };
            reading.all(self, files).map_err(SourceError::Bad)?;
            if input.gateways.is_empty() {
                return Err(SourceError::Nothing(no_gateway(&self.manifests)));
            }
        }
        let mut built = config::build(&input, &store);
        notes.append(&mut built.notes);
        built.notes = notes;
        Ok(built)
    }

    fn read_workspace(&self, files: &DiskFiles) -> Result<Workspace, Problem> {
        let path = below(&self.workspace, FILE_NAME);
        let config = match files.read_limited(&path, MANIFEST_LIMIT)? {
            Some(content) => {
                let shown = path.display().to_string();
                let text = String::from_utf8(content)
                    .map_err(|_| Problem::new(format!("{shown} is no UTF-8 text")).at(shown.clone()))?;
                Some(file::parse(&shown, &text)?)
            }
            None => None,
        };
        let mut workspace = Workspace {
            hosts: Vec::new(),
            folders: HashMap::new(),
            config,
        };
        if let Some(config) = &workspace.config {
            for entry in &config.hosts {
                let folder = below(&self.workspace, &entry.host.folder_name());
                workspace.folders.insert(entry.host.clone(), folder);
                workspace
                    .hosts
                    .push((entry.host.clone(), Some(entry.credential_name.clone())));
            }
        }
        if workspace.hosts.is_empty() {
            self.find_folders(files, &mut workspace);
        }
        Ok(workspace)
    }

    /// The HOST/3_application folders, as generate.sh left them.
    fn find_folders(&self, files: &DiskFiles, workspace: &mut Workspace) {
        for name in files.list(&self.workspace) {
            let folder = below(&self.workspace, &name);
            let listed = files.list(&folder.join("3_application/certs"));
            let mut hosts = listed.iter().filter_map(|file| file.strip_suffix(".cert.pem"));
            let Some(first) = hosts.clone().next() else { continue };
            let own = hosts.find(|host| *host == name);
            let Ok(host) = Host::parse(&own.unwrap_or(first).replace("_wildcard.", "*.")) else {
                continue;
            };
            // Of two folders for one host, that of its name counts.
            if own.is_some() || !workspace.folders.contains_key(&host) {
                if !workspace.folders.contains_key(&host) {
                    workspace.hosts.push((host.clone(), None));
                }
                workspace.folders.insert(host, folder);
            }
        }
    }
}

impl Workspace {
    fn secret_names(&self) -> HashMap<String, PathBuf> {
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

/// The names that a host's Secrets have when nothing else is recorded.
fn secret_names_of(host: &str) -> Vec<String> {
    let Ok(host) = Host::parse(host) else { return Vec::new() };
    let names = naming::names_of(&host);
    vec![names.credential, names.mount.certs_secret, names.mount.ca_certs_secret]
}

/// The labels of Istio's own ingress gateway.
fn default_pod_labels() -> BTreeMap<String, String> {
    BTreeMap::from([
        ("app".to_owned(), "istio-ingressgateway".to_owned()),
        ("istio".to_owned(), "ingressgateway".to_owned()),
    ])
}

/// Sorts the objects of manifests into the input.
struct Reading<'r, 's> {
    namespace: String,
    input: &'r mut Input,
    store: &'r mut SecretStore<'s>,
    notes: &'r mut Vec<Problem>,
    gone: Gone,
}

/// What a file of `-f` that is not there means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gone {
    /// At the start: its name is wrong.
    IsError,
    /// Later: it was deleted.
    IsEmpty,
}

impl Reading<'_, '_> {
    fn all(&mut self, sources: &Sources, files: &DiskFiles) -> Result<(), Problem> {
        if let Some(content) = &sources.stdin {
            self.take(content, "-")?;
        }
        for path in &sources.manifests {
            if path.is_dir() {
                for name in files.list(path) {
                    let is_manifest = Path::new(&name)
                        .extension()
                        .is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known));
                    // Hidden files are an editor's, or Kubernetes' own.
                    if is_manifest && !name.starts_with('.') {
                        self.file(&path.join(name), files)?;
                    }
                }
            } else {
                self.file(path, files)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, files: &DiskFiles) -> Result<(), Problem> {
        match files.read_limited(path, MANIFEST_LIMIT)? {
            Some(content) => self.take(&content, &path.display().to_string()),
            None if self.gone == Gone::IsError => Err(not_there(path)),
            None => {
                self.notes.push(
                    Problem::new(format!("{} is gone, and its objects with it", path.display()))
                        .fix("they are back when the file is"),
                );
                Ok(())
            }
        }
    }

    fn take(&mut self, content: &[u8], name: &str) -> Result<(), Problem> {
        let loaded = load::load_bytes(content, name)?;
        self.notes.extend(loaded.warnings.into_iter().map(Problem::from));
        for object in loaded.objects {
            let metadata = object.manifest.metadata().clone();
            let namespace = metadata.namespace_or(&self.namespace).to_owned();
            let (name, created) = (metadata.name, metadata.creation_timestamp.unwrap_or_default());
            match object.manifest {
                Manifest::Gateway(gateway) => self.input.gateways.push(Object {
                    namespace,
                    name,
                    created,
                    spec: gateway.spec,
                    place: Box::new(object.origin),
                }),
                Manifest::VirtualService(service) => self.input.virtual_services.push(Object {
                    namespace,
                    name,
                    created,
                    spec: service.spec,
                    place: Box::new(object.origin),
                }),
                Manifest::Secret(secret) => {
                    let values: Vec<(String, Vec<u8>)> = secret
                        .keys()
                        .into_iter()
                        .filter_map(|key| Some((key.to_owned(), secret.get(key)?.to_vec())))
                        .collect();
                    let at = object.origin.location().to_string();
                    let data = SecretData::of_object(&namespace, &name, Some(at), values);
                    self.store.objects.insert((namespace, name), data);
                }
                Manifest::Service(service) => {
                    let ports = service.spec.ports.iter().map(|port| port.port).collect();
                    self.input
                        .services
                        .insert(format!("{name}.{namespace}.svc.cluster.local"), ports);
                }
                Manifest::Deployment(deployment) => self.deployment(&namespace, &deployment),
                Manifest::Other(_) => {}
            }
        }
        Ok(())
    }

    /// A Deployment of the gateway: its labels and its secret volumes.
    fn deployment(&mut self, namespace: &str, deployment: &Deployment) {
        if namespace != self.input.pod_namespace {
            return;
        }
        let template = &deployment.spec.template;
        let labels = &template.metadata.labels;
        if labels.get("istio").is_some_and(|value| value == "ingressgateway") {
            self.input.pod_labels.extend(labels.clone());
        }
        for mount in template
            .spec
            .containers
            .iter()
            .flat_map(|container| &container.volume_mounts)
        {
            let volume = template.spec.volumes.iter().find(|volume| volume.name == mount.name);
            let Some(secret) = volume.and_then(|volume| volume.secret.as_ref()) else {
                continue;
            };
            let Some(name) = &secret.secret_name else { continue };
            self.store.mounts.push(SecretMount {
                path: mount.mount_path.clone(),
                secret: name.clone(),
                items: secret
                    .items
                    .iter()
                    .map(|item| (item.path.clone(), item.key.clone()))
                    .collect(),
            });
        }
    }
}

impl Locate for Origin {
    fn locate(&self, path: &str) -> String {
        self.describe(path)
    }
}

/// A path in the workspace folder, short when that is the current one.
pub(super) fn below(folder: &Path, name: &str) -> PathBuf {
    if folder == Path::new(".") {
        PathBuf::from(name)
    } else {
        folder.join(name)
    }
}

fn not_there(path: &Path) -> Problem {
    Problem::new(format!("{} cannot be read", path.display())).why("no such file or directory")
}

fn nothing_found(workspace: &Path) -> Problem {
    Problem::new("there is nothing to serve")
        .why(format!(
            "{} has neither {FILE_NAME} with hosts nor folders of certificates, and no manifests were given with -f",
            if workspace == Path::new(".") {
                "the current folder".to_owned()
            } else {
                workspace.display().to_string()
            }
        ))
        .fix("istio-tls gen-certs httpbin.example.com")
}

fn no_gateway(manifests: &[PathBuf]) -> Problem {
    let shown: Vec<String> = manifests.iter().map(|path| path.display().to_string()).collect();
    Problem::new(format!(
        "there is no Gateway in {}",
        if shown.is_empty() {
            "-".to_owned()
        } else {
            shown.join(", ")
        }
    ))
    .why("serve opens the ports that Gateways (networking.istio.io) name")
    .fix("add the Gateway's file with -f; one is made by: istio-tls manifests httpbin.example.com --only gateway")
}
