//! Renders the result, as text and as files.

use std::path::{Path, PathBuf};

use serde::Serialize;
use zeroize::Zeroizing;

use super::request::Format;
use crate::files;
use crate::manifests::build::envoy::{self, Upstream};
use crate::manifests::build::{self, Intent, Part, ingress_volumes};
use crate::manifests::model::Manifest;
use crate::manifests::render;
use crate::ops::Failure;
use crate::problem::Problem;
use crate::workspace::config::SecretStyle;
use crate::workspace::store;

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
        }
    }

    fn objects(self, objects: &[Manifest]) -> Zeroizing<String> {
        match self {
            Self::Yaml => render::yaml(objects),
            Self::Json => render::json(objects),
        }
    }

    fn value<T: Serialize>(self, value: &T) -> Zeroizing<String> {
        match self {
            Self::Yaml => render::yaml_document(value),
            Self::Json => render::json_document(value),
        }
    }
}

/// A file's path, content and permissions.
pub(super) type OutFile = (PathBuf, Zeroizing<Vec<u8>>, u32);

/// All objects as one text.
///
/// # Errors
/// If the intent contradicts itself.
pub(super) fn objects(intent: &Intent, parts: &[Part], format: Format) -> Result<Zeroizing<String>, Failure> {
    let objects = build::objects(intent, parts).map_err(Failure::usage)?;
    Ok(format.objects(&objects))
}

/// A file per part; those with keys are readable only by their owner.
///
/// # Errors
/// If the intent contradicts itself.
pub(super) fn object_files(
    intent: &Intent,
    parts: &[Part],
    format: Format,
    folder: &Path,
) -> Result<Vec<OutFile>, Failure> {
    let mut made: Vec<OutFile> = Vec::new();
    for (word, part) in Part::WORDS {
        if parts.contains(part) {
            let objects = build::objects(intent, &[*part]).map_err(Failure::usage)?;
            let mode = if *part == Part::Secrets {
                store::SECRET
            } else {
                store::PUBLIC
            };
            if !objects.is_empty() {
                let path = folder.join(format!("{word}.{}", format.extension()));
                made.push((path, bytes(&format.objects(&objects)), mode));
            }
        }
    }
    Ok(made)
}

/// Values for Istio's Helm chart.
///
/// # Errors
/// If Secrets are read by name, so that there are no volumes.
pub(super) fn helm_values(intent: &Intent, format: Format) -> Result<Zeroizing<String>, Failure> {
    if intent.secrets != SecretStyle::FileMount {
        return Err(Failure::usage(
            Problem::new("there are no volumes to mount")
                .why("the gateway reads Secrets by credentialName; only file-mount style has volumes")
                .fix("add --secrets file-mount"),
        ));
    }
    Ok(format.value(&ingress_volumes::helm_values(intent)))
}

/// The file of [`helm_values`].
pub(super) fn helm_values_file(text: &str, format: Format, folder: &Path) -> OutFile {
    let path = folder.join(format!("helm-values.{}", format.extension()));
    (path, bytes(text), store::PUBLIC)
}

/// An Envoy bootstrap configuration that contains the keys itself.
///
/// # Errors
/// If a CA is missing.
pub(super) fn envoy_bootstrap(
    intent: &Intent,
    upstreams: &[Upstream],
    format: Format,
) -> Result<Zeroizing<String>, Failure> {
    let bootstrap = envoy::bootstrap(intent, upstreams, None).map_err(Failure::usage)?;
    Ok(format.value(&bootstrap.config))
}

/// An Envoy bootstrap configuration with the keys in files beside it; the bootstrap
/// itself comes last.
///
/// # Errors
/// If a CA is missing.
pub(super) fn envoy_files(
    intent: &Intent,
    upstreams: &[Upstream],
    format: Format,
    folder: &Path,
) -> Result<Vec<OutFile>, Failure> {
    let absolute = std::path::absolute(folder).map_err(|error| {
        Failure::runtime(Problem::new("the current folder does not exist any more").why(files::plain(&error)))
    })?;
    let bootstrap = envoy::bootstrap(intent, upstreams, Some(&absolute)).map_err(Failure::usage)?;
    let keys = bootstrap.files.into_iter();
    let mut made: Vec<OutFile> = keys
        .map(|(name, content)| (folder.join(name), content, store::SECRET))
        .collect();
    let config = folder.join(format!("envoy.{}", format.extension()));
    made.push((config, bytes(&format.value(&bootstrap.config)), store::PUBLIC));
    Ok(made)
}

fn bytes(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.as_bytes().to_vec())
}

/// Writes the files; returns their paths.
///
/// # Errors
/// If one cannot be written.
pub(super) fn write(folder: &Path, made: Vec<OutFile>) -> Result<Vec<PathBuf>, Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::runtime(Problem::new(format!("{} cannot be created", folder.display())).why(files::plain(&error)))
    })?;
    let mut written = Vec::with_capacity(made.len());
    for (path, content, mode) in made {
        store::write_file(&path, &content, mode).map_err(Failure::runtime)?;
        written.push(path);
    }
    Ok(written)
}
