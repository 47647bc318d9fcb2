//! A TLS client that accepts everything: it records the served chain, the handshake signature and
//! the certificate request, and leaves judgement for later. Nothing confidential is sent over it
//! unless the user requested it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};

use super::facts::{ClientCertificate, HandshakeSignature, SentCertificate};
use super::stream::Shared;

/// The content of the handshake's certificate messages.
#[derive(Debug)]
pub struct Record {
    /// The chain in the served order.
    pub chain: Vec<Vec<u8>>,
    /// Whether an OCSP response was stapled.
    pub ocsp_stapled: bool,
    /// The result of the signature check.
    pub signature: HandshakeSignature,
    /// The part about the client certificate.
    pub client_certificate: ClientCertificate,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            chain: Vec::new(),
            ocsp_stapled: false,
            signature: HandshakeSignature::None,
            client_certificate: ClientCertificate::default(),
        }
    }
}

/// A client configuration that records into the returned handle.
///
/// # Errors
/// If the provider supports none of `versions`.
pub fn config(
    provider: &Arc<CryptoProvider>,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[String],
    credential: Option<Arc<CertifiedKey>>,
) -> Result<(ClientConfig, Shared<Record>), rustls::Error> {
    let record: Shared<Record> = Shared::default();
    let verifier = RecordingVerifier {
        provider: Arc::clone(provider),
        record: record.clone(),
    };
    let resolver = RecordingResolver {
        credential,
        record: record.clone(),
    };
    let mut config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config.resumption = Resumption::disabled();
    Ok((config, record))
}

#[derive(Debug)]
struct RecordingVerifier {
    provider: Arc<CryptoProvider>,
    record: Shared<Record>,
}

impl RecordingVerifier {
    /// Records the result of the check; the handshake continues in any case.
    fn checked(&self, outcome: Result<HandshakeSignatureValid, rustls::Error>) -> HandshakeSignatureValid {
        self.record.get().signature = match outcome {
            Ok(_) => HandshakeSignature::Verified,
            Err(rustls::Error::InvalidCertificate(rustls::CertificateError::BadSignature)) => HandshakeSignature::Wrong,
            Err(error) => HandshakeSignature::Unchecked(error.to_string()),
        };
        HandshakeSignatureValid::assertion()
    }
}

impl ServerCertVerifier for RecordingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut record = self.record.get();
        record.chain = std::iter::once(end_entity)
            .chain(intermediates)
            .map(|certificate| certificate.to_vec())
            .collect();
        record.ocsp_stapled = !ocsp_response.is_empty();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        Ok(self.checked(rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            algorithms,
        )))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        Ok(self.checked(rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            algorithms,
        )))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        // SHA-1 is offered last, so that an outdated server responds and can be identified.
        let mut schemes = self.provider.signature_verification_algorithms.supported_schemes();
        for old in [SignatureScheme::RSA_PKCS1_SHA1, SignatureScheme::ECDSA_SHA1_Legacy] {
            if !schemes.contains(&old) {
                schemes.push(old);
            }
        }
        schemes
    }
}

#[derive(Debug)]
struct RecordingResolver {
    credential: Option<Arc<CertifiedKey>>,
    record: Shared<Record>,
}

impl ResolvesClientCert for RecordingResolver {
    fn resolve(&self, authorities: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let sent = match &self.credential {
            None => SentCertificate::None,
            Some(credential) if credential.key.choose_scheme(schemes).is_some() => SentCertificate::Certificate,
            Some(_) => SentCertificate::NoCommonScheme,
        };
        self.record.get().client_certificate = ClientCertificate {
            requested: true,
            authorities: authorities.iter().map(|name| distinguished_name(name)).collect(),
            authorities_der: authorities.iter().map(|name| name.to_vec()).collect(),
            schemes: schemes.iter().map(|scheme| scheme_name(*scheme)).collect(),
            sent,
        };
        // The certificate is sent regardless of the server's list, as curl and OpenSSL do.
        self.credential.clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A DER name in RFC 4514 style, most specific part last.
fn distinguished_name(der: &[u8]) -> String {
    use x509_parser::prelude::FromDer as _;
    match x509_parser::x509::X509Name::from_der(der) {
        Ok((_, name)) => name.to_string(),
        Err(_) => "(unreadable name)".to_owned(),
    }
}

/// The IANA name of a signature scheme.
fn scheme_name(scheme: SignatureScheme) -> String {
    match scheme.as_str() {
        Some(name) => name.to_lowercase(),
        None => format!("{:#06x}", u16::from(scheme)),
    }
}
