//! What becomes of single routes: redirects, rewrites, header operations,
//! retries, weights and destinations.

use super::tests::{answer, build, build_with, gateway, http, plain, says, service};
use crate::gateway::config::build::Built;
use crate::gateway::config::header_text::HeaderText;
use crate::gateway::config::table::{Endpoint, Forward, RouteAction};
use crate::gateway::matching;

fn forward(built: &Built) -> &Forward {
    let table = plain(built, 80);
    let host = table
        .exact
        .values()
        .next()
        .or(table.any.as_ref())
        .expect("a virtual host");
    match &host.routes[0].action {
        RouteAction::Forward(forward) => forward,
        _ => panic!("no forward"),
    }
}

/// The table for one `http` entry on port 80 of a.com.
fn one_route(http_entry: &str) -> Built {
    build(
        &[
            gateway("one", &[&http(80, "a.com")]),
            service("a", "a.com", "one", http_entry),
        ]
        .concat(),
    )
}

#[test]
fn redirects_and_direct_responses() {
    for (entry, path, expected) in [
        ("{redirect: {uri: /new, authority: b.com}}", "/old", "http://b.com/new"),
        ("{redirect: {scheme: https, port: 443}}", "/x", "https://a.com/x"),
        ("{redirect: {scheme: https, port: 8443}}", "/x", "https://a.com:8443/x"),
        (
            "{redirect: {derivePort: FROM_REQUEST_PORT, authority: b.com}}",
            "/x",
            "http://b.com/x",
        ),
        (
            "{match: [{uri: {prefix: /old}}], redirect: {prefixRewrite: /new}}",
            "/old/x",
            "http://a.com/new/x",
        ),
        (
            "{directResponse: {status: 503, body: {string: later}}}",
            "/",
            "503 Service Unavailable later",
        ),
        ("{directResponse: {status: 200, body: {bytes: aGk=}}}", "/", "200 OK hi"),
        // A redirect with another 3xx code does nothing, at Istio too.
        ("{redirect: {uri: /new, redirectCode: 304}}", "/", "no route"),
        // Redirect wins over route.
        (
            "{redirect: {uri: /new}, route: [{destination: {host: b}}]}",
            "/",
            "http://a.com/new",
        ),
    ] {
        let built = one_route(entry);
        assert_eq!(answer(&built, plain(&built, 80), "a.com", path), expected, "{entry}");
    }
}

#[test]
fn rewrites_take_the_place_of_what_matched() {
    let rewritten = |condition: &str, rewrite: &str, path: &str| {
        let built = one_route(&format!(
            "{{{condition}rewrite: {{{rewrite}}}, route: [{{destination: {{host: b}}}}]}}"
        ));
        let rewrite = forward(&built).rewrite.as_ref().expect("a rewrite");
        let path = rewrite
            .path
            .as_ref()
            .map(|path_rewrite| matching::rewritten(path_rewrite, path, Some("q")));
        (path.unwrap_or_default(), rewrite.authority.clone().unwrap_or_default())
    };
    for (condition, rewrite, path, expected) in [
        ("match: [{uri: {prefix: /foo}}], ", "uri: /", "/foo/x", ("//x?q", "")),
        ("match: [{uri: {exact: /foo}}], ", "uri: /bar", "/foo", ("/bar?q", "")),
        ("match: [{uri: {regex: '/f.*'}}], ", "uri: /bar", "/foo", ("/bar?q", "")),
        // In RE2 a brace that begins no repetition is one.
        (
            "match: [{uri: {regex: '/api/{id}'}}], ",
            "uri: /bar",
            "/api/{id}",
            ("/bar?q", ""),
        ),
        (
            "",
            "uriRegexRewrite: {match: '/{id}', rewrite: /1}",
            "/api/{id}",
            ("/api/1?q", ""),
        ),
        // Without a path match the leading slash is the prefix.
        ("", "uri: /base/", "/x", ("/base/x?q", "")),
        ("", "authority: b.com", "/x", ("", "b.com")),
        (
            "",
            "uriRegexRewrite: {match: '^/(\\w+)/(\\w+)', rewrite: '/\\2/$\\1'}",
            "/a/b",
            ("/b/$a?q", ""),
        ),
    ] {
        let (path, authority) = rewritten(condition, rewrite, path);
        assert_eq!((path.as_str(), authority.as_str()), expected, "{condition} {rewrite}");
    }
}

#[test]
fn host_among_the_header_operations_is_a_rewrite_of_the_authority() {
    for (headers, authority) in [
        (
            "headers: {request: {set: {host: set.com}, add: {host: added.com}}}, ",
            "set.com",
        ),
        ("headers: {request: {add: {':authority': added.com}}}, ", "added.com"),
        (
            "rewrite: {authority: rewritten.com}, headers: {request: {set: {Host: set.com}}}, ",
            "rewritten.com",
        ),
    ] {
        let built = one_route(&format!("{{{headers}route: [{{destination: {{host: b}}}}]}}"));
        assert_eq!(
            forward(&built)
                .rewrite
                .as_ref()
                .and_then(|rewrite| rewrite.authority.as_deref()),
            Some(authority)
        );
        assert!(plain(&built, 80).exact["a.com"].routes[0].headers.request.is_empty());
    }
    let built = one_route(
        "{headers: {request: {set: {x-a: '100%%'}, remove: [x-b]}, response: {add: {x-c: '%PROTOCOL%', x-d: '%UPSTREAM%'}}}, route: [{destination: {host: b}}]}",
    );
    let headers = &plain(&built, 80).exact["a.com"].routes[0].headers;
    assert_eq!(headers.request.set[0].1, HeaderText::parse("100%%").unwrap());
    assert_eq!(headers.request.remove[0], "x-b");
    assert_eq!(headers.response.add.len(), 1, "{:?}", headers.response.add[0]);
    assert!(says(&built, "serve does not fill in %UPSTREAM%"));
}

#[test]
fn timeouts_retries_and_weights() {
    for (settings, timeout, retries) in [
        ("", None, 2),
        ("timeout: 1.5s, ", Some(1500), 2),
        ("timeout: 0s, ", None, 2),
        ("retries: {attempts: 0}, ", None, 0),
        ("retries: {attempts: 5, perTryTimeout: 1s}, ", None, 5),
    ] {
        let built = one_route(&format!("{{{settings}route: [{{destination: {{host: b}}}}]}}"));
        let forward = forward(&built);
        assert_eq!(
            forward.timeout.map(|timeout| timeout.as_millis()),
            timeout,
            "{settings}"
        );
        assert_eq!(forward.retries.attempts, retries, "{settings}");
    }
    let built = one_route(
        "{route: [{destination: {host: b}, weight: 3}, {destination: {host: c}, weight: 0}, {destination: {host: d}, weight: 1}]}",
    );
    let shares: Vec<(usize, u32)> = forward(&built)
        .destinations
        .iter()
        .map(|d| (d.cluster, d.weight))
        .collect();
    assert_eq!(shares, [(0, 3), (1, 1)]);
    assert_eq!(built.table.clusters[1].name, "d.default.svc.cluster.local:80");
}

#[test]
fn destinations_are_samples_upstreams_or_unknown() {
    const HTTPBIN: &str = "---\napiVersion: v1\nkind: Service\nmetadata: {name: httpbin, namespace: default}\nspec: {ports: [{port: 8000}]}\n";
    let to_port = |host: &str, port: &str| format!("{{route: [{{destination: {{host: {host}{port}}}}}]}}");
    for (services, upstreams, destination, name, kind) in [
        (
            "",
            &[][..],
            to_port("httpbin", ", port: {number: 8000}"),
            "httpbin.default.svc.cluster.local:8000",
            "sample",
        ),
        (
            "",
            &["httpbin=http://b:9"],
            to_port("httpbin", ""),
            "httpbin.default.svc.cluster.local:80",
            "remote b:9",
        ),
        (
            "",
            &["httpbin=http://b:9", "httpbin:80=http://c:9"],
            to_port("httpbin", ""),
            "httpbin.default.svc.cluster.local:80",
            "remote c:9",
        ),
        // The port of a Service that has only one.
        (
            HTTPBIN,
            &[],
            to_port("httpbin", ""),
            "httpbin.default.svc.cluster.local:8000",
            "sample",
        ),
        (
            HTTPBIN,
            &[],
            to_port("httpbin", ", port: {number: 9}"),
            "httpbin.default.svc.cluster.local:9",
            "unknown",
        ),
        (
            HTTPBIN,
            &[],
            to_port("other", ""),
            "other.default.svc.cluster.local:80",
            "unknown",
        ),
        (
            HTTPBIN,
            &["other=h2c://b:9"],
            to_port("other", ""),
            "other.default.svc.cluster.local:80",
            "remote b:9",
        ),
    ] {
        let yaml = [
            gateway("one", &[&http(80, "a.com")]),
            service("a", "a.com", "one", &destination),
            services.to_owned(),
        ]
        .concat();
        let built = build_with(&yaml, upstreams);
        let cluster = &built.table.clusters[0];
        let found = match &cluster.endpoint {
            Endpoint::Sample(_) => "sample".to_owned(),
            Endpoint::Remote { host, port, .. } => format!("remote {host}:{port}"),
            Endpoint::Unknown => "unknown".to_owned(),
        };
        assert_eq!((cluster.name.as_str(), found.as_str()), (name, kind), "{destination}");
        assert_eq!(says(&built, "are answered 503"), kind == "unknown");
    }
}
