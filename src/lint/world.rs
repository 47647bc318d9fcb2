//! Everything that rules check, with indexes built once.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::index::credentials::Credentials;
use super::index::makers::Makers;
use super::index::pods::PodIndex;
use super::index::workloads::Workloads;
use super::item::Item;
use super::need::Need;
use super::settings::Settings;
use crate::manifests::load::{LoadError, Object, Warning};
use crate::manifests::model::{Gateway, Manifest, Other, Secret, Service, VirtualService};
use crate::secrets::SecretStore;
use crate::workspace::config::IstioTarget;

/// The input of lint.
pub struct World<'a> {
    /// All objects, in input order. An object that occurs twice is here twice, but only once in the
    /// lists below: the last one, as if all were applied.
    pub objects: &'a [Object],
    /// Read errors.
    pub errors: &'a [LoadError],
    /// Unknown fields.
    pub warnings: &'a [Warning],
    /// Istio Gateways, in input order.
    pub gateways: Vec<Item<'a, Gateway>>,
    /// VirtualServices, in input order.
    pub virtual_services: Vec<Item<'a, VirtualService>>,
    /// Secrets, in input order.
    pub secrets: Vec<Item<'a, Secret>>,
    /// Services, in input order.
    pub services: Vec<Item<'a, Service>>,
    /// Objects of all other kinds, in input order.
    pub others: Vec<Item<'a, Other>>,
    /// Objects that controllers create Secrets from.
    pub(super) makers: Makers<'a>,
    /// The pods that can be gateways.
    pub(super) pods: PodIndex<'a>,
    /// Which Gateways run on which pods.
    pub(super) workloads: Workloads,
    /// All available Secrets: from objects, `--certs` and the workspace.
    pub store: &'a SecretStore<'a>,
    /// The context.
    pub settings: &'a Settings,
    credentials: OnceCell<Credentials<'a>>,
}

impl<'a> World<'a> {
    /// Sorts the objects by kind.
    pub fn new(
        objects: &'a [Object],
        errors: &'a [LoadError],
        warnings: &'a [Warning],
        store: &'a SecretStore<'a>,
        settings: &'a Settings,
    ) -> Self {
        let mut world = Self {
            objects,
            errors,
            warnings,
            gateways: Vec::new(),
            virtual_services: Vec::new(),
            secrets: Vec::new(),
            services: Vec::new(),
            others: Vec::new(),
            makers: Makers::default(),
            pods: PodIndex::of(settings, &store.namespace, std::iter::empty()),
            workloads: Workloads::default(),
            store,
            settings,
            credentials: OnceCell::new(),
        };
        let standing = standing(objects, &settings.namespace);
        for loaded in &standing {
            match &loaded.manifest {
                Manifest::Gateway(object) => world.gateways.push(world.item(loaded, object)),
                Manifest::VirtualService(object) => world.virtual_services.push(world.item(loaded, object)),
                Manifest::Secret(object) => world.secrets.push(world.item(loaded, object)),
                Manifest::Service(object) => world.services.push(world.item(loaded, object)),
                Manifest::Deployment(_) => {}
                Manifest::Other(object) => world.others.push(world.item(loaded, object)),
            }
        }
        let objects = standing.iter().map(|loaded| world.item(loaded, *loaded));
        let pods = PodIndex::of(settings, &store.namespace, objects);
        world.workloads = Workloads::new(&pods, &store.namespace, &world.gateways, &world.services);
        world.pods = pods;
        world.makers = Makers::of(&world.others, &world.secrets);
        world
    }

    fn item<T>(&self, loaded: &'a Object, object: &'a T) -> Item<'a, T> {
        let metadata = loaded.manifest.metadata();
        Item {
            object,
            metadata,
            namespace: metadata.namespace_or(&self.settings.namespace),
            origin: &loaded.origin,
            kind: loaded.manifest.kind(),
        }
    }

    /// The namespace of objects without one.
    pub fn namespace(&self) -> &'a str {
        &self.settings.namespace
    }

    /// The namespace of the gateway's pods.
    pub fn pod_namespace(&self) -> &'a str {
        &self.store.namespace
    }

    /// Why not all objects of a kind are visible; none if they are.
    pub(in crate::lint) fn unseen(&self, kind: &str) -> Option<&str> {
        self.settings.unseen.get(kind).map(|unseen| unseen.why.as_str())
    }

    /// Whether all objects of a kind in a namespace are visible.
    pub(in crate::lint) fn sees(&self, kind: &str, namespace: &str) -> bool {
        let unseen = self.settings.unseen.get(kind);
        unseen.is_none_or(|unseen| unseen.seen_in.contains(namespace))
    }

    /// Whether the input has an unreadable object that may be the one with this kind, namespace and
    /// name: it exists, but its content is unknown. Objects that are not visible may exist, too.
    pub(in crate::lint) fn is_unread(&self, kind: &str, namespace: &str, name: &str) -> bool {
        if !self.sees(kind, namespace) {
            return true;
        }
        let mut objects = self.errors.iter().filter_map(|error| error.object.as_deref());
        objects.any(|object| {
            object.kind == kind
                && object.name == name
                && object.namespace.as_deref().unwrap_or(self.namespace()) == namespace
        })
    }

    /// The key material of every server, resolved on the first call.
    pub(crate) fn credentials(&self) -> &Credentials<'a> {
        self.credentials.get_or_init(|| Credentials::of(self))
    }

    /// Whether the target is Istio 1.1, for which the old forms are not findings.
    pub fn is_1_1(&self) -> bool {
        self.settings.target == IstioTarget::V1_1
    }

    /// Why a part of the world is unknown; none if it is known.
    pub fn lacks(&self, need: Need) -> Option<&str> {
        match need {
            Need::Services if self.services.is_empty() => match self.settings.unseen.get("Service") {
                // If they are visible, there are none.
                Some(unseen) if !unseen.seen_in.is_empty() => None,
                Some(unseen) => Some(&unseen.why),
                None => Some("the input holds no Service, so any destination may exist"),
            },
            Need::Secrets if self.settings.secrets_elsewhere => None,
            Need::Secrets if !self.sees("Secret", self.pod_namespace()) => self.unseen("Secret"),
            // For a cluster, it is known that there is none.
            Need::Secrets if self.secrets.is_empty() && !self.store.in_cluster => {
                Some("the input holds no Secret, and there is neither a workspace nor --certs")
            }
            Need::AllOf(kinds) => kinds.iter().find_map(|kind| self.unseen(kind)),
            Need::Services | Need::Secrets => None,
        }
    }
}

/// The objects without those replaced by a later one with the same group, kind, namespace and name.
fn standing<'a>(objects: &'a [Object], namespace: &str) -> Vec<&'a Object> {
    let mut last: HashMap<(&str, &str, &str, &str), usize> = HashMap::with_capacity(objects.len());
    for (place, object) in objects.iter().enumerate() {
        last.insert(object.identity(namespace), place);
    }
    let stands = |(place, object): &(usize, &Object)| {
        let has_name = !object.manifest.metadata().name.is_empty();
        !has_name || last.get(&object.identity(namespace)) == Some(place)
    };
    let all = objects.iter().enumerate();
    all.filter(stands).map(|(_, object)| object).collect()
}
