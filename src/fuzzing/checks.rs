//! What the targets have in common: the time, the name of inputs, and the properties of every
//! problem and place.

use time::OffsetDateTime;
use time::macros::datetime;

use crate::problem::Problem;
use crate::remedy::Aim;

/// The time of every check.
pub(crate) const NOW: OffsetDateTime = datetime!(2027-01-01 12:00 UTC);

/// The name of inputs in errors.
pub(crate) const NAME: &str = "input";

/// The bytes before and after the first newline, as an argument and a file.
pub(crate) fn first_line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[]),
    }
}

/// A problem has text, in whole lines, and contains nothing of a key.
pub(crate) fn told(problem: &Problem, data: &[u8]) {
    assert!(!problem.what.trim().is_empty(), "a problem without words");
    let text = problem.text(&Aim::default());
    for line in data.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        // Longer than any label, and only base64: it may be part of a key.
        if line.len() > 64
            && line
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
        {
            let line = String::from_utf8_lossy(line);
            assert!(!text.contains(&*line), "a line of the input is in {text}");
        }
    }
}

/// A place `NAME:LINE` or `NAME:LINE:COLUMN` in an error is within the input.
pub(crate) fn lies_within(at: &str, data: &[u8]) {
    let rest = at.strip_prefix(NAME).and_then(|rest| rest.strip_prefix(':'));
    let Some(rest) = rest else { return };
    let line: usize = rest
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_else(|| panic!("no line in {at}"));
    assert!(
        (1..=lines(data)).contains(&line),
        "{at} is outside of {} lines",
        lines(data)
    );
}

/// The number of lines of a text, including the empty one after its last newline; CR alone also
/// ends a line, as in YAML.
pub(crate) fn lines(data: &[u8]) -> usize {
    let breaks = data.iter().enumerate().filter(|(at, byte)| match **byte {
        b'\n' => true,
        b'\r' => data.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    breaks.count() + 1
}
