//! Which objects use which Secret, and what findings at Gateways require of Secrets.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value as Json;

use super::reported::Reported;
use super::spans::{Node, Value};
use crate::lint::codes::{CLIENT_CA_MISSING, CREDENTIAL_IN_OTHER_NAMESPACE};
use crate::lint::index::credentials::{Outcome, Owner, TlsServer, UsedSecret};
use crate::lint::item::Item;
use crate::lint::world::World;
use crate::manifests::load::Origin;
use crate::manifests::model::Secret;

/// A Secret by namespace and name.
type Named = (String, String);

/// What is required of the Secrets in the input.
#[derive(Default)]
pub(super) struct Wanted {
    /// The namespaces in which gateways miss a Secret of the input.
    moves: HashMap<Named, BTreeSet<String>>,
    /// Secrets in which servers miss the CA for clients.
    authorities: HashSet<Named>,
    /// Secrets that servers of any Gateway find in their current place.
    served: HashSet<Named>,
    /// Names of Secrets that other objects in the input refer to.
    elsewhere: HashSet<Named>,
}

impl Wanted {
    /// `nodes` returns the parsed text of an object, if it can be read.
    pub(super) fn of<'n>(
        world: &World<'_>,
        reported: &Reported<'_>,
        nodes: impl Fn(&Origin) -> Option<&'n Node>,
    ) -> Self {
        let mut wanted = Self::default();
        for server in &world.credentials().servers {
            wanted.add(server, reported);
        }
        for other in &world.others {
            let mut names = BTreeSet::new();
            strings(&other.object.content, &mut names);
            let names = names.into_iter().map(|name| (other.namespace.to_owned(), name));
            wanted.elsewhere.extend(names);
        }
        for pods in world.pods.all() {
            let Some(owner) = &pods.owner else { continue };
            let volumes = &pods.template.spec.volumes;
            let mut names: BTreeSet<String> = volumes
                .iter()
                .filter_map(|volume| volume.secret.as_ref()?.secret_name.clone())
                .collect();
            // Our types do not include projected volumes and environment variables.
            if let Some(node) = nodes(owner.origin) {
                secret_names(node, false, &mut names);
            }
            let names = names.into_iter().map(|name| (pods.namespace.to_owned(), name));
            wanted.elsewhere.extend(names);
        }
        wanted
    }

    fn add(&mut self, server: &TlsServer<'_>, reported: &Reported<'_>) {
        for credential in server.credentials.iter().chain(&server.ca_credential) {
            match &credential.outcome {
                Outcome::Found(secret) => self.found(secret),
                Outcome::Missing { namespaces, elsewhere } => {
                    let place = server.place(&credential.field);
                    if let ([wanted], [held]) = (namespaces.as_slice(), elsewhere.as_slice())
                        && reported.at(&CREDENTIAL_IN_OTHER_NAMESPACE, &place)
                    {
                        self.missed(held, &credential.name, wanted);
                        // The CA moves with the certificate that it belongs to.
                        if let Some(beside) = &server.client_ca
                            && beside.separate.is_none()
                            && beside.elsewhere == [held.as_str()]
                        {
                            self.missed(held, &beside.separate_name, wanted);
                        }
                    }
                }
                _ => {}
            }
        }
        for value in server.files.iter().filter_map(|file| file.value.as_ref()) {
            self.found(&value.secret);
        }
        let Some(client_ca) = &server.client_ca else { return };
        if let Some(separate) = &client_ca.separate {
            self.found(separate);
        } else if let Some(base) = &client_ca.base
            && client_ca.found.is_none()
            && matches!(server.owner, Owner::Istio(_))
            && reported.at(&CLIENT_CA_MISSING, &server.place(&client_ca.field))
        {
            match client_ca.elsewhere.as_slice() {
                [] => _ = self.authorities.insert((base.namespace.clone(), base.name.clone())),
                [held] => self.missed(held, &client_ca.separate_name, &base.namespace),
                _ => {}
            }
        }
    }

    fn found(&mut self, secret: &UsedSecret<'_>) {
        self.served.insert((secret.namespace.clone(), secret.name.clone()));
    }

    fn missed(&mut self, held: &str, name: &str, wanted: &str) {
        let named = (held.to_owned(), name.to_owned());
        self.moves.entry(named).or_default().insert(wanted.to_owned());
    }

    /// The namespace that the Secret should be in, if nothing uses it in its current one.
    pub(super) fn namespace(&self, item: &Item<'_, Secret>) -> Option<&str> {
        let named = named(item);
        if self.served.contains(&named) || self.elsewhere.contains(&named) {
            return None;
        }
        let mut wanted = self.moves.get(&named)?.iter();
        // It cannot be in two places.
        wanted.next().filter(|_| wanted.next().is_none()).map(String::as_str)
    }

    /// Whether servers miss the CA for clients in the Secret.
    pub(super) fn lacks_authority(&self, item: &Item<'_, Secret>) -> bool {
        self.authorities.contains(&named(item))
    }

    /// Whether an object other than a Gateway may read the Secret's keys.
    pub(super) fn used_elsewhere(&self, item: &Item<'_, Secret>) -> bool {
        self.elsewhere.contains(&named(item))
    }
}

fn named(item: &Item<'_, Secret>) -> Named {
    (item.namespace.to_owned(), item.metadata.name.clone())
}

/// All short texts in a value.
fn strings(value: &Json, found: &mut BTreeSet<String>) {
    match value {
        Json::String(text) if text.len() <= 253 => {
            found.insert(text.clone());
        }
        Json::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Json::Object(fields) => fields.values().for_each(|field| strings(field, found)),
        _ => {}
    }
}

/// The fields of a pod whose `name` is the name of a Secret.
const REFERENCES: [&str; 4] = ["secret", "secretRef", "secretKeyRef", "imagePullSecrets"];

/// The names of Secrets in an object with pods; `referred` means that the node is a reference to a
/// Secret.
fn secret_names(node: &Node, referred: bool, found: &mut BTreeSet<String>) {
    match &node.value {
        Value::Mapping { entries, .. } => {
            for entry in entries {
                if entry.name == "secretName" || (referred && entry.name == "name") {
                    found.extend(entry.value.text().map(str::to_owned));
                }
                secret_names(&entry.value, REFERENCES.contains(&entry.name.as_str()), found);
            }
        }
        _ => node.items().iter().for_each(|item| secret_names(item, referred, found)),
    }
}
