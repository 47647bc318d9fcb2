//! An object of the Gateway API in the input.

use serde_json::Value;

use crate::gateway::config::input;
use crate::manifests::load;
use crate::manifests::model::{Manifest, Other};

/// An object of the input, and the namespace that it is in.
#[derive(Clone, Copy)]
pub(super) struct Kube<'a> {
    object: &'a load::Object,
    /// Its namespace, or that of objects that name none.
    pub(super) namespace: &'a str,
}

impl<'a> Kube<'a> {
    pub(super) fn new(object: &'a load::Object, default_namespace: &'a str) -> Self {
        Self {
            object,
            namespace: object.manifest.metadata().namespace_or(default_namespace),
        }
    }

    /// The object, if it is of a kind that has no type.
    pub(super) fn other(self) -> Option<&'a Other> {
        match &self.object.manifest {
            Manifest::Other(other) => Some(other),
            _ => None,
        }
    }

    pub(super) fn kind(self) -> &'a str {
        self.object.manifest.kind()
    }

    pub(super) fn name(self) -> &'a str {
        &self.object.manifest.metadata().name
    }

    /// Its creation timestamp; empty in files.
    pub(super) fn created(self) -> &'a str {
        let created = self.object.manifest.metadata().creation_timestamp.as_deref();
        created.unwrap_or_default()
    }

    /// `namespace/name`.
    pub(super) fn full_name(self) -> String {
        format!("{}/{}", self.namespace, self.name())
    }

    /// `Kind namespace/name`.
    pub(super) fn title(self) -> String {
        format!("{} {}", self.kind(), self.full_name())
    }

    /// Where one of its fields stands.
    pub(super) fn place(self, path: &str) -> String {
        input::locate(self.object, self.namespace, path)
    }
}

/// An object with its content as an API server stores it.
pub(super) struct Stored<'a> {
    pub(super) kube: Kube<'a>,
    pub(super) content: Value,
}
