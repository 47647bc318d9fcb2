//! Which files of a host's old folder go into its new one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Keep;
use super::atomic::make_folders;
use crate::workspace::layout::{ChainLayout, PREVIOUS_CA_FOLDER, Part};

/// Copies the files of the host's folder that are kept into the new tree.
pub(super) fn carry_over(layout: &ChainLayout, tree: &Path, keep: Keep) -> Result<(), (PathBuf, io::Error)> {
    let source = layout.folder();
    copy_missing(&source, &source, tree, &|relative| match keep {
        Keep::OtherFiles => is_part(layout, relative),
        Keep::Everything => false,
        Keep::EverythingButPreviousCa => relative.starts_with(PREVIOUS_CA_FOLDER),
    })
}

fn copy_missing(
    top: &Path,
    source: &Path,
    target: &Path,
    left_out: &dyn Fn(&Path) -> bool,
) -> Result<(), (PathBuf, io::Error)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error: io::Error| (path, error)
    };
    for entry in fs::read_dir(source).map_err(at(source))? {
        let entry = entry.map_err(at(source))?;
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        let kind = entry.file_type().map_err(at(&from))?;
        let relative = from.strip_prefix(top).unwrap_or(&from);
        if kind.is_dir() {
            if left_out(relative) {
                continue;
            }
            make_folders(&to).map_err(at(&to))?;
            copy_missing(top, &from, &to, left_out)?;
        } else if left_out(relative) || to.symlink_metadata().is_ok() {
            // Replaced, or part of the old chain.
        } else if kind.is_symlink() {
            let link = fs::read_link(&from).map_err(at(&from))?;
            std::os::unix::fs::symlink(link, &to).map_err(at(&to))?;
        } else if kind.is_file() {
            fs::copy(&from, &to).map_err(at(&from))?;
        } else {
            return Err((from, io::Error::other("it is not a regular file and cannot be copied")));
        }
    }
    Ok(())
}

/// Whether a path in the host's folder is a file of a chain, or the previous CA's, which
/// is removed with the chain.
fn is_part(layout: &ChainLayout, relative: &Path) -> bool {
    if relative.starts_with(PREVIOUS_CA_FOLDER) {
        return true;
    }
    let fixed = [
        Part::RootCert,
        Part::RootKey,
        Part::RootCrl,
        Part::IntermediateCert,
        Part::CaChain,
        Part::IntermediateKey,
        Part::IntermediateCrl,
        Part::ServerCert,
        Part::ServerKey,
    ];
    if fixed.iter().any(|part| layout.relative(*part) == relative) {
        return true;
    }
    let text = relative.to_string_lossy();
    (text.starts_with("4_client/certs/") && text.ends_with(".cert.pem"))
        || (text.starts_with("4_client/private/") && (text.ends_with(".key.pem") || text.ends_with(".p12")))
}
