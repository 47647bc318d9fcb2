//! What `lint --fix` would change, as text.

use super::paint::{Paint, printable};
use crate::lint::fix::Fix;

/// Each change in words, then the diff of the file.
pub fn text(fix: &Fix, paint: Paint) -> String {
    let changes = fix.changes.iter().map(|change| format!("fix: {}", printable(change)));
    let mut text: Vec<String> = changes.collect();
    text.extend(printable(&fix.diff).lines().map(|line| match line.as_bytes().first() {
        Some(b'-') if !line.starts_with("---") => paint.bad(line),
        Some(b'+') if !line.starts_with("+++") => paint.good(line),
        Some(b'@') => paint.faint(line),
        _ => line.to_owned(),
    }));
    text.join("\n")
}
