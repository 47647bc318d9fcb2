//! Requirements on every certificate, in served chains and in CA bundles.

use time::{Duration, OffsetDateTime};

use crate::certs::times::{ago, days_between, shown};
use crate::lint::codes::{
    CERTIFICATE_ENDS_SOON, CERTIFICATE_EXPIRED, CERTIFICATE_NOT_YET_VALID, CERTIFICATE_OF_CA, CERTIFICATE_SELF_SIGNED,
    CERTIFICATE_USAGE, CERTIFICATE_VERSION, CERTIFICATE_WITHOUT_NAMES, WEAK_KEY, WEAK_SIGNATURE,
};
use crate::lint::index::credentials::{Authorities, Certificate, Pair, Value};
use crate::lint::remedies::issue_again;
use crate::lint::{Code, Finding, Findings, Rule, Severity, World};

pub(super) static RULES: &[&dyn Rule] = &[&InTime, &FitForServers, &FitForClients];

/// A certificate is valid now and does not expire soon.
struct InTime;

impl Rule for InTime {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CERTIFICATE_EXPIRED, &CERTIFICATE_NOT_YET_VALID, &CERTIFICATE_ENDS_SOON]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let now = world.settings.now;
        let credentials = world.credentials();
        for pair in &credentials.pairs {
            for (place, (line, certificate)) in pair.chain().iter().enumerate() {
                // Nobody checks a root that is sent along.
                if place > 0 && certificate.is_self_issued() {
                    continue;
                }
                let finding = out_of_time(&pair.certificate, *line, certificate, now)
                    .map(|finding| issue_again(world, pair, place == 0, finding));
                // Istio checks only the first certificate of credentialName.
                found.push_some(finding.map(|finding| {
                    if place == 0 && pair.analysed {
                        finding
                    } else {
                        finding.istio(None)
                    }
                }));
            }
        }
        for bundle in &credentials.authorities {
            let list = bundle.list();
            let lives = |certificate: &Certificate| certificate.not_before <= now && now <= certificate.not_after;
            let some_live = list.iter().any(|(_, certificate)| lives(certificate));
            for (line, certificate) in list {
                let finding = out_of_time(&bundle.value, *line, certificate, now).map(|finding| finding.istio(None));
                // Next to a valid CA, the old one of a rotation does no harm.
                let finding = finding.map(|finding| {
                    let dead = finding.severity == Severity::Error;
                    if dead && some_live {
                        finding
                            .severity(Severity::Warning)
                            .why("clients with certificates from this CA are refused")
                            .fix("remove it from the bundle, or add its successor")
                    } else if dead {
                        finding
                            .why("every client is refused")
                            .fix("replace it with the current CA of the clients")
                    } else {
                        finding.fix("add the CA's successor to the bundle before then")
                    }
                });
                found.push_some(finding);
            }
        }
    }
}

/// How early an upcoming expiry is reported.
const SOON: Duration = Duration::days(30);

fn out_of_time(value: &Value<'_>, line: u32, certificate: &Certificate, now: OffsetDateTime) -> Option<Finding> {
    let (begin, end) = (certificate.not_before, certificate.not_after);
    let which = format!("the certificate of \"{}\" in {}", certificate.called, value.name());
    let place = || value.place(line);
    if now > end {
        let ago = ago(days_between(now, end));
        let what = format!("{which} expired on {}, {ago}", shown(end));
        return Some(Finding::new(&CERTIFICATE_EXPIRED, place(), what));
    }
    if now < begin {
        let what = format!("{which} is not valid before {}", shown(begin));
        return Some(Finding::new(&CERTIFICATE_NOT_YET_VALID, place(), what));
    }
    let soon = SOON.min((end - begin) / 3);
    (end - now <= soon).then(|| {
        let days = days_between(now, end);
        let what = format!("{which} expires on {}, in {days} days", shown(end));
        Finding::new(&CERTIFICATE_ENDS_SOON, place(), what).istio(None)
    })
}

/// The leaf is a server certificate, and its CAs are acceptable to clients.
struct FitForServers;

impl Rule for FitForServers {
    fn codes(&self) -> &'static [&'static Code] {
        &[
            &CERTIFICATE_WITHOUT_NAMES,
            &CERTIFICATE_VERSION,
            &CERTIFICATE_OF_CA,
            &CERTIFICATE_SELF_SIGNED,
            &CERTIFICATE_USAGE,
            &WEAK_KEY,
            &WEAK_SIGNATURE,
        ]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for pair in &world.credentials().pairs {
            check_leaf(world, pair, found);
            for (place, (line, certificate)) in pair.chain().iter().enumerate() {
                if place == 0 || !certificate.is_self_issued() {
                    let mut own = Findings::default();
                    check_strength(&pair.certificate, *line, certificate, place == 0, &mut own);
                    check_usage(&pair.certificate, *line, certificate, "serverAuth", "servers", &mut own);
                    for finding in own.into_parts().0 {
                        found.push(issue_again(world, pair, place == 0, finding));
                    }
                }
            }
        }
    }
}

fn check_leaf(world: &World<'_>, pair: &Pair<'_>, found: &mut Findings) {
    let Some((line, leaf)) = pair.chain().first() else {
        return;
    };
    let value = &pair.certificate;
    let name = format!("the certificate of \"{}\" in {}", leaf.called, value.name());
    let mut push = |code, what: String| {
        let finding = Finding::new(code, value.place(*line), what);
        found.push(issue_again(world, pair, true, finding));
    };
    if leaf.version != 3 {
        push(
            &CERTIFICATE_VERSION,
            format!("{name} is X.509 version {}", leaf.version),
        );
    }
    // The leaf comes after it; that is reported as a wrong order.
    let first_of_others = pair.chain().iter().skip(1).any(|(_, other)| other.is_leaf());
    if leaf.is_ca && !first_of_others {
        push(
            &CERTIFICATE_OF_CA,
            format!("{name} is a CA certificate (basicConstraints CA:TRUE)"),
        );
    } else if !leaf.is_ca && leaf.is_self_issued() {
        push(&CERTIFICATE_SELF_SIGNED, format!("{name} is self-signed"));
    }
    if leaf.version == 3 && leaf.names_shown.is_empty() && !leaf.is_ca {
        let common = match leaf.common_names.first() {
            Some(common) => format!(", only the CN {common}"),
            None => String::new(),
        };
        push(
            &CERTIFICATE_WITHOUT_NAMES,
            format!("{name} has no DNS name or IP address in subjectAltName{common}"),
        );
    }
    if !leaf.may_sign && !leaf.is_ca {
        push(
            &CERTIFICATE_USAGE,
            format!(
                "{name} has a keyUsage without digitalSignature, which a server needs to sign the handshake: {}",
                if leaf.key.algorithm == "ECDSA" {
                    "Envoy does not load it"
                } else {
                    "browsers abort the handshake"
                }
            ),
        );
    }
}

fn check_strength(value: &Value<'_>, line: u32, certificate: &Certificate, leaf: bool, found: &mut Findings) {
    let which = format!("the certificate of \"{}\" in {}", certificate.called, value.name());
    if let Some(least) = certificate.key.too_weak() {
        let what = format!(
            "{which} has a key of type {}; it must be at least {least}",
            certificate.key.name()
        );
        let finding = Finding::new(&WEAK_KEY, value.place(line), what);
        found.push(if leaf {
            finding
        } else {
            finding.why("clients refuse a chain with a key this short")
        });
    }
    if certificate.weak_signature && !certificate.is_self_issued() {
        let what = format!("{which} is signed with {}", certificate.signature);
        found.push(Finding::new(&WEAK_SIGNATURE, value.place(line), what));
    }
}

fn check_usage(
    value: &Value<'_>,
    line: u32,
    certificate: &Certificate,
    purpose: &str,
    whom: &str,
    found: &mut Findings,
) {
    if certificate.allows(purpose) {
        return;
    }
    let usages = certificate.extended_key_usage.iter().flatten();
    let usages: Vec<&str> = usages.map(String::as_str).collect();
    let what = format!(
        "the certificate of \"{}\" in {} is not valid for {whom}: its extendedKeyUsage is {}, not {purpose}",
        certificate.called,
        value.name(),
        usages.join(", ")
    );
    found.push(Finding::new(&CERTIFICATE_USAGE, value.place(line), what));
}

/// A bundle's CAs may sign clients, with keys and signatures that are accepted.
struct FitForClients;

impl Rule for FitForClients {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CERTIFICATE_USAGE, &WEAK_KEY, &WEAK_SIGNATURE]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for bundle in &world.credentials().authorities {
            check_bundle(bundle, found);
        }
    }
}

fn check_bundle(bundle: &Authorities<'_>, found: &mut Findings) {
    for (line, certificate) in bundle
        .list()
        .iter()
        .filter(|(_, certificate)| certificate.is_authority())
    {
        let mut own = Findings::default();
        check_usage(&bundle.value, *line, certificate, "clientAuth", "clients", &mut own);
        check_strength(&bundle.value, *line, certificate, false, &mut own);
        if !certificate.may_issue {
            let what = format!(
                "the certificate of \"{}\" in {} has a keyUsage without keyCertSign, so it must not sign client \
                certificates",
                certificate.called,
                bundle.value.name()
            );
            own.push(Finding::new(&CERTIFICATE_USAGE, bundle.value.place(*line), what));
        }
        // Clients of the bundle's other CAs are not affected.
        for finding in own.into_parts().0 {
            found.push(
                finding
                    .severity(Severity::Warning)
                    .why("clients with certificates from this CA may be refused"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, OffsetDateTime};

    use crate::certs::plan::LeafValidity;
    use crate::certs::{Authority, Bad, Chain, ChainPlan, issue_chain, pem};
    use crate::lint::Severity;
    use crate::lint::testing::{
        NOW, assert_code, httpbin, issue, key_pem, mutual, mutual_secret_of, only, plan, secret, secret_of, simple,
    };

    /// Issued with `openssl x509 -req` without extensions; its key was not kept.
    const VERSION_1: &str = "-----BEGIN CERTIFICATE-----
MIIBLTCB1QIUTpuCoHCJX+/rVIL/GH0X2KpGdrgwCgYIKoZIzj0EAwIwFDESMBAG
A1UEAwwJdGVzdCByb290MCAXDTI2MTEyMzE1MDE0M1oYDzIxMjYwNzIyMTUwMTQz
WjAeMRwwGgYDVQQDDBNodHRwYmluLmV4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEMpQzz7c/8QoI5+lMcV7fHNmTH8IGu1QPgnpzIZ6jx1BELtlw
6YdZ3swCx6v3i6KPpVJFF6yWXSIAA9IW+krhFzAKBggqhkjOPQQDAgNHADBEAiBa
lzbzim1sU1MdFhbDGNpeJVg9is4AkmYNULAoDRM53gIgLZ/Allc2/u5I64QwgTI/
HzzJadTA1DuW0i/0ywsD38s=
-----END CERTIFICATE-----
";

    /// Issued with openssl -sha1; its key was not kept.
    const SHA_1: &str = "-----BEGIN CERTIFICATE-----
MIIBoDCCAUigAwIBAgIUTpuCoHCJX+/rVIL/GH0X2KpGdrkwCQYHKoZIzj0EATAU
MRIwEAYDVQQDDAl0ZXN0IHJvb3QwIBcNMjYxMTIzMTUwMTQzWhgPMjEyNjA3MjIx
NTAxNDNaMB4xHDAaBgNVBAMME2h0dHBiaW4uZXhhbXBsZS5jb20wWTATBgcqhkjO
PQIBBggqhkjOPQMBBwNCAAQylDPPtz/xCgjn6UxxXt8c2ZMfwga7VA+CenMhnqPH
UEQu2XDph1nezALHq/eLoo+lUkUXrJZdIgAD0hb6SuEXo20wazAeBgNVHREEFzAV
ghNodHRwYmluLmV4YW1wbGUuY29tMAkGA1UdEwQCMAAwHQYDVR0OBBYEFLhpSqL+
5FiGb74h/LdSGbp4tOl/MB8GA1UdIwQYMBaAFAPZVU8u2B/5OSq1TinkeGxjzpJU
MAkGByqGSM49BAEDRwAwRAIgPVWWfNgXvbQGXzRTCNCAePya9eKjjEREjShEreHD
bPgCIGEE1vLDWIV8nkzsy+sAUZrdz2v6qIdiqfl5dHczlCkr
-----END CERTIFICATE-----
";

    fn chain(change: impl FnOnce(&mut ChainPlan)) -> Chain {
        let mut plan = plan("httpbin.example.com");
        change(&mut plan);
        issue(&plan)
    }

    fn valid(from: OffsetDateTime, until: OffsetDateTime) -> Chain {
        chain(|plan| {
            plan.leaf_validity = LeafValidity {
                not_before: Some(from),
                not_after: Some(until),
            };
        })
    }

    const CERTIFICATE: &[&str] = &["data[\"tls.crt\"]"];
    const CA: &[&str] = &["data[\"ca.crt\"]"];

    #[test]
    fn every_certificate_is_in_time() {
        let days = |days: i64| NOW + Duration::days(days);
        let hour = Duration::hours(1);
        let (expired, early) = (
            chain(|plan| plan.bad = Some(Bad::Expired)),
            chain(|plan| plan.bad = Some(Bad::NotYetValid)),
        );
        // The intermediate expires with its root, in 10 days.
        let short = chain(|plan| plan.profile.root_days = 10);
        for (chain, code, paths) in [
            (httpbin(), "ITL0420", &[][..]),
            (httpbin(), "ITL0421", &[]),
            (httpbin(), "ITL0422", &[]),
            (&valid(days(-300), days(31)), "ITL0422", &[]),
            // Short-lived certificates are not permanently reported as expiring.
            (&valid(days(-1), days(6)), "ITL0422", &[]),
            (&valid(NOW - hour, NOW + 23 * hour), "ITL0422", &[]),
            (&expired, "ITL0420", CERTIFICATE),
            (&expired, "ITL0422", &[]),
            (&early, "ITL0421", CERTIFICATE),
            (&valid(days(-300), days(29)), "ITL0422", CERTIFICATE),
            (&valid(days(-6), days(1)), "ITL0422", CERTIFICATE),
            (&valid(days(-60), days(30)), "ITL0422", CERTIFICATE),
            (&short, "ITL0420", &[]),
        ] {
            assert_code(&simple(&secret_of("c", chain)), code, paths);
        }
        assert_eq!(
            only(&simple(&secret_of("c", &expired)), "ITL0420").fix,
            "renew it; for tests: istio-tls gen-certs httpbin.example.com && istio-tls manifests httpbin.example.com --credential-name c --only secrets"
        );
        assert_eq!(
            only(&simple(&secret_of("c", &expired)), "ITL0420").istio,
            Some("IST0161")
        );
    }

    /// An old chain of the same kind, expired by NOW.
    fn ended() -> Chain {
        let mut old = plan("httpbin.example.com");
        old.profile.root_days = 400;
        issue_chain(&old, Authority::New, NOW - Duration::days(500)).expect("a chain")
    }

    #[test]
    fn intermediates_and_cas_are_in_time_too() {
        let ended = ended();
        let leaf = pem::certificate_text(&httpbin().server.certificate);
        let key = key_pem(&httpbin().server);
        let with = |certificates: &str, ca: &str| {
            mutual(&secret(
                "c",
                &[("tls.crt", certificates), ("tls.key", &key), ("ca.crt", ca)],
            ))
        };
        let good = httpbin().ca_chain_pem();
        let found = only(&with(&format!("{leaf}{}", ended.intermediate_pem()), &good), "ITL0420");
        assert_eq!((found.path.as_str(), found.istio), (CERTIFICATE[0], None));
        let found = only(&with(&httpbin().server_pem(), &ended.root_pem()), "ITL0420");
        assert_eq!((found.path.as_str(), found.severity), (CA[0], Severity::Error));
        // During a rotation, the bundle has the old CA and the new one.
        let both = format!("{}{good}", ended.root_pem());
        let found = only(&with(&httpbin().server_pem(), &both), "ITL0420");
        assert_eq!((found.path.as_str(), found.severity), (CA[0], Severity::Warning));
        assert_code(&with(&httpbin().server_pem(), &good), "ITL0420", &[]);
        // Nobody checks the expiry of a root that is sent along.
        let sent = format!("{}{}", httpbin().server_pem(), ended.root_pem());
        assert_code(&with(&sent, &good), "ITL0420", &[]);
    }

    #[test]
    fn a_leaf_is_one_of_a_server() {
        let bad = |bad| chain(|plan| plan.bad = Some(bad));
        for (chain, code, paths) in [
            (httpbin(), "ITL0430", &[][..]),
            (httpbin(), "ITL0434", &[]),
            (httpbin(), "ITL0435", &[]),
            (&bad(Bad::WrongHost), "ITL0430", &[]),
            (&bad(Bad::Expired), "ITL0434", &[]),
            (&bad(Bad::NoSan), "ITL0430", CERTIFICATE),
            (&bad(Bad::WrongEku), "ITL0434", CERTIFICATE),
            (&bad(Bad::WeakKey), "ITL0435", CERTIFICATE),
        ] {
            assert_code(&simple(&secret_of("c", chain)), code, paths);
            // The same CA verifies clients, and is valid for that.
            assert_code(&mutual(&mutual_secret_of("c", chain)), code, paths);
        }
    }

    #[test]
    fn what_stands_in_the_leafs_place() {
        let (root, intermediate) = (httpbin().root_pem(), httpbin().intermediate_pem());
        let own = self_signed();
        let key = key_pem(&httpbin().server);
        for (value, code, paths) in [
            (httpbin().server_pem(), "ITL0431", &[][..]),
            (httpbin().server_pem(), "ITL0432", &[]),
            (httpbin().server_pem(), "ITL0433", &[]),
            (httpbin().server_pem(), "ITL0436", &[]),
            (format!("{}{root}", httpbin().server_pem()), "ITL0432", &[]),
            (root.clone(), "ITL0433", &[]),
            (SHA_1.to_owned(), "ITL0431", &[]),
            (VERSION_1.to_owned(), "ITL0430", &[]),
            (VERSION_1.to_owned(), "ITL0431", CERTIFICATE),
            (root, "ITL0432", CERTIFICATE),
            (intermediate, "ITL0432", CERTIFICATE),
            (own, "ITL0433", CERTIFICATE),
            (SHA_1.to_owned(), "ITL0436", CERTIFICATE),
        ] {
            assert_code(
                &simple(&secret("c", &[("tls.crt", &value), ("tls.key", &key)])),
                code,
                paths,
            );
        }
    }

    /// A leaf with its own name as issuer, like a self-signed certificate.
    fn self_signed() -> String {
        use rcgen::{CertificateParams, DnType, KeyPair};
        let mut params = CertificateParams::new(vec!["httpbin.example.com".to_owned()]).expect("parameters");
        params
            .distinguished_name
            .push(DnType::CommonName, "httpbin.example.com");
        let pair = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&pair).expect("a certificate");
        pem::certificate_text(certificate.der())
    }

    #[test]
    fn a_ca_for_clients_may_sign_them() {
        use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair};
        let ca = |usage: Option<ExtendedKeyUsagePurpose>| {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.extended_key_usages = usage.into_iter().collect();
            let certificate = params
                .self_signed(&KeyPair::generate().expect("a key"))
                .expect("a certificate");
            pem::certificate_text(certificate.der())
        };
        let (certificate, key) = (httpbin().server_pem(), key_pem(&httpbin().server));
        for (value, paths) in [
            (httpbin().ca_chain_pem(), &[][..]),
            (ca(None), &[]),
            (ca(Some(ExtendedKeyUsagePurpose::ClientAuth)), &[]),
            (ca(Some(ExtendedKeyUsagePurpose::Any)), &[]),
            (ca(Some(ExtendedKeyUsagePurpose::ServerAuth)), CA),
        ] {
            let secret = secret("c", &[("tls.crt", &certificate), ("tls.key", &key), ("ca.crt", &value)]);
            assert_code(&mutual(&secret), "ITL0434", paths);
            assert_code(&simple(&secret), "ITL0434", &[]);
        }
    }
}
