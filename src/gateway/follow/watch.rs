//! Notices changes in folders. Wakes up for anything that happens there;
//! whether something of interest changed is for the reader to find out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::problem::Problem;

/// After an event, how long it must be quiet.
const QUIET: Duration = Duration::from_millis(10);
/// How long at most is waited for quiet.
const LONGEST: Duration = Duration::from_millis(50);

/// Watches folders, each for itself and not for what lies below it.
pub struct FolderWatch {
    watcher: RecommendedWatcher,
    events: Receiver<Wake>,
    waker: Sender<Wake>,
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
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let reading = event.as_ref().is_ok_and(|event| event.kind.is_access());
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
