//! Issued certificates, checked by rustls-webpki and our own parser.

use std::time::Duration as StdDuration;

use proptest::prelude::*;
use rustls::pki_types::{ServerName, UnixTime};
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::FromDer as _;

use super::issue::{Authority, CertificateAuthority, Chain, issue_chain, issue_client, issue_root};
use super::plan::{Bad, ChainPlan, KeyType, LeafValidity, Profile, San, Subject, Subtree};
use super::verify::{Purpose, VerifyInput, verify};
use super::{CertificateDer, PrivateKey};
use crate::names::Host;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

fn plan(host: &str) -> ChainPlan {
    ChainPlan::new(Host::parse(host).unwrap())
}

/// The verdict of rustls-webpki: trusting only the root, given the leaf and the intermediate.
fn webpki_accepts(chain: &Chain, host: &str, at: OffsetDateTime) -> Result<(), String> {
    let trusted = [webpki::anchor_from_trusted_cert(&chain.root.certificate).unwrap()];
    let intermediates = [chain.intermediate.certificate.clone()];
    let time = UnixTime::since_unix_epoch(StdDuration::from_secs(at.unix_timestamp().try_into().unwrap()));
    let check = |leaf: &CertificateDer<'static>, usage| {
        let leaf = webpki::EndEntityCert::try_from(leaf).map_err(|error| error.to_string())?;
        leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &trusted,
            &intermediates,
            time,
            usage,
            None,
            None,
        )
        .map_err(|error| error.to_string())?;
        Ok::<_, String>(())
    };
    check(&chain.server.certificate, webpki::KeyUsage::server_auth())?;
    let leaf = webpki::EndEntityCert::try_from(&chain.server.certificate).map_err(|error| error.to_string())?;
    leaf.verify_is_valid_for_subject_name(&ServerName::try_from(host).unwrap())
        .map_err(|error| error.to_string())?;
    for client in &chain.clients {
        check(&client.issued.certificate, webpki::KeyUsage::client_auth())?;
    }
    Ok(())
}

#[test]
fn every_key_type_verifies_and_keys_fit() {
    for (word, key_type) in KeyType::WORDS {
        // RSA 3072 and 4096 take seconds in an unoptimised build; 2048 uses the same code.
        if matches!(key_type, KeyType::Rsa3072 | KeyType::Rsa4096) {
            continue;
        }
        let mut plan = plan("a.example.com");
        plan.profile = Profile::with_key_type(*key_type);
        plan.clients.push("alice".into());
        let chain = issue_chain(&plan, Authority::New, now()).unwrap();
        webpki_accepts(&chain, "a.example.com", now()).unwrap_or_else(|error| panic!("{word}: {error}"));
        for issued in [
            &chain.root,
            &chain.intermediate,
            &chain.server,
            &chain.clients[1].issued,
        ] {
            assert!(issued.key.as_ref().unwrap().fits(&issued.certificate), "{word}");
        }
        assert!(!chain.root.key.as_ref().unwrap().fits(&chain.server.certificate));
    }
}

#[test]
fn hosts_of_every_kind_are_named() {
    let long = format!("{}.{}.example.com", "a".repeat(60), "b".repeat(60));
    for (host, asked) in [
        ("*.a.com", "x.a.com"),
        ("10.0.0.1", "10.0.0.1"),
        ("::1", "::1"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
        (&long, &long),
    ] {
        let chain = issue_chain(&plan(host), Authority::New, now()).unwrap();
        webpki_accepts(&chain, asked, now()).unwrap_or_else(|error| panic!("{host}: {error}"));
    }
}

#[test]
fn subjects_differ_and_a_long_host_is_no_common_name() {
    let long = format!("{}example.com", "a.".repeat(60));
    let chain = issue_chain(&plan(&long), Authority::New, now());
    let chain = chain.unwrap();
    let subject = |der: &CertificateDer<'_>| {
        let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(der).unwrap();
        (
            parsed.subject().to_string(),
            parsed.subject_alternative_name().unwrap().map(|san| san.critical),
        )
    };
    assert_eq!(subject(&chain.server.certificate), (String::new(), Some(true)));
    assert_ne!(
        subject(&chain.root.certificate).0,
        subject(&chain.intermediate.certificate).0
    );
    assert!(subject(&chain.root.certificate).0.len() <= 67);
}

#[test]
fn an_existing_root_and_intermediate_sign_again() {
    let root = issue_root("example", &plan("example.com"), now()).unwrap();
    let root = CertificateAuthority::new(root.certificate, &root.key.unwrap()).unwrap();
    let first = issue_chain(&plan("a.example.com"), Authority::Root(&root), now()).unwrap();
    assert!(first.root.key.is_none() && first.intermediate.key.is_some());
    webpki_accepts(&first, "a.example.com", now()).unwrap();

    let intermediate = CertificateAuthority::new(
        first.intermediate.certificate.clone(),
        first.intermediate.key.as_ref().unwrap(),
    )
    .unwrap();
    let authority = Authority::Intermediate(&intermediate, &first.root.certificate);
    let second = issue_chain(&plan("b.example.com"), authority, now()).unwrap();
    assert!(second.intermediate.key.is_none());
    webpki_accepts(&second, "b.example.com", now()).unwrap();
    let client = issue_client("bob", &plan("b.example.com"), &intermediate, now()).unwrap();
    assert!(client.issued.key.unwrap().fits(&client.issued.certificate));
}

#[test]
fn a_ca_that_cannot_sign_is_refused() {
    let chain = issue_chain(&plan("a.com"), Authority::New, now()).unwrap();
    let key = |issued: &super::Issued| issued.key.clone().unwrap();
    let refused = |certificate: &CertificateDer<'static>, key: &PrivateKey| {
        CertificateAuthority::new(certificate.clone(), key)
            .err()
            .map(|problem| problem.why.unwrap())
    };
    assert_eq!(
        refused(&chain.server.certificate, &key(&chain.server)).unwrap(),
        "it is not a CA certificate (basicConstraints lacks CA:TRUE)"
    );
    assert_eq!(
        refused(&chain.root.certificate, &key(&chain.server)).unwrap(),
        "the private key does not match its certificate"
    );
}

#[test]
fn a_leaf_is_cut_to_its_issuers_end() {
    let mut plan = plan("a.com");
    plan.profile.leaf_days = 9999;
    let chain = issue_chain(&plan, Authority::New, now()).unwrap();
    assert_eq!(chain.notes, ["the leaf expires with its issuer, on 2032-01-14"]);
    plan.profile.leaf_days = u32::MAX;
    assert!(issue_chain(&plan, Authority::New, now()).is_err());
    plan.leaf_validity = LeafValidity {
        not_before: Some(now()),
        not_after: Some(now() - Duration::days(1)),
    };
    let problem = issue_chain(&plan, Authority::New, now()).err().unwrap();
    assert_eq!(problem.what, "the certificate of a.com would never be valid");
}

#[test]
fn an_expired_ca_signs_nothing() {
    let chain = issue_chain(&plan("a.com"), Authority::New, now() - Duration::days(2000)).unwrap();
    let ca =
        CertificateAuthority::new(chain.intermediate.certificate.clone(), &chain.intermediate.key.unwrap()).unwrap();
    let refused = issue_chain(
        &plan("b.com"),
        Authority::Intermediate(&ca, &chain.root.certificate),
        now(),
    );
    assert!(refused.err().unwrap().what.contains("has expired"));
}

#[test]
fn every_bad_leaf_is_refused_by_webpki() {
    for (word, bad) in Bad::WORDS {
        let mut plan = plan("a.example.com");
        plan.bad = Some(*bad);
        let chain = issue_chain(&plan, Authority::New, now()).unwrap();
        let verdict = webpki_accepts(&chain, "a.example.com", now());
        // The provider's chain verification does not check the leaf's key.
        if *bad == Bad::WeakKey {
            assert!(chain.server.key.as_ref().unwrap().fits(&chain.server.certificate));
        } else {
            assert!(verdict.is_err(), "{word} verifies");
        }
    }
}

#[test]
fn name_constraints_hold() {
    let mut plan = plan("a.example.com");
    plan.name_constraints = vec![
        Subtree::parse("example.com").unwrap(),
        Subtree::parse("10.0.0.0/8").unwrap(),
    ];
    let chain = issue_chain(&plan, Authority::New, now()).unwrap();
    webpki_accepts(&chain, "a.example.com", now()).unwrap();
    // A client's name outside the constraints is not a DNS name of its certificate.
    plan.clients = vec!["alice".into()];
    let chain = issue_chain(&plan, Authority::New, now()).unwrap();
    webpki_accepts(&chain, "a.example.com", now()).unwrap();
    assert_eq!(chain.notes.len(), 1);
    // An existing CA's constraints also apply to later chains.
    let ca = CertificateAuthority::new(
        chain.intermediate.certificate.clone(),
        chain.intermediate.key.as_ref().unwrap(),
    )
    .unwrap();
    let authority = Authority::Intermediate(&ca, &chain.root.certificate);
    let other = ChainPlan::new(Host::parse("b.example.org").unwrap());
    assert!(issue_chain(&other, authority, now()).is_err());
    plan.sans.push(San::parse("192.0.2.1").unwrap());
    let problem = issue_chain(&plan, Authority::New, now()).err().unwrap();
    assert_eq!(problem.what, "the name constraints do not permit 192.0.2.1");
}

/// With a constraint on any kind of name, the other kinds are closed as well, except for DNS names.
#[test]
fn what_is_not_permitted_is_not_issued() {
    let with = |constraints: &[&str], name: &str| {
        let mut plan = plan("a.example.com");
        plan.clients = vec!["alice".into()];
        plan.name_constraints = constraints.iter().map(|text| Subtree::parse(text).unwrap()).collect();
        plan.sans.push(San::parse(name).unwrap());
        issue_chain(&plan, Authority::New, now())
    };
    for (allowed, name) in [
        ("ip:10.0.0.0/8", "10.1.2.3"),
        ("ip:::1", "::1"),
        ("email:example.org", "me@example.org"),
        ("email:me@example.org", "me@example.org"),
        ("uri:a.org", "https://a.org/x"),
        ("uri:.org", "spiffe://a.org/x"),
    ] {
        let problem = with(&["example.com"], name).err().unwrap();
        assert!(problem.what.ends_with(name), "{problem}");
        let problem = with(&["example.com", "ip:11.0.0.0/8", "email:b.org", "uri:b.org"], name);
        assert!(problem.is_err(), "{name}");
        let chain = with(&["example.com", allowed], name).unwrap();
        // webpki refuses every URI and email if a CA constrains them.
        if allowed.starts_with("ip:") {
            webpki_accepts(&chain, "a.example.com", now()).unwrap();
        }
        let verdict = verify(&VerifyInput {
            chain: std::slice::from_ref(&chain.server.certificate),
            intermediates: std::slice::from_ref(&chain.intermediate.certificate),
            roots: std::slice::from_ref(&chain.root.certificate),
            crls: &[],
            purpose: Purpose::Server,
            host: None,
            now: now(),
        });
        assert!(verdict.is_ok(), "{allowed} {name}: {:?}", verdict.faults);
        // Reading the certificate back gives the same.
        let read = super::constraints::permitted(&chain.intermediate.certificate);
        let names: Vec<San> = ["10.1.2.3", "::1", "me@example.org", "https://a.org/x", "x.com"]
            .iter()
            .map(|text| San::parse(text).unwrap())
            .collect();
        let told: Vec<Subtree> = ["example.com", allowed]
            .iter()
            .map(|text| Subtree::parse(text).unwrap())
            .collect();
        for other in names {
            let permit = |list: &[Subtree]| super::constraints::permit(list, &other);
            assert_eq!(permit(&read), permit(&told), "{allowed} {other}");
        }
    }
}

#[test]
fn the_compatible_profile_is_generate_shs() {
    let mut plan = plan("httpbin.example.com");
    plan.profile = Profile {
        // These are the profile's key sizes; generating them takes seconds without optimisation.
        ca_key: KeyType::EcdsaP256,
        leaf_key: KeyType::EcdsaP256,
        ..Profile::compat()
    };
    assert_eq!(
        (Profile::compat().ca_key, Profile::compat().leaf_key),
        (KeyType::Rsa4096, KeyType::Rsa2048)
    );
    let chain = issue_chain(&plan, Authority::New, now()).unwrap();
    let (_, leaf) = x509_parser::certificate::X509Certificate::from_der(&chain.server.certificate).unwrap();
    assert_eq!(
        super::names::display(leaf.subject()),
        "C=US, ST=Denial, L=Springfield, O=Dis, CN=httpbin.example.com"
    );
    assert_eq!(
        Subject::parse("/C=US/ST=Denial/L=Springfield/O=Dis").unwrap(),
        plan.profile.subject
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_chain_for_any_name_verifies(labels in prop::collection::vec("[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", 1..5)) {
        let name = format!("{}.test", labels.join("."));
        if let Ok(host) = Host::parse(&name) {
            let chain = issue_chain(&ChainPlan::new(host), Authority::New, now()).unwrap();
            prop_assert_eq!(webpki_accepts(&chain, &name, now()), Ok(()));
        }
    }
}
