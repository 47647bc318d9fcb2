//! Text from outside, made safe to show.

/// Text from outside, safe for a terminal: control characters but newline and tab are
/// escaped (`\u{1b}`), and so are those that turn text around or are not seen (Unicode's
/// bidirectional controls, zero-width characters).
pub fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Whether a character may not be shown as it is.
pub(crate) fn is_unsafe(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn terminals_are_not_steered_from_outside() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\n");
        assert_eq!(printable("a\u{202e}b\u{200b}\tc\r"), "a\\u{202e}b\\u{200b}\tc\\u{d}");
    }
}
