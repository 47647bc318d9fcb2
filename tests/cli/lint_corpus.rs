//! `lint` beside Istio: every case of tests/data/corpus, with the answers of
//! istioctl that stand in its expected.json (scripts/record-istioctl makes them).
//!
//! What Istio finds, we find, under the same code on the same object; a line
//! `# Less: IST0112 reason` in the case names the exceptions. What we find
//! beyond it has a line `# More: ITL0401 reason`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::harness::Dir;

/// A finding without its words: a code and an object.
type Found = BTreeSet<(String, String)>;

struct Case {
    name: String,
    path: PathBuf,
    less: BTreeMap<String, String>,
    more: BTreeMap<String, String>,
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/corpus")
}

/// The lines `# More: CODE reason` and `# Less: CODE reason` of a case.
fn exceptions(text: &str, label: &str) -> BTreeMap<String, String> {
    let prefix = format!("# {label}: ");
    text.lines()
        .filter_map(|line| line.strip_prefix(&prefix))
        .map(|rest| {
            let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            assert!(!reason.trim().is_empty(), "no reason: {label} {rest}");
            (code.to_owned(), reason.to_owned())
        })
        .collect()
}

fn case(name: &str) -> Case {
    let path = corpus().join(name);
    let mut text = String::new();
    if path.is_dir() {
        let mut files: Vec<PathBuf> = std::fs::read_dir(&path)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.sort();
        for file in files {
            text += &std::fs::read_to_string(file).expect("a file");
        }
    } else {
        text = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
    }
    Case {
        name: name.to_owned(),
        path,
        less: exceptions(&text, "Less"),
        more: exceptions(&text, "More"),
    }
}

/// What we say: (our code, Istio's code, object) of every finding.
fn ours(dir: &Dir, case: &Case) -> Vec<(String, Option<String>, String)> {
    let path = case.path.to_str().expect("UTF-8");
    let ran = dir.run(&["lint", "-f", path, "-o", "json"]);
    assert!(matches!(ran.code, Some(0..=2)), "{}: {:?}\n{}", case.name, ran.code, ran.stderr);
    assert!(!ran.stderr.contains("panicked"), "{}: {}", case.name, ran.stderr);
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let json = ran.json();
    let findings = json["findings"].as_array().expect("findings");
    findings
        .iter()
        .map(|finding| {
            let code = text(&finding["code"]).expect("a code");
            let object = text(&finding["object"]).unwrap_or_default();
            (code, text(&finding["istio"]), object)
        })
        .collect()
}

/// What Istio says, as far as it is about the kinds that we look at.
fn istios(answer: &serde_json::Value) -> Found {
    answer["analyze"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| {
            let field = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
            (field("code"), field("object"))
        })
        .filter(|(_, object)| {
            let kind = object.split(' ').next().unwrap_or_default();
            ["Gateway", "VirtualService", "Secret", "HTTPRoute"].contains(&kind)
        })
        .collect()
}

#[test]
fn what_istio_finds_we_find_and_say_why_where_we_differ() {
    let dir = Dir::new();
    let text = std::fs::read_to_string(corpus().join("expected.json")).expect("recorded answers");
    let recorded: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let cases = recorded["cases"].as_object().expect("cases");
    assert!(cases.len() >= 150, "{} cases", cases.len());
    let mut wrong = String::new();
    for (name, answer) in cases {
        let case = case(name);
        let theirs = istios(answer);
        let ours = ours(&dir, &case);
        let same: Found = ours
            .iter()
            .filter_map(|(_, istio, object)| Some((istio.clone()?, object.clone())))
            .collect();
        for (code, object) in &theirs {
            if !same.contains(&(code.clone(), object.clone())) && !case.less.contains_key(code) {
                let _ = writeln!(wrong, "{name}: Istio says {code} of {object}, we do not");
            }
        }
        let mut said = BTreeSet::new();
        for (code, istio, object) in &ours {
            let by_istio = istio
                .as_ref()
                .is_some_and(|istio| theirs.contains(&(istio.clone(), object.clone())));
            if by_istio {
                continue;
            }
            said.insert(code.as_str());
            if !case.more.contains_key(code) {
                let _ = writeln!(wrong, "{name}: we say {code} of {object}, Istio does not");
            }
        }
        for code in case.more.keys().filter(|code| !said.contains(code.as_str())) {
            let _ = writeln!(wrong, "{name}: {code} is said to be more, and is not found");
        }
        for code in case.less.keys().filter(|code| !theirs.iter().any(|(theirs, _)| theirs == *code)) {
            let _ = writeln!(wrong, "{name}: {code} is said to be less, and Istio does not say it");
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{wrong}", wrong.lines().count());
}
