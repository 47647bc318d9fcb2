//! Objects that were taken out of the manifests: they count for a moment longer. A
//! file that is moved, or half of it written, is whole again before that.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::manifests::load::{self, LoadError, Object};
use crate::sources::Collected;
use crate::sources::disk::Texts;

/// How long an object counts that is no longer there, without a further write.
const STAYS: Duration = Duration::from_secs(2);

/// What an API server knows an object by.
type Identity = (String, String, String, String);

/// The objects that are no longer there and still count.
#[derive(Default)]
pub(super) struct Departed(BTreeMap<Identity, Gone>);

struct Gone {
    object: Object,
    /// The file that held it.
    file: PathBuf,
    /// When it went, or its file was written last.
    since: Instant,
}

impl Departed {
    /// Compares what was read with the texts that counted before. True when an
    /// object's time is up: it no longer counts.
    ///
    /// # Errors
    /// When a file that held objects can no longer be read as one. In a folder such
    /// files are passed over, but it was meant to be read.
    pub(super) fn look(
        &mut self,
        before: &Texts,
        present: &Texts,
        collected: &Collected<'_>,
        now: Instant,
    ) -> Result<bool, LoadError> {
        let namespace = &collected.namespace;
        let there: HashSet<_> = collected
            .objects
            .iter()
            .map(|object| object.identity(namespace))
            .collect();
        for (file, text) in before {
            let is_same = present.get(file) == Some(text);
            if is_same {
                continue;
            }
            for gone in self.0.values_mut().filter(|gone| gone.file == *file) {
                gone.since = now;
            }
            let name = file.display().to_string();
            let objects = load::load_bytes(text, &name).objects.into_iter();
            let gone: Vec<Object> = objects
                .filter(|object| !there.contains(&object.identity(namespace)))
                .collect();
            if let Some(present) = present.get(file).filter(|_| !gone.is_empty()) {
                load::load_bytes(present, &name).whole()?;
            }
            for object in gone {
                let identity = identity(&object, namespace);
                self.0.entry(identity).or_insert_with(|| Gone {
                    file: file.clone(),
                    since: now,
                    object,
                });
            }
        }
        self.0
            .retain(|_, gone| !there.contains(&gone.object.identity(namespace)));
        let count = self.0.len();
        self.0.retain(|_, gone| !gone.rest(now).is_zero());
        Ok(self.0.len() < count)
    }

    /// Puts them among what was read.
    pub(super) fn put_among(&self, collected: &mut Collected<'_>) {
        collected.put_among(self.0.values().map(|gone| gone.object.clone()));
    }

    /// Whether any object of a file still counts.
    pub(super) fn has_of(&self, file: &std::path::Path) -> bool {
        self.0.values().any(|gone| gone.file == file)
    }

    /// When the next one no longer counts.
    pub(super) fn next_change(&self, now: Instant) -> Option<Duration> {
        self.0.values().map(|gone| gone.rest(now)).min()
    }
}

impl Gone {
    fn rest(&self, now: Instant) -> Duration {
        STAYS.saturating_sub(now.duration_since(self.since))
    }
}

fn identity(object: &Object, namespace: &str) -> Identity {
    let (group, kind, namespace, name) = object.identity(namespace);
    (group.to_owned(), kind.to_owned(), namespace.to_owned(), name.to_owned())
}
