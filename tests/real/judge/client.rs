//! The client of both gateways: it sends a request's bytes and tells what came
//! of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::case::{Protocol, Request, Tls};
use super::outcome::{Outcome, visible};
use super::{client_http1, client_http2, material};

/// How long an answer is waited for on a slow machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long silence is listened to, where it is expected.
const SILENCE: Duration = Duration::from_secs(1);

/// Sends a request on a connection of its own.
pub(super) fn send(request: &Request, address: Option<SocketAddr>) -> Outcome {
    let mut outcome = Outcome::default();
    let Some(address) = address else {
        outcome.set("tls", "the port is not open");
        return outcome;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let patience = if request.connection.silent { SILENCE } else { PATIENCE };
        let exchange = exchange(request, address, &mut outcome);
        if tokio::time::timeout(patience, exchange).await.is_err() {
            outcome.set("end", "silence");
        }
    });
    outcome
}

async fn exchange(request: &Request, address: SocketAddr, outcome: &mut Outcome) {
    let stream = match TcpStream::connect(address).await {
        Ok(stream) => stream,
        Err(error) => return outcome.set("tls", class(&error)),
    };
    let Some(tls) = &request.connection.tls else {
        return talk(stream, request, outcome).await;
    };
    match handshake(stream, tls, request.connection.protocol).await {
        Ok(stream) => {
            let (_, connection) = stream.get_ref();
            let alpn = connection.alpn_protocol().map(visible).unwrap_or_default();
            let leaf = connection
                .peer_certificates()
                .map_or("none".to_owned(), |chain| name_of(&chain[0]));
            let version = connection.protocol_version().expect("a version");
            outcome.set("tls", format!("{version:?} alpn={alpn} leaf={leaf}"));
            talk(stream, request, outcome).await;
        }
        Err(error) => outcome.set("tls", class(&error)),
    }
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, request: &Request, outcome: &mut Outcome) {
    match request.connection.protocol {
        Protocol::Http1 => client_http1::talk(stream, request, outcome).await,
        Protocol::Http2 => client_http2::talk(stream, request, outcome).await,
        Protocol::Tcp => bytes(stream, request, outcome).await,
    }
}

/// Sends bytes and the end, and keeps all that comes.
async fn bytes(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &Request, outcome: &mut Outcome) {
    let mut answer = Vec::new();
    let sent = async {
        stream.write_all(&request.bytes).await?;
        stream.shutdown().await?;
        stream.read_to_end(&mut answer).await
    };
    let end = match sent.await {
        Ok(_) => "closed".to_owned(),
        Err(error) => class(&error),
    };
    outcome.set("end", end);
    outcome.set("body", visible(&answer));
}

/// What ended a connection, in a class that does not change from run to run.
pub(super) fn class(error: &std::io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::AlertReceived(alert)) => format!("alert {}", u8::from(*alert)),
        Some(other) => format!("{other}"),
        // Whether a reset or an end comes first is chance.
        None if error.kind() == std::io::ErrorKind::ConnectionRefused => "refused".to_owned(),
        None => "cut off".to_owned(),
    }
}

async fn handshake(
    stream: TcpStream,
    tls: &Tls,
    protocol: Protocol,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let versions: &[&rustls::SupportedProtocolVersion] = match tls.version {
        Some(12) => &[&rustls::version::TLS12],
        Some(13) => &[&rustls::version::TLS13],
        _ => rustls::ALL_VERSIONS,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)));
    let mut config = match &tls.client {
        Some(name) => {
            let pair = material::pair(name);
            let chain = CertificateDer::pem_slice_iter(pair.chain.as_bytes()).collect::<Result<_, _>>();
            let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("a key");
            builder
                .with_client_auth_cert(chain.expect("a chain"), key)
                .expect("a client's identity")
        }
        None => builder.with_no_client_auth(),
    };
    let spoken: &[&str] = match protocol {
        Protocol::Http1 => &["http/1.1"],
        Protocol::Http2 => &["h2"],
        Protocol::Tcp => &[],
    };
    let offered = tls
        .alpn
        .clone()
        .unwrap_or_else(|| spoken.iter().map(|name| (*name).to_owned()).collect());
    config.alpn_protocols = offered.into_iter().map(String::into_bytes).collect();
    config.enable_sni = tls.sni.is_some();
    let name =
        ServerName::try_from(tls.sni.clone().unwrap_or_else(|| "none.invalid".to_owned())).expect("a server name");
    tokio_rustls::TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// The common name of a certificate.
fn name_of(certificate: &CertificateDer<'_>) -> String {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).expect("a certificate");
    parsed.subject().to_string()
}

/// Trusts every server: which certificate it shows is compared.
#[derive(Debug)]
struct Anyone(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
