//! Regular expressions as Istio's admission webhook takes them: the syntax of RE2.

use regex::{Error, Regex};

/// The longest expression that Istio takes, in bytes.
const LONGEST: usize = 1024;

/// Checks an expression.
///
/// # Errors
/// Says why Istio refuses it, as a fragment.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    if pattern.is_empty() {
        return Err("the regular expression is empty".to_owned());
    }
    if pattern.len() > LONGEST {
        return Err(format!(
            "the regular expression is {} bytes long, and {LONGEST} are allowed",
            pattern.len()
        ));
    }
    // RE2 quotes with \Q and reads bytes with \C, for which there is no other way to write it.
    if pattern.contains("\\Q") || pattern.contains("\\C") {
        return Ok(());
    }
    match Regex::new(&translated(pattern)) {
        // Envoy is told to take large programs.
        Ok(_) | Err(Error::CompiledTooBig(_)) => Ok(()),
        Err(_) => Err(format!("\"{pattern}\" is no regular expression in RE2's syntax")),
    }
}

/// An RE2 expression in the syntax of the regex crate: there a brace that
/// begins no repetition, and a bracket within brackets, must be escaped.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern.chars();
    // Characters read since the bracket opened; none outside of brackets.
    let mut in_class: Option<usize> = None;
    while let Some(c) = rest.next() {
        let tail = rest.as_str();
        match (c, in_class) {
            ('\\', _) => {
                out.push(c);
                out.extend(rest.next());
                in_class = in_class.map(|read| read + 1);
            }
            ('[', None) => {
                out.push(c);
                if let Some(after) = tail.strip_prefix('^') {
                    out.push('^');
                    rest = after.chars();
                }
                in_class = Some(0);
            }
            ('[', Some(read)) => {
                if let Some(end) = tail.strip_prefix(':').and_then(|tail| tail.find(":]")) {
                    let (name, after) = tail.split_at(end + 3);
                    out.push('[');
                    out.push_str(name);
                    rest = after.chars();
                } else {
                    out.push_str("\\[");
                }
                in_class = Some(read + 1);
            }
            (']', Some(read)) if read > 0 => {
                out.push(c);
                in_class = None;
            }
            // A bracket that closes at once stands for itself, and so do doubled signs.
            (']' | '&' | '~', Some(read)) => {
                out.push('\\');
                out.push(c);
                in_class = Some(read + 1);
            }
            ('{', None) if !begins_repetition(tail) => out.push_str("\\{"),
            _ => {
                out.push(c);
                in_class = in_class.map(|read| read + 1);
            }
        }
    }
    out
}

/// Whether `2}`, `2,}` or `2,3}` follows.
fn begins_repetition(tail: &str) -> bool {
    let Some((inner, _)) = tail.split_once('}') else {
        return false;
    };
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    !least.is_empty() && is_number(least) && is_number(most)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_re2_takes_is_taken() {
        for (pattern, fits) in [
            ("/status/.*", true),
            ("^(?i)bar$", true),
            ("[a-z]{2,3}", true),
            ("/api/{id}", true),
            ("{", true),
            ("[[]", true),
            ("[]a]", true),
            ("[^]a]+", true),
            ("[[:alpha:]_]+", true),
            ("[a&&b~~c]", true),
            ("\\Q{}[\\E", true),
            ("\\w{1000}", true),
            ("\\d+\\.\\d+", true),
            ("(?P<name>x)", true),
            ("", false),
            ("*", false),
            ("(", false),
            ("[a", false),
            ("a(?=b)", false),
            ("(a)\\1", false),
            ("\\", false),
            ("[\u{e9}", false),
        ] {
            assert_eq!(check(pattern).is_ok(), fits, "{pattern}");
        }
        assert!(check(&"a".repeat(1024)).is_ok());
        assert!(check(&"a".repeat(1025)).is_err());
    }
}
