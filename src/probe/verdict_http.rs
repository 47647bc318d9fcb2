//! Verdicts on the HTTP response. Pure.

use super::codes::Code;
use super::expectation::{Expectation, ExpectedStatus, Place};
use super::facts::{Facts, Http, HttpOutcome};
use super::verdict::{Verdict, span};
use crate::names::Host;
use crate::remedy::{Remedy, kubectl, ours};

/// A failed exchange, or an unexpected status.
pub(super) fn answer(facts: &Facts, wanted: &Expectation) -> Option<Verdict> {
    let http = facts.http.as_ref()?;
    if let Some(verdict) = unanswered(http) {
        return Some(verdict);
    }
    let status = http.status?;
    if let Some(carrier) = &wanted.over {
        if status == 421 {
            // In this case, the client opens a separate connection (RFC 9110 section 15.5.20).
            return None;
        }
        if is_gateways_own_404(http) {
            let (cause, fix) = coalesced_cause(&wanted.host, carrier);
            return Some(Verdict::new(
                Code::CoalescedNotFound,
                format!(
                    "a browser with a connection to {carrier} reuses it for {}, because the certificate covers both, and gets 404: {cause}",
                    wanted.host
                ),
                "the same response as on the host's own connection, or 421",
                "404",
                fix,
            ));
        }
    }
    let expected = match wanted.status {
        ExpectedStatus::Exactly(exact) if exact == status => return None,
        ExpectedStatus::Exactly(exact) => format!("status {exact}"),
        ExpectedStatus::Served if status < 500 && !is_gateways_own_404(http) => return None,
        ExpectedStatus::Served => "a status below 500 that is not the gateway's own 404".to_owned(),
    };
    let path = &http.path;
    let body = http.body.lines().next().unwrap_or_default().trim();
    let said = if body.is_empty() || body.len() > 120 || body.starts_with('<') {
        String::new()
    } else {
        format!(", body {body:?}")
    };
    let (cause, fix) = cause_of(http, status, wanted);
    Some(Verdict::new(
        Code::UnexpectedStatus,
        format!("expected {expected} for {path}, but got {status} ({cause}{said})"),
        expected,
        status.to_string(),
        fix,
    ))
}

/// An exchange without a complete response.
fn unanswered(http: &Http) -> Option<Verdict> {
    Some(match &http.outcome {
        HttpOutcome::Answered => return None,
        HttpOutcome::TimedOut => {
            let waited = span(http.micros);
            if let Some(status) = http.status {
                return Some(Verdict::new(
                    Code::Timeout,
                    format!(
                        "GET {} got {} {status}, but its body was expected to end within {waited} and did not",
                        http.path, http.protocol
                    ),
                    "a complete HTTP response",
                    format!("a body that did not end within {waited}"),
                    "probe a path that does not stream with --path, or give a slow backend more time with \
                    --timeout 30s",
                ));
            }
            Verdict::new(
                Code::Timeout,
                format!(
                    "TLS is established, but expected a response to GET {} and got none within {waited}",
                    http.path
                ),
                "an HTTP response",
                format!("none within {waited}"),
                "give a slow backend more time with --timeout 30s, or set a timeout on the VirtualService's route",
            )
        }
        HttpOutcome::Alert(alert) => broken(http, &alert.to_string()),
        HttpOutcome::Reset => broken(http, "a reset connection"),
        HttpOutcome::Closed => broken(http, "a closed connection"),
        HttpOutcome::Failed(why) => broken(http, why),
    })
}

/// The cause of an unexpected status, and what to do.
fn cause_of(http: &Http, status: u16, wanted: &Expectation) -> (&'static str, Remedy) {
    match status {
        404 if is_gateways_own_404(http) => (
            "no route: no VirtualService of this gateway matches host and path",
            route_for(wanted, &http.path),
        ),
        503 => (
            "the route's destination has no healthy endpoint",
            no_endpoint(wanted.place),
        ),
        504 => (
            "the destination did not respond within the route's timeout",
            "increase timeout on the VirtualService's route, or check the destination's log".into(),
        ),
        301 | 302 | 307 | 308 => (
            "a redirect",
            "httpsRedirect belongs on the port 80 server; otherwise probe another path with --path".into(),
        ),
        400 | 426 => (
            "the gateway itself refuses the request",
            "compare with --alpn http/1.1 and --alpn h2".into(),
        ),
        404 => (
            "the response comes from the route's destination",
            format!("probe a path that it has with --path; if this is correct, pass --expect-status {status}").into(),
        ),
        _ => (
            "the response comes from the destination",
            format!("if that is correct, pass --expect-status {status}; otherwise check the destination's log").into(),
        ),
    }
}

/// Where to check the endpoints of a destination.
fn no_endpoint(place: Place) -> Remedy {
    let destination = "check the VirtualService's destination host and port";
    match place {
        Place::Local => format!("{destination}, and where serve sends it with --upstream").into(),
        Place::Ingress | Place::Cluster | Place::Given => Remedy::from(destination)
            .and(", and that the Service has ready pods: ")
            .and(kubectl::get(&["endpointslices", "-A"])),
    }
}

/// A missing route.
fn route_for(wanted: &Expectation, path: &str) -> Remedy {
    let host = &wanted.host;
    let words = format!("add a VirtualService for {host} with gateways: [default/mygateway] and a match for {path}");
    match &wanted.entry {
        Some(entry) => Remedy::from(words)
            .and(": ")
            .and(ours::virtual_service(&entry.host))
            .and(" prints one to start with"),
        None => words.into(),
    }
}

fn broken(http: &Http, found: &str) -> Verdict {
    Verdict::new(
        Code::HttpFailed,
        format!(
            "TLS is established, but expected an {} response to GET {} and got {found}",
            http.protocol, http.path
        ),
        format!("an {} response", http.protocol),
        found,
        "check the logs of the gateway and the destination; compare with --alpn http/1.1",
    )
}

/// A 404 from the gateway itself: empty, from Envoy, and without an upstream time.
fn is_gateways_own_404(http: &Http) -> bool {
    let by_another = http.header("server").is_some_and(|server| !server.contains("envoy"));
    http.status == Some(404)
        && http.header("x-envoy-upstream-service-time").is_none()
        && http.body.is_empty()
        && !by_another
}

/// Why a 404 over another host's connection is not a missing route.
fn coalesced_cause(host: &Host, carrier: &Host) -> (String, Remedy) {
    (
        format!(
            "the gateway looks for {host} only among the hosts of {carrier}'s server, because the connection was opened for that one"
        ),
        Remedy::from(format!(
            "put both hosts into one server of the Gateway with one certificate, or give {carrier} a certificate that does not cover {host}: "
        ))
        .and(ours::lint())
        .and(" shows the overlap"),
    )
}
