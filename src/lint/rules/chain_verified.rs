//! Findings from verifying the chain with the code of `verify`: what its CAs allow, its extensions,
//! and its signatures.

use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use crate::certs::CertificateDer;
use crate::certs::names::serial;
use crate::certs::verify::{CertificateRef, Fault, FaultCode, Purpose, Verdict, VerifyInput, verify};
use crate::lint::codes::{CERTIFICATE_EXTENSIONS, CERTIFICATE_MUST_STAPLE, CHAIN_BROKEN, CHAIN_NOT_ALLOWED};
use crate::lint::index::credentials::{Credentials, Pair, Relation};
use crate::lint::remedies::issue_again;
use crate::lint::{Code, Finding, Findings, Rule, World};
use crate::secrets::OCSP_STAPLE;

pub(super) static RULES: &[&dyn Rule] = &[&Verified];

struct Verified;

impl Rule for Verified {
    fn codes(&self) -> &'static [&'static Code] {
        &[
            &CHAIN_BROKEN,
            &CHAIN_NOT_ALLOWED,
            &CERTIFICATE_EXTENSIONS,
            &CERTIFICATE_MUST_STAPLE,
        ]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let credentials = world.credentials();
        let pairs: Vec<&Pair<'_>> = credentials
            .pairs
            .iter()
            // An intermediate before its leaf is reported where the key is compared.
            .filter(|pair| pair.leaf().is_some_and(|leaf| leaf.is_leaf()))
            .collect();
        let chains: Vec<Chain> = pairs.iter().map(|pair| Chain::of(credentials, pair)).collect();
        for (pair, verdict) in pairs.iter().zip(verdicts(&chains, world.settings.now)) {
            for fault in verdict.faults.iter().chain(&verdict.notes) {
                found.push_some(finding(world, pair, fault));
            }
        }
    }
}

/// A chain and the known roots that may have signed it.
struct Chain {
    sent: Vec<CertificateDer<'static>>,
    roots: Vec<CertificateDer<'static>>,
}

impl Chain {
    fn of(credentials: &Credentials<'_>, pair: &Pair<'_>) -> Self {
        let mut roots = Vec::new();
        for (_, certificate) in pair.chain().iter().filter(|(_, known)| !known.is_self_issued()) {
            for known in credentials.issuers_of(certificate) {
                let root = &known.certificate;
                if root.is_self_issued() && certificate.relation(root) == Relation::Issuer && !roots.contains(&root.der)
                {
                    roots.push(root.der.clone());
                }
            }
        }
        Self {
            sent: pair
                .chain()
                .iter()
                .map(|(_, certificate)| certificate.der.clone())
                .collect(),
            roots,
        }
    }

    fn verdict(&self, now: time::OffsetDateTime) -> Verdict {
        verify(&VerifyInput {
            chain: &self.sent,
            intermediates: &[],
            roots: &self.roots,
            crls: &[],
            purpose: Purpose::Server,
            host: None,
            now,
        })
    }
}

/// The verdicts in the order of the chains. Verifying signatures is expensive, so all cores are
/// used.
fn verdicts(chains: &[Chain], now: time::OffsetDateTime) -> Vec<Verdict> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let part = chains.len().div_ceil(cores).max(64);
    std::thread::scope(|scope| {
        let workers: Vec<_> = chains
            .chunks(part)
            .map(|part| scope.spawn(move || part.iter().map(|chain| chain.verdict(now)).collect::<Vec<_>>()))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_default())
            .collect()
    })
}

/// Faults that no other rule reports.
fn finding(world: &World<'_>, pair: &Pair<'_>, fault: &Fault) -> Option<Finding> {
    let code = match fault.code {
        FaultCode::BadSignature => &CHAIN_BROKEN,
        FaultCode::IssuerNotCa | FaultCode::PathTooLong | FaultCode::NameConstraintViolation => &CHAIN_NOT_ALLOWED,
        FaultCode::UnknownCriticalExtension | FaultCode::DuplicateExtension => &CERTIFICATE_EXTENSIONS,
        FaultCode::MustStaple if !has_staple(pair) => &CERTIFICATE_MUST_STAPLE,
        _ => return None,
    };
    let place = fault.certificate.as_ref().and_then(|fault| place_of(pair, fault));
    let line = pair.chain().get(place.unwrap_or(0)).map_or(0, |(line, _)| *line);
    let found = fault.found.as_ref().filter(|_| code == &CERTIFICATE_EXTENSIONS);
    let found = found.map(|found| format!(": {found}")).unwrap_or_default();
    let what = format!("in {}: {}{found}", pair.certificate.name(), fault.what);
    let finding = Finding::new(code, pair.certificate.place(line), what);
    let finding = match &fault.fix {
        Some(fix) => finding.fix(fix.clone()),
        None => finding,
    };
    Some(issue_again(world, pair, place == Some(0), finding))
}

/// Whether Envoy gets an OCSP response with the certificate.
fn has_staple(pair: &Pair<'_>) -> bool {
    pair.certificate.key == "tls.crt" && pair.certificate.secret.filled(OCSP_STAPLE).is_some()
}

/// The index of a certificate in the chain; none for a root that is not sent.
fn place_of(pair: &Pair<'_>, meant: &CertificateRef) -> Option<usize> {
    pair.chain().iter().position(|(_, certificate)| {
        let parsed = X509Certificate::from_der(&certificate.der);
        parsed.is_ok_and(|(_, parsed)| serial(&parsed) == meant.serial)
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CustomExtension, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    };

    use crate::certs::pem;
    use crate::lint::testing::{assert_code, only, secret, simple};

    /// A root and an intermediate that tests may change, and a leaf.
    struct Made {
        leaf: CertificateParams,
        intermediate: CertificateParams,
        root: CertificateParams,
    }

    impl Made {
        fn new() -> Self {
            let named = |name: &str| {
                let mut params = CertificateParams::new(Vec::new()).unwrap();
                params.distinguished_name.push(rcgen::DnType::CommonName, name);
                params.not_before = crate::lint::testing::NOW - time::Duration::days(1);
                params.not_after = crate::lint::testing::NOW + time::Duration::days(90);
                params
            };
            let authority = |name: &str| {
                let mut params = named(name);
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
                params
            };
            let mut leaf = named("httpbin.example.com");
            leaf.subject_alt_names = vec![rcgen::SanType::DnsName("httpbin.example.com".try_into().unwrap())];
            leaf.is_ca = IsCa::ExplicitNoCa;
            leaf.use_authority_key_identifier_extension = true;
            Self {
                leaf,
                intermediate: authority("an intermediate"),
                root: authority("a root"),
            }
        }

        /// A server's Secret with the chain, the root as CA, and `more` keys.
        fn yaml(&self, more: &[(&str, &str)]) -> String {
            let keys = [(); 3].map(|()| KeyPair::generate().unwrap());
            let root = self.root.self_signed(&keys[0]).unwrap();
            let issuer = Issuer::from_params(&self.root, &keys[0]);
            let intermediate = self.intermediate.signed_by(&keys[1], &issuer).unwrap();
            let issuer = Issuer::from_params(&self.intermediate, &keys[1]);
            let leaf = self.leaf.signed_by(&keys[2], &issuer).unwrap();
            let chain = pem::certificates_text([leaf.der(), intermediate.der()]);
            let (root, key) = (pem::certificate_text(root.der()), keys[2].serialize_pem());
            let mut values = vec![
                ("tls.crt", chain.as_str()),
                ("tls.key", key.as_str()),
                ("ca.crt", root.as_str()),
            ];
            values.extend(more);
            simple(&secret("c", &values))
        }
    }

    fn made(change: impl FnOnce(&mut Made)) -> String {
        let mut made = Made::new();
        change(&mut made);
        made.yaml(&[])
    }

    fn constraints(name: &str) -> rcgen::NameConstraints {
        rcgen::NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName(name.to_owned())],
            excluded_subtrees: Vec::new(),
        }
    }

    fn extension(arcs: &[u64], content: &[u8], critical: bool) -> CustomExtension {
        let mut extension = CustomExtension::from_oid_content(arcs, content.to_vec());
        extension.set_criticality(critical);
        extension
    }

    #[test]
    fn what_the_cas_do_not_allow_is_found() {
        let path = &["data[\"tls.crt\"]"][..];
        let ca = |limit| IsCa::Ca(BasicConstraints::Constrained(limit));
        for (yaml, paths) in [
            (Made::new().yaml(&[]), &[][..]),
            (made(|made| made.root.is_ca = ca(1)), &[]),
            (
                made(|made| made.intermediate.name_constraints = Some(constraints("example.com"))),
                &[],
            ),
            // Failing.
            (
                made(|made| made.intermediate.name_constraints = Some(constraints("example.org"))),
                path,
            ),
            (
                made(|made| made.root.name_constraints = Some(constraints("example.org"))),
                path,
            ),
            (made(|made| made.root.is_ca = ca(0)), path),
            (made(|made| made.intermediate.is_ca = IsCa::ExplicitNoCa), path),
            (
                made(|made| made.intermediate.key_usages = vec![KeyUsagePurpose::CrlSign]),
                path,
            ),
        ] {
            assert_code(&yaml, "ITL0415", paths);
        }
        let yaml = made(|made| made.root.name_constraints = Some(constraints("example.org")));
        let found = only(&yaml, "ITL0415");
        assert!(
            found
                .what
                .contains("(CN=a root) does not permit the name httpbin.example.com"),
            "{}",
            found.what
        );
    }

    #[test]
    fn extensions_that_clients_refuse_are_found() {
        let path = &["data[\"tls.crt\"]"][..];
        let own = |critical| extension(&[1, 2, 3, 4], &[5, 0], critical);
        for (extensions, paths) in [
            (vec![own(false)], &[][..]),
            (vec![own(true)], path),
            (vec![own(false), own(false)], path),
        ] {
            let yaml = made(|made| made.leaf.custom_extensions = extensions);
            assert_code(&yaml, "ITL0437", paths);
        }
    }

    #[test]
    fn a_demanded_staple_is_given() {
        let mut made = Made::new();
        made.leaf.custom_extensions = vec![extension(&[1, 3, 6, 1, 5, 5, 7, 1, 24], &[0x30, 3, 2, 1, 5], false)];
        assert_code(&made.yaml(&[]), "ITL0438", &["data[\"tls.crt\"]"]);
        assert_code(&made.yaml(&[("tls.ocsp-staple", "a response")]), "ITL0438", &[]);
        assert_code(&Made::new().yaml(&[]), "ITL0438", &[]);
    }

    #[test]
    fn a_certificate_that_was_changed_is_found() {
        let yaml = Made::new().yaml(&[]);
        assert_code(&yaml, "ITL0412", &[]);
        let chain = crate::lint::testing::httpbin();
        let mut changed = chain.server.certificate.to_vec();
        *changed.last_mut().unwrap() ^= 1;
        let text = format!("{}{}", pem::text(pem::CERTIFICATE, &changed), chain.intermediate_pem());
        let yaml = simple(&secret(
            "c",
            &[
                ("tls.crt", &text),
                ("tls.key", &crate::lint::testing::key_pem(&chain.server)),
            ],
        ));
        let found = only(&yaml, "ITL0412");
        assert!(found.what.contains("does not verify with the key of"), "{}", found.what);
    }
}
