//! Text inside XML and HTML.

use crate::printable::is_unsafe;

/// Escapes markup, and characters that XML 1.0 forbids or that turn text around.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other if is_unsafe(other) || matches!(other, '\u{fffe}' | '\u{ffff}') => {
                escaped.extend(other.escape_unicode());
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #[test]
    fn markup_and_control_characters_are_escaped() {
        assert_eq!(
            super::escape("<a b=\"c\">&\u{1}\u{202e}"),
            "&lt;a b=&quot;c&quot;&gt;&amp;\\u{1}\\u{202e}"
        );
    }
}
