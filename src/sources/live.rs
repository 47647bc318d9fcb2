//! Objects of a cluster as they are known now. Somebody follows the cluster and
//! tells of every change here; who reads takes what is known at that moment.
//! Nothing is asked of a server here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::manifests::load::{self, LoadError, Named, Object};
use crate::problem::Problem;
use crate::remedy::Cluster;

/// How long an object stays after it was deleted, unless it is made anew: in
/// `kubectl delete` and `kubectl create` one after the other there is no gap.
pub const GONE: Duration = Duration::from_millis(700);

/// Which object of a cluster; its version changes nothing of that.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// The API group; empty for the core group.
    pub group: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.namespace`; empty for an object that stands in none.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
}

impl ObjectId {
    /// A Secret.
    pub fn secret(namespace: &str, name: &str) -> Self {
        Self::new("", "Secret", namespace, name)
    }

    /// An Istio Gateway.
    pub fn gateway(namespace: &str, name: &str) -> Self {
        Self::new("networking.istio.io", "Gateway", namespace, name)
    }

    fn new(group: &str, kind: &str, namespace: &str, name: &str) -> Self {
        Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// What the object says of itself; none when it is no object.
    fn of(value: &Value) -> Option<Self> {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        let version = text("/apiVersion")?;
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let namespace = text("/metadata/namespace").unwrap_or_default();
        Some(Self::new(group, text("/kind")?, namespace, text("/metadata/name")?))
    }
}

/// A part of the cluster that is not seen, or not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// The kind of the objects.
    pub kind: String,
    /// The namespaces whose objects of this kind are seen.
    pub seen_in: BTreeSet<String>,
    /// Which of them: `secrets of the namespace istio-system`.
    pub what: String,
    /// Why.
    pub why: String,
}

/// What is known of a cluster, shared by who follows it and who reads.
#[derive(Debug, Default)]
pub struct LiveObjects {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    entries: BTreeMap<ObjectId, Entry>,
    /// Grows with every change that a reader would notice.
    generation: u64,
}

/// What is known of an object.
#[derive(Debug)]
struct Entry {
    /// Which watch tells of it.
    part: usize,
    /// Its last version that could be read.
    object: Option<Arc<Object>>,
    /// Why its present version cannot be read.
    error: Option<LoadError>,
    /// Since when it is gone.
    gone: Option<Instant>,
}

impl LiveObjects {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an object that was made or changed. `part` says which watch tells
    /// of it. Whether a reader would notice.
    pub fn put(&self, part: usize, value: Value) -> bool {
        let read = Read::of(value);
        read.is_some_and(|read| self.known().put(part, read))
    }

    /// Takes note that an object was deleted. Whether a reader would notice, at once or later.
    pub fn remove(&self, value: &Value, now: Instant) -> bool {
        ObjectId::of(value).is_some_and(|id| self.known().remove(&id, now))
    }

    /// Takes everything that there is of a part: what is not among it was
    /// deleted unseen. Whether a reader would notice, at once or later.
    pub fn replace(&self, part: usize, values: Vec<Value>, now: Instant) -> bool {
        let read: Vec<Read> = values.into_iter().filter_map(Read::of).collect();
        let there: BTreeSet<ObjectId> = read.iter().map(|read| read.id.clone()).collect();
        let mut known = self.known();
        let gone: Vec<ObjectId> = (known.entries.iter())
            .filter(|(id, entry)| entry.part == part && !there.contains(*id))
            .map(|(id, _)| id.clone())
            .collect();
        let mut changed = false;
        for id in gone {
            changed |= known.remove(&id, now);
        }
        for read in read {
            changed |= known.put(part, read);
        }
        changed
    }

    /// How often something changed; an object that is gone for good counts from then on.
    pub fn generation(&self, now: Instant) -> u64 {
        let mut known = self.known();
        known.expire(now);
        known.generation
    }

    /// When the next object is gone for good, if one is about to be.
    pub fn next_change(&self, now: Instant) -> Option<Duration> {
        let known = self.known();
        let gone = known.entries.values().filter_map(|entry| entry.gone);
        gone.min().map(|since| GONE.saturating_sub(now.duration_since(since)))
    }
}

/// An object as it was told, read.
struct Read {
    id: ObjectId,
    object: Result<Object, LoadError>,
}

impl Read {
    fn of(mut value: Value) -> Option<Self> {
        strip(&mut value);
        Some(Self {
            id: ObjectId::of(&value)?,
            object: load::object(&value),
        })
    }
}

/// Takes out what only the server and its clients keep there: it changes
/// without any change of what is wanted. kubectl's copy of a Secret stays: that
/// it holds a key once more is a finding.
fn strip(value: &mut Value) {
    let Some(object) = value.as_object_mut() else { return };
    object.remove("status");
    if object.get("kind").is_some_and(|kind| kind == "Pod") {
        // Its labels are all that is asked for, and there may be many.
        object.remove("spec");
    }
    let is_secret = object.get("kind").is_some_and(|kind| kind == "Secret");
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    for field in ["managedFields", "resourceVersion", "generation", "uid", "selfLink"] {
        metadata.remove(field);
    }
    if !is_secret && let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

impl Known {
    fn put(&mut self, part: usize, read: Read) -> bool {
        let entry = self.entries.entry(read.id).or_insert(Entry {
            part,
            object: None,
            error: None,
            gone: None,
        });
        entry.part = part;
        entry.gone = None;
        let changed = match read.object {
            Ok(object) => {
                let same = (entry.object.as_ref()).is_some_and(|known| known.manifest == object.manifest);
                let changed = !same || entry.error.take().is_some();
                if !same {
                    entry.object = Some(Arc::new(object));
                }
                changed
            }
            Err(error) => {
                let changed = entry.error.as_ref() != Some(&error);
                entry.error = Some(error);
                changed
            }
        };
        self.generation += u64::from(changed);
        changed
    }

    fn remove(&mut self, id: &ObjectId, now: Instant) -> bool {
        let Some(entry) = self.entries.get_mut(id) else {
            return false;
        };
        if entry.object.is_none() {
            self.entries.remove(id);
            self.generation += 1;
            return true;
        }
        let first = entry.gone.is_none();
        entry.gone.get_or_insert(now);
        first
    }

    /// Forgets objects that are gone for good.
    fn expire(&mut self, now: Instant) {
        let before = self.entries.len();
        self.entries
            .retain(|_, entry| entry.gone.is_none_or(|since| now.duration_since(since) < GONE));
        self.generation += u64::from(self.entries.len() != before);
    }
}

/// A cluster as a source of objects: what was known of it at one moment.
#[derive(Debug, Clone)]
pub struct LiveSource {
    /// The kubeconfig's context, for messages.
    pub context: String,
    /// The flags with which commands lead to its cluster; empty where they come
    /// there by themselves.
    pub flags: Cluster,
    /// Labels of the gateway's pods that were found running.
    pub pod_labels: BTreeMap<String, String>,
    /// What is not seen.
    pub unseen: Vec<Unseen>,
    shared: Arc<LiveObjects>,
    current: BTreeMap<ObjectId, Arc<Object>>,
    errors: Vec<LoadError>,
    generation: u64,
    /// The versions of the objects that were last made use of.
    taken: BTreeMap<ObjectId, Arc<Object>>,
}

impl LiveSource {
    /// What is known now.
    pub fn new(context: &str, shared: Arc<LiveObjects>, now: Instant) -> Self {
        let mut source = Self {
            context: context.to_owned(),
            flags: Cluster::default(),
            pod_labels: BTreeMap::new(),
            unseen: Vec::new(),
            shared,
            current: BTreeMap::new(),
            errors: Vec::new(),
            generation: 0,
            taken: BTreeMap::new(),
        };
        source.refresh(now);
        source
    }

    /// Takes what is known now.
    pub fn refresh(&mut self, now: Instant) {
        let mut known = self.shared.known();
        known.expire(now);
        self.generation = known.generation;
        let entries = known.entries.iter();
        self.current = entries
            .filter_map(|(id, entry)| Some((id.clone(), entry.object.clone()?)))
            .collect();
        self.errors = known.entries.values().filter_map(|entry| entry.error.clone()).collect();
    }

    /// Whether something has changed since [`LiveSource::refresh`].
    pub fn is_current(&self, now: Instant) -> bool {
        self.generation == self.shared.generation(now)
    }

    /// See [`LiveObjects::next_change`].
    pub fn next_change(&self, now: Instant) -> Option<Duration> {
        self.shared.next_change(now)
    }

    /// How often something had changed.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Remembers the present versions as those that were made use of.
    pub fn take(&mut self) {
        self.taken = self.current.clone();
    }

    /// Goes back to the versions that were made use of last, for the objects
    /// with these ids that have changed since. Whether there were any.
    pub fn hold_back(&mut self, ids: &BTreeSet<ObjectId>) -> bool {
        let mut held = false;
        for id in ids {
            let Some(good) = self.taken.get(id) else { continue };
            let present = self.current.get_mut(id);
            if let Some(present) = present.filter(|present| !Arc::ptr_eq(present, good)) {
                *present = good.clone();
                held = true;
            }
        }
        held
    }

    /// The objects, by kind, namespace and name.
    pub(super) fn objects(&self) -> impl Iterator<Item = Object> {
        self.current.values().map(|object| Object::clone(object))
    }

    /// What cannot be read.
    pub(super) fn errors(&self) -> &[LoadError] {
        &self.errors
    }

    /// What is to be said of an object that cannot be read, where that stops nobody.
    pub fn left_out(&self, error: LoadError) -> Problem {
        let kept = error.object.as_deref().is_some_and(|named| self.keeps(named));
        let problem = Problem::from(error);
        let what = if kept {
            format!("{}; the version before is used on", problem.what)
        } else {
            format!("{}; it is left out", problem.what)
        };
        Problem { what, ..problem }
    }

    fn keeps(&self, named: &Named) -> bool {
        self.current.keys().any(|id| {
            id.kind == named.kind && id.name == named.name && Some(&*id.namespace) == named.namespace.as_deref()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use serde_json::{Value, json};

    use super::{GONE, LiveObjects, LiveSource, ObjectId};
    use crate::manifests::model::Manifest;

    fn secret(name: &str, value: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "a"},
            "data": {"key": value}})
    }

    fn values(source: &LiveSource) -> Vec<String> {
        let found = source.objects().map(|object| match object.manifest {
            Manifest::Secret(secret) => {
                let value = secret.get("key").unwrap_or_default();
                format!("{} {}", secret.metadata.name, String::from_utf8_lossy(value))
            }
            other => panic!("{other:?}"),
        });
        found.collect()
    }

    #[test]
    fn what_only_the_server_keeps_is_no_change() {
        let live = LiveObjects::default();
        let mut object = secret("s", "MQ==");
        assert!(live.put(0, object.clone()));
        object["status"] = json!({"a": 1});
        object["metadata"]["resourceVersion"] = json!("7");
        object["metadata"]["managedFields"] = json!([{}]);
        assert!(!live.put(0, object.clone()));
        object["data"]["key"] = json!("Mg==");
        assert!(live.put(0, object));
    }

    #[test]
    fn an_object_that_is_made_anew_was_never_gone() {
        let live = Arc::new(LiveObjects::default());
        let start = Instant::now();
        live.put(0, secret("s", "MQ=="));
        let mut source = LiveSource::new("c", live.clone(), start);
        assert!(live.remove(&secret("s", "MQ=="), start));
        assert_eq!(live.next_change(start), Some(GONE));
        assert!(source.is_current(start));
        assert_eq!(values(&source), ["s 1"]);
        live.put(0, secret("s", "Mg=="));
        assert_eq!(live.next_change(start), None);
        source.refresh(start);
        assert_eq!(values(&source), ["s 2"]);
        // And one that stays away is.
        live.remove(&secret("s", "Mg=="), start);
        let later = start + GONE + Duration::from_millis(1);
        assert!(!source.is_current(later));
        source.refresh(later);
        assert_eq!(values(&source), [""; 0]);
    }

    #[test]
    fn what_a_list_lacks_was_deleted_in_its_part_alone() {
        let live = Arc::new(LiveObjects::default());
        let start = Instant::now();
        live.put(0, secret("of-another-part", "MQ=="));
        live.put(1, secret("gone", "MQ=="));
        assert!(live.replace(1, vec![secret("new", "Mg==")], start));
        let source = LiveSource::new("c", live, start + GONE);
        assert_eq!(values(&source), ["new 2", "of-another-part 1"]);
    }

    #[test]
    fn a_version_that_cannot_be_read_leaves_the_one_before() {
        let live = Arc::new(LiveObjects::default());
        let now = Instant::now();
        live.put(0, secret("s", "MQ=="));
        assert!(live.put(0, secret("s", "no base64")));
        assert!(live.put(0, secret("new", "no base64")));
        let mut source = LiveSource::new("c", live.clone(), now);
        assert_eq!(values(&source), ["s 1"]);
        let said: Vec<String> = (source.errors.clone().into_iter())
            .map(|error| source.left_out(error).what)
            .collect();
        assert!(said[0].ends_with("it is left out"), "{said:?}");
        assert!(said[1].ends_with("the version before is used on"), "{said:?}");
        live.put(0, secret("s", "MQ=="));
        live.remove(&secret("new", ""), now);
        source.refresh(now);
        assert!(source.errors.is_empty());
    }

    #[test]
    fn a_change_is_held_back_until_it_is_another() {
        let live = Arc::new(LiveObjects::default());
        let now = Instant::now();
        live.put(0, secret("bad", "MQ=="));
        live.put(0, secret("good", "MQ=="));
        let mut source = LiveSource::new("c", live.clone(), now);
        source.take();
        let bad = BTreeSet::from([ObjectId::secret("a", "bad")]);
        assert!(!source.hold_back(&bad), "nothing has changed");
        live.put(0, secret("bad", "Mg=="));
        live.put(0, secret("good", "Mg=="));
        source.refresh(now);
        assert!(source.hold_back(&bad));
        assert_eq!(values(&source), ["bad 1", "good 2"]);
        assert!(!source.hold_back(&bad), "it is held back already");
    }
}
