//! PKCS#7 certificate bundles (`.p7b`, RFC 5652 section 5.1 without content), as issued by Windows
//! and many CAs. They contain no key.

use rustls::pki_types::CertificateDer;

use super::order::by_names;
use super::{der, pem};
use crate::problem::Problem;

/// The labels of PEM blocks with a bundle (RFC 7468 section 8, and OpenSSL's older one).
const LABELS: [&str; 3] = ["PKCS7", "PKCS #7 SIGNED DATA", "CMS"];

/// 1.2.840.113549.1.7.2, id-signedData.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

/// Whether a PEM block with this label is a bundle.
pub fn is_label(label: &str) -> bool {
    LABELS.contains(&label)
}

/// Whether the bytes are a bundle: in DER, or PEM whose first block is one.
pub fn is_pkcs7(content: &[u8]) -> bool {
    if signed_data(content).is_some() {
        return true;
    }
    let begins = |label: &str| memchr::memmem::find(content, format!("-----BEGIN {label}-----").as_bytes()).is_some();
    LABELS.iter().any(|label| begins(label))
}

/// The certificates of a bundle in DER or PEM, the leaf first and each followed by its issuer, as
/// far as they belong together; the bundle itself is unordered. Errors contain `source`.
///
/// # Errors
/// If it cannot be read or holds no certificate.
pub fn read(content: &[u8], source: &str) -> Result<Vec<CertificateDer<'static>>, Problem> {
    if signed_data(content).is_some() {
        return certificates(content, source);
    }
    let mut found = Vec::new();
    for block in pem::blocks(content, source)?
        .iter()
        .filter(|block| is_label(&block.label))
    {
        found.extend(certificates(&block.der, source)?);
    }
    Ok(found)
}

/// The certificates of one bundle in DER.
///
/// # Errors
/// See [`read`].
pub fn certificates(content: &[u8], source: &str) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let refused = |why: &str| Problem::new(format!("the PKCS#7 bundle {source} cannot be read")).why(why.to_owned());
    let data = signed_data(content).ok_or_else(|| refused("it is not SignedData in DER (RFC 5652)"))?;
    let mut found = Vec::new();
    let mut rest = list(data).ok_or_else(|| refused("it holds no certificate"))?;
    while !rest.is_empty() {
        let element = der::take(rest).ok_or_else(|| refused("its list of certificates is invalid"))?;
        // Other kinds of certificates (attribute certificates) are skipped.
        if element.tag == der::SEQUENCE {
            pem::check_certificate(element.whole).map_err(refused)?;
            found.push(CertificateDer::from(element.whole.to_vec()));
        }
        rest = element.rest;
    }
    if found.is_empty() {
        return Err(refused("it holds no certificate"));
    }
    Ok(by_names(&found))
}

/// The content of SignedData.
fn signed_data(content: &[u8]) -> Option<&[u8]> {
    let info = der::take_tag(content, der::SEQUENCE)?;
    let kind = der::take_tag(info.content, der::OID).filter(|kind| kind.content == SIGNED_DATA)?;
    let data = der::take_tag(kind.rest, 0xa0)?;
    Some(der::take_tag(data.content, der::SEQUENCE)?.content)
}

/// The list of certificates in SignedData: after version, digests and content.
fn list(data: &[u8]) -> Option<&[u8]> {
    let version = der::take_tag(data, der::INTEGER)?;
    let digests = der::take(version.rest)?;
    let content = der::take_tag(digests.rest, der::SEQUENCE)?;
    Some(der::take_tag(content.rest, 0xa0)?.content)
}

#[cfg(test)]
mod tests {
    use super::{is_pkcs7, read};
    use crate::certs::{Authority, CertificateDer, ChainPlan, der, issue_chain, pem};
    use crate::names::Host;

    fn bundle(certificates: &[&CertificateDer<'_>]) -> Vec<u8> {
        let list: Vec<u8> = certificates.iter().flat_map(|der| der.to_vec()).collect();
        let version = [der::INTEGER, 1, 1];
        let content = der::wrap(
            der::SEQUENCE,
            &[der::OID, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1],
        );
        let data = [&version[..], &[0x31, 0], &content, &der::wrap(0xa0, &list), &[0x31, 0]].concat();
        let data = der::wrap(0xa0, &der::wrap(der::SEQUENCE, &data));
        der::wrap(
            der::SEQUENCE,
            &[&der::wrap(der::OID, super::SIGNED_DATA), &data[..]].concat(),
        )
    }

    #[test]
    fn bundles_are_read_leaf_first() {
        let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let chain = issue_chain(&ChainPlan::new(Host::parse("a.com").unwrap()), Authority::New, now).unwrap();
        let (leaf, intermediate, root) = (
            &chain.server.certificate,
            &chain.intermediate.certificate,
            &chain.root.certificate,
        );
        let made = bundle(&[root, intermediate, leaf]);
        let wanted = [leaf, intermediate, root].map(Clone::clone);
        for content in [made.clone(), pem::text("PKCS7", &made).into_bytes()] {
            assert!(is_pkcs7(&content));
            assert_eq!(read(&content, "f").unwrap(), wanted);
        }
        assert!(!is_pkcs7(leaf) && !is_pkcs7(pem::certificate_text(leaf).as_bytes()));
        for cut in 1..made.len() {
            assert!(read(&made[..cut], "f").is_err(), "{cut}");
        }
        assert!(read(&bundle(&[]), "f").is_err());
    }
}
