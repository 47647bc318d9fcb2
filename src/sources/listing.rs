//! Which files of a folder are manifests.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::disk::DiskFiles;
use crate::problem::Problem;
use crate::remedy::{Kind, Line, ours};
use crate::secrets::MaterialFiles as _;

/// The line that makes objects of a folder.
type MadeOf = fn(&Path) -> Line;

/// Files of kustomize and Helm that end in .yaml and hold no object.
const NO_OBJECTS: &[(&str, MadeOf)] = &[
    ("kustomization.yaml", kustomize_build),
    ("kustomization.yml", kustomize_build),
    ("Chart.yaml", helm_template),
    ("values.yaml", helm_template),
];

/// The objects that kustomize makes of a folder, to lint.
fn kustomize_build(folder: &Path) -> Line {
    let build = Line::new(Kind::KustomizeBuild, ["kustomize", "build"]);
    build.arg(folder.display().to_string()).pipe(ours::lint_stdin())
}

/// The objects that Helm makes of a folder, to lint.
fn helm_template(folder: &Path) -> Line {
    let template = Line::new(Kind::HelmTemplate, ["helm", "template"]);
    template.arg(folder.display().to_string()).pipe(ours::lint_stdin())
}

/// The manifests of a folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Those to read, in the order of their names.
    pub(super) files: Vec<PathBuf>,
    /// What stands there and is not read, and why.
    pub(super) notes: Vec<Problem>,
    /// Folders in it that cannot be read.
    pub(super) unreadable: Vec<(PathBuf, Problem)>,
    /// Folders that were looked into, so that links do not lead in circles.
    seen: HashSet<PathBuf>,
}

impl Listing {
    /// Lists `folder`, and with `recursive` the folders in it. Hidden files are
    /// an editor's, or Kubernetes' own.
    ///
    /// # Errors
    /// When `folder` cannot be read.
    pub(super) fn of(folder: &Path, recursive: bool, files: &DiskFiles) -> Result<Self, Problem> {
        let mut listing = Self::default();
        listing.add(folder, recursive, files)?;
        Ok(listing)
    }

    fn add(&mut self, folder: &Path, recursive: bool, files: &DiskFiles) -> Result<(), Problem> {
        if folder.canonicalize().is_ok_and(|real| !self.seen.insert(real)) {
            return Ok(());
        }
        for name in files.list(folder)? {
            if name.starts_with('.') {
                continue;
            }
            let path = folder.join(&name);
            if path.is_dir() {
                if recursive {
                    if let Err(problem) = self.add(&path, recursive, files) {
                        self.unreadable.push((path, problem));
                    }
                } else if (files.list(&path).iter().flatten()).any(|name| is_manifest(name)) {
                    let what = format!("{} is not looked into", path.display());
                    self.notes
                        .push(Problem::new(what).fix(format!("-R {}", folder.display())));
                }
            } else if let Some((_, line)) = NO_OBJECTS.iter().find(|(known, _)| *known == name) {
                let what = format!("{} holds no Kubernetes object and is not read", path.display());
                self.notes.push(Problem::new(what).fix(line(folder)));
            } else if is_manifest(&name) {
                self.files.push(path);
            }
        }
        Ok(())
    }
}

fn is_manifest(name: &str) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
}
