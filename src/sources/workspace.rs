//! The one reader of the workspace: its hosts, be they named by istio-tls.yaml or
//! only by a chain that stands there, and as a source the Gateway and
//! VirtualServices that `istio-tls manifests` would print for them.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use super::disk::DiskFiles;
use super::{entries, intent};
use crate::files::{self, MANIFEST_LIMIT};
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
    /// What was repaired on the way. Nothing of it is written.
    pub repairs: Vec<Repair>,
}

/// What of a workspace is not as istio-tls.yaml says, and was repaired in the reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// A chain stands in the folder, and its host has no entry: it counts as if it had.
    ChainWithoutEntry {
        /// The host.
        host: Host,
        /// The folder of its chain.
        folder: PathBuf,
    },
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::ChainWithoutEntry { host, folder } = self;
        let folder = files::shown(folder);
        write!(
            f,
            "{FILE_NAME} has no entry for {host}, but {folder}/ holds its chain, so the host counts; \
             to leave it out, move {folder}/ away or delete it"
        )
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
        let file = match files.read_limited(&path, MANIFEST_LIMIT)? {
            Some(content) => Some(WorkspaceFile::of(path, content)?),
            None => None,
        };
        let config = match &file {
            Some(file) => file.config.clone(),
            None => WorkspaceFile::starter(dir, NO_ID).config,
        };
        let known: HashSet<&Host> = config.hosts.iter().map(|entry| &entry.host).collect();
        let found = entries::without_entry(dir, &known, files)?;
        let repairs = match &file {
            // An entry that was taken out by hand comes back this way.
            Some(_) => found.iter().map(|chain| Repair::of(dir, &chain.host)).collect(),
            None => Vec::new(),
        };
        let config = if found.is_empty() {
            config
        } else {
            entries::record(&config, &found)
        };
        Ok(Self {
            dir: dir.to_owned(),
            file,
            config,
            repairs,
        })
    }

    /// As [`Workspace::read`], for those who need a host.
    ///
    /// # Errors
    /// As there, and when there is no host at all.
    pub fn with_hosts(dir: &Path) -> Result<Self, Problem> {
        let workspace = Self::read(dir, &DiskFiles::default())?;
        if workspace.config.hosts.is_empty() {
            return Err(Problem::new(format!("no host is known in {}", intent::shown(dir)))
                .why("there is no chain in it (HOST/3_application), and no istio-tls.yaml that names a host")
                .fix(ours::gen_certs_example()));
        }
        Ok(workspace)
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
    /// When hosts exclude each other, or a folder of a chain cannot be read.
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
                crl: self.has_crl(files, &entry.host)?.then(Vec::new),
                ..Material::default()
            };
            Ok(intent::host_intent(&self.config, entry, names, material))
        });
        let mut intent = intent::intent_of(&self.config, hosts.collect::<Result<_, Problem>>()?);
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

    fn has_crl(&self, files: &DiskFiles, host: &Host) -> Result<bool, Problem> {
        let layout = ChainLayout::new(&self.dir, host);
        for part in [layout::Part::RootCrl, layout::Part::IntermediateCrl] {
            let path = self.folder(host).join(layout.relative(part));
            if !files.list(&super::disk::parent(&path))?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn folder(&self, host: &Host) -> PathBuf {
        below(&self.dir, &host.folder_name())
    }
}

impl Repair {
    fn of(dir: &Path, host: &Host) -> Self {
        Self::ChainWithoutEntry {
            host: host.clone(),
            folder: ChainLayout::new(dir, host).folder(),
        }
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
