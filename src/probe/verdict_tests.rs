//! Verdicts on facts that a simple server does not produce.

use std::sync::Arc;

use time::OffsetDateTime;

use super::dial::TlsVersions;
use super::expectation::{Expectation, ExpectedStatus, Place, Trust};
use super::facts::{
    ClientCertificate, Connect, ConnectOutcome, Facts, HandshakeSignature, Http, HttpOutcome, SentCertificate, Survey,
    Tls, TlsOutcome, TlsVersion,
};
use super::judge::judge;
use super::target::{ProbedHost, Target, Wishes, expectations};
use crate::alert::Alert;
use crate::names::Host;
use crate::workspace::config::Mode;

pub(super) fn wanted(mtls: bool) -> Vec<Expectation> {
    let host = ProbedHost {
        host: Host::parse("a.example.com").expect("a host"),
        port: None,
        path: None,
        entry: None,
        mode: Some(Mode::Mutual),
        meant: None,
        routes: Vec::new(),
        trust: Arc::new(Trust::default()),
        client: None,
    };
    let target = Target::Address {
        host: "127.0.0.1".to_owned(),
        port: 8443,
        plain_port: None,
        place: Place::Given,
    };
    let wishes = Wishes {
        mtls,
        ..Wishes::default()
    };
    expectations(&[host], &wishes, &target)
}

/// A handshake without certificates, so that only the rest is judged.
pub(super) fn facts(outcome: TlsOutcome, sent: SentCertificate, http: Option<HttpOutcome>) -> Facts {
    Facts {
        resolve: None,
        connect: Some(Connect {
            micros: 1,
            address: "127.0.0.1:8443".parse().expect("an address"),
            outcome: ConnectOutcome::Connected,
        }),
        tls: Some(Tls {
            micros: 1,
            sni: Some("a.example.com".to_owned()),
            offered_alpn: vec!["h2".to_owned()],
            offered_versions: TlsVersions::Any.offered(),
            outcome,
            version: Some(TlsVersion::V1_3),
            cipher: None,
            group: None,
            alpn: Some("h2".to_owned()),
            chain: Vec::new(),
            ocsp_stapled: false,
            signature: HandshakeSignature::None,
            client_certificate: ClientCertificate {
                requested: true,
                authorities: vec!["CN=Root".to_owned()],
                sent,
                ..ClientCertificate::default()
            },
            survey: Survey::default(),
        }),
        http: http.map(|outcome| Http {
            micros: 1,
            protocol: "HTTP/2".to_owned(),
            path: "/".to_owned(),
            status: (outcome == HttpOutcome::Answered).then_some(404),
            outcome,
            headers: Vec::new(),
            body: String::new(),
        }),
    }
}

fn code(facts: &Facts, wanted: &Expectation) -> &'static str {
    judge(facts, wanted, OffsetDateTime::UNIX_EPOCH).code.as_str()
}

#[test]
fn a_connection_that_merely_ends_refuses_only_clients_without_a_certificate() {
    let wanted = &wanted(false)[0];
    for (sent, http, expected) in [
        (SentCertificate::Certificate, HttpOutcome::Reset, "http-failed"),
        (SentCertificate::Certificate, HttpOutcome::Closed, "http-failed"),
        (SentCertificate::None, HttpOutcome::Reset, "client-certificate-required"),
        (
            SentCertificate::None,
            HttpOutcome::Alert(Alert(116)),
            "client-certificate-required",
        ),
        (
            SentCertificate::Certificate,
            HttpOutcome::Alert(Alert(48)),
            "client-certificate-rejected",
        ),
        (
            SentCertificate::NoCommonScheme,
            HttpOutcome::Alert(Alert(116)),
            "client-certificate-rejected",
        ),
        (SentCertificate::Certificate, HttpOutcome::TimedOut, "timeout"),
        (SentCertificate::Certificate, HttpOutcome::Answered, "unexpected-status"),
    ] {
        let facts = facts(TlsOutcome::Complete, sent, Some(http.clone()));
        assert_eq!(code(&facts, wanted), expected, "{sent:?} {http:?}");
    }
}

#[test]
fn a_refusal_that_is_wanted_is_well_and_a_broken_handshake_is_not() {
    let wanted = &wanted(true)[0];
    for (outcome, expected) in [
        (TlsOutcome::Alert(Alert(40)), "ok"),
        (TlsOutcome::Alert(Alert(116)), "ok"),
        (TlsOutcome::Reset { answered: true }, "ok"),
        (TlsOutcome::Alert(Alert(80)), "handshake-failed"),
        (TlsOutcome::Alert(Alert(70)), "protocol-version"),
        (TlsOutcome::Reset { answered: false }, "reset-after-client-hello"),
        (TlsOutcome::TimedOut, "timeout"),
    ] {
        let facts = facts(outcome.clone(), SentCertificate::None, None);
        assert_eq!(code(&facts, wanted), expected, "{outcome:?}");
    }
}

#[test]
fn every_failure_says_what_differs_and_what_to_do() {
    let wanted = &wanted(false)[0];
    for outcome in [
        TlsOutcome::Alert(Alert(40)),
        TlsOutcome::Alert(Alert(112)),
        TlsOutcome::Alert(Alert(120)),
        TlsOutcome::Closed { answered: false },
        TlsOutcome::NotTls("SSH-2.0".to_owned()),
        TlsOutcome::Legacy(TlsVersion(0x0301)),
        TlsOutcome::Failed("broken".to_owned()),
    ] {
        let verdict = judge(
            &facts(outcome, SentCertificate::None, None),
            wanted,
            OffsetDateTime::UNIX_EPOCH,
        );
        for part in [&verdict.expected, &verdict.found] {
            assert!(part.as_ref().is_some_and(|part| !part.is_empty()), "{verdict:?}");
        }
        assert!(verdict.fix.as_ref().is_some_and(|fix| !fix.is_empty()), "{verdict:?}");
        assert!(verdict.fault.is_some());
    }
}

#[test]
fn a_body_that_does_not_end_is_told_from_an_answer_that_does_not_come() {
    let wanted = &wanted(false)[0];
    let mut facts = facts(
        TlsOutcome::Complete,
        SentCertificate::Certificate,
        Some(HttpOutcome::TimedOut),
    );
    let judged = |facts: &Facts| judge(facts, wanted, OffsetDateTime::UNIX_EPOCH).summary;
    assert!(judged(&facts).contains("got none within"), "{}", judged(&facts));
    facts.http.as_mut().expect("HTTP").status = Some(200);
    assert_eq!(code(&facts, wanted), "timeout");
    assert!(
        judged(&facts).contains("got HTTP/2 200, but its body"),
        "{}",
        judged(&facts)
    );
}

#[test]
fn a_404_that_an_upstream_sent_is_no_missing_route() {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let envoy = || header("server", "istio-envoy");
    for (headers, body, is_gateways) in [
        (vec![envoy()], "", true),
        (Vec::new(), "", true),
        (vec![envoy(), header("x-envoy-upstream-service-time", "3")], "", false),
        (vec![envoy()], "404 page not found", false),
        (vec![header("server", "nginx")], "", false),
    ] {
        let mut facts = facts(
            TlsOutcome::Complete,
            SentCertificate::Certificate,
            Some(HttpOutcome::Answered),
        );
        let http = facts.http.as_mut().expect("an answer");
        (http.headers, http.body) = (headers, body.to_owned());
        let mut wanted = wanted(false).remove(0);
        wanted.status = ExpectedStatus::Exactly(418);
        let verdict = judge(&facts, &wanted, OffsetDateTime::UNIX_EPOCH);
        assert_eq!(verdict.code.as_str(), "unexpected-status");
        assert_eq!(verdict.summary.contains("no route"), is_gateways, "{}", verdict.summary);
        let fix = verdict.fix.unwrap_or_default();
        assert_eq!(fix.contains("VirtualService"), is_gateways, "{fix}");
    }
}
