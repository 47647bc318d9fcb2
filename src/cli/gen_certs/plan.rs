//! What `gen-certs` is to do: decided host by host before anything is issued or
//! written, so that `--dry-run` can show it.

use std::collections::HashMap;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::certs::csr::CertificateRequest;
use crate::certs::plan::{LeafValidity, San, Subtree};
use crate::certs::{Bad, Profile};
use crate::cli::Failure;
use crate::cli::context::Context;
use crate::ops::entries;
use crate::files::shown;
use crate::names::Host;
use crate::problem::Problem;
use crate::shell::quote;
use crate::workspace::config::Mode;
use crate::workspace::file::WorkspaceFile;
use crate::workspace::layout::{ChainLayout, Part, RootLayout};
use crate::workspace::store;

/// The longest host or client name: file systems hold names of 255 bytes, and
/// `_wildcard` is longer than `*`.
const LONGEST: usize = 255 - ".cert.pem".len() - "_wildcard".len();

/// What the user wants.
pub(in crate::cli) struct Intent {
    pub(in crate::cli) hosts: Vec<Host>,
    pub(in crate::cli) profile: Profile,
    pub(in crate::cli) leaf_validity: LeafValidity,
    pub(in crate::cli) sans: Vec<San>,
    pub(in crate::cli) name_constraints: Vec<Subtree>,
    pub(in crate::cli) clients: Vec<String>,
    /// Nothing but clients was asked for, so that an existing chain may stay.
    pub(in crate::cli) only_clients: bool,
    pub(in crate::cli) mode: Option<Mode>,
    pub(in crate::cli) bad: Option<Bad>,
    pub(in crate::cli) csr: Option<CertificateRequest>,
    pub(in crate::cli) signer: Signer,
    pub(in crate::cli) password: Option<Zeroizing<String>>,
    pub(in crate::cli) bundles: bool,
    pub(in crate::cli) force: bool,
    pub(in crate::cli) skip_existing: bool,
}

/// Who signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Signer {
    /// A root and an intermediate per host.
    Own,
    /// An intermediate per host under the root of this folder.
    Root(PathBuf),
    /// The intermediate of this folder.
    Intermediate(PathBuf),
}

impl Intent {
    /// What `gen-certs HOST --skip-existing` without another flag wants.
    pub(in crate::cli) fn defaults(hosts: Vec<Host>) -> Self {
        Self {
            hosts,
            profile: Profile::default(),
            leaf_validity: LeafValidity::default(),
            sans: Vec::new(),
            name_constraints: Vec::new(),
            clients: Vec::new(),
            only_clients: false,
            mode: None,
            bad: None,
            csr: None,
            signer: Signer::Own,
            password: None,
            bundles: false,
            force: false,
            skip_existing: true,
        }
    }
}

/// What happens to one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Action {
    /// A chain where there was none.
    Create,
    /// A chain in place of another one.
    Replace,
    /// Clients under the chain that is there.
    AddClients,
}

/// What is to be made for one host.
pub(in crate::cli) struct Job {
    pub(in crate::cli) layout: ChainLayout,
    pub(in crate::cli) action: Action,
    /// All clients to issue, the host's own first.
    pub(in crate::cli) clients: Vec<String>,
    pub(in crate::cli) mode: Mode,
}

/// Everything that is to be made.
pub(in crate::cli) struct Plan {
    pub(in crate::cli) jobs: Vec<Job>,
    pub(in crate::cli) file: WorkspaceFile,
    /// The shared root that does not exist yet.
    pub(in crate::cli) new_root: Option<RootLayout>,
    /// Hosts that `--skip-existing` passed over.
    pub(in crate::cli) skipped: usize,
}

/// Decides what is to be made. Nothing is written.
///
/// # Errors
/// When a chain stands there already and may not be replaced, or istio-tls.yaml
/// is not valid.
pub(in crate::cli) fn plan(intent: &Intent, context: &Context) -> Result<Plan, Failure> {
    let file = entries::read_or_new(&context.dir).map_err(Failure::usage)?;
    let mut jobs = Vec::with_capacity(intent.hosts.len());
    let mut standing = Vec::new();
    let mut skipped = 0;
    let entry_of: HashMap<_, _> = file.config.hosts.iter().map(|entry| (&entry.host, entry)).collect();
    for host in &intent.hosts {
        let layout = ChainLayout::new(&context.dir, host);
        if let Some(name) = too_long(host.as_str()).or_else(|| intent.clients.iter().find_map(|name| too_long(name))) {
            return Err(Failure::usage(name));
        }
        let entry = entry_of.get(host);
        let mode = (intent.mode)
            .or(entry.map(|entry| file.config.mode_of(entry)))
            .unwrap_or(file.config.mode);
        let stands = store::has_chain(&layout);
        if !stands || intent.force {
            let mut clients = Vec::new();
            if mode.verifies_clients() || !intent.clients.is_empty() {
                clients.push(host.as_str().to_owned());
            }
            let known = if stands {
                store::clients(&layout).map_err(Failure::runtime)?
            } else {
                Vec::new()
            };
            let recorded = entry.map(|entry| entry.clients.as_slice()).unwrap_or_default();
            for client in known.iter().chain(recorded).chain(&intent.clients) {
                if !clients.contains(client) {
                    clients.push(client.clone());
                }
            }
            jobs.push(Job {
                layout,
                action: if stands { Action::Replace } else { Action::Create },
                clients,
                mode,
            });
        } else if intent.skip_existing {
            skipped += 1;
        } else if intent.only_clients {
            let known = store::clients(&layout).map_err(Failure::runtime)?;
            if let Some(client) = intent.clients.iter().find(|client| known.contains(client)) {
                return Err(Failure::usage(
                    Problem::new(format!("{host} has a client {client} already"))
                        .at(shown(&layout.path(Part::ClientCert(client))))
                        .fix(format!(
                            "istio-tls gen-certs {} --force makes the whole chain anew, this client included",
                            quote(host.as_str())
                        )),
                ));
            }
            let mut clients: Vec<String> = Vec::new();
            for client in &intent.clients {
                if !clients.contains(client) {
                    clients.push(client.clone());
                }
            }
            jobs.push(Job {
                layout,
                action: Action::AddClients,
                clients,
                mode,
            });
        } else {
            standing.push((layout, entry.is_some()));
        }
    }
    if let Some((first, recorded)) = standing.first() {
        let mut problem = exists(first, standing.len());
        if !recorded && standing.len() == 1 {
            // As generate.sh leaves it, or a process that was killed.
            let folder = shown(&first.folder());
            problem.fix = problem
                .fix
                .map(|fix| format!("istio-tls adopt {folder} records it as it is; or {fix}"));
        }
        return Err(Failure::usage(problem));
    }
    let new_root = match &intent.signer {
        Signer::Root(dir) => {
            if let Some(folder) = ["1_root", "3_application"].iter().find(|name| dir.join(name).is_dir()) {
                return Err(Failure::usage(
                    Problem::new(format!(
                        "{} is the folder of one host's chain, not of a root",
                        dir.display()
                    ))
                    .why(format!("it has a folder {folder}; a shared root has certs and private"))
                    .fix(format!("--root {}", dir.join("1_root").display())),
                ));
            }
            let root = RootLayout::new(dir);
            (!root.cert().exists() && !root.key().exists()).then_some(root)
        }
        _ => None,
    };
    Ok(Plan {
        jobs,
        file,
        new_root,
        skipped,
    })
}

/// A name that no file can have, once `.cert.pem` stands behind it.
fn too_long(name: &str) -> Option<Problem> {
    (name.len() > LONGEST).then(|| {
        Problem::new(format!("the name {name} is too long for the files of its chain"))
            .why(format!(
                "it has {} characters, and a file name takes at most {LONGEST} of them beside .cert.pem",
                name.len()
            ))
            .fix("give a shorter host, or a wildcard with --san for the long name")
    })
}

pub(in crate::cli) fn exists(first: &ChainLayout, count: usize) -> Problem {
    let others = match count {
        1 => String::new(),
        count => format!(" (and those of {} more hosts)", count - 1),
    };
    Problem::new(format!("a chain of {} exists already{others}", first.host()))
        .at(format!("{}/", shown(&first.folder())))
        .why("keys and certificates are not overwritten unless you say so")
        .fix(if count == 1 {
            format!("istio-tls gen-certs {} --force", quote(first.host().as_str()))
        } else {
            "--force replaces them, --skip-existing leaves them and makes the others".to_owned()
        })
}
