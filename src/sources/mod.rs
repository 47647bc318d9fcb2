//! The input of a command: manifests given with `-f`, the workspace's hosts, or the state of a
//! cluster, and the locations of key material. Nothing is judged here; `serve` and `lint` do that.

pub mod disk;
pub mod entries;
pub mod environments;
pub mod intent;
mod kustomization;
mod listing;
pub mod live;
mod passed_over;
pub mod played;
pub mod workspace;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::files::{self, MANIFEST_LIMIT};
use crate::manifests::load::{self, Ignore, LoadError, Loaded, Object, Origin, Warning};
use crate::manifests::model::deployment::{PodSpec, PodTemplate};
use crate::manifests::model::{Manifest, Other, Secret};
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::secrets::{Found, SecretData, SecretMount, SecretStore};
use crate::workspace::config::{FILE_NAME, GatewayEntry, WorkspaceConfig};
use disk::DiskFiles;
use listing::Listing;
use live::{LiveSource, Unseen};
use passed_over::{PassedOver, chart_of, helm_template, is_template};
use workspace::Workspace;

/// Where objects and Secrets are read from.
#[derive(Debug, Default, Clone)]
pub struct Sources {
    /// `-f`: files and folders of manifests; empty means the workspace's objects.
    pub manifests: Vec<PathBuf>,
    /// `--cluster`: a cluster's objects instead of both. The workspace's chains are not used then:
    /// a Secret that is deleted there is missing.
    pub live: Option<LiveSource>,
    /// The content of `-f -`, read once.
    pub stdin: Option<Vec<u8>>,
    /// `--recursive`: includes subfolders.
    pub recursive: bool,
    /// Files of these folders that are not read.
    pub left_out: BTreeSet<PathBuf>,
    /// Whether pipes and devices are allowed, such as a shell's `<(command)`: for a single reading,
    /// since they provide their content only once.
    pub streams: bool,
    /// `--certs`.
    pub certs: Vec<PathBuf>,
    /// The workspace folder.
    pub workspace: PathBuf,
    /// `--host-files`.
    pub host_files: bool,
    /// `-n`.
    pub namespace: Option<String>,
    /// `--gateway-namespace`.
    pub gateway_namespace: Option<String>,
}

/// The meaning of a missing `-f` file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// At the start: its name is wrong.
    IsError,
    /// Later: it was deleted, and its objects with it.
    IsEmpty,
}

/// The collected input.
pub struct Collected<'f> {
    /// The objects, in input order.
    pub objects: Vec<Object>,
    /// Fields that an API server would drop or complain about.
    pub warnings: Vec<Warning>,
    /// Parts of the manifests that cannot be read, or that an API server would refuse.
    pub errors: Vec<LoadError>,
    /// Ignore comments.
    pub ignores: Vec<Ignore>,
    /// What is to be said of the workspace and of files that were passed over.
    pub notes: Vec<Problem>,
    /// Files of the manifests that are gone.
    pub gone: Vec<PathBuf>,
    /// What the folders of `-f` hold that is meant for other tools, such as charts; the notes say so.
    pub passed_over: Vec<PathBuf>,
    /// The texts of the manifests by name, for showing lines.
    pub texts: BTreeMap<String, Vec<u8>>,
    /// The namespace of objects without one.
    pub namespace: String,
    /// The labels of the gateway's pods.
    pub pod_labels: BTreeMap<String, String>,
    /// istio-tls.yaml, if it exists.
    pub config: Option<WorkspaceConfig>,
    /// Parts of a cluster that are not visible.
    pub unseen: Vec<Unseen>,
    /// How many hosts of the workspace have a chain or an entry.
    pub workspace_hosts: usize,
    /// All available Secrets; its namespace is that of the gateway's pods.
    pub store: SecretStore<'f>,
}

impl Sources {
    /// Whether the objects come from the workspace instead of `-f`.
    pub fn is_workspace(&self) -> bool {
        self.manifests.is_empty() && self.stdin.is_none() && self.live.is_none()
    }

    /// Reads everything; `files` records all accesses.
    ///
    /// # Errors
    /// If a file or istio-tls.yaml cannot be read. Errors inside a manifest are in
    /// [`Collected::errors`] instead.
    pub fn collect<'f>(&self, files: &'f DiskFiles, gone: Gone) -> Result<Collected<'f>, Problem> {
        let workspace = Workspace::read(&self.workspace, files)?;
        let gateway = workspace.config.gateway.clone();
        let mut pod_labels = default_pod_labels();
        pod_labels.extend(gateway.selector.clone());
        let mut chains = workspace.secret_names();
        let mut applied = HashSet::new();
        if self.live.is_some() {
            // Also those that this user may not access.
            chains.retain(|_, folder| files::is_there(&folder.join("3_application/certs")).unwrap_or(true));
            applied = std::mem::take(&mut chains).into_keys().collect();
        }
        let mut collected = Collected {
            objects: Vec::new(),
            warnings: Vec::new(),
            errors: Vec::new(),
            ignores: Vec::new(),
            notes: Vec::new(),
            gone: Vec::new(),
            passed_over: Vec::new(),
            texts: BTreeMap::new(),
            // A namespace in istio-tls.yaml is for its own objects.
            namespace: self.namespace.clone().unwrap_or_else(|| "default".to_owned()),
            pod_labels,
            unseen: Vec::new(),
            workspace_hosts: if self.live.is_some() {
                0
            } else {
                workspace.config.hosts.len()
            },
            store: SecretStore {
                namespace: self.gateway_namespace.clone().unwrap_or(gateway.pod_namespace),
                objects: HashMap::new(),
                config_maps: HashMap::new(),
                mounts: Vec::new(),
                folders: self.certs.clone(),
                chains,
                names_of_host: workspace::secret_names_of,
                files,
                host_files: self.host_files,
                in_cluster: self.live.is_some(),
                applied,
                found: Found::default(),
            },
            config: None,
        };
        if self.live.is_none() {
            let misspelled = workspace.file.iter().flat_map(|file| &file.misspelled);
            collected.notes.extend(misspelled.map(Problem::from));
        }
        if let Some(live) = &self.live {
            collected.objects = live.objects().collect();
            collected.errors = live.errors().to_vec();
            collected.pod_labels.extend(live.pod_labels.clone());
            collected.unseen.clone_from(&live.unseen);
            files.saw_generation(live.generation());
        } else if self.is_workspace() {
            if workspace.config.hosts.is_empty() {
                workspace.is_readable()?;
            }
            collected.objects = workspace.objects(files, self.namespace.as_deref(), &collected.store.namespace)?;
            let discrepancies = workspace.discrepancies.iter();
            collected.notes.extend(discrepancies.map(Problem::from));
        } else {
            self.read_manifests(files, gone, &mut collected)?;
        }
        collected.config = workspace.file.map(|_| workspace.config);
        collected.index(0, &gateway.selector);
        Ok(collected)
    }

    /// Generated objects, as if they had been read; `name` is their origin. Only their own Secrets
    /// are available.
    pub fn of_objects<'f>(
        objects: Vec<Manifest>,
        name: &str,
        gateway: &GatewayEntry,
        files: &'f DiskFiles,
    ) -> Collected<'f> {
        let origin = Origin::made(name);
        let mut pod_labels = default_pod_labels();
        pod_labels.extend(gateway.selector.clone());
        let mut collected = Collected {
            objects: objects
                .into_iter()
                .map(|manifest| Object {
                    origin: origin.clone(),
                    manifest,
                })
                .collect(),
            warnings: Vec::new(),
            errors: Vec::new(),
            ignores: Vec::new(),
            notes: Vec::new(),
            gone: Vec::new(),
            passed_over: Vec::new(),
            texts: BTreeMap::new(),
            namespace: gateway.namespace.clone(),
            pod_labels,
            config: None,
            unseen: Vec::new(),
            workspace_hosts: 0,
            store: SecretStore {
                namespace: gateway.pod_namespace.clone(),
                objects: HashMap::new(),
                config_maps: HashMap::new(),
                mounts: Vec::new(),
                folders: Vec::new(),
                chains: HashMap::new(),
                names_of_host: workspace::secret_names_of,
                files,
                host_files: false,
                in_cluster: false,
                applied: HashSet::new(),
                found: Found::default(),
            },
        };
        collected.index(0, &gateway.selector);
        collected
    }

    fn read_manifests(&self, files: &DiskFiles, gone: Gone, collected: &mut Collected<'_>) -> Result<(), Problem> {
        if let Some(content) = &self.stdin {
            collected.take(load::load_bytes(content, "-"), content.clone(), "-");
        }
        let mut known: HashSet<PathBuf> = HashSet::new();
        let mut passed = PassedOver::default();
        for given in &self.manifests {
            let mut listing = if given.is_dir() {
                Listing::of(given, self.recursive, files)?
            } else {
                Listing::default()
            };
            passed.add(std::mem::take(&mut listing.passed));
            let unreadable = listing.unreadable.iter();
            collected
                .errors
                .extend(unreadable.map(|(path, problem)| LoadError::of_file(path, problem)));
            let named = (!given.is_dir()).then(|| given.clone());
            for path in named.iter().chain(&listing.files) {
                if named.is_none() && self.left_out.contains(path) {
                    continue;
                }
                // Given twice, or by two names: its objects are included once.
                if path.canonicalize().is_ok_and(|real| !known.insert(real)) {
                    continue;
                }
                let content = match self.read_manifest(path, files) {
                    // One unreadable file does not prevent the others from being read.
                    Err(problem) if named.is_none() => {
                        collected.errors.push(LoadError::of_file(path, &problem));
                        continue;
                    }
                    read => read?,
                };
                let name = path.display().to_string();
                match content {
                    Some(content) => {
                        let mut loaded = load::load_bytes(&content, &name);
                        if named.is_none() && passed.takes(&name, &content, &loaded) {
                            continue;
                        }
                        if named.is_some() && is_template(&content) {
                            name_the_chart(path, &mut loaded);
                        }
                        collected.take(loaded, content, &name);
                    }
                    None if gone == Gone::IsError && named.is_some() => return Err(not_there(path)),
                    None if gone == Gone::IsError => {
                        collected.errors.push(LoadError::of_file(path, &not_there(path)));
                    }
                    None => collected.gone.push(path.clone()),
                }
            }
        }
        collected.notes.extend(passed.notes());
        collected.passed_over = passed.for_other_tools();
        Ok(())
    }

    fn read_manifest(&self, path: &Path, files: &DiskFiles) -> Result<Option<Vec<u8>>, Problem> {
        let is_file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
        if self.streams && path.exists() && !is_file && self.manifests.iter().any(|given| given == path) {
            return files::read_given(path, MANIFEST_LIMIT).map(Some);
        }
        files.read_manifest(path)
    }
}

impl Collected<'_> {
    /// The namespaces whose objects of this kind are visible; none if all are.
    pub fn seen_in(&self, kind: &str) -> Option<BTreeSet<String>> {
        let unseen = self.unseen.iter().filter(|unseen| unseen.kind == kind);
        unseen
            .map(|unseen| unseen.seen_in.clone())
            .reduce(|one, other| one.intersection(&other).cloned().collect())
    }

    fn take(&mut self, loaded: Loaded, content: Vec<u8>, name: &str) {
        self.objects.extend(loaded.objects);
        self.warnings.extend(loaded.warnings);
        self.errors.extend(loaded.errors);
        self.ignores.extend(loaded.ignores);
        self.texts.insert(name.to_owned(), content);
    }

    /// Adds objects that come from elsewhere.
    pub fn put_among(&mut self, objects: impl IntoIterator<Item = Object>) {
        let first = self.objects.len();
        self.objects.extend(objects);
        let gateway = self.config.as_ref().map(|config| config.gateway.clone());
        self.index(first, &gateway.unwrap_or_default().selector);
    }

    /// Adds the objects of a cluster, except those with the same name as one that was read, since
    /// they are about to be replaced.
    pub fn put_beside(&mut self, live: &LiveSource) {
        let title = |object: &Object| {
            let namespace = object.manifest.metadata().namespace_or(&self.namespace);
            object.manifest.title(namespace)
        };
        let known: HashSet<String> = self.objects.iter().map(title).collect();
        let others: Vec<Object> = live
            .objects()
            .filter(|object| !known.contains(&title(object)))
            .collect();
        self.pod_labels.extend(live.pod_labels.clone());
        self.unseen.clone_from(&live.unseen);
        self.put_among(others);
    }

    /// Adds key material and mounts from the objects starting at `first`; `selector` matches the
    /// gateway's pods.
    fn index(&mut self, first: usize, selector: &BTreeMap<String, String>) {
        for object in self.objects.iter().skip(first) {
            let namespace = object.manifest.metadata().namespace_or(&self.namespace);
            match &object.manifest {
                Manifest::Secret(secret) => {
                    let name = &secret.metadata.name;
                    let data =
                        SecretData::of_object(namespace, name, Some(place_of(object, namespace)), values(secret));
                    self.store
                        .objects
                        .insert((namespace.to_owned(), name.clone()), Rc::new(data));
                }
                Manifest::Other(other) if other.kind == "ConfigMap" && other.api_version == "v1" => {
                    let name = &other.metadata.name;
                    let at = Some(place_of(object, namespace));
                    let data = SecretData::of_config_map(namespace, name, at, texts(other));
                    self.store
                        .config_maps
                        .insert((namespace.to_owned(), name.clone()), Rc::new(data));
                }
                manifest if namespace == self.store.namespace => {
                    let Some(template) = PodTemplate::of(manifest) else {
                        continue;
                    };
                    let labels = &template.metadata.labels;
                    let is_gateway = selector.iter().all(|(name, value)| labels.get(name) == Some(value));
                    if is_gateway {
                        self.pod_labels.extend(labels.clone());
                    }
                    // Other workloads in that namespace of a cluster mount their own Secrets.
                    if is_gateway || !object.origin.file.is_empty() {
                        self.store.mounts.extend(mounts(&template.spec));
                    }
                }
                _ => {}
            }
        }
    }
}

/// Adds to an explicitly given template how to render it.
fn name_the_chart(path: &Path, loaded: &mut Loaded) {
    let fix = match chart_of(path) {
        Some(chart) => helm_template(&chart).into(),
        None => Remedy::from("it is a template: use the output of the tool that renders it"),
    };
    for error in &mut loaded.errors {
        error.fix = Some(fix.clone());
    }
}

/// The position of an object, or its name in a cluster.
fn place_of(object: &Object, namespace: &str) -> String {
    match object.origin.location() {
        place if place.file.is_empty() => object.manifest.title(namespace),
        place => place.to_string(),
    }
}

/// The `data` of a ConfigMap; istiod does not read `binaryData`.
fn texts(config_map: &Other) -> Vec<(String, Vec<u8>)> {
    let data = config_map.content.get("data").and_then(|data| data.as_object());
    let entries = data.into_iter().flatten();
    entries
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.as_bytes().to_vec())))
        .collect()
}

fn values(secret: &Secret) -> Vec<(String, Vec<u8>)> {
    let keys = secret.keys().into_iter();
    keys.filter_map(|key| Some((key.to_owned(), secret.get(key)?.to_vec())))
        .collect()
}

/// The secret volumes that pods mount.
fn mounts(pod: &PodSpec) -> Vec<SecretMount> {
    let mounted = pod.containers.iter().flat_map(|container| &container.volume_mounts);
    mounted
        .filter_map(|mount| {
            let volume = pod.volumes.iter().find(|volume| volume.name == mount.name)?;
            let secret = volume.secret.as_ref()?;
            let items = secret.items.iter();
            Some(SecretMount {
                path: mount.mount_path.clone(),
                secret: secret.secret_name.clone()?,
                items: items.map(|item| (item.path.clone(), item.key.clone())).collect(),
            })
        })
        .collect()
}

/// The labels of Istio's default ingress gateway.
fn default_pod_labels() -> BTreeMap<String, String> {
    BTreeMap::from([
        ("app".to_owned(), "istio-ingressgateway".to_owned()),
        ("istio".to_owned(), "ingressgateway".to_owned()),
    ])
}

fn not_there(path: &Path) -> Problem {
    let why = if path.is_symlink() {
        "it is a symbolic link to a file that does not exist"
    } else {
        "no such file or directory"
    };
    Problem::new(format!("{} cannot be read", path.display())).why(why)
}

/// The problem if the workspace has nothing to `verb` ("serve", "lint").
pub fn nothing_found(workspace: &Path, verb: &str) -> Problem {
    let shown = match files::shown(workspace) {
        shown if shown.is_empty() => "the current folder".to_owned(),
        shown => shown,
    };
    Problem::new(format!("there is nothing to {verb}"))
        .why(format!(
            "{shown} has neither {FILE_NAME} with hosts nor folders of certificates, and no manifests were given with -f"
        ))
        .fix(ours::gen_certs_example())
}
