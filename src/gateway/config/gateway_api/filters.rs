//! Filters of a rule (istiod's `create...Filter`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::backends::destination;
use super::context::Context;
use super::kube::Stored;
use super::rule::{Paths, Refused};
use crate::gateway::config::note::Notes;
use crate::manifests::gateway_api::{list, text};
use crate::manifests::model::http_route::{
    CorsPolicy, HeaderOperations, HttpMirror, HttpRedirect, HttpRewrite, HttpRoute, Percent, RedirectPort,
    RegexRewrite, StringMatch, UnmatchedPreflights,
};

/// The origins that `*` stands for: a scheme, a host, perhaps a port.
const ANY_ORIGIN: &str = r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s?#]+$";

/// Adds the filters of a rule to its route; `path` is that of the rule.
pub(super) fn add(
    route: &Stored<'_>,
    rule: &Value,
    path: &str,
    made: &mut HttpRoute,
    paths: &mut Paths,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<(), Refused> {
    let is_grpc = route.kube.kind() == "GRPCRoute";
    for (number, filter) in list(rule.get("filters")).enumerate() {
        let field = format!("{path}.filters[{number}]");
        let kind = text(filter.get("type"));
        match kind {
            Some("RequestHeaderModifier") => {
                if let Some(headers) = headers_of(route, filter.get("requestHeaderModifier"), &field)? {
                    made.headers.get_or_insert_default().request = Some(headers);
                    paths.add("headers.request", format!("{field}.requestHeaderModifier"));
                }
            }
            Some("ResponseHeaderModifier") => {
                if let Some(headers) = headers_of(route, filter.get("responseHeaderModifier"), &field)? {
                    made.headers.get_or_insert_default().response = Some(headers);
                    paths.add("headers.response", format!("{field}.responseHeaderModifier"));
                }
            }
            Some("RequestMirror") => {
                let Some(mirror) = filter.get("requestMirror").filter(|mirror| mirror.is_object()) else {
                    continue;
                };
                let field = format!("{field}.requestMirror.backendRef");
                let backend = &mirror["backendRef"];
                let to = destination(route, backend, &field, context, notes)?;
                if is_grpc && !context.scene.services.has(&to.host) {
                    let why = "a GRPCRoute that mirrors to a Service that is not there is not run";
                    return Err(Refused::new(route, &format!("{field}.name"), why));
                }
                // What leads nowhere gets no copies.
                if !to.host.is_empty() {
                    let made_path = format!("mirrors[{}]", made.mirrors.len());
                    paths.add(format!("{made_path}.destination"), format!("{field}.name"));
                    paths.add(made_path, field);
                    made.mirrors.push(HttpMirror {
                        destination: to,
                        percentage: percentage(mirror),
                    });
                }
            }
            Some("RequestRedirect") if !is_grpc => {
                made.redirect = filter.get("requestRedirect").map(redirect);
                paths.add("redirect.redirectCode", format!("{field}.requestRedirect.statusCode"));
                paths.add("redirect", format!("{field}.requestRedirect"));
            }
            Some("URLRewrite") if !is_grpc => {
                made.rewrite = filter.get("urlRewrite").and_then(rewrite);
                paths.add("rewrite", format!("{field}.urlRewrite"));
            }
            Some("CORS") if !is_grpc => {
                made.cors_policy = filter.get("cors").map(cors);
                paths.add("corsPolicy", format!("{field}.cors"));
            }
            other => return Err(Refused::filter(route, other, &format!("{field}.type"))),
        }
    }
    Ok(())
}

/// Header operations; of several values for one name the first counts.
pub(super) fn headers_of(
    route: &Stored<'_>,
    modifier: Option<&Value>,
    path: &str,
) -> Result<Option<HeaderOperations>, Refused> {
    let Some(modifier) = modifier.filter(|modifier| modifier.is_object()) else {
        return Ok(None);
    };
    let values = |field: &str| -> Result<BTreeMap<String, String>, Refused> {
        let mut found = BTreeMap::new();
        for header in list(modifier.get(field)) {
            let name = text(header.get("name")).unwrap_or_default();
            let value = header.get("value").and_then(Value::as_str).unwrap_or_default();
            if !value.bytes().all(|byte| byte == b'\t' || byte >= b' ' && byte != 0x7f) {
                let why = format!("the value of header {name:?} has characters that no header may have");
                return Err(Refused::new(route, path, why));
            }
            found
                .entry(name.to_ascii_lowercase())
                .or_insert_with(|| value.to_owned());
        }
        Ok(found)
    };
    Ok(Some(HeaderOperations {
        set: values("set")?,
        add: values("add")?,
        remove: list(modifier.get("remove"))
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect(),
    }))
}

#[allow(clippy::cast_precision_loss, reason = "they are shares of requests")]
fn percentage(mirror: &Value) -> Option<Percent> {
    let number = |value: Option<&Value>| value.and_then(Value::as_i64).map(|number| number as f64);
    let value = match mirror.get("fraction").filter(|fraction| fraction.is_object()) {
        Some(fraction) => {
            100.0 * number(fraction.get("numerator")).unwrap_or_default()
                / number(fraction.get("denominator")).unwrap_or(100.0)
        }
        None => number(mirror.get("percent"))?,
    };
    Some(Percent { value })
}

fn redirect(filter: &Value) -> HttpRedirect {
    let field = |name: &str| text(filter.get(name)).map(str::to_owned);
    let number = |name: &str| {
        let number = filter.get(name).and_then(Value::as_u64);
        number.and_then(|number| u32::try_from(number).ok())
    };
    let path = filter.get("path").filter(|path| path.is_object());
    let of_path = |kind: &str, name: &str| {
        let path = path.filter(|path| text(path.get("type")) == Some(kind))?;
        text(path.get(name)).map(str::to_owned)
    };
    let (port, scheme) = (number("port"), field("scheme"));
    HttpRedirect {
        uri: of_path("ReplaceFullPath", "replaceFullPath"),
        prefix_rewrite: of_path("ReplacePrefixMatch", "replacePrefixMatch"),
        authority: field("hostname"),
        // Without a port the listener's stays, unless the scheme is another.
        derive_port: port.is_none().then_some(if scheme.is_some() {
            RedirectPort::FromProtocolDefault
        } else {
            RedirectPort::FromRequestPort
        }),
        port,
        scheme,
        redirect_code: number("statusCode"),
    }
}

fn rewrite(filter: &Value) -> Option<HttpRewrite> {
    let mut rewrite = HttpRewrite {
        authority: text(filter.get("hostname")).map(str::to_owned),
        ..HttpRewrite::default()
    };
    let path = |name: &str| filter.pointer(&format!("/path/{name}")).and_then(Value::as_str);
    match path("type") {
        Some("ReplacePrefixMatch") => {
            let with = path("replacePrefixMatch").unwrap_or_default();
            let with = with.strip_suffix('/').unwrap_or(with);
            rewrite.uri = Some(if with.is_empty() { "/" } else { with }.to_owned());
        }
        Some("ReplaceFullPath") => {
            rewrite.uri_regex_rewrite = Some(RegexRewrite {
                pattern: Some("/.*".to_owned()),
                rewrite: path("replaceFullPath").map(str::to_owned),
            });
        }
        _ => {}
    }
    (rewrite != HttpRewrite::default()).then_some(rewrite)
}

fn cors(filter: &Value) -> CorsPolicy {
    let texts = |name: &str| -> Vec<String> {
        let texts = list(filter.get(name)).filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    };
    let origins = list(filter.get("allowOrigins")).filter_map(Value::as_str);
    let age = filter.get("maxAge").and_then(Value::as_u64).filter(|age| *age > 0);
    CorsPolicy {
        allow_origins: origins.filter(|origin| !origin.is_empty()).map(origin).collect(),
        allow_methods: texts("allowMethods"),
        allow_headers: texts("allowHeaders"),
        expose_headers: texts("exposeHeaders"),
        max_age: age.map(|age| format!("{age}s")),
        allow_credentials: filter
            .get("allowCredentials")
            .and_then(Value::as_bool)
            .filter(|allowed| *allowed),
        unmatched_preflights: Some(UnmatchedPreflights::Ignore),
        ..CorsPolicy::default()
    }
}

/// The origins that a pattern with `*` means.
fn origin(pattern: &str) -> StringMatch {
    if pattern == "*" {
        return StringMatch::Regex(ANY_ORIGIN.to_owned());
    }
    match pattern.split_once('*') {
        None => StringMatch::Exact(pattern.to_owned()),
        Some((before, "")) => StringMatch::Prefix(before.to_owned()),
        Some(_) => {
            let parts: Vec<String> = pattern.split('*').map(regex::escape).collect();
            StringMatch::Regex(format!("^{}$", parts.join(".*")))
        }
    }
}
