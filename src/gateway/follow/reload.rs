//! Keeps a running gateway in step with its sources: watches their folders, reads
//! them again when something changes there or the watch over a cluster reports a
//! change, and publishes what is complete. What is not complete is reported, and
//! the last good configuration stays; of a cluster, which others change too, the
//! last good version of each broken object stays.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::departed::Departed;
use super::source::{GatewaySources, Loaded, SourceError};
use super::unfinished::Unfinished;
use super::watch::{FolderWatch, Stopper, Wake, Waker};
use crate::gateway::config::build::{Built, Invalid};
use crate::gateway::config::running::RunningMaterial;
use crate::gateway::config::table::Table;
use crate::problem::Problem;
use crate::sources::Gone;
use crate::sources::disk::{DiskFiles, Seen, Texts};
use crate::sources::live::ObjectId;
use crate::sources::played::Played;

/// How long a file of a chain, or istio-tls.yaml, may be missing while it is replaced.
const FILE_GONE: Duration = Duration::from_secs(2);
/// How long a certificate may wait for its key before the mismatch is reported.
const MISMATCH: Duration = Duration::from_millis(500);

/// How long the allocator keeps what is freed (mimalloc's `purge_delay`), and a little more.
const KEPT: Duration = Duration::from_millis(1100);

/// The sources as they were read last, and the watch over them.
pub struct Reload {
    sources: GatewaySources,
    watch: FolderWatch,
    last: Seen,
    /// What only the check of the sources looked at.
    judged: Seen,
    /// Broken material that the published table has, as at the start.
    accepted: BTreeSet<String>,
    notes: BTreeSet<String>,
    /// The gateway that was said to be played.
    played: Option<Played>,
    reported: Option<String>,
    /// Since when the sources have been in a state that may be temporary.
    waiting_since: Option<Instant>,
    /// The texts of the manifests that count.
    texts: Texts,
    unfinished: Unfinished,
    departed: Departed,
    /// An object that was gone no longer counts, and that is not published yet.
    is_over: bool,
    /// The key material of the published table.
    running: RunningMaterial,
    /// What was logged of changes in a cluster that were not taken.
    held_back: BTreeSet<String>,
}

/// The outcome of a look at the sources.
enum Look<'f> {
    /// Nothing that is read has changed.
    Same,
    /// A new configuration.
    New(Loaded<'f>),
    /// A new configuration without some changes of a cluster's objects, which cannot be used.
    Part(Loaded<'f>, Vec<Problem>),
    /// It may be complete in a moment.
    Wait(Duration),
    /// It cannot be used.
    Bad(Vec<Problem>),
}

/// What was read.
struct Reading<'f> {
    result: Result<Loaded<'f>, SourceError>,
    seen: Seen,
    /// Manifests that are gone.
    missing: BTreeSet<PathBuf>,
}

impl Reload {
    /// Reads the sources for the first time. They are watched from
    /// [`Reload::run`] on, which looks at them once more then: thousands of folders
    /// take longer to watch than to read, and the ports need not wait for that.
    ///
    /// # Errors
    /// As [`GatewaySources::load`], and when files cannot be watched.
    pub fn start(sources: GatewaySources, files: &DiskFiles) -> Result<(Self, Loaded<'_>), SourceError> {
        let watch = FolderWatch::new().map_err(SourceError::Bad)?;
        let mut loaded = sources.load(files, Gone::IsError)?;
        let mut reload = Self {
            accepted: BTreeSet::new(),
            notes: BTreeSet::new(),
            played: None,
            sources,
            watch,
            last: files.seen(),
            judged: Seen::default(),
            reported: None,
            waiting_since: None,
            texts: files.texts(),
            unfinished: Unfinished::default(),
            departed: Departed::default(),
            is_over: false,
            running: std::mem::take(&mut loaded.built.running),
            held_back: BTreeSet::new(),
        };
        if let Some(live) = &mut reload.sources.inputs.live {
            live.take();
        }
        Ok((reload, loaded))
    }

    /// Checks what was read from `files`, once. Tells whether the check looked at other
    /// files than the last one did.
    pub fn judge(&mut self, loaded: &mut Loaded<'_>, files: &DiskFiles) -> bool {
        if !self.sources.judge(loaded) {
            return false;
        }
        let judged = files.seen();
        let others = judged != self.judged;
        self.judged = judged;
        others
    }

    /// Logs the warnings about a configuration that were not logged before.
    pub fn say(&mut self, loaded: &Loaded<'_>) {
        if let Some(played) = &loaded.played
            && self.played != loaded.played
        {
            let guessed = "no workload of the input has these labels; --gateway-namespace says where its pods run";
            let words = played.words();
            if played.workload.is_some() {
                tracing::info!("plays the gateway {words}");
            } else {
                tracing::info!("plays {words}; {guessed}");
            }
        }
        self.played.clone_from(&loaded.played);
        for note in loaded.said() {
            if !self.notes.contains(&note.to_string()) && !self.accepted.contains(&note.to_string()) {
                tracing::warn!("{}", note.text(&self.sources.aim));
            }
        }
        self.notes = said(loaded);
        self.accepted = broken(&loaded.built.invalid);
    }

    /// Ends [`Reload::run`] from another thread.
    pub fn stopper(&self) -> Stopper {
        self.watch.stopper()
    }

    /// Has [`Reload::run`] look at the sources, from another thread.
    pub fn waker(&self) -> Waker {
        self.watch.waker()
    }

    /// Publishes every change until stopped. `publish` may refuse a table (a
    /// port that cannot be opened); then the last one stays. `refused` hears of
    /// changes that do not even become one.
    pub fn run(mut self, mut publish: impl FnMut(Table) -> Result<(), Problem>, mut refused: impl FnMut()) {
        let folders = self.watched_folders();
        self.watch.set(&folders);
        // What changed between the first reading and watching is read again.
        let mut again = (!self.is_current()).then(Instant::now);
        let mut tidy = Some(Instant::now() + KEPT);
        loop {
            let next = [again, tidy].into_iter().flatten().min();
            let wake = self
                .watch
                .wait(next.map(|at| at.saturating_duration_since(Instant::now())));
            let now = Instant::now();
            let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
            if wake == Wake::Stop {
                return;
            }
            if is_due(tidy) {
                tidy = None;
                give_back();
                if wake == Wake::Timeout && !is_due(again) {
                    continue;
                }
            }
            again = None;
            let files = self.reading(now);
            match self.look(&files, now) {
                Look::Same => self.waiting_since = None,
                Look::Wait(rest) => again = Some(Instant::now() + rest),
                Look::Bad(problems) => {
                    self.waiting_since = None;
                    if self.report(&problems) {
                        refused();
                    }
                }
                Look::New(loaded) => {
                    self.waiting_since = None;
                    self.held_back.clear();
                    self.publish(loaded, &files, &mut publish);
                    tidy = Some(Instant::now() + KEPT);
                }
                Look::Part(loaded, changes) => {
                    self.waiting_since = None;
                    if self.say_held_back(&changes) {
                        refused();
                    }
                    self.publish(loaded, &files, &mut publish);
                    tidy = Some(Instant::now() + KEPT);
                }
            }
            // Whether an object of a cluster is really gone is seen a moment later.
            let live = self.sources.inputs.live.as_ref();
            let now = Instant::now();
            let rests = [
                live.and_then(|live| live.next_change(now)),
                self.unfinished.next_change(now),
                self.departed.next_change(now),
            ];
            let settled = rests.into_iter().flatten().min().map(|rest| now + rest);
            again = [again, settled].into_iter().flatten().min();
        }
    }

    /// Whether everything is as it was read last.
    fn is_current(&self) -> bool {
        let live = self.sources.inputs.live.as_ref();
        self.last.is_current() && self.judged.is_current() && live.is_none_or(|live| live.is_current(Instant::now()))
    }

    /// The folders of everything that was looked at.
    fn watched_folders(&self) -> BTreeSet<PathBuf> {
        let tops = self.sources.tops();
        let mut folders = self.last.watched_folders(&tops);
        folders.extend(self.judged.watched_folders(&tops));
        folders
    }

    /// A reading in which manifests that are being written are as they were before.
    fn reading(&mut self, now: Instant) -> DiskFiles {
        let disk = DiskFiles::keeping(Texts::new());
        for path in self.texts.keys() {
            // What cannot be read is the reading's to report.
            drop(disk.read_manifest(path));
        }
        let is_open = |path: &Path| self.watch.is_written(path);
        self.unfinished.look(&self.texts, &disk.texts(), is_open, now);
        for file in self.unfinished.take_empty(now) {
            let problem = Problem::new(format!(
                "{} is empty; the objects that it held still count",
                file.display()
            ))
            .fix("write it again, or delete it to take its objects out");
            tracing::warn!("{}", problem.text(&self.sources.aim));
        }
        DiskFiles::keeping(self.unfinished.held(&self.texts, now))
    }

    /// Reads the sources, and weighs what was read.
    fn look<'f>(&mut self, files: &'f DiskFiles, now: Instant) -> Look<'f> {
        if self.sources.inputs.live.is_some() && self.reported.is_none() && self.is_current() {
            // A cluster tells of much that changes nothing here.
            return Look::Same;
        }
        if let Some(live) = &mut self.sources.inputs.live {
            live.refresh(now);
        }
        let Some(Reading { result, seen, missing }) = self.read(files, now) else {
            return Look::Wait(Duration::from_millis(1));
        };
        let waited = self.waiting_since.map(|since| since.elapsed()).unwrap_or_default();
        let gone = self.longest_absence(&seen);
        if gone > waited {
            self.waiting_since.get_or_insert_with(Instant::now);
            return Look::Wait(gone.saturating_sub(waited).max(Duration::from_millis(1)));
        }
        let loaded = match result {
            Ok(loaded) => loaded,
            // Everything was deleted, which is a change like any other.
            Err(SourceError::Nothing(problem)) => Loaded::empty(problem),
            Err(SourceError::Bad(problem)) => {
                if MISMATCH > waited {
                    self.waiting_since.get_or_insert_with(Instant::now);
                    return Look::Wait(MISMATCH.saturating_sub(waited));
                }
                return Look::Bad(vec![problem]);
            }
        };
        // What is missing still counts, so nothing has changed.
        let is_same = !self.is_over && seen.same_content(&self.last, &missing);
        if is_same && self.judged.is_current() && self.reported.is_none() {
            self.last = seen;
            return Look::Same;
        }
        if self.sources.inputs.live.is_some() {
            self.last = seen;
            return self.without_broken(loaded, files);
        }
        let broken: Vec<Problem> = self
            .newly_broken(&loaded.built)
            .map(|invalid| invalid.problem.clone())
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
        self.is_over = false;
        Look::New(loaded)
    }

    /// Broken material that was not broken before.
    fn newly_broken<'b>(&self, built: &'b Built) -> impl Iterator<Item = &'b Invalid> {
        let invalid = built.invalid.iter();
        invalid.filter(|invalid| !self.accepted.contains(&invalid.problem.to_string()))
    }

    /// Puts the last good versions in the place of a cluster's objects that broke
    /// something: first of Secrets and, where that is not enough, of Gateways. An
    /// object without a good version is taken as it is; as under Istio, connections to
    /// its server are reset.
    fn without_broken<'f>(&mut self, mut loaded: Loaded<'f>, files: &'f DiskFiles) -> Look<'f> {
        let refused: Vec<Problem> = self
            .newly_broken(&loaded.built)
            .map(|invalid| invalid.problem.clone())
            .collect();
        let mut held = false;
        for of in [secrets_of, gateway_of] {
            let ids: BTreeSet<ObjectId> = self.newly_broken(&loaded.built).flat_map(of).cloned().collect();
            let live = self.sources.inputs.live.as_mut();
            if live.is_some_and(|live| live.hold_back(&ids))
                && let Some(reading) = self.read(files, Instant::now())
                && let Ok(before) = reading.result
            {
                (loaded, held) = (before, true);
            }
        }
        if held {
            return Look::Part(loaded, refused);
        }
        Look::New(loaded)
    }

    /// Logs which changes of a cluster's objects are not taken, each once; false when all were logged before.
    fn say_held_back(&mut self, refused: &[Problem]) -> bool {
        let texts: BTreeSet<String> = refused.iter().map(|problem| problem.text(&self.sources.aim)).collect();
        let mut new = texts.difference(&self.held_back).peekable();
        let is_new = new.peek().is_some();
        for text in new {
            tracing::error!("the change is not taken, the object's last good version stays: {text}");
        }
        self.held_back = texts;
        is_new
    }

    /// Reads everything, and watches the folders of what was read. None when a manifest
    /// was written to at that moment.
    fn read<'f>(&mut self, files: &'f DiskFiles, now: Instant) -> Option<Reading<'f>> {
        let mut missing = BTreeSet::new();
        let mut rounds = 0;
        loop {
            let collected = self.sources.collect(files, Gone::IsEmpty);
            let present = files.texts();
            let is_open = |path: &Path| self.watch.is_written(path);
            if self.unfinished.is_surprised(&self.texts, &present, is_open) {
                return None;
            }
            let result = collected.and_then(|mut collected| {
                if collected.errors.is_empty() && self.sources.inputs.live.is_none() {
                    self.is_over |= self
                        .departed
                        .look(&self.texts, &present, &collected, now)
                        .map_err(|error| SourceError::Bad(error.into()))?;
                    self.departed.put_among(&mut collected);
                    let is_missing = |file: &&PathBuf| !present.contains_key(*file) && self.sources.is_manifest(file);
                    missing.extend(self.texts.keys().filter(is_missing).cloned());
                    collected.gone.retain(|file| !self.departed.has_of(file));
                    self.texts = present;
                }
                self.sources.build(collected, files, &self.running)
            });
            let seen = files.seen();
            let mut folders = seen.watched_folders(&self.sources.tops());
            // What was there may come back where it was.
            folders.extend(self.watched_folders());
            let again = self.watch.set(&folders);
            rounds += 1;
            if !again || rounds >= 3 {
                return Some(Reading { result, seen, missing });
            }
        }
    }

    /// How long files other than manifests may stay missing before they count as deleted.
    fn longest_absence(&self, seen: &Seen) -> Duration {
        let mut gone = seen.gone_since(&self.last);
        if gone.any(|path| !self.sources.is_manifest(path)) {
            FILE_GONE
        } else {
            Duration::ZERO
        }
    }

    /// Publishes a configuration first, and checks it then.
    fn publish(
        &mut self,
        mut loaded: Loaded<'_>,
        files: &DiskFiles,
        publish: &mut impl FnMut(Table) -> Result<(), Problem>,
    ) {
        let outcome = publish(std::mem::take(&mut loaded.built.table));
        if outcome.is_ok() {
            self.running = std::mem::take(&mut loaded.built.running);
        }
        if self.judge(&mut loaded, files) {
            let folders = self.watched_folders();
            self.watch.set(&folders);
        }
        self.say(&loaded);
        match outcome {
            Ok(()) => {
                self.reported = None;
                if let Some(live) = &mut self.sources.inputs.live {
                    live.take();
                }
                tracing::info!("configuration reloaded");
            }
            Err(problem) => drop(self.report(&[problem])),
        }
    }

    /// Logs what is wrong; false when that was logged before.
    fn report(&mut self, problems: &[Problem]) -> bool {
        let text: Vec<String> = problems.iter().map(|problem| problem.text(&self.sources.aim)).collect();
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

fn secrets_of(invalid: &Invalid) -> std::slice::Iter<'_, ObjectId> {
    invalid.secrets.iter()
}

fn gateway_of(invalid: &Invalid) -> std::slice::Iter<'_, ObjectId> {
    std::slice::from_ref(&invalid.gateway).iter()
}

/// Returns the memory that a reading needed to the system: the allocator does that
/// when a thread ends, and no other thread here may end for hours.
fn give_back() {
    let thread = std::thread::Builder::new().name("give-back".to_owned());
    // If no thread can be started, the memory stays with this process; nothing else is lost.
    if let Ok(thread) = thread.spawn(|| drop(std::hint::black_box(Box::new(0_u8)))) {
        let _ = thread.join();
    }
}

fn broken(invalid: &[Invalid]) -> BTreeSet<String> {
    invalid.iter().map(|invalid| invalid.problem.to_string()).collect()
}

/// What was logged of a configuration beside its broken material.
fn said(loaded: &Loaded<'_>) -> BTreeSet<String> {
    let mut said = texts(loaded.built.notes.problems());
    said.extend(loaded.findings.iter().map(|remark| remark.problem.to_string()));
    said
}

fn texts<'p>(problems: impl IntoIterator<Item = &'p Problem>) -> BTreeSet<String> {
    problems.into_iter().map(ToString::to_string).collect()
}
