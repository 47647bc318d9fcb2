//! `lint` beside Istio, over the corpus: what Istio finds, we find too; where
//! we say less or more, a reason stands in the case. What we say of each case
//! is recorded (tests/data/corpus/lint.json), so that a change is seen:
//! `ISTIO_TLS_BLESS=1 cargo test --test cli lint_corpus` rewrites it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::corpus::{Case, cases};
use crate::harness::Dir;

/// One of our findings, without its words.
struct Ours {
    code: String,
    istio: Option<String>,
    severity: String,
    object: String,
}

fn ours(dir: &Dir, case: &Case) -> Vec<Ours> {
    let path = case.path.to_str().expect("UTF-8");
    let ran = dir.run(&["lint", "-f", path, "-o", "json"]);
    assert!(
        matches!(ran.code, Some(0..=2)),
        "{}: {:?}\n{}",
        case.name,
        ran.code,
        ran.stderr
    );
    assert!(!ran.stderr.contains("panicked"), "{}: {}", case.name, ran.stderr);
    let json = ran.json();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    json["findings"]
        .as_array()
        .unwrap_or_else(|| panic!("{}: {json}", case.name))
        .iter()
        .map(|finding| Ours {
            code: text(&finding["code"]).expect("a code"),
            istio: text(&finding["istio"]),
            severity: text(&finding["severity"]).expect("a severity"),
            object: text(&finding["object"]).unwrap_or_default(),
        })
        .collect()
}

/// Istio's codes of a case, as far as they are about the kinds that we look at.
fn istios(case: &Case) -> BTreeSet<&str> {
    let findings = case.recorded.cluster.findings.iter();
    findings
        .filter(|finding| {
            let kind = finding.object.split(' ').next().unwrap_or_default();
            ["Gateway", "VirtualService", "Secret", "HTTPRoute"].contains(&kind)
        })
        .map(|finding| finding.code.as_str())
        .collect()
}

/// The codes are compared, not the objects: a broken Secret is Istio's finding
/// of the Gateway, and ours of the Secret.
fn differences(case: &Case, ours: &[Ours], wrong: &mut String) {
    let name = &case.name;
    let theirs = istios(case);
    let same: BTreeSet<&str> = ours.iter().filter_map(|finding| finding.istio.as_deref()).collect();
    let less: Vec<&&str> = theirs.difference(&same).collect();
    match (&case.less, less.is_empty()) {
        (None, false) => drop(writeln!(wrong, "{name}: Istio says {less:?}, and we do not")),
        (Some(reason), true) => {
            let _ = writeln!(
                wrong,
                "{name}: we say no less than Istio, and it stands there: {reason}"
            );
        }
        _ => {}
    }
    let own: Vec<&Ours> = ours
        .iter()
        .filter(|finding| finding.istio.as_deref().is_none_or(|istio| !theirs.contains(istio)))
        .collect();
    let more: BTreeSet<&str> = own
        .iter()
        .filter(|finding| finding.severity != "info")
        .map(|finding| finding.code.as_str())
        .collect();
    if !more.is_empty() && (case.more.is_none() || case.correct) {
        let _ = writeln!(
            wrong,
            "{name}: we say {more:?}, Istio does not, and no reason stands there"
        );
    }
    if let Some(reason) = &case.more
        && own.is_empty()
    {
        let _ = writeln!(
            wrong,
            "{name}: we say no more than Istio, and it stands there: {reason}"
        );
    }
    if !case.correct && ours.is_empty() && case.less.is_none() {
        let _ = writeln!(wrong, "{name}: it is said to be wrong, and we find nothing");
    }
}

#[test]
fn what_istio_finds_we_find_and_say_why_where_we_differ() {
    let dir = Dir::new();
    let cases = cases();
    assert!(cases.len() >= 150, "{} cases", cases.len());
    let mut wrong = String::new();
    let mut said: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for case in &cases {
        let ours = ours(&dir, case);
        differences(case, &ours, &mut wrong);
        let lines = ours
            .iter()
            .map(|finding| format!("{} {} {}", finding.severity, finding.code, finding.object));
        said.insert(&case.name, lines.collect());
    }
    assert!(wrong.is_empty(), "{} differences:\n{wrong}", wrong.lines().count());
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/corpus/lint.json");
    let text = serde_json::to_string_pretty(&said).expect("JSON") + "\n";
    if std::env::var_os("ISTIO_TLS_BLESS").is_some() {
        std::fs::write(&recorded, &text).expect("written");
    }
    let before: BTreeMap<String, Vec<String>> =
        serde_json::from_str(&std::fs::read_to_string(&recorded).expect("recorded")).expect("JSON");
    for (name, lines) in &said {
        assert_eq!(before.get(*name), Some(lines), "{name}: look, then bless");
    }
}
