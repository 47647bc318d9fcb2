//! The action of an http route: exactly one, with rewrites and direct responses that Istio accepts
//! and that work as intended.

use std::collections::HashSet;

use super::route_match::check_regex;
use crate::lint::codes::{
    DIRECT_RESPONSE_BYTES, DIRECT_RESPONSE_SIZE, REGEX_INVALID, REWRITE_DOUBLE_SLASH, REWRITE_INVALID,
    ROUTE_ACTIONS_CONFLICT, ROUTE_DELEGATES_AND_ACTS, ROUTE_WITHOUT_ACTION, STATUS_INVALID,
};
use crate::lint::spot::Spot;
use crate::lint::{Code, Findings, Rule, Severity, World};
use crate::manifests::model::http_route::{HttpDirectResponse, HttpRewrite, HttpRoute, StringMatch};

pub(super) static RULES: &[&dyn Rule] = &[&OneAction, &Rewrites, &DirectResponses];

/// A route has exactly one action.
struct OneAction;

impl Rule for OneAction {
    fn codes(&self) -> &'static [&'static Code] {
        &[
            &ROUTE_WITHOUT_ACTION,
            &ROUTE_ACTIONS_CONFLICT,
            &ROUTE_DELEGATES_AND_ACTS,
        ]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            let is_delegate = service.object.spec.hosts.is_empty();
            for (at, route) in service.object.spec.http.iter().enumerate() {
                check_actions(
                    route,
                    is_delegate,
                    &Spot::new(service, format!("spec.http[{at}]")),
                    found,
                );
            }
        }
    }
}

fn check_actions(route: &HttpRoute, is_delegate: bool, spot: &Spot<'_>, found: &mut Findings) {
    if route.delegate.is_some() {
        if is_delegate {
            let what = "the delegate (a VirtualService without hosts) delegates again";
            found.push(spot.field("delegate").finding(&ROUTE_DELEGATES_AND_ACTS, what));
        } else {
            for (field, is_set) in [
                ("redirect", route.redirect.is_some()),
                ("route", !route.route.is_empty()),
            ] {
                if is_set {
                    let what = format!("the route has both delegate and {field}");
                    found.push(spot.field(field).finding(&ROUTE_DELEGATES_AND_ACTS, what));
                }
            }
            return;
        }
    }
    let parts = [
        ("route", !route.route.is_empty()),
        ("fault", route.fault.is_some()),
        ("rewrite", route.rewrite.is_some()),
        ("directResponse", route.direct_response.is_some()),
    ];
    let action = match (&route.redirect, &route.direct_response) {
        (Some(_), _) => "redirect",
        (None, Some(_)) => "directResponse",
        (None, None) => {
            if route.route.is_empty() {
                let what = "the route has none of route, redirect and directResponse";
                found.push(spot.finding(&ROUTE_WITHOUT_ACTION, what));
            }
            "route"
        }
    };
    for (field, is_set) in parts {
        if action != "route" && is_set && field != action {
            let what = format!("the route has both {action} and {field}");
            found.push(spot.field(field).finding(&ROUTE_ACTIONS_CONFLICT, what));
        }
    }
    if route.mirror.is_some() && !route.mirrors.is_empty() {
        let what = "the route has both mirror and mirrors";
        found.push(spot.field("mirrors").finding(&ROUTE_ACTIONS_CONFLICT, what));
    }
}

/// Whether a text is set and not empty.
pub(super) fn is_set(text: Option<&String>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

/// Rewrites of path and authority.
struct Rewrites;

impl Rule for Rewrites {
    fn codes(&self) -> &'static [&'static Code] {
        &[&REWRITE_INVALID, &REGEX_INVALID, &REWRITE_DOUBLE_SLASH]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            // Prefixes of this route and of those before it.
            let mut prefixes: HashSet<&str> = HashSet::new();
            for (at, route) in service.object.spec.http.iter().enumerate() {
                prefixes.extend(prefixes_of(route));
                if let Some(rewrite) = &route.rewrite {
                    let spot = Spot::new(service, format!("spec.http[{at}].rewrite"));
                    check_rewrite(rewrite, &spot, found);
                    check_slashes(rewrite, route, &prefixes, &spot, found);
                }
            }
        }
    }
}

fn prefixes_of(route: &HttpRoute) -> impl Iterator<Item = &str> {
    route.matches.iter().filter_map(|wanted| match &wanted.uri {
        Some(StringMatch::Prefix(prefix)) => Some(prefix.as_str()),
        _ => None,
    })
}

fn check_rewrite(rewrite: &HttpRewrite, spot: &Spot<'_>, found: &mut Findings) {
    let uri = is_set(rewrite.uri.as_ref());
    let regex = rewrite.uri_regex_rewrite.as_ref();
    if uri && regex.is_some() {
        let what = "the rewrite has both uri and uriRegexRewrite";
        found.push(spot.field("uriRegexRewrite").finding(&REWRITE_INVALID, what));
    }
    if !uri && regex.is_none() && !is_set(rewrite.authority.as_ref()) {
        found.push(spot.finding(&REWRITE_INVALID, "the rewrite changes nothing"));
    }
    let Some(regex) = regex else { return };
    let spot = spot.field("uriRegexRewrite");
    for (field, value) in [("match", &regex.pattern), ("rewrite", &regex.rewrite)] {
        if !is_set(value.as_ref()) {
            found.push(spot.finding(&REWRITE_INVALID, format!("uriRegexRewrite has no {field}")));
        }
    }
    if let Some(pattern) = regex.pattern.as_deref().filter(|pattern| !pattern.is_empty()) {
        check_regex(pattern, &spot.field("match"), found);
    }
}

/// A prefix without a trailing slash, replaced by a text with one. If the prefix with the slash is
/// matched here or earlier, that match takes the requests with a longer path.
fn check_slashes(
    rewrite: &HttpRewrite,
    route: &HttpRoute,
    prefixes: &HashSet<&str>,
    spot: &Spot<'_>,
    found: &mut Findings,
) {
    let Some(uri) = rewrite.uri.as_deref().filter(|uri| uri.ends_with('/')) else {
        return;
    };
    let doubled = prefixes_of(route)
        .filter(|prefix| !prefix.is_empty() && !prefix.ends_with('/'))
        .find(|prefix| !prefixes.contains(format!("{prefix}/").as_str()));
    if let Some(prefix) = doubled {
        let what = format!("the path {prefix}/x becomes {uri}/x");
        let fix = format!("also match the prefix {prefix}/, before {prefix}");
        found.push(spot.field("uri").finding(&REWRITE_DOUBLE_SLASH, what).fix(fix));
    }
}

/// Responses from the gateway itself.
struct DirectResponses;

impl Rule for DirectResponses {
    fn codes(&self) -> &'static [&'static Code] {
        &[&DIRECT_RESPONSE_BYTES, &DIRECT_RESPONSE_SIZE, &STATUS_INVALID]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            for (at, route) in service.object.spec.http.iter().enumerate() {
                if let Some(response) = &route.direct_response {
                    let spot = Spot::new(service, format!("spec.http[{at}].directResponse"));
                    check_response(response, &spot, found);
                }
            }
        }
    }
}

/// Whether text is base64 as Istio accepts it for bytes in YAML and JSON: either alphabet, with or
/// without padding.
fn is_base64(text: &str) -> bool {
    let text = text.trim_end_matches('=');
    text.len() % 4 != 1
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_'))
}

fn check_response(response: &HttpDirectResponse, spot: &Spot<'_>, found: &mut Findings) {
    const KIB: usize = 1024;
    if !(200..=600).contains(&response.status) {
        let what = format!("the status {} is not between 200 and 599", response.status);
        found.push(spot.field("status").finding(&STATUS_INVALID, what));
    }
    let bytes = response.body.as_ref().and_then(|body| body.bytes.as_deref());
    if bytes.is_some_and(|text| !is_base64(text)) {
        let what = "body.bytes is not base64";
        found.push(spot.field("body.bytes").finding(&DIRECT_RESPONSE_BYTES, what));
    }
    let size = response
        .body
        .as_ref()
        .map_or(0, |body| match (&body.string, &body.bytes) {
            (Some(text), _) => text.len(),
            (None, Some(base64)) => base64.trim_end_matches('=').len() * 3 / 4,
            (None, None) => 0,
        });
    if size > 100 * KIB {
        let what = format!("the body has {} KiB", size / KIB);
        let finding = spot.field("body").finding(&DIRECT_RESPONSE_SIZE, what);
        found.push(if size > KIB * KIB {
            finding
        } else {
            finding.severity(Severity::Warning).istio(Some("IST0133"))
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{assert_code, lint_yaml};

    fn service(hosts: &str, routes: &str) -> String {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a}}\n\
             spec: {{{hosts} http: [{routes}]}}\n"
        )
    }

    /// Each row: the fields of a route, and the paths below it at which the code is found.
    fn table(code: &str, cases: &[(&str, &[&str])]) {
        for (fields, paths) in cases {
            let paths: Vec<String> = paths.iter().map(|path| format!("spec.http[0]{path}")).collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            assert_code(&service("hosts: [a.com],", &format!("{{{fields}}}")), code, &paths);
        }
    }

    const TO: &str = "route: [{destination: {host: a}}]";

    #[test]
    fn a_route_does_something() {
        table(
            "ITL0601",
            &[
                (TO, &[]),
                ("redirect: {uri: /}", &[]),
                ("directResponse: {status: 200}", &[]),
                ("delegate: {name: d}", &[]),
                ("match: [{uri: {prefix: /}}]", &[""]),
                ("route: []", &[""]),
            ],
        );
    }

    #[test]
    fn what_is_null_is_refused_as_it_is_read() {
        for (routes, path) in [
            ("null", "spec.http[0]"),
            ("{match: [null]}", "spec.http[0].match[0]"),
            (
                "{match: [{headers: {x-user: null}}]}",
                "spec.http[0].match[0].headers.x-user",
            ),
            ("{route: [null]}", "spec.http[0].route[0]"),
            ("{route: [{weight: 1}]}", "spec.http[0].route[0]"),
            ("{mirrors: [null]}", "spec.http[0].mirrors[0]"),
            ("{mirrors: [{percentage: {value: 1}}]}", "spec.http[0].mirrors[0]"),
        ] {
            assert_code(&service("hosts: [a.com],", routes), "ITL0002", &[path]);
        }
    }

    #[test]
    fn a_route_does_one_thing() {
        table(
            "ITL0602",
            &[
                (
                    &format!("{TO}, rewrite: {{uri: /}}, fault: {{delay: {{fixedDelay: 1s}}}}"),
                    &[],
                ),
                ("redirect: {uri: /}", &[]),
                (&format!("{TO}, mirror: {{host: b}}"), &[]),
                (&format!("{TO}, redirect: {{uri: /}}"), &[".route"]),
                (
                    "redirect: {uri: /}, rewrite: {uri: /}, fault: {delay: {fixedDelay: 1s}}, directResponse: {status: 200}",
                    &[".rewrite", ".fault", ".directResponse"],
                ),
                (
                    &format!("directResponse: {{status: 200}}, {TO}, rewrite: {{uri: /}}"),
                    &[".route", ".rewrite"],
                ),
                (
                    &format!("{TO}, mirror: {{host: b}}, mirrors: [{{destination: {{host: c}}}}]"),
                    &[".mirrors"],
                ),
            ],
        );
    }

    #[test]
    fn a_route_that_delegates_does_nothing_else() {
        table(
            "ITL0603",
            &[
                ("delegate: {name: d}, match: [{uri: {prefix: /}}]", &[]),
                ("delegate: {name: d}, rewrite: {uri: /}", &[]),
                (TO, &[]),
                (&format!("delegate: {{name: d}}, {TO}"), &[".route"]),
                ("delegate: {name: d}, redirect: {uri: /}", &[".redirect"]),
            ],
        );
        let nested = service("", &format!("{{delegate: {{name: d}}, {TO}}}"));
        assert_code(&nested, "ITL0603", &["spec.http[0].delegate"]);
    }

    #[test]
    fn rewrites() {
        table(
            "ITL0624",
            &[
                (&format!("{TO}, rewrite: {{uri: /}}"), &[]),
                (&format!("{TO}, rewrite: {{authority: b.com}}"), &[]),
                (
                    &format!("{TO}, rewrite: {{uriRegexRewrite: {{match: '^/a', rewrite: /b}}}}"),
                    &[],
                ),
                (&format!("{TO}, rewrite: {{}}"), &[".rewrite"]),
                (&format!("{TO}, rewrite: {{uri: ''}}"), &[".rewrite"]),
                (
                    &format!("{TO}, rewrite: {{uri: /, uriRegexRewrite: {{match: a, rewrite: b}}}}"),
                    &[".rewrite.uriRegexRewrite"],
                ),
                (
                    &format!("{TO}, rewrite: {{uriRegexRewrite: {{match: '^/a', rewrite: ''}}}}"),
                    &[".rewrite.uriRegexRewrite"],
                ),
            ],
        );
        table(
            "ITL0605",
            &[(
                &format!("{TO}, rewrite: {{uriRegexRewrite: {{match: '(', rewrite: /b}}}}"),
                &[".rewrite.uriRegexRewrite.match"],
            )],
        );
    }

    #[test]
    fn rewrites_that_leave_two_slashes() {
        let rewritten = |wanted: &str, uri: &str| format!("match: [{wanted}], {TO}, rewrite: {{uri: '{uri}'}}");
        table(
            "ITL0651",
            &[
                (&rewritten("{uri: {prefix: /a/}}", "/"), &[]),
                (&rewritten("{uri: {prefix: /a}}", "/b"), &[]),
                (&rewritten("{uri: {exact: /a}}", "/"), &[]),
                (&rewritten("{uri: {prefix: /a/}}, {uri: {prefix: /a}}", "/"), &[]),
                (&rewritten("{uri: {prefix: /}}", "/b/"), &[]),
                (&format!("{TO}, rewrite: {{uri: /}}"), &[]),
                (&rewritten("{uri: {prefix: /a}}", "/"), &[".rewrite.uri"]),
                (&rewritten("{uri: {prefix: /a}}", "/b/"), &[".rewrite.uri"]),
            ],
        );
        let before = format!(
            "{{match: [{{uri: {{prefix: /a/}}}}], {TO}}}, {{{}}}",
            rewritten("{uri: {prefix: /a}}", "/")
        );
        assert_code(&service("hosts: [a.com],", &before), "ITL0651", &[]);
    }

    #[test]
    fn direct_responses() {
        table(
            "ITL0620",
            &[
                ("directResponse: {status: 200}", &[]),
                ("directResponse: {status: 503, body: {string: gone}}", &[]),
                ("directResponse: {status: 600}", &[]),
                ("directResponse: {status: 100}", &[".directResponse.status"]),
                ("directResponse: {status: 601}", &[".directResponse.status"]),
            ],
        );
        table(
            "ITL0634",
            &[
                ("directResponse: {status: 200, body: {bytes: aGk=}}", &[]),
                ("directResponse: {status: 200, body: {bytes: aGk}}", &[]),
                ("directResponse: {status: 200, body: {string: '!'}}", &[]),
                (
                    "directResponse: {status: 200, body: {bytes: 'no base64!'}}",
                    &[".directResponse.body.bytes"],
                ),
            ],
        );
        let of = |field: &str, size: usize| {
            format!(
                "directResponse: {{status: 200, body: {{{field}: '{}'}}}}",
                "a".repeat(size)
            )
        };
        for (body, severity, istio) in [
            (of("string", 100 * 1024), None, None),
            (of("bytes", 130 * 1024), None, None),
            (String::from("directResponse: {status: 200}"), None, None),
            (of("string", 100 * 1024 + 1), Some("warning"), Some("IST0133")),
            (of("bytes", 140 * 1024), Some("warning"), Some("IST0133")),
            (of("string", 1024 * 1024 + 1), Some("error"), Some("IST0106")),
        ] {
            let report = lint_yaml(&service("hosts: [a.com],", &format!("{{{body}}}")));
            let finding = report.findings.iter().find(|finding| finding.code == "ITL0625");
            assert_eq!(finding.map(|finding| finding.severity.word()), severity);
            assert_eq!(finding.and_then(|finding| finding.istio), istio);
        }
    }
}
