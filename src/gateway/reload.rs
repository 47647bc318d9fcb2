//! Keeps a running gateway at the state of its sources: watches the folders
//! they stand in, reads anew when something happens there, and publishes what
//! is whole. What is not is reported, and the last good configuration stays.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::config::Built;
use super::source::{GatewaySources, SourceError};
use super::table::Table;
use super::watch::{FolderWatch, Stopper, Wake};
use crate::problem::Problem;
use crate::sources::disk::{DiskFiles, Seen};

/// How long a file of a chain folder may be away while the chain is made anew.
const CHAIN_GONE: Duration = Duration::from_secs(2);
/// How long a manifest may be away while an editor saves it.
const MANIFEST_GONE: Duration = Duration::from_millis(300);
/// How long a certificate may wait for its key before the mismatch is reported.
const MISMATCH: Duration = Duration::from_millis(500);

/// The sources as they were read last, and the watch over them.
pub struct Reload {
    sources: GatewaySources,
    watch: FolderWatch,
    last: Seen,
    /// Broken material that the published table has, as at the start.
    accepted: BTreeSet<String>,
    notes: BTreeSet<String>,
    reported: Option<String>,
    /// Since when the sources are in a state that may be passing.
    waiting_since: Option<Instant>,
}

/// What a look at the sources came to.
enum Look {
    /// Nothing that is read has changed.
    Same,
    /// A new configuration.
    New(Built),
    /// It may be whole in a moment.
    Wait(Duration),
    /// It cannot be used.
    Bad(Vec<Problem>),
}

impl Reload {
    /// Reads the sources for the first time. They are watched from
    /// [`Reload::run`] on, which looks at them once more then: thousands of folders
    /// take longer to watch than to read, and the ports need not wait for that.
    ///
    /// # Errors
    /// As [`GatewaySources::load`], and when files cannot be watched.
    pub fn start(sources: GatewaySources) -> Result<(Self, Built), SourceError> {
        let watch = FolderWatch::new().map_err(SourceError::Bad)?;
        let files = DiskFiles::default();
        let built = sources.load(&files)?;
        let reload = Self {
            accepted: texts(&built.invalid),
            notes: said(&built),
            sources,
            watch,
            last: files.seen(),
            reported: None,
            waiting_since: None,
        };
        Ok((reload, built))
    }

    /// Ends [`Reload::run`] from another thread.
    pub fn stopper(&self) -> Stopper {
        self.watch.stopper()
    }

    /// Publishes every change until stopped. `publish` may refuse a table (a
    /// port that cannot be opened); then the last one stays. `refused` hears of
    /// changes that do not even become one.
    pub fn run(mut self, mut publish: impl FnMut(Table) -> Result<(), Problem>, mut refused: impl FnMut()) {
        self.watch.set(&self.last.watched_folders(&self.sources.tops()));
        // What changed between the first reading and watching is read again.
        let mut timeout = (!self.last.is_current()).then_some(Duration::ZERO);
        loop {
            if self.watch.wait(timeout.take()) == Wake::Stop {
                return;
            }
            match self.look() {
                Look::Same => self.waiting_since = None,
                Look::Wait(rest) => timeout = Some(rest),
                Look::Bad(problems) => {
                    self.waiting_since = None;
                    if self.report(&problems) {
                        refused();
                    }
                }
                Look::New(built) => {
                    self.waiting_since = None;
                    self.publish(built, &mut publish);
                }
            }
        }
    }

    /// Reads the sources and judges what was read.
    fn look(&mut self) -> Look {
        let (result, seen) = self.read();
        let waited = self.waiting_since.map(|since| since.elapsed()).unwrap_or_default();
        let gone = self.longest_absence(&seen);
        if gone > waited {
            self.waiting_since.get_or_insert_with(Instant::now);
            return Look::Wait(gone.saturating_sub(waited).max(Duration::from_millis(1)));
        }
        let built = match result {
            Ok(built) => built,
            // Everything was deleted, which is a change like any other.
            Err(SourceError::Nothing(problem)) => Built {
                table: Table::default(),
                notes: vec![problem],
                invalid: Vec::new(),
                findings: Vec::new(),
            },
            Err(SourceError::Bad(problem)) => {
                if MISMATCH > waited {
                    self.waiting_since.get_or_insert_with(Instant::now);
                    return Look::Wait(MISMATCH.saturating_sub(waited));
                }
                return Look::Bad(vec![problem]);
            }
        };
        if seen.same_content(&self.last) && self.reported.is_none() {
            self.last = seen;
            return Look::Same;
        }
        let broken: Vec<Problem> = built
            .invalid
            .iter()
            .filter(|problem| !self.accepted.contains(&problem.to_string()))
            .cloned()
            .collect();
        if !broken.is_empty() {
            // A certificate is there a moment before its key.
            if MISMATCH > waited {
                self.waiting_since.get_or_insert_with(Instant::now);
                return Look::Wait(MISMATCH.saturating_sub(waited));
            }
            return Look::Bad(broken);
        }
        self.last = seen;
        Look::New(built)
    }

    fn read(&mut self) -> (Result<Built, SourceError>, Seen) {
        let mut rounds = 0;
        loop {
            let files = DiskFiles::default();
            let result = self.sources.load_again(&files);
            let seen = files.seen();
            let mut folders = seen.watched_folders(&self.sources.tops());
            // What was there may come back where it was.
            folders.extend(self.last.watched_folders(&self.sources.tops()));
            let again = self.watch.set(&folders);
            rounds += 1;
            if !again || rounds >= 3 {
                return (result, seen);
            }
        }
    }

    /// How long what is gone may stay away before that is believed.
    fn longest_absence(&self, seen: &Seen) -> Duration {
        seen.gone_since(&self.last)
            .map(|path| {
                if self.sources.is_manifest(path) {
                    MANIFEST_GONE
                } else {
                    CHAIN_GONE
                }
            })
            .max()
            .unwrap_or_default()
    }

    fn publish(&mut self, built: Built, publish: &mut impl FnMut(Table) -> Result<(), Problem>) {
        for note in built.said() {
            if !self.notes.contains(&note.to_string()) && !self.accepted.contains(&note.to_string()) {
                tracing::warn!("{note}");
            }
        }
        self.notes = said(&built);
        self.accepted = texts(&built.invalid);
        match publish(built.table) {
            Ok(()) => {
                self.reported = None;
                tracing::info!("configuration reloaded");
            }
            Err(problem) => drop(self.report(&[problem])),
        }
    }

    /// Tells what is wrong; false when that was said before.
    fn report(&mut self, problems: &[Problem]) -> bool {
        let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let text = text.join("\n");
        // One complaint for one state, however often an editor touches it.
        let is_new = self.reported.as_deref() != Some(&text);
        if is_new {
            tracing::error!("the change is not taken, the last good configuration stays: {text}");
        }
        self.reported = Some(text);
        is_new
    }
}

/// What was said of a configuration beside its broken material.
fn said(built: &Built) -> BTreeSet<String> {
    let mut said = texts(&built.notes);
    said.extend(built.findings.iter().map(|remark| remark.problem.to_string()));
    said
}

fn texts(problems: &[Problem]) -> BTreeSet<String> {
    problems.iter().map(ToString::to_string).collect()
}
