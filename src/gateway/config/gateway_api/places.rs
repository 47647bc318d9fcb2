//! Where the fields of what was made stand in the objects that it was made of.

use super::kube::Kube;
use crate::gateway::config::field::Locate;

/// The fields of a made object, by their paths' beginnings.
#[derive(Default)]
pub struct Places<'a> {
    entries: Vec<Entry<'a>>,
}

/// Where the fields below one stand.
struct Entry<'a> {
    /// The path of the made field.
    made: String,
    object: Kube<'a>,
    /// The path of the field that it was made of.
    source: String,
}

impl<'a> Places<'a> {
    /// Says of what a field was made.
    pub(super) fn add(&mut self, made: impl Into<String>, object: Kube<'a>, source: impl Into<String>) {
        self.entries.push(Entry {
            made: made.into(),
            object,
            source: source.into(),
        });
    }
}

impl Locate for &Places<'_> {
    fn locate(&self, path: &str) -> String {
        let is_at = |entry: &&Entry<'_>| {
            let rest = path.strip_prefix(entry.made.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let nearest = self.entries.iter().filter(is_at).max_by_key(|entry| entry.made.len());
        match nearest {
            Some(entry) => entry.object.place(&entry.source),
            None => path.to_owned(),
        }
    }
}

/// An object that was made of others.
pub(super) struct Made<'a, T> {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) created: String,
    pub(super) spec: T,
    pub(super) places: Places<'a>,
}
