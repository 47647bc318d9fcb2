//! What `gen-certs` does: decides host by host what is to be made, before
//! anything is written, then makes it, several hosts at a time.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::Failure;
use super::authority::{self, Intermediate};
use super::chain_files::{self, KeyStorage};
use super::context::Context;
use super::entries::{self, Recorded};
use crate::certs::csr::CertificateRequest;
use crate::certs::issue::{issue_client, issue_root};
use crate::certs::plan::{LeafValidity, San, Subtree};
use crate::certs::{
    Authority, Bad, CertificateAuthority, CertificateDer, Chain, ChainPlan, Client, KeyType, Profile, issue_chain, pem,
};
use crate::names::Host;
use crate::problem::Problem;
use crate::workspace::config::Mode;
use crate::workspace::file::WorkspaceFile;
use crate::workspace::layout::{ChainLayout, Part, RootLayout};
use crate::workspace::store::{self, Keep, Store};

/// Chains are made by at most so many threads.
const THREADS: usize = 8;
/// Notes beyond these stand in the JSON only, with their chain.
const MOST_NOTES: usize = 20;

/// What the user wants.
pub(super) struct Intent {
    pub(super) hosts: Vec<Host>,
    pub(super) profile: Profile,
    pub(super) leaf_validity: LeafValidity,
    pub(super) sans: Vec<San>,
    pub(super) name_constraints: Vec<Subtree>,
    pub(super) clients: Vec<String>,
    /// Nothing but clients was asked for, so that an existing chain may stay.
    pub(super) only_clients: bool,
    pub(super) mode: Option<Mode>,
    pub(super) bad: Option<Bad>,
    pub(super) csr: Option<CertificateRequest>,
    pub(super) signer: Signer,
    pub(super) password: Option<Zeroizing<String>>,
    pub(super) bundles: bool,
    pub(super) force: bool,
    pub(super) skip_existing: bool,
}

/// Who signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signer {
    /// A root and an intermediate per host.
    Own,
    /// An intermediate per host under the root of this folder.
    Root(PathBuf),
    /// The intermediate of this folder.
    Intermediate(PathBuf),
}

impl Intent {
    /// What `gen-certs HOST --skip-existing` without another flag wants.
    pub(super) fn defaults(hosts: Vec<Host>) -> Self {
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
pub(super) enum Action {
    /// A chain where there was none.
    Create,
    /// A chain in place of another one.
    Replace,
    /// Clients under the chain that is there.
    AddClients,
}

/// What is to be made for one host.
pub(super) struct Job {
    pub(super) layout: ChainLayout,
    pub(super) action: Action,
    /// All clients to issue, the host's own first.
    pub(super) clients: Vec<String>,
    pub(super) mode: Mode,
}

/// Everything that is to be made.
pub(super) struct Plan {
    pub(super) jobs: Vec<Job>,
    pub(super) file: WorkspaceFile,
    /// The shared root that does not exist yet.
    pub(super) new_root: Option<RootLayout>,
    /// Hosts that `--skip-existing` passed over.
    pub(super) skipped: usize,
}

/// What was made for one host.
pub(super) struct Made {
    pub(super) job: Job,
    pub(super) serial: String,
    pub(super) not_before: OffsetDateTime,
    pub(super) not_after: OffsetDateTime,
    pub(super) notes: Vec<String>,
}

/// Everything that was made.
pub(super) struct Outcome {
    pub(super) made: Vec<Made>,
    pub(super) file: WorkspaceFile,
    pub(super) new_root: Option<RootLayout>,
    pub(super) skipped: usize,
    /// What holds for all of them.
    pub(super) notes: Vec<String>,
    pub(super) signer: Signer,
    pub(super) has_server_key: bool,
    pub(super) encrypted: bool,
    pub(super) bundles: bool,
}

/// Makes the chains that do not exist yet, with every default. For `up`.
///
/// # Errors
/// As [`plan`] and [`carry_out`].
#[allow(dead_code, reason = "up calls it")]
pub(super) fn make_missing(hosts: Vec<Host>, context: &Context) -> Result<Outcome, Failure> {
    let intent = Intent::defaults(hosts);
    let plan = plan(&intent, context)?;
    carry_out(&intent, plan, context)
}

/// Decides what is to be made. Nothing is written.
///
/// # Errors
/// When a chain stands there already and may not be replaced, or istio-tls.yaml
/// is not valid.
pub(super) fn plan(intent: &Intent, context: &Context) -> Result<Plan, Failure> {
    let file = entries::read_or_new(&context.dir).map_err(Failure::usage)?;
    let mut jobs = Vec::with_capacity(intent.hosts.len());
    let mut standing = Vec::new();
    let mut skipped = 0;
    let entry_of: std::collections::HashMap<_, _> =
        file.config.hosts.iter().map(|entry| (&entry.host, entry)).collect();
    for host in &intent.hosts {
        let layout = ChainLayout::new(&context.dir, host);
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
                        .at(layout.path(Part::ClientCert(client)).display().to_string())
                        .fix(format!(
                            "istio-tls gen-certs {} --force makes the whole chain anew, this client included",
                            shell(host)
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
            standing.push(layout);
        }
    }
    if let Some(first) = standing.first() {
        return Err(Failure::usage(exists(first, standing.len())));
    }
    let new_root = match &intent.signer {
        Signer::Root(dir) => {
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

fn exists(first: &ChainLayout, count: usize) -> Problem {
    let others = match count {
        1 => String::new(),
        count => format!(" (and those of {} more hosts)", count - 1),
    };
    Problem::new(format!("a chain of {} exists already{others}", first.host()))
        .at(format!("{}/", first.folder().display()))
        .why("keys and certificates are not overwritten unless you say so")
        .fix(if count == 1 {
            format!("istio-tls gen-certs {} --force", shell(first.host()))
        } else {
            "--force replaces them, --skip-existing leaves them and makes the others".to_owned()
        })
}

/// A host as it is typed in a shell.
pub(super) fn shell(host: &Host) -> String {
    if host.is_wildcard() {
        format!("'{host}'")
    } else {
        host.to_string()
    }
}

/// The CAs that sign, read or made once for all hosts.
enum Signers {
    Own,
    Root(CertificateAuthority),
    Intermediate(Intermediate),
}

/// Makes what the plan says: each chain is written as soon as it is issued,
/// istio-tls.yaml at the end.
///
/// # Errors
/// When a CA cannot be used, a chain cannot be issued, or a file cannot be
/// written. Chains that were written before stay, each whole.
pub(super) fn carry_out(intent: &Intent, plan: Plan, context: &Context) -> Result<Outcome, Failure> {
    let password = intent.password.as_ref().map(|password| password.as_str());
    let storage = KeyStorage {
        password,
        bundles: intent.bundles,
    };
    let mut notes = notes(intent, &plan);
    // Everything that may be refused is, before the folder is touched.
    let mut signers = match &intent.signer {
        Signer::Own => Signers::Own,
        Signer::Root(dir) => match authority::shared_root(&RootLayout::new(dir), password)? {
            Some(root) => Signers::Root(root),
            None => Signers::Own,
        },
        Signer::Intermediate(dir) => Signers::Intermediate(authority::intermediate_of_folder(context, dir, password)?),
    };
    let new_root = match (&plan.new_root, plan.jobs.first()) {
        (Some(layout), Some(job)) => {
            let issued =
                issue_root(&root_name(layout), &chain_plan(intent, job), context.now).map_err(Failure::usage)?;
            let key = issued
                .key
                .ok_or_else(|| Failure::runtime(Problem::new("the new root has no key")))?;
            signers =
                Signers::Root(CertificateAuthority::new(issued.certificate.clone(), &key).map_err(Failure::runtime)?);
            Some((layout.clone(), issued.certificate, key))
        }
        _ => None,
    };
    // One chain is issued before the folder is touched, so that a plan that
    // cannot be met leaves no trace.
    let first = match plan.jobs.first() {
        Some(job) => Some(issue(intent, job, &signers, password, context.now)?),
        None => None,
    };
    let store = Store::open(&context.dir, || {
        context.say("waiting for another istio-tls that writes here");
    })
    .map_err(Failure::runtime)?;
    if let Some(job) = plan
        .jobs
        .iter()
        .find(|job| job.action == Action::Create && store::has_chain(&job.layout))
    {
        // Another process, or a start that was killed, finished it meanwhile.
        return Err(Failure::usage(exists(&job.layout, 1)));
    }
    let Plan {
        jobs,
        skipped,
        new_root: root_layout,
        ..
    } = plan;
    // What istio-tls.yaml will say is written first and named last.
    let wanted = record(context, jobs.iter().map(|job| recorded(intent, job)).collect()).map_err(Failure::usage)?;
    let pending = wanted.prepare(&store).map_err(Failure::runtime)?;
    if let Some((layout, certificate, key)) = &new_root {
        let key = chain_files::ca_key(key, password).map_err(Failure::runtime)?;
        let certificate = pem::certificate_text(certificate);
        store
            .write_root(layout, certificate.as_bytes(), &key)
            .map_err(Failure::runtime)?;
    }
    let (made, failure) = make_all(jobs, first, storage, &store, |job| {
        issue(intent, job, &signers, password, context.now)
    });
    if let Some(failure) = failure {
        drop(pending);
        if made.is_empty() {
            if let Some(layout) = &root_layout {
                store.remove_root(layout);
            }
        } else {
            // The chains that stand are recorded; should that fail too, the
            // next gen-certs does it.
            let _ = record(context, made.iter().map(|made| recorded(intent, &made.job)).collect())
                .and_then(|file| file.prepare(&store)?.commit());
            context.say_always(&format!("{} chains were made before the failure", made.len()));
        }
        return Err(failure);
    }
    pending.commit().map_err(Failure::runtime)?;
    for note in made.iter().flat_map(|made| &made.notes) {
        if notes.len() < MOST_NOTES && !notes.contains(note) {
            notes.push(note.clone());
        }
    }
    Ok(Outcome {
        made,
        file: wanted,
        new_root: root_layout,
        skipped,
        notes,
        signer: intent.signer.clone(),
        has_server_key: intent.csr.is_none(),
        encrypted: password.is_some(),
        bundles: intent.bundles,
    })
}

fn root_name(layout: &RootLayout) -> String {
    match layout.folder().file_name() {
        Some(name) => format!("{} root", name.to_string_lossy()),
        None => "istio-tls root".to_owned(),
    }
}

/// What istio-tls.yaml is to say: read again, since another process may have
/// changed it; with the hosts, and the chains that have no entry. Not written.
fn record(context: &Context, mut recorded: Vec<Recorded>) -> Result<WorkspaceFile, Problem> {
    let file = entries::read_or_new(&context.dir)?;
    recorded.extend(entries::missing(&context.dir, &file.config, &recorded)?);
    file.edit(&entries::record(&file.config, &recorded))
}

fn recorded(intent: &Intent, job: &Job) -> Recorded {
    Recorded {
        host: job.layout.host().clone(),
        mode: intent.mode,
        clients: (job.clients.iter())
            .filter(|name| *name != job.layout.host().as_str())
            .cloned()
            .collect(),
    }
}

/// What is known before anything is issued.
fn notes(intent: &Intent, plan: &Plan) -> Vec<String> {
    let mut notes = Vec::new();
    if intent.profile.leaf_key == KeyType::Ed25519 {
        notes.push(
            "Ed25519: Envoy accepts no Ed25519 client certificate, and browsers no Ed25519 certificate at all; \
             ecdsa-p256 works everywhere"
                .to_owned(),
        );
    }
    match &intent.signer {
        Signer::Own => {}
        Signer::Root(dir) | Signer::Intermediate(dir) => notes.push(format!(
            "the CA of {} is shared: a client certificate of one of its hosts is accepted by all of them",
            dir.display()
        )),
    }
    if intent.bundles && intent.password.is_none() {
        notes.push(format!(
            "the password of the PKCS#12 bundles is {}",
            chain_files::BUNDLE_PASSWORD
        ));
    }
    let encrypted = |job: &Job| {
        store::read(&job.layout, Part::IntermediateKey)
            .ok()
            .flatten()
            .is_some_and(|key| String::from_utf8_lossy(&key).contains("ENCRYPTED"))
    };
    if intent.password.is_none()
        && intent.signer == Signer::Own
        && plan
            .jobs
            .iter()
            .any(|job| job.action == Action::Replace && encrypted(job))
    {
        notes.push(
            "the replaced CA keys were encrypted, the new ones are not: give --password-file to encrypt them"
                .to_owned(),
        );
    }
    notes
}

fn chain_plan(intent: &Intent, job: &Job) -> ChainPlan {
    ChainPlan {
        sans: intent.sans.clone(),
        profile: intent.profile.clone(),
        leaf_validity: intent.leaf_validity,
        clients: job.clients.clone(),
        name_constraints: intent.name_constraints.clone(),
        bad: intent.bad,
        csr: intent.csr.clone(),
        ..ChainPlan::new(job.layout.host().clone())
    }
}

/// Issued, and not written yet.
struct Issued {
    what: What,
    serial: String,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
}

enum What {
    Chain(Box<Chain>),
    /// Clients, and the intermediate and root above them.
    Clients(Vec<Client>, [CertificateDer<'static>; 2]),
}

fn issue(
    intent: &Intent,
    job: &Job,
    signers: &Signers,
    password: Option<&str>,
    now: OffsetDateTime,
) -> Result<Issued, Failure> {
    let plan = chain_plan(intent, job);
    let (what, leaf) = if job.action == Action::AddClients {
        let intermediate = authority::intermediate_of_host(&job.layout, password)?;
        let clients: Vec<Client> = (job.clients.iter())
            .map(|name| issue_client(name, &plan, &intermediate.ca, now))
            .collect::<Result<_, _>>()
            .map_err(Failure::usage)?;
        let leaf = match clients.first() {
            Some(client) => client.issued.certificate.clone(),
            None => return Err(Failure::usage(Problem::new("no client is given"))),
        };
        let above = [intermediate.ca.certificate().clone(), intermediate.root];
        (What::Clients(clients, above), leaf)
    } else {
        let authority = match signers {
            Signers::Own => Authority::New,
            Signers::Root(root) => Authority::Root(root),
            Signers::Intermediate(intermediate) => Authority::Intermediate(&intermediate.ca, &intermediate.root),
        };
        let chain = issue_chain(&plan, authority, now).map_err(Failure::usage)?;
        let leaf = chain.server.certificate.clone();
        (What::Chain(Box::new(chain)), leaf)
    };
    let facts = chain_files::facts(&leaf).map_err(Failure::runtime)?;
    Ok(Issued {
        what,
        serial: facts.serial,
        not_before: facts.not_before,
        not_after: facts.not_after,
    })
}

fn write(store: &Store, job: Job, issued: Issued, storage: KeyStorage<'_>) -> Result<Made, Failure> {
    let (files, keep) = match &issued.what {
        What::Chain(chain) => (chain_files::of_chain(chain, storage), Keep::OtherFiles),
        What::Clients(clients, above) => (chain_files::of_clients(clients, above, storage), Keep::Everything),
    };
    let files = files.map_err(Failure::runtime)?;
    let parts: Vec<_> = files
        .iter()
        .map(|(part, content)| (*part, content.as_slice()))
        .collect();
    store.write_chain(&job.layout, &parts, keep).map_err(Failure::runtime)?;
    drop(parts);
    drop(files);
    Ok(Made {
        job,
        serial: issued.serial,
        not_before: issued.not_before,
        not_after: issued.not_after,
        notes: match issued.what {
            What::Chain(chain) => chain.notes,
            What::Clients(..) => Vec::new(),
        },
    })
}

/// Issues and writes all jobs; the first is issued already. Gives what was
/// made, in the jobs' order, and the failure that ended it, if one did.
fn make_all(
    jobs: Vec<Job>,
    first: Option<Issued>,
    storage: KeyStorage<'_>,
    store: &Store,
    issue: impl Fn(&Job) -> Result<Issued, Failure> + Sync,
) -> (Vec<Made>, Option<Failure>) {
    let threads = match std::thread::available_parallelism() {
        Ok(cores) => cores.get().min(THREADS).min(jobs.len()),
        Err(_) => 1,
    };
    let mut first = first;
    let jobs: Vec<Mutex<Option<(Job, Option<Issued>)>>> = jobs
        .into_iter()
        .map(|job| Mutex::new(Some((job, first.take()))))
        .collect();
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let made: Mutex<Vec<(usize, Made)>> = Mutex::new(Vec::with_capacity(jobs.len()));
    let failure: Mutex<Option<Failure>> = Mutex::new(None);
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((job, issued)) = jobs.get(index).and_then(|job| job.lock().ok()?.take()) else {
                return;
            };
            let issued = match issued {
                Some(issued) => Ok(issued),
                None => issue(&job),
            };
            match issued.and_then(|issued| write(store, job, issued, storage)) {
                Ok(done) => {
                    if let Ok(mut made) = made.lock() {
                        made.push((index, done));
                    }
                }
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    if let Ok(mut failure) = failure.lock() {
                        failure.get_or_insert(error);
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let mut made = made.into_inner().unwrap_or_default();
    made.sort_by_key(|(index, _)| *index);
    (
        made.into_iter().map(|(_, made)| made).collect(),
        failure.into_inner().unwrap_or_default(),
    )
}
