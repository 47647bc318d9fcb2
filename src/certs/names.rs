//! Distinguished names, serial numbers and identifiers of X.509 in readable form.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::x509::X509Name;

use crate::hex;

/// A name as `C=US, O=Dis, CN=a`, in the certificate's order; control characters are escaped.
pub(crate) fn display(name: &X509Name<'_>) -> String {
    let mut parts = Vec::new();
    for rdn in name.iter_rdn() {
        let attributes: Vec<String> = rdn
            .iter()
            .map(|attribute| {
                let oid = attribute.attr_type();
                let short = x509_parser::objects::oid2abbrev(oid, x509_parser::objects::oid_registry())
                    .map_or_else(|_| oid.to_id_string(), str::to_owned);
                format!("{short}={}", printable(&attribute_text(attribute)))
            })
            .collect();
        parts.push(attributes.join(" + "));
    }
    parts.join(", ")
}

/// The text of an attribute, including BMPString and UniversalString.
pub(crate) fn attribute_text(attribute: &x509_parser::x509::AttributeTypeAndValue<'_>) -> String {
    use x509_parser::der_parser::asn1_rs::Tag;
    let raw = attribute.attr_value();
    match raw.header.tag() {
        Tag::BmpString => {
            let units: Vec<u16> = raw
                .data
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect();
            String::from_utf16_lossy(&units)
        }
        Tag::T61String => raw.data.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8_lossy(raw.data).into_owned(),
    }
}

/// Text without control characters, which a terminal would interpret.
pub(crate) fn printable(text: &str) -> String {
    // A name is one line.
    crate::printable::printable(text)
        .replace('\n', "\\n")
        .replace('\t', "\\t")
}

/// The common names of a subject.
pub(crate) fn common_names(name: &X509Name<'_>) -> Vec<String> {
    name.iter_common_name()
        .map(|attribute| printable(&attribute_text(attribute)))
        .collect()
}

/// The octets of the serial number, without the leading zero that keeps it positive.
pub(crate) fn serial(certificate: &X509Certificate<'_>) -> String {
    let raw = certificate.raw_serial();
    let start = raw
        .iter()
        .take(raw.len().saturating_sub(1))
        .take_while(|byte| **byte == 0)
        .count();
    hex::with_colons(&raw[start..])
}

/// subjectKeyIdentifier, if there is one.
pub(crate) fn subject_key_identifier(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    certificate
        .extensions()
        .iter()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier.0.to_vec()),
            _ => None,
        })
}

/// The keyIdentifier of authorityKeyIdentifier, if there is one.
pub(crate) fn authority_key_identifier(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    certificate
        .extensions()
        .iter()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(identifier) => identifier
                .key_identifier
                .as_ref()
                .map(|identifier| identifier.0.to_vec()),
            _ => None,
        })
}

/// Kind and text of a subject alternative name.
pub(crate) fn general_name(name: &GeneralName<'_>) -> (&'static str, String) {
    match name {
        GeneralName::DNSName(text) => ("DNS", printable(text)),
        GeneralName::RFC822Name(text) => ("email", printable(text)),
        GeneralName::URI(text) => ("URI", printable(text)),
        GeneralName::IPAddress(octets) => ("IP", address(octets)),
        GeneralName::DirectoryName(name) => ("directory", display(name)),
        GeneralName::RegisteredID(oid) => ("registered", oid.to_id_string()),
        GeneralName::OtherName(oid, _) => ("other", oid.to_id_string()),
        _ => ("other", String::new()),
    }
}

/// An IP address, or an address and mask, of 4, 8, 16 or 32 octets.
pub(crate) fn address(octets: &[u8]) -> String {
    let ip = |octets: &[u8]| -> Option<std::net::IpAddr> {
        <[u8; 4]>::try_from(octets)
            .map(std::net::IpAddr::from)
            .or_else(|_| <[u8; 16]>::try_from(octets).map(std::net::IpAddr::from))
            .ok()
    };
    match octets.len() {
        4 | 16 => ip(octets).map_or_else(String::new, |ip| ip.to_string()),
        8 | 32 => {
            let (base, mask) = octets.split_at(octets.len() / 2);
            let length: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
            ip(base).map_or_else(String::new, |ip| format!("{ip}/{length}"))
        }
        _ => hex::with_colons(octets),
    }
}
