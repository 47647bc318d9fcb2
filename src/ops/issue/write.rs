//! Writes chains and changes, several hosts at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use time::OffsetDateTime;

use super::change::Change;
use super::job::{Action, Job};
use super::outcome::{LeafFacts, Made};
use super::request::Request;
use super::sign::{Issued, Signers, issue};
use crate::certs::inspect;
use crate::ops::chain_files::{self, KeyStorage, PartFile};
use crate::ops::failure::Failure;
use crate::workspace::layout::Part;
use crate::workspace::store::{Keep, Store};

/// The maximum number of threads that issue chains.
const THREADS: usize = 8;

/// Writes what was issued.
pub(super) struct Writer<'a> {
    pub(super) request: &'a Request,
    pub(super) signers: &'a Signers,
    pub(super) storage: KeyStorage<'a>,
    pub(super) store: &'a Store,
    pub(super) now: OffsetDateTime,
}

/// A job, and what was already issued for it.
type Waiting = (Job, Option<Issued>);

impl Writer<'_> {
    /// Runs all jobs; the first new chain is already issued. Returns what was done, in
    /// the jobs' order, and the failure that stopped it, if any.
    pub(super) fn all(&self, jobs: Vec<Job>, mut first: Option<Issued>) -> (Vec<Made>, Option<Failure>) {
        let threads = match std::thread::available_parallelism() {
            Ok(cores) => cores.get().min(THREADS).min(jobs.len()),
            Err(_) => 1,
        };
        let jobs: Vec<Mutex<Option<Waiting>>> = jobs
            .into_iter()
            .map(|job| {
                let issued = if job.makes_chain() { first.take() } else { None };
                Mutex::new(Some((job, issued)))
            })
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
                match self.one(job, issued) {
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

    fn one(&self, job: Job, issued: Option<Issued>) -> Result<Made, Failure> {
        let (leaf, notes) = match (&job.action, issued) {
            (Action::Change(change), _) => (self.change(&job, change)?, change.notes.clone()),
            (_, Some(issued)) => self.chain(&job, issued)?,
            (_, None) => self.chain(&job, issue(self.request, &job, self.signers, self.now)?)?,
        };
        Ok(Made {
            has_server_key: job.layout.path(Part::ServerKey).exists(),
            job,
            leaf,
            notes,
        })
    }

    fn chain(&self, job: &Job, issued: Issued) -> Result<(LeafFacts, Vec<String>), Failure> {
        let files = chain_files::of_chain(&issued.chain, self.storage).map_err(Failure::runtime)?;
        self.files(job, &files, Keep::OtherFiles)?;
        Ok((issued.leaf, issued.chain.notes.clone()))
    }

    fn change(&self, job: &Job, change: &Change) -> Result<LeafFacts, Failure> {
        let files = change.files(self.storage).map_err(Failure::runtime)?;
        if !files.is_empty() {
            self.files(job, &files, Keep::Everything)?;
        }
        let leaf = inspect::certificate(&change.leaf, self.now).map_err(Failure::runtime)?;
        Ok(leaf.into())
    }

    fn files(&self, job: &Job, files: &[PartFile<'_>], keep: Keep) -> Result<(), Failure> {
        let parts: Vec<(Part<'_>, &[u8])> = files
            .iter()
            .map(|(part, content)| (*part, content.as_slice()))
            .collect();
        self.store
            .write_chain(&job.layout, &parts, keep)
            .map_err(Failure::runtime)
    }
}
