//! What belongs to one worker and is at hand for each of its requests. It is
//! reached by reference count, not by lock.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use super::access_log::AccessWriter;
use super::current::Current;
use super::random::Random;
use super::settings::ServerSettings;
use super::stats::Stats;
use super::tasks::Tasks;
use super::upstream::Upstreams;

/// What the tasks of one worker share.
pub(super) struct WorkerState {
    pub(super) settings: Arc<ServerSettings>,
    pub(super) current: Arc<Current>,
    pub(super) stats: Arc<Stats>,
    pub(super) random: Random,
    pub(super) log: AccessWriter,
    pub(super) upstreams: Upstreams,
    pub(super) tasks: Tasks,
    /// Seconds since the start, counted by the worker's sweep.
    pub(super) seconds: Arc<AtomicU32>,
}

impl WorkerState {
    /// That of the worker with this number.
    pub(super) fn new(index: usize, settings: Arc<ServerSettings>, current: Arc<Current>, stats: Arc<Stats>) -> Self {
        let tasks = Tasks::new();
        Self {
            log: AccessWriter::new(settings.access_log, tasks.clone()),
            upstreams: Upstreams::new(&settings),
            settings,
            current,
            stats,
            random: Random::seeded(index),
            tasks,
            seconds: Arc::default(),
        }
    }
}
