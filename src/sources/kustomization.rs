//! Files that a kustomization refers to but that are not objects themselves: patches, values and
//! other files that kustomize merges into the objects.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::manifests::load;

/// The file names of a kustomization.
pub(super) const NAMES: &[&str] = &["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Fields whose items are files, or objects with a file at this key.
const FILES: &[(&str, &str)] = &[
    ("patches", "path"),
    ("patchesStrategicMerge", ""),
    ("patchesJson6902", "path"),
    ("replacements", "path"),
    ("transformers", ""),
    ("generators", ""),
    ("validators", ""),
    ("configurations", ""),
    ("crds", ""),
    ("helmCharts", "valuesFile"),
];
/// Generators, whose items have lists of files.
const GENERATORS: &[&str] = &["configMapGenerator", "secretGenerator"];

/// The files that the kustomization in `folder` reads without applying them as objects, by path. An
/// unreadable one has none.
pub(super) fn files_of(folder: &Path, content: &[u8]) -> Vec<PathBuf> {
    let documents = std::str::from_utf8(content).map(load::values);
    let Ok(Ok(documents)) = documents else {
        return Vec::new();
    };
    let mut names: Vec<&str> = Vec::new();
    for document in &documents {
        for (field, key) in FILES {
            names.extend(list(document, field).filter_map(|item| {
                let item = if key.is_empty() { item } else { item.get(key)? };
                item.as_str()
            }));
        }
        for generator in GENERATORS.iter().flat_map(|field| list(document, field)) {
            let files = ["files", "envs"].into_iter().flat_map(|field| list(generator, field));
            let named = files.filter_map(Value::as_str);
            // `NAME=FILE`, or only the file.
            names.extend(named.map(|entry| entry.split_once('=').map_or(entry, |(_, file)| file)));
        }
    }
    // A patch may be inline.
    let is_file = |name: &&str| !name.contains('\n') && !name.contains(": ");
    names
        .into_iter()
        .filter(is_file)
        .map(|name| folder.join(name))
        .collect()
}

fn list<'v>(value: &'v Value, field: &str) -> impl Iterator<Item = &'v Value> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_object_of_its_own() {
        let content = b"resources: [gw.yaml]\npatches:\n- path: a.yaml\n- patch: |-\n    - op: add\n\
            patchesStrategicMerge:\n- b.yaml\n- |-\n  kind: Gateway\n\
            patchesJson6902: [{path: ../c.json, target: {kind: Gateway}}]\n\
            configMapGenerator: [{name: m, files: [key=d.yaml, e.yaml]}]\n\
            helmCharts: [{name: x, valuesFile: f.yaml}]\n";
        let found = files_of(Path::new("k"), content);
        let names: Vec<String> = found.iter().map(|path| path.display().to_string()).collect();
        assert_eq!(
            names,
            [
                "k/a.yaml",
                "k/b.yaml",
                "k/../c.json",
                "k/f.yaml",
                "k/d.yaml",
                "k/e.yaml"
            ]
        );
        assert!(files_of(Path::new("k"), b"a: [").is_empty());
        assert!(files_of(Path::new("k"), b"\xff").is_empty());
        assert!(files_of(Path::new("k"), b"patches: 3").is_empty());
    }
}
