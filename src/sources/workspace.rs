//! The only reader of the workspace: its hosts, whether listed in istio-tls.yaml or present only as
//! a chain, and, as a source, the Gateway and VirtualServices that `istio-tls manifests` would
//! print for them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::disk::{DiskFiles, parent};
use super::{entries, intent};
use crate::files;
use crate::manifests::build::{self, Material, Part};
use crate::manifests::load::{Object, Origin};
use crate::manifests::naming::{self, HostNames};
use crate::names::Host;
use crate::problem::Problem;
use crate::remedy::ours;
use crate::secrets::MaterialFiles as _;
use crate::workspace::config::{FILE_NAME, WorkspaceConfig};
use crate::workspace::file::WorkspaceFile;
use crate::workspace::layout::{self, ChainLayout};

/// The workspace as seen by all commands.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The folder.
    dir: PathBuf,
    /// istio-tls.yaml as it is; none if it does not exist.
    pub file: Option<WorkspaceFile>,
    /// The content of the file, or what it would be, with an entry for every chain.
    pub config: WorkspaceConfig,
    /// Differences between the folder and the file.
    pub discrepancies: Vec<Discrepancy>,
}

/// A difference between a workspace's folder and istio-tls.yaml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discrepancy {
    /// There is a chain in the folder, but its host has no entry: it is treated as if it had one,
    /// which is not written.
    ChainWithoutEntry {
        /// The host.
        host: Host,
        /// The folder of its chain.
        folder: PathBuf,
    },
    /// It is unknown whether a folder contains a chain.
    Unreadable(Problem),
}

impl From<&Discrepancy> for Problem {
    fn from(discrepancy: &Discrepancy) -> Self {
        match discrepancy {
            Discrepancy::ChainWithoutEntry { host, folder } => {
                let folder = files::shown(folder);
                Self::new(format!(
                    "{FILE_NAME} has no entry for {host}, but {folder}/ holds its chain, so the host counts; \
                     to exclude it, move {folder}/ away or delete it"
                ))
            }
            Discrepancy::Unreadable(problem) => problem.clone(),
        }
    }
}

impl Workspace {
    /// Reads istio-tls.yaml, and the chains that are not in it. Without that file, only the chains
    /// count, as left by generate.sh: mode mutual if there is a client, otherwise simple. `files`
    /// records all accesses.
    ///
    /// # Errors
    /// If the folder or the file cannot be read, or the file is invalid.
    pub fn read(dir: &Path, files: &DiskFiles) -> Result<Self, Problem> {
        let path = below(dir, FILE_NAME);
        let file = match files.read_manifest(&path)? {
            Some(content) => Some(WorkspaceFile::of(path, content)?),
            None => None,
        };
        let config = match &file {
            Some(file) => file.config.clone(),
            None => WorkspaceFile::starter(dir, NO_ID).config,
        };
        let known: HashSet<&Host> = config.hosts.iter().map(|entry| &entry.host).collect();
        let found = entries::without_entry(dir, &known, files)?;
        // This restores an entry that was removed manually.
        let without_entry = found.chains.iter().filter(|_| file.is_some());
        let without_entry = without_entry.map(|chain| Discrepancy::ChainWithoutEntry {
            host: chain.host.clone(),
            folder: ChainLayout::new(dir, &chain.host).folder(),
        });
        let unreadable = found.unreadable.into_iter().map(Discrepancy::Unreadable);
        let discrepancies: Vec<Discrepancy> = without_entry.chain(unreadable).collect();
        let config = if found.chains.is_empty() {
            config
        } else {
            entries::record(&config, &found.chains)
        };
        Ok(Self {
            dir: dir.to_owned(),
            file,
            config,
            discrepancies,
        })
    }

    /// Like [`Workspace::read`], but requires a host.
    ///
    /// # Errors
    /// The same, or if there is no host at all.
    pub fn with_hosts(dir: &Path) -> Result<Self, Problem> {
        let workspace = Self::read(dir, &DiskFiles::default())?;
        if workspace.config.hosts.is_empty() {
            workspace.is_readable()?;
            return Err(Problem::new(format!("there is no host in {}", intent::shown(dir)))
                .why("there is no chain in it (HOST/3_application), and no istio-tls.yaml with a host")
                .fix(ours::gen_certs_example()));
        }
        Ok(workspace)
    }

    /// If no host is found, the chains may be in unreadable folders.
    ///
    /// # Errors
    /// If there are such folders: the error of the first.
    pub(super) fn is_readable(&self) -> Result<(), Problem> {
        let mut discrepancies = self.discrepancies.iter();
        discrepancies.try_for_each(|discrepancy| match discrepancy {
            Discrepancy::Unreadable(problem) => Err(problem.clone()),
            Discrepancy::ChainWithoutEntry { .. } => Ok(()),
        })
    }

    /// The chain folders by the names of the Secrets with their material.
    pub(super) fn secret_names(&self) -> HashMap<String, PathBuf> {
        let mut chains = HashMap::new();
        for names in intent::names_of(&self.config.hosts) {
            let folder = self.folder(&names.host);
            for secret in secrets_of(names) {
                chains.insert(secret, folder.clone());
            }
        }
        chains
    }

    /// The Gateways and VirtualServices of the hosts.
    ///
    /// # Errors
    /// If hosts conflict with each other.
    pub(super) fn objects(
        &self,
        files: &DiskFiles,
        namespace: Option<&str>,
        pod_namespace: &str,
    ) -> Result<Vec<Object>, Problem> {
        if self.config.hosts.is_empty() {
            return Ok(Vec::new());
        }
        let names = intent::names_of(&self.config.hosts);
        let hosts = self.config.hosts.iter().zip(names).map(|(entry, names)| {
            // The content of Secrets is read from the chains themselves.
            let material = Material {
                crl: self.has_crl(files, &entry.host).then(Vec::new),
                ..Material::default()
            };
            intent::host_intent(&self.config, entry, names, material)
        });
        let mut intent = intent::intent_of(&self.config, hosts.collect());
        if let Some(namespace) = namespace {
            namespace.clone_into(&mut intent.gateway.namespace);
        }
        pod_namespace.clone_into(&mut intent.gateway.pod_namespace);
        let origin = Origin::made(FILE_NAME);
        let manifests = build::objects(&intent, &[Part::Gateway, Part::VirtualServices])?;
        let objects = manifests.into_iter().map(|manifest| Object {
            origin: origin.clone(),
            manifest,
        });
        Ok(objects.collect())
    }

    fn has_crl(&self, files: &DiskFiles, host: &Host) -> bool {
        let layout = ChainLayout::new(&self.dir, host);
        [layout::Part::RootCrl, layout::Part::IntermediateCrl]
            .into_iter()
            .any(|part| {
                let path = self.folder(host).join(layout.relative(part));
                // Unreadable parts are reported at the host's Secret.
                files.list(&parent(&path)).is_ok_and(|names| !names.is_empty())
            })
    }

    fn folder(&self, host: &Host) -> PathBuf {
        below(&self.dir, &host.folder_name())
    }
}

/// The ID of a workspace without a file; it is never written.
const NO_ID: &str = "0000000000000000";

/// The default names of a host's Secrets.
pub(super) fn secret_names_of(host: &str) -> Vec<String> {
    let Ok(host) = Host::parse(host) else { return Vec::new() };
    secrets_of(naming::names_of(&host)).into()
}

fn secrets_of(names: HostNames) -> [String; 3] {
    [names.credential, names.mount.certs_secret, names.mount.ca_certs_secret]
}

/// A path in the workspace folder, shortened if that is the current one.
fn below(folder: &Path, name: &str) -> PathBuf {
    if folder == Path::new(".") {
        PathBuf::from(name)
    } else {
        folder.join(name)
    }
}
