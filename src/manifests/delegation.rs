//! Routes that a VirtualService delegates to another one: which of them apply, and what they
//! inherit (istiod's `pilot/pkg/model/virtualservice.go`).

use std::collections::BTreeMap;

use super::model::http_route::{HttpMatch, HttpRoute, StringMatch};

/// The delegate's route merged with the conditions and settings of the delegating route. `None` if
/// one of its matches is not a subset of any of the root's: istiod drops such a route.
pub fn merge(root: &HttpRoute, inner: &HttpRoute) -> Option<HttpRoute> {
    let mut merged = inner.clone();
    merged.matches = merge_matches(&root.matches, &inner.matches)?;
    merged.name = joined(root.name.as_deref(), inner.name.as_deref());
    inherit(&mut merged.rewrite, root.rewrite.as_ref());
    inherit(&mut merged.direct_response, root.direct_response.as_ref());
    inherit(&mut merged.timeout, root.timeout.as_ref());
    inherit(&mut merged.retries, root.retries.as_ref());
    inherit(&mut merged.fault, root.fault.as_ref());
    inherit(&mut merged.mirror, root.mirror.as_ref());
    inherit(&mut merged.mirror_percent, root.mirror_percent.as_ref());
    inherit(&mut merged.mirror_percentage, root.mirror_percentage.as_ref());
    inherit(&mut merged.cors_policy, root.cors_policy.as_ref());
    inherit(&mut merged.headers, root.headers.as_ref());
    if merged.mirrors.is_empty() {
        merged.mirrors.clone_from(&root.mirrors);
    }
    Some(merged)
}

fn inherit<T: Clone>(own: &mut Option<T>, from: Option<&T>) {
    if own.is_none() {
        *own = from.cloned();
    }
}

fn joined(root: Option<&str>, inner: Option<&str>) -> Option<String> {
    let set = |name: Option<&str>| name.filter(|name| !name.is_empty()).map(str::to_owned);
    match (set(root), set(inner)) {
        (Some(root), Some(inner)) => Some(format!("{root}-{inner}")),
        (root, inner) => inner.or(root),
    }
}

/// Each of the delegate's matches with each of the root's matches that contains it.
fn merge_matches(root: &[HttpMatch], inner: &[HttpMatch]) -> Option<Vec<HttpMatch>> {
    if root.is_empty() {
        return Some(inner.to_vec());
    }
    if inner.is_empty() {
        return Some(root.to_vec());
    }
    let mut merged = Vec::new();
    for own in inner {
        let before = merged.len();
        let within = root.iter().filter(|outer| !conflicts(outer, own));
        merged.extend(within.map(|outer| merge_match(outer, own)));
        if merged.len() == before {
            return None;
        }
    }
    Some(merged)
}

fn merge_match(outer: &HttpMatch, own: &HttpMatch) -> HttpMatch {
    let mut merged = own.clone();
    merged.name = joined(outer.name.as_deref(), own.name.as_deref());
    inherit(&mut merged.uri, outer.uri.as_ref());
    inherit(&mut merged.scheme, outer.scheme.as_ref());
    inherit(&mut merged.method, outer.method.as_ref());
    inherit(&mut merged.authority, outer.authority.as_ref());
    inherit_entries(&mut merged.headers, &outer.headers);
    inherit_entries(&mut merged.without_headers, &outer.without_headers);
    inherit_entries(&mut merged.query_params, &outer.query_params);
    inherit_entries(&mut merged.source_labels, &outer.source_labels);
    if merged.port.unwrap_or_default() == 0 {
        merged.port = outer.port;
    }
    if merged.source_namespace.as_deref().unwrap_or_default().is_empty() {
        merged.source_namespace.clone_from(&outer.source_namespace);
    }
    if merged.gateways.is_empty() {
        merged.gateways.clone_from(&outer.gateways);
    }
    merged
}

fn inherit_entries<T: Clone>(own: &mut BTreeMap<String, T>, from: &BTreeMap<String, T>) {
    for (name, value) in from {
        own.entry(name.clone()).or_insert_with(|| value.clone());
    }
}

/// Whether a VirtualService's `exportTo` makes it visible to the namespace of one that delegates to
/// it; an empty list means visible to all.
pub fn is_shown(export_to: &[String], own_namespace: &str, namespace: &str) -> bool {
    let shows = |entry: &String| match entry.as_str() {
        "*" => true,
        "." => own_namespace == namespace,
        entry => entry == namespace,
    };
    export_to.is_empty() || export_to.iter().any(shows)
}

/// Whether a delegate's match is not a subset of a match of the delegating route.
pub fn conflicts(outer: &HttpMatch, inner: &HttpMatch) -> bool {
    let texts = [
        (&outer.uri, &inner.uri),
        (&outer.scheme, &inner.scheme),
        (&outer.method, &inner.method),
        (&outer.authority, &inner.authority),
    ];
    let maps = [
        (&outer.headers, &inner.headers),
        (&outer.without_headers, &inner.without_headers),
        (&outer.query_params, &inner.query_params),
    ];
    let port = |wanted: &HttpMatch| wanted.port.filter(|port| *port != 0);
    let namespace = |wanted: &HttpMatch| wanted.source_namespace.clone().unwrap_or_default();
    texts
        .iter()
        .any(|(outer, inner)| text_conflicts(outer.as_ref(), inner.as_ref()))
        || maps.iter().any(|(outer, inner)| {
            inner
                .iter()
                .any(|(name, own)| text_conflicts(outer.get(name), Some(own)))
        })
        || outer.ignore_uri_case.unwrap_or_default() != inner.ignore_uri_case.unwrap_or_default()
        || matches!((port(outer), port(inner)), (Some(outer), Some(inner)) if outer != inner)
        || !namespace(outer).is_empty() && namespace(outer) != namespace(inner)
        || inner
            .source_labels
            .iter()
            .any(|(label, value)| outer.source_labels.get(label).is_some_and(|outer| outer != value))
        || !outer.gateways.is_empty() && inner.gateways.iter().any(|name| !outer.gateways.contains(name))
}

fn text_conflicts(outer: Option<&StringMatch>, inner: Option<&StringMatch>) -> bool {
    let (Some(outer), Some(inner)) = (outer, inner) else {
        return false;
    };
    match (outer, inner) {
        (StringMatch::Exact(outer), StringMatch::Exact(inner)) => outer != inner,
        (StringMatch::Prefix(outer), StringMatch::Prefix(inner) | StringMatch::Exact(inner)) => {
            !inner.starts_with(outer.as_str())
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::merge;
    use crate::manifests::model::http_route::HttpRoute;

    fn route(yaml: &str) -> HttpRoute {
        serde_saphyr::from_str(yaml).expect("a route")
    }

    #[test]
    fn a_delegate_s_route_inherits_what_it_does_not_say() {
        let root = route(
            "{name: r, match: [{uri: {prefix: /a}, headers: {x: {exact: '1'}}}], timeout: 3s, retries: {attempts: 1}}",
        );
        let inner = route("{name: i, match: [{uri: {prefix: /a/b}}, {method: {exact: GET}}], timeout: 1s}");
        let merged = merge(&root, &inner).expect("it lies within");
        assert_eq!(merged.name.as_deref(), Some("r-i"));
        assert_eq!(merged.timeout.as_deref(), Some("1s"));
        assert_eq!(merged.retries, root.retries);
        let expected = route(
            "{match: [{uri: {prefix: /a/b}, headers: {x: {exact: '1'}}}, {uri: {prefix: /a}, method: {exact: GET}, headers: {x: {exact: '1'}}}]}",
        );
        assert_eq!(merged.matches.len(), 2);
        for (at, wanted) in expected.matches.iter().enumerate() {
            assert_eq!(
                (&merged.matches[at].uri, &merged.matches[at].headers),
                (&wanted.uri, &wanted.headers)
            );
        }
    }

    #[test]
    fn a_route_outside_the_root_s_matches_is_dropped() {
        let root = route("{match: [{uri: {prefix: /a}}]}");
        for (inner, kept) in [
            ("{match: [{uri: {exact: /a/b}}]}", true),
            ("{match: [{uri: {prefix: /b}}]}", false),
            ("{match: [{uri: {regex: /a.*}}]}", false),
            ("{match: [{uri: {prefix: /a/b}}, {uri: {prefix: /b}}]}", false),
            ("{}", true),
        ] {
            assert_eq!(merge(&root, &route(inner)).is_some(), kept, "{inner}");
        }
    }
}
