//! Names and strengths of keys and signature algorithms.

use schemars::JsonSchema;
use serde::Serialize;
use x509_parser::certificate::X509Certificate;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// The properties of a public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KeyFacts {
    /// `RSA`, `ECDSA`, `Ed25519`, or the algorithm's OID.
    pub algorithm: String,
    /// The curve of an ECDSA key: `P-256`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub curve: Option<String>,
    /// The size in bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<usize>,
}

/// Curves with their OIDs, names and sizes.
const CURVES: &[(&str, &str, usize)] = &[
    ("1.2.840.10045.3.1.7", "P-256", 256),
    ("1.3.132.0.34", "P-384", 384),
    ("1.3.132.0.35", "P-521", 521),
    ("1.3.132.0.33", "P-224", 224),
    ("1.2.840.10045.3.1.1", "P-192", 192),
    ("1.3.132.0.10", "secp256k1", 256),
];

/// Other key algorithms with their OIDs, names and sizes.
const KEYS: &[(&str, &str, Option<usize>)] = &[
    ("1.3.101.112", "Ed25519", Some(256)),
    ("1.3.101.113", "Ed448", Some(448)),
    ("1.2.840.10040.4.1", "DSA", None),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44", None),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65", None),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87", None),
];

/// Describes a public key.
pub(crate) fn public_key(info: &SubjectPublicKeyInfo<'_>) -> KeyFacts {
    let oid = info.algorithm.algorithm.to_id_string();
    if let Ok(PublicKey::RSA(key)) = info.parsed() {
        return KeyFacts {
            algorithm: "RSA".into(),
            curve: None,
            bits: Some(rsa_bits(key.modulus)),
        };
    }
    if oid == "1.2.840.10045.2.1" {
        let curve = info
            .algorithm
            .parameters
            .as_ref()
            .and_then(|parameters| parameters.as_oid().ok())
            .map(|oid| oid.to_id_string());
        let known = CURVES.iter().find(|(oid, ..)| Some(*oid) == curve.as_deref());
        return KeyFacts {
            algorithm: "ECDSA".into(),
            curve: known.map(|(_, name, _)| (*name).to_owned()).or(curve),
            bits: known.map(|(.., bits)| *bits),
        };
    }
    let known = KEYS.iter().find(|(known, ..)| *known == oid);
    KeyFacts {
        algorithm: known.map_or(oid, |(_, name, _)| (*name).to_owned()),
        curve: None,
        bits: known.and_then(|(.., bits)| *bits),
    }
}

/// The bits of a modulus, without leading zeros.
fn rsa_bits(modulus: &[u8]) -> usize {
    let start = modulus.iter().take_while(|byte| **byte == 0).count();
    match modulus.get(start) {
        Some(first) => (modulus.len() - start) * 8 - first.leading_zeros() as usize,
        None => 0,
    }
}

impl KeyFacts {
    /// `RSA 2048`, `ECDSA P-256`, `Ed25519`.
    pub fn name(&self) -> String {
        match (&self.curve, self.bits) {
            (Some(curve), _) => format!("{} {curve}", self.algorithm),
            (None, Some(bits)) if self.algorithm == "RSA" => format!("RSA {bits}"),
            _ => self.algorithm.clone(),
        }
    }

    /// The minimum requirement, if the key is too weak for current TLS clients.
    pub fn too_weak(&self) -> Option<&'static str> {
        match (self.algorithm.as_str(), self.bits) {
            ("RSA", Some(bits)) if bits < 2048 => Some("RSA 2048 or more"),
            ("ECDSA", Some(bits)) if bits < 256 => Some("ECDSA P-256 or more"),
            ("DSA", _) => Some("RSA 2048, ECDSA P-256 or more"),
            _ => None,
        }
    }
}

/// A signature algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignatureAlgorithm(String);

/// Signature algorithms with their OIDs, names, and whether they are weak.
const SIGNATURES: &[(&str, &str, bool)] = &[
    ("1.2.840.113549.1.1.2", "RSA with MD2", true),
    ("1.2.840.113549.1.1.4", "RSA with MD5", true),
    ("1.2.840.113549.1.1.5", "RSA with SHA-1", true),
    ("1.2.840.113549.1.1.11", "RSA with SHA-256", false),
    ("1.2.840.113549.1.1.12", "RSA with SHA-384", false),
    ("1.2.840.113549.1.1.13", "RSA with SHA-512", false),
    ("1.2.840.113549.1.1.14", "RSA with SHA-224", false),
    ("1.2.840.113549.1.1.10", "RSA-PSS", false),
    ("1.2.840.10045.4.1", "ECDSA with SHA-1", true),
    ("1.2.840.10045.4.3.1", "ECDSA with SHA-224", false),
    ("1.2.840.10045.4.3.2", "ECDSA with SHA-256", false),
    ("1.2.840.10045.4.3.3", "ECDSA with SHA-384", false),
    ("1.2.840.10045.4.3.4", "ECDSA with SHA-512", false),
    ("1.3.101.112", "Ed25519", false),
    ("1.3.101.113", "Ed448", false),
    ("1.2.840.10040.4.3", "DSA with SHA-1", true),
    ("2.16.840.1.101.3.4.3.2", "DSA with SHA-256", false),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44", false),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65", false),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87", false),
];

/// The algorithm of a certificate's signature.
pub(crate) fn signature_algorithm(certificate: &X509Certificate<'_>) -> SignatureAlgorithm {
    SignatureAlgorithm(certificate.signature_algorithm.algorithm.to_id_string())
}

impl SignatureAlgorithm {
    /// Its name, or its OID.
    pub(crate) fn name(&self) -> String {
        self.known()
            .map_or_else(|| self.0.clone(), |(_, name, _)| (*name).to_owned())
    }

    /// Whether current clients refuse it.
    pub(crate) fn is_weak(&self) -> bool {
        self.known().is_some_and(|(.., weak)| *weak)
    }

    fn known(&self) -> Option<&'static (&'static str, &'static str, bool)> {
        SIGNATURES.iter().find(|(oid, ..)| *oid == self.0)
    }
}
