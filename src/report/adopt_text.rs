//! The text output of `adopt`.

use super::workspace_words::{day, recorded};
use crate::files::shown;
use crate::ops::adopt::placed::Placed;
use crate::ops::adopt::plan::Plan;
use crate::remedy::{Aim, ours};

/// What was adopted, or with `dry_run` would be, and the next command; `aim` completes
/// the command lines.
pub fn plan(plan: &Plan, dry_run: bool, aim: &Aim) -> String {
    let mut lines = Vec::new();
    if dry_run {
        lines.push("nothing was written (--dry-run); this would be done:".to_owned());
    }
    for placed in &plan.placed {
        lines.extend(chain(placed));
        lines.extend(recorded(&plan.file, placed.layout.host()));
    }
    lines.push(format!("\nnext: {}\n", ours::serve().typed(aim)));
    lines.join("\n")
}

fn chain(placed: &Placed) -> Vec<String> {
    let Placed { chain, layout, .. } = placed;
    let mut lines = Vec::new();
    let until = day(&chain.not_after);
    let folder = shown(&layout.folder());
    if placed.in_place {
        lines.push(format!("{folder}/ is checked and recorded in place  until {until}"));
    } else {
        lines.push(format!("adopted {folder}/  until {until}"));
        let rows: Vec<(String, String)> = (chain.files.iter())
            .map(|file| (shown(&layout.relative(file.part.part())), shown(&file.from)))
            .collect();
        let width = rows.iter().map(|(to, _)| to.len()).max().unwrap_or_default();
        for (to, from) in rows {
            lines.push(format!("  {to:<width$}  from {from}"));
        }
    }
    if !chain.missing.is_empty() {
        lines.push(format!("  missing: {}", chain.missing.join(", ")));
    }
    lines
}
