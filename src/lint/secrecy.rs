//! Parts of a manifest that must never be shown: values of Secrets, keys, and lines that may be
//! part of one.

use crate::secrecy::may_be_key;

/// Whether a field path refers to a value of a Secret.
pub fn is_secret_path(path: &str) -> bool {
    let first = path.split(['.', '[']).next().unwrap_or_default();
    matches!(first, "data" | "stringData")
}

/// Whether a line may be part of a key, or has a Secret's values after their field name.
pub fn may_hold_secret(line: &str) -> bool {
    may_be_key(line)
        || ["data", "stringData"].iter().any(|field| {
            line.match_indices(field).any(|(at, _)| {
                let word_before = line[..at].ends_with(|before: char| before.is_alphanumeric());
                let rest = line[at + field.len()..]
                    .trim_start_matches(['"', '\'', '\\'])
                    .trim_start();
                let value = rest.strip_prefix(':').map(str::trim_start);
                !word_before && value.is_some_and(|value| !value.is_empty() && !value.starts_with('#'))
            })
        })
}
