use time::{Duration, OffsetDateTime};
use x509_parser::prelude::FromDer as _;

use super::{Renewal, is_issued_by, leaf, names, names_issuer, succession, with_names};
use crate::certs::der;
use crate::certs::inspect::certificate;
use crate::certs::plan::{San, Subject, Subtree};
use crate::certs::verify::{Purpose, VerifyInput, verify};
use crate::certs::{Authority, Bad, CertificateAuthority, Chain, ChainPlan, Issued, KeyType, Profile, issue_chain};
use crate::names::Host;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time")
}

fn host(name: &str) -> Host {
    Host::parse(name).expect(name)
}

fn chain(plan: &ChainPlan) -> Chain {
    issue_chain(plan, Authority::New, now()).expect("a chain")
}

fn authority(issued: &Issued) -> CertificateAuthority {
    CertificateAuthority::new(issued.certificate.clone(), issued.key.as_ref().expect("a key")).expect("a CA")
}

fn of_server(host: &Host) -> Renewal<'_> {
    Renewal {
        purpose: Purpose::Server,
        host: Some(host),
        days: None,
    }
}

#[test]
fn a_renewed_leaf_has_the_names_key_type_subject_and_length_of_the_old_one() {
    for (name, key_type, sans, subject) in [
        ("httpbin.example.com", KeyType::EcdsaP256, vec![], None),
        (
            "*.shop.example",
            KeyType::Rsa2048,
            vec!["shop.example", "10.0.0.7", "spiffe://a/b", "a@b.example"],
            Some("C=US,O=Shop,CN=other"),
        ),
        ("10.0.0.1", KeyType::EcdsaP384, vec!["a.com"], None),
        ("::1", KeyType::Ed25519, vec![], None),
    ] {
        let host = host(name);
        let mut profile = Profile {
            leaf_days: 90,
            ..Profile::with_key_type(key_type)
        };
        if let Some(subject) = subject {
            profile.subject = Subject::parse(subject).expect("a subject");
        }
        let plan = ChainPlan {
            sans: sans.iter().map(|san| San::parse(san).expect("a name")).collect(),
            profile,
            ..ChainPlan::new(host.clone())
        };
        let chain = chain(&plan);
        let later = now() + Duration::days(80);
        let ca = authority(&chain.intermediate);
        let old = certificate(&chain.server.certificate, later).expect("readable");
        let renewed = leaf(&chain.server.certificate, of_server(&host), &ca, later).expect(name);
        assert_eq!(renewed.notes, Vec::<String>::new(), "{name}");
        let new = certificate(&renewed.issued.certificate, later).expect("readable");
        assert_ne!(new.serial, old.serial);
        assert_ne!(new.public_key_sha256, old.public_key_sha256);
        assert_eq!(
            (&new.names, &new.key, &new.subject),
            (&old.names, &old.key, &old.subject)
        );
        assert_eq!(new.extended_key_usage, ["serverAuth"]);
        assert_eq!((old.days_left, new.days_left), (9, 89), "{name}");
        let served = [
            renewed.issued.certificate.clone(),
            chain.intermediate.certificate.clone(),
        ];
        let verdict = verify(&VerifyInput {
            chain: &served,
            intermediates: &[],
            roots: std::slice::from_ref(&chain.root.certificate),
            crls: &[],
            purpose: Purpose::Server,
            host: (!host.is_wildcard()).then_some(&host),
            now: later,
        });
        assert!(verdict.is_ok(), "{name}: {:?}", verdict.first());
        assert!(renewed.issued.key.expect("a key").fits(&renewed.issued.certificate));
    }
}

#[test]
fn a_host_too_long_for_a_cn_stays_without_one() {
    let host = host(&format!("{}.example.com", "a".repeat(60)));
    let chain = chain(&ChainPlan::new(host.clone()));
    let renewed = leaf(
        &chain.server.certificate,
        of_server(&host),
        &authority(&chain.intermediate),
        now(),
    );
    let new = certificate(&renewed.expect("renewed").issued.certificate, now()).expect("readable");
    assert_eq!(new.subject, "");
    assert_eq!(new.names.len(), 1);
}

#[test]
fn clients_keep_their_names_and_purpose() {
    let plan = ChainPlan {
        clients: vec!["alice@example.com".into(), "bob".into()],
        ..ChainPlan::new(host("a.com"))
    };
    let chain = chain(&plan);
    let renewal = Renewal {
        purpose: Purpose::Client,
        host: None,
        days: Some(7),
    };
    for client in &chain.clients {
        let old = certificate(&client.issued.certificate, now()).expect("readable");
        let renewed = leaf(
            &client.issued.certificate,
            renewal,
            &authority(&chain.intermediate),
            now(),
        )
        .expect("renewed");
        let new = certificate(&renewed.issued.certificate, now()).expect("readable");
        assert_eq!((&new.names, &new.subject), (&old.names, &old.subject));
        assert_eq!(new.extended_key_usage, ["clientAuth"]);
        assert_eq!(new.days_left, 6);
    }
}

#[test]
fn a_subject_that_cannot_be_written_anew_stays_byte_for_byte() {
    // DC=example, DC=a, OU=one, OU=two, as in corporate CAs.
    let attribute = |oid: &[u8], tag: u8, value: &str| {
        let pair = [der::wrap(der::OID, oid), der::wrap(tag, value.as_bytes())].concat();
        der::wrap(0x31, &der::wrap(der::SEQUENCE, &pair))
    };
    let component = [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19];
    let unit = [0x55, 0x04, 0x0b];
    let subject = der::wrap(
        der::SEQUENCE,
        &[
            attribute(&component, 0x16, "example"),
            attribute(&component, 0x16, "a"),
            attribute(&unit, 0x0c, "one"),
            attribute(&unit, 0x13, "two"),
        ]
        .concat(),
    );
    let name = host("a.com");
    let chain = chain(&ChainPlan::new(name.clone()));
    let ca = authority(&chain.intermediate);
    let old = leaf(&chain.server.certificate, of_server(&name), &ca, now())
        .expect("renewed")
        .issued;
    let pair =
        |message: &[u8]| rcgen::SigningKey::sign(ca.issuer.key(), message).map_err(crate::certs::authority::failed);
    let old = crate::certs::reissue::with_subject(old.certificate, &subject, pair).expect("signed");
    let renewed = leaf(&old, of_server(&name), &ca, now())
        .expect("renewed")
        .issued
        .certificate;
    assert!(
        is_issued_by(&renewed, &chain.intermediate.certificate),
        "the signature holds"
    );
    let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(&renewed).expect("readable");
    assert_eq!(parsed.subject().as_raw(), subject);
}

#[test]
fn what_differs_is_said() {
    let name = host("a.com");
    let mut plan = ChainPlan::new(name.clone());
    for (bad, said) in [
        (Bad::WeakKey, "the new key is rsa-2048"),
        (Bad::WrongHost, "does not cover a.com"),
        (Bad::NoSan, "does not cover a.com"),
    ] {
        plan.bad = Some(bad);
        let chain = chain(&plan);
        let renewed = leaf(
            &chain.server.certificate,
            of_server(&name),
            &authority(&chain.intermediate),
            now(),
        );
        let notes = renewed.expect("renewed").notes.join("\n");
        assert!(notes.contains(said), "{notes}");
    }
    plan.bad = None;
    let chain = chain(&plan);
    let ca = authority(&chain.intermediate);
    let renewed = leaf(
        &chain.server.certificate,
        of_server(&name),
        &ca,
        now() + Duration::days(1700),
    );
    assert!(renewed.expect("renewed").notes[0].contains("expires with its issuer"));
    let late = leaf(
        &chain.server.certificate,
        of_server(&name),
        &ca,
        now() + Duration::days(1900),
    );
    assert!(late.is_err(), "an expired CA signs");
}

#[test]
fn new_cas_are_like_the_old_ones_under_other_names() {
    let name = host("a.com");
    let plan = ChainPlan {
        name_constraints: vec![Subtree::parse("a.com").expect("a constraint")],
        profile: Profile {
            ca_key: KeyType::EcdsaP384,
            subject: Subject::parse("C=US,O=Shop").expect("a subject"),
            ..Profile::default()
        },
        ..ChainPlan::new(name.clone())
    };
    let first = chain(&plan);
    let made = succession(
        &name,
        &first.root.certificate,
        Some(&first.intermediate.certificate),
        false,
        now(),
    )
    .expect("made");
    let facts = |issued: &Issued| certificate(&issued.certificate, now()).expect("readable");
    let (root, intermediate) = (facts(&made.root), facts(&made.intermediate));
    assert_eq!(root.subject, "C=US, O=Shop, CN=a.com root CA G2");
    assert_eq!(intermediate.subject, "C=US, O=Shop, CN=a.com intermediate CA G2");
    assert_eq!((root.days_left, intermediate.days_left), (3649, 1824));
    assert_eq!(root.key, facts(&first.root).key);
    assert_eq!(root.permitted_names, ["a.com", "email:invalid", "URI:invalid"]);
    assert!(is_issued_by(&made.intermediate.certificate, &made.root.certificate));
    assert!(!names_issuer(&made.intermediate.certificate, &first.root.certificate));
    let third = succession(&name, &made.root.certificate, None, false, now()).expect("made");
    assert_eq!(facts(&third.root).subject, "C=US, O=Shop, CN=a.com root CA G3");
    assert_eq!(facts(&third.intermediate).subject, "CN=a.com intermediate CA");
    // The lifetime of a server certificate is not suitable for a CA.
    let after_leaf = succession(&name, &first.server.certificate, None, true, now()).expect("made");
    let lengths = [&after_leaf.root, &after_leaf.intermediate].map(|ca| facts(ca).days_left);
    assert_eq!(lengths, [3649, 1824]);
    assert!(facts(&first.server).days_left < 400);
    // A leaf renewed under the new CA verifies only with the new root.
    let renewed = leaf(
        &first.server.certificate,
        of_server(&name),
        &authority(&made.intermediate),
        now(),
    )
    .expect("renewed");
    assert!(is_issued_by(
        &renewed.issued.certificate,
        &made.intermediate.certificate
    ));
}

#[test]
fn names_are_added_for_the_same_key_and_the_rest_stays() {
    for key_type in [KeyType::EcdsaP256, KeyType::Rsa2048, KeyType::Ed25519] {
        let host = host("a.com");
        let plan = ChainPlan {
            sans: vec![San::parse("10.0.0.7").expect("a name")],
            profile: Profile {
                leaf_days: 90,
                subject: Subject::parse("C=US,O=Shop").expect("a subject"),
                ..Profile::with_key_type(key_type)
            },
            ..ChainPlan::new(host.clone())
        };
        let made = chain(&plan);
        let further: Vec<San> = ["b.com", "10.0.0.7", "spiffe://a/b"]
            .map(|san| San::parse(san).expect("a name"))
            .into();
        let later = now() + Duration::days(30);
        let old = &made.server.certificate;
        let renewed =
            with_names(old, &further, of_server(&host), &authority(&made.intermediate), later).expect("a leaf");
        let new = &renewed.issued.certificate;
        assert!(renewed.issued.key.is_none(), "the key stays where it is");
        assert!(made.server.key.as_ref().expect("a key").fits(new));
        let words: Vec<String> = names(new).expect("names").iter().map(San::to_string).collect();
        assert_eq!(words, ["a.com", "10.0.0.7", "b.com", "spiffe://a/b"]);
        let (before, after) = (
            certificate(old, later).expect("the old one"),
            certificate(new, later).expect("the new one"),
        );
        assert_eq!((&after.subject, &after.issuer), (&before.subject, &before.issuer));
        assert_ne!(after.serial, before.serial);
        assert!(after.not_after > before.not_after);
        let verdict = verify(&VerifyInput {
            chain: &[new.clone(), made.intermediate.certificate.clone()],
            intermediates: &[],
            roots: std::slice::from_ref(&made.root.certificate),
            crls: &[],
            purpose: Purpose::Server,
            host: Some(&host),
            now: later,
        });
        assert!(verdict.faults.is_empty(), "{:?}", verdict.faults);
    }
    let narrow = ChainPlan {
        name_constraints: vec![Subtree::parse("a.com").expect("a domain")],
        ..ChainPlan::new(host("a.com"))
    };
    let made = chain(&narrow);
    let further = [San::parse("b.com").expect("a name")];
    let host = host("a.com");
    let refused = with_names(
        &made.server.certificate,
        &further,
        of_server(&host),
        &authority(&made.intermediate),
        now(),
    );
    assert!(refused.is_err(), "its CA does not permit the name");
}
