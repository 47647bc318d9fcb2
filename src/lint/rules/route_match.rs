//! The checks of Istio's admission webhook on the matches of http routes.

use std::collections::BTreeMap;

use super::virtual_service::check_gateway_names;
use crate::lint::codes::{
    MATCH_EMPTY_PREFIX, MATCH_HEADER_NAME, PORT_OUT_OF_RANGE, REGEX_INVALID, SOURCE_INVALID, VS_GATEWAY_NAME,
    VS_GATEWAY_NAME_LEGACY,
};
use crate::lint::istio_names::{is_claim, is_header_name, is_label, is_label_key, is_label_value};
use crate::lint::spot::Spot;
use crate::lint::{Code, Findings, Rule, World};
use crate::manifests::model::http_route::{HttpMatch, StringMatch};
use crate::manifests::re2;

pub(super) static RULES: &[&dyn Rule] = &[&Matches];

/// Every match of every http route.
struct Matches;

impl Rule for Matches {
    fn codes(&self) -> &'static [&'static Code] {
        &[
            &MATCH_EMPTY_PREFIX,
            &REGEX_INVALID,
            &MATCH_HEADER_NAME,
            &PORT_OUT_OF_RANGE,
            &SOURCE_INVALID,
            &VS_GATEWAY_NAME,
            &VS_GATEWAY_NAME_LEGACY,
        ]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            for (at, route) in service.object.spec.http.iter().enumerate() {
                let spot = Spot::new(service, format!("spec.http[{at}].match"));
                for (number, wanted) in route.matches.iter().enumerate() {
                    check_match(wanted, &spot.at(number), found);
                }
            }
        }
    }
}

fn check_match(wanted: &HttpMatch, spot: &Spot<'_>, found: &mut Findings) {
    for (field, headers) in [
        ("headers", &wanted.headers),
        ("withoutHeaders", &wanted.without_headers),
    ] {
        for (name, condition) in headers {
            let spot = spot.field(field).entry(name);
            if !can_be_matched(name) {
                found.push(spot.finding(&MATCH_HEADER_NAME, format!("\"{name}\" is not a valid header name")));
            }
            // Here, Istio treats * as a test for presence.
            let is_presence = field == "withoutHeaders" && *condition == StringMatch::Regex("*".to_owned());
            if !is_presence {
                check_text(condition, &spot, found);
            }
        }
    }
    for (name, condition) in &wanted.query_params {
        check_text(condition, &spot.field("queryParams").entry(name), found);
    }
    for (field, condition) in [
        ("scheme", &wanted.scheme),
        ("method", &wanted.method),
        ("authority", &wanted.authority),
    ] {
        if let Some(condition) = condition {
            check_text(condition, &spot.field(field), found);
        }
    }
    if let Some(condition @ StringMatch::Regex(_)) = &wanted.uri {
        check_text(condition, &spot.field("uri"), found);
    }
    check_port(wanted.port, &spot.field("port"), found);
    check_labels(&wanted.source_labels, &spot.field("sourceLabels"), found);
    let namespace = wanted.source_namespace.as_deref().unwrap_or_default();
    if !namespace.is_empty() && !is_label(namespace) {
        let what = format!("sourceNamespace \"{namespace}\" is not a valid namespace");
        found.push(spot.field("sourceNamespace").finding(&SOURCE_INVALID, what));
    }
    check_gateway_names(&wanted.gateways, &spot.field("gateways"), found);
}

fn can_be_matched(header: &str) -> bool {
    is_claim(header)
        || is_header_name(header)
        || matches!(header, ":method" | ":scheme" | ":authority" | ":path" | ":status")
}

/// A text condition; an empty prefix is allowed only for `uri`.
fn check_text(condition: &StringMatch, spot: &Spot<'_>, found: &mut Findings) {
    match condition {
        StringMatch::Prefix(text) if text.is_empty() => {
            found.push(spot.field("prefix").finding(&MATCH_EMPTY_PREFIX, "the prefix is empty"));
        }
        StringMatch::Regex(pattern) => check_regex(pattern, &spot.field("regex"), found),
        _ => {}
    }
}

/// Checks a regular expression.
pub(super) fn check_regex(pattern: &str, spot: &Spot<'_>, found: &mut Findings) {
    if let Err(why) = re2::check(pattern) {
        let finding = spot.finding(&REGEX_INVALID, why);
        found.push(match pattern {
            "*" => finding.fix("write .* for any text, or {} for presence"),
            "" => finding.fix("write .* for any text"),
            _ => finding,
        });
    }
}

/// Checks the port of a match; 0 means none.
pub(super) fn check_port(port: Option<u32>, spot: &Spot<'_>, found: &mut Findings) {
    if let Some(port) = port.filter(|port| *port > 65535) {
        found.push(spot.finding(&PORT_OUT_OF_RANGE, format!("{port} is not a port number")));
    }
}

/// Checks the labels of a client workload.
pub(super) fn check_labels(labels: &BTreeMap<String, String>, spot: &Spot<'_>, found: &mut Findings) {
    for (key, value) in labels {
        if !is_label_key(key) {
            let what = format!("\"{key}\" is not a valid Kubernetes label");
            found.push(spot.entry(key).finding(&SOURCE_INVALID, what));
        } else if !is_label_value(value) {
            let what = format!("\"{value}\" is not a valid Kubernetes label value");
            found.push(spot.entry(key).finding(&SOURCE_INVALID, what));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::assert_code;

    /// Each row: a match, and the paths below it at which the code is found.
    fn table(code: &str, cases: &[(&str, &[&str])]) {
        for (wanted, paths) in cases {
            let yaml = format!(
                "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a}}\n\
                 spec: {{hosts: [a.com], http: [{{match: [{{{wanted}}}], route: [{{destination: {{host: a}}}}]}}]}}\n"
            );
            let paths: Vec<String> = paths
                .iter()
                .map(|path| format!("spec.http[0].match[0].{path}"))
                .collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            assert_code(&yaml, code, &paths);
        }
    }

    #[test]
    fn only_a_path_may_have_an_empty_prefix() {
        table(
            "ITL0604",
            &[
                ("uri: {prefix: ''}", &[]),
                ("headers: {x-user: {}}", &[]),
                ("method: {exact: ''}", &[]),
                ("headers: {x-user: {prefix: ''}}", &["headers.x-user.prefix"]),
                (
                    "withoutHeaders: {x-user: {prefix: ''}}",
                    &["withoutHeaders.x-user.prefix"],
                ),
                ("queryParams: {q: {prefix: ''}}", &["queryParams.q.prefix"]),
                (
                    "scheme: {prefix: ''}, method: {prefix: ''}",
                    &["scheme.prefix", "method.prefix"],
                ),
                ("authority: {prefix: ''}", &["authority.prefix"]),
            ],
        );
    }

    #[test]
    fn expressions_are_of_re2() {
        table(
            "ITL0605",
            &[
                ("uri: {regex: '/a/{id}/[0-9]+'}", &[]),
                ("headers: {x-user: {regex: 'a|b'}}", &[]),
                ("withoutHeaders: {x-user: {regex: '*'}}", &[]),
                ("uri: {regex: '/a(?=b)'}", &["uri.regex"]),
                ("uri: {regex: ''}", &["uri.regex"]),
                ("headers: {x-user: {regex: '*'}}", &["headers.x-user.regex"]),
                (
                    "withoutHeaders: {x-user: {regex: '('}}",
                    &["withoutHeaders.x-user.regex"],
                ),
                ("queryParams: {q: {regex: '['}}", &["queryParams.q.regex"]),
                ("authority: {regex: '(a)\\1'}", &["authority.regex"]),
            ],
        );
    }

    #[test]
    fn headers_have_names() {
        table(
            "ITL0606",
            &[
                ("headers: {x-user: {exact: a}, ':method': {exact: GET}}", &[]),
                ("withoutHeaders: {X_user.a~: {exact: a}}", &[]),
                ("headers: {'@request.auth.claims[a]': {exact: a}}", &[]),
                ("headers: {'': {exact: a}}", &["headers[\"\"]"]),
                ("headers: {'x user': {exact: a}}", &["headers.x user"]),
                ("withoutHeaders: {':host': {exact: a}}", &["withoutHeaders.:host"]),
            ],
        );
    }

    #[test]
    fn ports_and_sources() {
        table(
            "ITL0607",
            &[
                ("port: 0", &[]),
                ("port: 65535", &[]),
                ("uri: {prefix: /}", &[]),
                ("port: 65536", &["port"]),
            ],
        );
        table(
            "ITL0608",
            &[
                ("sourceLabels: {app: a, app.kubernetes.io/name: ''}", &[]),
                ("sourceNamespace: shop", &[]),
                ("sourceNamespace: ''", &[]),
                ("sourceLabels: {'a b': c}", &["sourceLabels.a b"]),
                ("sourceLabels: {a: 'b c'}", &["sourceLabels.a"]),
                ("sourceNamespace: a.b", &["sourceNamespace"]),
            ],
        );
    }

    #[test]
    fn names_of_gateways() {
        table(
            "ITL0535",
            &[
                ("gateways: [mesh]", &[]),
                ("gateways: [g]", &[]),
                ("gateways: [here/g]", &[]),
                ("gateways: [here/]", &["gateways[0]"]),
            ],
        );
        table("ITL0536", &[("gateways: [g.here]", &["gateways[0]"])]);
    }
}
