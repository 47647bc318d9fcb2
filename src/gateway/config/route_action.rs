//! What one route does: forward with rewrites, header operations, timeout and
//! retries, redirect, or answer directly.

use std::collections::BTreeMap;

use http::{HeaderName, StatusCode};

use super::field::Field;
use super::header_text::{HeaderText, Unusable};
use super::note::Notes;
use super::route_match::{compile, unrunnable};
use super::route_policy::{mirrors_of, positive, retries_of};
use super::route_scope::{Building, RouteScope};
use super::table::{Destination, Forward, HeaderEdit, HeaderOperations, PathRewrite, Redirect, Rewrite, RouteAction};
use crate::manifests::model::http_route as model;
use crate::manifests::re2::Covers;
use crate::problem::Problem;

/// The path prefix that a route matches, which a rewrite replaces.
#[derive(Clone, Copy)]
pub(super) struct MatchedPrefix<'m> {
    /// Its length; none where the match is no prefix.
    pub(super) length: Option<usize>,
    /// The prefix itself, where it is one of whole segments.
    pub(super) separated: &'m str,
}

/// Redirect before direct response before route; `None` when there is nothing to do.
pub(super) fn action_of(
    http: &model::HttpRoute,
    matched: MatchedPrefix<'_>,
    place: &Field<'_>,
    building: &mut Building<'_, '_>,
) -> Option<RouteAction> {
    let (scope, namespace) = (building.scope, building.namespace);
    let (missing, requests) = (building.missing(), building.requests());
    let notes = &mut *building.notes;
    if let Some(redirect) = &http.redirect {
        return redirect_of(redirect, matched.length, scope, place, notes).map(RouteAction::Redirect);
    }
    if let Some(direct) = &http.direct_response {
        let Ok(status) = StatusCode::from_u16(u16::try_from(direct.status).unwrap_or_default()) else {
            notes.push(unrunnable(
                format!("{} is no HTTP status", direct.status),
                &place.child("directResponse").child("status"),
            ));
            return None;
        };
        return Some(RouteAction::Direct {
            status,
            body: direct.body.as_ref().map(body_of).unwrap_or_default(),
        });
    }
    if http.route.is_empty() {
        return None;
    }
    let rewritten = http.rewrite.as_ref().and_then(|rewrite| rewrite.authority.clone());
    let mut authority = rewritten.or_else(|| {
        let mut headers = header_operations(http.headers.as_ref(), place, &mut Notes::default());
        take_authority(&mut headers)
    });
    let mut destinations = Vec::new();
    let several = http.route.len() > 1;
    for (index, wanted) in http.route.iter().enumerate() {
        let place = place.item("route", index);
        let weight = u32::try_from(wanted.weight.unwrap_or_default()).unwrap_or_default();
        // Among several, one without weight gets nothing; a single one gets all.
        if several && weight == 0 {
            continue;
        }
        let mut headers = header_operations(wanted.headers.as_ref(), &place, notes);
        let mut own_authority = take_authority(&mut headers);
        if !several {
            // They follow the route's, of which `route_headers` makes them a part.
            headers = HeaderOperations::default();
            authority = authority.or_else(|| own_authority.take());
        }
        destinations.push(Destination {
            cluster: building
                .clusters
                .index_of(&wanted.destination, namespace, scope.port, requests, &place, notes),
            weight,
            headers,
            authority: own_authority,
        });
    }
    let path = http.rewrite.as_ref().and_then(|rewrite| {
        let place = place.child("rewrite");
        if building.of_gateway_api && rewrite.uri.as_deref() == Some("/") {
            return without_prefix(matched.separated, &place, notes);
        }
        path_rewrite(rewrite, matched.length, &place, notes)
    });
    Some(RouteAction::Forward(Forward {
        destinations,
        rewrite: (path.is_some() || authority.is_some()).then_some(Rewrite { path, authority }),
        timeout: positive(
            http.timeout.as_deref(),
            "the route has no timeout",
            &place.child("timeout"),
            notes,
        ),
        retries: retries_of(http, place, notes),
        mirrors: mirrors_of(http, place, building),
        missing,
    }))
}

fn body_of(body: &model::HttpBody) -> bytes::Bytes {
    use base64::Engine as _;
    match (&body.string, &body.bytes) {
        (Some(text), _) => bytes::Bytes::copy_from_slice(text.as_bytes()),
        (None, Some(encoded)) => base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .unwrap_or_default()
            .into(),
        (None, None) => bytes::Bytes::new(),
    }
}

fn path_rewrite(
    rewrite: &model::HttpRewrite,
    prefix_length: Option<usize>,
    place: &Field<'_>,
    notes: &mut Notes,
) -> Option<PathRewrite> {
    if let Some(by_regex) = &rewrite.uri_regex_rewrite {
        let pattern = by_regex.pattern.as_deref().unwrap_or_default();
        let with = substitution(by_regex.rewrite.as_deref().unwrap_or_default());
        return match compile(pattern, Covers::Part, &place.child("uriRegexRewrite")) {
            Ok(pattern) => Some(PathRewrite::Regex { pattern, with }),
            Err(problem) => {
                notes.push(problem);
                None
            }
        };
    }
    let with = rewrite.uri.clone().filter(|uri| !uri.is_empty())?;
    Some(match prefix_length {
        Some(matched) => PathRewrite::Prefix { matched, with },
        None => PathRewrite::Whole(with),
    })
}

/// Takes a prefix of whole segments off a path, which keeps one slash at its beginning.
fn without_prefix(prefix: &str, place: &Field<'_>, notes: &mut Notes) -> Option<PathRewrite> {
    let pattern = format!("^{}(/?)(.*)", regex::escape(prefix));
    match compile(&pattern, Covers::Part, place) {
        Ok(pattern) => Some(PathRewrite::Regex {
            pattern,
            with: "/${2}".to_owned(),
        }),
        Err(problem) => {
            notes.push(problem);
            None
        }
    }
}

/// RE2's `\1` as this regex engine writes it: `${1}`.
fn substitution(rewrite: &str) -> String {
    let mut result = String::with_capacity(rewrite.len());
    let mut characters = rewrite.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '$' => result.push_str("$$"),
            '\\' => match characters.next() {
                Some(digit @ '0'..='9') => {
                    result.push_str("${");
                    result.push(digit);
                    result.push('}');
                }
                Some(other) => result.push(other),
                None => {}
            },
            other => result.push(other),
        }
    }
    result
}

fn redirect_of(
    redirect: &model::HttpRedirect,
    prefix_length: Option<usize>,
    scope: &RouteScope<'_>,
    place: &Field<'_>,
    notes: &mut Notes,
) -> Option<Redirect> {
    let code = redirect.redirect_code.filter(|code| *code != 0).unwrap_or(301);
    let status = match code {
        301 | 302 | 303 | 307 | 308 => StatusCode::from_u16(u16::try_from(code).ok()?).ok()?,
        _ => {
            notes.push(
                Problem::new(format!(
                    "a redirect with code {code} makes a route without action, under Istio too"
                ))
                .at(place.child("redirect").child("redirectCode").locate())
                .fix("use 301, 302, 303, 307 or 308"),
            );
            return None;
        }
    };
    let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let path = match (some(&redirect.uri), some(&redirect.prefix_rewrite)) {
        (Some(uri), _) if uri.starts_with('/') => Some(PathRewrite::Whole(uri)),
        (Some(uri), _) => Some(PathRewrite::Whole(format!("/{uri}"))),
        (None, Some(with)) => Some(PathRewrite::Prefix {
            matched: prefix_length.unwrap_or_default(),
            with,
        }),
        (None, None) => None,
    };
    let scheme = some(&redirect.scheme);
    let effective = scheme.as_deref().unwrap_or(if scope.tls { "https" } else { "http" });
    let port = match redirect.derive_port {
        Some(model::RedirectPort::FromRequestPort) => Some(scope.port),
        _ => redirect
            .port
            .and_then(|port| u16::try_from(port).ok())
            .filter(|port| *port != 0),
    };
    // A scheme's own port is never written out.
    let port = port.filter(|port| !matches!((*port, effective), (80, "http") | (443, "https")));
    Some(Redirect {
        status,
        path,
        authority: some(&redirect.authority),
        scheme,
        port,
    })
}

/// The header operations of a route, and behind them those of its only destination:
/// Istio makes one list of both. A Host among them is part of the action: it rewrites
/// the authority.
pub(super) fn route_headers(http: &model::HttpRoute, place: &Field<'_>, notes: &mut Notes) -> HeaderOperations {
    let mut headers = header_operations(http.headers.as_ref(), place, notes);
    if let [only] = http.route.as_slice()
        && http.redirect.is_none()
        && http.direct_response.is_none()
    {
        let place = place.item("route", 0);
        headers.append(header_operations(only.headers.as_ref(), &place, &mut Notes::default()));
    }
    take_authority(&mut headers);
    headers
}

/// `headers` of a route or destination.
fn header_operations(headers: Option<&model::Headers>, place: &Field<'_>, notes: &mut Notes) -> HeaderOperations {
    let Some(headers) = headers else {
        return HeaderOperations::default();
    };
    let place = place.child("headers");
    let mut edit = |operations: &Option<model::HeaderOperations>, place: Field<'_>| {
        let Some(operations) = operations else {
            return HeaderEdit::default();
        };
        let mut values = |field: &str, map: &BTreeMap<String, String>| {
            let place = place.child(field);
            map.iter()
                .filter_map(|(name, value)| header(name, value, &place.child(name), notes))
                .collect()
        };
        HeaderEdit {
            set: values("set", &operations.set),
            add: values("add", &operations.add),
            remove: operations
                .remove
                .iter()
                .filter_map(|name| HeaderName::try_from(name.as_str()).ok())
                .collect(),
        }
    };
    HeaderOperations {
        request: edit(&headers.request, place.child("request")),
        response: edit(&headers.response, place.child("response")),
    }
}

fn header(name: &str, value: &str, place: &Field<'_>, notes: &mut Notes) -> Option<(HeaderName, HeaderText)> {
    // `:authority` is Host, which is what an HTTP/1.1 request carries.
    let name = if name == ":authority" { "host" } else { name };
    match (HeaderName::try_from(name), HeaderText::parse(value)) {
        (Ok(name), Ok(text)) => return Some((name, text)),
        (Ok(_), Err(Unusable::Unknown(variable))) => notes.push_limit(
            Problem::new(format!("serve does not fill in {variable}, so it leaves {name} alone")).at(place.locate()),
        ),
        _ => notes.push(Problem::new(format!("{name:?} with {value:?} is no header")).at(place.locate())),
    }
    None
}

/// Takes the Host out of the operations: it is a rewrite of the authority; set before add.
fn take_authority(headers: &mut HeaderOperations) -> Option<String> {
    let mut taken = None;
    for list in [&mut headers.request.set, &mut headers.request.add] {
        list.retain(|(name, value)| {
            if *name != http::header::HOST {
                return true;
            }
            taken = taken.take().or_else(|| match value {
                HeaderText::Plain(value) => value.to_str().ok().map(str::to_owned),
                HeaderText::Filled(_) => None,
            });
            false
        });
    }
    taken
}
