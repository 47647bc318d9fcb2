//! Reads and judges what lint is asked about.

use std::collections::BTreeMap;
use std::path::Path;

use super::inputs::{Inputs, collect};
use crate::lint::{Report, codes};
use crate::manifests::model::{Manifest, Secret};
use crate::ops::{Failure, Surroundings};
use crate::sources::disk::DiskFiles;

/// What a reading came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The findings.
    pub report: Report,
    /// The text of the files that were read, by name.
    pub texts: BTreeMap<String, Vec<u8>>,
    /// What was looked at.
    pub checked: Checked,
}

/// What was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Objects of the input, or made from the workspace.
    pub objects: usize,
    /// Files that hold them; 0 for the workspace and for a cluster.
    pub files: usize,
    /// The kubeconfig's context of the cluster that they are of, if they are of one.
    pub context: Option<String>,
    /// Certificates in Secrets of the input.
    pub certificates: usize,
    /// Certificate files of `--certs` and of the workspace's chains.
    pub certificate_files: usize,
}

impl Outcome {
    /// Whether an object could not be read: that is bad input, and no finding.
    pub fn is_unreadable(&self) -> bool {
        let unreadable = [codes::INPUT_SYNTAX.id, codes::INPUT_TYPE.id];
        let mut findings = self.report.findings.iter();
        findings.any(|finding| unreadable.contains(&finding.code))
    }
}

/// Reads what is to be linted, and judges it.
///
/// # Errors
/// When there is nothing to read, or it cannot be read: bad input.
pub fn check(inputs: &Inputs, here: &Surroundings) -> Result<Outcome, Failure> {
    let Inputs { sources, judging } = inputs;
    let files = DiskFiles::default();
    let mut collected = collect(sources, &files, here)?;
    let mut report = judging.of_sources(&collected, !sources.certs.is_empty(), here.now);
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

/// How many certificates a Secret holds.
fn certificates_in(secret: &Secret) -> usize {
    let values = secret.keys().into_iter().filter_map(|key| secret.get(key));
    values
        .map(|value| memchr::memmem::find_iter(value, b"-----BEGIN CERTIFICATE-----").count())
        .sum()
}
