//! Edits of a text, and the diff that shows them without revealing secrets.

use std::fmt::Write as _;
use std::ops::Range;

use crate::secrecy::may_be_key;

/// How many lines around a change are shown.
const CONTEXT: usize = 3;

/// A range of a text and its replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    /// The bytes to replace.
    pub(super) range: Range<usize>,
    /// The replacement.
    pub(super) text: String,
    /// What the diff shows instead of `text` if that is secret.
    pub(super) shown: Option<String>,
}

/// A range of a text that must not be shown, and its substitute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mask {
    /// The hidden bytes.
    pub(super) range: Range<usize>,
    /// The substitute.
    pub(super) shown: String,
}

/// The text after the edits, which must not overlap.
pub(super) fn apply(text: &str, edits: &[Edit]) -> Option<String> {
    let mut edited = String::with_capacity(text.len() + 4096);
    let mut at = 0;
    for edit in sorted(edits) {
        edited.push_str(text.get(at..edit.range.start)?);
        edited.push_str(&edit.text);
        at = edit.range.end;
    }
    edited.push_str(text.get(at..)?);
    Some(edited)
}

fn sorted(edits: &[Edit]) -> Vec<&Edit> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.range.start, edit.range.end));
    sorted
}

/// Both texts as shown in the diff, and the byte ranges where they differ.
#[derive(Default)]
struct Shown {
    old: String,
    new: String,
    changes: Vec<(Range<usize>, Range<usize>)>,
}

impl Shown {
    fn same(&mut self, text: &str) {
        self.old.push_str(text);
        self.new.push_str(text);
    }

    /// Appends the text before a mask, and the mask; returns where the text continues.
    fn masked(&mut self, text: &str, at: usize, mask: &Mask) -> Option<usize> {
        self.same(text.get(at..mask.range.start)?);
        self.same(&mask.shown);
        Some(mask.range.end)
    }

    fn change(&mut self, old: &str, new: &str) {
        let starts = (self.old.len(), self.new.len());
        self.old.push_str(old);
        self.new.push_str(new);
        let ends = (self.old.len(), self.new.len());
        match self.changes.last_mut() {
            // Two changes in the same line are one change.
            Some((before, after)) if !self.old[before.end..starts.0].contains('\n') => {
                (before.end, after.end) = ends;
            }
            _ => self.changes.push((starts.0..ends.0, starts.1..ends.1)),
        }
    }

    /// A change extended to whole lines; the added parts are equal on both sides.
    fn whole_lines(&self, before: &Range<usize>, after: &Range<usize>) -> (Range<usize>, Range<usize>) {
        let (old, new) = (self.old.as_bytes(), self.new.as_bytes());
        let lead = old[..before.start]
            .iter()
            .rev()
            .take_while(|byte| **byte != b'\n')
            .count();
        let is_lines = |text: &[u8]| text.last().is_none_or(|last| *last == b'\n');
        let whole = lead == 0 && is_lines(&old[before.clone()]) && is_lines(&new[after.clone()]);
        let tail = if whole {
            0
        } else {
            memchr::memchr(b'\n', &old[before.end..]).map_or(old.len() - before.end, |at| at + 1)
        };
        (
            before.start - lead..before.end + tail,
            after.start - lead..after.end + tail,
        )
    }
}

/// A unified diff of the edits with all masks applied. None if edits overlap each other, or
/// partially overlap a mask.
pub(super) fn diff(name: &str, text: &str, edits: &[Edit], masks: &[Mask]) -> Option<String> {
    let shown = shown(text, edits, masks)?;
    let (old, new) = (Lines::of(&shown.old), Lines::of(&shown.new));
    let regions: Vec<(Range<usize>, Range<usize>)> = shown
        .changes
        .iter()
        .map(|(before, after)| {
            let (before, after) = shown.whole_lines(before, after);
            (old.lines(&before), new.lines(&after))
        })
        .collect();
    let mut diff = format!("--- {name}\n+++ {name}\n");
    for hunk in regions.chunk_by(|one, next| next.0.start - one.0.end <= 2 * CONTEXT) {
        let (first, last) = (hunk.first()?, hunk.last()?);
        let lead = first.0.start.min(CONTEXT);
        let tail = (old.count() - last.0.end).min(CONTEXT);
        let _ = writeln!(
            diff,
            "@@ -{},{} +{},{} @@",
            first.0.start - lead + 1,
            last.0.end + tail - (first.0.start - lead),
            first.1.start - lead + 1,
            last.1.end + tail - (first.1.start - lead),
        );
        let mut at = first.0.start - lead;
        for (gone, come) in hunk {
            old.write(&mut diff, ' ', at..gone.start);
            old.write(&mut diff, '-', gone.clone());
            new.write(&mut diff, '+', come.clone());
            at = gone.end;
        }
        old.write(&mut diff, ' ', at..at + tail);
    }
    Some(diff)
}

fn shown(text: &str, edits: &[Edit], masks: &[Mask]) -> Option<Shown> {
    let mut shown = Shown::default();
    let mut masks = masks.iter().peekable();
    let mut at = 0;
    for edit in sorted(edits) {
        while let Some(mask) = masks.next_if(|mask| mask.range.start < edit.range.start) {
            at = shown.masked(text, at, mask)?;
        }
        shown.same(text.get(at..edit.range.start)?);
        let covered = masks.next_if(|mask| mask.range.start < edit.range.end);
        let old = match covered {
            Some(mask) if mask.range == edit.range => mask.shown.as_str(),
            Some(_) => return None,
            None => text.get(edit.range.clone())?,
        };
        shown.change(old, edit.shown.as_deref().unwrap_or(&edit.text));
        at = edit.range.end;
    }
    for mask in masks {
        at = shown.masked(text, at, mask)?;
    }
    shown.same(text.get(at..)?);
    Some(shown)
}

/// A text with an index of its lines.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        if text.ends_with('\n') || text.is_empty() {
            starts.pop();
        }
        Self { text, starts }
    }

    fn count(&self) -> usize {
        self.starts.len()
    }

    /// The lines of a byte range that consists of whole lines.
    fn lines(&self, range: &Range<usize>) -> Range<usize> {
        let line_at = |at: usize| self.starts.partition_point(|start| *start < at);
        line_at(range.start)..line_at(range.end)
    }

    fn write(&self, diff: &mut String, sign: char, lines: Range<usize>) {
        for line in lines {
            let Some(start) = self.starts.get(line) else { return };
            let end = self.starts.get(line + 1).copied().unwrap_or(self.text.len());
            let text = self.text.get(*start..end).unwrap_or_default();
            let text = text.trim_end_matches(['\n', '\r']);
            let _ = if may_be_key(text) {
                writeln!(diff, "{sign}[a line of {} bytes that is not shown]", text.len())
            } else {
                writeln!(diff, "{sign}{text}")
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Edit, Mask, apply, diff};

    fn edit(range: std::ops::Range<usize>, text: &str) -> Edit {
        Edit {
            range,
            text: text.to_owned(),
            shown: None,
        }
    }

    #[test]
    fn edits_and_their_diff() {
        let text = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7\nh: 8\ni: 9";
        for (edits, edited, shown) in [
            (
                vec![edit(0..5, "")],
                text[5..].to_owned(),
                "@@ -1,4 +1,3 @@\n-a: 1\n b: 2\n c: 3\n d: 4\n",
            ),
            (
                vec![edit(8..9, "two"), edit(5..6, "bee"), edit(43..44, "nine\nx: y")],
                text.replace("b: 2", "bee: two").replace("i: 9", "i: nine\nx: y"),
                "@@ -1,9 +1,10 @@\n a: 1\n-b: 2\n+bee: two\n c: 3\n d: 4\n e: 5\n f: 6\n g: 7\n h: 8\n\
                 -i: 9\n+i: nine\n+x: y\n",
            ),
            (
                vec![edit(0..1, "A"), edit(43..44, "10")],
                text.replace("a:", "A:").replace("i: 9", "i: 10"),
                "@@ -1,4 +1,4 @@\n-a: 1\n+A: 1\n b: 2\n c: 3\n d: 4\n\
                 @@ -6,4 +6,4 @@\n f: 6\n g: 7\n h: 8\n-i: 9\n+i: 10\n",
            ),
            (
                vec![edit(10..10, "n: m\n"), edit(10..20, "")],
                text.replace("c: 3\nd: 4\n", "n: m\n"),
                "@@ -1,7 +1,6 @@\n a: 1\n b: 2\n-c: 3\n-d: 4\n+n: m\n e: 5\n f: 6\n g: 7\n",
            ),
        ] {
            assert_eq!(apply(text, &edits).unwrap(), edited);
            assert_eq!(diff("f", text, &edits, &[]).unwrap(), format!("--- f\n+++ f\n{shown}"));
        }
    }

    #[test]
    fn masks_cover_what_changes_and_what_stands_beside_it() {
        let text = "key: SECRET\ncert: |\n  OLD\n  OLD2\nname: a\n";
        let masks = [
            Mask {
                range: 5..11,
                shown: "[1]".into(),
            },
            Mask {
                range: 18..32,
                shown: "[2]".into(),
            },
        ];
        let replaced = Edit {
            range: 18..32,
            text: "|\n  NEW".into(),
            shown: Some("[3]".into()),
        };
        let diff = diff("f", text, &[replaced, edit(33..37, "title")], &masks).unwrap();
        let expected = "@@ -1,3 +1,3 @@\n key: [1]\n-cert: [2]\n+cert: [3]\n-name: a\n+title: a\n";
        assert!(diff.ends_with(expected), "{diff}");
        assert!(super::diff("f", text, &[edit(20..22, "x")], &masks).is_none());
    }
    /// Applies a unified diff as `patch` does.
    fn patched(text: &str, diff: &str) -> String {
        let old: Vec<&str> = text.lines().collect();
        let (mut new, mut at): (Vec<&str>, usize) = (Vec::new(), 0);
        let mut counts = (0, 0);
        for line in diff.lines().skip(2) {
            if let Some(header) = line.strip_prefix("@@ ") {
                assert_eq!(counts, (0, 0), "{diff}");
                let numbers: Vec<usize> = header
                    .split(|c: char| !c.is_ascii_digit())
                    .filter_map(|number| number.parse().ok())
                    .collect();
                let [start, gone, place, come] = numbers[..] else {
                    panic!("{diff}")
                };
                // A hunk without lines refers to the line before it.
                let until = if gone == 0 { start } else { start - 1 };
                new.extend(&old[at..until]);
                assert_eq!(new.len(), if come == 0 { place } else { place - 1 }, "{diff}");
                at = until;
                counts = (gone, come);
                continue;
            }
            let (sign, line) = line.split_at(1);
            if sign != "+" {
                assert_eq!(old[at], line, "{diff}");
                at += 1;
                counts.0 -= 1;
            }
            if sign != "-" {
                new.push(line);
                counts.1 -= 1;
            }
        }
        new.extend(&old[at..]);
        new.join("\n")
    }

    proptest::proptest! {
        #[test]
        fn the_diff_leads_from_one_text_to_the_other(
            lines in proptest::collection::vec("[ab]{0,2}", 1..40),
            cuts in proptest::collection::vec((0..90_usize, 0..6_usize, "[cd\n]{0,4}"), 1..5),
        ) {
            let text = lines.join("\n") + "\n";
            let mut edits: Vec<Edit> = Vec::new();
            let mut from = 0;
            for (start, length, new) in cuts {
                let start = (from + start).min(text.len() - 1);
                let end = (start + length).min(text.len() - 1);
                edits.push(edit(start..end, &new));
                from = end;
            }
            let edited = apply(&text, &edits).unwrap();
            let diff = diff("f", &text, &edits, &[]).unwrap();
            proptest::prop_assert_eq!(patched(&text, &diff), edited.strip_suffix('\n').unwrap());
        }
    }
}
