//! Files in `-f` folders that are not read as objects, and the notes about them: one for each kind,
//! regardless of the number of files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::manifests::load::{LoadError, Loaded};
use crate::problem::Problem;
use crate::remedy::{Kind, Line, ours};

/// The maximum number of names in a note.
const SHOWN: usize = 3;

/// Files and folders by the kind of note.
#[derive(Debug, Default)]
pub(super) struct PassedOver {
    /// Files without objects.
    pub(super) no_objects: Vec<String>,
    /// Files that a kustomization merges into its objects.
    pub(super) patches: Vec<String>,
    /// Folders of Helm charts.
    pub(super) charts: BTreeSet<PathBuf>,
    /// Folders with a kustomization.
    pub(super) kustomizations: BTreeSet<PathBuf>,
    /// Templates outside a chart.
    pub(super) templates: Vec<String>,
    /// Folders that were not searched, and their parent.
    pub(super) folders: Vec<(String, PathBuf)>,
}

impl PassedOver {
    /// Adds the content of another `-f` folder.
    pub(super) fn add(&mut self, other: Self) {
        self.no_objects.extend(other.no_objects);
        self.patches.extend(other.patches);
        self.charts.extend(other.charts);
        self.kustomizations.extend(other.kustomizations);
        self.templates.extend(other.templates);
        self.folders.extend(other.folders);
    }

    /// Whether a file in a folder is skipped.
    pub(super) fn takes(&mut self, name: &str, content: &[u8], loaded: &Loaded) -> bool {
        let is_broken = |error: &LoadError| error.path.is_empty() && !error.placeholder;
        if is_template(content) && loaded.errors.iter().any(is_broken) {
            self.templates.push(name.to_owned());
            return true;
        }
        // An empty file, or one of comments, is an empty manifest.
        if loaded.is_manifest || loaded.errors.is_empty() {
            return false;
        }
        self.no_objects.push(name.to_owned());
        true
    }

    /// What another tool makes objects of: charts, kustomizations and templates.
    pub(super) fn for_other_tools(&self) -> Vec<PathBuf> {
        let templates = self.templates.iter().chain(&self.patches).map(PathBuf::from);
        self.charts
            .iter()
            .chain(&self.kustomizations)
            .cloned()
            .chain(templates)
            .collect()
    }

    /// The notes.
    pub(super) fn notes(&self) -> Vec<Problem> {
        let mut notes = Vec::new();
        let charts = names(&self.charts);
        let kustomizations = names(&self.kustomizations);
        let say = |names: &[String], one: &str, several: &str| {
            let listed = listed(names);
            match names {
                [] => None,
                [_] => Some(Problem::new(format!("{listed} {one}"))),
                _ => Some(Problem::new(format!("{listed} {several}"))),
            }
        };
        notes.extend(say(
            &self.no_objects,
            "contains no Kubernetes object and is skipped",
            "contain no Kubernetes objects and are skipped",
        ));
        notes.extend(say(
            &self.patches,
            "is part of a kustomization and is not read separately",
            "are parts of kustomizations and are not read separately",
        ));
        let rendered = |note: Problem, line: Option<Line>| match line {
            Some(line) => note.fix(line),
            None => note,
        };
        let note = say(
            &kustomizations,
            "has a kustomization, which is not applied: its files are linted as they are",
            "have kustomizations, which are not applied: their files are linted as they are",
        );
        notes
            .extend(note.map(|note| rendered(note, self.kustomizations.first().map(|folder| kustomize_build(folder)))));
        let note = say(
            &charts,
            "is a Helm chart, whose templates are not read",
            "are Helm charts, whose templates are not read",
        );
        notes.extend(note.map(|note| rendered(note, self.charts.first().map(|folder| helm_template(folder)))));
        let note = say(
            &self.templates,
            "is a template and is not read",
            "are templates and are not read",
        );
        notes.extend(note.map(|note| note.fix("lint the output of the tool that renders them")));
        let folders: Vec<String> = self.folders.iter().map(|(name, _)| name.clone()).collect();
        let note = say(&folders, "is not searched", "are not searched");
        let above = self.folders.first().map(|(_, above)| above.display());
        notes.extend(note.zip(above).map(|(note, above)| note.fix(format!("-R {above}"))));
        notes
    }
}

/// Whether a text has Go template actions, Jinja statements, or variables that are substituted
/// before it becomes YAML.
pub(super) fn is_template(content: &[u8]) -> bool {
    let has = |open: &[u8], close: &[u8]| {
        let start = memchr::memmem::find(content, open);
        start.is_some_and(|start| memchr::memmem::find(&content[start..], close).is_some())
    };
    has(b"{{", b"}}") || has(b"{%", b"%}") || has(b"${", b"}")
}

fn names(folders: &BTreeSet<PathBuf>) -> Vec<String> {
    folders.iter().map(|folder| folder.display().to_string()).collect()
}

/// `a`, `a and b`, `a, b, c and 7 more`.
fn listed(names: &[String]) -> String {
    let shown = &names[..names.len().min(SHOWN)];
    match (names.len().saturating_sub(SHOWN), shown) {
        (0, [all @ .., last]) if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        (0, _) => shown.concat(),
        (more, _) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The command that lints the output of kustomize for a folder.
pub(super) fn kustomize_build(folder: &Path) -> Line {
    let build = Line::new(Kind::KustomizeBuild, ["kustomize", "build"]);
    build.arg(folder.display().to_string()).pipe(ours::lint_stdin())
}

/// The command that lints the output of Helm for a folder.
pub(super) fn helm_template(folder: &Path) -> Line {
    let template = Line::new(Kind::HelmTemplate, ["helm", "template"]);
    template.arg(folder.display().to_string()).pipe(ours::lint_stdin())
}

/// The chart folder of a template file.
pub(super) fn chart_of(path: &Path) -> Option<PathBuf> {
    let folders = path.ancestors().skip(1);
    let mut above = folders.filter(|folder| folder.file_name().is_some_and(|name| name == "templates"));
    above.find_map(|templates| {
        let chart = templates.parent()?;
        chart.join("Chart.yaml").is_file().then(|| chart.to_owned())
    })
}
