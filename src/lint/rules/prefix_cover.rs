//! Finds path matches that are covered by an earlier prefix match.

use std::collections::BTreeMap;

use crate::manifests::model::http_route::{HttpMatch, StringMatch};

/// How many prefixes of a path are examined: many equal prefixes with different other conditions
/// would otherwise take quadratic time.
const MOST_PREFIXES: usize = 200;

/// A match covered by an earlier one; matches are numbered in the given order.
#[derive(Debug)]
pub(super) struct Cover<'a> {
    /// The covered match.
    pub(super) covered: usize,
    /// The earlier one that covers it.
    pub(super) by: usize,
    /// The path of the covered match.
    pub(super) path: &'a str,
    /// The prefix of the covering match.
    pub(super) prefix: &'a str,
    /// Whether the covering match accepts every request of the covered one.
    pub(super) is_whole: bool,
    /// Whether Istio reports it too: it compares only prefixes, and the other conditions roughly.
    pub(super) istio_says_so: bool,
}

struct Entry<'a> {
    number: usize,
    route: usize,
    path: &'a str,
    is_prefix: bool,
    wanted: &'a HttpMatch,
}

/// Finds matches that are covered by earlier ones; takes the matches in order, each with its route.
pub(super) fn covered(matches: Vec<(usize, &HttpMatch)>) -> Vec<Cover<'_>> {
    let mut entries: Vec<Entry<'_>> = matches
        .into_iter()
        .enumerate()
        .filter_map(|(number, (route, wanted))| {
            let (path, is_prefix) = match wanted.uri.as_ref()? {
                StringMatch::Prefix(prefix) => (prefix.as_str(), true),
                StringMatch::Exact(path) => (path.as_str(), false),
                StringMatch::Regex(_) | StringMatch::Present => return None,
            };
            (!path.is_empty()).then_some(Entry {
                number,
                route,
                path,
                is_prefix,
                wanted,
            })
        })
        .collect();
    // When sorted by path, every prefix of a path comes before it.
    entries.sort_by_key(|entry| (entry.path, entry.number));
    let mut around: Vec<&Entry<'_>> = Vec::new();
    let mut covers = Vec::new();
    for entry in &entries {
        while around.last().is_some_and(|outer| !entry.path.starts_with(outer.path)) {
            around.pop();
        }
        let earlier = around.iter().rev().take(MOST_PREFIXES);
        let judged = earlier
            .filter(|outer| outer.number < entry.number)
            .filter_map(|outer| judge(outer, entry));
        covers.extend(judged.max_by_key(|cover| (cover.istio_says_so, cover.is_whole)));
        if entry.is_prefix {
            around.push(entry);
        }
    }
    covers.sort_by_key(|cover| cover.covered);
    covers
}

fn judge<'a>(outer: &Entry<'a>, inner: &Entry<'a>) -> Option<Cover<'a>> {
    let istio_says_so = inner.is_prefix && outer.path != inner.path && istio_covers(outer.wanted, inner.wanted);
    // Within one route it does not matter which match applies.
    let is_whole = covers(outer.wanted, inner.wanted);
    let is_ours = is_whole && outer.route != inner.route;
    (istio_says_so || is_ours).then_some(Cover {
        covered: inner.number,
        by: outer.number,
        path: inner.path,
        prefix: outer.path,
        is_whole,
        istio_says_so,
    })
}

/// Whether a match with a covered path also has all other conditions of the covering one.
pub(super) fn covers(outer: &HttpMatch, inner: &HttpMatch) -> bool {
    fn none_or_equal<T: PartialEq>(outer: Option<&T>, inner: Option<&T>) -> bool {
        outer.is_none() || outer == inner
    }
    let within = |outer: &BTreeMap<String, StringMatch>, inner: &BTreeMap<String, StringMatch>| {
        outer.iter().all(|(name, wanted)| inner.get(name) == Some(wanted))
    };
    none_or_equal(outer.scheme.as_ref(), inner.scheme.as_ref())
        && none_or_equal(outer.method.as_ref(), inner.method.as_ref())
        && none_or_equal(outer.authority.as_ref(), inner.authority.as_ref())
        && within(&outer.headers, &inner.headers)
        && within(&outer.without_headers, &inner.without_headers)
        && within(&outer.query_params, &inner.query_params)
        && (port_of(outer) == 0 || port_of(outer) == port_of(inner))
        && (outer.gateways.is_empty() || outer.gateways == inner.gateways)
        && (outer.source_labels.is_empty() || outer.source_labels == inner.source_labels)
        && none_or_equal(outer.source_namespace.as_ref(), inner.source_namespace.as_ref())
        && outer.ignore_uri_case.unwrap_or_default() == inner.ignore_uri_case.unwrap_or_default()
        // Conditions on the workload apply only if no Gateway is given.
        && (inner.gateways.is_empty() || outer.source_labels.is_empty() && outer.source_namespace.is_none())
}

fn port_of(wanted: &HttpMatch) -> u32 {
    wanted.port.unwrap_or_default()
}

/// Istio's comparison of the other conditions: a missing method is GET, and the later value must be
/// a prefix of the earlier one.
fn istio_covers(outer: &HttpMatch, inner: &HttpMatch) -> bool {
    let pairs = [
        (method_of(outer), method_of(inner)),
        (value(outer.authority.as_ref()), value(inner.authority.as_ref())),
    ];
    let maps = [
        (&outer.headers, &inner.headers),
        (&outer.query_params, &inner.query_params),
        (&outer.without_headers, &inner.without_headers),
    ];
    port_of(outer) == port_of(inner)
        && pairs.into_iter().all(|(outer, inner)| begins(outer, inner))
        && maps.into_iter().all(|(outer, inner)| {
            let mut outer_values = outer.iter();
            outer.len() == inner.len()
                && outer_values.all(|(name, wanted)| {
                    let inner = inner.get(name);
                    inner.is_some_and(|inner| begins(value(Some(wanted)), value(Some(inner))))
                })
        })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    None,
    Exact,
    Prefix,
}

fn value(wanted: Option<&StringMatch>) -> (Kind, &str) {
    match wanted {
        Some(StringMatch::Exact(text)) if !text.is_empty() => (Kind::Exact, text),
        Some(StringMatch::Prefix(text)) if !text.is_empty() => (Kind::Prefix, text),
        _ => (Kind::None, ""),
    }
}

fn method_of(wanted: &HttpMatch) -> (Kind, &str) {
    match value(wanted.method.as_ref()) {
        (Kind::None, _) => (Kind::Exact, "GET"),
        method => method,
    }
}

/// Whether the later value is a prefix of the earlier one.
fn begins((outer_kind, outer): (Kind, &str), (inner_kind, inner): (Kind, &str)) -> bool {
    inner_kind == Kind::None || outer_kind == inner_kind && outer.starts_with(inner)
}

#[cfg(test)]
mod tests {
    use super::covered;
    use crate::manifests::model::http_route::{HttpMatch, StringMatch};

    fn prefix(path: &str) -> HttpMatch {
        HttpMatch {
            uri: Some(StringMatch::Prefix(path.to_owned())),
            ..HttpMatch::default()
        }
    }

    fn with_method(path: &str, method: &str) -> HttpMatch {
        HttpMatch {
            method: Some(StringMatch::Exact(method.to_owned())),
            ..prefix(path)
        }
    }

    fn with_header(path: &str, header: StringMatch) -> HttpMatch {
        HttpMatch {
            headers: [("x".to_owned(), header)].into(),
            ..prefix(path)
        }
    }

    #[test]
    fn what_istio_says_and_what_is_so() {
        let exact = |text: &str| StringMatch::Exact(text.to_owned());
        for (outer, inner, expected) in [
            (prefix("/a"), prefix("/ab"), Some((true, true))),
            (prefix("/a"), prefix("/b"), None),
            (prefix("/a"), with_method("/ab", "GET"), Some((true, true))),
            (prefix("/a"), with_method("/ab", "POST"), Some((true, false))),
            (with_method("/a", "GET"), prefix("/ab"), Some((false, true))),
            (with_method("/a", "POST"), prefix("/ab"), None),
            (
                with_header("/a", exact("v")),
                with_header("/ab", exact("v")),
                Some((true, true)),
            ),
            (
                with_header("/a", exact("vw")),
                with_header("/ab", exact("v")),
                Some((false, true)),
            ),
            (with_header("/a", exact("v")), with_header("/ab", exact("w")), None),
            (
                with_header("/a", exact("v")),
                with_header("/ab", StringMatch::Present),
                Some((false, true)),
            ),
            (prefix("/a"), with_header("/a", exact("v")), Some((true, false))),
        ] {
            let covers = covered(vec![(0, &outer), (1, &inner)]);
            let found = covers.first().map(|cover| (cover.is_whole, cover.istio_says_so));
            assert_eq!(found, expected, "{outer:?} and {inner:?}");
        }
    }

    #[test]
    fn many_prefixes_take_linear_time() {
        let matches: Vec<HttpMatch> = (0..5_000)
            .map(|number| with_method("/a", &format!("M{number}")))
            .collect();
        assert_eq!(covered(matches.iter().map(|wanted| (0, wanted)).collect()).len(), 0);
    }
}
