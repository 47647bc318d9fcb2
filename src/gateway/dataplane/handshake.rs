//! The TLS handshake of a connection: the filter chain by SNI, and what is said
//! and sent when there is none or the handshake fails.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::closing::{linger, reset};
use super::current::Generation;
use super::downstream::DownstreamTls;
use super::forwarded;
use super::stats::{Counter, Stats};
use super::{tls, tls_failure};
use crate::gateway::config::table::{FilterChain, SniTable};
use crate::gateway::matching;
use crate::remedy::Aim;

/// What a handshake needs, beside the stream.
pub(super) struct Handshake<'a> {
    pub(super) stats: &'a Stats,
    pub(super) peer: SocketAddr,
    pub(super) port: u16,
    pub(super) generation: &'a Generation,
    /// The port's filter chains in that generation.
    pub(super) chains: &'a SniTable,
    /// Where the user stands.
    pub(super) aim: &'a Aim,
}

/// A connection whose handshake succeeded.
pub(super) struct Shaken {
    pub(super) stream: TlsStream<TcpStream>,
    /// The chain that the SNI chose.
    pub(super) chain: Arc<FilterChain>,
    pub(super) speaks_h2: bool,
    pub(super) tls: DownstreamTls,
}

impl Handshake<'_> {
    /// Shakes hands with the chain that the SNI chooses. None: it failed, the
    /// connection is closed as Envoy would, and the log says why.
    pub(super) async fn shake(&self, stream: TcpStream) -> Option<Shaken> {
        let stream = self.look_at_hello(stream).await?;
        let start = match LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await {
            Ok(start) => start,
            Err(error) => {
                self.failed(None, &error);
                return None;
            }
        };
        let sni = start.client_hello().server_name().map(str::to_owned);
        let Some(chain) = matching::filter_chain(self.chains, sni.as_deref()) else {
            self.refuse(start.io, &no_chain(sni.as_deref()));
            return None;
        };
        let shown = sni.as_deref().unwrap_or("no SNI");
        let config = match self.generation.handshakes.choose(chain, &start.client_hello()) {
            Ok(config) => config,
            Err(why) => {
                self.refuse(start.io, &format!("{} cannot serve {shown}: {why}", chain.name));
                return None;
            }
        };
        match start.into_stream(config).into_fallible().await {
            Ok(stream) => Some(shaken(stream, chain, sni)),
            Err((error, stream)) => {
                self.failed(Some(shown), &error);
                linger(stream).await;
                None
            }
        }
    }

    /// Looks at the first bytes, without taking them. What is no TLS is reset, and
    /// a client of before TLS 1.2 gets the alert that says so: rustls would answer
    /// by what else such a hello lacks.
    async fn look_at_hello(&self, mut stream: TcpStream) -> Option<TcpStream> {
        let (peer, port) = (self.peer, self.port);
        let mut first = [0; 11];
        let length = stream.peek(&mut first).await.ok().filter(|length| *length > 0)?;
        if first[0] != 0x16 {
            self.stats.add(Counter::HandshakesFailed);
            tracing::info!(
                "{peer}: port {port} speaks TLS, and the client does not (plain HTTP?); the connection is reset"
            );
            reset(stream);
            return None;
        }
        // The record's five bytes, the handshake's type and length, the version.
        if length == first.len() && first[5] == 1 && u16::from_be_bytes([first[9], first[10]]) < 0x0303 {
            self.stats.add(Counter::HandshakesFailed);
            tracing::info!(
                "{peer}: port {port}: the gateway refused the client: it offers TLS 1.1 or older; sent the alert \
                 protocol_version (70)"
            );
            let _ = stream.write_all(&[0x15, 3, 1, 0, 2, 2, 70]).await;
            linger(stream).await;
            return None;
        }
        Some(stream)
    }

    /// Counts and logs a handshake that failed.
    fn failed(&self, name: Option<&str>, error: &std::io::Error) {
        self.stats.add(Counter::HandshakesFailed);
        let name = name.map(|name| format!(", SNI {name}")).unwrap_or_default();
        let (peer, port) = (self.peer, self.port);
        tracing::info!("{peer}: port {port}{name}: {}", tls_failure::explain(error, self.aim));
    }

    /// Resets a connection that no chain serves.
    fn refuse(&self, stream: TcpStream, why: &str) {
        self.stats.add(Counter::SniRefused);
        let (peer, port) = (self.peer, self.port);
        tracing::info!("{peer}: port {port}: {why}; the connection is reset without an alert");
        reset(stream);
    }
}

/// What is said of a server name, or none, that leads to no chain.
pub(super) fn no_chain(sni: Option<&str>) -> String {
    match sni {
        Some(name) => format!("no Gateway server on this port has the host {name} (SNI)"),
        None => "the client sent no server name (SNI), and no Gateway server on this port has the host *".to_owned(),
    }
}

fn shaken(stream: TlsStream<TcpStream>, chain: &Arc<FilterChain>, sni: Option<String>) -> Shaken {
    let session = stream.get_ref().1;
    let leaf = session.peer_certificates().and_then(<[_]>::first);
    let certificate = leaf.and_then(|certificate| forwarded::client_certificate(certificate));
    Shaken {
        speaks_h2: session.alpn_protocol() == Some(b"h2"),
        tls: DownstreamTls {
            chain: chain.name.clone(),
            sni,
            certificate,
            client_subject: leaf
                .and_then(|leaf| forwarded::client_subject(leaf))
                .unwrap_or_default(),
            version: match session.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
                _ => "TLSv1.3",
            },
            cipher: session.negotiated_cipher_suite().map_or("", tls::openssl_name),
        },
        chain: Arc::clone(chain),
        stream,
    }
}
