//! Regular expressions in RE2 syntax, as used by Istio and Envoy
//! (<https://github.com/google/re2/wiki/Syntax>): whether Istio's admission webhook, which uses
//! Go's package `regexp`, accepts one, and its translation for the regex crate.

mod groups;
mod parse;

use regex::Regex;

/// The maximum length of an expression in Istio, in bytes.
const LONGEST: usize = 1024;

/// Checks an expression as Istio's admission webhook does.
///
/// # Errors
/// Why Istio refuses it, as a fragment.
pub fn check(pattern: &str) -> Result<(), String> {
    if pattern.is_empty() {
        return Err("the regular expression is empty".to_owned());
    }
    if pattern.len() > LONGEST {
        return Err(format!(
            "the regular expression is {} bytes long, but at most {LONGEST} are allowed",
            pattern.len()
        ));
    }
    match parse::translated(pattern) {
        Ok(_) => Ok(()),
        Err(why) => Err(format!("\"{pattern}\" {NO_RE2}: {why}")),
    }
}

const NO_RE2: &str = "is not a regular expression in RE2 syntax";

/// What an expression must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covers {
    /// The whole text, as for conditions of routes.
    Whole,
    /// Any part of it, as for rewrites.
    Part,
}

/// A compiled expression.
///
/// # Errors
/// A fragment with the expression: it is invalid, or too large to be run here.
pub fn compile(pattern: &str, covers: Covers) -> Result<Regex, String> {
    let own = parse::translated(pattern).map_err(|why| format!("\"{pattern}\" {NO_RE2}: {why}"))?;
    let whole = match covers {
        Covers::Whole => format!("^(?:{own})$"),
        Covers::Part => own,
    };
    Regex::new(&whole).map_err(|_| format!("the regular expression \"{pattern}\" is too large"))
}

#[cfg(test)]
mod tests {
    use super::{Covers, check, compile};

    /// Go's answers to more of them: tests/real/regular_expressions.rs.
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
            ("[[:^alpha:]]", true),
            ("[a&&b~~c]", true),
            ("[-a]", true),
            ("[a-]", true),
            ("\\Q{}[\\E", true),
            ("\\w{1000}", true),
            ("\\d+\\.\\d+", true),
            ("(?P<name>x)(?<other>y)", true),
            ("\\p{Greek}\\pN\\P{^Lu}[\\p{Han}]", true),
            ("\\x{10FFFF}\\x41\\0\\12", true),
            ("(x{30}){33}", true),
            ("a*(?i)*", true),
            ("a{,2}a{02}", true),
            ("\\_\\-", true),
            ("", false),
            ("*", false),
            ("(", false),
            (")", false),
            ("[a", false),
            ("[b-a]", false),
            ("[a-\\d]", false),
            ("[[:nosuch:]]", false),
            ("a(?=b)", false),
            ("(?x)a", false),
            ("(?P<a-b>x)", false),
            ("(a)\\1", false),
            ("\\C", false),
            ("\\y", false),
            ("\\8", false),
            ("\\", false),
            ("\\x{110000}", false),
            ("\\x4", false),
            ("\\p{Nosuch}", false),
            ("\\p", false),
            ("a**", false),
            ("a+?+", false),
            ("a{1001}", false),
            ("a{3,2}", false),
            ("(x{30}){40}", false),
            ("a|*", false),
            ("(?i", false),
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
            ("\\p{Greek}+", "\u{3b1}\u{3b2}", true, true),
            // Digits and words are ASCII only.
            ("\\d+", "\u{661}", false, false),
            ("\\w", "\u{e9}", false, false),
            ("[^\\d]", "1", false, false),
            ("\\x{10FFFF}", "\u{10ffff}", true, true),
            ("\\0", "\0", true, true),
            ("(?s).", "\n", true, true),
            (".", "\n", false, false),
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
