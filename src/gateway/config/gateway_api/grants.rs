//! ReferenceGrants: which references into other namespaces hold.

use std::collections::HashSet;

use super::kube::Stored;
use crate::manifests::gateway_api::{GROUP, list, text};

/// What a grant lets in: its namespace, the kind and namespace of those who refer, the
/// kind and name of what they may refer to; no name is every name.
type Grant = (String, String, String, String, Option<String>);

/// The grants of the input.
#[derive(Default)]
pub(super) struct Grants(HashSet<Grant>);

/// A reference from one object to another.
#[derive(Clone, Copy)]
pub(super) struct Reference<'r> {
    /// The kind of the object that refers.
    pub(super) from: &'r str,
    /// Its namespace.
    pub(super) from_namespace: &'r str,
    /// The kind that is referred to.
    pub(super) kind: &'r str,
    /// The namespace that is referred to.
    pub(super) namespace: &'r str,
    /// The name that is referred to.
    pub(super) name: &'r str,
}

impl Reference<'_> {
    /// That no grant lets it in, in words.
    pub(super) fn refused(&self) -> String {
        format!(
            "no ReferenceGrant of namespace {} lets {}s of {} refer to {} {}",
            self.namespace, self.from, self.from_namespace, self.kind, self.name
        )
    }
}

impl Grants {
    pub(super) fn of(grants: &[Stored<'_>]) -> Self {
        let mut found = HashSet::new();
        for grant in grants {
            let spec = &grant.content["spec"];
            for from in list(spec.get("from")).filter(|from| text(from.get("group")) == Some(GROUP)) {
                let (Some(kind), Some(namespace)) = (text(from.get("kind")), text(from.get("namespace"))) else {
                    continue;
                };
                for to in list(spec.get("to")).filter(|to| text(to.get("group")).is_none()) {
                    found.insert((
                        grant.kube.namespace.to_owned(),
                        kind.to_owned(),
                        namespace.to_owned(),
                        text(to.get("kind")).unwrap_or_default().to_owned(),
                        text(to.get("name")).map(str::to_owned),
                    ));
                }
            }
        }
        Self(found)
    }

    /// Whether a reference holds: within a namespace always.
    pub(super) fn allow(&self, wanted: &Reference<'_>) -> bool {
        wanted.namespace == wanted.from_namespace
            || [None, Some(wanted.name.to_owned())].into_iter().any(|name| {
                self.0.contains(&(
                    wanted.namespace.to_owned(),
                    wanted.from.to_owned(),
                    wanted.from_namespace.to_owned(),
                    wanted.kind.to_owned(),
                    name,
                ))
            })
    }
}
