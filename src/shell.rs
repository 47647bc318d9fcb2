//! Words quoted for a POSIX shell, for lines that users paste.

/// `word` as one word of a shell; quoted only if necessary.
pub fn quote(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, quoted) in [
            ("a/b.pem", "a/b.pem"),
            ("", "''"),
            ("*.example.com", "'*.example.com'"),
            ("2001:db8::1", "2001:db8::1"),
            ("it's $HOME", "'it'\\''s $HOME'"),
            ("a&b", "'a&b'"),
        ] {
            assert_eq!(quote(word), quoted);
        }
    }
}
