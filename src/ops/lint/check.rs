//! Reads and judges the input of lint.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::inputs::{Inputs, collect};
use crate::lint::{Finding, Report, codes};
use crate::manifests::model::{Manifest, Secret};
use crate::ops::{Failure, Surroundings};
use crate::problem::Problem;
use crate::sources::disk::DiskFiles;
use crate::sources::environments::{self, Environment};
use crate::sources::{Collected, Gone, Sources};

/// The result.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The findings.
    pub report: Report,
    /// The text of the files, by name.
    pub texts: BTreeMap<String, Vec<u8>>,
    /// What was examined.
    pub checked: Checked,
}

/// What was examined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Objects of the input, or generated from the workspace.
    pub objects: usize,
    /// The files that they are in; 0 for the workspace and for a cluster.
    pub files: usize,
    /// The kubeconfig context of their cluster, if they are in one.
    pub context: Option<String>,
    /// Certificates in Secrets of the input.
    pub certificates: usize,
    /// Certificate files of `--certs` and of the workspace's chains.
    pub certificate_files: usize,
}

impl Outcome {
    /// Whether an object could not be parsed: that is bad input, not a finding.
    pub fn is_unreadable(&self) -> bool {
        let unreadable = [codes::INPUT_SYNTAX.id, codes::INPUT_TYPE.id];
        let mut findings = self.report.findings.iter();
        findings.any(|finding| unreadable.contains(&finding.code))
    }
}

/// Reads what is to be linted, and judges it.
///
/// # Errors
/// If there is nothing to read, or it cannot be read: bad input.
pub fn check(inputs: &Inputs, here: &Surroundings) -> Result<Outcome, Failure> {
    let Inputs { sources, judging } = inputs;
    let files = DiskFiles::default();
    let mut collected = collect(sources, &files, here)?;
    let environments = environments_of(sources, &collected);
    let mut report = if environments.is_empty() {
        judging.of_sources(&collected, !sources.certs.is_empty(), here.now)
    } else {
        let names: Vec<&str> = environments
            .iter()
            .map(|environment| environment.name.as_str())
            .collect();
        here.say_note(
            &Problem::new(format!(
                "folders define the same objects: {} are checked separately",
                names.join(", ")
            ))
            .why("an object can be in a cluster only once, so they are for different clusters or stages"),
        );
        separately(inputs, &environments, here)?
    };
    if let Some(live) = &sources.live {
        for finding in &mut report.findings {
            finding.fix = std::mem::take(&mut finding.fix).at_cluster(&live.flags);
        }
    }
    let secrets = collected.objects.iter().filter_map(|object| match &object.manifest {
        Manifest::Secret(secret) => Some(secret),
        _ => None,
    });
    let mut checked = Checked {
        objects: collected.objects.len(),
        files: collected.texts.len(),
        context: sources.live.as_ref().map(|live| live.context.clone()),
        certificates: secrets.map(certificates_in).sum(),
        certificate_files: 0,
    };
    let texts = std::mem::take(&mut collected.texts);
    drop(collected);
    let seen = files.seen().files;
    let is_certificate = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(".cert.pem") || matches!(name, "tls.crt" | "ca.crt" | "cert" | "cacert")
    };
    checked.certificate_files = seen
        .iter()
        .filter(|(path, digest)| digest.is_some() && is_certificate(path))
        .count();
    Ok(Outcome { report, texts, checked })
}

/// The environments of the folders that are read.
fn environments_of(sources: &Sources, collected: &Collected<'_>) -> Vec<Environment> {
    if !sources.recursive {
        return Vec::new();
    }
    let folders = sources.manifests.iter().filter(|path| path.is_dir());
    let folders: Vec<PathBuf> = folders.cloned().collect();
    let files: Vec<PathBuf> = collected.texts.keys().map(PathBuf::from).collect();
    environments::of(&folders, &files, &collected.objects, &collected.namespace)
}

/// Judges each environment separately. A finding in several is reported once.
fn separately(inputs: &Inputs, environments: &[Environment], here: &Surroundings) -> Result<Report, Failure> {
    let mut reports = Vec::new();
    for environment in environments {
        let sources = Sources {
            left_out: environment.left_out.clone(),
            ..inputs.sources.clone()
        };
        let files = DiskFiles::default();
        let collected = sources.collect(&files, Gone::IsError).map_err(Failure::usage)?;
        let judging = &inputs.judging;
        reports.push(judging.of_sources(&collected, !sources.certs.is_empty(), here.now));
    }
    // A comment that suppresses a finding of one environment is useful there.
    let of_comments: Vec<Vec<Finding>> = reports.iter().map(ignores_nothing).collect();
    let mut report = Report::merged(reports);
    report.findings.retain(|finding| {
        let readers = environments.iter().zip(&of_comments);
        let mut readers = readers.filter(|(environment, _)| !environment.left_out.contains(Path::new(&finding.file)));
        finding.code != codes::IGNORES_NOTHING.id || readers.all(|(_, found)| found.contains(finding))
    });
    Ok(report)
}

/// The findings of a report on comments that suppress nothing.
fn ignores_nothing(report: &Report) -> Vec<Finding> {
    let findings = report.findings.iter();
    findings
        .filter(|finding| finding.code == codes::IGNORES_NOTHING.id)
        .cloned()
        .collect()
}

/// How many certificates a Secret contains.
fn certificates_in(secret: &Secret) -> usize {
    let values = secret.keys().into_iter().filter_map(|key| secret.get(key));
    values
        .map(|value| memchr::memmem::find_iter(value, b"-----BEGIN CERTIFICATE-----").count())
        .sum()
}
