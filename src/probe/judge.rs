//! Judges the facts of a dial against the expectation: reports the first problem that a careful
//! client would encounter. Pure.

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use super::codes::Code;
use super::expectation::{Check, Expectation, Place};
use super::facts::{ConnectOutcome, Facts, HandshakeSignature, Tls};
use super::verdict::{Verdict, span};
use super::{verdict_client, verdict_http, verdict_tls};
use crate::certs::verify::{self, Origin, Purpose, VerifyInput};
use crate::remedy::{Kind, Line, Remedy, kubectl, ours};

/// Judges a dial. `now` is the time for checking certificates.
pub fn judge(facts: &Facts, wanted: &Expectation, now: OffsetDateTime) -> Verdict {
    if let Some(blocked) = &wanted.blocked {
        return blocked.clone();
    }
    let mut verdict = judge_dialled(facts, wanted, now);
    if let Some(meant) = wanted.meant.as_ref().filter(|_| !verdict.is_ok()) {
        let other = Remedy::from(format!("did you mean {meant}?"));
        verdict.fix = Some(match verdict.fix {
            Some(fix) => other.and(" If not: ").and(fix),
            None => other,
        });
    }
    verdict
}

fn judge_dialled(facts: &Facts, wanted: &Expectation, now: OffsetDateTime) -> Verdict {
    if let Some(verdict) = network(facts, wanted) {
        return verdict;
    }
    let Some(tls) = &facts.tls else {
        return Verdict::new(
            Code::HandshakeFailed,
            format!("no TLS handshake with {} was attempted", wanted.endpoint),
            "a TLS handshake",
            "none",
            "run the probe again",
        );
    };
    // The order in which a client encounters the reasons: it sees the chain before the request for
    // its own certificate.
    verdict_tls::before_the_chain(tls, wanted)
        .or_else(|| chain(tls, wanted, now))
        .or_else(|| verdict_client::refused(facts, tls, wanted, now))
        .or_else(|| verdict_tls::after_the_chain(tls, wanted))
        .or_else(|| verdict_client::not_required(facts, tls, wanted))
        .or_else(|| verdict_http::answer(facts, wanted))
        .unwrap_or_else(|| Verdict::ok(success(facts, tls, wanted, now)))
}

/// How the server refused the client because of its certificate, in words; none if it did not,
/// regardless of the client's view of the server.
pub fn refusal(facts: &Facts) -> Option<String> {
    verdict_client::refusal(facts, facts.tls.as_ref()?)
}

fn network(facts: &Facts, wanted: &Expectation) -> Option<Verdict> {
    if let Some(resolve) = &facts.resolve
        && let Some(error) = &resolve.error
    {
        return Some(Verdict::new(
            Code::NameNotResolved,
            format!("the name {:?} cannot be resolved: {error}", resolve.name),
            format!("an IP address for {}", resolve.name),
            error.clone(),
            format!(
                "use --resolve {}:PORT:ADDRESS or --target ADDRESS:PORT; a new load balancer hostname takes some minutes to resolve",
                wanted.host
            ),
        ));
    }
    let connect = facts.connect.as_ref()?;
    let address = connect.address;
    let look = match wanted.place {
        Place::Local => Remedy::from(ours::serve()).and(" (it has stopped, or is just starting)"),
        Place::Ingress => Remedy::from(format!(
            "compare INGRESS_HOST={} and SECURE_INGRESS_PORT={} with: ",
            address.ip(),
            address.port()
        ))
        .and(kubectl::ingress_service()),
        Place::Cluster => {
            let words = ["get", "services,pods", "-A", "-l", "istio=ingressgateway"];
            Remedy::from("a gateway listens only on the ports of Gateway objects that select its pods: ")
                .and(ours::apply())
                .and(", then ")
                .and(Line::new(Kind::KubectlGet, words))
        }
        Place::Given => {
            format!("check that a gateway listens on {address}, or omit --target to use the local one").into()
        }
    };
    match &connect.outcome {
        ConnectOutcome::Connected => None,
        ConnectOutcome::Refused => Some(Verdict::new(
            Code::ConnectionRefused,
            format!("expected a gateway on {address}, but the connection was refused: nothing listens there"),
            format!("a listener on {address}"),
            "connection refused",
            look,
        )),
        ConnectOutcome::TimedOut => Some(Verdict::new(
            Code::Timeout,
            format!(
                "expected a connection to {address}, but there was no response within {}",
                span(connect.micros)
            ),
            format!("a connection to {address}"),
            format!("no response within {}", span(connect.micros)),
            Remedy::from("a firewall may drop the packets; ").and(look),
        )),
        ConnectOutcome::Failed(why) => Some(Verdict::new(
            Code::Unreachable,
            format!("expected a connection to {address}, but it failed: {why}"),
            format!("a connection to {address}"),
            why.clone(),
            look,
        )),
    }
}

/// Judges the served chain like a client that trusts only the given roots.
fn chain(tls: &Tls, wanted: &Expectation, now: OffsetDateTime) -> Option<Verdict> {
    if tls.chain.is_empty() {
        return None;
    }
    let served: Vec<CertificateDer<'_>> = tls
        .chain
        .iter()
        .map(|der| CertificateDer::from(der.as_slice()))
        .collect();
    let judged = verify::verify(&VerifyInput {
        chain: &served,
        intermediates: &[],
        roots: &wanted.trust.roots,
        crls: &wanted.trust.crls,
        purpose: Purpose::Server,
        host: Some(&wanted.host),
        now,
    });
    let own = wanted.entry.as_ref().filter(|entry| entry.can_issue);
    let origin = own.map_or(Origin::Elsewhere, |entry| Origin::Workspace(&entry.host));
    let judged = judged.advised(Purpose::Server, origin);
    let out_of_order = judged
        .notes
        .iter()
        .find(|note| note.code == verify::FaultCode::WrongOrder);
    if let Some(fault) = judged.first().or(out_of_order) {
        let which = match &fault.certificate {
            // Most reasons mention the certificate themselves.
            Some(certificate) if !fault.what.contains(bare(&certificate.subject)) => {
                format!("{} certificate {:?}: ", role(certificate.role), certificate.subject)
            }
            _ => String::new(),
        };
        let expected = fault.expected.clone().unwrap_or_else(|| match fault.code {
            verify::FaultCode::CertificateRevoked => "a certificate that is not revoked".to_owned(),
            _ => trusted(wanted, now),
        });
        let found = fault.found.clone().unwrap_or_else(|| fault.what.clone());
        let mut summary = format!("{which}{}", fault.what);
        // The sentence shows both values, even if the reason does not.
        let missing: Vec<String> = [("expected", &expected), ("found", &found)]
            .into_iter()
            .filter(|(_, value)| !summary.contains(value.as_str()))
            .map(|(label, value)| format!("{label} {value}"))
            .collect();
        if !missing.is_empty() {
            summary = format!("{summary} ({})", missing.join(", "));
        }
        let cause = Code::Certificate(fault.code).entry().map_or("", |entry| entry.cause);
        let fix = match &fault.fix {
            Some(fix) => {
                let fix = fix.clone().fill("HOST", wanted.host.as_str());
                fix.and(format!("; under Istio: {cause}"))
            }
            None => cause.into(),
        };
        return Some(Verdict::new(
            Code::Certificate(fault.code),
            summary,
            expected,
            found,
            fix,
        ));
    }
    if tls.signature == HandshakeSignature::Wrong {
        return Some(Verdict::new(
            Code::ServerKeyMismatch,
            "the handshake is signed with a different key than the served certificate's: tls.key does not belong to tls.crt",
            "a signature with the certificate's key",
            "a signature with a different key",
            Remedy::from("put the key that belongs to the certificate into the Secret: ").and(wanted.apply()),
        ));
    }
    None
}

/// A subject without its first attribute type: `CN=a` becomes `a`.
fn bare(subject: &str) -> &str {
    subject.strip_prefix("CN=").unwrap_or(subject)
}

/// The roots that this client trusts, by name.
fn trusted(wanted: &Expectation, now: OffsetDateTime) -> String {
    let roots = &wanted.trust.roots;
    let mut names: Vec<String> = roots
        .iter()
        .take(3)
        .filter_map(|root| super::served::describe(root, now))
        .map(|root| format!("{:?}", root.subject))
        .collect();
    if roots.len() > names.len() {
        names.push(format!("{} more", roots.len() - names.len()));
    }
    if names.is_empty() {
        names.push("no root at all; pass --cacert".to_owned());
    }
    format!("a chain to {} of {}", names.join(", "), wanted.trust.source)
}

fn role(role: verify::Role) -> &'static str {
    match role {
        verify::Role::Leaf => "leaf",
        verify::Role::Intermediate => "intermediate",
        verify::Role::Root => "root",
    }
}

fn success(facts: &Facts, tls: &Tls, wanted: &Expectation, now: OffsetDateTime) -> String {
    let version = tls
        .version
        .map_or_else(|| "TLS".to_owned(), |version| version.to_string());
    if wanted.check == Check::RefusedWithoutCertificate {
        let how = verdict_client::refusal(facts, tls).unwrap_or_else(|| "refused".to_owned());
        return format!("refused without a client certificate, as mutual TLS requires ({how}, {version})");
    }
    let mut parts = Vec::new();
    if let Some(http) = &facts.http
        && let Some(status) = http.status
    {
        parts.push(format!("{} {status} on {}", http.protocol, http.path));
    }
    parts.push(version);
    if let Some(leaf) = tls.chain.first().and_then(|der| super::served::describe(der, now)) {
        parts.push(format!("certificate valid for {} more days", leaf.days_left));
    }
    if tls.client_certificate.sent == super::facts::SentCertificate::Certificate {
        parts.push("client certificate accepted".to_owned());
    }
    format!("served: {}", parts.join(", "))
}
