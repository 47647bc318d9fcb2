//! Regular expressions in the syntax of RE2, in which Istio and Envoy read
//! them (<https://github.com/google/re2/wiki/Syntax>): whether Istio's admission
//! webhook takes one, and what it is for the regex crate.

use regex::{Error, Regex};

/// The longest expression that Istio takes, in bytes.
const LONGEST: usize = 1024;

/// Checks an expression as Istio's admission webhook does.
///
/// # Errors
/// Says why Istio refuses it, as a fragment.
pub fn check(pattern: &str) -> Result<(), String> {
    if pattern.is_empty() {
        return Err("the regular expression is empty".to_owned());
    }
    if pattern.len() > LONGEST {
        return Err(format!(
            "the regular expression is {} bytes long, and {LONGEST} are allowed",
            pattern.len()
        ));
    }
    // RE2 reads bytes with \C, for which there is no other way to write it.
    if pattern.contains("\\C") {
        return Ok(());
    }
    match Regex::new(&translated(pattern)) {
        // Envoy is told to take large programs.
        Ok(_) | Err(Error::CompiledTooBig(_)) => Ok(()),
        Err(_) => Err(format!("\"{pattern}\" {NO_RE2}")),
    }
}

const NO_RE2: &str = "is no regular expression in RE2's syntax";

/// What an expression must cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covers {
    /// The whole text, as conditions of routes do.
    Whole,
    /// Any part of it, as rewrites do.
    Part,
}

/// An expression, ready to be compared with texts.
///
/// # Errors
/// A fragment that shows the expression: it is none, or one that only RE2 can run (`\C`).
pub fn compile(pattern: &str, covers: Covers) -> Result<Regex, String> {
    let refused = |_| format!("\"{pattern}\" {NO_RE2}");
    let own = translated(pattern);
    // By itself too, for `a)|(b` would be an expression within the parentheses.
    let part = Regex::new(&own).map_err(refused)?;
    match covers {
        Covers::Whole => Regex::new(&format!("^(?:{own})$")).map_err(refused),
        Covers::Part => Ok(part),
    }
}

/// An RE2 expression in the syntax of the regex crate: there a brace that
/// begins no repetition, and a bracket within brackets, must be escaped, and
/// there is no `\Q...\E`.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern.chars();
    // Characters read since the bracket opened; none outside of brackets.
    let mut in_class: Option<usize> = None;
    while let Some(c) = rest.next() {
        let tail = rest.as_str();
        match (c, in_class) {
            ('\\', None) if tail.starts_with('Q') => {
                let quoted = &tail[1..];
                let (text, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                out.push_str(&regex::escape(text));
                rest = after.chars();
            }
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
    use super::{Covers, check, compile};

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
    #[test]
    fn what_is_compiled_means_the_same() {
        for (pattern, text, whole, part) in [
            ("/api/{id}", "/api/{id}", true, true),
            ("/api/{id}", "/api/{id}/x", false, true),
            ("/api/[0-9]{2}", "/api/12", true, true),
            ("a|b", "ab", false, true),
            ("\\Q/a.b{2}\\E+", "/a.b{2}}}", true, true),
            ("\\Qa.b", "axb", false, false),
            ("[[]x", "[x", true, true),
            ("(?i)/A", "/a", true, true),
        ] {
            for (covers, expected) in [(Covers::Whole, whole), (Covers::Part, part)] {
                let regex = compile(pattern, covers).expect(pattern);
                assert_eq!(regex.is_match(text), expected, "{pattern} {text} {covers:?}");
            }
        }
        assert!(compile("(", Covers::Whole).is_err());
        assert!(compile("a)|(b", Covers::Whole).is_err());
    }
}
