//! Every fault that our own certificates can have; those that only other programs produce (version
//! 1, SHA-1) are in tests/real.

use proptest::prelude::*;
use time::{Duration, OffsetDateTime};

use super::{FaultCode, Purpose, VerifyInput, verify};
use crate::certs::issue::{Authority, CertificateAuthority, Chain, issue_chain};
use crate::certs::plan::{Bad, ChainPlan};
use crate::certs::{CertificateDer, CertificateRevocationListDer, crl};
use crate::names::Host;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

fn host() -> Host {
    Host::parse("a.example.com").unwrap()
}

fn chain(change: impl FnOnce(&mut ChainPlan)) -> Chain {
    let mut plan = ChainPlan::new(host());
    change(&mut plan);
    issue_chain(&plan, Authority::New, now()).unwrap()
}

struct Case<'a> {
    sent: &'a [CertificateDer<'a>],
    roots: &'a [CertificateDer<'a>],
    crls: &'a [CertificateRevocationListDer<'a>],
    purpose: Purpose,
    at: OffsetDateTime,
}

impl<'a> Case<'a> {
    fn new(sent: &'a [CertificateDer<'a>], roots: &'a [CertificateDer<'a>]) -> Self {
        Self {
            sent,
            roots,
            crls: &[],
            purpose: Purpose::Server,
            at: now(),
        }
    }

    fn verdict(&self) -> super::Verdict {
        verify(&VerifyInput {
            chain: self.sent,
            intermediates: &[],
            roots: self.roots,
            crls: self.crls,
            purpose: self.purpose,
            host: (self.purpose == Purpose::Server).then_some(&host()),
            now: self.at,
        })
    }

    #[track_caller]
    fn gives(&self, codes: &[FaultCode]) {
        let verdict = self.verdict();
        let found: Vec<FaultCode> = verdict.faults.iter().map(|fault| fault.code).collect();
        assert_eq!(found, codes, "{:#?}", verdict.faults);
    }
}

fn served(chain: &Chain) -> [CertificateDer<'static>; 2] {
    [chain.server.certificate.clone(), chain.intermediate.certificate.clone()]
}

#[test]
fn a_good_chain_has_no_fault() {
    let chain = chain(|_| {});
    let roots = [chain.root.certificate.clone()];
    let sent = served(&chain);
    let verdict = Case::new(&sent, &roots).verdict();
    assert!(verdict.is_ok() && verdict.notes.is_empty(), "{verdict:#?}");
    assert_eq!(verdict.path.len(), 3);
    let client = [
        chain.clients[0].issued.certificate.clone(),
        chain.intermediate.certificate.clone(),
    ];
    let mut case = Case::new(&client, &roots);
    case.purpose = Purpose::Client;
    case.gives(&[]);
    case.purpose = Purpose::Server;
    case.gives(&[FaultCode::WrongEku]);
}

#[test]
fn every_bad_leaf_has_its_reason() {
    for (bad, code) in [
        (Bad::Expired, FaultCode::CertificateExpired),
        (Bad::NotYetValid, FaultCode::CertificateNotYetValid),
        (Bad::WrongHost, FaultCode::NameMismatch),
        (Bad::WrongCa, FaultCode::UnknownIssuer),
        (Bad::NoSan, FaultCode::NoSan),
        (Bad::WeakKey, FaultCode::WeakKey),
        (Bad::WrongEku, FaultCode::WrongEku),
    ] {
        let chain = chain(|plan| plan.bad = Some(bad));
        Case::new(&served(&chain), std::slice::from_ref(&chain.root.certificate)).gives(&[code]);
    }
}

#[test]
fn what_is_sent_wrongly_has_its_reason() {
    let good = chain(|_| {});
    let other = chain(|_| {});
    let roots = [good.root.certificate.clone()];
    let [leaf, intermediate] = served(&good);
    let root = good.root.certificate.clone();
    let foreign = [other.root.certificate.clone()];
    for (sent, roots, codes) in [
        (vec![], &roots, vec![FaultCode::NoCertificate]),
        (
            vec![CertificateDer::from(vec![1, 2, 3])],
            &roots,
            vec![FaultCode::CertificateUnreadable],
        ),
        (vec![leaf.clone()], &roots, vec![FaultCode::IncompleteChain]),
        (
            vec![leaf.clone(), intermediate.clone()],
            &foreign,
            vec![FaultCode::UnknownIssuer],
        ),
        (
            vec![leaf.clone(), intermediate.clone(), root.clone()],
            &foreign,
            vec![FaultCode::UnknownIssuer],
        ),
        (
            vec![intermediate.clone(), leaf.clone()],
            &roots,
            vec![FaultCode::WrongOrder, FaultCode::CaAsLeaf, FaultCode::NoSan],
        ),
        (
            vec![intermediate.clone()],
            &roots,
            vec![FaultCode::CaAsLeaf, FaultCode::NoSan],
        ),
        (
            vec![root.clone()],
            &foreign,
            vec![FaultCode::SelfSigned, FaultCode::CaAsLeaf, FaultCode::NoSan],
        ),
    ] {
        Case::new(&sent, roots).gives(&codes);
    }
    // Works, but is reported.
    let verdict = Case::new(&[leaf, root, intermediate], &roots).verdict();
    let notes: Vec<FaultCode> = verdict.notes.iter().map(|note| note.code).collect();
    assert!(verdict.is_ok());
    assert_eq!(notes, [FaultCode::WrongOrder, FaultCode::RootSent]);
}

#[test]
fn the_certificate_at_fault_is_named() {
    let chain = chain(|_| {});
    let roots = [chain.root.certificate.clone()];
    let sent = served(&chain);
    let mut case = Case::new(&sent, &roots);
    case.at = now() + Duration::days(2000);
    let verdict = case.verdict();
    assert_eq!(
        verdict
            .faults
            .iter()
            .map(|fault| fault.what.as_str())
            .collect::<Vec<_>>(),
        [
            "the leaf (CN=a.example.com) expired on 2028-01-15 06:59:59 UTC",
            "the intermediate (CN=a.example.com intermediate CA) expired on 2032-01-14 06:59:59 UTC"
        ]
    );
}

#[test]
fn a_crl_revokes() {
    let chain = chain(|_| {});
    let ca = |issued: &crate::certs::Issued| {
        CertificateAuthority::new(issued.certificate.clone(), issued.key.as_ref().unwrap()).unwrap()
    };
    let intermediate = ca(&chain.intermediate);
    let mut contents = crl::Contents::default();
    let serial = {
        use x509_parser::prelude::FromDer as _;
        let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(&chain.server.certificate).unwrap();
        parsed.raw_serial().to_vec()
    };
    assert!(contents.revoke(&serial, now()));
    assert!(!contents.revoke(&serial, now()));
    let crl = crl::issue(&contents, &intermediate, now()).unwrap();
    let roots = [chain.root.certificate.clone()];
    let sent = served(&chain);
    let crls = [crl.clone()];
    let mut case = Case::new(&sent, &roots);
    case.crls = &crls;
    case.gives(&[FaultCode::CertificateRevoked]);

    // Read again and extended, the number continues.
    let read = crl::contents(crl::text(&crl).as_bytes(), "crl.pem").unwrap();
    assert_eq!((read.number, read.revoked), (1, contents.revoked.clone()));

    // An expired CRL is still used, and reported as expired.
    case.at = now() + Duration::days(366);
    let verdict = case.verdict();
    assert_eq!(verdict.notes[0].code, FaultCode::CrlExpired);

    // The same name with another key proves nothing.
    let other = self::chain(|_| {});
    let forged = [crl::issue(&contents, &ca(&other.intermediate), now()).unwrap()];
    let mut case = Case::new(&sent, &roots);
    case.crls = &forged;
    let verdict = case.verdict();
    assert!(verdict.is_ok());
    assert_eq!(verdict.notes[0].code, FaultCode::CrlNotTrusted);
}

#[test]
fn a_ca_below_its_path_length_is_refused() {
    let chain = chain(|_| {});
    let intermediate = chain.intermediate.clone();
    let ca = CertificateAuthority::new(intermediate.certificate.clone(), &intermediate.key.unwrap()).unwrap();
    // The intermediate allows no CA below it. (With the same name it would be self-issued, and not
    // count.)
    let mut plan = ChainPlan::new(Host::parse("b.example.com").unwrap());
    plan.sans.push(crate::certs::plan::San::of(&host()));
    let below = issue_chain(&plan, Authority::Root(&ca), now()).unwrap();
    let sent = [
        below.server.certificate.clone(),
        below.intermediate.certificate.clone(),
        intermediate.certificate,
    ];
    Case::new(&sent, std::slice::from_ref(&chain.root.certificate)).gives(&[FaultCode::PathTooLong]);
}

#[test]
fn a_tampered_certificate_does_not_verify() {
    let chain = chain(|_| {});
    let mut der = chain.server.certificate.to_vec();
    *der.last_mut().unwrap() ^= 1;
    let sent = [der.into(), chain.intermediate.certificate.clone()];
    Case::new(&sent, std::slice::from_ref(&chain.root.certificate)).gives(&[FaultCode::BadSignature]);
}

#[test]
fn codes_have_words() {
    assert_eq!(FaultCode::NameMismatch.as_str(), "name-mismatch");
    let mut words: Vec<&str> = FaultCode::WORDS.iter().map(|(word, _)| *word).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), FaultCode::WORDS.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_certificates_are_judged_without_a_panic(place in 0_usize..600, value: u8, second: bool) {
        let chain = chain(|_| {});
        let mut sent = served(&chain);
        let mut der = sent[usize::from(second)].to_vec();
        let place = place % der.len();
        der[place] = value;
        sent[usize::from(second)] = der.into();
        let _ = Case::new(&sent, std::slice::from_ref(&chain.root.certificate)).verdict();
        let mut items = crate::certs::inspect::from_certificates(&sent, "chain", now());
        crate::certs::inspect::relate(&mut items);
    }
}
