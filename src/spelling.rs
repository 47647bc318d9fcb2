//! "Did you mean": the known word that is most similar to an unknown one.

use std::collections::{BTreeSet, HashMap};

/// Words of up to this many letters must have the same first letter.
const SHORT: usize = 5;
/// Words of this many letters may differ by two of them, shorter ones by one.
const LONG: usize = 8;
/// The maximum number of letters by which words may differ.
const MOST: usize = 2;

/// The known word of which `word` is most likely a misspelling: one that differs only in
/// case and punctuation, or by a letter or two; none if none is close.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = plain(word);
    let near = known
        .into_iter()
        .filter_map(|candidate| Some((distance(&word, &plain(candidate))?, candidate)));
    near.min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether one word may be a misspelling of the other.
pub fn is_near(word: &str, known: &str) -> bool {
    nearest(word, [known]).is_some()
}

/// Letters in lower case, without separators.
fn plain(word: &str) -> String {
    let letters = word.chars().filter(|c| !matches!(c, '-' | '_' | ' ' | '/'));
    letters.flat_map(char::to_lowercase).collect()
}

/// Letters to insert, delete, change or swap; none if that is too many.
fn distance(word: &str, known: &str) -> Option<usize> {
    let length = known.chars().count();
    if length.abs_diff(word.chars().count()) > MOST {
        return None;
    }
    let distance = strsim::osa_distance(word, known);
    let is_near = match distance {
        0 => true,
        1 if length > SHORT => true,
        1 => length > 2 && word.chars().next() == known.chars().next(),
        distance => length >= LONG && distance <= MOST,
    };
    is_near.then_some(distance)
}

/// Many known words, indexed by sketches of each, so that the nearest of thousands is
/// found without comparing every word with every other.
#[derive(Debug, Default)]
pub struct Index<'a> {
    by_sketch: HashMap<String, BTreeSet<&'a str>>,
}

impl<'a> FromIterator<&'a str> for Index<'a> {
    fn from_iter<I: IntoIterator<Item = &'a str>>(words: I) -> Self {
        let mut index = Self::default();
        for word in words {
            for sketch in sketches(word) {
                index.by_sketch.entry(sketch).or_default().insert(word);
            }
        }
        index
    }
}

impl<'a> Index<'a> {
    /// The word that differs by one character, by two swapped ones, or only by
    /// punctuation.
    pub fn nearest(&self, word: &str) -> Option<&'a str> {
        let mut hits: HashMap<&str, usize> = HashMap::new();
        for sketch in sketches(word) {
            for known in self.by_sketch.get(&sketch).into_iter().flatten().take(MOST_ALIKE) {
                *hits.entry(known).or_default() += 1;
            }
        }
        let others = hits.into_iter().filter(|(known, _)| *known != word);
        let (best, _) = others.max_by_key(|(known, count)| (*count, std::cmp::Reverse(*known)))?;
        Some(best)
    }
}

/// How many words with the same sketch are compared.
const MOST_ALIKE: usize = 8;

/// Texts that words share if they differ by one character or by punctuation.
fn sketches(word: &str) -> BTreeSet<String> {
    let letters: Vec<char> = word.chars().filter(|c| c.is_alphanumeric()).take(64).collect();
    let mut sketches: BTreeSet<String> = (0..letters.len())
        .map(|skipped| {
            let kept = letters.iter().enumerate().filter(|(place, _)| *place != skipped);
            kept.map(|(_, letter)| *letter).collect()
        })
        .collect();
    sketches.insert(letters.into_iter().collect());
    // Words of a letter or two are all alike.
    sketches.retain(|sketch| sketch.chars().count() >= 3);
    sketches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Index, nearest};

    #[test]
    fn slips_of_a_letter_or_two_are_near_and_other_words_are_not() {
        const KEYS: [&str; 6] = ["mode", "hosts", "credentialName", "id", "selector", "routes"];
        for (word, wanted) in [
            ("mdoe", Some("mode")),
            ("host", Some("hosts")),
            ("Hosts", Some("hosts")),
            ("credential-name", Some("credentialName")),
            ("credentail_name", Some("credentialName")),
            ("slector", Some("selector")),
            ("ID", Some("id")),
            // Different words, although only a letter apart.
            ("node", None),
            ("ix", None),
            ("notes", None),
            ("comment", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, KEYS), wanted, "{word}");
        }
        assert_eq!(nearest("SIMPEL", ["PASSTHROUGH", "SIMPLE"]), Some("SIMPLE"));
        assert_eq!(nearest("ITL004", ["ITL0400", "ITL0004"]), Some("ITL0004"));
        assert_eq!(nearest("b.com", ["a.com"]), None);
        assert_eq!(
            nearest("httpbin.exmaple.com", ["httpbin.example.com"]),
            Some("httpbin.example.com")
        );
    }

    #[test]
    fn one_of_many_is_found() {
        let index: Index<'_> = ["httpbin-credential", "bookinfo-credential", "ab"]
            .into_iter()
            .collect();
        assert_eq!(index.nearest("htpbin-credential"), Some("httpbin-credential"));
        assert_eq!(index.nearest("bookinfocredential"), Some("bookinfo-credential"));
        assert_eq!(index.nearest("httpbin-credential"), None, "not a misspelling of itself");
        assert_eq!(index.nearest("ac"), None);
    }

    proptest! {
        #[test]
        fn a_letter_less_is_always_near(word in "[a-z]{7,20}", place in 0_usize..7) {
            let mut slip = word.clone();
            slip.remove(place);
            prop_assert_eq!(nearest(&slip, [word.as_str()]), Some(word.as_str()));
        }

        #[test]
        fn any_words_are_compared(word in ".{0,40}", known in ".{0,40}") {
            let found = nearest(&word, [known.as_str()]);
            prop_assert!(found.is_none_or(|found| found == known));
            let index: Index<'_> = [known.as_str()].into_iter().collect();
            prop_assert!(index.nearest(&word).is_none_or(|found| found == known));
        }
    }
}
