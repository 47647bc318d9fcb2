//! What the upstream is told of the client: its address, and its certificate
//! in the form that Envoy gives `x-forwarded-client-cert`.

use std::fmt::Write as _;
use std::net::IpAddr;

use base64::Engine as _;
use http::HeaderValue;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// An address as a header value.
pub(super) fn address_text(address: IpAddr) -> HeaderValue {
    let text = address.to_canonical().to_string();
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// `Hash=...;Cert="...";Subject="...";URI=...;DNS=...` of a client's certificate.
pub(super) fn client_certificate(der: &[u8]) -> Option<HeaderValue> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let mut text = String::from("Hash=");
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
    text.push_str(&crate::hex::digits(hash.as_ref()));
    let _ = write!(
        text,
        ";Cert=\"{}\";Subject=\"{}\"",
        url_encoded_pem(der),
        subject(&certificate)
    );
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names
        .map(|extension| extension.value.general_names.as_slice())
        .unwrap_or_default();
    let mut uris = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    // Envoy writes the URI key even when there is none.
    let _ = write!(text, ";URI={}", uris.next().unwrap_or_default());
    for uri in uris {
        let _ = write!(text, ";URI={uri}");
    }
    for name in names {
        if let GeneralName::DNSName(dns) = name {
            let _ = write!(text, ";DNS={dns}");
        }
    }
    HeaderValue::from_str(&text).ok()
}

/// A client certificate's subject, as RFC 2253 writes it.
pub(super) fn client_subject(der: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(subject(&certificate))
}

/// The PEM block with the characters escaped that Envoy escapes.
fn url_encoded_pem(der: &[u8]) -> String {
    let base64 = base64::engine::general_purpose::STANDARD.encode(der);
    let mut text = String::from("-----BEGIN%20CERTIFICATE-----%0A");
    for (at, character) in base64.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push_str("%0A");
        }
        match character {
            '+' => text.push_str("%2B"),
            '/' => text.push_str("%2F"),
            '=' => text.push_str("%3D"),
            other => text.push(other),
        }
    }
    text.push_str("%0A-----END%20CERTIFICATE-----%0A");
    text
}

/// The subject as RFC 2253 writes it: last part first, quotes escaped once more for the header.
fn subject(certificate: &X509Certificate<'_>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for attribute in certificate.subject().iter_attributes() {
        let oid = attribute.attr_type();
        let key = match oid.to_id_string().as_str() {
            "2.5.4.3" => "CN".to_owned(),
            "2.5.4.6" => "C".to_owned(),
            "2.5.4.7" => "L".to_owned(),
            "2.5.4.8" => "ST".to_owned(),
            "2.5.4.9" => "street".to_owned(),
            "2.5.4.10" => "O".to_owned(),
            "2.5.4.11" => "OU".to_owned(),
            "1.2.840.113549.1.9.1" => "emailAddress".to_owned(),
            other => other.to_owned(),
        };
        let value = attribute.as_str().unwrap_or_default();
        let mut escaped = String::with_capacity(value.len());
        let last = value.chars().count();
        for (at, character) in value.chars().enumerate() {
            let special = matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';')
                || (at == 0 && matches!(character, ' ' | '#'))
                || (at + 1 == last && character == ' ');
            if special {
                escaped.push('\\');
            }
            if character.is_ascii_graphic() || character == ' ' {
                escaped.push(character);
            } else {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(escaped, "\\{byte:02X}");
                }
            }
        }
        parts.push(format!("{key}={escaped}"));
    }
    parts.reverse();
    parts.join(",").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::client_certificate;

    #[test]
    fn a_client_certificate_is_described_as_envoy_does() {
        let mut params = rcgen::CertificateParams::new(vec!["client.example.com".into()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(rcgen::DnType::OrganizationName, "Dis, \"Inc\"");
        params.distinguished_name.push(rcgen::DnType::CommonName, "client");
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let value = client_certificate(certificate.der()).unwrap();
        let text = value.to_str().unwrap();
        assert!(text.starts_with("Hash="), "{text}");
        assert!(text.contains(";Cert=\"-----BEGIN%20CERTIFICATE-----%0A"), "{text}");
        assert!(text.ends_with(";URI=;DNS=client.example.com"), "{text}");
        assert!(text.contains(";Subject=\"CN=client,O=Dis\\, "), "{text}");
    }
}
