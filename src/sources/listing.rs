//! Which files of a folder are manifests.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::disk::DiskFiles;
use super::kustomization;
use super::passed_over::PassedOver;
use crate::files::MANIFEST_LIMIT;
use crate::problem::Problem;
use crate::secrets::MaterialFiles as _;

/// Helm files that end in .yaml but contain no object.
const CHART: &[&str] = &["Chart.yaml", "Chart.lock", "values.yaml", "values.yml"];

/// The manifests of a folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The files to read, sorted by name.
    pub(super) files: Vec<PathBuf>,
    /// What is skipped.
    pub(super) passed: PassedOver,
    /// Unreadable subfolders.
    pub(super) unreadable: Vec<(PathBuf, Problem)>,
    /// Visited folders, so that links do not cause loops.
    seen: HashSet<PathBuf>,
}

impl Listing {
    /// Lists `folder`, and with `recursive` its subfolders. Hidden files belong to an editor or to
    /// Kubernetes.
    ///
    /// # Errors
    /// If `folder` cannot be read.
    pub(super) fn of(folder: &Path, recursive: bool, files: &DiskFiles) -> Result<Self, Problem> {
        let mut listing = Self::default();
        listing.add(folder, recursive, files)?;
        listing.leave_out_parts(files);
        Ok(listing)
    }

    fn add(&mut self, folder: &Path, recursive: bool, files: &DiskFiles) -> Result<(), Problem> {
        if folder.canonicalize().is_ok_and(|real| !self.seen.insert(real)) {
            return Ok(());
        }
        let names = files.list(folder)?;
        let is_chart = names.iter().any(|name| name == "Chart.yaml");
        if is_chart {
            self.passed.charts.insert(folder.to_owned());
        }
        for name in names {
            if name.starts_with('.') {
                continue;
            }
            let path = folder.join(&name);
            if path.is_dir() {
                if is_chart && name == "templates" {
                    continue;
                }
                if recursive {
                    if let Err(problem) = self.add(&path, recursive, files) {
                        self.unreadable.push((path, problem));
                    }
                } else if (files.list(&path).iter().flatten()).any(|name| is_manifest(name)) {
                    self.passed
                        .folders
                        .push((path.display().to_string(), folder.to_owned()));
                }
            } else if kustomization::NAMES.contains(&name.as_str()) {
                self.passed.kustomizations.insert(folder.to_owned());
            } else if is_manifest(&name) && !(is_chart && CHART.contains(&name.as_str())) {
                self.files.push(path);
            }
        }
        Ok(())
    }

    /// Skips files that the kustomizations of the folders merge into their objects.
    fn leave_out_parts(&mut self, files: &DiskFiles) {
        let mut parts = HashSet::new();
        for folder in &self.passed.kustomizations {
            for name in kustomization::NAMES {
                // An unreadable one refers to nothing.
                let Ok(Some(content)) = files.read_limited(&folder.join(name), MANIFEST_LIMIT) else {
                    continue;
                };
                let named = kustomization::files_of(folder, &content);
                parts.extend(named.iter().filter_map(|path| path.canonicalize().ok()));
            }
        }
        let passed = &mut self.passed;
        self.files.retain(|path| {
            let is_part = !parts.is_empty() && path.canonicalize().is_ok_and(|real| parts.contains(&real));
            if is_part {
                passed.patches.push(path.display().to_string());
            }
            !is_part
        });
    }
}

fn is_manifest(name: &str) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
}
