//! A Secret that a server uses, and its values, with their locations.

use std::rc::Rc;

use zeroize::Zeroizing;

use crate::lint::finding::Place;
use crate::lint::item::Item;
use crate::manifests::model::{Other, Secret};
use crate::secrets::{Entry, SecretData};

/// A Secret from the input, or what replaces one: a folder below `--certs`, a chain of the
/// workspace, a file on this machine.
pub(crate) struct UsedSecret<'a> {
    /// The namespace in which it was looked up.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The Secret object, if it is one.
    pub item: Option<Item<'a, Secret>>,
    /// The ConfigMap, if it is one: it may hold a CA.
    config_map: Option<Item<'a, Other>>,
    data: Rc<SecretData>,
}

impl<'a> UsedSecret<'a> {
    pub(crate) fn new(namespace: &str, name: &str, item: Option<Item<'a, Secret>>, data: Rc<SecretData>) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            item,
            config_map: None,
            data,
        }
    }

    /// A ConfigMap from the input, used like a Secret with a CA.
    pub(crate) fn of_config_map(item: &Item<'a, Other>) -> Self {
        let source = item.title();
        let data = item.object.content.get("data").and_then(serde_json::Value::as_object);
        let entries = data.into_iter().flatten().filter_map(|(key, value)| {
            let entry = Entry {
                content: Rc::new(Zeroizing::new(value.as_str()?.as_bytes().to_vec())),
                name: format!("{key} of {source}"),
                at: Some(item.origin.location().to_string()),
            };
            Some((key.clone(), entry))
        });
        Self {
            namespace: item.namespace.to_owned(),
            name: item.metadata.name.clone(),
            item: None,
            config_map: Some(item.clone()),
            data: Rc::new(SecretData {
                entries: entries.collect(),
                at: Some(item.origin.location().to_string()),
                source,
            }),
        }
    }

    /// Whether it is an object from the input, not files.
    fn is_object(&self) -> bool {
        self.item.is_some() || self.config_map.is_some()
    }

    /// The values.
    pub(crate) fn data(&self) -> &SecretData {
        &self.data
    }

    /// `secret istio-system/a`, or the folder.
    pub(crate) fn title(&self) -> &str {
        &self.data().source
    }

    /// The names of its keys.
    pub(crate) fn key_names(&self) -> String {
        let names: Vec<&str> = self.data().entries.keys().map(String::as_str).collect();
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        }
    }

    /// The value of a key if it is present and not empty.
    pub(crate) fn filled(&self, key: &str) -> Option<&[u8]> {
        let entry = self.data().entries.get(key)?;
        (!entry.content.is_empty()).then_some(&entry.content)
    }

    /// The place of a key; of the Secret itself if the key is empty.
    pub(crate) fn place(&self, key: &str) -> Place {
        match &self.item {
            Some(item) if key.is_empty() => item.place("data"),
            Some(item) => item.place(&path_of(item.object, key)),
            None if let Some(item) = &self.config_map => item.place(&if key.is_empty() {
                "data".to_owned()
            } else {
                format!("data[\"{key}\"]")
            }),
            None => match self.data().entries.get(key) {
                Some(entry) => Place::file(&entry.name, 0),
                None => Place::file(self.title(), 0),
            },
        }
    }

    fn key_of(&self, entry: &Entry) -> Option<&str> {
        let mut entries = self.data().entries.iter();
        entries
            .find(|(_, known)| std::ptr::eq(*known, entry))
            .map(|(key, _)| key.as_str())
    }
}

/// The field's path of a key: `data["tls.crt"]`, `stringData.cert`.
fn path_of(secret: &Secret, key: &str) -> String {
    let field = if secret.string_data.contains_key(key) {
        "stringData"
    } else {
        "data"
    };
    if key.is_empty() || key.contains(['.', '[', ']', '"', '/']) {
        format!("{field}[\"{key}\"]")
    } else {
        format!("{field}.{key}")
    }
}

/// One value.
#[derive(Clone)]
pub(crate) struct Value<'a> {
    /// The Secret that holds it.
    pub secret: Rc<UsedSecret<'a>>,
    /// Its key.
    pub key: String,
}

impl<'a> Value<'a> {
    /// The value of an entry of the Secret.
    pub(super) fn of(secret: &Rc<UsedSecret<'a>>, entry: &Entry) -> Option<Self> {
        Some(Self {
            secret: secret.clone(),
            key: secret.key_of(entry)?.to_owned(),
        })
    }

    /// The value of a key that is present.
    pub(super) fn of_key(secret: &Rc<UsedSecret<'a>>, key: &str) -> Option<Self> {
        secret.data().entries.contains_key(key).then(|| Self {
            secret: secret.clone(),
            key: key.to_owned(),
        })
    }

    /// The bytes.
    pub(crate) fn content(&self) -> &[u8] {
        let entry = self.secret.data().entries.get(&self.key);
        entry.map_or(&[], |entry| &entry.content)
    }

    /// `tls.crt of secret istio-system/a`, or the file's name.
    pub(crate) fn name(&self) -> String {
        match self.secret.data().entries.get(&self.key) {
            Some(entry) if self.secret.item.is_none() => entry.name.clone(),
            _ => format!("{} of {}", self.key, self.secret.title()),
        }
    }

    /// Its place; the line (0 for the whole value) is used only if it is a file.
    pub(crate) fn place(&self, line: u32) -> Place {
        let mut place = self.secret.place(&self.key);
        if !self.secret.is_object() && line > 0 {
            place.line = line;
            place.column = 1;
        }
        place
    }

    /// ` (line 3 of the value)`, if the place cannot express it.
    pub(crate) fn line_of_value(&self, line: u32) -> String {
        if line == 0 || !self.secret.is_object() {
            String::new()
        } else {
            format!(" (line {line} of the value)")
        }
    }

    /// Whether both are the same value of the same Secret.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.secret, &other.secret) && self.key == other.key
    }
}
