//! The line of a manifest that a finding refers to, with carets below the value. A line
//! that may contain a secret is never shown.

use std::collections::HashMap;

use crate::lint::Finding;
use crate::lint::secrecy::{is_secret_path, may_hold_secret};

/// The longest line, in bytes, of which a part is shown.
const LINE_LIMIT: usize = 4096;

/// The texts of the manifests, with their lines indexed once.
pub struct Texts<'t> {
    files: HashMap<&'t str, Lines<'t>>,
}

struct Lines<'t> {
    text: &'t str,
    /// The offset of each line.
    starts: Vec<usize>,
    /// The first and last line of every document that may be a Secret.
    secrets: Vec<(usize, usize)>,
}

/// A line with a marked part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The line, or the part of it that fits.
    pub line: String,
    /// The characters before the mark.
    pub before: usize,
    /// The marked characters, at least one.
    pub marked: usize,
}

impl<'t> Texts<'t> {
    /// Texts by the file name that findings use.
    pub fn new(texts: impl IntoIterator<Item = (&'t str, &'t [u8])>) -> Self {
        let files = texts.into_iter().filter_map(|(name, content)| {
            let text = std::str::from_utf8(content).ok()?;
            Some((name, Lines::new(text)))
        });
        Self { files: files.collect() }
    }

    /// The line of a finding, at most `width` characters of it; none if there is no such
    /// line, or if it may contain a secret.
    pub fn excerpt(&self, finding: &Finding, width: usize) -> Option<Excerpt> {
        let lines = self.files.get(finding.file.as_str())?;
        let number = usize::try_from(finding.line).ok()?.checked_sub(1)?;
        let line = lines.line(number)?;
        if line.trim().is_empty() || line.len() > LINE_LIMIT || is_secret_path(&finding.path) || may_hold_secret(line) {
            return None;
        }
        // If the object cannot be parsed, it is not known which lines are values.
        if finding.path.is_empty() && finding.object.is_empty() && lines.is_in_secret(number) {
            return None;
        }
        let line: Vec<char> = line.chars().map(shown).collect();
        let column = usize::try_from(finding.column).ok()?.saturating_sub(1).min(line.len());
        Some(cut(&line, column, marked(&line, column), width))
    }
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        // YAML counts lines that end in CR alone; nothing else does.
        let mut breaks = memchr::memchr_iter(b'\r', text.as_bytes());
        let text = if breaks.any(|at| text.as_bytes().get(at + 1) != Some(&b'\n')) {
            ""
        } else {
            text
        };
        // The column in the first line does not count the byte order mark.
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
            // The word is enough: a document that cannot be parsed may be anything.
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

/// Control characters could control the terminal.
fn shown(character: char) -> char {
    match character {
        '\t' => ' ',
        control if control.is_control() => '\u{fffd}',
        other => other,
    }
}

/// How many characters from `column` on belong to the value or key there.
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

/// The part of a line that fits, around the mark.
fn cut(line: &[char], before: usize, marked: usize, width: usize) -> Excerpt {
    const ELLIPSIS: usize = 3;
    let width = width.max(4 * ELLIPSIS);
    if line.len() <= width && before + marked <= width {
        return Excerpt {
            line: line.iter().collect(),
            before,
            marked,
        };
    }
    let room = width - 2 * ELLIPSIS;
    // Keep the beginning of the mark, and as much of what precedes it as fits.
    let start = if before + marked.min(room) > width - ELLIPSIS {
        (before + marked.min(room)).saturating_sub(room)
    } else {
        0
    };
    let (lead, room) = if start > 0 {
        ("...", room)
    } else {
        ("", width - ELLIPSIS)
    };
    let end = (start + room).min(line.len());
    let mut text = lead.to_owned();
    text.extend(&line[start.min(end)..end]);
    if end < line.len() {
        text.push_str("...");
    }
    Excerpt {
        before: before - start + lead.len(),
        marked: marked.min(end.saturating_sub(before)).max(1),
        line: text,
    }
}

#[cfg(test)]
mod tests {
    use super::Texts;
    use crate::lint::{Finding, Place, codes};

    fn excerpt(text: &str, line: u32, column: u32, path: &str, width: usize) -> Option<(String, usize, usize)> {
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
        let finding = Finding::new(&codes::INPUT_TYPE, place, "x");
        let found = Texts::new([("f", text.as_bytes())]).excerpt(&finding, width)?;
        Some((found.line, found.before, found.marked))
    }

    #[test]
    fn the_value_or_the_key_is_marked() {
        for (text, column, marked) in [
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
        ] {
            let (line, before, length) = excerpt(text, 1, column, "spec", 80).unwrap();
            let found: String = line.chars().skip(before).take(length).collect();
            assert_eq!(found, marked, "{text}");
        }
        assert_eq!(excerpt("a: b", 1, 99, "spec", 80), Some(("a: b".into(), 4, 1)));
        assert_eq!(excerpt("a: b", 3, 1, "spec", 80), None);
        assert_eq!(excerpt("a: b\rc: d", 1, 1, "spec", 80), None);
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
            assert_eq!(excerpt(text, 1, 1, path, 80), None, "{text}");
        }
        for text in [
            "metadata: {name: a}",
            "data:",
            "serverCertificate: /etc/istio/ingressgateway-ca-certs/ca-chain.cert.pem",
        ] {
            assert!(excerpt(text, 1, 1, "spec", 80).is_some(), "{text}");
        }
        let two = "kind: Gateway\n---\nkind: Secret\nstringData:\n  a: 'b\n";
        assert!(excerpt(two, 1, 1, "", 80).is_some());
        assert_eq!(excerpt(two, 5, 1, "", 80), None);
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let line = format!("{}: {}", "k".repeat(20), "v ".repeat(20));
        for width in [12, 20, 30, 60, 80] {
            for column in [1, 23, 40] {
                let (shown, before, marked) = excerpt(&line, 1, column, "spec", width).unwrap();
                assert!(shown.chars().count() <= width.max(12), "{shown}");
                assert!(before + marked <= width.max(12), "{shown} {before} {marked}");
            }
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
            if let Some((shown, before, marked)) = excerpt(&text, line, column, "spec", width) {
                proptest::prop_assert!(marked >= 1);
                proptest::prop_assert!(before <= shown.chars().count());
            }
        }
    }
}
