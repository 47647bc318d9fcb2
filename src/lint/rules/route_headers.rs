//! The checks of Istio's admission webhook on header operations.

use std::collections::BTreeMap;

use crate::lint::codes::{AUTHORITY_TWICE, HEADER_OPERATION_NAME, HEADER_VALUE};
use crate::lint::spot::Spot;
use crate::lint::{Code, Findings, Rule, World};
use crate::manifests::model::http_route::{Headers, HttpRoute};

pub(super) static RULES: &[&dyn Rule] = &[&Operations];

/// The operations of routes and of their destinations.
struct Operations;

impl Rule for Operations {
    fn codes(&self) -> &'static [&'static Code] {
        &[&HEADER_OPERATION_NAME, &HEADER_VALUE, &AUTHORITY_TWICE]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            for (at, route) in service.object.spec.http.iter().enumerate() {
                let spot = Spot::new(service, format!("spec.http[{at}]"));
                if let Some(headers) = &route.headers {
                    check_headers(headers, &spot.field("headers"), found);
                    check_authority(route, headers, &spot.field("headers"), found);
                }
                for (number, to) in route.route.iter().enumerate() {
                    if let Some(headers) = &to.headers {
                        check_headers(headers, &spot.field("route").at(number).field("headers"), found);
                    }
                }
            }
        }
    }
}

fn check_headers(headers: &Headers, spot: &Spot<'_>, found: &mut Findings) {
    for (field, operations) in [("request", &headers.request), ("response", &headers.response)] {
        let Some(operations) = operations else { continue };
        let spot = spot.field(field);
        for (verb, entries) in [("set", &operations.set), ("add", &operations.add)] {
            for (name, value) in entries {
                let spot = spot.field(verb).entry(name);
                check_name(name, field == "request", &spot, found);
                if let Err(why) = check_value(value) {
                    found.push(spot.finding(&HEADER_VALUE, format!("the value of {name} {why}")));
                }
            }
        }
        for (at, name) in operations.remove.iter().enumerate() {
            check_name(name, false, &spot.field("remove").at(at), found);
        }
    }
}

fn is_authority(name: &str) -> bool {
    name.eq_ignore_ascii_case(":authority") || name.eq_ignore_ascii_case("host")
}

fn check_name(name: &str, may_be_authority: bool, spot: &Spot<'_>, found: &mut Findings) {
    let what = match name {
        "" => "the header has no name".to_owned(),
        _ if may_be_authority && is_authority(name) => return,
        _ if name.starts_with(':') || is_authority(name) => format!("the header {name} cannot be changed here"),
        _ => return,
    };
    found.push(spot.finding(&HEADER_OPERATION_NAME, what));
}

/// The host is set in one place only.
fn check_authority(route: &HttpRoute, headers: &Headers, spot: &Spot<'_>, found: &mut Findings) {
    let Some(request) = &headers.request else { return };
    let rewritten = route.rewrite.as_ref().and_then(|rewrite| rewrite.authority.as_deref());
    let mut is_set = rewritten.is_some_and(|authority| !authority.is_empty());
    let entries = |map: &BTreeMap<String, String>, verb: &'static str| -> Vec<(&'static str, String, bool)> {
        let of_authority = map.iter().filter(|(name, _)| is_authority(name));
        of_authority
            .map(|(name, value)| (verb, name.clone(), !value.is_empty()))
            .collect()
    };
    for (verb, name, has_value) in [entries(&request.set, "set"), entries(&request.add, "add")].concat() {
        if is_set {
            let what = format!("the host is set here by {name}, and again elsewhere in this route");
            let spot = spot.field("request").field(verb).entry(&name);
            found.push(spot.finding(&AUTHORITY_TWICE, what));
            return;
        }
        is_set = has_value;
    }
}

/// Whether Envoy accepts a value: `%NAME%` and `%NAME(arguments)%` are variables, `%%` is a percent
/// sign, and tab is the only control character allowed.
fn check_value(value: &str) -> Result<(), &'static str> {
    if value.chars().any(|c| c.is_ascii_control() && c != '\t') {
        return Err("contains a control character");
    }
    let mut rest = value;
    while let Some((_, after)) = rest.split_once('%') {
        rest = match after.strip_prefix('%') {
            Some(escaped) => escaped,
            None => after_variable(after)?,
        };
    }
    Ok(())
}

/// The rest after a variable, whose first percent sign was already consumed.
fn after_variable(text: &str) -> Result<&str, &'static str> {
    const OPEN: &str = "has a % that begins an unterminated variable";
    let Some(end) = text.find(['%', '(']) else {
        return Err(OPEN);
    };
    let rest = &text[end..];
    let Some(arguments) = rest.strip_prefix('(') else {
        return rest.strip_prefix('%').ok_or(OPEN);
    };
    let arguments = arguments.trim_start_matches(' ');
    let after = match arguments.strip_prefix('[') {
        Some(array) => after_array(array)?,
        None => after_argument(arguments)?,
    };
    let after = after.trim_start_matches(' ');
    after
        .strip_prefix('%')
        .ok_or("has a variable whose arguments are not followed by %")
}

/// The rest after `argument)`.
fn after_argument(text: &str) -> Result<&str, &'static str> {
    const BAD: &str = "has a variable with unterminated arguments";
    let mut chars = text.chars();
    // As in Istio, everything before it belongs to the argument.
    chars.next();
    loop {
        match chars.next().ok_or(BAD)? {
            '\\' => {
                chars.next();
            }
            '"' => return Err("has a variable with a quote in its arguments"),
            ')' => return Ok(chars.as_str()),
            _ => {}
        }
    }
}

/// The rest after `"one", "two"])`.
fn after_array(text: &str) -> Result<&str, &'static str> {
    const BAD: &str = "has a variable with a list whose items are not quoted";
    let mut rest = text.trim_start_matches(' ');
    loop {
        let mut chars = rest.strip_prefix('"').ok_or(BAD)?.chars();
        loop {
            match chars.next().ok_or(BAD)? {
                '\\' => {
                    chars.next();
                }
                '"' => break,
                _ => {}
            }
        }
        rest = chars.as_str().trim_start_matches(' ');
        match rest.strip_prefix(',') {
            Some(next) => rest = next.trim_start_matches(' '),
            None => break,
        }
    }
    let rest = rest.strip_prefix(']').ok_or(BAD)?.trim_start_matches(' ');
    rest.strip_prefix(')').ok_or(BAD)
}

#[cfg(test)]
mod tests {
    use super::check_value;
    use crate::lint::testing::assert_code;

    #[test]
    fn values_are_text_and_variables() {
        for (value, fits) in [
            ("", true),
            ("foo", true),
            ("a\tb", true),
            ("%HOSTNAME%", true),
            ("100%%", true),
            ("prefix %HOSTNAME% suffix", true),
            ("%REQ(X-User)%", true),
            ("%DYNAMIC_METADATA([\"a\", \"b\"])%", true),
            ("%START_TIME(%Y)%", true),
            ("h\u{e9}", true),
            ("abc%123", false),
            ("100%", false),
            ("%START_TIME%%", false),
            ("%REQ(X-User%", false),
            ("%REQ(X-User) x", false),
            ("%A([a])%", false),
            ("%A()%", false),
            ("%A(\"a\")%", false),
            ("%A([\"a\"", false),
            ("a\nb", false),
            ("a\u{7f}", false),
        ] {
            assert_eq!(check_value(value).is_ok(), fits, "{value}");
        }
    }

    /// Each row: fields of a route, and the paths below it at which the code is found.
    fn table(code: &str, cases: &[(&str, &[&str])]) {
        for (fields, paths) in cases {
            let route = if fields.starts_with("route") {
                ""
            } else {
                ", route: [{destination: {host: a}}]"
            };
            let yaml = format!(
                "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a}}\n\
                 spec: {{hosts: [a.com], http: [{{{fields}{route}}}]}}\n"
            );
            let paths: Vec<String> = paths.iter().map(|path| format!("spec.http[0].{path}")).collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            assert_code(&yaml, code, &paths);
        }
    }

    #[test]
    fn pseudo_headers_stay_and_the_host_is_set_on_requests_alone() {
        table(
            "ITL0609",
            &[
                ("headers: {request: {set: {x-user: a}, remove: [x-b]}}", &[]),
                ("headers: {request: {set: {Host: b.com}}}", &[]),
                ("headers: {request: {add: {':authority': b.com}}}", &[]),
                ("headers: {response: {set: {x-user: a}}}", &[]),
                (
                    "headers: {request: {set: {':path': /}}}",
                    &["headers.request.set.:path"],
                ),
                (
                    "headers: {request: {remove: [host, '']}}",
                    &["headers.request.remove[0]", "headers.request.remove[1]"],
                ),
                (
                    "headers: {response: {add: {Host: b.com}}}",
                    &["headers.response.add.Host"],
                ),
                (
                    "route: [{destination: {host: a}, headers: {response: {remove: [':status']}}}]",
                    &["route[0].headers.response.remove[0]"],
                ),
            ],
        );
    }

    #[test]
    fn per_cent_signs_are_doubled() {
        table(
            "ITL0610",
            &[
                ("headers: {request: {set: {x-user: '100%%'}}}", &[]),
                ("headers: {request: {add: {x-user: '%PROTOCOL%'}}}", &[]),
                ("headers: {response: {set: {x-user: ''}}}", &[]),
                (
                    "headers: {request: {set: {x-user: '100%'}}}",
                    &["headers.request.set.x-user"],
                ),
                (
                    "route: [{destination: {host: a}, headers: {response: {add: {x.y: '%A'}}}}]",
                    &["route[0].headers.response.add[\"x.y\"]"],
                ),
            ],
        );
    }

    #[test]
    fn the_host_is_set_once() {
        table(
            "ITL0611",
            &[
                ("rewrite: {authority: b.com}", &[]),
                ("headers: {request: {set: {host: b.com}}}", &[]),
                ("rewrite: {uri: /}, headers: {request: {set: {host: b.com}}}", &[]),
                (
                    "rewrite: {authority: b.com}, headers: {request: {set: {x-user: a}}}",
                    &[],
                ),
                (
                    "rewrite: {authority: b.com}, headers: {request: {set: {host: c.com}}}",
                    &["headers.request.set.host"],
                ),
                (
                    "headers: {request: {set: {host: b.com}, add: {':authority': c.com}}}",
                    &["headers.request.add.:authority"],
                ),
            ],
        );
    }
}
