//! Notices changes in folders. Wakes up for anything that happens there;
//! whether something of interest changed is for the reader to find out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::problem::Problem;

/// After an event, how long it must be quiet.
const QUIET: Duration = Duration::from_millis(10);
/// How long at most is waited for quiet.
const LONGEST: Duration = Duration::from_millis(50);

/// After the last write, how long a file counts as being written that nobody closes.
const WRITTEN: Duration = Duration::from_secs(2);

/// Watches folders, each for itself and not for what lies below it.
pub struct FolderWatch {
    watcher: RecommendedWatcher,
    events: Receiver<Wake>,
    waker: Sender<Wake>,
    written: Written,
    /// Watched folders by path: a folder that was exchanged for another is watched anew.
    watched: BTreeMap<PathBuf, Identity>,
    refused: bool,
    /// When the last wait ended: what follows until the next is the look at the files.
    woke: Instant,
}

/// Why the watch woke up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// Something happened in a watched folder, or [`Waker::wake`] was called.
    Change,
    /// The time is up.
    Timeout,
    /// [`Stopper::stop`] was called.
    Stop,
}

/// Ends a wait from another thread.
#[derive(Clone)]
pub struct Stopper(Sender<Wake>);

impl Stopper {
    /// Ends the wait.
    pub fn stop(&self) {
        // Nobody waits when the watch has gone.
        let _ = self.0.send(Wake::Stop);
    }
}

/// Ends a wait from another thread because something has changed that stands in no folder.
#[derive(Clone)]
pub struct Waker(Sender<Wake>);

impl Waker {
    /// Ends the wait, once it is quiet.
    pub fn wake(&self) {
        // Nobody waits when the watch has gone.
        let _ = self.0.send(Wake::Change);
    }
}

/// Files that were written to and not closed since, with the time of the last write.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<BTreeMap<PathBuf, Instant>>>);

impl Written {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of an event. True for a file that was written to and is closed now.
    fn take(&self, event: &notify::Event) -> bool {
        let is_write = matches!(event.kind, EventKind::Modify(ModifyKind::Data(_)));
        let is_close = event.kind == EventKind::Access(AccessKind::Close(AccessMode::Write));
        if is_write && cfg!(target_os = "linux") {
            let mut written = self.lock();
            written.retain(|_, since| since.elapsed() < WRITTEN);
            for path in &event.paths {
                let path = path.canonicalize().unwrap_or_else(|_| path.clone());
                written.insert(path, Instant::now());
            }
        } else if !event.kind.is_access() || is_close {
            let mut written = self.lock();
            let mut closed = false;
            for path in &event.paths {
                let real = path.canonicalize();
                closed |= written.remove(real.as_ref().unwrap_or(path)).is_some();
            }
            return is_close && closed;
        }
        false
    }
}

#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = ();

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = path.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    path.metadata().ok().map(|_| ())
}

impl FolderWatch {
    /// A watch over no folder yet.
    ///
    /// # Errors
    /// When the system has no watch to give.
    pub fn new() -> Result<Self, Problem> {
        let (waker, events) = channel();
        let sender = waker.clone();
        let written = Written::default();
        let writes = written.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let closed = event.as_ref().is_ok_and(|event| writes.take(event));
            let reading = event.is_ok_and(|event| event.kind.is_access()) && !closed;
            if !reading {
                // Nobody waits when the watch has gone.
                let _ = sender.send(Wake::Change);
            }
        })
        .map_err(|error| Problem::new("files cannot be watched for changes").why(error.to_string()))?;
        Ok(Self {
            watcher,
            events,
            waker,
            written,
            watched: BTreeMap::new(),
            refused: false,
            woke: Instant::now(),
        })
    }

    /// A handle that ends [`FolderWatch::wait`].
    pub fn stopper(&self) -> Stopper {
        Stopper(self.waker.clone())
    }

    /// A handle that wakes [`FolderWatch::wait`].
    pub fn waker(&self) -> Waker {
        Waker(self.waker.clone())
    }

    /// Whether a program has a file open that it writes to, as far as the system tells
    /// (inotify does; elsewhere nobody is ever seen writing).
    pub fn is_written(&self, path: &Path) -> bool {
        let written = self.written.lock();
        if written.is_empty() {
            return false;
        }
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        written.get(&path).is_some_and(|since| since.elapsed() < WRITTEN)
    }

    /// Watches these folders and no others. Returns whether a folder was added
    /// or exchanged since, so that something may have happened unseen.
    pub fn set(&mut self, folders: &BTreeSet<PathBuf>) -> bool {
        let gone: Vec<PathBuf> = self
            .watched
            .iter()
            .filter(|(path, known)| !folders.contains(*path) || identity(path) != Some(**known))
            .map(|(path, _)| path.clone())
            .collect();
        for path in gone {
            // The watch of a folder that was removed is gone already.
            let _ = self.watcher.unwatch(&path);
            self.watched.remove(&path);
        }
        let mut added = false;
        for path in folders {
            if self.watched.contains_key(path) {
                continue;
            }
            let Some(identity) = identity(path) else { continue };
            match self.watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    added = true;
                    self.watched.insert(path.clone(), identity);
                }
                Err(error) if !self.refused => {
                    self.refused = true;
                    tracing::warn!(
                        "{} cannot be watched for changes ({error}); changes are looked for by the clock",
                        path.display()
                    );
                }
                Err(_) => {}
            }
        }
        added
    }

    /// Waits for a change and then for quiet, or until the time is up.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Wake {
        // Where watches ran out, the clock takes their place: every second, but
        // a look at very many files shall not take more than a tenth of the time.
        let timeout = if self.refused {
            let pause = (self.woke.elapsed() * 10).max(Duration::from_secs(1));
            Some(timeout.map_or(pause, |timeout| timeout.min(pause)))
        } else {
            timeout
        };
        let wake = self.next(timeout);
        self.woke = Instant::now();
        wake
    }

    fn next(&self, timeout: Option<Duration>) -> Wake {
        let first = match timeout {
            None => self.events.recv().unwrap_or(Wake::Stop),
            Some(timeout) => match self.events.recv_timeout(timeout) {
                Ok(wake) => wake,
                Err(RecvTimeoutError::Timeout) => Wake::Timeout,
                Err(RecvTimeoutError::Disconnected) => Wake::Stop,
            },
        };
        if first != Wake::Change {
            return first;
        }
        let since = Instant::now();
        while since.elapsed() < LONGEST {
            match self.events.recv_timeout(QUIET) {
                Ok(Wake::Stop) => return Wake::Stop,
                Ok(_) => {}
                Err(_) => break,
            }
        }
        Wake::Change
    }
}
