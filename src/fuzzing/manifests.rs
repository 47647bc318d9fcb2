//! Manifests, linting them, and istio-tls.yaml.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::checks::{NAME, NOW, lies_within, lines, told};
use crate::cluster::diff;
use crate::cluster::secrets::LiveSecret;
use crate::lint::fix::fixes;
use crate::lint::{Report, Settings, Severity, World, lint, suppress, suppress_annotated};
use crate::manifests::load::{self, Location};
use crate::manifests::model::Manifest;
use crate::manifests::render;
use crate::names::Host;
use crate::ops::lint::check::Checked;
use crate::problem::Problem;
use crate::remedy::Aim;
use crate::report::lint_excerpt::Texts;
use crate::report::paint::Paint;
use crate::report::{lint_github, lint_json, lint_sarif, lint_text};
use crate::sources::disk::DiskFiles;
use crate::sources::{Collected, Gone, Sources};
use crate::workspace::config::{HostEntry, IstioTarget, Mode, ServerKey, WorkspaceConfig};
use crate::workspace::file::{self, WorkspaceFile};

/// The name of standard input.
const STDIN: &str = "-";

fn stands_within(location: &Location, data: &[u8]) {
    let line = usize::try_from(location.line).unwrap_or(usize::MAX);
    assert!(
        (1..=lines(data)).contains(&line),
        "{location} is outside of {} lines",
        lines(data)
    );
    assert!(location.column > 0, "{location} has no column");
}

/// YAML or JSON: positions are within the text, and what was read can be written and read back
/// unchanged.
pub(super) fn read(data: &[u8]) {
    let loaded = load::load_bytes(data, NAME);
    for error in &loaded.errors {
        stands_within(&error.location, data);
        assert!(!error.message.is_empty(), "an error without words");
        told(&Problem::from(error.clone()), &[]);
    }
    for warning in &loaded.warnings {
        stands_within(&warning.location, data);
        assert!(!warning.message.is_empty(), "a warning without words");
    }
    for object in &loaded.objects {
        stands_within(&object.origin.location(), data);
        stands_within(&object.origin.at("metadata.name"), data);
        stands_within(&object.origin.at("spec.servers[0].hosts[0]"), data);
    }
    for ignore in &loaded.ignores {
        stands_within(&ignore.location, data);
        assert!(ignore.lines.start() <= ignore.lines.end());
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let manifests: Vec<Manifest> = loaded.objects.into_iter().map(|object| object.manifest).collect();
    same_again(&render::json(&manifests), &manifests);
    same_again(&render::yaml(&manifests), &manifests);
    let contents = load::contents(text, NAME);
    assert!(
        contents.len() >= manifests.len(),
        "objects are missing among the contents"
    );
    if loaded.errors.is_empty() {
        assert_eq!(contents.len(), manifests.len(), "an object more among the contents");
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": contents});
        same_again(&list.to_string(), &manifests);
    }
}

fn same_again(text: &str, manifests: &[Manifest]) {
    let again = load::load(text, "again");
    let again = again.whole().unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(again.objects.len(), manifests.len(), "{text}");
    for (object, manifest) in again.objects.iter().zip(manifests) {
        assert!(
            object.manifest == *manifest,
            "{:?}\n{manifest:?}\n{text}",
            object.manifest
        );
    }
}

/// What a command collects from a text on standard input.
fn collected<'f>(data: &[u8], files: &'f DiskFiles) -> Collected<'f> {
    let sources = Sources {
        stdin: Some(data.to_vec()),
        workspace: PathBuf::from("no-such-folder"),
        ..Sources::default()
    };
    sources
        .collect(files, Gone::IsError)
        .unwrap_or_else(|problem| panic!("{problem}"))
}

fn settings(collected: &Collected<'_>, target: IstioTarget) -> Settings {
    Settings {
        target,
        now: NOW,
        namespace: collected.namespace.clone(),
        pod_labels: collected.pod_labels.clone(),
        secrets_elsewhere: false,
        unseen: BTreeMap::new(),
    }
}

fn judged(collected: &Collected<'_>, target: IstioTarget) -> Report {
    let settings = settings(collected, target);
    let (errors, warnings) = (&collected.errors, &collected.warnings);
    lint(&World::new(
        &collected.objects,
        errors,
        warnings,
        &collected.store,
        &settings,
    ))
}

/// Findings without positions: of two conflicting objects, the first one is reported.
fn essence(report: &Report) -> Vec<&'static str> {
    let mut codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes
}

/// Lint: findings are within the text, can be written in every format, and do not depend on the
/// order of objects.
pub(super) fn linted(data: &[u8]) {
    let files = DiskFiles::default();
    let collected = collected(data, &files);
    judged(&collected, IstioTarget::V1_1);
    let mut report = judged(&collected, IstioTarget::Latest);
    for finding in &report.findings {
        assert!(!finding.what.is_empty(), "{} without words", finding.code);
        if finding.line > 0 && finding.file == STDIN {
            let line = usize::try_from(finding.line).unwrap_or(usize::MAX);
            assert!(
                line <= lines(data),
                "{} is outside of {} lines",
                finding.at(),
                lines(data)
            );
            assert!(finding.column > 0, "{} has no column", finding.at());
        }
    }
    backwards(&collected, &report);
    suppress(&mut report, &collected.ignores, &[]);
    suppress_annotated(&mut report, &collected.objects, &collected.namespace);
    let texts = collected
        .texts
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()));
    let texts = Texts::new(texts);
    let aim = Aim::default();
    let layout = lint_text::Layout {
        aim: &aim,
        paint: Paint::PLAIN,
        width: 80,
        verbose: true,
        shown_from: Severity::Info,
    };
    let text = lint_text::text(&report, &texts, &Checked::default(), layout);
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    assert!(!text.contains(steers), "a control character in {text:?}");
    let github = lint_github::github(&report, Severity::Info, &aim);
    assert_eq!(github.lines().count(), report.findings.len(), "{github:?}");
    assert!(!github.contains('\r'), "{github:?}");
    for json in [
        serde_json::to_value(lint_json::json(&report, Severity::Info, &aim)).unwrap_or_else(|error| panic!("{error}")),
        lint_sarif::sarif(&report, Severity::Info, "0", &aim),
    ] {
        assert!(json.is_object(), "{json}");
    }
}

/// The same objects in reverse order: the same number of findings.
fn backwards(forwards: &Collected<'_>, report: &Report) {
    let titles: Vec<String> = (forwards.objects.iter())
        .map(|object| object.manifest.title(&forwards.namespace))
        .collect();
    let mut distinct = titles.clone();
    distinct.sort();
    distinct.dedup();
    // Of two objects with the same name, the first one counts, whichever that is.
    if distinct.len() < titles.len() || !forwards.errors.is_empty() || !forwards.warnings.is_empty() {
        return;
    }
    let manifests: Vec<Manifest> = (forwards.objects.iter().rev())
        .map(|object| object.manifest.clone())
        .collect();
    let text = render::yaml(&manifests);
    let files = DiskFiles::default();
    let collected = collected(text.as_bytes(), &files);
    assert_eq!(
        essence(report),
        essence(&judged(&collected, IstioTarget::Latest)),
        "{}",
        *text
    );
}

/// `lint --fix`: a fixed text contains the same objects, and is not changed again.
pub(super) fn fixed(data: &[u8]) {
    let files = DiskFiles::default();
    let before = collected(data, &files);
    let (count, errors) = (before.objects.len(), before.errors.len());
    for fix in mended(&before) {
        assert!(!fix.changes.is_empty() && !fix.diff.is_empty(), "a fix without words");
        assert_ne!(fix.text.as_bytes(), data, "nothing is changed");
        let after = collected(fix.text.as_bytes(), &files);
        assert_eq!(after.objects.len(), count, "{}", fix.text);
        assert_eq!(after.errors.len(), errors, "{}", fix.text);
        let again = mended(&after);
        assert!(again.is_empty(), "{again:?}\n{}", fix.text);
    }
}

fn mended(collected: &Collected<'_>) -> Vec<crate::lint::fix::Fix> {
    let settings = settings(collected, IstioTarget::Latest);
    let (errors, warnings) = (&collected.errors, &collected.warnings);
    let world = World::new(&collected.objects, errors, warnings, &collected.store, &settings);
    let report = lint(&world);
    fixes(&world, &report, &collected.texts)
}

/// A Secret from an API server, in JSON: no value is ever shown.
pub(super) fn secret(data: &[u8]) {
    let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(data) else {
        return;
    };
    let _ = load::object(&value);
    let Some(fields) = value.as_object_mut() else { return };
    fields.insert("kind".into(), "Secret".into());
    fields.insert("apiVersion".into(), "v1".into());
    let live = LiveSecret::of_object(&value, None);
    for problem in [live.data.key_pair().err(), live.data.authorities().err()]
        .into_iter()
        .flatten()
    {
        told(&problem, data);
    }
    let Some(values) = value["data"].as_object().cloned() else {
        return;
    };
    let shown = diff::shown(&serde_json::json!({"kind": "Secret", "data": values}));
    for (key, given) in &values {
        let shown = shown["data"][key].to_string();
        let given = given.as_str().unwrap_or_default();
        assert!(given.len() < 16 || !shown.contains(given), "{key} is shown: {shown}");
    }
    if let Ok(object) = load::object(&serde_json::json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "b"}, "data": values,
    })) {
        same_again(
            &render::yaml(std::slice::from_ref(&object.manifest)),
            &[object.manifest],
        );
    }
}

/// istio-tls.yaml: an error has a position in it, and a change keeps the comments.
pub(super) fn istio_tls_yaml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let config = match file::parse(NAME, text) {
        Ok(config) => config,
        Err(problem) => {
            told(&problem, data);
            lies_within(problem.at.as_deref().unwrap_or_default(), data);
            return;
        }
    };
    let before = WorkspaceFile {
        path: Path::new(NAME).to_owned(),
        text: text.to_owned(),
        config: config.clone(),
        misspelled: Vec::new(),
    };
    for (wanted, keeps_all) in wishes(&config) {
        match before.edit(&wanted) {
            Ok(after) => {
                assert_eq!(after.config, wanted);
                assert_eq!(file::parse(NAME, &after.text).as_ref(), Ok(&wanted), "{}", after.text);
                if keeps_all {
                    comments_stay(text, &after.text);
                }
            }
            Err(problem) => told(&problem, &[]),
        }
    }
}

/// Changes as made by commands, and whether all comments must be kept.
fn wishes(config: &WorkspaceConfig) -> Vec<(WorkspaceConfig, bool)> {
    let mut wishes = vec![(config.clone(), true)];
    let mut wish = |keeps_all: bool, change: &dyn Fn(&mut WorkspaceConfig)| {
        let mut wanted = config.clone();
        change(&mut wanted);
        wishes.push((wanted, keeps_all));
    };
    wish(true, &|wanted| {
        let host = Host::parse("new.example").unwrap_or_else(|problem| panic!("{problem}"));
        if wanted.host(&host).is_none() {
            wanted.hosts.push(HostEntry {
                host,
                mode: Some(Mode::Simple),
                credential_name: "new-credential".into(),
                server_key: ServerKey::Elsewhere,
                routes: Vec::new(),
                clients: vec!["a".into()],
            });
        }
    });
    wish(true, &|wanted| wanted.mode = Mode::Simple);
    wish(true, &|wanted| wanted.context = Some("a: #b".into()));
    wish(true, &|wanted| wanted.gateway.name = "another".into());
    wish(false, &|wanted| drop(wanted.hosts.pop()));
    wish(false, &|wanted| wanted.context = None);
    wishes
}

/// Comments on separate lines, in a text without block scalars and multi-line quotes, where `#` may
/// begin a line that is not a comment.
fn comments_stay(before: &str, after: &str) {
    if before.contains(['|', '>', '"', '\'']) {
        return;
    }
    let comments = |text: &str| -> Vec<String> {
        let lines = text.lines().map(str::trim);
        lines.filter(|line| line.starts_with('#')).map(str::to_owned).collect()
    };
    assert_eq!(comments(before), comments(after), "{after}");
}
