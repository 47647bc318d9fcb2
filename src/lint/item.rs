//! An object from the input with its location.

use super::finding::Place;
use crate::manifests::load::Origin;
use crate::manifests::model::ObjectMeta;

/// An object of a known kind.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a, T> {
    /// The object.
    pub object: &'a T,
    /// Its `metadata`.
    pub metadata: &'a ObjectMeta,
    /// Its namespace; the default one if it has none.
    pub namespace: &'a str,
    /// The location of the object and its fields.
    pub origin: &'a Origin,
    pub(super) kind: &'a str,
}

impl<T> Item<'_, T> {
    /// `Gateway default/mygateway`.
    pub fn title(&self) -> String {
        format!("{} {}", self.kind, self.full_name())
    }

    /// `default/mygateway`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.metadata.name)
    }

    /// The place of a field: its value, or its name if the value is a list or mapping.
    pub fn place(&self, path: &str) -> Place {
        Place::field(self.title(), self.origin, path)
    }

    /// The order in which istiod processes objects: oldest first, then by name, then by namespace.
    pub fn age(&self) -> (&str, &str, &str) {
        let created = self.metadata.creation_timestamp.as_deref().unwrap_or_default();
        (created, &self.metadata.name, self.namespace)
    }
}
