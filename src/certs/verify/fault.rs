//! The input of verification, and the reasons why a chain does not verify.

use std::borrow::Cow;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use time::OffsetDateTime;

use crate::names::Host;
use crate::remedy::Remedy;

/// The purpose of the leaf.
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
    /// All purposes with their names in flags.
    pub const WORDS: &[(&str, Self)] = &[("server", Self::Server), ("client", Self::Client)];
}

/// The chain to verify, and the trust settings.
#[derive(Debug, Clone, Copy)]
pub struct VerifyInput<'a> {
    /// The chain as served: the leaf first.
    pub chain: &'a [CertificateDer<'a>],
    /// Additional intermediates that the verifier has.
    pub intermediates: &'a [CertificateDer<'a>],
    /// The trusted certificates.
    pub roots: &'a [CertificateDer<'a>],
    /// CRLs that the verifier has.
    pub crls: &'a [CertificateRevocationListDer<'a>],
    /// The purpose of the leaf.
    pub purpose: Purpose,
    /// The name that it must cover; none means that names are not checked.
    pub host: Option<&'a Host>,
    /// The time of the check.
    pub now: OffsetDateTime,
}

/// Why a chain does not verify, or what is unusual although it does. In order of importance: faults
/// that make others irrelevant come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultCode {
    /// No certificate was given.
    NoCertificate,
    /// A certificate cannot be parsed.
    CertificateUnreadable,
    /// The certificates are not in order, leaf first. A fault if the leaf is not the first;
    /// otherwise it works, and is a note.
    WrongOrder,
    /// The leaf is self-signed and not trusted itself.
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
    /// `notBefore` is in the future.
    CertificateNotYetValid,
    /// X.509 version 1 or 2, which has no extensions.
    X509V1,
    /// The leaf is a CA certificate.
    CaAsLeaf,
    /// The host is only in the CN.
    NoSan,
    /// No name in the certificate covers the host.
    NameMismatch,
    /// extendedKeyUsage or keyUsage does not allow the purpose.
    WrongEku,
    /// An issuer is not a CA, or may not sign certificates.
    IssuerNotCa,
    /// A pathLenConstraint is exceeded.
    PathTooLong,
    /// A name constraint of a CA forbids a name.
    NameConstraintViolation,
    /// A key too short to be accepted (RSA below 2048 bits).
    WeakKey,
    /// A key that Envoy and Go do not support: another curve, or explicit curve parameters.
    UnsupportedKey,
    /// A SHA-1 or MD5 signature.
    WeakSignature,
    /// A signature algorithm that is not supported here.
    UnsupportedSignature,
    /// An unknown critical extension.
    UnknownCriticalExtension,
    /// A duplicate extension (RFC 5280 section 4.2).
    DuplicateExtension,
    /// The server certificate requires an OCSP response (RFC 7633; a note, because it is unknown
    /// here whether one is sent).
    MustStaple,
    /// The root was sent, too (works, but clients do not need it).
    RootSent,
    /// A CRL is past its nextUpdate (a note).
    CrlExpired,
    /// A CRL is not signed by its stated CA (a note; it is not used).
    CrlNotTrusted,
}

impl FaultCode {
    /// All codes with their names in output.
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

    /// The code in output: `certificate-expired`.
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

/// The role of a certificate in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The server's or client's own certificate.
    Leaf,
    /// Between leaf and root.
    Intermediate,
    /// The trust anchor.
    Root,
}

/// One certificate, as people refer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CertificateRef {
    /// Its role in the path.
    pub role: Role,
    /// Its subject, in the form `CN=a, O=b`; its SANs if the subject is empty.
    pub subject: String,
    /// Its serial number, hex with colons.
    pub serial: String,
}

/// One reason why a chain does not verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The code.
    pub code: FaultCode,
    /// The certificate at fault, if any.
    pub certificate: Option<CertificateRef>,
    /// The reason in words, lowercase, without a final period.
    pub what: String,
    /// The expected value.
    pub expected: Option<String>,
    /// The actual value.
    pub found: Option<String>,
    /// What to do, regardless of the chain's origin; see [`Verdict::advised`].
    pub fix: Option<Remedy>,
}

/// The result of verification.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// The path that was built, leaf first, as far as it got.
    pub path: Vec<CertificateRef>,
    /// Why it does not verify; empty if it does.
    pub faults: Vec<Fault>,
    /// What works but is unusual (wrong-order, must-staple, root-sent, crl-expired).
    pub notes: Vec<Fault>,
}

impl Verdict {
    /// Whether the chain verifies.
    pub fn is_ok(&self) -> bool {
        self.faults.is_empty()
    }

    /// Whether to report this path rather than another one of the same leaf.
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
    /// The usual term.
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
