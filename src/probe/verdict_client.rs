//! Verdicts on the client certificate: required but not sent, sent but refused, or not required
//! although it should be. Pure.

use time::OffsetDateTime;

use super::codes::Code;
use super::expectation::{Check, Expectation, HandWritten, Place};
use super::facts::{Facts, HttpOutcome, SentCertificate, Tls, TlsOutcome, TlsVersion};
use super::verdict::Verdict;
use super::verdict_rejected::rejected;
use crate::alert::Alert;
use crate::remedy::{Edit, Remedy, ours};
use crate::workspace::config::Mode;

/// How the server refused this client, in words, if it did.
pub(super) fn refusal(facts: &Facts, tls: &Tls) -> Option<String> {
    if !tls.client_certificate.requested {
        return None;
    }
    // If a certificate was sent, a connection may end without an alert for any reason.
    let sent = tls.client_certificate.sent == SentCertificate::Certificate;
    let silent_end_refuses = !sent;
    match (&tls.outcome, facts.http.as_ref()) {
        (TlsOutcome::Alert(alert), _) if speaks_of_certificates(*alert) || (sent && alert.0 == 47) => {
            Some(alert.to_string())
        }
        (TlsOutcome::Reset { .. }, _) if silent_end_refuses => Some("the connection was reset".to_owned()),
        (TlsOutcome::Closed { .. }, _) if silent_end_refuses => Some("the connection was closed".to_owned()),
        (TlsOutcome::Complete, Some(http)) => match &http.outcome {
            HttpOutcome::Alert(alert) => Some(format!("{alert}, after the handshake appeared complete")),
            HttpOutcome::Reset if silent_end_refuses => Some("the connection was reset after the handshake".to_owned()),
            HttpOutcome::Closed if silent_end_refuses && http.status.is_none() => {
                Some("the connection was closed after the handshake".to_owned())
            }
            // nginx completes the handshake and refuses with an HTTP response.
            HttpOutcome::Answered if http.status == Some(400) && http.body.contains("SSL certificate") => {
                Some("HTTP 400 \"SSL certificate\", as from nginx".to_owned())
            }
            _ => None,
        },
        _ => None,
    }
}

fn speaks_of_certificates(alert: Alert) -> bool {
    matches!(alert.0, 40 | 42..=46 | 48 | 49 | 51 | 111 | 113 | 114 | 116)
}

/// The client was refused because of its certificate, or for having none.
pub(super) fn refused(facts: &Facts, tls: &Tls, wanted: &Expectation, now: OffsetDateTime) -> Option<Verdict> {
    let how = refusal(facts, tls)?;
    if wanted.check == Check::RefusedWithoutCertificate {
        // As expected: not a handshake failure.
        return Some(Verdict::ok(format!(
            "refused without a client certificate, as mutual TLS requires ({how}, {})",
            tls.version.unwrap_or(TlsVersion::V1_2)
        )));
    }
    match tls.client_certificate.sent {
        SentCertificate::None => Some(required(tls, wanted, &how)),
        SentCertificate::Certificate => Some(rejected(facts, tls, wanted, &how, now)),
        SentCertificate::NoCommonScheme => Some(no_scheme(tls, wanted, &how)),
    }
}

/// The CAs in the server's certificate request, for display.
pub(super) fn accepted(tls: &Tls) -> String {
    match tls.client_certificate.authorities.as_slice() {
        [] => "certificates from unspecified CAs".to_owned(),
        names => names
            .iter()
            .map(|name| format!("{name:?}"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn required(tls: &Tls, wanted: &Expectation, how: &str) -> Verdict {
    let accepted = accepted(tls);
    let recorded = wanted.mode.is_some_and(Mode::verifies_clients);
    let fix = match &wanted.entry {
        Some(entry) if entry.client.is_some() && recorded => {
            "omit --no-client-cert: the workspace has a client certificate for the host".into()
        }
        Some(entry) if entry.can_issue => {
            Remedy::from(ours::make_mutual(&entry.host)).and(" issues one, if the server's CA is the workspace's")
        }
        Some(_) | None => "pass --cert FILE --key FILE with a certificate from that CA".into(),
    };
    Verdict::new(
        Code::ClientCertificateRequired,
        format!(
            "the server requires a client certificate (tls.mode MUTUAL), and none was sent: {how}; it accepts \
            {accepted}"
        ),
        format!("a client certificate issued by {accepted}"),
        "none sent",
        fix,
    )
}

fn no_scheme(tls: &Tls, wanted: &Expectation, how: &str) -> Verdict {
    let schemes = tls.client_certificate.schemes.join(", ");
    let other = "send a certificate with a key of another type (Envoy does not accept Ed25519 client certificates)";
    let fix = match &wanted.entry {
        Some(entry) if entry.sends_own => Remedy::from(other)
            .or(ours::gen_certs_p256(&entry.host))
            .and(" issues such a chain, with a new CA: all certificates of the old CA stop working"),
        _ => other.into(),
    };
    Verdict::new(
        Code::ClientCertificateRejected,
        format!(
            "the client's key cannot create any signature that the server accepts, so no certificate was sent ({how}); the server accepts {schemes}"
        ),
        schemes,
        "a key of another type (Ed25519?)",
        fix,
    )
}

/// Served although it should have been refused, or never requested.
pub(super) fn not_required(facts: &Facts, tls: &Tls, wanted: &Expectation) -> Option<Verdict> {
    let status = facts.http.as_ref()?.status?;
    let asked = tls.client_certificate.requested;
    let recorded = wanted.mode.filter(|mode| mode.verifies_clients());
    match wanted.check {
        Check::RefusedWithoutCertificate => {
            let mode = match (wanted.mode, asked) {
                (Some(mode @ (Mode::Simple | Mode::OptionalMutual)), _) => {
                    format!("; istio-tls.yaml records the host as {}", mode.istio())
                }
                (_, true) => "; the server requests one but does not require it, as with OPTIONAL_MUTUAL".to_owned(),
                (_, false) => "; the server does not even request one, as with SIMPLE".to_owned(),
            };
            Some(Verdict::new(
                Code::ClientCertificateNotRequired,
                format!("expected to be refused without a client certificate, but was served HTTP {status}{mode}"),
                "refused without a client certificate",
                format!("HTTP {status}"),
                demand(wanted),
            ))
        }
        Check::ServedWithCertificate | Check::Served if asked => not_sent(tls, wanted),
        Check::ServedWithCertificate => Some(Verdict::new(
            Code::ClientCertificateNotRequired,
            format!(
                "expected to send a client certificate, but the server did not request one, as with SIMPLE, and answered with HTTP {status}: nothing is proven"
            ),
            "a request for a client certificate",
            "none",
            demand(wanted),
        )),
        Check::Served => recorded.map(|mode| {
            Verdict::new(
                Code::ClientCertificateNotRequired,
                format!(
                    "the workspace records {} as {}, but the server did not request a client certificate, as \
                    with SIMPLE",
                    wanted.host,
                    mode.istio()
                ),
                mode.istio(),
                "SIMPLE",
                demand(wanted),
            )
        }),
    }
}

/// The server accepts a certificate without requiring one, and there was none to send.
fn not_sent(tls: &Tls, wanted: &Expectation) -> Option<Verdict> {
    let wants_it = wanted.check == Check::ServedWithCertificate;
    if !wants_it || tls.client_certificate.sent == SentCertificate::Certificate {
        return None;
    }
    Some(required(tls, wanted, "it was served anyway, as with OPTIONAL_MUTUAL"))
}

/// The remedy that makes the gateway require a client certificate.
fn demand(wanted: &Expectation) -> Remedy {
    if let Some(HandWritten { place, server }) = &wanted.hand_written {
        return set_mutual(place.clone(), format!("{server}.tls.mode"));
    }
    let Some(entry) = &wanted.entry else {
        return set_mutual(
            format!("the Gateway with the host {}", wanted.host),
            "spec.servers[].tls.mode".to_owned(),
        );
    };
    match (wanted.mode, wanted.place) {
        (Some(Mode::Mutual), Place::Cluster) => ours::apply().into(),
        (Some(Mode::Mutual), _) => set_mutual(
            format!("the Gateway with the host {}", wanted.host),
            "spec.servers[].tls.mode".to_owned(),
        ),
        _ if !entry.can_issue && entry.client.is_none() => {
            "issue a client certificate with the CA of the chain, and set mode: mutual in istio-tls.yaml".into()
        }
        (_, Place::Cluster) => Remedy::from(ours::make_mutual(&entry.host)).then(ours::apply()),
        (_, Place::Local | Place::Ingress | Place::Given) => ours::make_mutual(&entry.host).into(),
    }
}

fn set_mutual(place: String, field: String) -> Remedy {
    let edit = Edit {
        place,
        field,
        value: Some("MUTUAL".to_owned()),
    };
    Remedy::from(edit).and("; the Secret of its credentialName needs the CA for clients in ca.crt")
}
