//! Verifies X.509 signatures with the algorithms that rustls accepts, and, to explain old
//! certificates, with SHA-1 and short RSA keys, which it refuses.

use aws_lc_rs::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RsaParameters, UnparsedPublicKey,
};
use rustls::pki_types::AlgorithmIdentifier;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::der;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The key made the signature.
    Good,
    /// The key did not make it.
    Bad,
    /// The algorithm is not supported here.
    Unsupported,
}

/// Checks a signature. `algorithm` is the DER AlgorithmIdentifier from the certificate, request or
/// CRL.
fn check(key: &SubjectPublicKeyInfo<'_>, algorithm: &[u8], message: &[u8], signature: &[u8]) -> Outcome {
    let bits = &*key.subject_public_key.data;
    let (Some(key_algorithm), Some(algorithm)) = (
        key_algorithm(key.raw),
        der::take_tag(algorithm, der::SEQUENCE).map(|element| element.content),
    ) else {
        return Outcome::Unsupported;
    };
    let mut known = false;
    for candidate in webpki::ALL_VERIFICATION_ALGS {
        if same(candidate.public_key_alg_id(), key_algorithm) && same(candidate.signature_alg_id(), algorithm) {
            known = true;
            if candidate.verify_signature(bits, message, signature).is_ok() {
                return Outcome::Good;
            }
        }
    }
    match legacy(algorithm) {
        Some(parameters) => match UnparsedPublicKey::new(parameters, bits).verify(message, signature) {
            Ok(()) => Outcome::Good,
            Err(_) => Outcome::Bad,
        },
        None if known => Outcome::Bad,
        None => Outcome::Unsupported,
    }
}

fn same(known: AlgorithmIdentifier, found: &[u8]) -> bool {
    known.as_ref() == found
}

/// The content of the AlgorithmIdentifier of a SubjectPublicKeyInfo.
fn key_algorithm(info: &[u8]) -> Option<&[u8]> {
    let outer = der::take_tag(info, der::SEQUENCE)?;
    Some(der::take_tag(outer.content, der::SEQUENCE)?.content)
}

/// RSA PKCS#1 v1.5 down to 1024 bits (OIDs 1.2.840.113549.1.1.{5,11,13}).
fn legacy(algorithm: &[u8]) -> Option<&'static RsaParameters> {
    let oid = der::take_tag(algorithm, der::OID)?;
    let arc = oid
        .content
        .strip_prefix(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01])?;
    match arc {
        [5] => Some(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
        [11] => Some(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
        [13] => Some(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
        _ => None,
    }
}

/// The signed part, the algorithm and the signature of a certificate, request or CRL.
fn parts(signed: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let outer = der::take_tag(signed, der::SEQUENCE)?;
    let tbs = der::take_tag(outer.content, der::SEQUENCE)?;
    let algorithm = der::take_tag(tbs.rest, der::SEQUENCE)?;
    let (_, signature) = der::take_tag(algorithm.rest, der::BIT_STRING)?.content.split_first()?;
    Some((tbs.whole, algorithm.whole, signature))
}

/// Checks the signature of a certificate, request or CRL with `key`.
pub(super) fn check_signed(key: &SubjectPublicKeyInfo<'_>, signed: &[u8]) -> Outcome {
    match parts(signed) {
        Some((message, algorithm, signature)) => check(key, algorithm, message, signature),
        None => Outcome::Unsupported,
    }
}
