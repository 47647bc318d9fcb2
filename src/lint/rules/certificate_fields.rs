//! What every certificate must be, of the chains that are served and of the
//! bundles that clients are verified with.

use time::{Duration, OffsetDateTime};

use crate::certs::times::{ago, days_between, shown};
use crate::lint::codes::{
    CERTIFICATE_ENDS_SOON, CERTIFICATE_EXPIRED, CERTIFICATE_NOT_YET_VALID, CERTIFICATE_OF_CA, CERTIFICATE_SELF_SIGNED,
    CERTIFICATE_USAGE, CERTIFICATE_VERSION, CERTIFICATE_WITHOUT_NAMES, WEAK_KEY, WEAK_SIGNATURE,
};
use crate::lint::credentials::{Authorities, Certificate, Pair, Value};
use crate::lint::{Code, Finding, Findings, Rule, Severity, World};

pub(super) static RULES: &[&dyn Rule] = &[&InTime, &FitForServers, &FitForClients];

/// Not before its time, not after it, and not close to its end.
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
                // The root that is sent along is nobody's.
                if place > 0 && certificate.is_self_issued() {
                    continue;
                }
                let finding = out_of_time(&pair.certificate, *line, certificate, now);
                // Istio looks at the first certificate only.
                found.push_some(finding.map(|finding| if place == 0 { finding } else { finding.istio(None) }));
            }
        }
        for bundle in &credentials.authorities {
            let list = bundle.list();
            let lives = |certificate: &Certificate| certificate.not_before <= now && now <= certificate.not_after;
            let some_live = list.iter().any(|(_, certificate)| lives(certificate));
            for (line, certificate) in list {
                let finding = out_of_time(&bundle.value, *line, certificate, now).map(|finding| finding.istio(None));
                // Beside a CA that lives, the old one of a rotation does no harm.
                let finding = finding.map(|finding| {
                    let dead = finding.severity == Severity::Error;
                    if dead && some_live {
                        finding
                            .severity(Severity::Warning)
                            .why("clients with certificates of this CA are refused")
                            .fix("take it out of the bundle, or put its successor in")
                    } else if dead {
                        finding
                            .why("every client is refused")
                            .fix("put the certificate of the clients' CA there")
                    } else {
                        finding.fix("put the CA's successor into the bundle before that, beside it")
                    }
                });
                found.push_some(finding);
            }
        }
    }
}

/// The end of a certificate is told so long before.
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

/// The leaf is a server's certificate, and its CAs are ones that clients take.
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
            check_leaf(pair, found);
            for (place, (line, certificate)) in pair.chain().iter().enumerate() {
                if place == 0 || !certificate.is_self_issued() {
                    check_strength(&pair.certificate, *line, certificate, place == 0, found);
                    check_usage(&pair.certificate, *line, certificate, "serverAuth", "servers", found);
                }
            }
        }
    }
}

fn check_leaf(pair: &Pair<'_>, found: &mut Findings) {
    let Some((line, leaf)) = pair.chain().first() else {
        return;
    };
    let value = &pair.certificate;
    let name = format!("the certificate of \"{}\" in {}", leaf.called, value.name());
    let mut push = |code, what: String| found.push(Finding::new(code, value.place(*line), what));
    if leaf.version != 3 {
        push(
            &CERTIFICATE_VERSION,
            format!("{name} is of X.509 version {}", leaf.version),
        );
    }
    // A leaf behind it was meant; that is told as an error of order.
    let first_of_others = pair.chain().iter().skip(1).any(|(_, other)| other.is_leaf());
    if leaf.is_ca && !first_of_others {
        push(
            &CERTIFICATE_OF_CA,
            format!("{name} is that of a CA (basicConstraints CA:TRUE)"),
        );
    } else if !leaf.is_ca && leaf.is_self_issued() {
        push(&CERTIFICATE_SELF_SIGNED, format!("{name} is signed by its own key"));
    }
    if leaf.version == 3 && leaf.names.is_empty() && !leaf.is_ca {
        let common = match leaf.common_names.first() {
            Some(common) => format!(", only the CN {common}"),
            None => String::new(),
        };
        push(
            &CERTIFICATE_WITHOUT_NAMES,
            format!("{name} has no DNS name and no address in subjectAltName{common}"),
        );
    }
    if leaf.no_tls_usage && !leaf.is_ca {
        push(
            &CERTIFICATE_USAGE,
            format!("{name} has a keyUsage without digitalSignature, so it is not for TLS"),
        );
    }
}

fn check_strength(value: &Value<'_>, line: u32, certificate: &Certificate, leaf: bool, found: &mut Findings) {
    let which = format!("the certificate of \"{}\" in {}", certificate.called, value.name());
    if let Some(least) = certificate.key.too_weak() {
        let what = format!("{which} has the key {}; {least} is wanted", certificate.key.name());
        let finding = Finding::new(&WEAK_KEY, value.place(line), what);
        found.push(if leaf {
            finding
        } else {
            finding.why("clients refuse a chain with so short a key")
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
        "the certificate of \"{}\" in {} is not for {whom}: its extendedKeyUsage is {}, not {purpose}",
        certificate.called,
        value.name(),
        usages.join(", ")
    );
    found.push(Finding::new(&CERTIFICATE_USAGE, value.place(line), what));
}

/// A bundle's CAs may sign clients, with keys and signatures that are taken.
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
        // Clients of the bundle's other CAs are not concerned.
        for finding in own.into_parts().0 {
            found.push(
                finding
                    .severity(Severity::Warning)
                    .why("clients with certificates of this CA may be refused"),
            );
        }
    }
}
