//! The checks of Istio's admission webhook on CORS policies.

use super::route_match::check_regex;
use super::route_retry::check_duration;
use crate::lint::codes::{CORS_INVALID, DURATION_INVALID, REGEX_INVALID};
use crate::lint::istio_names::is_header_name;
use crate::lint::spot::Spot;
use crate::lint::{Code, Findings, Rule, World};
use crate::manifests::model::duration;
use crate::manifests::model::http_route::{CorsPolicy, StringMatch};

pub(super) static RULES: &[&dyn Rule] = &[&Policies];

/// The methods that Istio accepts.
const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*",
];

/// Every policy.
struct Policies;

impl Rule for Policies {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CORS_INVALID, &REGEX_INVALID, &DURATION_INVALID]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            for (at, route) in service.object.spec.http.iter().enumerate() {
                if let Some(policy) = &route.cors_policy {
                    check_policy(
                        policy,
                        &Spot::new(service, format!("spec.http[{at}].corsPolicy")),
                        found,
                    );
                }
            }
        }
    }
}

fn check_policy(policy: &CorsPolicy, spot: &Spot<'_>, found: &mut Findings) {
    for (at, origin) in policy.allow_origins.iter().enumerate() {
        let spot = spot.field("allowOrigins").at(at);
        match origin {
            StringMatch::Exact(text) | StringMatch::Prefix(text) | StringMatch::Regex(text) if text.is_empty() => {
                found.push(spot.finding(&CORS_INVALID, "the origin is empty"));
            }
            StringMatch::Present => found.push(spot.finding(&CORS_INVALID, "the origin is empty")),
            StringMatch::Regex(pattern) => check_regex(pattern, &spot.field("regex"), found),
            StringMatch::Exact(_) | StringMatch::Prefix(_) => {}
        }
    }
    for (at, method) in policy.allow_methods.iter().enumerate() {
        if !METHODS.contains(&method.as_str()) {
            let what = format!("\"{method}\" is not a method that Istio accepts");
            found.push(spot.field("allowMethods").at(at).finding(&CORS_INVALID, what));
        }
    }
    for (field, names) in [
        ("allowHeaders", &policy.allow_headers),
        ("exposeHeaders", &policy.expose_headers),
    ] {
        for (at, name) in names.iter().enumerate() {
            if !is_header_name(name) {
                let what = format!("\"{name}\" is not a valid header name");
                found.push(spot.field(field).at(at).finding(&CORS_INVALID, what));
            }
        }
    }
    if let Some(age) = &policy.max_age {
        let spot = spot.field("maxAge");
        let is_good = check_duration(age, &spot, found);
        if is_good && duration::parse(age).is_some_and(|age| age.subsec_nanos() != 0) {
            found.push(spot.finding(&CORS_INVALID, format!("maxAge {age} is not in whole seconds")));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::assert_code;

    #[test]
    fn origins_methods_headers_and_age() {
        for (policy, code, paths) in [
            (
                "allowOrigins: [{exact: 'https://a.com'}, {prefix: 'https://'}]",
                "ITL0626",
                &[][..],
            ),
            (
                "allowMethods: [GET, '*'], allowHeaders: ['*', x-a], exposeHeaders: [x-b]",
                "ITL0626",
                &[],
            ),
            ("maxAge: 24h, allowCredentials: true", "ITL0626", &[]),
            ("{}", "ITL0626", &[]),
            (
                "allowOrigins: [{}, {exact: ''}]",
                "ITL0626",
                &["allowOrigins[0]", "allowOrigins[1]"],
            ),
            ("allowOrigins: [{regex: '*'}]", "ITL0605", &["allowOrigins[0].regex"]),
            ("allowMethods: [get]", "ITL0626", &["allowMethods[0]"]),
            (
                "allowHeaders: [x-a, 'x a'], exposeHeaders: ['']",
                "ITL0626",
                &["allowHeaders[1]", "exposeHeaders[0]"],
            ),
            ("maxAge: 1.5s", "ITL0626", &["maxAge"]),
            ("maxAge: 0s", "ITL0615", &["maxAge"]),
        ] {
            let policy = if policy == "{}" { "" } else { policy };
            let yaml = format!(
                "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a}}\n\
                 spec: {{hosts: [a.com], http: [{{route: [{{destination: {{host: a}}}}], corsPolicy: {{{policy}}}}}]}}\n"
            );
            let paths: Vec<String> = paths
                .iter()
                .map(|path| format!("spec.http[0].corsPolicy.{path}"))
                .collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            assert_code(&yaml, code, &paths);
        }
    }
}
