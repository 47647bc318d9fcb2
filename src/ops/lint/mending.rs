//! `lint --fix`: plans the changes and, on confirmation, writes them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::inputs::{Inputs, collect};
use crate::files::{self, MANIFEST_LIMIT};
use crate::lint::fix::{Fix, fixes};
use crate::lint::{World, lint, suppress, suppress_annotated};
use crate::ops::{Failure, Surroundings};
use crate::problem::Problem;
use crate::remedy::Remedy;
use crate::sources::disk::DiskFiles;
use crate::workspace::store;

/// Files that can be fixed automatically.
pub struct Mending {
    /// Each with its content when it was read.
    files: Vec<(Fix, Vec<u8>)>,
}

impl Mending {
    /// What would change, file by file.
    pub fn fixes(&self) -> impl ExactSizeIterator<Item = &Fix> {
        self.files.iter().map(|(fix, _)| fix)
    }
}

/// Determines what can be fixed; nothing is written.
///
/// # Errors
/// If the input cannot be read.
pub fn plan(inputs: &Inputs, here: &Surroundings) -> Result<Mending, Failure> {
    let files = DiskFiles::default();
    let collected = collect(&inputs.sources, &files, here)?;
    let judging = &inputs.judging;
    let settings = judging.settings(&collected, true, here.now);
    let (errors, warnings) = (&collected.errors, &collected.warnings);
    let world = World::new(&collected.objects, errors, warnings, &collected.store, &settings);
    let mut report = lint(&world);
    suppress(&mut report, &collected.ignores, &judging.suppressions);
    suppress_annotated(&mut report, &collected.objects, &collected.namespace);
    let fixes = fixes(&world, &report, &collected.texts);
    let with_text = fixes.into_iter().map(|fix| {
        let before = collected.texts.get(&fix.file).cloned().unwrap_or_default();
        (fix, before)
    });
    Ok(Mending {
        files: with_text.collect(),
    })
}

/// Writes the files.
///
/// # Errors
/// If one cannot be written, or was changed meanwhile; those before it are written.
pub fn carry_out(mending: &Mending) -> Result<(), Failure> {
    mending.files.iter().try_for_each(|(fix, before)| write(fix, before))
}

/// Replaces a file that was read, keeping its permissions; if it is a symbolic link, the
/// file that it points to.
fn write(fix: &Fix, before: &[u8]) -> Result<(), Failure> {
    let given = Path::new(&fix.file);
    let cannot = |error: &std::io::Error| {
        Failure::runtime(Problem::new(format!("{} cannot be written", fix.file)).why(files::plain(error)))
    };
    let path = given.canonicalize().map_err(|error| cannot(&error))?;
    let mode = path.metadata().map_err(|error| cannot(&error))?.permissions().mode() & 0o7777;
    let now = files::read(&path, MANIFEST_LIMIT).map_err(Failure::runtime)?;
    if now != before {
        return Err(Failure::runtime(
            Problem::new(format!("{} was changed meanwhile, and is not modified", fix.file)).fix(Remedy::again()),
        ));
    }
    store::write_file(&path, fix.text.as_bytes(), mode).map_err(Failure::runtime)
}
