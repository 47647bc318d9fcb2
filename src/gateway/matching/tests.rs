//! Each sentence of Istio's and Envoy's rules for choosing, as a table row.

use std::collections::HashMap;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::{
    RequestParts, destination, edit_headers, filter_chain, https_location, location, matches, rewritten, route,
    split_port, virtual_host,
};
use crate::gateway::config::header_text::{HeaderText, RequestField};
use crate::gateway::config::table::{
    Destination, FilterChain, Forward, HeaderEdit, HeaderOperations, PathRewrite, Redirect, RetryPolicy, Route,
    RouteAction, RouteMatch, RouteTable, SniTable, StringMatch, ValueMatch, VirtualHost,
};

fn chain(name: &str) -> Arc<FilterChain> {
    Arc::new(FilterChain::https(
        name.into(),
        Err("not of interest".into()),
        Arc::new(RouteTable::default()),
    ))
}

fn host(name: &str) -> Arc<VirtualHost> {
    Arc::new(VirtualHost {
        name: name.into(),
        ..VirtualHost::default()
    })
}

/// Exact names, wildcards by suffix, and the host `*`.
type Names<T> = (HashMap<Box<str>, T>, HashMap<Box<str>, T>, Option<T>);

fn names<T>(make: fn(&str) -> T, names: &[&str]) -> Names<T> {
    let (mut exact, mut wildcard, mut any) = (HashMap::new(), HashMap::new(), None);
    for name in names {
        match name.strip_prefix('*') {
            Some("") => any = Some(make(name)),
            Some(suffix) => drop(wildcard.insert(suffix.into(), make(name))),
            None => drop(exact.insert((*name).into(), make(name))),
        }
    }
    (exact, wildcard, any)
}

fn request<'a>(path: &'a str, headers: &'a HeaderMap) -> RequestParts<'a> {
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    RequestParts {
        scheme: "https",
        method: "GET",
        authority: "a.com",
        path,
        query,
        headers,
    }
}

fn exact(text: &str) -> StringMatch {
    StringMatch::Exact(text.into())
}

fn prefix(text: &str) -> StringMatch {
    StringMatch::Prefix(text.into())
}

fn regex(text: &str) -> StringMatch {
    StringMatch::Regex(regex::Regex::new(&format!("^(?:{text})$")).expect("a pattern"))
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::try_from(*name).expect("a name"),
                HeaderValue::from_str(value).expect("a value"),
            )
        })
        .collect()
}

#[test]
fn the_most_specific_server_name_wins() {
    let table = |list: &[&str]| {
        let (exact, wildcard, any) = names(chain, list);
        SniTable {
            exact,
            wildcard,
            any,
            is_inspected: false,
        }
    };
    let full = table(&["b.foo.com", "*.foo.com", "*.b.foo.com", "*"]);
    let closed = table(&["b.foo.com", "*.foo.com"]);
    for (table, sni, expected) in [
        (&full, Some("b.foo.com"), Some("b.foo.com")),
        (&full, Some("B.Foo.COM"), Some("b.foo.com")),
        (&full, Some("a.foo.com"), Some("*.foo.com")),
        (&full, Some("a.b.foo.com"), Some("*.b.foo.com")),
        (&full, Some("x.y.b.foo.com"), Some("*.b.foo.com")),
        (&full, Some("x.y.foo.com"), Some("*.foo.com")),
        (&full, Some("foo.com"), Some("*")),
        (&full, Some("other.com"), Some("*")),
        (&full, None, Some("*")),
        (&closed, Some("foo.com"), None),
        (&closed, Some(".foo.com"), None),
        (&closed, None, None),
    ] {
        assert_eq!(
            filter_chain(table, sni).map(|chain| chain.name.as_str()),
            expected,
            "SNI {sni:?}"
        );
    }
}

#[test]
fn the_port_and_the_case_of_an_authority_are_ignored() {
    let table = |list: &[&str]| {
        let (exact, wildcard, any) = names(host, list);
        RouteTable { exact, wildcard, any }
    };
    let full = table(&["foo.com", "*.foo.com", "*"]);
    let closed = table(&["foo.com", "*.foo.com"]);
    for (table, authority, expected) in [
        (&full, "foo.com", Some("foo.com")),
        (&full, "foo.com:443", Some("foo.com")),
        (&full, "FOO.com:9999", Some("foo.com")),
        (&full, "a.foo.com:8443", Some("*.foo.com")),
        (&full, "[::1]:8443", Some("*")),
        (&closed, "bar.com", None),
        (&closed, "", None),
        (&closed, ":", None),
        (&closed, "[::1", None),
    ] {
        assert_eq!(
            virtual_host(table, authority).map(|host| host.name.as_str()),
            expected,
            "authority {authority}"
        );
    }
}

#[test]
fn ports_of_authorities() {
    for (authority, expected) in [
        ("a.com", ("a.com", "")),
        ("a.com:1", ("a.com", ":1")),
        ("[::1]", ("[::1]", "")),
        ("[::1]:80", ("[::1]", ":80")),
        ("10.0.0.1:80", ("10.0.0.1", ":80")),
    ] {
        assert_eq!(split_port(authority), expected);
    }
}

#[test]
fn paths() {
    for (condition, ignore_case, path, expected) in [
        (exact("/status"), false, "/status", true),
        (exact("/status"), false, "/status/", false),
        (exact("/status"), false, "/Status", false),
        (exact("/status"), true, "/Status", true),
        // A prefix is a plain string prefix, not a prefix of segments.
        (prefix("/foo"), false, "/foobar", true),
        (prefix("/foo"), false, "/fo", false),
        (prefix("/Foo"), false, "/foo/x", false),
        (prefix("/Foo"), true, "/foo/x", true),
        (prefix(""), false, "/any", true),
        // A regular expression covers the whole path.
        (regex("/a+"), false, "/aaa", true),
        (regex("/a+"), false, "/aaab", false),
        (regex("/a|/b"), false, "/b", true),
        (regex("/a"), true, "/A", false),
        // The query is never part of it.
        (exact("/status"), false, "/status?a=b", true),
    ] {
        let when = RouteMatch {
            path: Some(condition),
            ignore_path_case: ignore_case,
            ..RouteMatch::default()
        };
        assert_eq!(matches(&when, &request(path, &HeaderMap::new())), expected, "{path}");
    }
}

#[test]
fn scheme_method_and_authority_respect_case() {
    let none = HeaderMap::new();
    for (when, expected) in [
        (
            RouteMatch {
                scheme: Some(exact("https")),
                ..RouteMatch::default()
            },
            true,
        ),
        (
            RouteMatch {
                scheme: Some(exact("http")),
                ..RouteMatch::default()
            },
            false,
        ),
        (
            RouteMatch {
                method: Some(exact("GET")),
                ..RouteMatch::default()
            },
            true,
        ),
        (
            RouteMatch {
                method: Some(exact("get")),
                ..RouteMatch::default()
            },
            false,
        ),
        (
            RouteMatch {
                authority: Some(prefix("a.")),
                ..RouteMatch::default()
            },
            true,
        ),
        (
            RouteMatch {
                authority: Some(exact("A.com")),
                ..RouteMatch::default()
            },
            false,
        ),
        // All conditions must hold.
        (
            RouteMatch {
                method: Some(exact("GET")),
                path: Some(exact("/no")),
                ..RouteMatch::default()
            },
            false,
        ),
        (RouteMatch::default(), true),
    ] {
        assert_eq!(matches(&when, &request("/", &none)), expected);
    }
}

#[test]
fn an_authority_is_matched_with_its_port() {
    let none = HeaderMap::new();
    let mut parts = request("/", &none);
    parts.authority = "a.com:8443";
    let when = |value: &str| RouteMatch {
        authority: Some(exact(value)),
        ..RouteMatch::default()
    };
    assert!(matches(&when("a.com:8443"), &parts));
    assert!(!matches(&when("a.com"), &parts));
}

#[test]
fn header_conditions() {
    let sent = headers(&[("x-user", "jason"), ("x-twice", "a"), ("X-Twice", "b")]);
    for (name, condition, with, without) in [
        ("x-user", ValueMatch::Present, true, false),
        ("x-none", ValueMatch::Present, false, true),
        ("x-user", ValueMatch::Value(exact("jason")), true, false),
        ("x-user", ValueMatch::Value(exact("Jason")), false, true),
        ("x-user", ValueMatch::Value(prefix("ja")), true, false),
        ("x-user", ValueMatch::Value(regex("j.*n")), true, false),
        ("x-user", ValueMatch::Value(regex("j")), false, true),
        // Repeated values are tested one by one.
        ("x-twice", ValueMatch::Value(exact("a,b")), false, true),
        ("x-twice", ValueMatch::Value(exact("a")), true, false),
        ("x-twice", ValueMatch::Value(exact("b")), true, false),
        (":path", ValueMatch::Value(exact("/")), true, false),
        (":method", ValueMatch::Value(exact("POST")), false, true),
        // A missing header never matches a value, and counts as empty where it must not match.
        ("x-none", ValueMatch::Value(exact("x")), false, true),
        ("x-none", ValueMatch::Value(regex(".*")), false, false),
    ] {
        let field = RequestField::named(name).expect("a field");
        let condition_again = match &condition {
            ValueMatch::Present => ValueMatch::Present,
            ValueMatch::Value(StringMatch::Exact(text)) => ValueMatch::Value(exact(text)),
            ValueMatch::Value(StringMatch::Prefix(text) | StringMatch::PathPrefix(text)) => {
                ValueMatch::Value(prefix(text))
            }
            ValueMatch::Value(StringMatch::Regex(text)) => ValueMatch::Value(StringMatch::Regex(text.clone())),
        };
        let positive = RouteMatch {
            headers: vec![(field.clone(), condition)],
            ..RouteMatch::default()
        };
        let negative = RouteMatch {
            without_headers: vec![(field, condition_again)],
            ..RouteMatch::default()
        };
        assert_eq!(matches(&positive, &request("/", &sent)), with, "headers {name}");
        assert_eq!(
            matches(&negative, &request("/", &sent)),
            without,
            "withoutHeaders {name}"
        );
    }
}

#[test]
fn query_parameters() {
    let none = HeaderMap::new();
    for (name, condition, path, expected) in [
        ("a", ValueMatch::Present, "/?a", true),
        ("a", ValueMatch::Present, "/?b=a", false),
        ("a", ValueMatch::Present, "/", false),
        ("a", ValueMatch::Value(exact("1")), "/?a=1", true),
        ("a", ValueMatch::Value(exact("1")), "/?x=y&a=1", true),
        ("a", ValueMatch::Value(prefix("tr")), "/?a=true", true),
        ("a", ValueMatch::Value(regex("[0-9]+")), "/?a=12x", false),
        // The first occurrence counts.
        ("a", ValueMatch::Value(exact("2")), "/?a=1&a=2", false),
        ("a", ValueMatch::Value(exact("")), "/?a", true),
    ] {
        let when = RouteMatch {
            query: vec![(name.into(), condition)],
            ..RouteMatch::default()
        };
        assert_eq!(matches(&when, &request(path, &none)), expected, "{path}");
    }
}

fn named_route(name: &str, path: Option<StringMatch>) -> Route {
    Route {
        name: name.into(),
        when: RouteMatch {
            path,
            ..RouteMatch::default()
        },
        action: RouteAction::Direct {
            status: http::StatusCode::OK,
            body: bytes::Bytes::new(),
        },
        headers: HeaderOperations::default(),
        fault: None,
        cors: None,
    }
}

#[test]
fn the_first_route_that_matches_wins() {
    let host = VirtualHost {
        routes: vec![
            named_route("first", Some(prefix("/a"))),
            named_route("second", Some(exact("/ab"))),
            named_route("third", Some(exact("/b"))),
        ],
        ..VirtualHost::default()
    };
    let none = HeaderMap::new();
    for (path, expected) in [("/ab", Some("first")), ("/b", Some("third")), ("/c", None)] {
        assert_eq!(route(&host, &request(path, &none)).map(|r| r.name.as_str()), expected);
    }
}

#[test]
fn paths_are_rewritten_and_the_query_stays() {
    let prefix = |matched: usize, with: &str| PathRewrite::Prefix {
        matched,
        with: with.into(),
    };
    let by_regex = |pattern: &str, with: &str| PathRewrite::Regex {
        pattern: regex::Regex::new(pattern).expect("a pattern"),
        with: with.into(),
    };
    for (rewrite, path, query, expected) in [
        (prefix(4, "/bar"), "/foo/x", Some("q=1"), "/bar/x?q=1"),
        // A prefix is replaced as a string.
        (prefix(4, "/"), "/foo/x", None, "//x"),
        (prefix(1, "/base/"), "/x", None, "/base/x"),
        (prefix(9, "/short"), "/x", None, "/short"),
        (PathRewrite::Whole("/new".into()), "/old/x", Some(""), "/new?"),
        (by_regex("/v[0-9]+", "/api"), "/v1/a/v22", None, "/api/a/api"),
        (by_regex("^/(\\w+)/(\\w+)$", "/${2}/${1}"), "/a/b", Some("c"), "/b/a?c"),
    ] {
        assert_eq!(rewritten(&rewrite, path, query), expected);
    }
}

/// A redirect that changes nothing.
fn redirect() -> Redirect {
    Redirect {
        status: http::StatusCode::MOVED_PERMANENTLY,
        path: None,
        authority: None,
        scheme: None,
        port: None,
    }
}

/// Redirects `scheme`, `authority` and `path`.
fn redirected(redirect: &Redirect, (scheme, authority, path): (&'static str, &'static str, &'static str)) -> String {
    let none = HeaderMap::new();
    let mut parts = request(path, &none);
    parts.scheme = scheme;
    parts.authority = authority;
    location(redirect, &parts)
}

#[test]
fn locations_of_redirects() {
    let whole = |path: &str| Some(PathRewrite::Whole(path.into()));
    for (redirect, asked, expected) in [
        (
            Redirect {
                authority: Some("other.example.com".into()),
                path: whole("/there"),
                ..redirect()
            },
            ("https", "a.com:8443", "/here?a=b"),
            "https://other.example.com/there?a=b",
        ),
        (
            Redirect {
                path: whole("/there?own=1"),
                ..redirect()
            },
            ("https", "a.com", "/here?a=b"),
            "https://a.com/there?own=1",
        ),
        (
            Redirect {
                scheme: Some("http".into()),
                port: Some(8080),
                ..redirect()
            },
            ("https", "simple.example.com:9443", "/rport"),
            "http://simple.example.com:8080/rport",
        ),
        (
            Redirect {
                path: Some(PathRewrite::Prefix {
                    matched: 4,
                    with: "/new".into(),
                }),
                ..redirect()
            },
            ("https", "b", "/old/x?q"),
            "https://b/new/x?q",
        ),
        (
            Redirect {
                port: Some(444),
                ..redirect()
            },
            ("https", "[::1]:443", "/"),
            "https://[::1]:444/",
        ),
    ] {
        assert_eq!(redirected(&redirect, asked), expected);
    }
}

#[test]
fn a_redirect_keeps_the_port_but_for_the_default_of_the_scheme_that_is_left() {
    let to = |scheme: &str| Redirect {
        scheme: Some(scheme.into()),
        ..redirect()
    };
    let elsewhere = Redirect {
        path: Some(PathRewrite::Whole("/x".into())),
        ..redirect()
    };
    for (redirect, asked, expected) in [
        (elsewhere, ("http", "b:80", "/"), "http://b:80/x"),
        (to("https"), ("http", "b:80", "/y?z"), "https://b/y?z"),
        (to("https"), ("http", "b:8080", "/"), "https://b:8080/"),
        (to("http"), ("https", "b:443", "/"), "http://b/"),
    ] {
        assert_eq!(redirected(&redirect, asked), expected);
    }
}

#[test]
fn https_redirect_keeps_host_port_path_and_query() {
    let none = HeaderMap::new();
    for (authority, path, expected) in [
        ("a.com", "/x?y=z", "https://a.com/x?y=z"),
        ("a.com:8080", "/", "https://a.com:8080/"),
        ("a.com:80", "/", "https://a.com:80/"),
    ] {
        let mut parts = request(path, &none);
        parts.scheme = "http";
        parts.authority = authority;
        assert_eq!(https_location(&parts), expected);
    }
}

#[test]
fn headers_are_removed_then_set_then_added() {
    let name = HeaderName::from_static("x-a");
    let edit = HeaderEdit {
        remove: vec![name.clone()],
        set: vec![
            (name.clone(), HeaderText::parse("set").expect("a value")),
            (HeaderName::from_static("x-b"), HeaderText::parse("").expect("a value")),
        ],
        add: vec![
            (name.clone(), HeaderText::parse("added").expect("a value")),
            (
                HeaderName::from_static("via"),
                HeaderText::parse("me").expect("a value"),
            ),
        ],
    };
    let mut map = headers(&[("x-a", "old"), ("x-a", "older"), ("x-b", "kept"), ("via", "you")]);
    edit_headers(&edit, &mut map, |_, _| None);
    assert_eq!(
        (&map["x-b"], &map["via"]),
        (&"kept".parse().expect("a value"), &"you,me".parse().expect("a value"))
    );
    let left: Vec<_> = map.get_all(&name).iter().map(|v| v.to_str().expect("text")).collect();
    assert_eq!(left, ["set", "added"]);
}

fn forward(weights: &[u32]) -> Forward {
    Forward {
        destinations: weights
            .iter()
            .enumerate()
            .map(|(cluster, &weight)| Destination {
                cluster,
                weight,
                headers: HeaderOperations::default(),
                authority: None,
            })
            .collect(),
        rewrite: None,
        timeout: None,
        retries: RetryPolicy::default(),
        mirrors: Vec::new(),
        missing: http::StatusCode::SERVICE_UNAVAILABLE,
    }
}

#[test]
fn weights_are_shares_of_their_sum() {
    let shares = |weights: &[u32]| {
        let forward = forward(weights);
        let mut counts = vec![0; weights.len()];
        for random in 0..12 {
            if let Some(chosen) = destination(&forward, random) {
                counts[chosen.cluster] += 1;
            }
        }
        counts
    };
    assert_eq!(shares(&[1, 2, 1]), [3, 6, 3]);
    assert_eq!(shares(&[0, 3]), [0, 12]);
    // A single destination's weight is ignored.
    assert_eq!(shares(&[0]), [12]);
    assert_eq!(shares(&[0, 0]), [0, 0]);
    assert_eq!(shares(&[]), Vec::<i32>::new());
}

proptest! {
    #[test]
    fn a_wildcard_matches_what_ends_in_its_suffix(name in "[a-z.]{0,20}", suffix in "\\.[a-z]{1,3}(\\.[a-z]{1,3})?") {
        let wildcard = HashMap::from([(Box::from(suffix.as_str()), chain("found"))]);
        let table = SniTable { wildcard, ..SniTable::default() };
        let expected = name.ends_with(&suffix) && name.len() > suffix.len();
        prop_assert_eq!(filter_chain(&table, Some(&name)).is_some(), expected);
    }

    #[test]
    fn no_authority_and_no_path_panics(authority in "\\PC{0,20}", path in "\\PC{0,20}", matched in 0_usize..30) {
        let none = HeaderMap::new();
        let mut parts = request(&path, &none);
        parts.authority = &authority;
        let (host, port) = split_port(&authority);
        prop_assert_eq!(format!("{host}{port}"), authority.clone());
        let _ = virtual_host(&RouteTable::default(), &authority);
        let _ = https_location(&parts);
        let _ = rewritten(&PathRewrite::Prefix { matched, with: "/".into() }, &path, None);
    }

    #[test]
    fn a_destination_of_weight_zero_is_never_chosen(
        weights in prop::collection::vec(0_u32..5, 2..6),
        random in any::<u64>(),
    ) {
        let forward = forward(&weights);
        match destination(&forward, random) {
            Some(chosen) => prop_assert!(chosen.weight > 0),
            None => prop_assert!(weights.iter().all(|&weight| weight == 0)),
        }
    }
}
