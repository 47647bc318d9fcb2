//! Redirects of http routes: the checks of Istio's admission webhook, and codes that it accepts but
//! cannot translate.

use super::route_action::is_set;
use crate::lint::codes::{PORT_OUT_OF_RANGE, REDIRECT_CODE_UNKNOWN, REDIRECT_INVALID};
use crate::lint::spot::Spot;
use crate::lint::{Code, Findings, Rule, World};
use crate::manifests::model::http_route::{HttpRedirect, HttpRoute, StringMatch};

pub(super) static RULES: &[&dyn Rule] = &[&Redirects];

/// Responses with a Location header.
struct Redirects;

impl Rule for Redirects {
    fn codes(&self) -> &'static [&'static Code] {
        &[&REDIRECT_INVALID, &PORT_OUT_OF_RANGE, &REDIRECT_CODE_UNKNOWN]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            for (at, route) in service.object.spec.http.iter().enumerate() {
                if let Some(redirect) = &route.redirect {
                    let spot = Spot::new(service, format!("spec.http[{at}].redirect"));
                    check_redirect(redirect, route, &spot, found);
                }
            }
        }
    }
}

fn check_redirect(redirect: &HttpRedirect, route: &HttpRoute, spot: &Spot<'_>, found: &mut Findings) {
    let (uri, prefix) = (is_set(redirect.uri.as_ref()), is_set(redirect.prefix_rewrite.as_ref()));
    let mut bad = |field: &str, what: String| {
        let spot = if field.is_empty() {
            spot.clone()
        } else {
            spot.field(field)
        };
        found.push(spot.finding(&REDIRECT_INVALID, what));
    };
    if uri && prefix {
        bad(
            "prefixRewrite",
            "the redirect has both uri and prefixRewrite".to_owned(),
        );
    }
    let is_prefix = |uri: &StringMatch| matches!(uri, StringMatch::Prefix(_));
    let mut paths = route.matches.iter().filter_map(|wanted| wanted.uri.as_ref());
    if prefix && !uri && !paths.all(is_prefix) {
        let what = "prefixRewrite replaces a prefix, but a match of the route has a uri that is not a prefix";
        bad("prefixRewrite", what.to_owned());
    }
    let has_port = redirect.port.is_some() || redirect.derive_port.is_some();
    if !uri && !prefix && !is_set(redirect.authority.as_ref()) && !is_set(redirect.scheme.as_ref()) && !has_port {
        bad(
            "",
            "the redirect changes nothing, so it leads back to the same URL".to_owned(),
        );
    }
    if redirect.port.is_some() && redirect.derive_port.is_some() {
        bad("derivePort", "the redirect has both port and derivePort".to_owned());
    }
    if let Some(scheme) = redirect
        .scheme
        .as_deref()
        .filter(|scheme| !matches!(*scheme, "" | "http" | "https"))
    {
        bad("scheme", format!("the scheme {scheme} is neither http nor https"));
    }
    match redirect.redirect_code {
        None | Some(0 | 301 | 302 | 303 | 307 | 308) => {}
        Some(code @ 300..=399) => {
            let what = format!("redirectCode {code} results in a route without an action");
            found.push(spot.field("redirectCode").finding(&REDIRECT_CODE_UNKNOWN, what));
        }
        Some(code) => bad("redirectCode", format!("redirectCode {code} is not a 3xx status")),
    }
    if let Some(port) = redirect.port.filter(|port| *port > 65535) {
        found.push(
            spot.field("port")
                .finding(&PORT_OUT_OF_RANGE, format!("{port} is not a port number")),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::assert_code;

    /// Each row: the fields of a route, and the paths below it at which the code is found.
    fn table(code: &str, cases: &[(&str, &[&str])]) {
        for (fields, paths) in cases {
            let yaml = format!(
                "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a}}\n\
                 spec: {{hosts: [a.com], http: [{{{fields}}}]}}\n"
            );
            let paths: Vec<String> = paths.iter().map(|path| format!("spec.http[0]{path}")).collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            assert_code(&yaml, code, &paths);
        }
    }

    #[test]
    fn redirects() {
        let prefix = "match: [{uri: {prefix: /a}}]";
        table(
            "ITL0623",
            &[
                ("redirect: {uri: /}", &[]),
                ("redirect: {scheme: https, redirectCode: 308}", &[]),
                ("redirect: {derivePort: FROM_REQUEST_PORT}", &[]),
                (&format!("{prefix}, redirect: {{prefixRewrite: /b}}"), &[]),
                ("redirect: {prefixRewrite: /b}", &[]),
                ("redirect: {}", &[".redirect"]),
                ("redirect: {redirectCode: 302}", &[".redirect"]),
                (
                    &format!("{prefix}, redirect: {{prefixRewrite: /b, uri: /c}}"),
                    &[".redirect.prefixRewrite"],
                ),
                (
                    "match: [{uri: {prefix: /a}}, {uri: {exact: /b}}], redirect: {prefixRewrite: /c}",
                    &[".redirect.prefixRewrite"],
                ),
                ("redirect: {uri: /, redirectCode: 200}", &[".redirect.redirectCode"]),
                ("redirect: {uri: /, scheme: ftp}", &[".redirect.scheme"]),
                (
                    "redirect: {port: 80, derivePort: FROM_REQUEST_PORT}",
                    &[".redirect.derivePort"],
                ),
            ],
        );
        table(
            "ITL0607",
            &[
                ("redirect: {port: 65536}", &[".redirect.port"]),
                ("redirect: {port: 443}", &[]),
            ],
        );
        table(
            "ITL0650",
            &[
                ("redirect: {uri: /}", &[]),
                ("redirect: {uri: /, redirectCode: 303}", &[]),
                ("redirect: {uri: /, redirectCode: 308}", &[]),
                ("redirect: {uri: /, redirectCode: 404}", &[]),
                ("redirect: {uri: /, redirectCode: 304}", &[".redirect.redirectCode"]),
                ("redirect: {uri: /, redirectCode: 300}", &[".redirect.redirectCode"]),
            ],
        );
    }
}
