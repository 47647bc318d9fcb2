//! The table of differences that are known, docs/istio-differences.md.

use std::collections::BTreeSet;

/// The identifiers of its rows: the first cell, in backticks.
pub(super) fn rows() -> BTreeSet<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/istio-differences.md");
    let text = std::fs::read_to_string(&path).expect("the table");
    let mut rows = BTreeSet::new();
    for line in text.lines() {
        let Some((id, _)) = line.strip_prefix("| `").and_then(|rest| rest.split_once("` |")) else {
            continue;
        };
        // Other tables begin with fields and commands.
        if id
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        {
            assert!(rows.insert(id.to_owned()), "row {id:?} occurs twice");
        }
    }
    rows
}
