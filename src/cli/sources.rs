//! Where manifests come from: files, folders and standard input.

use std::path::{Path, PathBuf};

use crate::files::{self, MANIFEST_LIMIT};
use crate::manifests::load::{self, Loaded};
use crate::problem::Problem;
use crate::workspace::config::FILE_NAME;

/// What a manifest's file name ends in, when a folder is read.
const EXTENSIONS: &[&str] = &["yaml", "yml", "json"];

/// Reads all objects of the files, folders and `-` that `-f` names.
///
/// # Errors
/// When one cannot be read or holds something that is no object; a folder
/// without any manifest is an error too, since a typing error is likelier.
pub(super) fn read_objects(sources: &[PathBuf]) -> Result<Loaded, Problem> {
    let mut loaded = Loaded::default();
    for source in sources {
        if source == Path::new("-") {
            let text = files::read_from(std::io::stdin().lock(), "standard input", MANIFEST_LIMIT)?;
            add(&mut loaded, load::load_bytes(&text, "-")?);
            continue;
        }
        for file in manifest_files(source)? {
            let text = files::read(&file, MANIFEST_LIMIT)?;
            add(&mut loaded, load::load_bytes(&text, &file.display().to_string())?);
        }
    }
    Ok(loaded)
}

fn add(loaded: &mut Loaded, more: Loaded) {
    loaded.objects.extend(more.objects);
    loaded.warnings.extend(more.warnings);
}

/// The file itself, or a folder's manifests in order of their names, as
/// `kubectl -f` takes them: not those of its subfolders, nor istio-tls.yaml.
///
/// # Errors
/// When the folder cannot be read or has no manifest.
pub(super) fn manifest_files(source: &Path) -> Result<Vec<PathBuf>, Problem> {
    if !source.is_dir() {
        return Ok(vec![source.to_owned()]);
    }
    let cannot =
        |error: std::io::Error| Problem::new(format!("{} cannot be read", source.display())).why(files::plain(&error));
    let mut found = Vec::new();
    for entry in source.read_dir().map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        let wanted = extension.is_some_and(|extension| EXTENSIONS.contains(&extension));
        if wanted && path.file_name().is_none_or(|name| name != FILE_NAME) && !path.is_dir() {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(Problem::new(format!("{} holds no manifest", source.display()))
            .why("no file in it ends in .yaml, .yml or .json (subfolders are not searched)"));
    }
    found.sort();
    Ok(found)
}
