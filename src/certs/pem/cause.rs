//! Why a text is not PEM, or not PEM that Envoy can read: explains common mistakes.

use base64::Engine as _;

use super::{BEGIN, DASHES, is_der, is_label, is_pem};
use crate::problem::Problem;
use crate::remedy::other;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const OWN_LINES: &str =
    "put each -----BEGIN ...----- and -----END ...----- marker on its own line, without leading blanks";

/// A problem with a text that other readers may accept.
pub(super) fn unlike_envoy(name: &str, line: usize, why: &str) -> Problem {
    Problem::new(format!("{name} is not PEM that Envoy can read"))
        .at(format!("{name}:{line}"))
        .why(why)
}

/// The first block that people see but Envoy does not, because its BEGIN is not alone on its line.
/// Commented-out blocks are skipped intentionally.
pub(super) fn passed_over(content: &[u8], name: &str) -> Option<Problem> {
    let mut lines = content.split(|byte| *byte == b'\n').enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        let Some(start) = memchr::memmem::find(line, BEGIN.as_bytes()) else {
            continue;
        };
        let (before, marker) = line.split_at(start);
        let alone = marker.trim_ascii_end().ends_with(DASHES.as_bytes());
        let followed = lines.peek().is_some_and(|(_, next)| may_be_base64(next));
        if before.is_empty() && alone || is_comment(before) || alone && !followed {
            continue;
        }
        let (why, fix) = before_marker(before).unwrap_or_else(|| after_marker(marker));
        return Some(
            unlike_envoy(
                name,
                index + 1,
                &format!("Envoy skips the block that begins here: {why}"),
            )
            .fix(fix),
        );
    }
    None
}

fn is_comment(before: &[u8]) -> bool {
    let before = before.trim_ascii();
    [&b"#"[..], b"//", b";", b"--"]
        .iter()
        .any(|sign| before.starts_with(sign))
}

fn may_be_base64(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    line.len() >= 4 && line.iter().all(is_base64)
}

/// What precedes a BEGIN marker on its line, and how to fix it.
fn before_marker(before: &[u8]) -> Option<(&'static str, &'static str)> {
    let rest = before.strip_prefix(BYTE_ORDER_MARK).unwrap_or(before);
    if before.is_empty() {
        None
    } else if rest.is_empty() {
        Some((
            "there is a byte order mark before its BEGIN, as written by editors on Windows",
            "save it as UTF-8 without a byte order mark, or as ASCII",
        ))
    } else if rest.trim_ascii().is_empty() {
        Some((
            "there are blanks before its BEGIN, as in an indented YAML block or shell here-document",
            "start every line of the PEM at the block's indentation, so that no leading blanks remain",
        ))
    } else {
        Some(("there is other text before its BEGIN on the same line", OWN_LINES))
    }
}

/// What follows a BEGIN marker that is not alone on its line, and how to fix it.
pub(super) fn after_marker(marker: &[u8]) -> (&'static str, &'static str) {
    if memchr::memmem::find(marker, b"\\n").is_some() {
        (
            "its line breaks are written as \\n, as in a JSON string or a variable",
            "write real line breaks (printf '%b'); in YAML, use a block after | or a double-quoted string",
        )
    } else if memchr::memchr(b'\r', marker.trim_ascii_end()).is_some() {
        (
            "its lines end in carriage returns only",
            "end its lines with line feeds (tr '\\r' '\\n')",
        )
    } else if has_content(marker) {
        (
            "its line breaks are lost, as with YAML's > or an unquoted shell variable",
            "keep its line breaks: in YAML use a block after |, in a shell put the variable in double quotes",
        )
    } else {
        (
            "a BEGIN marker is not complete on its own line; two files may have been joined without a newline in between",
            OWN_LINES,
        )
    }
}

/// Whether the label is complete, and base64 follows on the same line.
fn has_content(marker: &[u8]) -> bool {
    let text = String::from_utf8_lossy(marker);
    let Some((label, rest)) = text.strip_prefix(BEGIN).and_then(|rest| rest.split_once(DASHES)) else {
        return false;
    };
    is_label(label)
        && may_be_base64(
            rest.split_whitespace()
                .next()
                .unwrap_or_default()
                .split('-')
                .next()
                .unwrap_or_default()
                .as_bytes(),
        )
}

/// Why a text without any BEGIN is not PEM.
pub(super) fn without_begin(content: &[u8], name: &str) -> Problem {
    let problem = Problem::new(format!("{name} holds no PEM block"));
    if content.iter().all(u8::is_ascii_whitespace) {
        return problem.why("it is empty");
    }
    if is_utf_16(content) {
        return problem
            .why("it is UTF-16 text, as written by PowerShell's >; PEM is ASCII")
            .fix("write it with Out-File -Encoding ascii");
    }
    if is_der(content) {
        return problem
            .why("it is DER (binary ASN.1) or a PKCS#12 bundle, but must be PEM")
            .fix(other::to_pem(name));
    }
    if is_base64_of_pem(content) {
        return problem
            .why("it is base64 of PEM: the value was encoded twice")
            .fix("put the base64 of the PEM under data, or the PEM itself under stringData");
    }
    if has_nearly(content) {
        return problem
            .why("its BEGIN marker is malformed: it needs five hyphens on either side, and BEGIN in capitals")
            .fix(OWN_LINES);
    }
    problem.why("no line begins with -----BEGIN")
}

fn is_utf_16(content: &[u8]) -> bool {
    let marked = content.starts_with(b"\xff\xfe") || content.starts_with(b"\xfe\xff");
    let begin = |first: usize| -> bool {
        let marker = BEGIN.trim_end().bytes();
        let mut wide = content.iter().skip(first).step_by(2);
        content.len() > 2 * BEGIN.len() && marker.into_iter().all(|byte| wide.next() == Some(&byte))
    };
    marked || begin(0) || begin(1)
}

fn is_base64_of_pem(content: &[u8]) -> bool {
    let compact: Vec<u8> = content
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let decoded = base64::engine::general_purpose::STANDARD.decode(compact);
    decoded.is_ok_and(|decoded| is_pem(&zeroize::Zeroizing::new(decoded)))
}

/// Whether there is a marker with wrong hyphens or in lowercase.
fn has_nearly(content: &[u8]) -> bool {
    let text = String::from_utf8_lossy(content);
    text.lines().any(|line| {
        let line = line.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let mut words = line.split_whitespace();
        words.next().is_some_and(|word| word.eq_ignore_ascii_case("BEGIN")) && words.next().is_some() && line.len() < 64
    })
}
