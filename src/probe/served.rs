//! The certificates of a chain by what people look at. Pure; what cannot be
//! parsed is said to be so.

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// One certificate of a served chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    /// Whole days until the end, negative when it has passed.
    #[serde(rename = "daysLeft")]
    pub days_left: i64,
    /// DNS names, addresses, URIs and mail addresses.
    #[serde(rename = "subjectAltNames")]
    pub names: Vec<String>,
    /// extendedKeyUsage; empty when the certificate holds none.
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
        .map(|extension| extension.value.general_names.iter().filter_map(name).collect())
        .unwrap_or_default();
    let not_after = certificate.validity().not_after.to_datetime();
    Some(ServedCertificate {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial: certificate.raw_serial_as_string(),
        not_before: moment(certificate.validity().not_before.to_datetime()),
        not_after: moment(not_after),
        days_left: (not_after - now).whole_days(),
        names,
        purposes: purposes(&certificate),
        sha256: hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der).as_ref()),
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

/// A moment as people and machines read it.
pub fn moment(time: OffsetDateTime) -> String {
    let time = time.replace_nanosecond(0).unwrap_or(time);
    time.format(&Rfc3339).unwrap_or_else(|_| time.to_string())
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

fn purposes(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.extended_key_usage() else {
        return Vec::new();
    };
    let usage = extension.value;
    let known = [
        (usage.any, "anyExtendedKeyUsage"),
        (usage.server_auth, "serverAuth"),
        (usage.client_auth, "clientAuth"),
        (usage.code_signing, "codeSigning"),
        (usage.email_protection, "emailProtection"),
        (usage.time_stamping, "timeStamping"),
        (usage.ocsp_signing, "OCSPSigning"),
    ];
    known
        .into_iter()
        .filter(|(set, _)| *set)
        .map(|(_, name)| name.to_owned())
        .chain(usage.other.iter().map(ToString::to_string))
        .collect()
}

fn name(general: &GeneralName<'_>) -> Option<String> {
    match general {
        GeneralName::DNSName(name) | GeneralName::URI(name) | GeneralName::RFC822Name(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let address: Option<std::net::IpAddr> = match bytes.len() {
                4 => <[u8; 4]>::try_from(*bytes).ok().map(Into::into),
                16 => <[u8; 16]>::try_from(*bytes).ok().map(Into::into),
                _ => None,
            };
            address.map(|address| address.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn hex_is_lower_case_and_whole() {
        assert_eq!(super::hex(&[0, 0xab, 0xff]), "00abff");
    }

    #[test]
    fn junk_is_none() {
        assert_eq!(super::describe(b"junk", time::OffsetDateTime::UNIX_EPOCH), None);
    }
}
