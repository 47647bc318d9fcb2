//! The findings that are reported and not suppressed: the only reason to fix anything.

use std::collections::HashSet;

use crate::lint::item::Item;
use crate::lint::{Code, Finding, Place};

/// The findings, indexed by code and place.
pub(super) struct Reported<'r> {
    /// Code, file, line, column and path.
    places: HashSet<(&'static str, &'r str, u32, u32, &'r str)>,
    /// Code, file and object.
    objects: HashSet<(&'static str, &'r str, &'r str)>,
}

impl<'r> Reported<'r> {
    pub(super) fn of(findings: &'r [Finding]) -> Self {
        let places = findings.iter().map(|finding| {
            let Finding { file, path, .. } = finding;
            (finding.code, file.as_str(), finding.line, finding.column, path.as_str())
        });
        let objects = findings
            .iter()
            .map(|finding| (finding.code, finding.file.as_str(), finding.object.as_str()));
        Self {
            places: places.collect(),
            objects: objects.collect(),
        }
    }

    /// Whether the code is reported at exactly this field.
    pub(super) fn at(&self, code: &'static Code, place: &Place) -> bool {
        let Place { file, path, .. } = place;
        self.places
            .contains(&(code.id, file.as_str(), place.line, place.column, path.as_str()))
    }

    /// Whether the code is reported anywhere in the object.
    pub(super) fn in_object<T>(&self, code: &'static Code, item: &Item<'_, T>) -> bool {
        self.objects.contains(&(code.id, &*item.origin.file, &*item.title()))
    }
}
