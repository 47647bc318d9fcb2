//! Which certificates Envoy loads for a server: what it checks before any client
//! comes (BoringSSL's `SSL_CTX_use_certificate`, and Envoy's own limits in
//! source/common/tls/context_impl.cc). tests/real/certificate_verdicts.rs asks Envoy itself.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::inspect::public_key;

/// Why Envoy does not load a server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unloadable {
    /// An RSA key below 2048 bits.
    ShortRsa(usize),
    /// An elliptic curve that Envoy has not, by its name or OID.
    Curve(String),
    /// An elliptic curve by its parameters instead of its name.
    ExplicitCurve,
    /// A key that is neither RSA, ECDSA nor Ed25519.
    KeyType(String),
    /// An ECDSA key whose keyUsage is without digitalSignature.
    NoDigitalSignature,
    /// The extension that demands an OCSP response (RFC 7633), and none is given.
    MustStaple,
}

impl Unloadable {
    /// Why Envoy refuses the certificate, or none if it loads it. `has_staple`: an
    /// OCSP response is given with it.
    pub fn of(certificate: &X509Certificate<'_>, has_staple: bool) -> Option<Self> {
        if let Some(refused) = Self::of_key(certificate.public_key()) {
            return Some(refused);
        }
        let key = public_key(certificate.public_key());
        if key.algorithm == "ECDSA" && !may_sign(certificate) {
            return Some(Self::NoDigitalSignature);
        }
        (must_staple(certificate) && !has_staple).then_some(Self::MustStaple)
    }

    /// The same for the key alone.
    pub fn of_key(info: &SubjectPublicKeyInfo<'_>) -> Option<Self> {
        let key = public_key(info);
        match key.algorithm.as_str() {
            "RSA" => key.bits.filter(|bits| *bits < 2048).map(Self::ShortRsa),
            "ECDSA" => match key.curve.as_deref() {
                Some("P-256" | "P-384" | "P-521") => None,
                Some(curve) => Some(Self::Curve(curve.to_owned())),
                None => Some(Self::ExplicitCurve),
            },
            "Ed25519" => None,
            _ => Some(Self::KeyType(key.name())),
        }
    }

    /// Whether the key itself is of no use, whatever else is changed.
    pub fn is_of_key(&self) -> bool {
        !matches!(self, Self::NoDigitalSignature | Self::MustStaple)
    }
}

impl std::fmt::Display for Unloadable {
    /// As `its key is RSA 1024; Envoy wants 2048 bits or more`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ShortRsa(bits) => write!(f, "its key is RSA {bits}; Envoy wants 2048 bits or more"),
            Self::Curve(curve) => write!(f, "its key is on the curve {curve}; Envoy has P-256, P-384 and P-521"),
            Self::ExplicitCurve => {
                f.write_str("its key names no curve but gives the parameters of one, which neither Envoy nor Go reads")
            }
            Self::KeyType(name) => write!(f, "its key is {name}; Envoy takes RSA, ECDSA and Ed25519"),
            Self::NoDigitalSignature => {
                f.write_str("its keyUsage has no digitalSignature, which a server signs the handshake by")
            }
            Self::MustStaple => {
                f.write_str("it demands an OCSP response in every handshake (must-staple, RFC 7633), and none is given")
            }
        }
    }
}

/// Whether keyUsage allows handshakes to be signed: it is absent or has digitalSignature.
pub fn may_sign(certificate: &X509Certificate<'_>) -> bool {
    let mut usages = certificate
        .extensions()
        .iter()
        .filter_map(|extension| match extension.parsed_extension() {
            ParsedExtension::KeyUsage(usage) => Some(usage),
            _ => None,
        });
    usages.all(x509_parser::extensions::KeyUsage::digital_signature)
}

/// TLS feature status_request (RFC 7633 section 6): a list of numbers that is 5 alone,
/// which is the one that BoringSSL and so Envoy look for.
pub fn must_staple(certificate: &X509Certificate<'_>) -> bool {
    const TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";
    const STATUS_REQUEST: &[u8] = &[0x30, 0x03, 0x02, 0x01, 0x05];
    certificate
        .extensions()
        .iter()
        .any(|extension| extension.value == STATUS_REQUEST && extension.oid.to_id_string() == TLS_FEATURE)
}
