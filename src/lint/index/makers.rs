//! Objects from which a controller creates a Secret or CA bundle: they replace it in a repository
//! without key material.

use std::collections::HashMap;

use serde_json::Value;

use crate::lint::item::Item;
use crate::manifests::model::{Other, Secret};

/// Prefixes of annotations that have a Secret copied to other namespaces.
const COPIED: &[&str] = &["reflector.v1.k8s.emberstack.com/", "replicator.v1.mittwald.de/"];

/// An object that a controller creates a Secret from.
#[derive(Clone)]
pub(in crate::lint) struct Maker<'a> {
    /// The object.
    pub(in crate::lint) item: Item<'a, Other>,
    /// The names of its certificate, if the object specifies them.
    pub(in crate::lint) names: Option<Vec<&'a str>>,
}

/// All generated Secrets.
#[derive(Default)]
pub(in crate::lint) struct Makers<'a> {
    by_name: HashMap<&'a str, HashMap<&'a str, Maker<'a>>>,
    /// Names that are also created in other namespaces.
    everywhere: HashMap<&'a str, Option<Maker<'a>>>,
}

impl<'a> Makers<'a> {
    /// Collects them from the objects in the input, and its Secrets that are copied.
    pub(in crate::lint) fn of(others: &[Item<'a, Other>], secrets: &[Item<'a, Secret>]) -> Self {
        let mut makers = Self::default();
        for item in others {
            let Some(made) = made_by(item.object) else { continue };
            let maker = Maker {
                item: item.clone(),
                names: names_of(item.object),
            };
            if made.everywhere || is_copied(item.object) {
                makers.everywhere.insert(made.name, Some(maker.clone()));
            }
            let of_name = makers.by_name.entry(made.name).or_default();
            of_name.insert(item.namespace, maker);
        }
        for secret in secrets {
            let mut annotations = secret.metadata.annotations.keys();
            if annotations.any(|name| COPIED.iter().any(|copied| name.starts_with(copied))) {
                makers.everywhere.insert(&secret.metadata.name, None);
            }
        }
        makers
    }

    /// Whether there are none.
    pub(in crate::lint) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Whether a Secret with this name is created in a namespace.
    pub(in crate::lint) fn has(&self, namespace: &str, name: &str) -> bool {
        let own = self.by_name.get(name);
        own.is_some_and(|own| own.contains_key(namespace)) || self.everywhere.contains_key(name)
    }

    /// The object that creates a Secret with this name in one of these namespaces; in any if none
    /// is given.
    pub(in crate::lint) fn find(&self, namespaces: &[String], name: &str) -> Option<&Maker<'a>> {
        let own = self.by_name.get(name);
        let mut own = own.into_iter().flatten();
        let is_there = |namespace: &str| namespaces.is_empty() || namespaces.iter().any(|known| known == namespace);
        let found = own.find(|(namespace, _)| is_there(namespace)).map(|(_, maker)| maker);
        found.or_else(|| self.everywhere.get(name)?.as_ref())
    }

    /// The namespaces in which a Secret with this name is created.
    pub(in crate::lint) fn namespaces(&self, name: &str) -> impl Iterator<Item = &'a str> + use<'_, 'a> {
        self.by_name.get(name).into_iter().flat_map(HashMap::keys).copied()
    }
}

/// The Secret that is created from an object.
struct Made<'a> {
    name: &'a str,
    /// Whether it is in all namespaces, or in those that a selector matches.
    everywhere: bool,
}

/// What cert-manager, trust-manager, External Secrets, Sealed Secrets, SOPS or the Vault Secrets
/// Operator creates from an object.
fn made_by(other: &Other) -> Option<Made<'_>> {
    let text = |pointer: &str| other.content.pointer(pointer).and_then(Value::as_str);
    let own = other.metadata.name.as_str();
    let group = other.api_version.split_once('/').map_or("", |(group, _)| group);
    let (name, everywhere) = match (group, other.kind.as_str()) {
        ("cert-manager.io", "Certificate") => (text("/spec/secretName")?, false),
        ("trust.cert-manager.io", "Bundle") => (own, true),
        ("bitnami.com", "SealedSecret") => (text("/spec/template/metadata/name").unwrap_or(own), false),
        ("external-secrets.io", "ExternalSecret") => (text("/spec/target/name").unwrap_or(own), false),
        ("external-secrets.io", "ClusterExternalSecret") => {
            let named = text("/spec/externalSecretSpec/target/name").or_else(|| text("/spec/externalSecretName"));
            (named.unwrap_or(own), true)
        }
        ("secrets.hashicorp.com", _) => (text("/spec/destination/name")?, false),
        // Encrypted by SOPS.
        ("", "Secret") => (own, false),
        _ => return None,
    };
    Some(Made { name, everywhere })
}

/// The names of the certificate that cert-manager will request.
fn names_of(other: &Other) -> Option<Vec<&str>> {
    if other.kind != "Certificate" {
        return None;
    }
    // IP addresses and literal subjects are not compared with hosts.
    let names = other.content.pointer("/spec/dnsNames")?.as_array()?;
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    let is_known = !names.iter().any(|name| name.contains(['$', '{', '<']));
    is_known.then_some(names)
}

/// Whether the created Secret is copied to other namespaces.
fn is_copied(other: &Other) -> bool {
    let templates = [
        "/spec/secretTemplate/annotations",
        "/spec/target/template/metadata/annotations",
    ];
    let annotations = templates
        .iter()
        .filter_map(|pointer| other.content.pointer(pointer)?.as_object());
    let mut names = annotations.flat_map(|annotations| annotations.keys());
    names.any(|name| COPIED.iter().any(|copied| name.starts_with(copied)))
}
