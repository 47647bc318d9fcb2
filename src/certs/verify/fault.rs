//! What is judged, and the reasons why a chain does not verify.

use std::borrow::Cow;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use time::OffsetDateTime;

use crate::names::Host;
use crate::remedy::Remedy;

/// For what the leaf must be good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A TLS server.
    #[default]
    Server,
    /// A TLS client.
    Client,
}

impl Purpose {
    /// Every purpose with its word in flags.
    pub const WORDS: &[(&str, Self)] = &[("server", Self::Server), ("client", Self::Client)];
}

/// What is judged, and by what.
#[derive(Debug, Clone, Copy)]
pub struct VerifyInput<'a> {
    /// The chain as served: the leaf first.
    pub chain: &'a [CertificateDer<'a>],
    /// Further intermediates that the verifier has.
    pub intermediates: &'a [CertificateDer<'a>],
    /// The trusted certificates.
    pub roots: &'a [CertificateDer<'a>],
    /// Revocation lists that the verifier has.
    pub crls: &'a [CertificateRevocationListDer<'a>],
    /// For what the leaf must be good.
    pub purpose: Purpose,
    /// The name that it must hold; none leaves names unchecked.
    pub host: Option<&'a Host>,
    /// The time of the check.
    pub now: OffsetDateTime,
}

/// Why a chain does not verify, or what is odd though it does. In the order in
/// which they matter: what makes the others pointless comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultCode {
    /// No certificate was given.
    NoCertificate,
    /// A certificate cannot be parsed.
    CertificateUnreadable,
    /// The certificates are not in order, leaf first. A fault if the leaf is not the first; else it works, and is a note.
    WrongOrder,
    /// The leaf is signed by its own key and is not trusted itself.
    SelfSigned,
    /// The leaf's issuer is neither sent nor known: an intermediate is missing.
    IncompleteChain,
    /// The chain ends at a CA that is not trusted.
    UnknownIssuer,
    /// A signature was not made with the key of the issuer.
    BadSignature,
    /// A CRL lists the certificate.
    CertificateRevoked,
    /// `notAfter` has passed.
    CertificateExpired,
    /// `notBefore` is to come.
    CertificateNotYetValid,
    /// X.509 version 1 or 2, which has no extensions.
    X509V1,
    /// The leaf is a CA certificate.
    CaAsLeaf,
    /// The host stands only in CN.
    NoSan,
    /// No name in the certificate covers the host.
    NameMismatch,
    /// extendedKeyUsage or keyUsage does not allow the purpose.
    WrongEku,
    /// An issuer is no CA, or may not sign certificates.
    IssuerNotCa,
    /// A pathLenConstraint is exceeded.
    PathTooLong,
    /// A name constraint of a CA forbids a name.
    NameConstraintViolation,
    /// A key too short to be accepted (RSA below 2048 bits).
    WeakKey,
    /// A key that Envoy and Go cannot use: another curve, or a curve by its parameters.
    UnsupportedKey,
    /// A signature by SHA-1 or MD5.
    WeakSignature,
    /// A signature by an algorithm that cannot be checked here.
    UnsupportedSignature,
    /// A critical extension that verifiers do not know.
    UnknownCriticalExtension,
    /// An extension that occurs twice (RFC 5280 section 4.2).
    DuplicateExtension,
    /// A server's certificate demands an OCSP response (RFC 7633; a note: whether one is sent is not seen here).
    MustStaple,
    /// The root was sent too (works, but clients do not need it).
    RootSent,
    /// A CRL given is past its nextUpdate (a note).
    CrlExpired,
    /// A CRL given is not signed by the CA that it names (a note; it is not used).
    CrlNotTrusted,
}

impl FaultCode {
    /// Every code with its word in output.
    pub const WORDS: &[(&str, Self)] = &[
        ("no-certificate", Self::NoCertificate),
        ("certificate-unreadable", Self::CertificateUnreadable),
        ("wrong-order", Self::WrongOrder),
        ("self-signed", Self::SelfSigned),
        ("incomplete-chain", Self::IncompleteChain),
        ("unknown-issuer", Self::UnknownIssuer),
        ("bad-signature", Self::BadSignature),
        ("certificate-revoked", Self::CertificateRevoked),
        ("certificate-expired", Self::CertificateExpired),
        ("certificate-not-yet-valid", Self::CertificateNotYetValid),
        ("x509-v1", Self::X509V1),
        ("ca-as-leaf", Self::CaAsLeaf),
        ("no-san", Self::NoSan),
        ("name-mismatch", Self::NameMismatch),
        ("wrong-eku", Self::WrongEku),
        ("issuer-not-ca", Self::IssuerNotCa),
        ("path-too-long", Self::PathTooLong),
        ("name-constraint-violation", Self::NameConstraintViolation),
        ("weak-key", Self::WeakKey),
        ("unsupported-key", Self::UnsupportedKey),
        ("weak-signature", Self::WeakSignature),
        ("unsupported-signature", Self::UnsupportedSignature),
        ("unknown-critical-extension", Self::UnknownCriticalExtension),
        ("duplicate-extension", Self::DuplicateExtension),
        ("must-staple", Self::MustStaple),
        ("root-sent", Self::RootSent),
        ("crl-expired", Self::CrlExpired),
        ("crl-not-trusted", Self::CrlNotTrusted),
    ];

    /// The code as it stands in output: `certificate-expired`.
    pub fn as_str(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|(_, code)| *code == self)
            .map_or("", |(word, _)| *word)
    }
}

impl Serialize for FaultCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl JsonSchema for FaultCode {
    fn schema_name() -> Cow<'static, str> {
        "FaultCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = Self::WORDS.iter().map(|(word, _)| *word).collect();
        json_schema!({"description": "Why a chain does not verify", "enum": words})
    }
}

/// Which certificate of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The server's or client's own.
    Leaf,
    /// Between leaf and root.
    Intermediate,
    /// The trust anchor.
    Root,
}

/// One certificate, by what people call it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CertificateRef {
    /// Its place in the path.
    pub role: Role,
    /// Its subject, as `CN=a, O=b`; its SANs if the subject is empty.
    pub subject: String,
    /// Its serial number, hex with colons.
    pub serial: String,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The code.
    pub code: FaultCode,
    /// The certificate at fault, if it is one.
    pub certificate: Option<CertificateRef>,
    /// The reason in words, lower-case, no final period.
    pub what: String,
    /// The value that was wanted.
    pub expected: Option<String>,
    /// The value that was found.
    pub found: Option<String>,
    /// What to do, whoever made the chain; see [`Verdict::advised`].
    pub fix: Option<Remedy>,
}

/// The judgement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// The path that was built, leaf first, as far as it got.
    pub path: Vec<CertificateRef>,
    /// Why it does not verify; empty if it does.
    pub faults: Vec<Fault>,
    /// What works but is odd (wrong-order, must-staple, root-sent, crl-expired).
    pub notes: Vec<Fault>,
}

impl Verdict {
    /// Whether the chain verifies.
    pub fn is_ok(&self) -> bool {
        self.faults.is_empty()
    }

    /// Whether this path is the one to tell of, rather than another of the same leaf.
    pub(super) fn is_better_than(&self, other: &Self) -> bool {
        match (self.first(), other.first()) {
            (None, Some(_)) => true,
            (Some(own), Some(others)) if own.code == others.code => self.faults.len() < other.faults.len(),
            (Some(own), Some(others)) => own.code > others.code,
            (_, None) => false,
        }
    }

    /// The most important reason.
    pub fn first(&self) -> Option<&Fault> {
        self.faults.first()
    }
}

impl Fault {
    pub(super) fn new(code: FaultCode, certificate: Option<CertificateRef>, what: String) -> Self {
        Self {
            code,
            certificate,
            what,
            expected: None,
            found: None,
            fix: None,
        }
    }

    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub(super) fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    pub(super) fn fix(mut self, fix: impl Into<Remedy>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

impl Role {
    /// The word that people use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Leaf => "leaf",
            Self::Intermediate => "intermediate",
            Self::Root => "root",
        }
    }
}

impl std::fmt::Display for CertificateRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.role.word(), self.subject)
    }
}
