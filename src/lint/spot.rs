//! A path to a field of a VirtualService, built up as rules descend into it.

use super::codes::Code;
use super::finding::Finding;
use super::item::Item;
use crate::manifests::model::VirtualService;

/// An object and the path of one of its fields.
#[derive(Clone)]
pub(super) struct Spot<'a> {
    item: &'a Item<'a, VirtualService>,
    path: String,
}

impl<'a> Spot<'a> {
    /// A field by its path from the object's root, such as `spec.http`.
    pub(super) fn new(item: &'a Item<'a, VirtualService>, path: impl Into<String>) -> Self {
        Self {
            item,
            path: path.into(),
        }
    }

    /// A subfield; several levels are allowed, as in `headers.request`.
    pub(super) fn field(&self, name: &str) -> Self {
        Self::new(self.item, format!("{}.{name}", self.path))
    }

    /// An item of this list.
    pub(super) fn at(&self, index: usize) -> Self {
        Self::new(self.item, format!("{}[{index}]", self.path))
    }

    /// An entry of this mapping, whose key may contain any character.
    pub(super) fn entry(&self, key: &str) -> Self {
        if key.is_empty() || key.contains(['.', '[', ']', '"', '/']) {
            Self::new(self.item, format!("{}[\"{key}\"]", self.path))
        } else {
            self.field(key)
        }
    }

    /// A finding at this field.
    pub(super) fn finding(&self, code: &'static Code, what: impl Into<String>) -> Finding {
        Finding::new(code, self.item.place(&self.path), what)
    }
}
