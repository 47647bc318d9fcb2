//! Parses an expression like Go's `regexp/syntax`, and translates it for the regex crate, which has
//! fewer ways to write a literal and matches digits and words of every script.

use std::fmt::Write as _;

use super::groups;

/// The maximum count of a repetition, and the maximum product of nested ones.
const MOST_REPEATS: u32 = 1000;

/// What matches nothing.
const NOTHING: &str = "[^\\x{0}-\\x{10FFFF}]";

/// The last item, which a repetition may apply to.
#[derive(Clone, Copy)]
enum Last {
    /// Nothing: at the start, after `(` or `|`.
    Nothing,
    /// Something, with the largest product of the repetitions in it.
    Item(u32),
}

struct Parser<'p> {
    rest: &'p str,
    out: String,
    /// The open groups, each with the largest product of repetitions in it so far; the first is the
    /// whole expression.
    groups: Vec<u32>,
    last: Last,
    /// Whether the previous token was a repetition.
    repeated: bool,
}

/// The expression for the regex crate.
///
/// # Errors
/// Why Go refuses it, as a fragment.
pub(super) fn translated(pattern: &str) -> Result<String, String> {
    let mut parser = Parser {
        rest: pattern,
        out: String::with_capacity(pattern.len() + 16),
        groups: vec![1],
        last: Last::Nothing,
        repeated: false,
    };
    while let Some(c) = parser.rest.chars().next() {
        let repeated = std::mem::take(&mut parser.repeated);
        parser.token(c, repeated)?;
    }
    if parser.groups.len() > 1 {
        return Err("a parenthesis is not closed".to_owned());
    }
    Ok(parser.out)
}

impl Parser<'_> {
    fn token(&mut self, c: char, repeated: bool) -> Result<(), String> {
        match c {
            '(' => self.open()?,
            ')' => {
                let closed = self.groups.pop().filter(|_| !self.groups.is_empty());
                let Some(most) = closed else {
                    return Err("there is a closing parenthesis without an opening one".to_owned());
                };
                self.skip(1);
                self.out.push(')');
                self.item(most);
            }
            '|' => {
                self.skip(1);
                self.out.push('|');
                self.last = Last::Nothing;
            }
            '^' | '$' | '.' => {
                self.skip(1);
                self.out.push(c);
                self.item(1);
            }
            '[' => self.class()?,
            '*' | '+' | '?' => {
                self.skip(1);
                self.repeat(&c.to_string(), None, repeated)?;
            }
            '{' => match self.counts() {
                Some((least, most, length)) => {
                    let too_many = least > MOST_REPEATS || most.is_some_and(|most| most > MOST_REPEATS || least > most);
                    let text = self.rest[..length].to_owned();
                    if too_many {
                        return Err(format!(
                            "{text} is no count of repetitions, of which {MOST_REPEATS} are allowed"
                        ));
                    }
                    self.skip(length);
                    self.repeat(&text, Some((least, most)), repeated)?;
                }
                None => self.literal_here(),
            },
            '\\' => self.escape()?,
            _ => self.literal_here(),
        }
        Ok(())
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    /// Something that a repetition may apply to, which contains repetitions with this product.
    fn item(&mut self, most: u32) {
        self.last = Last::Item(most);
        if let Some(group) = self.groups.last_mut() {
            *group = most.max(*group);
        }
    }

    /// The current character as a literal.
    fn literal_here(&mut self) {
        let mut chars = self.rest.chars();
        if let Some(c) = chars.next() {
            self.rest = chars.as_str();
            push_char(&mut self.out, u32::from(c));
            self.item(1);
        }
    }

    fn repeat(&mut self, operator: &str, counts: Option<(u32, Option<u32>)>, repeated: bool) -> Result<(), String> {
        let lazy = self.rest.starts_with('?');
        if lazy {
            self.skip(1);
        }
        if repeated {
            return Err(format!("{operator} follows a repetition"));
        }
        let Last::Item(within) = self.last else {
            return Err(format!("there is nothing before {operator}"));
        };
        self.out.push_str(operator);
        if lazy {
            self.out.push('?');
        }
        let mut product = within;
        if let Some((least, most)) = counts {
            let times = most.unwrap_or(least).max(1);
            // Zero repetitions match nothing, whatever is repeated.
            product = if most == Some(0) {
                1
            } else {
                within.saturating_mul(times)
            };
            if (least >= 2 || most.is_some_and(|most| most >= 2)) && product > MOST_REPEATS {
                return Err(format!("nested repetitions exceed {MOST_REPEATS} at {operator}"));
            }
        }
        self.item(product);
        self.repeated = true;
        Ok(())
    }

    /// `{2}`, `{2,}` or `{2,3}`: the counts and how long it is.
    fn counts(&self) -> Option<(u32, Option<u32>, usize)> {
        let (inner, _) = self.rest.strip_prefix('{')?.split_once('}')?;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let padded = text.len() > 1 && text.starts_with('0');
            (digits && !padded).then(|| text.parse::<u32>().unwrap_or(u32::MAX))
        };
        let length = inner.len() + 2;
        match inner.split_once(',') {
            None => number(inner).map(|count| (count, Some(count), length)),
            Some((least, "")) => number(least).map(|least| (least, None, length)),
            Some((least, most)) => Some((number(least)?, Some(number(most)?), length)),
        }
    }

    /// `(`, with a name or flags if `?` follows.
    fn open(&mut self) -> Result<(), String> {
        let Some(after) = self.rest.strip_prefix("(?") else {
            self.skip(1);
            self.out.push('(');
            self.enter();
            return Ok(());
        };
        let named = after.strip_prefix("P<").or_else(|| after.strip_prefix('<'));
        if let Some((name, rest)) = named.and_then(|named| named.split_once('>')) {
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(format!("\"{name}\" is not a group name"));
            }
            // Rewrites refer to groups by their numbers.
            self.out.push('(');
            self.rest = rest;
            self.enter();
            return Ok(());
        }
        self.flags(after)
    }

    fn enter(&mut self) {
        self.groups.push(1);
        self.last = Last::Nothing;
    }

    /// `i-s:` or `i)` after `(?`.
    fn flags(&mut self, after: &str) -> Result<(), String> {
        let (mut negated, mut seen) = (false, false);
        for (at, c) in after.char_indices() {
            match c {
                'i' | 'm' | 's' | 'U' => seen = true,
                '-' if !negated => (negated, seen) = (true, false),
                ':' | ')' if !negated || seen => {
                    let flags = &after[..at];
                    let length = 2 + at + 1;
                    if c == ':' {
                        let _ = write!(self.out, "(?{flags}:");
                        self.enter();
                    } else if !flags.is_empty() {
                        let _ = write!(self.out, "(?{flags})");
                    }
                    self.rest = &self.rest[length..];
                    return Ok(());
                }
                _ => break,
            }
        }
        let shown: String = after.chars().take(3).collect();
        Err(format!(
            "(?{shown} does not begin a group: RE2 has neither lookarounds nor flags other than i, m, s, U"
        ))
    }

    fn escape(&mut self) -> Result<(), String> {
        let after = &self.rest[1..];
        match after.chars().next() {
            Some('Q') => {
                let quoted = &after[1..];
                let (text, rest) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                for c in text.chars() {
                    push_char(&mut self.out, u32::from(c));
                    self.item(1);
                }
                self.rest = &self.rest[self.rest.len() - rest.len()..];
                return Ok(());
            }
            Some(c @ ('A' | 'z')) => {
                self.out.push('\\');
                self.out.push(c);
                self.skip(2);
            }
            // Words are ASCII only.
            Some(c @ ('b' | 'B')) => {
                let _ = write!(self.out, "(?-u:\\{c})");
                self.skip(2);
            }
            _ => {
                let (class, rest) = if let Some(group) = group_of(self.rest)? {
                    group
                } else {
                    let (value, rest) = escaped(self.rest)?;
                    let mut class = String::new();
                    push_char(&mut class, value);
                    (class, rest)
                };
                self.rest = &self.rest[self.rest.len() - rest.len()..];
                self.out.push_str(&class);
            }
        }
        self.item(1);
        Ok(())
    }

    /// `[...]`.
    fn class(&mut self) -> Result<(), String> {
        let mut out = "[".to_owned();
        let mut rest = &self.rest[1..];
        if let Some(after) = rest.strip_prefix('^') {
            out.push('^');
            rest = after;
        }
        let mut first = true;
        while first || !rest.starts_with(']') {
            if rest.is_empty() {
                return Err("a bracket is not closed".to_owned());
            }
            first = false;
            if let Some((name, after)) = rest.strip_prefix("[:").and_then(|named| named.split_once(":]")) {
                if !groups::is_posix(name) {
                    return Err(format!("[:{name}:] is not a class"));
                }
                let _ = write!(out, "[:{name}:]");
                rest = after;
                continue;
            }
            if let Some((class, after)) = group_of(rest)? {
                out.push_str(&class);
                rest = after;
                continue;
            }
            let (low, after) = class_char(rest)?;
            rest = after;
            let mut high = low;
            let range = rest
                .strip_prefix('-')
                .filter(|after| !after.is_empty() && !after.starts_with(']'));
            if let Some(after) = range {
                (high, rest) = class_char(after)?;
                if high < low {
                    return Err("a character range ends before it begins".to_owned());
                }
            }
            push_range(&mut out, low, high);
        }
        out.push(']');
        self.rest = &self.rest[self.rest.len() - rest.len() + 1..];
        // Only surrogates, which no text contains.
        self.out.push_str(match out.as_str() {
            "[]" => NOTHING,
            "[^]" => "[\\x{0}-\\x{10FFFF}]",
            class => class,
        });
        self.item(1);
        Ok(())
    }
}

/// `\d` and the like, `\pN`, `\p{Greek}`: the class, and what follows.
fn group_of(text: &str) -> Result<Option<(String, &str)>, String> {
    let Some(after) = text.strip_prefix('\\') else {
        return Ok(None);
    };
    let Some(c) = after.chars().next() else {
        return Ok(None);
    };
    let rest = &after[c.len_utf8()..];
    let perl = match c {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => "[\\t\\n\\x0c\\r ]",
        'S' => "[^\\t\\n\\x0c\\r ]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        'p' | 'P' => {
            let (name, rest) = if let Some(braced) = rest.strip_prefix('{') {
                braced.split_once('}').ok_or("a brace after \\p is not closed")?
            } else {
                rest.split_at(rest.chars().next().map_or(0, char::len_utf8))
            };
            let (bare, inverted) = match name.strip_prefix('^') {
                Some(bare) => (bare, c == 'p'),
                None => (name, c == 'P'),
            };
            let known = groups::unicode(bare).ok_or_else(|| format!("\\{c}{{{name}}} is not a Unicode group"))?;
            let sign = if inverted { 'P' } else { 'p' };
            return Ok(Some((format!("\\{sign}{{{known}}}"), rest)));
        }
        _ => return Ok(None),
    };
    Ok(Some((perl.to_owned(), rest)))
}

/// A character of a class, as it is or escaped.
fn class_char(text: &str) -> Result<(u32, &str), String> {
    if text.starts_with('\\') {
        return escaped(text);
    }
    let mut chars = text.chars();
    match chars.next() {
        Some(c) => Ok((u32::from(c), chars.as_str())),
        None => Err("a bracket is not closed".to_owned()),
    }
}

/// The character that an escape stands for, and what follows.
fn escaped(text: &str) -> Result<(u32, &str), String> {
    let mut chars = text[1..].chars();
    let Some(c) = chars.next() else {
        return Err("there is a backslash at the end".to_owned());
    };
    let rest = chars.as_str();
    let refused = || format!("\\{c} is not a valid escape");
    let is_octal = |byte: &u8| (b'0'..=b'7').contains(byte);
    match c {
        '1'..='7' if !rest.as_bytes().first().is_some_and(is_octal) => {
            Err(format!("\\{c} is a backreference, which RE2 does not support"))
        }
        '0'..='7' => {
            let more = rest.bytes().take(2).take_while(|byte| is_octal(byte)).count();
            let digits = &text[1..2 + more];
            let value = u32::from_str_radix(digits, 8).map_err(|_| refused())?;
            Ok((value, &rest[more..]))
        }
        'x' => {
            let (digits, rest) = match rest.strip_prefix('{') {
                Some(braced) => braced.split_once('}').ok_or_else(refused)?,
                None => rest.split_at_checked(2).ok_or_else(refused)?,
            };
            let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let value = digits.trim_start_matches('0');
            let value = if value.is_empty() { "0" } else { value };
            let value = u32::from_str_radix(value, 16)
                .ok()
                .filter(|value| is_hex && *value <= 0x10_FFFF);
            value.map(|value| (value, rest)).ok_or_else(refused)
        }
        'a' => Ok((0x07, rest)),
        'f' => Ok((0x0C, rest)),
        'n' => Ok((0x0A, rest)),
        'r' => Ok((0x0D, rest)),
        't' => Ok((0x09, rest)),
        'v' => Ok((0x0B, rest)),
        _ if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok((u32::from(c), rest)),
        _ => Err(refused()),
    }
}

/// A literal character; a surrogate, which no text contains, matches nothing.
fn push_char(out: &mut String, value: u32) {
    match char::from_u32(value) {
        Some(c) if c.is_ascii_alphanumeric() || c == '/' || c == '_' => out.push(c),
        Some(_) => {
            let _ = write!(out, "\\x{{{value:x}}}");
        }
        None => out.push_str(NOTHING),
    }
}

/// A range in a class, without surrogates.
fn push_range(out: &mut String, low: u32, high: u32) {
    let parts = [(low, high.min(0xD7FF)), (low.max(0xE000), high)];
    for (low, high) in parts.into_iter().filter(|(low, high)| low <= high) {
        let _ = write!(out, "\\x{{{low:x}}}-\\x{{{high:x}}}");
    }
}
