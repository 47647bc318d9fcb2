//! Inserts a CA's exact name into a signed structure, and signs it again. A re-encoded name
//! (another string type, a repeated attribute such as DC, several in one RDN) is a different name
//! to verifiers that compare octets (RFC 5280 section 7.1).

use rustls::pki_types::CertificateDer;

use super::der;
use crate::problem::Problem;

const VERSION: u8 = 0xa0;

/// A certificate whose issuer is `issuer`; unchanged if it is already.
pub(super) fn with_issuer(
    certificate: CertificateDer<'static>,
    issuer: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, Problem>,
) -> Result<CertificateDer<'static>, Problem> {
    // version, serialNumber, signature, issuer
    with_name(certificate, 0, issuer, sign)
}

/// A certificate whose subject is `subject`; unchanged if it is already.
pub(super) fn with_subject(
    certificate: CertificateDer<'static>,
    subject: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, Problem>,
) -> Result<CertificateDer<'static>, Problem> {
    // version, serialNumber, signature, issuer, validity, subject
    with_name(certificate, 2, subject, sign)
}

/// Inserts `name` after the signature algorithm and a number of further fields.
fn with_name(
    certificate: CertificateDer<'static>,
    fields_between: usize,
    name: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, Problem>,
) -> Result<CertificateDer<'static>, Problem> {
    let unreadable = || Problem::new("the new certificate cannot be read back");
    let outer = der::take_tag(&certificate, der::SEQUENCE).ok_or_else(unreadable)?;
    let tbs = der::take_tag(outer.content, der::SEQUENCE).ok_or_else(unreadable)?;
    let version = der::take_tag(tbs.content, VERSION).ok_or_else(unreadable)?;
    let serial = der::take_tag(version.rest, der::INTEGER).ok_or_else(unreadable)?;
    let algorithm = der::take_tag(serial.rest, der::SEQUENCE).ok_or_else(unreadable)?;
    let mut rest = algorithm.rest;
    for _ in 0..fields_between {
        rest = der::take_tag(rest, der::SEQUENCE).ok_or_else(unreadable)?.rest;
    }
    match resigned(tbs, rest, algorithm.whole, name, sign).ok_or_else(unreadable)?? {
        Some(der) => Ok(der.into()),
        None => Ok(certificate),
    }
}

/// A CRL whose issuer is `issuer`; unchanged if it is already.
pub(super) fn crl_with_issuer(
    crl: &[u8],
    issuer: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, Problem>,
) -> Result<Vec<u8>, Problem> {
    let unreadable = || Problem::new("the new CRL cannot be read back");
    let outer = der::take_tag(crl, der::SEQUENCE).ok_or_else(unreadable)?;
    let tbs = der::take_tag(outer.content, der::SEQUENCE).ok_or_else(unreadable)?;
    // version, signature, issuer
    let version = der::take_tag(tbs.content, der::INTEGER).ok_or_else(unreadable)?;
    let algorithm = der::take_tag(version.rest, der::SEQUENCE).ok_or_else(unreadable)?;
    let signed = resigned(tbs, algorithm.rest, algorithm.whole, issuer, sign).ok_or_else(unreadable)??;
    Ok(signed.unwrap_or_else(|| crl.to_vec()))
}

/// The structure, signed again, with the name at `from` replaced by `name`; the inner `None` means
/// that they are equal, the outer `None` that the DER is unreadable.
fn resigned(
    tbs: der::Element<'_>,
    from: &[u8],
    algorithm: &[u8],
    name: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, Problem>,
) -> Option<Result<Option<Vec<u8>>, Problem>> {
    let old = der::take_tag(from, der::SEQUENCE)?;
    if old.whole == name {
        return Some(Ok(None));
    }
    let before = &tbs.content[..tbs.content.len() - from.len()];
    let tbs = der::wrap(der::SEQUENCE, &[before, name, old.rest].concat());
    Some(sign(&tbs).map(|signature| {
        let content = [&tbs[..], algorithm, &der::bit_string(&signature)].concat();
        Some(der::wrap(der::SEQUENCE, &content))
    }))
}
