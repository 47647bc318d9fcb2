//! Lints YAML in unit tests: the input alone, in a folder without a workspace.

use std::path::PathBuf;

use time::OffsetDateTime;
use time::macros::datetime;

use super::{Report, Settings, World, lint};
use crate::sources::disk::DiskFiles;
use crate::sources::{Gone, Sources};
use crate::workspace::config::IstioTarget;

/// The time of every check.
pub(super) const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

/// Lints for the latest Istio.
pub(super) fn lint_yaml(yaml: &str) -> Report {
    lint_for(yaml, IstioTarget::Latest)
}

/// Lints for a target.
pub(super) fn lint_for(yaml: &str, target: IstioTarget) -> Report {
    let sources = Sources {
        stdin: Some(yaml.as_bytes().to_vec()),
        workspace: PathBuf::from("no-such-folder"),
        ..Sources::default()
    };
    let files = DiskFiles::default();
    let collected = sources
        .collect(&files, Gone::IsError)
        .expect("nothing is read from disk");
    let settings = Settings {
        target,
        now: NOW,
        namespace: collected.namespace.clone(),
        pod_labels: collected.pod_labels.clone(),
        secrets_elsewhere: false,
    };
    let world = World::new(
        &collected.objects,
        &collected.errors,
        &collected.warnings,
        &collected.store,
        &settings,
    );
    lint(&world)
}

/// The codes found, in the order of the report, each with its field's path.
pub(super) fn found(yaml: &str) -> Vec<(&'static str, String)> {
    let report = lint_yaml(yaml);
    let findings = report.findings.into_iter();
    findings.map(|finding| (finding.code, finding.path)).collect()
}

/// Asserts that YAML has exactly these findings, each a code and a field's path.
#[track_caller]
pub(super) fn assert_found(yaml: &str, expected: &[(&str, &str)]) {
    let found = found(yaml);
    let found: Vec<(&str, &str)> = found.iter().map(|(code, path)| (*code, path.as_str())).collect();
    assert_eq!(found, expected, "{yaml}");
}

/// Asserts that one code is found exactly at these paths, whatever else is found.
#[track_caller]
pub(super) fn assert_code(yaml: &str, code: &str, paths: &[&str]) {
    let found = found(yaml);
    let of_code: Vec<&str> = found
        .iter()
        .filter(|(known, _)| *known == code)
        .map(|(_, path)| path.as_str())
        .collect();
    assert_eq!(of_code, paths, "all findings: {found:?}\n{yaml}");
}
