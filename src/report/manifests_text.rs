//! The text output of `manifests --out`.

use std::path::PathBuf;

use crate::remedy::{Aim, Line};

/// The files that were written, and the next command.
pub fn written(written: &[PathBuf], next: Option<&Line>, aim: &Aim) -> String {
    let names: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    let mut text = format!("wrote {}", names.join(", "));
    if let Some(next) = next {
        text.push_str("\nnext: ");
        text.push_str(&next.typed(aim));
    }
    text
}
