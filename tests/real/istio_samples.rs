//! Istio's own samples: lint finds nothing in them but what Istio's analysis
//! finds, too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::harness::Dir;
use crate::installed_tools::installed;

/// Findings of warning or above, with Istio's code of the same.
const EXPECTED: &[(&str, &str, &str)] = &[
    // The second route stands behind one without a match.
    (
        "bookinfo/networking/fault-injection-details-v1.yaml",
        "ITL0701",
        "IST0130",
    ),
    // The Gateway is in the sample's first file.
    ("tcp-echo/tcp-echo-20-v2.yaml", "ITL0501", "IST0101"),
];

/// The YAML files below a folder that hold an object of a gateway.
fn manifests(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            manifests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let kinds = ["kind: Gateway\n", "kind: VirtualService\n", "kind: HTTPRoute\n"];
            if kinds.iter().any(|kind| text.contains(kind)) {
                found.push(path);
            }
        }
    }
}

#[test]
fn samples_give_only_findings_that_istio_has() {
    let samples = installed(Path::new("samples"));
    let mut files = Vec::new();
    manifests(&samples, &mut files);
    assert!(files.len() > 25, "{} files", files.len());
    let dir = Dir::new();
    let mut found = BTreeSet::new();
    for path in &files {
        let ran = dir.run(&[
            "lint",
            "-f",
            path.to_str().expect("UTF-8"),
            "-o",
            "json",
            "--min-severity",
            "warning",
        ]);
        let name = path.strip_prefix(&samples).expect("below").to_str().expect("UTF-8");
        for finding in ran.json()["findings"].as_array().expect("findings") {
            let code = |field: &str| finding[field].as_str().unwrap_or("none").to_owned();
            found.insert((name.to_owned(), code("code"), code("istio")));
        }
    }
    let expected = EXPECTED
        .iter()
        .map(|(file, ours, istios)| ((*file).to_owned(), (*ours).to_owned(), (*istios).to_owned()))
        .collect();
    assert_eq!(found, expected);
}
