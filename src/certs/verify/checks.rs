//! Requirements on every certificate of a path: currently valid, strong, and allowed for its
//! purpose.

use std::collections::HashSet;

use time::OffsetDateTime;
use x509_parser::extensions::ParsedExtension;

use super::path::{Candidate, Path};
use super::{CertificateRef, Fault, FaultCode, Purpose, Role};
use crate::certs::inspect::{public_key, signature_algorithm};
use crate::certs::loadable::{Unloadable, may_sign, must_staple};
use crate::certs::times::shown;
use crate::remedy::{Remedy, ours};

/// Validity, version, key, signature algorithm and extensions of each certificate.
pub(super) fn certificates(path: &Path<'_, '_>, now: OffsetDateTime, faults: &mut Vec<Fault>) {
    for (place, certificate) in path.certificates.iter().enumerate() {
        let reference = path.reference(place);
        let root = reference.role == Role::Root;
        let found = |code, what: String| {
            let mut fault = Fault::new(code, Some(reference.clone()), what);
            fault.fix = fix_of(code);
            fault
        };
        let validity = certificate.parsed.validity();
        let (not_before, not_after) = (validity.not_before.to_datetime(), validity.not_after.to_datetime());
        if now > not_after {
            let fault = found(
                FaultCode::CertificateExpired,
                format!("the {reference} expired on {}", shown(not_after)),
            );
            faults.push(fault.expected(format!("after {}", shown(now))).found(shown(not_after)));
        }
        if now < not_before {
            let fault = found(
                FaultCode::CertificateNotYetValid,
                format!("the {reference} is not valid before {}", shown(not_before)),
            );
            faults.push(
                fault
                    .expected(format!("before {}", shown(now)))
                    .found(shown(not_before)),
            );
        }
        // A trusted certificate is trusted as is; its version and self-signature do not matter.
        if !root && certificate.parsed.version().0 != 2 {
            let version = certificate.parsed.version().0 + 1;
            let fault = found(
                FaultCode::X509V1,
                format!("the {reference} is an X.509 version {version} certificate, which has no extensions"),
            );
            faults.push(fault.expected("version 3").found(format!("version {version}")));
        }
        let key = public_key(certificate.parsed.public_key());
        if let Some(least) = key.too_weak() {
            let fault = found(
                FaultCode::WeakKey,
                format!("the key of the {reference} is too weak: {}", key.name()),
            );
            faults.push(fault.expected(least).found(key.name()));
        }
        if let Some(unloadable @ (Unloadable::Curve(_) | Unloadable::ExplicitCurve | Unloadable::KeyType(_))) =
            Unloadable::of_key(certificate.parsed.public_key()).filter(|_| key.too_weak().is_none())
        {
            let fault = found(
                FaultCode::UnsupportedKey,
                format!("the {reference} cannot be used: {unloadable}"),
            );
            faults.push(
                fault
                    .expected("RSA, or ECDSA on P-256, P-384 or P-521")
                    .found(key.name()),
            );
        }
        let algorithm = signature_algorithm(&certificate.parsed);
        if !root && algorithm.is_weak() {
            let fault = found(
                FaultCode::WeakSignature,
                format!("the {reference} is signed with {}", algorithm.name()),
            );
            faults.push(fault.expected("SHA-256 or better").found(algorithm.name()));
        }
        extensions(certificate, &reference, faults);
    }
}

/// There are no unknown critical extensions and no duplicate extensions.
fn extensions(certificate: &Candidate<'_>, reference: &CertificateRef, faults: &mut Vec<Fault>) {
    let root = reference.role == Role::Root;
    let mut seen = HashSet::new();
    for extension in certificate.parsed.extensions() {
        let oid = extension.oid.to_id_string();
        if extension.critical && !is_known(extension.parsed_extension()) && !root {
            let what = format!("the {reference} has an unknown critical extension");
            let fault = Fault::new(FaultCode::UnknownCriticalExtension, Some(reference.clone()), what);
            faults.push(fault.found(&oid));
        }
        if !seen.insert(oid.clone()) {
            let what = format!(
                "the {reference} has a duplicate extension, which clients refuse (RFC 5280 \
                section 4.2)"
            );
            let fault = Fault::new(FaultCode::DuplicateExtension, Some(reference.clone()), what);
            faults.push(fault.found(oid));
        }
    }
}

/// A server leaf that requires an OCSP response in the handshake.
pub(super) fn staple(path: &Path<'_, '_>, purpose: Purpose) -> Option<Fault> {
    let leaf = path.leaf();
    let demands = purpose == Purpose::Server && must_staple(&leaf.parsed);
    demands.then(|| {
        let reference = path.reference(0);
        let what = format!(
            "the {reference} requires an OCSP response in every handshake (must-staple); without one, Envoy does not load it and Firefox refuses it"
        );
        Fault::new(FaultCode::MustStaple, Some(reference), what)
    })
}

fn fix_of(code: FaultCode) -> Option<Remedy> {
    let or_ours = |words: &str| Remedy::from(words).or(ours::gen_certs(ours::HOST)).and(" creates one");
    Some(match code {
        FaultCode::CertificateExpired => "reissue it".into(),
        FaultCode::CertificateNotYetValid => {
            "check the clock of this machine, or reissue it with an earlier --not-before".into()
        }
        FaultCode::X509V1 => or_ours("issue it with extensions (openssl x509 -req needs -extfile)"),
        FaultCode::WeakKey => or_ours("issue it with a key of 2048 bits or more (RSA), or P-256"),
        FaultCode::UnsupportedKey => or_ours("issue it with a P-256 key (as a named curve) or RSA 2048"),
        FaultCode::WeakSignature => or_ours("have the CA sign with SHA-256 (openssl -sha256)"),
        _ => return None,
    })
}

fn is_known(extension: &ParsedExtension<'_>) -> bool {
    matches!(
        extension,
        ParsedExtension::AuthorityKeyIdentifier(_)
            | ParsedExtension::SubjectKeyIdentifier(_)
            | ParsedExtension::KeyUsage(_)
            | ParsedExtension::CertificatePolicies(_)
            | ParsedExtension::PolicyMappings(_)
            | ParsedExtension::SubjectAlternativeName(_)
            | ParsedExtension::IssuerAlternativeName(_)
            | ParsedExtension::BasicConstraints(_)
            | ParsedExtension::NameConstraints(_)
            | ParsedExtension::PolicyConstraints(_)
            | ParsedExtension::ExtendedKeyUsage(_)
            | ParsedExtension::CRLDistributionPoints(_)
            | ParsedExtension::InhibitAnyPolicy(_)
            | ParsedExtension::AuthorityInfoAccess(_)
    )
}

/// Issuers are CAs that may sign certificates, and paths are not longer than they allow.
pub(super) fn authorities(path: &Path<'_, '_>, faults: &mut Vec<Fault>) {
    for (place, certificate) in path.certificates.iter().enumerate().skip(1) {
        let reference = path.reference(place);
        let anchor = reference.role == Role::Root;
        let constraints = certificate.parsed.basic_constraints().ok().flatten();
        // A trusted version 1 root cannot have the extensions.
        let old_root = anchor && certificate.parsed.version().0 != 2;
        if !certificate.is_ca() && !old_root {
            let what = format!(
                "the {reference} signed another certificate but is not a CA (basicConstraints \
                CA:TRUE)"
            );
            faults.push(Fault::new(FaultCode::IssuerNotCa, Some(reference.clone()), what));
        }
        if let Ok(Some(usage)) = certificate.parsed.key_usage()
            && !usage.value.key_cert_sign()
        {
            let what = format!("the {reference} signed another certificate, but its keyUsage lacks keyCertSign");
            faults.push(Fault::new(FaultCode::IssuerNotCa, Some(reference.clone()), what));
        }
        if let Some(limit) = constraints.and_then(|found| found.value.path_len_constraint) {
            // Self-issued certificates do not count (RFC 5280 section 6.1.4 l).
            let below = path.certificates[1..place]
                .iter()
                .filter(|certificate| !certificate.is_self_issued())
                .count();
            if below > limit as usize {
                let what = format!("the {reference} allows {limit} CAs below it, and the path has {below}");
                faults.push(
                    Fault::new(FaultCode::PathTooLong, Some(reference), what)
                        .expected(format!("at most {limit}"))
                        .found(below.to_string()),
                );
            }
        }
    }
}

/// The leaf is a leaf, and its usages and those of its issuers allow the purpose.
pub(super) fn purpose(path: &Path<'_, '_>, purpose: Purpose, faults: &mut Vec<Fault>) {
    let leaf = path.leaf();
    if leaf.is_ca() {
        let reference = path.reference(0);
        let what = format!(
            "{} is a CA certificate; a {} needs a leaf signed by it",
            leaf.called(),
            purpose.word()
        );
        faults.push(
            Fault::new(FaultCode::CaAsLeaf, Some(reference), what)
                .expected("basicConstraints CA:FALSE")
                .found("basicConstraints CA:TRUE")
                .fix(
                    Remedy::from("serve a leaf certificate and its key; ")
                        .and(ours::gen_certs(ours::HOST))
                        .and(" creates one"),
                ),
        );
    }
    for (place, certificate) in path.certificates.iter().enumerate() {
        // Trusting a root decides what it may be used for.
        if path.role(place) != Role::Root {
            faults.extend(extended_key_usage(path, place, certificate, purpose));
        }
    }
    if let Ok(Some(usage)) = leaf.parsed.key_usage()
        && !leaf.is_ca()
        && !may_sign(&leaf.parsed)
    {
        let reference = path.reference(0);
        let what = format!(
            "the keyUsage of the {reference} lacks digitalSignature, which a {} needs to sign the handshake",
            purpose.word()
        );
        faults.push(
            Fault::new(FaultCode::WrongEku, Some(reference), what)
                .expected("keyUsage digitalSignature")
                .found(usage.value.to_string()),
        );
    }
}

fn extended_key_usage(
    path: &Path<'_, '_>,
    place: usize,
    certificate: &Candidate<'_>,
    purpose: Purpose,
) -> Option<Fault> {
    let usage = certificate.parsed.extended_key_usage().ok().flatten()?.value;
    let allowed = usage.any
        || match purpose {
            Purpose::Server => usage.server_auth,
            Purpose::Client => usage.client_auth,
        };
    if allowed {
        return None;
    }
    let reference = path.reference(place);
    let what = format!("the {reference} is not valid for {}s", purpose.word());
    Some(
        Fault::new(FaultCode::WrongEku, Some(reference), what)
            .expected(format!("extendedKeyUsage {}", purpose.usage()))
            .found(crate::certs::inspect::extended_key_usages(usage).join(", "))
            .fix(match purpose {
                Purpose::Server => "serve the server certificate (HOST/3_application), not a client certificate",
                Purpose::Client => "use the client certificate (HOST/4_client), not the server certificate",
            }),
    )
}

impl Purpose {
    /// The name of the purpose.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }

    /// The purpose in extendedKeyUsage (RFC 5280 section 4.2.1.12).
    fn usage(self) -> &'static str {
        match self {
            Self::Server => "serverAuth",
            Self::Client => "clientAuth",
        }
    }
}
