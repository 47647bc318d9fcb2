//! Manifests that are being written: an editor, `cp` or a shell's `>` truncates a
//! file before it writes. Until it is whole again, what it held before counts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sources::disk::Texts;

/// How long a writer may pause before what it has written counts.
const PAUSE: Duration = Duration::from_secs(2);
/// The same for a text that got shorter and does not end its last line: some editors
/// write texts like this on purpose.
const SHORT_PAUSE: Duration = Duration::from_millis(500);

/// The files whose present text does not count yet.
#[derive(Default)]
pub(super) struct Unfinished(BTreeMap<PathBuf, State>);

struct State {
    text: Arc<[u8]>,
    /// Since when it has been this text.
    since: Instant,
    patience: Patience,
    /// An empty file was told of.
    told: bool,
}

/// How long an unfinished text may stay before it counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Patience {
    For(Duration),
    /// A file that holds nothing at all never counts: no object was ever taken out of
    /// a configuration like this on purpose, and a deleted file says the same aloud.
    Forever,
}

impl Unfinished {
    /// Looks at the texts that were just read, beside those that count (`before`).
    /// `is_open` tells of files that some program has open for writing.
    pub(super) fn look(&mut self, before: &Texts, present: &Texts, is_open: impl Fn(&Path) -> bool, now: Instant) {
        let mut states = BTreeMap::new();
        for (path, text) in present {
            let Some(patience) = before
                .get(path)
                .and_then(|before| patience(before, text, is_open(path)))
            else {
                continue;
            };
            let known = self.0.remove(path).filter(|known| known.text == *text);
            let state = known.unwrap_or_else(|| State {
                text: Arc::clone(text),
                since: now,
                patience,
                told: false,
            });
            states.insert(path.clone(), State { patience, ..state });
        }
        self.0 = states;
    }

    /// Whether a text that was read in spite of [`Unfinished::held`] is unfinished: it was
    /// written in that moment.
    pub(super) fn is_surprised(&self, before: &Texts, present: &Texts, is_open: impl Fn(&Path) -> bool) -> bool {
        let is_known = |path: &Path, text: &Arc<[u8]>| self.0.get(path).is_some_and(|state| state.text == *text);
        present.iter().any(|(path, text)| {
            let before = before.get(path);
            before.is_some_and(|before| patience(before, text, is_open(path)).is_some()) && !is_known(path, text)
        })
    }

    /// The texts that count in place of the present ones.
    pub(super) fn held(&self, before: &Texts, now: Instant) -> Texts {
        let held = self
            .0
            .iter()
            .filter(|(_, state)| state.rest(now) != Some(Duration::ZERO));
        held.filter_map(|(path, _)| Some((path.clone(), Arc::clone(before.get(path)?))))
            .collect()
    }

    /// When the next text counts, if nothing is written before.
    pub(super) fn next_change(&self, now: Instant) -> Option<Duration> {
        let rests = self.0.values().map(|state| match state.patience {
            Patience::For(_) => state.rest(now),
            Patience::Forever if state.told => None,
            // Time to tell of it.
            Patience::Forever => Some(PAUSE.saturating_sub(now.duration_since(state.since))),
        });
        rests.flatten().filter(|rest| !rest.is_zero()).min()
    }

    /// Files that have stayed empty, each once.
    pub(super) fn take_empty(&mut self, now: Instant) -> BTreeSet<PathBuf> {
        let mut empty = BTreeSet::new();
        for (path, state) in &mut self.0 {
            if state.patience == Patience::Forever && !state.told && now.duration_since(state.since) >= PAUSE {
                state.told = true;
                empty.insert(path.clone());
            }
        }
        empty
    }
}

impl State {
    /// How long it does not count yet; none: as long as it stays like this.
    fn rest(&self, now: Instant) -> Option<Duration> {
        match self.patience {
            Patience::For(time) => Some(time.saturating_sub(now.duration_since(self.since))),
            Patience::Forever => None,
        }
    }
}

/// How long a text may stay that looks unfinished beside the one before; none for one
/// that does not.
fn patience(before: &[u8], text: &[u8], is_open: bool) -> Option<Patience> {
    if text == before || before.trim_ascii().is_empty() {
        return None;
    }
    if text.trim_ascii().is_empty() {
        return Some(Patience::Forever);
    }
    let is_shorter = text.len() < before.len();
    if is_open || (is_shorter && before.starts_with(text)) {
        return Some(Patience::For(PAUSE));
    }
    let is_cut = is_shorter && before.ends_with(b"\n") && !text.ends_with(b"\n");
    is_cut.then_some(Patience::For(SHORT_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Texts {
        Texts::from([(PathBuf::from("a.yaml"), text.as_bytes().into())])
    }

    #[test]
    fn an_unfinished_text_is_told_from_a_change() {
        let before = "a: 1\nb: 2\n";
        let pause = Some(Patience::For(PAUSE));
        for (text, is_open, wanted) in [
            (before, true, None),
            ("a: 1\nb: 3\n", false, None),
            ("a: 1\nb: 3\n", true, pause),
            ("", false, Some(Patience::Forever)),
            (" \n", true, Some(Patience::Forever)),
            ("a: 1\n", false, pause),
            ("a: 1\nb", false, pause),
            ("c: 1", false, Some(Patience::For(SHORT_PAUSE))),
            ("c: 1\n", false, None),
            ("a: 1\nb: 2\nc: 3", false, None),
        ] {
            assert_eq!(
                patience(before.as_bytes(), text.as_bytes(), is_open),
                wanted,
                "{text:?}"
            );
        }
        assert_eq!(patience(b"\n", b"", false), None);
    }

    #[test]
    fn what_a_file_held_counts_until_it_is_whole_or_time_is_up() {
        let before = texts("a: 1\nb: 2\n");
        let start = Instant::now();
        let mut unfinished = Unfinished::default();
        let closed = |_: &Path| false;
        unfinished.look(&before, &texts("a: 1\n"), closed, start);
        assert_eq!(unfinished.held(&before, start), before);
        assert_eq!(unfinished.next_change(start), Some(PAUSE));
        // A further write: its time begins again.
        let later = start + PAUSE / 2;
        unfinished.look(&before, &texts("a: 1\nb"), closed, later);
        assert_eq!(unfinished.next_change(later), Some(PAUSE));
        unfinished.look(&before, &texts("a: 1\nb"), closed, later + PAUSE);
        assert!(unfinished.held(&before, later + PAUSE).is_empty());
        unfinished.look(&before, &before, closed, later);
        assert_eq!(unfinished.next_change(later), None);
    }

    #[test]
    fn an_empty_file_is_told_once_and_never_counts() {
        let before = texts("a: 1\n");
        let start = Instant::now();
        let mut unfinished = Unfinished::default();
        for (after, told) in [(0, 0), (1, 0), (2, 1), (60, 0)] {
            let now = start + Duration::from_secs(after);
            unfinished.look(&before, &texts(""), |_| false, now);
            assert_eq!(unfinished.held(&before, now), before);
            assert_eq!(unfinished.take_empty(now).len(), told, "after {after} s");
        }
        assert_eq!(unfinished.next_change(start), None);
    }
}
