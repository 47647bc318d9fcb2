//! The parts of a certificate that rules check, parsed once per certificate and once per file
//! content, no matter how many Secrets hold it.

use std::collections::HashMap;
use std::rc::Rc;

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;

use crate::certs::inspect::{KeyFacts, extended_key_usages, public_key, signature_algorithm};
use crate::certs::loadable::{Unloadable, may_sign};
use crate::certs::names::{authority_key_identifier, common_names, display, general_name, subject_key_identifier};
use crate::certs::pem;
use crate::certs::pem::envoy::Use;
use crate::certs::verify::{FaultCode, Purpose, VerifyInput, called, verify};
use crate::names::Host;
use crate::problem::Problem;
use crate::remedy::Remedy;

/// The extension with signed certificate timestamps (RFC 6962): only public CAs add it, and none of
/// them signs leaves with its root.
const TRANSPARENCY: &str = "1.3.6.1.4.1.11129.2.4.2";

/// One certificate.
pub(crate) struct Certificate {
    /// The certificate itself.
    pub der: CertificateDer<'static>,
    /// Its CN, otherwise its first name, otherwise its whole subject.
    pub called: String,
    /// The issuer, in the form `C=US, CN=a`.
    pub issuer: String,
    /// DNS names and IP addresses from subjectAltName that can be compared with a host, in
    /// lowercase.
    pub names: Vec<String>,
    /// All its DNS names and IP addresses, for display.
    pub names_shown: Vec<String>,
    /// The common names of the subject.
    pub common_names: Vec<String>,
    /// The start of its validity.
    pub not_before: OffsetDateTime,
    /// The end of its validity.
    pub not_after: OffsetDateTime,
    /// 1, 2 or 3.
    pub version: u32,
    /// Its key.
    pub key: KeyFacts,
    /// The signature algorithm.
    pub signature: String,
    /// Whether clients refuse the signature algorithm.
    pub weak_signature: bool,
    /// basicConstraints cA.
    pub is_ca: bool,
    /// extendedKeyUsage, if present.
    pub extended_key_usage: Option<Vec<String>>,
    /// keyUsage is absent or has digitalSignature, which is needed to sign handshakes.
    pub may_sign: bool,
    /// keyUsage is absent or has keyCertSign.
    pub may_issue: bool,
    /// Why Envoy does not load it as a server certificate, if it does not.
    pub unloadable: Option<Unloadable>,
    /// It was issued by a public CA.
    pub public: bool,
    subject_name: Vec<u8>,
    issuer_name: Vec<u8>,
    subject_key: Option<Vec<u8>>,
    authority_key: Option<Vec<u8>>,
}

/// How a certificate relates to its possible issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// Name and key match.
    Issuer,
    /// The name matches, but not the key.
    OtherKey,
    /// The name does not match.
    Stranger,
}

impl Certificate {
    fn read(der: &[u8]) -> Option<Self> {
        let (rest, parsed) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let common_names = common_names(parsed.subject());
        let held: Vec<(&str, String)> = parsed
            .subject_alternative_name()
            .ok()
            .flatten()
            .iter()
            .flat_map(|found| &found.value.general_names)
            .map(general_name)
            .filter(|(kind, _)| matches!(*kind, "DNS" | "IP"))
            .map(|(kind, name)| (kind, name.to_ascii_lowercase()))
            .collect();
        let names_shown: Vec<String> = held.iter().map(|(kind, name)| called(kind, name)).collect();
        let names: Vec<String> = held
            .into_iter()
            .filter(|(kind, name)| *kind == "IP" || name.parse::<std::net::IpAddr>().is_err())
            .map(|(_, name)| name)
            .collect();
        let name = common_names.first().or(names.first()).cloned();
        let algorithm = signature_algorithm(&parsed);
        let usage = parsed.extended_key_usage().ok().flatten();
        Some(Self {
            called: name.unwrap_or_else(|| display(parsed.subject())),
            issuer: display(parsed.issuer()),
            names,
            names_shown,
            common_names,
            not_before: parsed.validity().not_before.to_datetime(),
            not_after: parsed.validity().not_after.to_datetime(),
            version: parsed.version().0.saturating_add(1),
            key: public_key(parsed.public_key()),
            signature: algorithm.name(),
            weak_signature: algorithm.is_weak(),
            is_ca: parsed
                .basic_constraints()
                .ok()
                .flatten()
                .is_some_and(|found| found.value.ca),
            extended_key_usage: usage.map(|found| extended_key_usages(found.value)),
            may_sign: may_sign(&parsed),
            may_issue: parsed
                .key_usage()
                .ok()
                .flatten()
                .is_none_or(|found| found.value.key_cert_sign()),
            unloadable: Unloadable::of(&parsed, true),
            public: parsed
                .extensions()
                .iter()
                .any(|extension| match extension.parsed_extension() {
                    ParsedExtension::SCT(_) => true,
                    _ => extension.oid.to_id_string() == TRANSPARENCY,
                }),
            subject_name: parsed.subject().as_raw().to_vec(),
            issuer_name: parsed.issuer().as_raw().to_vec(),
            subject_key: subject_key_identifier(&parsed),
            authority_key: authority_key_identifier(&parsed),
            der: CertificateDer::from(der.to_vec()),
        })
    }

    /// Whether issuer and subject are the same name, as in a root.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.subject_name == self.issuer_name
    }

    /// Whether it can sign others: a CA, or a root without extensions (X.509 v1).
    pub(crate) fn is_authority(&self) -> bool {
        self.is_ca || (self.version != 3 && self.is_self_issued())
    }

    /// Whether it can be a server or client certificate.
    pub(crate) fn is_leaf(&self) -> bool {
        !self.is_authority()
    }

    /// The subject as encoded in the certificate.
    pub(crate) fn subject_name(&self) -> &[u8] {
        &self.subject_name
    }

    /// The issuer's name as encoded in the certificate.
    pub(crate) fn issuer_name(&self) -> &[u8] {
        &self.issuer_name
    }

    /// How `other` relates to this certificate as its issuer, by names and key identifiers; the
    /// signature is checked only if there are no key identifiers.
    pub(crate) fn relation(&self, other: &Self) -> Relation {
        if self.issuer_name != other.subject_name {
            return Relation::Stranger;
        }
        let fits = match (&self.authority_key, &other.subject_key) {
            (Some(wanted), Some(held)) => wanted == held,
            _ => self.is_signed_by(other),
        };
        if fits { Relation::Issuer } else { Relation::OtherKey }
    }

    fn is_signed_by(&self, other: &Self) -> bool {
        let verdict = verify(&VerifyInput {
            chain: std::slice::from_ref(&self.der),
            intermediates: &[],
            roots: std::slice::from_ref(&other.der),
            crls: &[],
            purpose: Purpose::Server,
            host: None,
            now: self.not_before,
        });
        let codes = [FaultCode::BadSignature, FaultCode::UnknownIssuer];
        !verdict.faults.iter().any(|fault| codes.contains(&fault.code))
    }

    /// Whether the certificate's names cover `host` for a client (RFC 9525).
    pub(crate) fn covers(&self, host: &Host) -> bool {
        self.names.iter().any(|name| host.is_covered_by(name))
    }

    /// Whether extendedKeyUsage allows `purpose` (`serverAuth`); if it is absent, everything is
    /// allowed.
    pub(crate) fn allows(&self, purpose: &str) -> bool {
        let usages = self.extended_key_usage.as_ref();
        usages.is_none_or(|usages| {
            usages
                .iter()
                .any(|usage| usage == purpose || usage == "anyExtendedKeyUsage")
        })
    }
}

/// Why the certificates of a value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// The line in the value; 0 for the whole value.
    pub line: u32,
    /// The reason in words.
    pub why: String,
    /// How to fix it, if known.
    pub fix: Option<Remedy>,
    /// Whether not even the first certificate can be read, which is the one that Istio checks.
    pub from_the_start: bool,
}

/// The certificates of a value in order, each with its line.
pub(crate) type Certificates = Rc<Result<Vec<(u32, Rc<Certificate>)>, Unreadable>>;

/// Parses certificates; each content and each certificate only once.
#[derive(Default)]
pub(crate) struct Reader {
    /// By digest of the text.
    contents: HashMap<([u8; 32], Use), Certificates>,
    /// By digest of the DER.
    certificates: HashMap<[u8; 32], Option<Rc<Certificate>>>,
}

impl Reader {
    /// The certificates of a PEM text, parsed as Envoy does for this purpose.
    pub(crate) fn certificates(&mut self, content: &[u8], purpose: Use) -> Certificates {
        let digest = digest(content);
        if let Some(known) = self.contents.get(&(digest, purpose)) {
            return known.clone();
        }
        let read = Rc::new(self.read(content, purpose));
        self.contents.insert((digest, purpose), read.clone());
        read
    }

    fn read(&mut self, content: &[u8], purpose: Use) -> Result<Vec<(u32, Rc<Certificate>)>, Unreadable> {
        let read = pem::envoy::certificates(content, NAME, purpose).and_then(|read| match read.passed_over {
            Some(problem) => Err(problem),
            None => Ok(read.list),
        });
        let list = read.map_err(|problem| unreadable(content, problem))?;
        let mut found = Vec::new();
        for (line, der) in list {
            if let Some(certificate) = self.certificate(&der) {
                found.push((u32::try_from(line).unwrap_or(u32::MAX), certificate));
            }
        }
        Ok(found)
    }

    fn certificate(&mut self, der: &[u8]) -> Option<Rc<Certificate>> {
        let digest = digest(der);
        if let Some(known) = self.certificates.get(&digest) {
            return known.clone();
        }
        let read = Certificate::read(der).map(Rc::new);
        self.certificates.insert(digest, read.clone());
        read
    }
}

fn unreadable(content: &[u8], problem: Problem) -> Unreadable {
    let (line, why) = words(&problem);
    Unreadable {
        line,
        why,
        fix: problem.fix,
        from_the_start: !has_first(content),
    }
}

/// Whether the text up to the first END line is a certificate.
fn has_first(content: &[u8]) -> bool {
    let text = String::from_utf8_lossy(content);
    let mut first = String::new();
    for line in text.lines() {
        first.push_str(line);
        first.push('\n');
        if line.trim() == "-----END CERTIFICATE-----" {
            let read = pem::envoy::certificates(first.as_bytes(), NAME, Use::Chain);
            return read.is_ok_and(|read| read.passed_over.is_none());
        }
    }
    false
}

fn digest(content: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
    digest.as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

/// The name of the text in parse errors.
pub(crate) const NAME: &str = "value";

/// The line of a parse error, and the reason without the name of the text.
pub(crate) fn words(problem: &Problem) -> (u32, String) {
    let at = problem.at.as_deref().unwrap_or_default();
    let line = at.rsplit(':').next().and_then(|line| line.parse().ok());
    let why = problem.why.clone().unwrap_or_else(|| problem.what.clone());
    (line.unwrap_or(0), why)
}
