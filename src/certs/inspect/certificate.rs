//! The content of a certificate, as values.

use aws_lc_rs::digest;
use rustls::pki_types::CertificateDer;
use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ExtendedKeyUsage;
use x509_parser::prelude::FromDer as _;

use super::algorithms::{KeyFacts, public_key, signature_algorithm};
use crate::certs::names::{
    authority_key_identifier, common_names, display, general_name, serial, subject_key_identifier,
};
use crate::certs::signature::{Outcome, check_signed};
use crate::certs::times::{days_between, rfc3339};
use crate::certs::verify::FaultCode;
use crate::hex::with_colons;
use crate::problem::Problem;

/// One name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NameFact {
    /// `DNS`, `IP`, `URI`, `email` ...
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The name.
    pub value: String,
}

/// Whether a certificate is currently valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Validity {
    /// Before notBefore.
    NotYetValid,
    /// Between the two.
    Valid,
    /// After notAfter.
    Expired,
}

/// A reason for clients to refuse the certificate, regardless of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Warning {
    /// One of the codes of `verify`.
    pub code: FaultCode,
    /// In words.
    pub what: String,
}

/// Everything that is shown of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateFacts {
    /// `C=US, O=Dis, CN=a`.
    pub subject: String,
    /// The same of the issuer.
    pub issuer: String,
    /// Hex with colons.
    pub serial: String,
    /// 1, 2 or 3.
    pub version: u32,
    /// subjectAltName.
    pub names: Vec<NameFact>,
    /// RFC 3339.
    pub not_before: String,
    /// RFC 3339.
    pub not_after: String,
    /// Whole days until notAfter; negative when it has passed.
    pub days_left: i64,
    /// Whether it is currently valid.
    pub validity: Validity,
    /// The public key.
    pub key: KeyFacts,
    /// The signature algorithm.
    pub signature_algorithm: String,
    /// basicConstraints cA.
    pub is_ca: bool,
    /// pathLenConstraint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_length: Option<u32>,
    /// keyUsage, with the names of RFC 5280.
    pub key_usage: Vec<&'static str>,
    /// extendedKeyUsage, with the names of RFC 5280, or OIDs.
    pub extended_key_usage: Vec<String>,
    /// Permitted subtrees of nameConstraints.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permitted_names: Vec<String>,
    /// Excluded subtrees of nameConstraints.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_names: Vec<String>,
    /// Hex with colons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_key_identifier: Option<String>,
    /// Hex with colons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority_key_identifier: Option<String>,
    /// Whether it is self-signed.
    pub self_signed: bool,
    /// SHA-256 of the certificate, hex with colons.
    pub sha256: String,
    /// SHA-1 of the certificate, hex with colons.
    pub sha1: String,
    /// SHA-256 of the SubjectPublicKeyInfo, hex with colons: equal for matching key and
    /// certificate.
    pub public_key_sha256: String,
    /// Reasons for clients to refuse it.
    pub warnings: Vec<Warning>,
}

/// Reads the content of a certificate.
///
/// # Errors
/// If it is not an X.509 certificate.
pub fn certificate(der: &CertificateDer<'_>, now: OffsetDateTime) -> Result<CertificateFacts, Problem> {
    let (_, parsed) = X509Certificate::from_der(der)
        .map_err(|_| Problem::new("a certificate cannot be read").why("its content is not an X.509 certificate"))?;
    let names = parsed
        .subject_alternative_name()
        .ok()
        .flatten()
        .iter()
        .flat_map(|found| &found.value.general_names)
        .map(NameFact::of)
        .collect();
    let (not_before, not_after) = (
        parsed.validity().not_before.to_datetime(),
        parsed.validity().not_after.to_datetime(),
    );
    let validity = if now < not_before {
        Validity::NotYetValid
    } else if now > not_after {
        Validity::Expired
    } else {
        Validity::Valid
    };
    let constraints = parsed.basic_constraints().ok().flatten().map(|found| found.value);
    let name_constraints = parsed.name_constraints().ok().flatten().map(|found| found.value);
    let subtrees = |list: Option<&Vec<x509_parser::extensions::GeneralSubtree<'_>>>| {
        list.into_iter()
            .flatten()
            .map(|subtree| match general_name(&subtree.base) {
                ("DNS" | "IP", text) => text,
                (kind, text) => format!("{kind}:{text}"),
            })
            .collect()
    };
    let mut facts = CertificateFacts {
        subject: display(parsed.subject()),
        issuer: display(parsed.issuer()),
        serial: serial(&parsed),
        version: parsed.version().0.saturating_add(1),
        names,
        not_before: rfc3339(not_before),
        not_after: rfc3339(not_after),
        days_left: days_between(now, not_after),
        validity,
        key: public_key(parsed.public_key()),
        signature_algorithm: signature_algorithm(&parsed).name(),
        is_ca: constraints.is_some_and(|found| found.ca),
        path_length: constraints.and_then(|found| found.path_len_constraint),
        key_usage: key_usages(&parsed),
        extended_key_usage: parsed
            .extended_key_usage()
            .ok()
            .flatten()
            .map(|found| extended_key_usages(found.value))
            .unwrap_or_default(),
        permitted_names: subtrees(name_constraints.and_then(|found| found.permitted_subtrees.as_ref())),
        excluded_names: subtrees(name_constraints.and_then(|found| found.excluded_subtrees.as_ref())),
        subject_key_identifier: subject_key_identifier(&parsed).map(|identifier| with_colons(&identifier)),
        authority_key_identifier: authority_key_identifier(&parsed).map(|identifier| with_colons(&identifier)),
        self_signed: parsed.subject().as_raw() == parsed.issuer().as_raw()
            && check_signed(parsed.public_key(), der) == Outcome::Good,
        sha256: sha256(der),
        sha1: with_colons(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, der).as_ref()),
        public_key_sha256: sha256(parsed.public_key().raw),
        warnings: Vec::new(),
    };
    facts.warnings = warnings(&facts, &parsed);
    Ok(facts)
}

impl CertificateFacts {
    /// Its common name: root CA, intermediate CA, server certificate or client certificate.
    pub fn kind(&self) -> &'static str {
        let is_for = |purpose: &str| self.extended_key_usage.iter().any(|usage| usage == purpose);
        match (self.is_ca, self.self_signed) {
            (true, true) => "root CA",
            (true, false) => "intermediate CA",
            (false, true) => "self-signed certificate",
            (false, false) if is_for("serverAuth") => "server certificate",
            (false, false) if is_for("clientAuth") => "client certificate",
            (false, false) => "certificate",
        }
    }
}

/// SHA-256 as hex with colons.
pub fn sha256(bytes: &[u8]) -> String {
    with_colons(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn warnings(facts: &CertificateFacts, parsed: &X509Certificate<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |code, what: String| warnings.push(Warning { code, what });
    match facts.validity {
        Validity::Expired => warn(
            FaultCode::CertificateExpired,
            format!("it expired {}", crate::certs::times::ago(facts.days_left)),
        ),
        Validity::NotYetValid => warn(
            FaultCode::CertificateNotYetValid,
            format!("it is not valid before {}", facts.not_before),
        ),
        Validity::Valid => {}
    }
    if facts.version != 3 {
        warn(
            FaultCode::X509V1,
            format!(
                "it is X.509 version {}, which has no names and no usages; clients refuse it",
                facts.version
            ),
        );
    }
    if let Some(least) = facts.key.too_weak() {
        warn(
            FaultCode::WeakKey,
            format!("its key is too weak ({}); clients require {least}", facts.key.name()),
        );
    }
    if signature_algorithm(parsed).is_weak() && !facts.self_signed {
        warn(
            FaultCode::WeakSignature,
            format!("it is signed with {}; clients refuse that", facts.signature_algorithm),
        );
    }
    let has_host = facts.names.iter().any(|name| matches!(name.kind, "DNS" | "IP"));
    let for_servers =
        facts.extended_key_usage.is_empty() || facts.extended_key_usage.iter().any(|usage| usage == "serverAuth");
    if facts.version == 3 && !facts.is_ca && for_servers && !has_host {
        let names = common_names(parsed.subject()).join(", ");
        warn(
            FaultCode::NoSan,
            format!("it has no DNS name or IP address in subjectAltName; the CN ({names}) does not count"),
        );
    }
    warnings
}

fn key_usages(parsed: &X509Certificate<'_>) -> Vec<&'static str> {
    let Ok(Some(found)) = parsed.key_usage() else {
        return Vec::new();
    };
    let usage = found.value;
    [
        (usage.digital_signature(), "digitalSignature"),
        (usage.non_repudiation(), "contentCommitment"),
        (usage.key_encipherment(), "keyEncipherment"),
        (usage.data_encipherment(), "dataEncipherment"),
        (usage.key_agreement(), "keyAgreement"),
        (usage.key_cert_sign(), "keyCertSign"),
        (usage.crl_sign(), "cRLSign"),
        (usage.encipher_only(), "encipherOnly"),
        (usage.decipher_only(), "decipherOnly"),
    ]
    .into_iter()
    .filter(|(set, _)| *set)
    .map(|(_, name)| name)
    .collect()
}

/// The usages with the names of RFC 5280, others as OIDs.
pub(crate) fn extended_key_usages(usage: &ExtendedKeyUsage<'_>) -> Vec<String> {
    let mut names: Vec<String> = [
        (usage.any, "anyExtendedKeyUsage"),
        (usage.server_auth, "serverAuth"),
        (usage.client_auth, "clientAuth"),
        (usage.code_signing, "codeSigning"),
        (usage.email_protection, "emailProtection"),
        (usage.time_stamping, "timeStamping"),
        (usage.ocsp_signing, "OCSPSigning"),
    ]
    .into_iter()
    .filter(|(set, _)| *set)
    .map(|(_, name)| name.to_owned())
    .collect();
    names.extend(usage.other.iter().map(x509_parser::der_parser::Oid::to_id_string));
    names
}
