//! Signing CAs, and generation of key pairs: apart from the CRLs, the only place that uses rcgen.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData, RsaKeySize, SanType, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;
use x509_parser::prelude::FromDer as _;

use super::key::PrivateKey;
use super::plan::{Attribute, KeyType, San, Subject, Subtree};
use crate::problem::Problem;

/// A CA that can sign: certificate and key, parsed once and checked to match.
pub struct CertificateAuthority {
    certificate: CertificateDer<'static>,
    pub(super) issuer: Issuer<'static, KeyPair>,
    /// The subject exactly as encoded in the certificate.
    name: Vec<u8>,
    /// The subjectKeyIdentifier, if the certificate has one.
    pub(super) key_identifier: Option<Vec<u8>>,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// A root: signs CAs.
    Root,
    /// An intermediate: signs leaves only.
    Intermediate,
    /// A TLS server.
    Server,
    /// A TLS client.
    Client,
}

/// The content of a certificate, except for issuer and key.
pub(super) struct Content<'a> {
    pub(super) usage: Usage,
    pub(super) subject: Subject,
    pub(super) sans: &'a [San],
    pub(super) not_before: OffsetDateTime,
    pub(super) not_after: OffsetDateTime,
    pub(super) permitted: &'a [Subtree],
}

impl CertificateAuthority {
    /// Uses an existing CA.
    ///
    /// # Errors
    /// If the key does not match, or the certificate is not a CA that may sign.
    pub fn new(certificate: CertificateDer<'static>, key: &PrivateKey) -> Result<Self, Problem> {
        let refused = |name: &str, why: String| Problem::new(format!("the CA {name} cannot sign")).why(why);
        let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(&certificate)
            .map_err(|_| refused("given", "its certificate cannot be read".into()))?;
        let shown = super::names::display(parsed.subject());
        let is_ca = parsed
            .basic_constraints()
            .ok()
            .flatten()
            .is_some_and(|found| found.value.ca);
        if !is_ca {
            return Err(refused(
                &shown,
                "it is not a CA certificate (basicConstraints lacks CA:TRUE)".into(),
            ));
        }
        let key_usage = parsed.key_usage().ok().flatten().map(|found| found.value);
        if key_usage.is_some_and(|usage| !usage.key_cert_sign()) {
            return Err(refused(&shown, "its keyUsage lacks keyCertSign".into()));
        }
        if !key.fits(&certificate) {
            return Err(refused(&shown, "the private key does not match its certificate".into())
                .fix("pass the certificate and the key of the same CA"));
        }
        if parsed.subject().iter_rdn().next().is_none()
            || parsed.subject().iter_rdn().any(|rdn| rdn.iter().next().is_none())
        {
            return Err(refused(&shown, "its subject is empty".into()));
        }
        let pair = key_pair(key)?;
        let name = parsed.subject().as_raw().to_vec();
        let (not_before, not_after) = (
            parsed.validity().not_before.to_datetime(),
            parsed.validity().not_after.to_datetime(),
        );
        let mut params = CertificateParams::default();
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        if key_usage.is_none_or(x509_parser::extensions::KeyUsage::crl_sign) {
            params.key_usages.push(KeyUsagePurpose::CrlSign);
        }
        params.distinguished_name = distinguished_name_of(parsed.subject());
        let key_identifier = super::names::subject_key_identifier(&parsed);
        if let Some(identifier) = &key_identifier {
            params.key_identifier_method = KeyIdMethod::PreSpecified(identifier.clone());
        }
        Ok(Self {
            key_identifier,
            issuer: Issuer::new(params, pair),
            certificate,
            name,
            not_before,
            not_after,
        })
    }

    /// The CA's certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The subject's DER.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// The start of the CA's validity.
    pub fn not_before(&self) -> OffsetDateTime {
        self.not_before
    }

    /// The end of the CA's validity.
    pub fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    /// Signs a certificate for a public key.
    pub(super) fn sign(
        &self,
        content: &Content<'_>,
        public_key: &impl PublicKeyData,
    ) -> Result<CertificateDer<'static>, Problem> {
        let params = parameters(content, public_key)?;
        let signed = params.signed_by(public_key, &self.issuer).map_err(failed)?;
        super::reissue::with_issuer(signed.into(), &self.name, |message| {
            rcgen::SigningKey::sign(self.issuer.key(), message).map_err(failed)
        })
    }
}

impl CertificateAuthority {
    /// Like [`Self::sign`], but with exactly this `subject` (DER) instead of the content's, which
    /// is empty if and only if `subject` is.
    pub(super) fn sign_as(
        &self,
        content: &Content<'_>,
        public_key: &impl PublicKeyData,
        subject: &[u8],
    ) -> Result<CertificateDer<'static>, Problem> {
        super::reissue::with_subject(self.sign(content, public_key)?, subject, |message| {
            rcgen::SigningKey::sign(self.issuer.key(), message).map_err(failed)
        })
    }
}

/// Creates a self-signed CA.
pub(super) fn self_signed(content: &Content<'_>, pair: KeyPair) -> Result<CertificateAuthority, Problem> {
    let certificate = parameters(content, &pair)?.self_signed(&pair).map_err(failed)?;
    CertificateAuthority::made(content, certificate.into(), pair)
}

impl CertificateAuthority {
    /// Creates a CA below this one.
    pub(super) fn sign_ca(&self, content: &Content<'_>, pair: KeyPair) -> Result<Self, Problem> {
        let certificate = self.sign(content, &pair)?;
        Self::made(content, certificate, pair)
    }

    /// A CA with the same name and a different key, which nobody trusts.
    pub(super) fn impostor(&self, pair: KeyPair) -> Self {
        let mut params = CertificateParams::default();
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self {
            certificate: self.certificate.clone(),
            key_identifier: None,
            issuer: Issuer::new(params, pair),
            name: self.name.clone(),
            not_before: self.not_before,
            not_after: self.not_after,
        }
    }

    /// A CA whose certificate was just created, so that no checks are needed.
    fn made(content: &Content<'_>, certificate: CertificateDer<'static>, pair: KeyPair) -> Result<Self, Problem> {
        let (name, key_identifier) = {
            let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(&certificate)
                .map_err(|_| Problem::new("the new CA certificate cannot be read back"))?;
            (
                parsed.subject().as_raw().to_vec(),
                super::names::subject_key_identifier(&parsed),
            )
        };
        let params = parameters(content, &pair)?;
        Ok(Self {
            key_identifier,
            issuer: Issuer::new(params, pair),
            certificate,
            name,
            not_before: content.not_before,
            not_after: content.not_after,
        })
    }
}

/// Generates a key pair.
///
/// # Errors
/// If the crypto provider fails.
pub(super) fn generate(key_type: KeyType) -> Result<KeyPair, Problem> {
    let rsa = |size| KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size).map_err(failed);
    match key_type {
        KeyType::EcdsaP256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(failed),
        KeyType::EcdsaP384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).map_err(failed),
        KeyType::Ed25519 => {
            // rcgen writes PKCS#8 version 2, which OpenSSL 3.0 does not read.
            let unavailable = || Problem::new("cannot create an Ed25519 key").why("the crypto provider failed");
            let pair = aws_lc_rs::signature::Ed25519KeyPair::generate().map_err(|_| unavailable())?;
            let document = pair.to_pkcs8v1().map_err(|_| unavailable())?;
            let der = PrivatePkcs8KeyDer::from(document.as_ref());
            KeyPair::from_pkcs8_der_and_sign_algo(&der, &rcgen::PKCS_ED25519).map_err(failed)
        }
        KeyType::Rsa2048 => rsa(RsaKeySize::_2048),
        KeyType::Rsa3072 => rsa(RsaKeySize::_3072),
        KeyType::Rsa4096 => rsa(RsaKeySize::_4096),
    }
}

/// Uses an existing key for signing.
fn key_pair(key: &PrivateKey) -> Result<KeyPair, Problem> {
    KeyPair::try_from(&PrivatePkcs8KeyDer::from(key.pkcs8())).map_err(|_| {
        Problem::new("the CA's private key cannot sign here")
            .why("only RSA with 2048 bits or more, ECDSA with P-256, P-384 or P-521, and Ed25519 are supported")
    })
}

/// The key of a pair, without rcgen's type.
pub(super) fn private_key(pair: &KeyPair) -> PrivateKey {
    PrivateKey::from_pkcs8(pair.serialized_der().to_vec())
}

/// A random positive serial number of 16 octets (RFC 5280 section 4.1.2.2).
///
/// # Errors
/// If the system provides no random bytes.
pub(super) fn random_serial() -> Result<[u8; 16], Problem> {
    let mut serial = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut serial).map_err(|_| Problem::new("the system provides no random bytes"))?;
    // Positive, with fixed length and a unique encoding: DER drops leading zeros.
    serial[0] = (serial[0] & 0x3f) | 0x40;
    Ok(serial)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err calls")]
pub(super) fn failed(error: rcgen::Error) -> Problem {
    Problem::new("cannot sign a certificate").why(error.to_string())
}

fn parameters(content: &Content<'_>, public_key: &impl PublicKeyData) -> Result<CertificateParams, Problem> {
    let is_rsa = [
        &rcgen::PKCS_RSA_SHA256,
        &rcgen::PKCS_RSA_SHA384,
        &rcgen::PKCS_RSA_SHA512,
    ]
    .iter()
    .any(|algorithm| *public_key.algorithm() == **algorithm);
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&random_serial()?));
    params.not_before = content.not_before;
    params.not_after = content.not_after;
    params.distinguished_name = distinguished_name(&content.subject)?;
    // RFC 7093 section 2, method 1: 160 bits of the SHA-256 of the key's bits. rcgen's default
    // hashes the whole SubjectPublicKeyInfo.
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, public_key.der_bytes());
    params.key_identifier_method = KeyIdMethod::PreSpecified(hash.as_ref()[..20].to_vec());
    params.use_authority_key_identifier_extension = content.usage != Usage::Root;
    let ca_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let mut leaf_usages = vec![KeyUsagePurpose::DigitalSignature];
    if is_rsa && content.usage == Usage::Server {
        // For the RSA key exchange of TLS 1.2.
        leaf_usages.push(KeyUsagePurpose::KeyEncipherment);
    }
    match content.usage {
        Usage::Root => {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = ca_usages;
        }
        Usage::Intermediate => {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
            params.key_usages = ca_usages;
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        }
        Usage::Server => {
            params.is_ca = IsCa::ExplicitNoCa;
            params.key_usages = leaf_usages;
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        }
        Usage::Client => {
            params.is_ca = IsCa::ExplicitNoCa;
            params.key_usages = leaf_usages;
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }
    }
    for san in content.sans {
        let text = |text: &str| text.to_owned().try_into().map_err(failed);
        params.subject_alt_names.push(match san {
            San::Dns(host) => SanType::DnsName(text(host.as_str())?),
            San::Ip(ip) => SanType::IpAddress(*ip),
            San::Uri(uri) => SanType::URI(text(uri)?),
            San::Email(email) => SanType::Rfc822Name(text(email)?),
        });
    }
    params
        .custom_extensions
        .extend(super::constraints::extension(content.permitted));
    Ok(params)
}

fn distinguished_name(subject: &Subject) -> Result<DistinguishedName, Problem> {
    let mut name = DistinguishedName::new();
    for (attribute, value) in subject.attributes() {
        let kind = match attribute {
            Attribute::Country => DnType::CountryName,
            Attribute::State => DnType::StateOrProvinceName,
            Attribute::Locality => DnType::LocalityName,
            Attribute::Organization => DnType::OrganizationName,
            Attribute::OrganizationalUnit => DnType::OrganizationalUnitName,
            Attribute::CommonName => DnType::CommonName,
        };
        let value = if *attribute == Attribute::Country {
            // RFC 5280 appendix A.1: PrintableString.
            DnValue::PrintableString(value.as_str().try_into().map_err(failed)?)
        } else {
            DnValue::Utf8String(value.clone())
        };
        name.push(kind, value);
    }
    Ok(name)
}

/// A placeholder for a CA's name; the exact one is inserted afterwards (`reissue`), because rcgen
/// keeps only one value of each attribute.
fn distinguished_name_of(name: &x509_parser::x509::X509Name<'_>) -> DistinguishedName {
    let mut stand_in = DistinguishedName::new();
    stand_in.push(DnType::CommonName, super::names::display(name));
    stand_in
}
