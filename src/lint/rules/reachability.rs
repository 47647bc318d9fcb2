//! Routes and matches hidden by earlier ones.

use std::collections::HashMap;

use serde::Serialize;

use super::prefix_cover;
use crate::lint::codes::{CATCH_ALL_BEFORE_OTHERS, MATCH_COVERED, MATCH_TWICE, ROUTE_UNREACHABLE};
use crate::lint::spot::Spot;
use crate::lint::{Code, Findings, Item, Rule, World};
use crate::manifests::model::VirtualService;
use crate::manifests::model::http_route::{HttpMatch, HttpRoute, StringMatch};

pub(super) static RULES: &[&dyn Rule] = &[&Hidden, &CatchAll];

/// Routes after one that matches everything, duplicate matches, and matches covered by an earlier
/// prefix.
struct Hidden;

impl Rule for Hidden {
    fn codes(&self) -> &'static [&'static Code] {
        &[&ROUTE_UNREACHABLE, &MATCH_TWICE, &MATCH_COVERED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            let spec = &service.object.spec;
            let without_name = |wanted: &HttpMatch| {
                json(&HttpMatch {
                    name: None,
                    ..wanted.clone()
                })
            };
            let http = spec
                .http
                .iter()
                .map(|route| route.matches.iter().map(without_name).collect());
            let fresh = check_routes(http.collect(), &Spot::new(service, "spec.http"), found);
            let tls = spec.tls.iter().map(|route| route.matches.iter().map(json).collect());
            check_routes(tls.collect(), &Spot::new(service, "spec.tls"), found);
            let tcp = spec.tcp.iter().map(|route| route.matches.iter().map(json).collect());
            check_routes(tcp.collect(), &Spot::new(service, "spec.tcp"), found);
            check_prefixes(service, &fresh, found);
        }
    }
}

fn json<T: Serialize>(wanted: &T) -> String {
    serde_json::to_string(wanted).unwrap_or_default()
}

/// Finds routes without a match and equal matches; returns the reachable matches as route and
/// index.
fn check_routes(routes: Vec<Vec<String>>, spot: &Spot<'_>, found: &mut Findings) -> Vec<(usize, usize)> {
    let mut open: Option<usize> = None;
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut fresh = Vec::new();
    for (at, matches) in routes.into_iter().enumerate() {
        let spot = spot.at(at);
        if let Some(open) = open {
            let what = format!(
                "route {open} has no match, so it accepts every request, and route {at} is never \
                used"
            );
            found.push(spot.finding(&ROUTE_UNREACHABLE, what));
            continue;
        }
        if matches.is_empty() {
            open = Some(at);
            continue;
        }
        let (mut twice, count) = (0, matches.len());
        for (number, wanted) in matches.into_iter().enumerate() {
            if let Some(earlier) = seen.get(&wanted) {
                twice += 1;
                let what = format!("route {earlier} has the same match");
                found.push(spot.field("match").at(number).finding(&MATCH_TWICE, what));
            } else {
                seen.insert(wanted, at);
                fresh.push((at, number));
            }
        }
        if twice == count {
            let what = format!("every match of route {at} is also in an earlier route");
            found.push(spot.finding(&ROUTE_UNREACHABLE, what));
        }
    }
    fresh
}

fn check_prefixes(service: &Item<'_, VirtualService>, fresh: &[(usize, usize)], found: &mut Findings) {
    let http = &service.object.spec.http;
    let matches = fresh
        .iter()
        .map(|(at, number)| (*at, &http[*at].matches[*number]))
        .collect();
    for cover in prefix_cover::covered(matches) {
        let (at, number) = fresh[cover.covered];
        let (earlier, _) = fresh[cover.by];
        let spot = Spot::new(service, format!("spec.http[{at}].match[{number}].uri"));
        let what = format!(
            "every path matching {} begins with {}, the prefix of a match in route {earlier}",
            cover.path, cover.prefix
        );
        let finding = spot.finding(&MATCH_COVERED, what);
        let finding = if cover.is_whole {
            finding
        } else {
            finding.why("prefixes are compared as plain text, and requests that match both go to the earlier route")
        };
        found.push(finding.istio(if cover.istio_says_so { Some("IST0131") } else { None }));
    }
}

/// A catch-all match followed by other routes.
struct CatchAll;

impl Rule for CatchAll {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CATCH_ALL_BEFORE_OTHERS]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        // What a delegate's matches accept depends on the delegating VirtualService.
        for service in world
            .virtual_services
            .iter()
            .filter(|service| !service.object.spec.hosts.is_empty())
        {
            let http = &service.object.spec.http;
            let first = http.iter().position(takes_all);
            let Some(at) = first.filter(|at| at + 1 < http.len()) else {
                continue;
            };
            let Some(number) = http[at].matches.iter().position(is_catch_all) else {
                continue;
            };
            let after = http.len() - at - 1;
            let dropped = if after == 1 {
                format!("the route after route {at} is dropped")
            } else {
                format!("the {after} routes after route {at} are dropped")
            };
            let what = format!("the match accepts every request, so {dropped}");
            let spot = Spot::new(service, format!("spec.http[{at}].match[{number}]"));
            found.push(spot.finding(&CATCH_ALL_BEFORE_OTHERS, what));
        }
    }
}

/// Whether no request gets past a route; a delegating route has the delegate's matches.
fn takes_all(route: &HttpRoute) -> bool {
    route.delegate.is_none() && (route.matches.is_empty() || route.matches.iter().any(is_catch_all))
}

/// Whether a match accepts every request on every port and Gateway.
pub(super) fn is_catch_all(wanted: &HttpMatch) -> bool {
    let any_path = match &wanted.uri {
        None => true,
        Some(StringMatch::Prefix(prefix)) => prefix == "/",
        Some(StringMatch::Regex(pattern)) => pattern == ".*",
        Some(StringMatch::Exact(_) | StringMatch::Present) => false,
    };
    any_path
        && wanted.headers.is_empty()
        && wanted.without_headers.is_empty()
        && wanted.query_params.is_empty()
        && wanted.method.is_none()
        && wanted.authority.is_none()
        && wanted.scheme.is_none()
        && wanted.port.is_none_or(|port| port == 0)
        && wanted.gateways.is_empty()
        && wanted.source_labels.is_empty()
        && wanted.source_namespace.as_deref().is_none_or(str::is_empty)
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{assert_code, lint_yaml, only};

    fn service(routes: &str) -> String {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a}}\n\
             spec: {{hosts: [a.com], {routes}}}\n"
        )
    }

    /// Http routes, each with its matches.
    fn http(routes: &[&str]) -> String {
        let routes: Vec<String> = routes
            .iter()
            .map(|matches| format!("{{match: [{matches}], route: [{{destination: {{host: a}}}}]}}"))
            .collect();
        service(&format!("http: [{}]", routes.join(", ")))
    }

    #[test]
    fn routes_that_are_never_used() {
        for (routes, paths) in [
            (&["{uri: {prefix: /a}}", "{uri: {prefix: /b}}", ""][..], &[][..]),
            (&[""], &[]),
            (&["{uri: {prefix: /a}}, {port: 80}", "{port: 80}, {port: 81}"], &[]),
            (&["", "{uri: {prefix: /a}}", ""], &["spec.http[1]", "spec.http[2]"]),
            (
                &["{uri: {exact: /a}}", "{name: x, uri: {exact: /a}}"],
                &["spec.http[1]"],
            ),
        ] {
            assert_code(&http(routes), "ITL0701", paths);
        }
        let to = "route: [{destination: {host: a}}]";
        let tcp = format!("tcp: [{{{to}}}, {{match: [{{port: 80}}], {to}}}]");
        assert_code(&service(&tcp), "ITL0701", &["spec.tcp[1]"]);
        let tls = format!("tls: [{{match: [{{sniHosts: [a.com]}}], {to}}}, {{match: [{{sniHosts: [a.com]}}], {to}}}]");
        assert_code(&service(&tls), "ITL0701", &["spec.tls[1]"]);
    }

    #[test]
    fn matches_that_stand_twice() {
        for (routes, paths) in [
            (&["{uri: {prefix: /a}}", "{uri: {exact: /a}}"][..], &[][..]),
            (&["{uri: {prefix: /a}, port: 80}", "{uri: {prefix: /a}, port: 81}"], &[]),
            (&["{headers: {a: {exact: b}}}", "{headers: {a: {exact: c}}}"], &[]),
            (
                &["{uri: {prefix: /a}}, {uri: {prefix: /a}}"],
                &["spec.http[0].match[1]"],
            ),
            (
                &[
                    "{name: x, headers: {a: {exact: b}}}",
                    "{uri: {exact: /}}, {headers: {a: {exact: b}}}",
                ],
                &["spec.http[1].match[1]"],
            ),
        ] {
            assert_code(&http(routes), "ITL0702", paths);
        }
    }

    #[test]
    fn matches_beneath_an_earlier_prefix() {
        let second = &["spec.http[1].match[0].uri"][..];
        for (routes, paths) in [
            (&["{uri: {prefix: /a/b}}", "{uri: {prefix: /a}}"][..], &[][..]),
            (
                &["{uri: {prefix: /a}, port: 80}", "{uri: {prefix: /ab}, port: 81}"],
                &[],
            ),
            (
                &["{uri: {prefix: /a}, headers: {x: {exact: v}}}", "{uri: {prefix: /ab}}"],
                &[],
            ),
            (&["{uri: {exact: /a}}", "{uri: {exact: /ab}}"], &[]),
            (
                &["{uri: {prefix: /a}, method: {exact: PUT}}", "{uri: {exact: /ab}}"],
                &[],
            ),
            (&["{uri: {prefix: /a}}, {uri: {exact: /ab}}"], &[]),
            (&["{uri: {prefix: /a}}", "{uri: {prefix: /ab}}"], second),
            (
                &["{uri: {prefix: /a}}, {uri: {prefix: /a/b}}"],
                &["spec.http[0].match[1].uri"],
            ),
            (&["{uri: {prefix: /a}}", "{uri: {exact: /a/b}}"], second),
            (
                &["{uri: {prefix: /a}}", "{uri: {prefix: /a}, headers: {x: {exact: v}}}"],
                second,
            ),
            (
                &["{uri: {prefix: /a}}", "{uri: {prefix: /ab}, method: {exact: GET}}"],
                second,
            ),
        ] {
            assert_code(&http(routes), "ITL0703", paths);
        }
        let istio = |routes: &[&str]| {
            let report = lint_yaml(&http(routes));
            let mut findings = report.findings.into_iter();
            findings
                .find(|finding| finding.code == "ITL0703")
                .and_then(|finding| finding.istio)
        };
        assert_eq!(istio(&["{uri: {prefix: /a}}", "{uri: {prefix: /ab}}"]), Some("IST0131"));
        assert_eq!(istio(&["{uri: {prefix: /a}}", "{uri: {exact: /ab}}"]), None);
    }

    #[test]
    fn a_match_of_everything_stands_last() {
        let first = &["spec.http[0].match[0]"][..];
        for (routes, paths) in [
            (&["{uri: {prefix: /a}}", "{uri: {prefix: /}}"][..], &[][..]),
            (&["{uri: {prefix: /}, headers: {x: {exact: v}}}", ""], &[]),
            (&["{uri: {prefix: /}, port: 80}", "{uri: {prefix: /}}"], &[]),
            (&["{uri: {prefix: /}, gateways: [mesh]}", ""], &[]),
            (&["{uri: {prefix: /}, method: {exact: GET}}", ""], &[]),
            // That is a route without a match.
            (&["", "{uri: {prefix: /}}"], &[]),
            (&["{uri: {prefix: /}}", "{uri: {prefix: /a}}"], first),
            (&["{uri: {regex: '.*'}}", ""], first),
            (&["{name: all}", "{port: 80}"], first),
            (
                &["{uri: {exact: /a}}, {uri: {prefix: /}}", "{port: 80}", ""],
                &["spec.http[0].match[1]"],
            ),
        ] {
            assert_code(&http(routes), "ITL0704", paths);
        }
        for (routes, words) in [
            (&["{port: 0}", "{port: 80}"][..], "the route after route 0 is dropped"),
            (
                &["{port: 0}", "{port: 80}", ""],
                "the 2 routes after route 0 are dropped",
            ),
        ] {
            let what = only(&http(routes), "ITL0704").what;
            assert_eq!(what, format!("the match accepts every request, so {words}"));
        }
        let delegating =
            "http: [{match: [{uri: {prefix: /}}], delegate: {name: d}}, {route: [{destination: {host: a}}]}]";
        assert_code(&service(delegating), "ITL0704", &[]);
    }
}
