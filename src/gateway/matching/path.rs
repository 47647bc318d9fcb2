//! Path normalisation as Istio's default (BASE): escapes of unreserved
//! characters are undone, backslashes become slashes, dot segments are
//! resolved. `//` and `%2F` stay.

use std::borrow::Cow;

/// Normalises a path (without query).
pub fn normalised(path: &str) -> Cow<'_, str> {
    let bytes = path.as_bytes();
    let suspicious = memchr::memchr3(b'%', b'\\', b'.', bytes).is_some();
    if !suspicious || !path.starts_with('/') {
        return Cow::Borrowed(path);
    }
    let unescaped = unescape(path);
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
                result.push_str(other);
            }
        }
    }
    if result == path {
        Cow::Borrowed(path)
    } else {
        Cow::Owned(result)
    }
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
    use super::normalised;
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
            ("*", "*"),
        ] {
            assert_eq!(normalised(path), expected, "{path}");
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
