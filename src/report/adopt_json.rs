//! What `adopt` prints for programs.

use serde::Serialize;

use crate::files::shown;
use crate::names::Host;
use crate::ops::adopt::placed::Placed;
use crate::ops::adopt::plan::Plan;
use crate::remedy::Aim;

/// What was taken in, or would be.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanJson<'p> {
    schema: u32,
    dry_run: bool,
    chains: Vec<ChainJson<'p>>,
    ignored_files: usize,
    workspace: String,
}

/// A chain.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ChainJson<'p> {
    host: &'p Host,
    folder: String,
    action: &'static str,
    not_after: &'p str,
    credential_name: Option<&'p str>,
    files: Vec<FileJson>,
    clients: &'p [String],
    missing: &'p [&'static str],
    managed_by: Option<&'p str>,
    notes: Vec<String>,
}

/// A file that is copied.
#[derive(Debug, Serialize)]
struct FileJson {
    from: String,
    to: String,
}

/// What was taken in, or with `dry_run` would be, for a user who stands at `aim`.
pub fn plan<'p>(plan: &'p Plan, dry_run: bool, aim: &Aim) -> PlanJson<'p> {
    PlanJson {
        schema: 1,
        dry_run,
        chains: plan.placed.iter().map(|placed| chain(plan, placed, aim)).collect(),
        ignored_files: plan.ignored,
        workspace: shown(&plan.file.path),
    }
}

fn chain<'p>(plan: &'p Plan, placed: &'p Placed, aim: &Aim) -> ChainJson<'p> {
    let Placed { chain, layout, .. } = placed;
    let files = chain.files.iter().filter(|_| !placed.in_place).map(|file| FileJson {
        from: shown(&file.from),
        to: shown(&layout.path(file.part.part())),
    });
    let entry = plan.file.config.host(layout.host());
    ChainJson {
        host: layout.host(),
        folder: shown(&layout.folder()),
        action: if placed.in_place { "recorded" } else { "copied" },
        not_after: &chain.not_after,
        credential_name: entry.map(|entry| entry.credential_name.as_str()),
        files: files.collect(),
        clients: &chain.clients,
        missing: &chain.missing,
        managed_by: chain.secret.as_ref().and_then(|secret| secret.controller.as_deref()),
        notes: chain.notes.iter().map(|note| note.words(aim)).collect(),
    }
}
