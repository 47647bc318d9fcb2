//! What `gen-certs` does: issues and writes what was planned, several hosts at
//! a time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use time::OffsetDateTime;

use super::plan::{Action, Intent, Job, Plan, Signer, exists, plan};
use crate::certs::inspect::{self, CertificateFacts};
use crate::certs::issue::{issue_client, issue_root};
use crate::certs::{
    Authority, CertificateAuthority, CertificateDer, Chain, ChainPlan, Client, KeyType, issue_chain, pem,
};
use crate::ops::authority::{self, Intermediate};
use crate::ops::chain_files::{self, KeyStorage};
use crate::cli::context::Context;
use crate::ops::entries::{self, Recorded};
use crate::cli::{Failure};
use crate::ops::{rotating};
use crate::names::Host;
use crate::problem::Problem;
use crate::workspace::file::WorkspaceFile;
use crate::workspace::layout::{Part, RootLayout};
use crate::workspace::store::{self, Keep, Store};

/// Chains are made by at most so many threads.
const THREADS: usize = 8;
/// Notes beyond these stand in the JSON only, with their chain.
const MOST_NOTES: usize = 20;

/// What was made for one host.
pub(in crate::cli) struct Made {
    pub(in crate::cli) job: Job,
    /// The server's certificate, or the first added client's.
    pub(in crate::cli) leaf: LeafFacts,
    pub(in crate::cli) notes: Vec<String>,
}

/// What is told of a certificate; little, since there may be very many.
pub(in crate::cli) struct LeafFacts {
    /// Hex with colons.
    pub(in crate::cli) serial: String,
    /// RFC 3339.
    pub(in crate::cli) not_before: String,
    /// RFC 3339.
    pub(in crate::cli) not_after: String,
}

impl From<CertificateFacts> for LeafFacts {
    fn from(facts: CertificateFacts) -> Self {
        Self {
            serial: facts.serial,
            not_before: facts.not_before,
            not_after: facts.not_after,
        }
    }
}

/// Everything that was made.
pub(in crate::cli) struct Outcome {
    pub(in crate::cli) made: Vec<Made>,
    pub(in crate::cli) file: WorkspaceFile,
    pub(in crate::cli) new_root: Option<RootLayout>,
    pub(in crate::cli) skipped: usize,
    /// What holds for all of them.
    pub(in crate::cli) notes: Vec<String>,
    pub(in crate::cli) signer: Signer,
    pub(in crate::cli) has_server_key: bool,
    pub(in crate::cli) encrypted: bool,
    pub(in crate::cli) bundles: bool,
}

/// Makes the chains that do not exist yet, with every default. For `up`.
///
/// # Errors
/// As [`plan`] and [`carry_out`].
pub(in crate::cli) fn make_missing(hosts: Vec<Host>, context: &Context) -> Result<Outcome, Failure> {
    let intent = Intent::defaults(hosts);
    let plan = plan(&intent, context)?;
    carry_out(&intent, plan, context)
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
pub(in crate::cli) fn carry_out(intent: &Intent, plan: Plan, context: &Context) -> Result<Outcome, Failure> {
    let password = intent.password.as_ref().map(|password| password.as_str());
    let storage = KeyStorage {
        password,
        bundles: intent.bundles,
    };
    let replaced = plan.jobs.iter().filter(|job| job.action == Action::Replace);
    rotating::refuse(replaced.map(|job| &job.layout), "gen-certs", context)?;
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
        .find(|job| job.action == Action::Create && !intent.force && store::has_chain(&job.layout))
    {
        // Another process made it meanwhile.
        return Err(Failure::usage(exists(&job.layout, 1)));
    }
    let Plan {
        jobs,
        skipped,
        new_root: root_layout,
        ..
    } = plan;
    // What istio-tls.yaml will say is written first and named last.
    let (wanted, found) =
        record(context, jobs.iter().map(|job| recorded(intent, job)).collect()).map_err(Failure::usage)?;
    notes.extend(
        found
            .iter()
            .take(MOST_NOTES)
            .map(|host| format!("the chain of {host} was not in istio-tls.yaml; now it is")),
    );
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
                .and_then(|(file, _)| file.prepare(&store)?.commit());
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
/// changed it; with the hosts, and the chains that have no entry, whose hosts
/// are given beside it. Not written.
fn record(context: &Context, mut recorded: Vec<Recorded>) -> Result<(WorkspaceFile, Vec<Host>), Problem> {
    let file = entries::read_or_new(&context.dir)?;
    let missing = entries::missing(&context.dir, &file.config, &recorded)?;
    let hosts = missing.iter().map(|chain| chain.host.clone()).collect();
    recorded.extend(missing);
    Ok((file.edit(&entries::record(&file.config, &recorded))?, hosts))
}

fn recorded(intent: &Intent, job: &Job) -> Recorded {
    Recorded {
        host: job.layout.host().clone(),
        mode: intent.mode,
        credential_name: None,
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
    if !intent.clients.is_empty()
        && let Some(job) = plan.jobs.iter().find(|job| !job.mode.verifies_clients())
    {
        notes.push(format!(
            "the mode of {} is simple: the gateway asks for no client certificate until it is mutual or optional-mutual",
            job.layout.host()
        ));
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
    leaf: LeafFacts,
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
    let leaf = inspect::certificate(&leaf, now).map_err(Failure::runtime)?;
    Ok(Issued {
        what,
        leaf: leaf.into(),
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
        leaf: issued.leaf,
        notes: match issued.what {
            What::Chain(chain) => chain.notes,
            What::Clients(..) => Vec::new(),
        },
    })
}

/// A job, and what was issued for it already.
type Waiting = (Job, Option<Issued>);

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
    let jobs: Vec<Mutex<Option<Waiting>>> = jobs
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
