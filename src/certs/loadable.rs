//! Which server certificates Envoy loads: its checks before any client connects (BoringSSL's
//! `SSL_CTX_use_certificate`, and Envoy's own limits in source/common/tls/context_impl.cc).
//! tests/real/certificate_verdicts.rs compares with Envoy itself.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::inspect::public_key;

/// Why Envoy does not load a server certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unloadable {
    /// An RSA key below 2048 bits.
    ShortRsa(usize),
    /// An elliptic curve that Envoy does not support, by name or OID.
    Curve(String),
    /// An elliptic curve with explicit parameters instead of a name.
    ExplicitCurve,
    /// A key that is neither RSA, ECDSA nor Ed25519.
    KeyType(String),
    /// An ECDSA key whose keyUsage lacks digitalSignature.
    NoDigitalSignature,
    /// The must-staple extension (RFC 7633) without an OCSP response.
    MustStaple,
}

impl Unloadable {
    /// Why Envoy refuses the certificate, or none if it loads it. `has_staple` means that an OCSP
    /// response is provided.
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

    /// Whether the key itself is unusable, regardless of the rest.
    pub fn is_of_key(&self) -> bool {
        !matches!(self, Self::NoDigitalSignature | Self::MustStaple)
    }
}

impl std::fmt::Display for Unloadable {
    /// For example `its key is RSA 1024; Envoy requires 2048 bits or more`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ShortRsa(bits) => write!(f, "its key is RSA {bits}; Envoy requires 2048 bits or more"),
            Self::Curve(curve) => write!(
                f,
                "its key is on the curve {curve}; Envoy supports P-256, P-384 and P-521"
            ),
            Self::ExplicitCurve => f.write_str(
                "its key has explicit curve parameters instead of a named curve, which neither \
                    Envoy nor Go supports",
            ),
            Self::KeyType(name) => write!(f, "its key is {name}; Envoy supports RSA, ECDSA and Ed25519"),
            Self::NoDigitalSignature => {
                f.write_str("its keyUsage lacks digitalSignature, which a server needs to sign the handshake")
            }
            Self::MustStaple => f.write_str(
                "it requires an OCSP response in every handshake (must-staple, RFC 7633), and there \
                    is none",
            ),
        }
    }
}

/// Whether keyUsage allows signing handshakes: it is absent or has digitalSignature.
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

/// The TLS feature status_request (RFC 7633 section 6): a list with only the number 5, which is
/// what BoringSSL and therefore Envoy look for.
pub fn must_staple(certificate: &X509Certificate<'_>) -> bool {
    const TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";
    const STATUS_REQUEST: &[u8] = &[0x30, 0x03, 0x02, 0x01, 0x05];
    certificate
        .extensions()
        .iter()
        .any(|extension| extension.value == STATUS_REQUEST && extension.oid.to_id_string() == TLS_FEATURE)
}
