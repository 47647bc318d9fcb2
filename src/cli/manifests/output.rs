//! Where the results of `manifests` go: standard output, or files.

use std::path::{Path, PathBuf};

use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::{Exit, Failure};
use crate::files;
use crate::manifests::build::envoy::{self, Upstream};
use crate::manifests::build::{self, Intent, Part, ingress_volumes};
use crate::manifests::model::Manifest;
use crate::manifests::render;
use crate::problem::Problem;
use crate::workspace::config::SecretStyle;
use crate::workspace::store;

/// What is printed.
#[derive(Clone, Copy)]
pub(super) enum Format {
    /// YAML documents.
    Yaml,
    /// One JSON value.
    Json,
}

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

/// Where it goes.
#[derive(Clone, Copy)]
pub(super) struct Out<'a> {
    /// A folder; standard output when there is none.
    pub(super) folder: Option<&'a Path>,
    /// In which form.
    pub(super) format: Format,
}

/// A file's path, content and permissions.
type OutFile = (PathBuf, Zeroizing<Vec<u8>>, u32);

/// Objects: all to standard output, or a file per part, those with keys for
/// their owner only.
///
/// # Errors
/// When the intent contradicts itself, or nothing can be written.
pub(super) fn objects(intent: &Intent, parts: &[Part], out: Out<'_>, context: &Context) -> Result<Exit, Failure> {
    let Some(folder) = out.folder else {
        let objects = build::objects(intent, parts).map_err(Failure::usage)?;
        context.print(&out.format.objects(&objects))?;
        return Ok(Exit::Done);
    };
    // Everything is made before anything is written.
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
                let path = folder.join(format!("{word}.{}", out.format.extension()));
                made.push((path, bytes(&out.format.objects(&objects)), mode));
            }
        }
    }
    write(folder, &made, context)?;
    context.say(&format!("next: kubectl apply --server-side -f {}", folder.display()));
    Ok(Exit::Done)
}

/// Values for Istio's Helm chart.
///
/// # Errors
/// When the style has no volumes, or nothing can be written.
pub(super) fn helm_values(intent: &Intent, out: Out<'_>, context: &Context) -> Result<Exit, Failure> {
    if intent.secrets != SecretStyle::FileMount {
        return Err(Failure::usage(
            Problem::new("there are no volumes to mount")
                .why("the gateway fetches Secrets by credentialName; only file-mount style has volumes")
                .fix("add --secrets file-mount"),
        ));
    }
    let text = out.format.value(&ingress_volumes::helm_values(intent));
    let Some(folder) = out.folder else {
        context.print(&text)?;
        return Ok(Exit::Done);
    };
    let path = folder.join(format!("helm-values.{}", out.format.extension()));
    write(folder, &[(path, bytes(&text), store::PUBLIC)], context)?;
    Ok(Exit::Done)
}

/// A bootstrap of Envoy, keys beside it in the folder; on standard output it
/// holds them itself.
///
/// # Errors
/// When a CA is missing, or nothing can be written.
pub(super) fn envoy_bootstrap(
    intent: &Intent,
    upstreams: &[Upstream],
    out: Out<'_>,
    context: &Context,
) -> Result<Exit, Failure> {
    let Some(folder) = out.folder else {
        let bootstrap = envoy::bootstrap(intent, upstreams, None).map_err(Failure::usage)?;
        context.say_always("warning: the private keys stand in the text itself; --out DIR puts them into files");
        context.print(&out.format.value(&bootstrap.config))?;
        return Ok(Exit::Done);
    };
    let absolute = std::path::absolute(folder)
        .map_err(|error| Failure::runtime(Problem::new("the current folder is gone").why(files::plain(&error))))?;
    let bootstrap = envoy::bootstrap(intent, upstreams, Some(&absolute)).map_err(Failure::usage)?;
    let config = folder.join(format!("envoy.{}", out.format.extension()));
    let mut made: Vec<OutFile> = bootstrap
        .files
        .into_iter()
        .map(|(name, content)| (folder.join(name), content, store::SECRET))
        .collect();
    made.push((
        config.clone(),
        bytes(&out.format.value(&bootstrap.config)),
        store::PUBLIC,
    ));
    write(folder, &made, context)?;
    context.say(&format!("next: envoy -c {}", config.display()));
    Ok(Exit::Done)
}

fn bytes(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.as_bytes().to_vec())
}

fn write(folder: &Path, made: &[OutFile], context: &Context) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::runtime(Problem::new(format!("{} cannot be made", folder.display())).why(files::plain(&error)))
    })?;
    for (path, content, mode) in made {
        store::write_file(path, content, *mode).map_err(Failure::runtime)?;
    }
    let names: Vec<String> = made.iter().map(|(path, ..)| path.display().to_string()).collect();
    context.say(&format!("wrote {}", names.join(", ")));
    Ok(())
}
