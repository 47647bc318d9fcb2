//! The facts of a dial as a sequence of steps, each with a result, a time and one line of text, for
//! all output formats. Pure.

use schemars::JsonSchema;
use serde::Serialize;

use super::codes::Code;
use super::facts::{ConnectOutcome, HttpOutcome, SentCertificate, Tls, TlsOutcome};
use super::run::Outcome;
use crate::certs::times::ago;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step {
    /// `resolve`, `connect`, `tls`, `certificate`, `client-certificate` or `http`.
    pub name: &'static str,
    /// Whether it succeeded.
    pub ok: bool,
    /// How long it took, if measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micros: Option<u64>,
    /// What happened.
    pub detail: String,
}

/// The steps of a check, as far as it got.
pub fn steps(outcome: &Outcome) -> Vec<Step> {
    let mut steps = Vec::new();
    let facts = &outcome.facts;
    let well = outcome.verdict.is_ok();
    if let Some(resolve) = &facts.resolve {
        let addresses: Vec<String> = resolve.addresses.iter().map(ToString::to_string).collect();
        steps.push(Step {
            name: "resolve",
            ok: resolve.error.is_none(),
            micros: Some(resolve.micros),
            detail: match &resolve.error {
                Some(error) => format!("{}: {error}", resolve.name),
                None => format!("{} is {}", resolve.name, addresses.join(", ")),
            },
        });
    }
    if let Some(connect) = &facts.connect {
        let how = match &connect.outcome {
            ConnectOutcome::Connected => String::new(),
            ConnectOutcome::Refused => ": refused".to_owned(),
            ConnectOutcome::TimedOut => ": no response".to_owned(),
            ConnectOutcome::Failed(why) => format!(": {why}"),
        };
        steps.push(Step {
            name: "connect",
            ok: connect.outcome == ConnectOutcome::Connected,
            micros: Some(connect.micros),
            detail: format!("{}{how}", connect.address),
        });
    }
    if let Some(tls) = &facts.tls {
        let complete = tls.outcome == TlsOutcome::Complete;
        steps.push(Step {
            name: "tls",
            // An expected refusal is a success, although the handshake did not complete.
            ok: complete && outcome.verdict.code != Code::AlpnMismatch || well,
            micros: Some(tls.micros),
            detail: handshake(tls),
        });
        if !tls.chain.is_empty() {
            steps.push(certificate(outcome));
        }
        if tls.client_certificate.requested {
            steps.push(client_certificate(outcome, tls));
        } else if outcome.verdict.code == Code::ClientCertificateNotRequired {
            steps.push(Step {
                name: "client-certificate",
                ok: false,
                micros: None,
                detail: "not requested, so none was sent".to_owned(),
            });
        }
    }
    if let Some(http) = &facts.http {
        let how = match &http.outcome {
            HttpOutcome::Answered => match http.status {
                Some(status) => format!("{} {status}", http.protocol),
                None => http.protocol.clone(),
            },
            HttpOutcome::Alert(alert) => format!("{alert} instead of a response"),
            HttpOutcome::Reset => "reset instead of a response".to_owned(),
            HttpOutcome::Closed => "closed instead of a response".to_owned(),
            HttpOutcome::TimedOut if http.status.is_some() => "the body did not end".to_owned(),
            HttpOutcome::TimedOut => "no response".to_owned(),
            HttpOutcome::Failed(why) => why.clone(),
        };
        steps.push(Step {
            name: "http",
            ok: well || (http.outcome == HttpOutcome::Answered && outcome.verdict.code != Code::UnexpectedStatus),
            micros: Some(http.micros),
            detail: format!("GET {}: {how}", http.path),
        });
    }
    steps
}

fn handshake(tls: &Tls) -> String {
    let how = match &tls.outcome {
        TlsOutcome::Complete => {
            let mut parts = Vec::new();
            parts.extend(tls.version.map(|version| version.to_string()));
            parts.extend(tls.cipher.clone());
            parts.extend(tls.group.clone());
            parts.push(match &tls.alpn {
                Some(name) => format!("ALPN {name}"),
                None => "no ALPN".to_owned(),
            });
            return parts.join(", ");
        }
        TlsOutcome::Alert(alert) => alert.to_string(),
        TlsOutcome::Reset { .. } => "connection reset".to_owned(),
        TlsOutcome::Closed { .. } => "connection closed".to_owned(),
        TlsOutcome::TimedOut => "no response".to_owned(),
        TlsOutcome::NotTls(answer) => format!("answered {answer:?}"),
        TlsOutcome::Legacy(version) => format!("the server chose {version}"),
        TlsOutcome::Failed(why) => why.clone(),
    };
    match tls.version {
        Some(version) if !matches!(tls.outcome, TlsOutcome::Legacy(_)) => format!("{version}, {how}"),
        _ => how,
    }
}

fn certificate(outcome: &Outcome) -> Step {
    let ok = !matches!(outcome.verdict.code, Code::Certificate(_) | Code::ServerKeyMismatch);
    let detail = match outcome.chain.first() {
        None => "unreadable".to_owned(),
        Some(leaf) => {
            let subjects: Vec<&str> = outcome
                .chain
                .iter()
                .map(|certificate| certificate.subject.as_str())
                .collect();
            let days = if leaf.days_left < 0 {
                format!("expired {}", ago(leaf.days_left))
            } else {
                format!("{} days left", leaf.days_left)
            };
            format!("{}; {days}", subjects.join(" < "))
        }
    };
    Step {
        name: "certificate",
        ok,
        micros: None,
        detail,
    }
}

fn client_certificate(outcome: &Outcome, tls: &Tls) -> Step {
    let asked = &tls.client_certificate;
    let sent = match asked.sent {
        SentCertificate::None => "none sent",
        SentCertificate::Certificate => "sent",
        SentCertificate::NoCommonScheme => "not sent: no common signature scheme",
    };
    let accepted = if asked.authorities.is_empty() {
        "any CA (no list sent)".to_owned()
    } else {
        asked.authorities.join("; ")
    };
    Step {
        name: "client-certificate",
        ok: !matches!(
            outcome.verdict.code,
            Code::ClientCertificateRequired | Code::ClientCertificateRejected | Code::ClientCertificateNotRequired
        ),
        micros: None,
        detail: format!("{sent}; the server accepts {accepted}"),
    }
}
