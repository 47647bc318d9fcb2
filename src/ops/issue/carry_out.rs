//! Carries out the plan: chains first, istio-tls.yaml last.

use super::job::{Action, Job, Plan};
use super::notes;
use super::outcome::{Made, Outcome};
use super::plan::plan;
use super::refusals::made_meanwhile;
use super::request::Request;
use super::sign::{NewRoot, Signers, issue};
use super::write::Writer;
use crate::certs::pem;
use crate::names::Host;
use crate::ops::chain_files::{self, KeyStorage};
use crate::ops::entries::{self, Recorded};
use crate::ops::failure::Failure;
use crate::ops::rotating;
use crate::ops::surroundings::Surroundings;
use crate::problem::Problem;
use crate::remedy::Remedy;
use crate::workspace::config::ServerKey;
use crate::workspace::file::WorkspaceFile;
use crate::workspace::store::{self, Store};

/// With more hosts than this, notes are only in the JSON, with their chain.
const MOST_NOTES: usize = 20;

/// Issues the chains that do not exist yet, with the defaults. For `up`.
///
/// # Errors
/// Like [`plan`] and [`carry_out`].
pub fn make_missing(hosts: Vec<Host>, here: &Surroundings) -> Result<Outcome, Failure> {
    let request = Request::defaults(hosts);
    let plan = plan(&request, here)?;
    carry_out(&request, plan, here)
}

/// Carries out the plan: each chain is written as soon as it is issued, istio-tls.yaml at
/// the end.
///
/// # Errors
/// If a CA cannot be used, a chain cannot be issued, or a file cannot be written. Chains
/// that were written before are kept, each complete.
pub fn carry_out(request: &Request, plan: Plan, here: &Surroundings) -> Result<Outcome, Failure> {
    let storage = KeyStorage {
        password: request.password(),
        bundles: request.bundles,
    };
    let mut notes = notes::of_plan(request, &plan);
    // Whatever can fail is tried before the folder is touched: one chain is issued, so
    // that an impossible plan leaves no trace.
    let (signers, new_root) = Signers::open(request, &plan, here)?;
    let first = (plan.jobs.iter())
        .find(|job| job.makes_chain())
        .map(|job| issue(request, job, &signers, here.now))
        .transpose()?;
    let store = Store::open(&here.dir, || {
        here.say("waiting for another istio-tls that is writing to this workspace");
    })
    .map_err(Failure::runtime)?;
    check_again(&plan.jobs)?;
    // The future istio-tls.yaml is written first, and renamed into place last.
    let all = plan.jobs.iter().map(|job| recorded(request, job)).collect();
    let (wanted, found) = record(here, all).map_err(Failure::usage)?;
    notes.extend(
        (found.iter().take(MOST_NOTES))
            .map(|host| format!("the chain of {host} was missing from istio-tls.yaml and is now recorded").into()),
    );
    let pending = wanted.prepare(&store).map_err(Failure::runtime)?;
    if let Some(root) = &new_root {
        write_root(&store, root, storage)?;
    }
    let writer = Writer {
        request,
        signers: &signers,
        storage,
        store: &store,
        now: here.now,
    };
    let (made, failure) = writer.all(plan.jobs, first);
    if let Some(failure) = failure {
        drop(pending);
        if made.is_empty() {
            if let Some(root) = &new_root {
                store.remove_root(&root.layout);
            }
        } else {
            // The finished chains are recorded; if that fails too, the next gen-certs
            // does it.
            let _ = record(here, made.iter().map(|made| recorded(request, &made.job)).collect())
                .and_then(|(file, _)| file.prepare(&store)?.commit());
            here.say_always(&format!("{} chains were created before the failure", made.len()));
        }
        return Err(failure);
    }
    pending.commit().map_err(Failure::runtime)?;
    add_notes(&mut notes, &made);
    Ok(Outcome {
        made,
        file: wanted,
        new_root: plan.new_root,
        skipped: plan.skipped,
        notes,
        warnings: plan.warnings,
        signer: request.signer.clone(),
        encrypted: request.password.is_some(),
        bundles: request.bundles.is_some(),
    })
}

/// What another process may have changed since the plan was made; the lock now prevents
/// that.
fn check_again(jobs: &[Job]) -> Result<(), Failure> {
    for job in jobs {
        match &job.action {
            Action::Create if store::has_chain(&job.layout).unwrap_or(true) => {
                return Err(Failure::usage(made_meanwhile(&job.layout)));
            }
            Action::Create => {}
            Action::Replace(_) => rotating::refuse(std::iter::once(&job.layout), "gen-certs")?,
            Action::Change(change) => change.check_still_fits(&job.layout)?,
        }
    }
    Ok(())
}

fn write_root(store: &Store, root: &NewRoot, storage: KeyStorage<'_>) -> Result<(), Failure> {
    let key = chain_files::ca_key(&root.key, storage.password).map_err(Failure::runtime)?;
    let certificate = pem::certificate_text(&root.certificate);
    store
        .write_root(&root.layout, certificate.as_bytes(), &key)
        .map_err(Failure::runtime)
}

/// Adds the notes on chains, each once.
fn add_notes(notes: &mut Vec<Remedy>, made: &[Made]) {
    for note in made.iter().flat_map(|made| &made.notes) {
        let note = Remedy::from(note.as_str());
        if notes.len() < MOST_NOTES && !notes.contains(&note) {
            notes.push(note);
        }
    }
}

/// The future istio-tls.yaml, not written yet: read again, since another process may have
/// changed it, then with the hosts, and with the chains that have no entry. Also returns
/// the hosts of those chains.
fn record(here: &Surroundings, mut recorded: Vec<Recorded>) -> Result<(WorkspaceFile, Vec<Host>), Problem> {
    let file = entries::read_or_new(here)?;
    let missing = entries::missing(&here.dir, &file.config, &recorded)?;
    let hosts = missing.iter().map(|chain| chain.host.clone()).collect();
    recorded.extend(missing);
    Ok((file.edit(&entries::record(&file.config, &recorded))?, hosts))
}

fn recorded(request: &Request, job: &Job) -> Recorded {
    if let Action::Change(change) = &job.action {
        return change.recorded.clone();
    }
    Recorded {
        host: job.layout.host().clone(),
        mode: request.mode,
        credential_name: None,
        server_key: Some(if request.csr.is_some() {
            ServerKey::Elsewhere
        } else {
            ServerKey::Here
        }),
        clients: (job.clients.iter())
            .filter(|name| *name != job.layout.host().as_str())
            .cloned()
            .collect(),
    }
}
