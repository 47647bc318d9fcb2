//! Which client certificates a filter chain accepts: the authorities and
//! revocation lists as webpki checks them, then what Istio's
//! `ServerTLSSettings` adds: names, pinned keys and pinned certificates.

use std::sync::Arc;

use aws_lc_rs::digest;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore, SignatureScheme,
};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::gateway::config::table::ClientVerification;

/// A verifier for one chain; `required` refuses clients without a certificate.
///
/// # Errors
/// When the authorities or revocation lists cannot be used.
pub(super) fn verifier(
    verification: &ClientVerification,
    required: bool,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let mut roots = RootCertStore::empty();
    for authority in verification.authorities.iter() {
        roots
            .add(authority.clone())
            .map_err(|error| format!("a CA certificate for clients cannot be used: {error}"))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .with_crls(verification.crls.iter().cloned())
        .enforce_revocation_expiration();
    let builder = if verification.unlisted_allowed {
        builder.allow_unknown_revocation_status()
    } else {
        builder
    };
    // Envoy demands a certificate where it is to have certain names.
    let required = required || !verification.subject_alt_names.is_empty();
    let builder = if required {
        builder
    } else {
        builder.allow_unauthenticated()
    };
    let inner = builder
        .build()
        .map_err(|error| format!("clients cannot be verified: {error}"))?;
    // Envoy offers no Ed25519 to clients (measured), so neither does this.
    let schemes = inner
        .supported_verify_schemes()
        .into_iter()
        .filter(|scheme| *scheme != SignatureScheme::ED25519)
        .collect();
    Ok(Arc::new(ChainVerifier {
        inner,
        schemes,
        names: verification.subject_alt_names.clone(),
        keys: verification.spki_sha256.clone(),
        certificates: verification.certificate_sha256.clone(),
        accept_untrusted: verification.accept_untrusted,
    }))
}

#[derive(Debug)]
struct ChainVerifier {
    inner: Arc<dyn ClientCertVerifier>,
    schemes: Vec<SignatureScheme>,
    names: Vec<String>,
    keys: Vec<[u8; 32]>,
    certificates: Vec<[u8; 32]>,
    accept_untrusted: bool,
}

impl ClientCertVerifier for ChainVerifier {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self
            .inner
            .verify_client_cert(end_entity, intermediates, now)
            .and_then(|verified| self.check_pins(end_entity).map(|()| verified));
        if self.accept_untrusted && verified.is_err() {
            return Ok(ClientCertVerified::assertion());
        }
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

impl ChainVerifier {
    /// The names, and either of the pin lists (Istio: one match in either is enough).
    fn check_pins(&self, end_entity: &CertificateDer<'_>) -> Result<(), Error> {
        if self.names.is_empty() && self.keys.is_empty() && self.certificates.is_empty() {
            return Ok(());
        }
        let (_, certificate) = X509Certificate::from_der(end_entity).map_err(|_| CertificateError::BadEncoding)?;
        if !self.names.is_empty() && !names_of(&certificate).iter().any(|name| self.names.contains(name)) {
            // Envoy says certificate_unknown here.
            return Err(Error::InvalidCertificate(CertificateError::Other(OtherError(
                Arc::new(NameNotListed),
            ))));
        }
        let pinned = !self.keys.is_empty() || !self.certificates.is_empty();
        let sha256 = |bytes: &[u8]| digest::digest(&digest::SHA256, bytes);
        let held =
            |pins: &[[u8; 32]], bytes: &[u8]| !pins.is_empty() && pins.iter().any(|pin| pin == sha256(bytes).as_ref());
        if pinned && !held(&self.keys, certificate.public_key().raw) && !held(&self.certificates, end_entity) {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(())
    }
}

/// None of the certificate's names is among `subjectAltNames`.
#[derive(Debug, thiserror::Error)]
#[error("none of its names is among subjectAltNames")]
struct NameNotListed;

/// The subject alternative names in the form in which Istio compares them.
pub(super) fn names_of(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    extension.value.general_names.iter().filter_map(name_text).collect()
}

fn name_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(text) | GeneralName::URI(text) | GeneralName::RFC822Name(text) => Some((*text).to_owned()),
        GeneralName::IPAddress(bytes) => match *bytes {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string()),
            bytes => <[u8; 16]>::try_from(bytes)
                .ok()
                .map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::pki_types::UnixTime;
    use rustls::{CertificateError, Error};

    use super::verifier;
    use crate::gateway::config::table::ClientVerification;

    #[test]
    fn an_expired_list_refuses_every_client_of_its_ca() {
        use time::{Duration, OffsetDateTime};

        use crate::certs::{Authority, CertificateAuthority, ChainPlan, crl, issue_chain};
        use crate::names::Host;

        let now = OffsetDateTime::from_unix_timestamp(1_760_000_000).unwrap();
        let chain = issue_chain(&ChainPlan::new(Host::parse("a.com").unwrap()), Authority::New, now).unwrap();
        let issuer = &chain.intermediate;
        let ca = CertificateAuthority::new(issuer.certificate.clone(), issuer.key.as_ref().unwrap()).unwrap();
        let list = crl::issue(&crl::Contents::default(), &ca, now - Duration::days(100)).unwrap();
        let verification = ClientVerification {
            authorities: [issuer.certificate.clone()].into(),
            crls: vec![list],
            ..ClientVerification::default()
        };
        let verifier = verifier(
            &verification,
            true,
            Arc::clone(&crate::gateway::dataplane::tls::PROVIDER),
        )
        .unwrap();
        let client = &chain.clients[0].issued.certificate;
        let at = |when: OffsetDateTime| {
            let seconds = std::time::Duration::from_secs(u64::try_from(when.unix_timestamp()).unwrap());
            verifier.verify_client_cert(client, &[], UnixTime::since_unix_epoch(seconds))
        };
        assert!(at(now + Duration::days(1)).is_ok());
        let late = at(now + crl::LIFETIME - Duration::days(99));
        assert!(
            matches!(
                late,
                Err(Error::InvalidCertificate(
                    CertificateError::ExpiredRevocationListContext { .. }
                ))
            ),
            "{late:?}"
        );
    }
}
