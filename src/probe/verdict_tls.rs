//! Verdicts on the handshake itself: no response, no TLS, no common version, cipher suite or
//! protocol. Pure.

use super::codes::Code;
use super::expectation::{Expectation, Place};
use super::facts::{Tls, TlsOutcome};
use super::verdict::{Verdict, span};
use crate::remedy::{Kind, Line, Remedy, ours};

/// Reasons that apply before the chain is judged.
pub(super) fn before_the_chain(tls: &Tls, wanted: &Expectation) -> Option<Verdict> {
    match &tls.outcome {
        TlsOutcome::Reset { answered: false } => Some(plain_or(tls, wanted, || {
            no_hello(tls, wanted, Code::ResetAfterClientHello, "reset")
        })),
        TlsOutcome::Closed { answered: false } => Some(plain_or(tls, wanted, || {
            no_hello(tls, wanted, Code::ClosedAfterClientHello, "closed")
        })),
        TlsOutcome::TimedOut if tls.chain.is_empty() => Some(plain_or(tls, wanted, || timed_out(tls, wanted))),
        TlsOutcome::NotTls(answer) => Some(plain_or(tls, wanted, || {
            Verdict::new(
                Code::NotTls,
                format!(
                    "expected TLS on {}, but the response to the ClientHello is {answer:?}, which is neither \
                    TLS nor HTTP",
                    wanted.endpoint
                ),
                "a TLS ServerHello",
                answer.clone(),
                "check the port: the gateway's HTTPS port is named https on its Service",
            )
        })),
        TlsOutcome::Legacy(_) => Some(version(tls)),
        TlsOutcome::Alert(alert) if alert.0 == 70 => Some(version(tls)),
        TlsOutcome::Alert(alert) if alert.0 == 112 => Some(Verdict::new(
            Code::UnrecognizedName,
            format!("the server does not know the requested name: SNI {}, {alert}", sni(tls)),
            format!("a certificate for {}", wanted.host),
            alert.to_string(),
            format!(
                "add {} to the hosts of a Gateway server, or request a known name with --sni",
                wanted.host
            ),
        )),
        _ => None,
    }
}

/// Reasons that remain if the chain is valid and the client certificate is not the cause.
pub(super) fn after_the_chain(tls: &Tls, wanted: &Expectation) -> Option<Verdict> {
    match &tls.outcome {
        TlsOutcome::Complete => chosen_alpn(tls, wanted),
        TlsOutcome::Alert(alert) if alert.0 == 120 => {
            let offered = tls.offered_alpn.join(", ");
            let speaks = match &tls.survey.alpn {
                Some(name) => format!("{name:?}"),
                None => "none of h2 and http/1.1".to_owned(),
            };
            Some(Verdict::new(
                Code::AlpnMismatch,
                format!(
                    "no common protocol: this client offers {offered} with ALPN, the server supports {speaks} \
                    ({alert})"
                ),
                offered,
                speaks,
                "offer a protocol that the server supports with --alpn; Istio's gateway supports h2 and http/1.1",
            ))
        }
        TlsOutcome::Alert(alert) if matches!(alert.0, 40 | 71) => {
            let server = match &tls.survey.cipher {
                Some(cipher) => cipher.clone(),
                None => "none of the suites that were ever in common use".to_owned(),
            };
            let versions: Vec<String> = tls.offered_versions.iter().map(ToString::to_string).collect();
            let ours = format!(
                "the current suites of {} (ECDHE with AES-GCM or ChaCha20)",
                versions.join(" and ")
            );
            Some(Verdict::new(
                Code::NoCommonCipher,
                format!(
                    "no common cipher suite: this client offers {ours}, the server would choose {server} ({alert})"
                ),
                ours,
                server,
                "remove cipherSuites from the Gateway's tls, or add a suite such as ECDHE-ECDSA-AES128-GCM-SHA256 (ECDHE-RSA- for an RSA certificate)",
            ))
        }
        outcome => {
            let found = match outcome {
                TlsOutcome::Alert(alert) => alert.to_string(),
                TlsOutcome::Reset { .. } => "a reset connection".to_owned(),
                TlsOutcome::Closed { .. } => "a closed connection".to_owned(),
                TlsOutcome::TimedOut => return Some(timed_out(tls, wanted)),
                TlsOutcome::Failed(why) => why.clone(),
                _ => "an unexpected response".to_owned(),
            };
            Some(Verdict::new(
                Code::HandshakeFailed,
                format!(
                    "expected a TLS handshake with {} to complete, but it ended with {found}",
                    wanted.endpoint
                ),
                "a complete handshake",
                found,
                log_of(wanted),
            ))
        }
    }
}

/// Where the gateway logs why a handshake failed.
fn log_of(wanted: &Expectation) -> Remedy {
    match wanted.place {
        Place::Local => "check the log of serve: it has a line for each failed handshake".into(),
        Place::Ingress | Place::Cluster | Place::Given => {
            let words = ["-n", "istio-system", "logs", "deploy/istio-ingressgateway"];
            Remedy::from("check the gateway's log: ").and(Line::new(Kind::KubectlLogs, words))
        }
    }
}

fn chosen_alpn(tls: &Tls, wanted: &Expectation) -> Option<Verdict> {
    let demanded = wanted.alpn.first().filter(|_| wanted.alpn_demanded)?;
    if tls.alpn.as_ref() == Some(demanded) {
        return None;
    }
    let chosen = match &tls.alpn {
        Some(name) => format!("{name:?}"),
        None => "none".to_owned(),
    };
    Some(Verdict::new(
        Code::AlpnMismatch,
        format!("this client requires {demanded:?} with ALPN, but the server chose {chosen}"),
        demanded.clone(),
        chosen,
        "offer a protocol that the server supports with --alpn; Istio's gateway supports h2 and http/1.1",
    ))
}

/// Plain HTTP if a plaintext request got a response, otherwise the other reason.
fn plain_or(tls: &Tls, wanted: &Expectation, otherwise: impl FnOnce() -> Verdict) -> Verdict {
    let Some(line) = &tls.survey.plain_http else {
        return otherwise();
    };
    Verdict::new(
        Code::PlainHttp,
        format!(
            "expected TLS on {}, but it serves plain HTTP: the response to a plaintext request is {line:?}",
            wanted.endpoint
        ),
        "TLS",
        format!("plain HTTP ({line})"),
        "set protocol HTTPS and a tls block with mode and credentialName on the Gateway's server; or use the gateway's HTTPS port",
    )
}

fn no_hello(tls: &Tls, wanted: &Expectation, code: Code, how: &str) -> Verdict {
    let fix = match wanted.place {
        Place::Local if wanted.entry.is_some() => "the log of serve shows which of the two".into(),
        Place::Local => Remedy::from("the workspace has no such host: ")
            .and(ours::gen_certs(&wanted.host))
            .and(" issues a chain for it; if serve -f has it, its log shows which of the two"),
        Place::Ingress | Place::Cluster | Place::Given => wanted
            .apply()
            .and("; ")
            .and(ours::doctor().arg(wanted.named()))
            .and(" shows which of the two"),
    };
    Verdict::new(
        code,
        format!(
            "expected a certificate for SNI {}, but the connection was {how} right after the ClientHello, without an alert: under Istio, no Gateway server has this host, or the Secret of its credentialName is missing or broken",
            sni(tls)
        ),
        format!("a ServerHello for SNI {}", sni(tls)),
        format!("the connection {how} without an alert"),
        fix,
    )
}

fn timed_out(tls: &Tls, wanted: &Expectation) -> Verdict {
    let waited = span(tls.micros);
    Verdict::new(
        Code::Timeout,
        format!(
            "{} accepted the connection, but expected a ServerHello and got no response to the ClientHello within {waited}",
            wanted.endpoint
        ),
        "a ServerHello",
        format!("no response within {waited}"),
        "check that the port is the gateway's HTTPS port and its backend is alive; give a slow one more time with --timeout 30s",
    )
}

fn version(tls: &Tls) -> Verdict {
    let ours: Vec<String> = tls.offered_versions.iter().map(ToString::to_string).collect();
    let ours = ours.join(" and ");
    let legacy = match tls.outcome {
        TlsOutcome::Legacy(version) => Some(version),
        _ => None,
    };
    let server = match legacy.or(tls.survey.version) {
        Some(version) => version.to_string(),
        None => "none of TLS 1.0 to 1.3, which this client can test".to_owned(),
    };
    Verdict::new(
        Code::ProtocolVersion,
        format!("no common TLS version: this client offers {ours}, the server supports {server}"),
        ours,
        server,
        "set minProtocolVersion: TLSV1_2 and no maxProtocolVersion in the Gateway's tls (Istio's default), or probe with another --tls",
    )
}

fn sni(tls: &Tls) -> String {
    match &tls.sni {
        Some(name) => format!("{name:?}"),
        None => "(none: an IP address is not a server name)".to_owned(),
    }
}
