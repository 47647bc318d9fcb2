//! Path normalisation as Istio's default (BASE): escapes of unreserved
//! characters are undone, backslashes become slashes, dot segments are
//! resolved, also those with parameters (`..;x`). `//` and `%2F` stay.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Normalises a path (without query).
pub fn normalised(path: &str) -> Cow<'_, str> {
    let bytes = path.as_bytes();
    let suspicious = bytes
        .iter()
        .any(|byte| matches!(byte, b'%' | b'\\' | b'.' | b'"' | b'^' | b'{' | b'|' | b'}'));
    if !suspicious || !path.starts_with('/') {
        return Cow::Borrowed(path);
    }
    let unescaped = unescape(&without_parameters(path));
    let mut result = String::with_capacity(unescaped.len());
    let segments = unescaped[1..].split('/');
    let last = segments.clone().count() - 1;
    for (at, segment) in segments.enumerate() {
        match segment {
            "." => {
                if at == last {
                    result.push('/');
                }
            }
            ".." => {
                result.truncate(result.rfind('/').unwrap_or(0));
                if at == last {
                    result.push('/');
                }
            }
            other => {
                result.push('/');
                escape(other, &mut result);
            }
        }
    }
    if result == path {
        Cow::Borrowed(path)
    } else {
        Cow::Owned(result)
    }
}

/// Appends a segment with the bytes escaped that Envoy escapes.
fn escape(segment: &str, result: &mut String) {
    for character in segment.chars() {
        match character {
            '"' => result.push_str("%22"),
            '^' => result.push_str("%5E"),
            '{' => result.push_str("%7B"),
            '|' => result.push_str("%7C"),
            '}' => result.push_str("%7D"),
            other => result.push(other),
        }
    }
}

/// Leaves out the parameters of dot segments: `..;x` is `..`. Envoy looks for them before
/// it undoes escapes.
fn without_parameters(path: &str) -> Cow<'_, str> {
    if !path.contains("/.") || !path.contains(".;") {
        return Cow::Borrowed(path);
    }
    let bare = |segment| match segment {
        dots if str::starts_with(dots, ".;") => ".",
        dots if str::starts_with(dots, "..;") => "..",
        other => other,
    };
    let segments: Vec<&str> = path.split('/').map(bare).collect();
    Cow::Owned(segments.join("/"))
}

/// A target as it may stand in a request's first line: it begins with a slash, and a
/// rewrite that put in what no path may hold has that escaped.
pub fn sendable(target: String) -> String {
    let fits = |byte: u8| byte > b' ' && byte != 0x7f && !matches!(byte, b'#' | b'<' | b'>' | b'"' | b'`');
    if target.starts_with('/') && target.bytes().all(fits) {
        return target;
    }
    let mut made = String::with_capacity(target.len() + 8);
    if !target.starts_with('/') {
        made.push('/');
    }
    for character in target.chars() {
        if character.is_ascii() && !fits(character as u8) {
            let _ = write!(made, "%{:02X}", u32::from(character));
        } else {
            made.push(character);
        }
    }
    made
}

fn unescape(path: &str) -> String {
    let mut result = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find(['%', '\\']) {
        result.push_str(&rest[..at]);
        if rest.as_bytes()[at] == b'\\' {
            result.push('/');
            rest = &rest[at + 1..];
            continue;
        }
        let decoded = rest
            .get(at + 1..at + 3)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'));
        if let Some(byte) = decoded {
            result.push(char::from(byte));
            rest = &rest[at + 3..];
        } else {
            result.push('%');
            rest = &rest[at + 1..];
        }
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::{normalised, sendable};
    use proptest::prelude::*;

    #[test]
    fn paths_are_normalised_as_envoy_does() {
        for (path, expected) in [
            ("/ok/../../ok/x", "/ok/x"),
            ("/a/./b", "/a/b"),
            ("/a/b/..", "/a/"),
            ("/a/b/.", "/a/b/"),
            ("/..", "/"),
            ("//x", "//x"),
            ("/a//b", "/a//b"),
            ("/a%2fb", "/a%2fb"),
            ("/a/%2e%2E/b", "/b"),
            ("/%41", "/A"),
            ("/a\\..\\b", "/b"),
            ("/file.txt", "/file.txt"),
            ("/a%", "/a%"),
            ("/a%zz", "/a%zz"),
            ("/...", "/..."),
            ("/a/..;/b", "/b"),
            ("/a/.;x=1/b", "/a/b"),
            ("/a/..;", "/"),
            ("/a;b/c", "/a;b/c"),
            ("/{a|b}^\"", "/%7Ba%7Cb%7D%5E%22"),
            ("/a/%2e%2E;/b", "/a/..;/b"),
            ("*", "*"),
        ] {
            assert_eq!(normalised(path), expected, "{path}");
        }
    }

    #[test]
    fn a_rewritten_path_can_be_sent() {
        for (text, expected) in [
            ("/a?b", "/a?b"),
            ("other/x", "/other/x"),
            ("/a b#c", "/a%20b%23c"),
            ("?q", "/?q"),
        ] {
            assert_eq!(sendable(text.to_owned()), expected);
        }
    }

    proptest! {
        #[test]
        fn no_dot_segment_survives(path in "/[a./%2eE\\\\]{0,24}") {
            let result = normalised(&path).into_owned();
            prop_assert!(result.starts_with('/'));
            prop_assert!(!result.split('/').any(|segment| segment == "." || segment == ".."), "{result}");
        }
    }
}
