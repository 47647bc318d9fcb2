//! `lint --fix`: shows what would change, asks, and writes.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use dialoguer::Confirm;

use super::world::Judging;
use crate::cli::context::Context;
use crate::cli::{Exit, Failure};
use crate::files::{self, MANIFEST_LIMIT};
use crate::lint::fix::{Fix, fixes};
use crate::lint::{World, lint, suppress, suppress_annotated};
use crate::problem::Problem;
use crate::report::paint::{Paint, printable};
use crate::sources::Collected;
use crate::workspace::store;

/// Mends the files that were read, if that is wanted. The diff and all else
/// goes to standard error: standard output is for what is found afterwards.
///
/// # Errors
/// When a file cannot be written, or was changed meanwhile.
pub(super) fn run(collected: &Collected<'_>, judging: &Judging, context: &Context) -> Result<(), Failure> {
    let settings = judging.settings(collected, true, context.now);
    let (errors, warnings) = (&collected.errors, &collected.warnings);
    let world = World::new(&collected.objects, errors, warnings, &collected.store, &settings);
    let mut report = lint(&world);
    suppress(&mut report, &collected.ignores, &judging.suppressions);
    suppress_annotated(&mut report, &collected.objects, &collected.namespace);
    let fixes = fixes(&world, &report, &collected.texts);
    if fixes.is_empty() {
        context.say("nothing here can be mended by machine");
        return Ok(());
    }
    for fix in &fixes {
        context.say_always(&shown(fix, Paint::new(context.color_stderr)));
    }
    if !agreed(&fixes, context)? {
        return Ok(());
    }
    for fix in &fixes {
        write(fix, &collected.texts[&fix.file])?;
    }
    let names: Vec<&str> = fixes.iter().map(|fix| fix.file.as_str()).collect();
    context.say(&format!("mended {}", names.join(", ")));
    Ok(())
}

fn shown(fix: &Fix, paint: Paint) -> String {
    let mut text: Vec<String> = fix
        .changes
        .iter()
        .map(|change| format!("fix: {}", printable(change)))
        .collect();
    text.extend(printable(&fix.diff).lines().map(|line| match line.as_bytes().first() {
        Some(b'-') if !line.starts_with("---") => paint.bad(line),
        Some(b'+') if !line.starts_with("+++") => paint.good(line),
        Some(b'@') => paint.faint(line),
        _ => line.to_owned(),
    }));
    text.join("\n")
}

/// Whether the files may be written.
fn agreed(fixes: &[Fix], context: &Context) -> Result<bool, Failure> {
    if context.yes {
        return Ok(true);
    }
    if !context.interactive {
        context.say("nothing was changed: --fix writes with --yes, or asks on a terminal");
        return Ok(false);
    }
    let question = format!("Write {}?", if fixes.len() == 1 { "this file" } else { "these files" });
    let answer = Confirm::new().with_prompt(question).default(false).interact();
    answer.map_err(|dialoguer::Error::IO(error)| {
        let mut failure = Failure::runtime(
            Problem::new("the question was not answered")
                .why(files::plain(&error))
                .fix("add --yes"),
        );
        if error.kind() == std::io::ErrorKind::Interrupted {
            failure.exit = Exit::Interrupted;
        }
        failure
    })
}

/// Writes a file in place of what was read, with its permissions; where a
/// symbolic link stands, the file that it leads to.
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
            Problem::new(format!("{} was changed meanwhile, and is left as it is", fix.file))
                .fix("run the command again"),
        ));
    }
    store::write_file(&path, fix.text.as_bytes(), mode).map_err(Failure::runtime)
}
