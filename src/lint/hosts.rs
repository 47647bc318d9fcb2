//! Host names by what they cover, so that a host is compared with thousands
//! of others in the time that its own labels take.

use std::collections::HashSet;

/// A set of hosts: exact names, `*.suffix` and `*`.
#[derive(Debug, Default)]
pub(super) struct HostIndex<'a> {
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

impl<'a> HostIndex<'a> {
    /// Adds a host in lower case, without namespace.
    pub(super) fn insert(&mut self, host: &'a str) {
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
    pub(super) fn overlaps(&self, host: &str) -> bool {
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
    use super::HostIndex;
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
                let mut index = HostIndex::default();
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
        let index = HostIndex::default();
        assert!(!index.overlaps("*") && !index.overlaps("a.com") && !index.overlaps("*.com"));
    }
}
