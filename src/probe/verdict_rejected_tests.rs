//! Reasons for refused client certificates: by chain, by accepted CAs, by alert.

use std::sync::Arc;

use rustls::sign::CertifiedKey;
use time::{Duration, OffsetDateTime};

use super::expectation::ClientPair;
use super::facts::{HttpOutcome, SentCertificate, TlsOutcome};
use super::judge::judge;
use super::served;
use super::verdict_tests::{facts, wanted};
use crate::alert::Alert;
use crate::certs::{Authority, CertificateDer, Chain, ChainPlan, PrivateKey, issue_chain};
use crate::names::Host;
use crate::remedy::Aim;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

fn chain() -> Chain {
    issue_chain(&ChainPlan::new(Host::parse("a.com").unwrap()), Authority::New, now()).unwrap()
}

fn pair(chain: &[&CertificateDer<'static>], key: &PrivateKey) -> Arc<ClientPair> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let signer = provider.key_provider.load_private_key(key.to_rustls()).unwrap();
    let chain: Vec<CertificateDer<'static>> = chain.iter().map(|der| (*der).clone()).collect();
    Arc::new(ClientPair {
        source: "client.pem".to_owned(),
        key_source: "client.key".to_owned(),
        key: Arc::new(CertifiedKey::new(chain.clone(), signer)),
        chain,
    })
}

#[test]
fn each_cause_has_its_words_and_its_fix() {
    let chain = chain();
    let client = &chain.clients[0].issued;
    let (leaf, intermediate) = (&client.certificate, &chain.intermediate.certificate);
    let key = client.key.as_ref().unwrap();
    let server_key = chain.server.key.as_ref().unwrap();
    let root = served::issuer_der(intermediate).unwrap();
    let other = b"0\x00".to_vec();
    let year = Duration::days(400);
    let sha256 = served::describe(leaf, now()).unwrap().sha256;
    let both = pair(&[leaf, intermediate], key);
    let alone = pair(&[leaf], key);
    let servers = pair(&[&chain.server.certificate, intermediate], server_key);
    for (sent, accepted, alert, at, why, fix) in [
        (
            &alone,
            &root,
            48,
            now(),
            "sent alone",
            "also send the intermediate: leaf, then intermediate, in --cert",
        ),
        (
            &alone,
            &other,
            48,
            now(),
            "or it is another CA",
            "also send the intermediate",
        ),
        (
            &both,
            &other,
            48,
            now(),
            "the server accepts",
            "send a certificate from a CA that the server accepts",
        ),
        (&both, &root, 48, now(), "has another key", "the gateway's log shows"),
        (
            &both,
            &root,
            46,
            now(),
            "none of its names (a.com) is in the server's subjectAltNames",
            "subjectAltNames in spec.servers[].tls",
        ),
        (&both, &root, 49, now(), "none of its names (a.com)", "subjectAltNames"),
        (&both, &root, 114, now(), "the server pins neither", sha256.as_str()),
        (
            &both,
            &root,
            44,
            now(),
            "or that of a CA above it",
            "send a new certificate",
        ),
        (
            &both,
            &root,
            45,
            now() + year,
            "it expired at",
            "send a new certificate",
        ),
        (&both, &root, 45, now(), "CA or CRL has expired", "compare the clocks"),
        (
            &servers,
            &root,
            43,
            now(),
            "it allows only serverAuth, but a client certificate needs",
            "send a client certificate",
        ),
        (
            &servers,
            &root,
            46,
            now(),
            "it allows only serverAuth",
            "send a client certificate",
        ),
    ] {
        let mut wanted = wanted(false).remove(0);
        wanted.client = Some(Arc::clone(sent));
        let mut facts = facts(
            TlsOutcome::Complete,
            SentCertificate::Certificate,
            Some(HttpOutcome::Alert(Alert(alert))),
        );
        facts.tls.as_mut().unwrap().client_certificate.authorities_der = vec![accepted.clone()];
        let verdict = judge(&facts, &wanted, at);
        assert_eq!(verdict.code.as_str(), "client-certificate-rejected", "{alert}");
        let said = verdict.fix.unwrap().words(&Aim::default());
        assert!(verdict.summary.contains(why), "{alert}: {}", verdict.summary);
        assert!(said.contains(fix), "{alert}: {said}");
    }
}
