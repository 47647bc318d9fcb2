//! The line of a manifest that a finding is about, with carets below the
//! value. A line that may hold a secret is never shown.

use std::collections::HashMap;
use std::ops::Range;

use annotate_snippets::renderer::{AnsiColor, Style};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::paint::Paint;
use crate::lint::Finding;
use crate::lint::secrecy::{is_secret_path, may_hold_secret};
use crate::printable::is_unsafe;

/// The longest line of which a part is shown, in bytes.
const LINE_LIMIT: usize = 4096;

const FAINT: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();

/// The texts of the manifests, with their lines found once.
pub struct Texts<'t> {
    files: HashMap<&'t str, Lines<'t>>,
}

struct Lines<'t> {
    text: &'t str,
    /// Where each line begins.
    starts: Vec<usize>,
    /// The first and last line of every document that may be a Secret.
    secrets: Vec<(usize, usize)>,
}

impl<'t> Texts<'t> {
    /// Texts by the name that findings give their file.
    pub fn new(texts: impl IntoIterator<Item = (&'t str, &'t [u8])>) -> Self {
        let files = texts.into_iter().filter_map(|(name, content)| {
            let text = std::str::from_utf8(content).ok()?;
            Some((name, Lines::new(text)))
        });
        Self { files: files.collect() }
    }

    /// The line of a finding with its number and carets below the value, as lines of at
    /// most `width` columns; none where there is no such line, or where it may hold a
    /// secret.
    pub fn excerpt(&self, finding: &Finding, width: usize, paint: Paint) -> Option<String> {
        let (line, mark) = self.marked_line(finding)?;
        // The library replaces what else is unsafe.
        let is_invisible = |c: char| is_unsafe(c) && !c.is_control();
        let shown = |text: &str| text.replace(is_invisible, "\u{fffd}");
        let start = shown(&line[..mark.start]).len();
        let mark = start..start + shown(&line[mark]).len();
        let snippet = Snippet::source(shown(line))
            .line_start(usize::try_from(finding.line).ok()?)
            .annotation(AnnotationKind::Primary.span(mark));
        let group = Group::with_level(Level::ERROR).element(snippet);
        let plain = Renderer::plain();
        let renderer = if paint.is_on() {
            plain.line_num(FAINT).error(RED).emphasis(FAINT)
        } else {
            plain
        };
        Some(renderer.term_width(width).render(&[group]))
    }

    /// The line of a finding, and the bytes of it that are marked.
    fn marked_line(&self, finding: &Finding) -> Option<(&'t str, Range<usize>)> {
        let lines = self.files.get(finding.file.as_str())?;
        let number = usize::try_from(finding.line).ok()?.checked_sub(1)?;
        let line = lines.line(number)?;
        if line.trim().is_empty() || line.len() > LINE_LIMIT || is_secret_path(&finding.path) || may_hold_secret(line) {
            return None;
        }
        // Where the object cannot be read, it is not known which lines are values.
        if finding.path.is_empty() && finding.object.is_empty() && lines.is_in_secret(number) {
            return None;
        }
        let characters: Vec<char> = line.chars().collect();
        let column = usize::try_from(finding.column).ok()?.saturating_sub(1);
        let column = column.min(characters.len());
        let end = column + marked(&characters, column);
        let offset = |column: usize| line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
        Some((line, offset(column)..offset(end)))
    }
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        // Lines that end in CR alone are counted by YAML, and nowhere else.
        let mut breaks = memchr::memchr_iter(b'\r', text.as_bytes());
        let text = if breaks.any(|at| text.as_bytes().get(at + 1) != Some(&b'\n')) {
            ""
        } else {
            text
        };
        // The column of the first line does not count the mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let starts: Vec<usize> = std::iter::once(0)
            .chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1))
            .collect();
        let mut lines = Self {
            text,
            starts,
            secrets: Vec::new(),
        };
        let mut first = 0;
        let mut secret = false;
        for number in 0..=lines.starts.len() {
            let line = lines.line(number).unwrap_or("---");
            if line.starts_with("---") {
                if secret {
                    lines.secrets.push((first, number));
                }
                (first, secret) = (number, false);
            }
            // A word is enough: whatever cannot be read may be anything.
            secret |= line.contains("Secret");
        }
        lines
    }

    fn line(&self, number: usize) -> Option<&'t str> {
        let start = *self.starts.get(number)?;
        let end = self.starts.get(number + 1).map_or(self.text.len(), |next| next - 1);
        self.text.get(start..end).map(|line| line.trim_end_matches('\r'))
    }

    fn is_in_secret(&self, number: usize) -> bool {
        let index = self.secrets.partition_point(|(_, last)| *last < number);
        self.secrets.get(index).is_some_and(|(first, _)| *first <= number)
    }
}

/// How many characters from `column` on are the value or the key that stands there.
fn marked(line: &[char], column: usize) -> usize {
    let rest = &line[column..];
    let plain_end = || {
        let flow = open_brackets(&line[..column]) > 0;
        let mut end = rest.len();
        for (at, character) in rest.iter().enumerate() {
            let next = rest.get(at + 1);
            let is_end = match character {
                ':' => next.is_none_or(|next| next.is_whitespace()),
                '#' => at > 0 && rest[at - 1].is_whitespace(),
                ',' | ']' | '}' => flow,
                _ => false,
            };
            if is_end {
                end = at;
                break;
            }
        }
        let blank = rest[..end]
            .iter()
            .rev()
            .take_while(|character| character.is_whitespace());
        end - blank.count()
    };
    let length = match rest.first() {
        Some(quote @ ('"' | '\'')) => quoted_end(rest, *quote).unwrap_or_else(plain_end),
        Some('{' | '[' | '|' | '>' | '&' | '*' | '!') | None => 1,
        Some(_) => plain_end(),
    };
    length.max(1)
}

fn quoted_end(rest: &[char], quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in rest.iter().enumerate().skip(1) {
        if escaped {
            escaped = false;
        } else if *character == '\\' && quote == '"' {
            escaped = true;
        } else if *character == quote {
            return Some(at + 1);
        }
    }
    None
}

fn open_brackets(before: &[char]) -> usize {
    before.iter().fold(0, |open: usize, character| match character {
        '{' | '[' => open + 1,
        '}' | ']' => open.saturating_sub(1),
        _ => open,
    })
}

#[cfg(test)]
mod tests {
    use super::{Paint, Texts};
    use crate::lint::{Finding, Place, codes};

    fn finding(line: u32, column: u32, path: &str) -> Finding {
        let place = Place {
            object: if path.is_empty() {
                String::new()
            } else {
                "Gateway a/b".into()
            },
            file: "f".into(),
            line,
            column,
            path: path.into(),
        };
        Finding::new(&codes::INPUT_TYPE, place, "x")
    }

    /// The line and what of it is marked.
    fn marked(text: &str, line: u32, column: u32, path: &str) -> Option<(String, String)> {
        let texts = Texts::new([("f", text.as_bytes())]);
        let (line, mark) = texts.marked_line(&finding(line, column, path))?;
        Some((line.to_owned(), line[mark].to_owned()))
    }

    fn excerpt(text: &str, line: u32, column: u32, width: usize) -> Option<String> {
        let texts = Texts::new([("f", text.as_bytes())]);
        texts.excerpt(&finding(line, column, "spec"), width, Paint::new(false))
    }

    #[test]
    fn the_value_or_the_key_is_marked() {
        for (text, column, expected) in [
            ("a: value  # why", 4, "value"),
            ("a: value", 1, "a"),
            ("hosts: [a.com, 'b c', \"d\\\"e\"]", 9, "a.com"),
            ("hosts: [a.com, 'b c', \"d\\\"e\"]", 16, "'b c'"),
            ("hosts: [a.com, 'b c', \"d\\\"e\"]", 23, "\"d\\\"e\""),
            ("a: b, c]", 4, "b, c]"),
            ("a: [", 4, "["),
            ("tls:", 1, "tls"),
            ("\ta: b\r\n", 5, "b"),
            ("a: \"open", 4, "\"open"),
            ("url: http://a:80", 6, "http://a:80"),
            ("名: 値 # x", 4, "値"),
        ] {
            assert_eq!(marked(text, 1, column, "spec").expect(text).1, expected, "{text}");
        }
        assert_eq!(marked("a: b", 1, 99, "spec"), Some(("a: b".into(), String::new())));
        assert_eq!(marked("a: b", 3, 1, "spec"), None);
        assert_eq!(marked("a: b\rc: d", 1, 1, "spec"), None);
    }

    #[test]
    fn carets_stand_below_the_value_in_a_terminal() {
        for (text, column, expected) in [
            ("a: b", 4, "  |\n1 | a: b\n  |    ^"),
            ("\ta: b", 5, "  |\n1 |     a: b\n  |        ^"),
            // Wide characters take two columns.
            ("名: [値, b]", 8, "  |\n1 | 名: [値, b]\n  |          ^"),
            ("名: [値, b]", 5, "  |\n1 | 名: [値, b]\n  |      ^^"),
            // What steers a terminal, or turns its text around, is shown as a sign.
            ("a: \u{1b}[2J\u{202e}b", 4, "  |\n1 | a: ␛[2J�b\n  |    ^^^^^^"),
        ] {
            assert_eq!(excerpt(text, 1, column, 80).expect(text), expected, "{text:?}");
        }
    }

    #[test]
    fn lines_that_may_hold_a_secret_are_not_shown() {
        let base64 = "QUJD".repeat(11);
        for (text, path) in [
            ("tls.key: short", "data.tls.key"),
            ("tls.key: short", "stringData[\"tls.key\"]"),
            (&*format!("x: {base64}"), "spec"),
            ("-----BEGIN CERTIFICATE-----", "spec"),
            ("{kind: Secret, data: {a: b}}", "metadata.name"),
            ("{\"kind\": \"Secret\", \"stringData\" : {}}", "metadata.name"),
            ("  token: \"abc # kind: Secret", ""),
        ] {
            assert_eq!(marked(text, 1, 1, path), None, "{text}");
        }
        for text in [
            "metadata: {name: a}",
            "data:",
            "serverCertificate: /etc/istio/ingressgateway-ca-certs/ca-chain.cert.pem",
        ] {
            assert!(marked(text, 1, 1, "spec").is_some(), "{text}");
        }
        let two = "kind: Gateway\n---\nkind: Secret\nstringData:\n  a: 'b\n";
        assert!(marked(two, 1, 1, "").is_some());
        assert_eq!(marked(two, 5, 1, ""), None);
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let line = format!("{}: {}", "k".repeat(20), "v ".repeat(60));
        for column in [1, 23, 120] {
            let shown = excerpt(&line, 1, column, 40).expect("a line");
            assert!(shown.contains('^') && shown.contains("..."), "{shown}");
            assert!(shown.lines().all(|line| line.chars().count() <= 60), "{shown}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_line_and_place_is_answered(
            text in "(\\PC|\n|\t|\r){0,60}",
            line in 0..6_u32,
            column in 0..70_u32,
            width in 0..90_usize,
        ) {
            if let Some(shown) = excerpt(&text, line, column, width) {
                proptest::prop_assert!(shown.contains('^'), "{shown}");
            }
        }
    }
}
