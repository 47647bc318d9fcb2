//! Folders that define the same objects: one for each environment, cluster or tenant
//! (`apps/dev`, `apps/prod`). They are never applied together, so each is judged
//! without the others. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

use crate::manifests::load::Object;

/// More environments than this are not told apart: each costs a reading of what they share.
const MOST: usize = 100;

/// Files that are applied together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// The name of its folders: `dev`; `.` for the files beside the others' folders.
    pub name: String,
    /// The files of the other environments.
    pub left_out: BTreeSet<PathBuf>,
}

/// Folders that exclude each other, by the folder that holds them. A file that lies in
/// that folder itself has the name `.`.
#[derive(Default)]
struct Alternatives(BTreeMap<PathBuf, BTreeSet<String>>);

/// The environments of the files below the given folders, by name; none where all files
/// can be applied together. `namespace` is for objects that name none.
pub fn of(folders: &[PathBuf], files: &[PathBuf], objects: &[Object], namespace: &str) -> Vec<Environment> {
    let mut places: HashMap<_, BTreeSet<PathBuf>> = HashMap::new();
    for object in objects {
        let file = PathBuf::from(&*object.origin.location().file);
        if !object.manifest.metadata().name.is_empty() && folders.iter().any(|folder| file.starts_with(folder)) {
            places.entry(object.identity(namespace)).or_default().insert(file);
        }
    }
    let mut alternatives = Alternatives::default();
    for folder in folders {
        for files in places.values().filter(|files| files.len() > 1) {
            let below: Vec<&Path> = files.iter().filter_map(|file| file.strip_prefix(folder).ok()).collect();
            alternatives.add(folder, &below);
        }
    }
    let names: BTreeSet<&String> = alternatives.0.values().flatten().collect();
    if names.len() > MOST {
        return Vec::new();
    }
    let environments = names.into_iter().map(|name| Environment {
        name: name.clone(),
        left_out: files
            .iter()
            .filter(|file| !alternatives.takes(name, file))
            .cloned()
            .collect(),
    });
    let mut known = BTreeSet::new();
    environments
        .filter(|environment| known.insert(environment.left_out.clone()))
        .collect()
}

impl Alternatives {
    /// Files below `folder` that define the same object. Two in one folder do not
    /// exclude each other: that is a mistake.
    fn add(&mut self, folder: &Path, files: &[&Path]) {
        let mut groups: BTreeMap<String, Vec<&Path>> = BTreeMap::new();
        for file in files {
            let (name, rest) = split(file);
            groups.entry(name).or_default().push(rest);
        }
        if groups.len() > 1 {
            let names = self.0.entry(folder.to_owned()).or_default();
            names.extend(groups.keys().cloned());
        }
        for (name, files) in groups.iter().filter(|(name, files)| *name != "." && files.len() > 1) {
            self.add(&folder.join(name), files);
        }
    }

    /// Whether a file belongs to the environment of this name.
    fn takes(&self, environment: &str, file: &Path) -> bool {
        self.0.iter().all(|(folder, names)| {
            let Ok(below) = file.strip_prefix(folder) else {
                return true;
            };
            let (own, _) = split(below);
            let chosen = if names.contains(environment) {
                Some(environment)
            } else {
                names.first().map(String::as_str)
            };
            !names.contains(&own) || chosen == Some(own.as_str())
        })
    }
}

/// The first folder of a path, or `.` for a file, and what follows.
fn split(file: &Path) -> (String, &Path) {
    let mut parts = file.components();
    match parts.next() {
        Some(Component::Normal(first)) if !parts.as_path().as_os_str().is_empty() => {
            (first.to_string_lossy().into_owned(), parts.as_path())
        }
        _ => (".".to_owned(), file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifests::load::load;

    /// Which files each environment takes; every file is `PATH=OBJECT,OBJECT`.
    fn environments(files: &[&str]) -> Vec<String> {
        let mut objects = Vec::new();
        let mut paths = Vec::new();
        for file in files {
            let (path, names) = file.split_once('=').expect("a path and names");
            paths.push(PathBuf::from(path));
            for name in names.split(',') {
                let text = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\n");
                objects.extend(load(&text, path).objects);
            }
        }
        let found = of(&["repo".into()], &paths, &objects, "default");
        let taken = found.iter().map(|environment| {
            let taken = paths.iter().filter(|path| !environment.left_out.contains(*path));
            let taken: Vec<String> = taken
                .map(|path| path.display().to_string().replace("repo/", ""))
                .collect();
            format!("{}: {}", environment.name, taken.join(" "))
        });
        taken.collect()
    }

    #[test]
    fn folders_with_the_same_objects_are_environments() {
        for (files, expected) in [
            (&["repo/a.yaml=x", "repo/b/b.yaml=y"][..], &[][..]),
            // In one folder it is a mistake.
            (&["repo/a.yaml=x", "repo/b.yaml=x"], &[]),
            (&["repo/a/a.yaml=x,x"], &[]),
            (
                &["repo/apps/dev/a.yaml=x", "repo/apps/prod/a.yaml=x", "repo/base.yaml=y"],
                &["dev: apps/dev/a.yaml base.yaml", "prod: apps/prod/a.yaml base.yaml"],
            ),
            // What lies only in one belongs to it; the same name elsewhere is the same environment.
            (
                &[
                    "repo/apps/dev/a.yaml=x",
                    "repo/apps/dev/b.yaml=z",
                    "repo/apps/prod/a.yaml=x",
                    "repo/gateways/dev/g.yaml=g",
                    "repo/gateways/prod/g.yaml=g",
                ],
                &[
                    "dev: apps/dev/a.yaml apps/dev/b.yaml gateways/dev/g.yaml",
                    "prod: apps/prod/a.yaml gateways/prod/g.yaml",
                ],
            ),
            // Other names: each is looked at once, beside the first of the others.
            (
                &[
                    "repo/apps/dev/a.yaml=x",
                    "repo/apps/prod/a.yaml=x",
                    "repo/sites/eu/g.yaml=g",
                    "repo/sites/us/g.yaml=g",
                ],
                &[
                    "dev: apps/dev/a.yaml sites/eu/g.yaml",
                    "prod: apps/prod/a.yaml sites/eu/g.yaml",
                    "us: apps/dev/a.yaml sites/us/g.yaml",
                ],
            ),
            // The files of a folder, and a folder in it that has other versions of them.
            (
                &["repo/a.yaml=x", "repo/prod/a.yaml=x", "repo/prod/b.yaml=y"],
                &[".: a.yaml", "prod: prod/a.yaml prod/b.yaml"],
            ),
        ] {
            assert_eq!(environments(files), expected, "{files:?}");
        }
    }
}
