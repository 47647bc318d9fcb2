//! Fixes that can be applied safely and automatically to the text of the manifests: only the wrong
//! bytes change; comments and layout are kept. Pure: text in, text out; the caller shows the diff,
//! asks, and writes.

mod edit;
mod placeholder;
mod reported;
mod secret;
mod spans;
mod wanted;

use std::collections::{BTreeMap, HashMap};

use super::finding::Report;
use super::world::World;
use crate::certs::inspect;
use crate::manifests::load;
use edit::{Edit, Mask};
use reported::Reported;
use spans::{Node, Value};

/// The annotation in which kubectl stores the last applied object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A file that can be fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The file name as given by the user.
    pub file: String,
    /// Its text after the fixes.
    pub text: String,
    /// One sentence for each change.
    pub changes: Vec<String>,
    /// A unified diff. Values of Secrets are shown as fingerprints.
    pub diff: String,
}

/// A change that a fixer proposes.
struct Change {
    what: String,
    edits: Vec<Edit>,
}

/// The possible fixes in the files of the world's objects; `texts` holds their content by name.
/// Only findings in `report` are fixed, so suppressed ones stay as they are.
pub fn fixes(world: &World<'_>, report: &Report, texts: &BTreeMap<String, Vec<u8>>) -> Vec<Fix> {
    let reported = Reported::of(&report.findings);
    let mut changes: BTreeMap<&str, Vec<Change>> = BTreeMap::new();
    let files: BTreeMap<&str, File<'_>> = texts
        .iter()
        .filter_map(|(name, content)| Some((name.as_str(), File::read(std::str::from_utf8(content).ok()?)?)))
        .collect();
    let mut add = |file: &str, found: Vec<Change>| {
        if let Some((name, _)) = files.get_key_value(file)
            && !found.is_empty()
        {
            changes.entry(name).or_default().extend(found);
        }
    };
    for gateway in &world.gateways {
        if let Some(node) = files
            .get(&*gateway.origin.file)
            .and_then(|file| file.node(gateway.origin))
        {
            let text = files[&*gateway.origin.file].text;
            add(
                &gateway.origin.file,
                placeholder::changes(&reported, gateway, node, text),
            );
        }
    }
    let nodes = |origin: &load::Origin| files.get(&*origin.file).and_then(|file| file.node(origin));
    let wanted = wanted::Wanted::of(world, &reported, nodes);
    for item in &world.secrets {
        if let Some(node) = files.get(&*item.origin.file).and_then(|file| file.node(item.origin)) {
            let text = files[&*item.origin.file].text;
            let found = secret::changes(world, &wanted, &reported, item, node, text);
            add(&item.origin.file, found);
        }
    }
    changes
        .into_iter()
        .filter_map(|(name, changes)| files[name].mend(name, changes))
        .collect()
}

/// A file's text with its parsed values.
struct File<'t> {
    text: &'t str,
    documents: Vec<Node>,
    /// The positions of objects, by document and item.
    places: HashMap<(u32, u32), (usize, Option<usize>)>,
}

impl<'t> File<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let documents = spans::documents(text)?;
        let mut places = HashMap::new();
        for (index, document) in documents.iter().enumerate() {
            places.insert(document.position, (index, None));
            let items = document.get("items").map(Node::items).unwrap_or_default();
            for (item, node) in items.iter().enumerate() {
                places.insert(node.position, (index, Some(item)));
            }
        }
        Some(Self {
            text,
            documents,
            places,
        })
    }

    fn node(&self, origin: &load::Origin) -> Option<&Node> {
        let (document, item) = *self.places.get(&(origin.position.line, origin.position.column))?;
        let document = self.documents.get(document)?;
        match item {
            Some(item) => document.get("items")?.items().get(item),
            None => Some(document),
        }
    }

    /// The file after the changes; none if they cannot be made safely.
    fn mend(&self, name: &str, changes: Vec<Change>) -> Option<Fix> {
        let (mut said, mut edits) = (Vec::new(), Vec::new());
        for change in changes {
            said.push(change.what);
            edits.extend(change.edits);
        }
        let diff = edit::diff(name, self.text, &edits, &self.masks())?;
        let text = edit::apply(self.text, &edits)?;
        let (before, after) = (load::load(self.text, name), load::load(&text, name));
        // If an edit broke anything, that is a bug; the file stays as it is.
        let sound = after.objects.len() == before.objects.len() && after.errors.len() == before.errors.len();
        sound.then_some(Fix {
            file: name.to_owned(),
            text,
            changes: said,
            diff,
        })
    }

    /// All values of Secrets, and of objects that look like one.
    fn masks(&self) -> Vec<Mask> {
        let mut masks = Vec::new();
        for document in &self.documents {
            let items = document.get("items").map(Node::items).unwrap_or_default();
            for object in std::iter::once(document).chain(items) {
                // Any object with these fields may hold a key, even a ConfigMap.
                let fields = ["data", "stringData", "binaryData"];
                let mut values: Vec<&Node> = Vec::new();
                for data in fields.into_iter().filter_map(|field| object.get(field)) {
                    match &data.value {
                        Value::Mapping { entries, .. } => values.extend(entries.iter().map(|entry| &entry.value)),
                        _ => values.push(data),
                    }
                }
                // kubectl stores a copy of the whole object there.
                let annotations = object.get("metadata").and_then(|metadata| metadata.get("annotations"));
                values.extend(annotations.and_then(|annotations| annotations.get(LAST_APPLIED)));
                masks.extend(values.into_iter().filter_map(|value| {
                    let text = self.text.get(value.range.clone())?;
                    (!text.is_empty()).then(|| Mask {
                        range: value.range.clone(),
                        shown: secret_shown(text.as_bytes()),
                    })
                }));
            }
        }
        masks.sort_by_key(|mask| mask.range.start);
        masks
    }
}

/// The representation of a secret value.
fn secret_shown(value: &[u8]) -> String {
    let digest: String = inspect::sha256(value).chars().take(23).collect();
    format!("[{} bytes, sha256 {digest}...]", value.len())
}

/// A scalar in the style of `like`: in double quotes if that one is.
fn written_as(like: &str, text: &str) -> String {
    if like.starts_with('"') {
        format!("\"{text}\"")
    } else {
        text.to_owned()
    }
}

/// Removes entries from a mapping: whole lines in block style, otherwise each with one comma.
fn without(text: &str, mapping: &Node, is_gone: impl Fn(&str) -> bool) -> Option<Vec<Edit>> {
    let Value::Mapping { entries, flow } = &mapping.value else {
        return None;
    };
    let mut edits = Vec::new();
    let mut kept_before = false;
    for (index, entry) in entries.iter().enumerate() {
        if !is_gone(&entry.name) {
            kept_before = true;
            continue;
        }
        let range = if !*flow {
            let start = text[..entry.key.start].rfind('\n').map_or(0, |at| at + 1);
            let end = text[entry.value.range.end..]
                .find('\n')
                .map_or(text.len(), |at| entry.value.range.end + at + 1);
            if !text.get(start..entry.key.start)?.trim().is_empty() {
                return None;
            }
            start..end
        } else if kept_before {
            entries.get(index - 1)?.value.range.end..entry.value.range.end
        } else {
            entry.key.start..entries.get(index + 1)?.key.start
        };
        edits.push(Edit {
            range,
            text: String::new(),
            shown: None,
        });
    }
    Some(edits)
}

#[cfg(test)]
mod tests;
