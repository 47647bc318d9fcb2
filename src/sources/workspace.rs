//! The one reader of the workspace: its hosts, be they named by istio-tls.yaml or
//! only by a chain that stands there, and as a source the Gateway and
//! VirtualServices that `istio-tls manifests` would print for them.

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

/// The workspace as every command counts it.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The folder.
    dir: PathBuf,
    /// istio-tls.yaml as it stands there; none where there is none.
    pub file: Option<WorkspaceFile>,
    /// What the file says, or would say if there were one, with an entry for every chain.
    pub config: WorkspaceConfig,
    /// In what the folder is not as the file says.
    pub discrepancies: Vec<Discrepancy>,
}

/// In what a workspace's folder is not as istio-tls.yaml says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discrepancy {
    /// A chain stands in the folder, and its host has no entry: it counts as if it
    /// had. Nothing of that is written.
    ChainWithoutEntry {
        /// The host.
        host: Host,
        /// The folder of its chain.
        folder: PathBuf,
    },
    /// Whether there is a chain in a folder cannot be told.
    Unreadable(Problem),
}

impl From<&Discrepancy> for Problem {
    fn from(discrepancy: &Discrepancy) -> Self {
        match discrepancy {
            Discrepancy::ChainWithoutEntry { host, folder } => {
                let folder = files::shown(folder);
                Self::new(format!(
                    "{FILE_NAME} has no entry for {host}, but {folder}/ holds its chain, so the host counts; \
                     to leave it out, move {folder}/ away or delete it"
                ))
            }
            Discrepancy::Unreadable(problem) => problem.clone(),
        }
    }
}

impl Workspace {
    /// Reads what istio-tls.yaml says, and the chains that it does not name.
    /// Without that file the chains alone count, as generate.sh leaves them: mode
    /// mutual where there is a client, simple where there is none. `files`
    /// remembers what was looked at.
    ///
    /// # Errors
    /// When the folder or the file cannot be read, or the file is not valid.
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
        // An entry that was taken out by hand comes back this way.
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

    /// As [`Workspace::read`], for those who need a host.
    ///
    /// # Errors
    /// As there, and when there is no host at all.
    pub fn with_hosts(dir: &Path) -> Result<Self, Problem> {
        let workspace = Self::read(dir, &DiskFiles::default())?;
        if workspace.config.hosts.is_empty() {
            workspace.is_readable()?;
            return Err(Problem::new(format!("no host is known in {}", intent::shown(dir)))
                .why("there is no chain in it (HOST/3_application), and no istio-tls.yaml that names a host")
                .fix(ours::gen_certs_example()));
        }
        Ok(workspace)
    }

    /// Where no host is found, the chains may be in folders that cannot be read.
    ///
    /// # Errors
    /// When there are such folders: that of the first.
    pub(super) fn is_readable(&self) -> Result<(), Problem> {
        let mut discrepancies = self.discrepancies.iter();
        discrepancies.try_for_each(|discrepancy| match discrepancy {
            Discrepancy::Unreadable(problem) => Err(problem.clone()),
            Discrepancy::ChainWithoutEntry { .. } => Ok(()),
        })
    }

    /// The chain folders by the names of the Secrets that hold their material.
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
    /// When hosts exclude each other.
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
            // The Secrets' content is read from the chains themselves.
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
                // What cannot be read is told of the host's Secret.
                files.list(&parent(&path)).is_ok_and(|names| !names.is_empty())
            })
    }

    fn folder(&self, host: &Host) -> PathBuf {
        below(&self.dir, &host.folder_name())
    }
}

/// The id of a workspace that has no file; it is never written.
const NO_ID: &str = "0000000000000000";

/// The names that a host's Secrets have when nothing else is recorded.
pub(super) fn secret_names_of(host: &str) -> Vec<String> {
    let Ok(host) = Host::parse(host) else { return Vec::new() };
    secrets_of(naming::names_of(&host)).into()
}

fn secrets_of(names: HostNames) -> [String; 3] {
    [names.credential, names.mount.certs_secret, names.mount.ca_certs_secret]
}

/// A path in the workspace folder, short when that is the current one.
fn below(folder: &Path, name: &str) -> PathBuf {
    if folder == Path::new(".") {
        PathBuf::from(name)
    } else {
        folder.join(name)
    }
}
