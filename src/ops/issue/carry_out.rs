//! Issues and writes what was planned, several hosts at a time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::notes;
use super::outcome::{Made, Outcome};
use super::plan::{Action, Job, Plan, plan};
use super::refusals::exists;
use super::request::{Request, Signer};
use super::sign::{Issued, Signers, What, chain_plan, issue};
use crate::certs::issue::issue_root;
use crate::certs::{CertificateAuthority, pem};
use crate::names::Host;
use crate::ops::authority;
use crate::ops::chain_files::{self, KeyStorage};
use crate::ops::entries::{self, Recorded};
use crate::ops::failure::Failure;
use crate::ops::rotating;
use crate::ops::surroundings::Surroundings;
use crate::problem::Problem;
use crate::workspace::file::WorkspaceFile;
use crate::workspace::layout::RootLayout;
use crate::workspace::store::{self, Keep, Store};

/// Chains are made by at most so many threads.
const THREADS: usize = 8;
/// Notes beyond these stand in the JSON only, with their chain.
const MOST_NOTES: usize = 20;

/// Makes the chains that do not exist yet, with every default. For `up`.
///
/// # Errors
/// As [`plan`] and [`carry_out`].
pub fn make_missing(hosts: Vec<Host>, here: &Surroundings) -> Result<Outcome, Failure> {
    let request = Request::defaults(hosts);
    let plan = plan(&request, here)?;
    carry_out(&request, plan, here)
}

/// Makes what the plan says: each chain is written as soon as it is issued,
/// istio-tls.yaml at the end.
///
/// # Errors
/// When a CA cannot be used, a chain cannot be issued, or a file cannot be
/// written. Chains that were written before stay, each whole.
pub fn carry_out(request: &Request, plan: Plan, here: &Surroundings) -> Result<Outcome, Failure> {
    let password = request.password.as_ref().map(|password| password.as_str());
    let storage = KeyStorage {
        password,
        bundles: request.bundles,
    };
    let replaced = plan.jobs.iter().filter(|job| job.action == Action::Replace);
    rotating::refuse(replaced.map(|job| &job.layout), "gen-certs")?;
    let mut notes = notes::of_plan(request, &plan);
    // Everything that may be refused is, before the folder is touched.
    let mut signers = match &request.signer {
        Signer::Own => Signers::Own,
        Signer::Root(dir) => match authority::shared_root(&RootLayout::new(dir), password)? {
            Some(root) => Signers::Root(root),
            None => Signers::Own,
        },
        Signer::Intermediate(dir) => Signers::Intermediate(authority::intermediate_of_folder(here, dir, password)?),
    };
    let new_root = match (&plan.new_root, plan.jobs.first()) {
        (Some(layout), Some(job)) => {
            let issued = issue_root(&root_name(layout), &chain_plan(request, job), here.now).map_err(Failure::usage)?;
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
        Some(job) => Some(issue(request, job, &signers, password, here.now)?),
        None => None,
    };
    let store = Store::open(&here.dir, || {
        here.say("waiting for another istio-tls that writes here");
    })
    .map_err(Failure::runtime)?;
    if let Some(job) = plan
        .jobs
        .iter()
        .find(|job| job.action == Action::Create && !request.force && store::has_chain(&job.layout).unwrap_or(true))
    {
        // Another process made it meanwhile.
        return Err(Failure::usage(exists(&job.layout, 1, true)));
    }
    let Plan {
        jobs,
        skipped,
        new_root: root_layout,
        ..
    } = plan;
    // What istio-tls.yaml will say is written first and named last.
    let (wanted, found) =
        record(here, jobs.iter().map(|job| recorded(request, job)).collect()).map_err(Failure::usage)?;
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
        issue(request, job, &signers, password, here.now)
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
            let _ = record(here, made.iter().map(|made| recorded(request, &made.job)).collect())
                .and_then(|(file, _)| file.prepare(&store)?.commit());
            here.say_always(&format!("{} chains were made before the failure", made.len()));
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
        signer: request.signer.clone(),
        has_server_key: request.csr.is_none(),
        encrypted: password.is_some(),
        bundles: request.bundles,
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
fn record(here: &Surroundings, mut recorded: Vec<Recorded>) -> Result<(WorkspaceFile, Vec<Host>), Problem> {
    let file = entries::read_or_new(here)?;
    let missing = entries::missing(&here.dir, &file.config, &recorded)?;
    let hosts = missing.iter().map(|chain| chain.host.clone()).collect();
    recorded.extend(missing);
    Ok((file.edit(&entries::record(&file.config, &recorded))?, hosts))
}

fn recorded(request: &Request, job: &Job) -> Recorded {
    Recorded {
        host: job.layout.host().clone(),
        mode: request.mode,
        credential_name: None,
        clients: (job.clients.iter())
            .filter(|name| *name != job.layout.host().as_str())
            .cloned()
            .collect(),
    }
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
