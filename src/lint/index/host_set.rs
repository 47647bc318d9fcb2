//! Whether a host overlaps with any of thousands, in time proportional to the number of its labels.
//! This works for every wildcard, because each suffix of each host is stored once. To find which
//! hosts overlap, with their values, use [`super::host_index`]: it has to know the lookup wildcards
//! in advance, because storing all values at all suffixes would duplicate every host under `*.com`.

use std::collections::HashSet;

/// A set of hosts: exact names, `*.suffix` and `*`.
#[derive(Debug, Default)]
pub(in crate::lint) struct HostSet<'a> {
    /// Whether it contains any host.
    any: bool,
    /// Whether it contains `*`.
    all: bool,
    exact: HashSet<&'a str>,
    /// `.suffix` of every wildcard.
    wildcards: HashSet<&'a str>,
    /// Every `.suffix` of a host in the set.
    above: HashSet<&'a str>,
}

impl<'a> HostSet<'a> {
    /// Adds a host in lowercase, without namespace.
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

    /// Whether a host and some host in the set cover a common name.
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

/// The suffixes of a name that start at a dot, except at its first character.
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
