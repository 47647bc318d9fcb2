//! Finds which of many hosts (exact names and wildcards) overlap with a given one, with their
//! values, without comparing all pairs. If only the existence of an overlap matters,
//! [`super::host_set`] is enough and needs no preparation.

use std::collections::{BTreeSet, HashMap, HashSet};

/// The maximum length of a host that is indexed or looked up: longer ones are invalid.
const LONGEST: usize = 255;

/// Hosts, each with values. A host is lowercase, and exact, `*`, or a `*` before a suffix.
#[derive(Debug, Default)]
pub(in crate::lint) struct HostIndex<T> {
    exact: HashMap<String, BTreeSet<T>>,
    /// By the part after the `*`.
    wildcards: HashMap<String, BTreeSet<T>>,
    /// All hosts that a lookup wildcard covers, by its suffix.
    covered: HashMap<String, BTreeSet<T>>,
    asked: Suffixes,
    own: Suffixes,
}

/// Suffixes of wildcards.
#[derive(Debug, Default, Clone)]
pub(in crate::lint) struct Suffixes {
    known: HashSet<String>,
    /// Whether any suffix does not begin at a label.
    within_labels: bool,
}

impl Suffixes {
    /// The suffixes of the wildcards among the hosts.
    pub(in crate::lint) fn of<'h>(hosts: impl Iterator<Item = &'h str>) -> Self {
        let mut suffixes = Self::default();
        for suffix in hosts.filter_map(|host| host.strip_prefix('*')) {
            suffixes.add(suffix);
        }
        suffixes
    }

    fn add(&mut self, suffix: &str) {
        self.within_labels |= !suffix.is_empty() && !suffix.starts_with('.');
        if !self.known.contains(suffix) {
            self.known.insert(suffix.to_owned());
        }
    }

    /// The known suffixes that a longer text ends with.
    fn around<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let starts = text
            .char_indices()
            .skip(1)
            .filter(|(_, c)| self.within_labels || *c == '.')
            .map(|(at, _)| &text[at..]);
        let whole = (!text.is_empty()).then_some("");
        starts.chain(whole).filter(|suffix| self.known.contains(*suffix))
    }
}

impl<T: Ord + Clone> HostIndex<T> {
    /// An index that can look up exact hosts, and wildcards with these suffixes.
    pub(in crate::lint) fn asked_for(asked: &Suffixes) -> Self {
        Self {
            exact: HashMap::new(),
            wildcards: HashMap::new(),
            covered: HashMap::new(),
            asked: asked.clone(),
            own: Suffixes::default(),
        }
    }

    /// Adds a host's value.
    pub(in crate::lint) fn add(&mut self, host: &str, value: &T) {
        if host.len() > LONGEST {
            return;
        }
        let (text, by_host) = match host.strip_prefix('*') {
            Some(suffix) => {
                self.own.add(suffix);
                (suffix, &mut self.wildcards)
            }
            None => (host, &mut self.exact),
        };
        add(by_host, text, value);
        for suffix in self.asked.around(text) {
            add(&mut self.covered, suffix, value);
        }
    }

    /// The values of all hosts that overlap with one; may contain duplicates.
    pub(in crate::lint) fn overlapping<'s>(&'s self, host: &str) -> impl Iterator<Item = &'s T> {
        let host = if host.len() > LONGEST { "" } else { host };
        let (text, same, beneath) = match host.strip_prefix('*') {
            Some(suffix) => (suffix, self.wildcards.get(suffix), self.covered.get(suffix)),
            None => (host, self.exact.get(host), None),
        };
        let around = self.own.around(text).filter_map(|suffix| self.wildcards.get(suffix));
        same.into_iter().chain(beneath).chain(around).flatten()
    }
}

fn add<T: Ord + Clone>(map: &mut HashMap<String, BTreeSet<T>>, key: &str, value: &T) {
    match map.get_mut(key) {
        Some(values) if values.contains(value) => {}
        Some(values) => {
            values.insert(value.clone());
        }
        None => {
            map.insert(key.to_owned(), BTreeSet::from([value.clone()]));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{HostIndex, Suffixes};
    use crate::manifests::server_hosts::intersection;

    #[test]
    fn it_finds_what_comparing_all_pairs_finds() {
        let hosts = [
            "*",
            "a.com",
            "x.a.com",
            "y.x.a.com",
            "*.a.com",
            "*.x.a.com",
            "*.com",
            "*-x.a.com",
            "b-x.a.com",
            "*a.com",
            "b.com",
            "*.b.com",
            "",
            "\u{e9}.a.com",
        ];
        let asked = Suffixes::of(hosts.into_iter());
        let mut index = HostIndex::asked_for(&asked);
        for host in hosts {
            index.add(host, &host);
        }
        for host in hosts {
            let found: BTreeSet<&str> = index.overlapping(host).copied().collect();
            let expected: BTreeSet<&str> = hosts
                .into_iter()
                .filter(|other| intersection(host, other).is_some())
                .collect();
            assert_eq!(found, expected, "{host}");
        }
    }

    #[test]
    fn hosts_that_are_too_long_overlap_with_none() {
        let long = "a.".repeat(100_000);
        let mut index = HostIndex::asked_for(&Suffixes::of(["*"].into_iter()));
        index.add(&long, &1);
        index.add("a.com", &2);
        assert_eq!(index.overlapping(&long).count(), 0);
        assert_eq!(index.overlapping("*").collect::<Vec<_>>(), [&2]);
    }
}
