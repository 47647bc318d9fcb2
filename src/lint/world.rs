//! Everything that rules look at, with indices made once.

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
    /// Every object, in the order of the input. One that occurs twice is here
    /// twice, and once in the lists below: the last one, as when all are applied.
    pub objects: &'a [Object],
    /// What could not be read.
    pub errors: &'a [LoadError],
    /// Fields that no type has.
    pub warnings: &'a [Warning],
    /// Istio Gateways, in the order of the input.
    pub gateways: Vec<Item<'a, Gateway>>,
    /// VirtualServices, in the order of the input.
    pub virtual_services: Vec<Item<'a, VirtualService>>,
    /// Secrets, in the order of the input.
    pub secrets: Vec<Item<'a, Secret>>,
    /// Services, in the order of the input.
    pub services: Vec<Item<'a, Service>>,
    /// Objects of every other kind, in the order of the input.
    pub others: Vec<Item<'a, Other>>,
    /// What controllers make Secrets from.
    pub(super) makers: Makers<'a>,
    /// The pods that can be gateways.
    pub(super) pods: PodIndex<'a>,
    /// Which Gateways run on which pods.
    pub(super) workloads: Workloads,
    /// Every Secret that can be reached, from objects, `--certs` and the workspace.
    pub store: &'a SecretStore<'a>,
    /// What else is known.
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

    /// The namespace of objects that name none.
    pub fn namespace(&self) -> &'a str {
        &self.settings.namespace
    }

    /// The namespace of the gateway's pods.
    pub fn pod_namespace(&self) -> &'a str {
        &self.store.namespace
    }

    /// Why not all objects of a kind are seen; none when they are.
    pub(in crate::lint) fn unseen(&self, kind: &str) -> Option<&str> {
        self.settings.unseen.get(kind).map(|unseen| unseen.why.as_str())
    }

    /// Whether all objects of a kind in a namespace are seen.
    pub(in crate::lint) fn sees(&self, kind: &str, namespace: &str) -> bool {
        let unseen = self.settings.unseen.get(kind);
        unseen.is_none_or(|unseen| unseen.seen_in.contains(namespace))
    }

    /// Whether the input has an object that could not be read, and that may be
    /// the one of this kind, namespace and name: it is there, whatever it says.
    /// What stands where nothing is seen may be there, too.
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

    /// The key material of every server, looked up at the first call.
    pub(crate) fn credentials(&self) -> &Credentials<'a> {
        self.credentials.get_or_init(|| Credentials::of(self))
    }

    /// Whether the target is Istio 1.1, to which the old shapes are no findings.
    pub fn is_1_1(&self) -> bool {
        self.settings.target == IstioTarget::V1_1
    }

    /// Why a part of the world is not known; none when it is.
    pub fn lacks(&self, need: Need) -> Option<&str> {
        match need {
            Need::Services if self.services.is_empty() => match self.settings.unseen.get("Service") {
                // There is none where they are seen.
                Some(unseen) if !unseen.seen_in.is_empty() => None,
                Some(unseen) => Some(&unseen.why),
                None => Some("the input holds no Service, so every destination may exist"),
            },
            Need::Secrets if self.settings.secrets_elsewhere => None,
            Need::Secrets if !self.sees("Secret", self.pod_namespace()) => self.unseen("Secret"),
            // Of a cluster it is known that there is none.
            Need::Secrets if self.secrets.is_empty() && !self.store.in_cluster => {
                Some("the input holds no Secret, and there is neither a workspace nor --certs")
            }
            Need::AllOf(kinds) => kinds.iter().find_map(|kind| self.unseen(kind)),
            Need::Services | Need::Secrets => None,
        }
    }
}

/// The objects without those that a later one of the same group, kind,
/// namespace and name replaces.
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
