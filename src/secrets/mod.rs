//! Secrets as seen by the gateway, from all sources: objects in the input, folders given with
//! `--certs`, and the workspace's chains. This module implements the order of the sources and
//! Istio's rules for a Secret's keys; callers interpret the bytes.

pub mod reference;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use zeroize::Zeroizing;

use crate::manifests::naming::{CA_CHAIN_FILE, CRL_FILE};
use crate::problem::Problem;
use crate::spelling;
use reference::MountedFile;

/// Reads the files of chains and Secret folders; tests replace it with a map.
pub trait MaterialFiles {
    /// A file's content; `None` if it does not exist.
    ///
    /// # Errors
    /// If it exists but cannot be read.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, Problem>;
    /// The names in a folder, sorted; empty if there is no such folder.
    ///
    /// # Errors
    /// If it exists but cannot be read.
    fn list(&self, folder: &Path) -> Result<Vec<String>, Problem>;
}

/// A Secret's content with its origin.
pub struct SecretData {
    /// For messages and `/certs`: `secret istio-system/httpbin-credential`, or a folder.
    pub source: String,
    /// `file:line` of the object, if it is one.
    pub at: Option<String>,
    /// The values by key.
    pub entries: BTreeMap<String, Entry>,
}

/// One value of a Secret.
#[derive(Clone)]
pub struct Entry {
    /// The bytes; zeroed on drop, since they may be a key.
    pub content: Rc<Zeroizing<Vec<u8>>>,
    /// For messages: `secret istio-system/httpbin-credential key tls.crt`, or a path.
    pub name: String,
    /// `file:line` of the object that contains it, if any.
    pub at: Option<String>,
}

impl Entry {
    /// Sets the place of a problem with this value to the object that contains it.
    pub fn locate(&self, mut problem: Problem) -> Problem {
        if let Some(object) = &self.at {
            problem.fix = problem.fix.map(|fix| fix.of_value(&self.name));
            let line = problem
                .at
                .take()
                .and_then(|at| at.strip_prefix(&format!("{}:", self.name)).map(str::to_owned));
            let key = self.name.rsplit(' ').next().unwrap_or_default();
            problem.at = Some(match line {
                Some(line) => format!("{object}  data.{key}, line {line} of the value"),
                None => format!("{object}  data.{key}"),
            });
        }
        problem
    }
}

/// A secret volume mounted by a gateway Deployment in the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretMount {
    /// `volumeMounts[].mountPath`.
    pub path: String,
    /// `volumes[].secret.secretName`.
    pub secret: String,
    /// `items`: path below the mount to key; empty means every key by its name.
    pub items: BTreeMap<String, String>,
}

/// A chain folder of the workspace (in the layout of generate.sh) under all Secret names that the
/// workspace's manifests use for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainFolder {
    /// The HOST folder.
    pub folder: PathBuf,
    /// The Secrets with its material: credential and file-mount names.
    pub secrets: Vec<String>,
}

/// All Secrets that the gateway can use.
pub struct SecretStore<'a> {
    /// The namespace of the gateway's pods.
    pub namespace: String,
    /// Secrets in the input, by namespace and name.
    pub objects: HashMap<(String, String), Rc<SecretData>>,
    /// ConfigMaps in the input, by namespace and name.
    pub config_maps: HashMap<(String, String), Rc<SecretData>>,
    /// Secret volumes of the gateway's Deployment in the input.
    pub mounts: Vec<SecretMount>,
    /// `--certs`: chain folders, folders of chain folders, or folders of Secrets.
    pub folders: Vec<PathBuf>,
    /// The workspace's chains by Secret name.
    pub chains: HashMap<String, PathBuf>,
    /// Names the Secrets of a chain folder, by the workspace's naming rules.
    pub names_of_host: fn(&str) -> Vec<String>,
    /// Files on disk.
    pub files: &'a dyn MaterialFiles,
    /// `--host-files`: mount paths may be on this machine.
    pub host_files: bool,
    /// Whether the objects are from a cluster, where a missing Secret would be created.
    pub in_cluster: bool,
    /// The Secrets that `istio-tls apply` creates from the workspace's chains, if those provide no
    /// material themselves.
    pub applied: HashSet<String>,
    /// Cached results from other sources.
    pub found: Found,
}

/// Secrets in files, by name and, if they may come from `--certs`, hosts: each is read once.
pub type Found = RefCell<HashMap<(String, Vec<String>), Option<Rc<SecretData>>>>;

impl SecretStore<'_> {
    /// The source of the objects for messages: `the input`, or `the cluster`.
    pub fn source(&self) -> &'static str {
        if self.in_cluster { "the cluster" } else { "the input" }
    }

    /// Finds a Secret in the gateway's namespace: in the input, then below `--certs`, then in the
    /// workspace's chains. `hosts` are those of the server that needs it: a chain folder given with
    /// `--certs` serves its own host under any name.
    ///
    /// # Errors
    /// If a file that should contain it cannot be read.
    pub fn find(&self, name: &str, hosts: &[String]) -> Result<Option<Rc<SecretData>>, Problem> {
        if let Some(found) = self.objects.get(&(self.namespace.clone(), name.to_owned())) {
            return Ok(Some(found.clone()));
        }
        let hosts = if self.folders.is_empty() { &[] } else { hosts };
        let asked = (name.to_owned(), hosts.to_vec());
        if let Some(known) = self.found.borrow().get(&asked) {
            return Ok(known.clone());
        }
        let found = self.on_disk(name, hosts)?.map(Rc::new);
        self.found.borrow_mut().insert(asked, found.clone());
        Ok(found)
    }

    /// Finds a Secret in any namespace: in the input, otherwise, since folders and chains have no
    /// namespaces, like [`SecretStore::find`].
    ///
    /// # Errors
    /// See [`SecretStore::find`].
    pub fn find_in(&self, namespace: &str, name: &str, hosts: &[String]) -> Result<Option<Rc<SecretData>>, Problem> {
        if namespace == self.namespace {
            return self.find(name, hosts);
        }
        if let Some(found) = self.objects.get(&(namespace.to_owned(), name.to_owned())) {
            return Ok(Some(found.clone()));
        }
        Ok(self.on_disk(name, hosts)?.map(Rc::new))
    }

    /// The same without the Secrets in the input.
    ///
    /// # Errors
    /// See [`SecretStore::find`].
    pub fn on_disk(&self, name: &str, hosts: &[String]) -> Result<Option<SecretData>, Problem> {
        for folder in &self.folders {
            if let Some(found) = self.in_folder(folder, name, hosts)? {
                return Ok(Some(found));
            }
        }
        match self.chains.get(name) {
            Some(folder) => self.tree(folder),
            None => Ok(None),
        }
    }

    /// The names of the Secrets in the gateway's namespace in the input, for "did you mean".
    pub fn names(&self) -> spelling::Index<'_> {
        let own = self
            .objects
            .keys()
            .filter(|(namespace, _)| *namespace == self.namespace);
        own.map(|(_, name)| name.as_str()).collect()
    }

    /// Namespaces in the input with a Secret of this name, for messages.
    pub fn namespaces_with(&self, name: &str) -> Vec<&str> {
        let mut found: Vec<&str> = self
            .objects
            .keys()
            .filter(|(_, known)| known == name)
            .map(|(namespace, _)| namespace.as_str())
            .collect();
        found.sort_unstable();
        found
    }

    fn in_folder(&self, folder: &Path, name: &str, hosts: &[String]) -> Result<Option<SecretData>, Problem> {
        if let Some(host) = self.host_of_tree(folder)? {
            let serves = (self.names_of_host)(&host).iter().any(|known| known == name) || hosts.contains(&host);
            return if serves { self.tree(folder) } else { Ok(None) };
        }
        let below = folder.join(name);
        let keys = self.files.list(&below)?;
        if !keys.is_empty() && self.host_of_tree(&below)?.is_none() {
            return self.key_folder(&below, keys).map(Some);
        }
        for child in self.files.list(folder)? {
            let tree = folder.join(child);
            if let Some(host) = self.host_of_tree(&tree)?
                && ((self.names_of_host)(&host).iter().any(|known| known == name) || hosts.contains(&host))
            {
                return self.tree(&tree);
            }
        }
        Ok(None)
    }

    /// A folder whose files are a Secret's keys, in the layout of a secret volume.
    fn key_folder(&self, folder: &Path, keys: Vec<String>) -> Result<SecretData, Problem> {
        let mut data = SecretData {
            source: folder.display().to_string(),
            at: None,
            entries: BTreeMap::new(),
        };
        // Kubernetes has its own `..data` next to the keys.
        for key in keys.into_iter().filter(|key| !key.starts_with("..")) {
            let path = folder.join(&key);
            if let Some(content) = self.files.read(&path)? {
                data.entries.insert(key, Entry::of_file(&path, content));
            }
        }
        Ok(data)
    }

    /// The host of the server certificate in a generate.sh folder.
    fn host_of_tree(&self, folder: &Path) -> Result<Option<String>, Problem> {
        let certificates = self.files.list(&folder.join("3_application/certs"))?;
        let mut hosts = certificates.iter().filter_map(|name| name.strip_suffix(".cert.pem"));
        let folder_name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let first = hosts.clone().next();
        let host = hosts.find(|host| *host == folder_name).or(first);
        Ok(host.map(|host| host.replace("_wildcard.", "*.")))
    }

    /// A generate.sh folder as the Secret that the task page creates from it.
    fn tree(&self, folder: &Path) -> Result<Option<SecretData>, Problem> {
        let Some(host) = self.host_of_tree(folder)? else {
            return Ok(None);
        };
        let file = host.replace("*.", "_wildcard.");
        let mut data = SecretData {
            source: folder.display().to_string(),
            at: None,
            entries: BTreeMap::new(),
        };
        for (key, path) in [
            ("tls.crt", format!("3_application/certs/{file}.cert.pem")),
            ("tls.key", format!("3_application/private/{file}.key.pem")),
            ("ca.crt", "2_intermediate/certs/ca-chain.cert.pem".to_owned()),
        ] {
            let path = folder.join(path);
            if let Some(content) = self.files.read(&path)? {
                data.entries.insert(key.to_owned(), Entry::of_file(&path, content));
            }
        }
        if let Some(ca) = data.entries.get("ca.crt").cloned() {
            // The file-mount Secret keeps the file's short name.
            data.entries.insert(CA_CHAIN_FILE.to_owned(), ca);
        }
        let mut lists: Option<Entry> = None;
        for path in ["1_root/crl/ca.crl.pem", "2_intermediate/crl/intermediate.crl.pem"] {
            let path = folder.join(path);
            if let Some(content) = self.files.read(&path)? {
                match &mut lists {
                    Some(entry) => Rc::make_mut(&mut entry.content).extend_from_slice(&content),
                    None => lists = Some(Entry::of_file(&path, content)),
                }
            }
        }
        data.entries.extend(lists.map(|entry| (CRL_FILE.to_owned(), entry)));
        Ok(Some(data))
    }

    /// What a path in the gateway's pod refers to: a secret volume of a Deployment in the input,
    /// otherwise `/etc/istio/NAME/FILE`, which is key FILE of the Secret `istio-NAME`; a path on
    /// this machine only with `--host-files`.
    ///
    /// # Errors
    /// If a file that should contain it cannot be read.
    pub fn mounted(&self, path: &str, hosts: &[String]) -> Result<Option<Entry>, Problem> {
        if let Some((secret, key)) = self.secret_at(path)
            && let Some(data) = self.find(&secret, hosts)?
        {
            return Ok(data.entries.get(&key).cloned());
        }
        if self.host_files {
            let path = Path::new(path);
            return Ok(self.files.read(path)?.map(|content| Entry::of_file(path, content)));
        }
        Ok(None)
    }

    /// The Secret and key behind a mount path.
    pub fn secret_at(&self, path: &str) -> Option<(String, String)> {
        let mounted = self.mounts.iter().filter_map(|mount| {
            let file = path.strip_prefix(mount.path.trim_end_matches('/'))?.strip_prefix('/')?;
            let key = if mount.items.is_empty() {
                file.to_owned()
            } else {
                mount.items.get(file)?.clone()
            };
            Some((mount.secret.clone(), key))
        });
        mounted.into_iter().next().or_else(|| {
            let file = MountedFile::parse(path)?;
            Some((file.secret(), file.key.to_owned()))
        })
    }
}

impl Entry {
    fn of_file(path: &Path, content: Vec<u8>) -> Self {
        Self {
            content: Rc::new(Zeroizing::new(content)),
            name: path.display().to_string(),
            at: None,
        }
    }
}

impl SecretData {
    /// A Secret of the input.
    pub fn of_object(
        namespace: &str,
        name: &str,
        at: Option<String>,
        values: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Self {
        Self::of(format!("secret {namespace}/{name}"), at, values)
    }

    /// A ConfigMap from the input, whose keys are read like a Secret's.
    pub fn of_config_map(
        namespace: &str,
        name: &str,
        at: Option<String>,
        values: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Self {
        Self::of(format!("configmap {namespace}/{name}"), at, values)
    }

    fn of(source: String, at: Option<String>, values: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        Self {
            entries: values
                .into_iter()
                .map(|(key, content)| {
                    let entry = Entry {
                        content: Rc::new(Zeroizing::new(content)),
                        name: format!("{source} key {key}"),
                        at: at.clone(),
                    };
                    (key, entry)
                })
                .collect(),
            source,
            at,
        }
    }

    /// The server's certificate and key: the generic keys `cert` and `key` take precedence over
    /// `tls.crt` and `tls.key`; a mixed pair is not used.
    ///
    /// # Errors
    /// If neither pair is complete and filled.
    pub fn key_pair(&self) -> Result<KeyPairEntries<'_>, Problem> {
        const PAIRS: [(&str, &str, &str); 2] = [("cert", "key", "crl"), ("tls.crt", "tls.key", "ca.crl")];
        let filled = |key: &str| self.entries.get(key).filter(|entry| !entry.content.is_empty());
        for (certificate, key, crl) in PAIRS {
            if let (Some(certificate), Some(key)) = (filled(certificate), filled(key)) {
                return Ok(KeyPairEntries {
                    certificate,
                    key,
                    crl: filled(crl),
                    staple: filled(OCSP_STAPLE).filter(|_| crl == "ca.crl"),
                });
            }
        }
        for (certificate, key, _) in PAIRS {
            if self.entries.contains_key(certificate) && self.entries.contains_key(key) {
                return Err(self.problem(format!(
                    "{} has the keys {certificate} and {key}, but they are empty",
                    self.source
                )));
            }
        }
        Err(self.problem(format!(
            "{} has neither the keys tls.crt and tls.key nor cert and key; it has: {}",
            self.source,
            self.key_names()
        )))
    }

    /// The CA for verifying clients: `cacert` (with `crl`), then `ca.crt` (with `ca.crl`).
    ///
    /// # Errors
    /// If neither is present and filled.
    pub fn authorities(&self) -> Result<AuthorityEntries<'_>, Problem> {
        for (name, crl) in [("cacert", "crl"), ("ca.crt", "ca.crl")] {
            match self.entries.get(name) {
                Some(entry) if entry.content.is_empty() => {
                    return Err(self.problem(format!("{} has the key {name}, but it is empty", self.source)));
                }
                Some(authorities) => {
                    let crl = self.entries.get(crl).filter(|entry| !entry.content.is_empty());
                    return Ok(AuthorityEntries { authorities, crl });
                }
                None => {}
            }
        }
        Err(self.problem(format!(
            "{} has neither the key ca.crt nor cacert, which clients are verified with; it has: {}",
            self.source,
            self.key_names()
        )))
    }

    fn key_names(&self) -> String {
        let names: Vec<&str> = self.entries.keys().map(String::as_str).collect();
        if names.is_empty() {
            return "no key".to_owned();
        }
        names.join(", ")
    }

    fn problem(&self, what: String) -> Problem {
        let problem = Problem::new(what);
        match &self.at {
            Some(at) => problem.at(at),
            None => problem,
        }
    }
}

/// A server's certificate and key in a Secret.
pub struct KeyPairEntries<'s> {
    /// The chain, leaf first.
    pub certificate: &'s Entry,
    /// The key.
    pub key: &'s Entry,
    /// The CRLs next to them.
    pub crl: Option<&'s Entry>,
    /// An OCSP response, which Istio reads only together with `tls.crt`.
    pub staple: Option<&'s Entry>,
}

/// The key of the OCSP response that a server sends with its certificate (DER).
pub const OCSP_STAPLE: &str = "tls.ocsp-staple";

/// The trust anchors for clients in a Secret.
pub struct AuthorityEntries<'s> {
    /// One certificate or several.
    pub authorities: &'s Entry,
    /// CRLs.
    pub crl: Option<&'s Entry>,
}

#[cfg(test)]
mod tests;
