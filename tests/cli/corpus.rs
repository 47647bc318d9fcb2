//! The corpus of tests/data/corpus: what each case says of itself, and what
//! Istio said of it (expected.json, remade by scripts/record-istioctl).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// A file of the corpus, or a folder under `folder/`.
pub struct Case {
    /// Path below tests/data/corpus, as in expected.json.
    pub name: String,
    pub path: PathBuf,
    /// Whether no finding is wanted: `# Correct:`, and every JSON case.
    pub correct: bool,
    /// Why `lint` says more than Istio.
    pub more: Option<String>,
    /// Why `lint` says less than Istio.
    pub less: Option<String>,
    pub recorded: Recorded,
}

/// Istio's answers to one case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// `istioctl analyze --use-kube=false`: without Pods, Services and Secrets.
    pub analyze: Analysis,
    /// The same analyzers with them, as in a cluster.
    pub cluster: Analysis,
    pub validate: Validation,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Analysis {
    pub findings: Vec<Finding>,
    /// Why documents were not read.
    #[serde(default)]
    pub unread: Vec<String>,
    /// The panic that ended it.
    #[serde(default)]
    pub crash: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// `IST0101` and so on.
    pub code: String,
    /// `Error`, `Warning` or `Info`.
    pub level: String,
    /// `Gateway namespace/name`.
    pub object: String,
    /// In a case of several files: which.
    #[serde(default)]
    pub file: Option<String>,
    /// From 1, in the file; 0 where Istio names none.
    #[serde(default)]
    pub line: usize,
    pub message: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    pub errors: Vec<String>,
    pub warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Recording {
    made: String,
    istioctl: String,
    cases: BTreeMap<String, Recorded>,
}

impl Recorded {
    /// Whether any of Istio's three answers says something.
    pub fn says_something(&self) -> bool {
        [&self.analyze, &self.cluster]
            .iter()
            .any(|one| !one.findings.is_empty() || !one.unread.is_empty() || one.crash.is_some())
            || !self.validate.errors.is_empty()
            || !self.validate.warnings.is_empty()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/corpus")
}

fn recording() -> Recording {
    let text = std::fs::read_to_string(folder().join("expected.json")).expect("expected.json");
    serde_json::from_str(&text).expect("expected.json is as the recorder writes it")
}

/// Every recorded case, in the order of the names.
pub fn cases() -> Vec<Case> {
    recording()
        .cases
        .into_iter()
        .map(|(name, recorded)| case(name, recorded))
        .collect()
}

fn case(name: String, recorded: Recorded) -> Case {
    let path = folder().join(&name);
    let first = if path.is_dir() {
        files(&path).remove(0)
    } else {
        path.clone()
    };
    let text = std::fs::read_to_string(&first).unwrap_or_else(|error| panic!("{}: {error}", first.display()));
    let said = |word: &str| {
        let mut lines = text.lines().take_while(|line| line.starts_with('#'));
        lines.find_map(|line| {
            let (before, reason) = line.strip_prefix("# ")?.split_once(": ")?;
            before.starts_with(word).then(|| reason.trim().to_owned())
        })
    };
    let json = path.extension().is_some_and(|extension| extension == "json");
    let correct = json || said("Correct").is_some();
    assert!(
        correct != said("Wrong").is_some(),
        "{name} begins with # Correct: or # Wrong:"
    );
    Case {
        more: said("More"),
        less: said("Less"),
        name,
        path,
        correct,
        recorded,
    }
}

/// The files below a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_case_is_recorded() {
    let recorded: BTreeSet<String> = recording().cases.into_keys().collect();
    let mut there = BTreeSet::new();
    for file in files(&folder()) {
        let name = file
            .strip_prefix(folder())
            .unwrap()
            .to_string_lossy()
            .replace('\\', "/");
        let mut parts = name.split('/');
        match (parts.next(), parts.next()) {
            (Some("folder"), Some(case)) => there.insert(format!("folder/{case}")),
            (_, Some(_)) => there.insert(name),
            _ => false,
        };
    }
    let differ: Vec<&String> = recorded.symmetric_difference(&there).collect();
    assert!(differ.is_empty(), "run scripts/record-istioctl: {differ:?}");
}

#[test]
fn what_a_case_says_of_itself_agrees_with_istio() {
    for case in cases() {
        let name = &case.name;
        let says = case.recorded.says_something();
        if case.correct {
            assert!(
                !says || case.less.is_some(),
                "{name}: Istio objects: {:?}",
                case.recorded
            );
        } else {
            assert!(
                says || case.more.is_some(),
                "{name}: Istio says nothing, and no reason stands in the case"
            );
        }
    }
}

#[test]
fn recorded_findings_point_into_their_case() {
    for case in cases() {
        let Recorded { analyze, cluster, .. } = &case.recorded;
        for finding in analyze.findings.iter().chain(&cluster.findings) {
            let file = finding
                .file
                .as_ref()
                .map_or_else(|| case.path.clone(), |file| case.path.join(file));
            let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            assert!(finding.line <= text.lines().count(), "{}: {finding:?}", case.name);
            let (_, name) = finding.object.split_once(' ').expect("a kind and a name");
            let name = name.rsplit('/').next().unwrap_or(name);
            assert!(text.contains(name), "{}: {finding:?}", case.name);
            assert!(
                ["Error", "Warning", "Info"].contains(&finding.level.as_str()),
                "{finding:?}"
            );
            assert!(!finding.message.is_empty(), "{finding:?}");
        }
    }
}

#[test]
fn every_code_of_gateways_routes_and_secrets_has_a_case() {
    let found: BTreeSet<String> = cases()
        .iter()
        .flat_map(|case| {
            case.recorded
                .cluster
                .findings
                .iter()
                .map(|finding| finding.code.clone())
        })
        .collect();
    let wanted = [
        "IST0002", "IST0101", "IST0106", "IST0109", "IST0112", "IST0130", "IST0131", "IST0132", "IST0133", "IST0138",
        "IST0140", "IST0145", "IST0149", "IST0161", "IST0162", "IST0165",
    ];
    for code in wanted {
        assert!(found.contains(code), "{code} has no case");
    }
}

#[test]
fn the_recording_says_when_and_by_what_it_was_made() {
    let recording = recording();
    assert_eq!(recording.made.len(), "2026-11-23".len());
    assert!(recording.istioctl.starts_with("1."), "{}", recording.istioctl);
}

#[test]
fn keys_are_marked_as_published() {
    for file in files(&folder()) {
        let text = std::fs::read_to_string(&file).unwrap();
        let key = ["  tls.key: LS0t", "  key: LS0t", "PRIVATE KEY"];
        if key.iter().any(|key| text.contains(key)) && file.extension().is_some_and(|extension| extension == "yaml") {
            assert!(
                text.lines().any(|line| line == "# published test key, worthless"),
                "{}",
                file.display()
            );
        }
    }
}
