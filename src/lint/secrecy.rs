//! What of a manifest must never be shown: values of Secrets, keys, and lines
//! that may be a part of one.

/// From this length on, a run of base64 characters may be a key.
const RUN: usize = 40;

/// Whether a field's path leads to a value of a Secret.
pub fn is_secret_path(path: &str) -> bool {
    let first = path.split(['.', '[']).next().unwrap_or_default();
    matches!(first, "data" | "stringData")
}

/// Whether a line holds PEM, or base64 of some length.
pub fn may_be_key(line: &str) -> bool {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let runs = line.as_bytes().split(|byte| !is_base64(*byte)).map(<[u8]>::len);
    runs.max().unwrap_or_default() > RUN || line.contains("-----BEGIN") || line.contains("PRIVATE KEY")
}

/// Whether a line may be a key, or has a Secret's values behind their field's name.
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
