//! The currently known objects of a cluster. A watcher reports every change here; readers use the
//! state at that moment. This module does not contact a server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::manifests::load::{self, LoadError, Named, Object};
use crate::problem::Problem;
use crate::remedy::Cluster;

/// How long an object is kept after its deletion, unless it is recreated: so `kubectl delete`
/// followed by `kubectl create` causes no gap.
pub const GONE: Duration = Duration::from_millis(700);

/// The identity of an object in a cluster, without its version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// The API group; empty for the core group.
    pub group: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.namespace`; empty for a cluster-scoped object.
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

    /// The identity from the object's fields; none if it is not an object.
    fn of(value: &Value) -> Option<Self> {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        let version = text("/apiVersion")?;
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let namespace = text("/metadata/namespace").unwrap_or_default();
        Some(Self::new(group, text("/kind")?, namespace, text("/metadata/name")?))
    }
}

/// A part of the cluster that is not, or not fully, visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// The kind of the objects.
    pub kind: String,
    /// The namespaces whose objects of this kind are visible.
    pub seen_in: BTreeSet<String>,
    /// Which of them: `secrets in the namespace istio-system`.
    pub what: String,
    /// Why.
    pub why: String,
}

/// The known state of a cluster, shared by the watcher and readers.
#[derive(Debug, Default)]
pub struct LiveObjects {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    entries: BTreeMap<ObjectId, Entry>,
    /// Incremented with every change that a reader would notice.
    generation: u64,
}

/// The known state of an object.
#[derive(Debug)]
struct Entry {
    /// The watch that reports it.
    part: usize,
    /// Its last readable version.
    object: Option<Arc<Object>>,
    /// Why its current version cannot be read.
    error: Option<LoadError>,
    /// When it was deleted.
    gone: Option<Instant>,
}

impl LiveObjects {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Handles an object that was created or changed, reported by the watch `part`. Returns whether
    /// a reader would notice.
    pub fn put(&self, part: usize, value: Value) -> bool {
        let read = Read::of(value);
        read.is_some_and(|read| self.known().put(part, read))
    }

    /// Handles the deletion of an object. Returns whether a reader would notice, now or later.
    pub fn remove(&self, value: &Value, now: Instant) -> bool {
        ObjectId::of(value).is_some_and(|id| self.known().remove(&id, now))
    }

    /// Handles a complete list of a part: missing objects were deleted unnoticed. Returns whether a
    /// reader would notice, now or later.
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

    /// The number of changes; an object that is finally gone counts from then on.
    pub fn generation(&self, now: Instant) -> u64 {
        let mut known = self.known();
        known.expire(now);
        known.generation
    }

    /// When the next deleted object is finally gone, if any.
    pub fn next_change(&self, now: Instant) -> Option<Duration> {
        let known = self.known();
        let gone = known.entries.values().filter_map(|entry| entry.gone);
        gone.min().map(|since| GONE.saturating_sub(now.duration_since(since)))
    }
}

/// Parses a reported object.
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

/// Removes fields that only the server and its clients maintain: they change without any relevant
/// change. kubectl's copy of a Secret stays, because another copy of the key is a finding.
fn strip(value: &mut Value) {
    let Some(object) = value.as_object_mut() else { return };
    object.remove("status");
    if object.get("kind").is_some_and(|kind| kind == "Pod") {
        // Only its labels are needed, and there may be many pods.
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

    /// Removes objects that are finally gone.
    fn expire(&mut self, now: Instant) {
        let before = self.entries.len();
        self.entries
            .retain(|_, entry| entry.gone.is_none_or(|since| now.duration_since(since) < GONE));
        self.generation += u64::from(self.entries.len() != before);
    }
}

/// A cluster as a source of objects: its known state at one moment.
#[derive(Debug, Clone)]
pub struct LiveSource {
    /// The kubeconfig's context, for messages.
    pub context: String,
    /// The flags with which commands reach its cluster; empty if none are needed.
    pub flags: Cluster,
    /// Labels of the gateway's running pods.
    pub pod_labels: BTreeMap<String, String>,
    /// What is not visible.
    pub unseen: Vec<Unseen>,
    shared: Arc<LiveObjects>,
    current: BTreeMap<ObjectId, Arc<Object>>,
    errors: Vec<LoadError>,
    generation: u64,
    /// The object versions that were last used.
    taken: BTreeMap<ObjectId, Arc<Object>>,
}

impl LiveSource {
    /// The current state.
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

    /// Updates to the current state.
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

    /// The number of changes at that time.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Records the current versions as the last used ones.
    pub fn take(&mut self) {
        self.taken = self.current.clone();
    }

    /// Reverts the objects with these IDs that have changed since to their last used versions.
    /// Returns whether there were any.
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

    /// Unreadable objects.
    pub(super) fn errors(&self) -> &[LoadError] {
        &self.errors
    }

    /// The message for an unreadable object, if that is not fatal.
    pub fn left_out(&self, error: LoadError) -> Problem {
        let kept = error.object.as_deref().is_some_and(|named| self.keeps(named));
        let problem = Problem::from(error);
        let what = if kept {
            format!("{}; the previous version stays in use", problem.what)
        } else {
            format!("{}; it is ignored", problem.what)
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
        // One that does not come back does.
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
        assert!(live.put(0, secret("s", "not base64")));
        assert!(live.put(0, secret("new", "not base64")));
        let mut source = LiveSource::new("c", live.clone(), now);
        assert_eq!(values(&source), ["s 1"]);
        let said: Vec<String> = (source.errors.clone().into_iter())
            .map(|error| source.left_out(error).what)
            .collect();
        assert!(said[0].ends_with("it is ignored"), "{said:?}");
        assert!(said[1].ends_with("the previous version stays in use"), "{said:?}");
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
