//! Whether one host overlaps with any of thousands: a set, asked for yes or
//! no, in the time that the host's own labels take. It answers for every
//! wildcard, because it notes each suffix of its hosts once. Which of the
//! hosts overlap, with a value of each, is [`super::host_index`]: there the
//! wildcards that will be asked for must be known before, since noting all
//! values at all suffixes would hold every host of `*.com` again.

use std::collections::HashSet;

/// A set of hosts: exact names, `*.suffix` and `*`.
#[derive(Debug, Default)]
pub(in crate::lint) struct HostSet<'a> {
    /// Whether it holds any host at all.
    any: bool,
    /// Whether it holds `*`.
    all: bool,
    exact: HashSet<&'a str>,
    /// `.suffix` of every wildcard.
    wildcards: HashSet<&'a str>,
    /// Every `.suffix` that some host of the set ends with.
    above: HashSet<&'a str>,
}

impl<'a> HostSet<'a> {
    /// Adds a host in lower case, without namespace.
    pub(in crate::lint) fn insert(&mut self, host: &'a str) {
        self.any = true;
        match host.strip_prefix('*') {
            Some("") => self.all = true,
            Some(suffix) if suffix.starts_with('.') => {
                self.wildcards.insert(suffix);
                self.above.extend(suffixes(suffix));
            }
            _ => {
                self.exact.insert(host);
                self.above.extend(suffixes(host));
            }
        }
    }

    /// Whether a host and some host of the set cover a name in common.
    pub(in crate::lint) fn overlaps(&self, host: &str) -> bool {
        if self.all || host == "*" {
            return self.any;
        }
        match host.strip_prefix('*').filter(|suffix| suffix.starts_with('.')) {
            Some(suffix) => {
                self.above.contains(suffix)
                    || self.wildcards.contains(suffix)
                    || suffixes(suffix).any(|wider| self.wildcards.contains(wider))
            }
            None => self.exact.contains(host) || suffixes(host).any(|suffix| self.wildcards.contains(suffix)),
        }
    }
}

/// The parts of a name from each of its dots on, but the first character's.
fn suffixes(host: &str) -> impl Iterator<Item = &str> {
    host.char_indices()
        .skip(1)
        .filter(|(_, character)| *character == '.')
        .map(|(at, _)| &host[at..])
}

#[cfg(test)]
mod tests {
    use super::HostSet;
    use crate::manifests::server_hosts::intersection;

    #[test]
    fn the_index_agrees_with_comparing_pairs() {
        let hosts = [
            "*",
            "a.com",
            "b.com",
            "x.a.com",
            "y.x.a.com",
            "*.com",
            "*.a.com",
            "*.x.a.com",
            "*.b.com",
            "com",
            "ä.com",
            "10.0.0.1",
            "a.com.",
            "xa.com",
        ];
        for one in hosts {
            for other in hosts {
                let mut index = HostSet::default();
                index.insert(one);
                assert_eq!(
                    index.overlaps(other),
                    intersection(one, other).is_some(),
                    "{one} and {other}"
                );
            }
        }
    }

    #[test]
    fn an_empty_set_overlaps_nothing() {
        let index = HostSet::default();
        assert!(!index.overlaps("*") && !index.overlaps("a.com") && !index.overlaps("*.com"));
    }
}
