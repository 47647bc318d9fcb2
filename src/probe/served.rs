//! The certificates of a chain in the terms that people look at. Pure; unparsable ones are reported
//! as such.

use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::certs::inspect::extended_key_usages;
use crate::certs::names::{general_name, serial};
use crate::certs::times::{days_between, rfc3339};
use crate::hex;

/// One certificate of a served chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ServedCertificate {
    /// The subject.
    pub subject: String,
    /// The issuer.
    pub issuer: String,
    /// The serial number, hex with colons.
    pub serial: String,
    /// Start of validity, RFC 3339.
    #[serde(rename = "notBefore")]
    pub not_before: String,
    /// End of validity, RFC 3339.
    #[serde(rename = "notAfter")]
    pub not_after: String,
    /// Whole days until the end; -1 is "expired within the last day".
    #[serde(rename = "daysLeft")]
    pub days_left: i64,
    /// DNS names, IP addresses, URIs and email addresses.
    #[serde(rename = "subjectAltNames")]
    pub names: Vec<String>,
    /// extendedKeyUsage; empty if the certificate has none.
    #[serde(rename = "extendedKeyUsage")]
    pub purposes: Vec<String>,
    /// SHA-256 of the certificate, hex.
    pub sha256: String,
}

/// Describes a DER certificate; none if it cannot be parsed.
pub fn describe(der: &[u8], now: OffsetDateTime) -> Option<ServedCertificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = certificate
        .subject_alternative_name()
        .ok()
        .flatten()
        .map(|extension| {
            extension
                .value
                .general_names
                .iter()
                .map(general_name)
                .collect::<Vec<_>>()
        })
        .unwrap_or_default()
        .into_iter()
        .filter(|(kind, _)| matches!(*kind, "DNS" | "IP" | "URI" | "email"))
        .map(|(_, name)| name)
        .collect();
    let not_after = certificate.validity().not_after.to_datetime();
    Some(ServedCertificate {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial: serial(&certificate),
        not_before: rfc3339(certificate.validity().not_before.to_datetime()),
        not_after: rfc3339(not_after),
        days_left: days_between(now, not_after),
        names,
        purposes: certificate
            .extended_key_usage()
            .ok()
            .flatten()
            .map(|extension| extended_key_usages(extension.value))
            .unwrap_or_default(),
        sha256: hex::digits(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der).as_ref()),
    })
}

/// The DER of a certificate's issuer name.
pub fn issuer_der(der: &[u8]) -> Option<Vec<u8>> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(certificate.issuer().as_raw().to_vec())
}

/// The DER of a certificate's public key (SubjectPublicKeyInfo).
pub fn public_key(der: &[u8]) -> Option<Vec<u8>> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(certificate.public_key().raw.to_vec())
}

#[cfg(test)]
mod tests {
    #[test]
    fn junk_is_none() {
        assert_eq!(super::describe(b"junk", time::OffsetDateTime::UNIX_EPOCH), None);
    }
}
