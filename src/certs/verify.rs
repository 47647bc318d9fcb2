//! Judges a served or stored chain as a client or a server would, and gives
//! every reason why it does not verify, the most important first.

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use serde::Serialize;
use time::OffsetDateTime;

use crate::names::Host;

/// For what the leaf must be good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
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

/// Why a chain does not verify, or what is odd though it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultCode {
    /// No certificate was given.
    NoCertificate,
    /// A certificate cannot be parsed.
    CertificateUnreadable,
    /// `notAfter` has passed.
    CertificateExpired,
    /// `notBefore` is to come.
    CertificateNotYetValid,
    /// No name in the certificate covers the host.
    NameMismatch,
    /// The host stands only in CN.
    NoSan,
    /// The leaf is signed by its own key and is not trusted itself.
    SelfSigned,
    /// A link to the root is missing: the issuer is neither sent nor known.
    IncompleteChain,
    /// The chain ends at a root that is not trusted.
    UnknownIssuer,
    /// A signature was not made with the issuer's key.
    BadSignature,
    /// A CRL lists the certificate.
    CertificateRevoked,
    /// The leaf is a CA certificate.
    CaAsLeaf,
    /// extendedKeyUsage or keyUsage does not allow the purpose.
    WrongEku,
    /// An issuer is no CA, or may not sign certificates.
    IssuerNotCa,
    /// pathLenConstraint is exceeded.
    PathTooLong,
    /// A name constraint of a CA forbids a name.
    NameConstraintViolation,
    /// X.509 version 1 or 2.
    X509V1,
    /// A key too short to be accepted (RSA below 2048 bits).
    WeakKey,
    /// A signature by SHA-1 or MD5.
    WeakSignature,
    /// A critical extension that verifiers do not know.
    UnknownCriticalExtension,
    /// The certificates are not in order, leaf first (works, but said).
    WrongOrder,
    /// The root was sent too (works, but wastes bytes).
    RootSent,
    /// A CRL given is past its nextUpdate (works, but said).
    CrlExpired,
}

impl FaultCode {
    /// The code as it stands in output: `certificate-expired`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoCertificate => "no-certificate",
            Self::CertificateUnreadable => "certificate-unreadable",
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateNotYetValid => "certificate-not-yet-valid",
            Self::NameMismatch => "name-mismatch",
            Self::NoSan => "no-san",
            Self::SelfSigned => "self-signed",
            Self::IncompleteChain => "incomplete-chain",
            Self::UnknownIssuer => "unknown-issuer",
            Self::BadSignature => "bad-signature",
            Self::CertificateRevoked => "certificate-revoked",
            Self::CaAsLeaf => "ca-as-leaf",
            Self::WrongEku => "wrong-eku",
            Self::IssuerNotCa => "issuer-not-ca",
            Self::PathTooLong => "path-too-long",
            Self::NameConstraintViolation => "name-constraint-violation",
            Self::X509V1 => "x509-v1",
            Self::WeakKey => "weak-key",
            Self::WeakSignature => "weak-signature",
            Self::UnknownCriticalExtension => "unknown-critical-extension",
            Self::WrongOrder => "wrong-order",
            Self::RootSent => "root-sent",
            Self::CrlExpired => "crl-expired",
        }
    }
}

/// Which certificate of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateRef {
    /// Its place in the path.
    pub role: Role,
    /// Its subject, as `CN=a, O=b`; its SANs if the subject is empty.
    pub subject: String,
    /// Its serial number, hex with colons.
    pub serial: String,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The code.
    pub code: FaultCode,
    /// The certificate at fault, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateRef>,
    /// The reason in words, lower-case, no final period.
    pub what: String,
    /// The value that was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The value that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// The judgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The path that was built, leaf first, as far as it got.
    pub path: Vec<CertificateRef>,
    /// Why it does not verify; empty if it does.
    pub faults: Vec<Fault>,
    /// What works but is odd (wrong-order, root-sent, crl-expired).
    pub notes: Vec<Fault>,
}

impl Verdict {
    /// Whether the chain verifies.
    pub fn is_ok(&self) -> bool {
        self.faults.is_empty()
    }

    /// The most important reason.
    pub fn first(&self) -> Option<&Fault> {
        self.faults.first()
    }
}

/// Builds the path from the leaf to a root and checks everything about it.
/// Never fails: a chain that cannot be read is a fault like any other.
pub fn verify(input: &VerifyInput<'_>) -> Verdict {
    let _ = input;
    todo!()
}
