//! TLS to `https` upstreams. One on a loopback address is not verified: nobody
//! can stand between, and its certificate is seldom one that verifies. Any
//! other is verified against the authorities that the server was given.

use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::tls::PROVIDER;

/// The configuration that verifies, and the one for this machine's own upstreams.
pub(super) fn configs(authorities: &[CertificateDer<'static>]) -> (Arc<ClientConfig>, Arc<ClientConfig>) {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities.iter().cloned());
    let builder = || {
        ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
            .with_safe_default_protocol_versions()
            .expect("the provider has suites for both versions")
    };
    let mut verifying = builder().with_root_certificates(roots).with_no_client_auth();
    let mut local = builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AcceptsLocal))
        .with_no_client_auth();
    for config in [&mut verifying, &mut local] {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    }
    (Arc::new(verifying), Arc::new(local))
}

/// For requests that upgrade the connection.
pub(super) const HTTP_1_1_ONLY: &[&[u8]] = &[b"http/1.1"];

/// The same with other application protocols.
pub(super) fn with_alpn(config: &Arc<ClientConfig>, protocols: &[&[u8]]) -> Arc<ClientConfig> {
    let mut config = (**config).clone();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Arc::new(config)
}

/// Shakes hands with an upstream under the name that the user gave it.
pub(super) async fn connect<T>(config: Arc<ClientConfig>, host: &str, stream: T) -> io::Result<TlsStream<T>>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("{host} is no server name")))?;
    TlsConnector::from(config).connect(name, stream).await
}

/// Takes any certificate of an upstream on a loopback address; its handshake
/// signature is still checked.
#[derive(Debug)]
struct AcceptsLocal;

impl ServerCertVerifier for AcceptsLocal {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &PROVIDER.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &PROVIDER.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        PROVIDER.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::ServerConfig;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::TlsAcceptor;

    use super::{configs, connect};
    use crate::gateway::dataplane::tls::PROVIDER;

    /// Shakes hands, by the configuration for other machines or for this one.
    async fn shakes_hands(authorities: &[CertificateDer<'static>], host: &str, local: bool) -> bool {
        let (verifying, accepting) = configs(authorities);
        let (certificate, key) = upstream();
        let server = ServerConfig::builder_with_provider(Arc::clone(&PROVIDER))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let (near, far) = tokio::io::duplex(1 << 16);
        let acceptor = TlsAcceptor::from(Arc::new(server));
        let server = tokio::spawn(async move { acceptor.accept(far).await.is_ok() });
        let config = if local { accepting } else { verifying };
        let connected = connect(config, host, near).await.is_ok();
        server.await.unwrap();
        connected
    }

    fn upstream() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        static MADE: std::sync::OnceLock<rcgen::CertifiedKey<rcgen::KeyPair>> = std::sync::OnceLock::new();
        let made = MADE.get_or_init(|| rcgen::generate_simple_self_signed(vec!["up.example.com".into()]).unwrap());
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        (made.cert.der().clone(), key)
    }

    #[tokio::test]
    async fn upstreams_elsewhere_are_verified_by_the_given_authorities() {
        let (authority, _) = upstream();
        let trusted = [authority];
        assert!(shakes_hands(&trusted, "up.example.com", false).await);
        assert!(!shakes_hands(&trusted, "other.example.com", false).await);
        assert!(!shakes_hands(&[], "up.example.com", false).await);
        assert!(shakes_hands(&[], "127.0.0.1", true).await);
    }
}
