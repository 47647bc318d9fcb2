//! One client connection from its first byte to its last: plain or TLS, the
//! filter chain by SNI, HTTP/1.1 or HTTP/2, and when it is closed.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::HeaderValue;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;

use super::current::Generation;
use super::forwarded;
use super::proxy;
use super::signals::{Cut, Signals};
use super::stats::Counter;
use super::tls_failure;
use super::upstream::LocalExecutor;
use super::wire::Watched;
use super::worker::Worker;
use crate::gateway::config::table::{ListenerProtocol, RouteTable, SniTable};
use crate::gateway::matching;

/// A connection as its requests see it.
pub(super) struct Connection {
    pub(super) worker: Rc<Worker>,
    pub(super) signals: Rc<Signals>,
    pub(super) peer: SocketAddr,
    gateway_port: u16,
    /// Of a TLS connection: its filter chain's name.
    chain: Option<String>,
    /// The server name that the client asked for.
    pub(super) sni: Option<String>,
    /// `x-forwarded-client-cert`, when the client proved a certificate.
    pub(super) client_certificate: Option<HeaderValue>,
    /// The peer's address as text.
    pub(super) peer_text: HeaderValue,
    /// Whether the peer is on a private network.
    pub(super) peer_is_internal: bool,
    binding: RefCell<Rc<Binding>>,
}

/// A connection's routes in one table.
pub(super) struct Binding {
    pub(super) generation: Arc<Generation>,
    /// None: the server is gone from the table; every request is a 404.
    pub(super) routes: Option<Arc<RouteTable>>,
}

impl Connection {
    /// Whether the client speaks TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.chain.is_some()
    }

    /// The routes that hold now. After a new table, those of the chain with
    /// the same name: as Envoy, an open connection follows route changes and
    /// keeps the certificate it was opened with.
    pub(super) fn binding(&self) -> Rc<Binding> {
        let number = self.worker.current.number();
        if self.binding.borrow().generation.number != number {
            let generation = self.worker.current.generation();
            let routes = self.routes_in(&generation);
            *self.binding.borrow_mut() = Rc::new(Binding { generation, routes });
        }
        Rc::clone(&self.binding.borrow())
    }

    fn routes_in(&self, generation: &Generation) -> Option<Arc<RouteTable>> {
        match (&generation.listener(self.gateway_port)?.protocol, &self.chain) {
            (ListenerProtocol::Http(routes), None) => Some(Arc::clone(routes)),
            (ListenerProtocol::Tls(chains), Some(name)) => {
                let by_sni = matching::filter_chain(chains, self.sni.as_deref()).filter(|chain| chain.name == *name);
                let mut all = chains.exact.values().chain(chains.wildcard.values()).chain(&chains.any);
                let chain = by_sni.or_else(|| all.find(|chain| chain.name == *name))?;
                Some(Arc::clone(&chain.routes))
            }
            _ => None,
        }
    }
}

/// Ends a connection as Envoy ends one that no filter chain wants: a TCP reset.
pub(super) fn reset(stream: TcpStream) {
    // Lingering for zero seconds makes the close a reset.
    let _ = socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO));
    drop(stream);
}

/// Serves one connection until it ends.
pub(super) async fn serve(worker: &Rc<Worker>, stream: TcpStream, peer: SocketAddr, port: u16, signals: Rc<Signals>) {
    let _ = stream.set_nodelay(true);
    let generation = worker.current.generation();
    match generation.listener(port).map(|listener| &listener.protocol) {
        Some(ListenerProtocol::Http(routes)) => {
            let routes = Some(Arc::clone(routes));
            let binding = Rc::new(Binding { generation, routes });
            plain(worker, stream, peer, port, signals, binding).await;
        }
        Some(ListenerProtocol::Tls(chains)) => {
            tls(worker, stream, peer, port, signals, &generation, chains).await;
        }
        None => reset(stream),
    }
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

async fn plain(
    worker: &Rc<Worker>,
    mut stream: TcpStream,
    peer: SocketAddr,
    port: u16,
    signals: Rc<Signals>,
    binding: Rc<Binding>,
) {
    let limits = &worker.settings.limits;
    let first = tokio::select! {
        first = tokio::time::timeout(limits.head_time, first_bytes(&stream)) => first,
        _ = signals.next() => return,
    };
    let Ok(Ok((bytes, length))) = first else {
        return;
    };
    if bytes[0] == 0x16 {
        tracing::info!("{peer}: TLS was spoken to port {port}, which is plain HTTP; answered 400 in plain text");
        let _ = stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 11\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\nBad Request")
            .await;
        let _ = stream.shutdown().await;
        return;
    }
    let connection = Connection {
        worker: Rc::clone(worker),
        signals,
        peer,
        gateway_port: port,
        chain: None,
        sni: None,
        client_certificate: None,
        peer_text: forwarded::address_text(peer.ip()),
        peer_is_internal: forwarded::is_internal(peer.ip()),
        binding: RefCell::new(binding),
    };
    speak(Rc::new(connection), stream, &bytes[..length] == PREFACE).await;
}

/// Looks at a plain connection's first bytes, without taking them, until it is
/// clear whether they are HTTP/2's preface.
async fn first_bytes(stream: &TcpStream) -> std::io::Result<([u8; PREFACE.len()], usize)> {
    let mut bytes = [0; PREFACE.len()];
    loop {
        let length = stream.peek(&mut bytes).await?;
        if length == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if length == PREFACE.len() || bytes[..length] != PREFACE[..length] {
            return Ok((bytes, length));
        }
        // More of the preface is under way; a peek cannot wait for it.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

async fn tls(
    worker: &Rc<Worker>,
    stream: TcpStream,
    peer: SocketAddr,
    port: u16,
    signals: Rc<Signals>,
    generation: &Arc<Generation>,
    chains: &SniTable,
) {
    let limits = &worker.settings.limits;
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(limits.handshake, handshake(worker, stream, peer, port, generation, chains)) => shaken,
        _ = signals.next() => return,
    };
    let Ok(shaken) = shaken else {
        worker.stats.add(Counter::HandshakesFailed);
        let seconds = limits.handshake.as_secs();
        tracing::info!("{peer}: port {port}: the client did not finish the handshake within {seconds} s");
        return;
    };
    let Some(Shaken {
        stream,
        sni,
        name,
        routes,
    }) = shaken
    else {
        return;
    };
    worker.stats.add(Counter::Handshakes);
    let session = stream.get_ref().1;
    let speaks_h2 = session.alpn_protocol() == Some(b"h2");
    let client_certificate = session
        .peer_certificates()
        .and_then(<[_]>::first)
        .and_then(|certificate| forwarded::client_certificate(certificate));
    let connection = Connection {
        worker: Rc::clone(worker),
        signals,
        peer,
        gateway_port: port,
        chain: Some(name),
        sni,
        client_certificate,
        peer_text: forwarded::address_text(peer.ip()),
        peer_is_internal: forwarded::is_internal(peer.ip()),
        binding: RefCell::new(Rc::new(Binding {
            generation: Arc::clone(generation),
            routes: Some(routes),
        })),
    };
    speak(Rc::new(connection), stream, speaks_h2).await;
}

struct Shaken {
    stream: tokio_rustls::server::TlsStream<TcpStream>,
    sni: Option<String>,
    name: String,
    routes: Arc<RouteTable>,
}

/// Looks at the first bytes, without taking them. What is no TLS is reset, and
/// a client of before TLS 1.2 gets the alert that says so: rustls would answer
/// by what else such a hello lacks.
async fn look_at_hello(worker: &Worker, mut stream: TcpStream, peer: SocketAddr, port: u16) -> Option<TcpStream> {
    let mut first = [0; 11];
    let length = stream.peek(&mut first).await.ok().filter(|length| *length > 0)?;
    if first[0] != 0x16 {
        worker.stats.add(Counter::HandshakesFailed);
        tracing::info!(
            "{peer}: port {port} speaks TLS, and the client does not (plain HTTP?); the connection is reset"
        );
        reset(stream);
        return None;
    }
    // The record's five bytes, the handshake's type and length, the version.
    if length == first.len() && first[5] == 1 && u16::from_be_bytes([first[9], first[10]]) < 0x0303 {
        worker.stats.add(Counter::HandshakesFailed);
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

/// The TLS handshake with the chain that the SNI chooses. None: it failed, the
/// connection is closed as Envoy would, and the log says why.
async fn handshake(
    worker: &Rc<Worker>,
    stream: TcpStream,
    peer: SocketAddr,
    port: u16,
    generation: &Generation,
    chains: &SniTable,
) -> Option<Shaken> {
    let stream = look_at_hello(worker, stream, peer, port).await?;
    let failed = |name: Option<&str>, error: &std::io::Error| {
        worker.stats.add(Counter::HandshakesFailed);
        let name = name.map(|name| format!(", SNI {name}")).unwrap_or_default();
        tracing::info!("{peer}: port {port}{name}: {}", tls_failure::explain(error));
    };
    let start = match LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await {
        Ok(start) => start,
        Err(error) => {
            failed(None, &error);
            return None;
        }
    };
    let sni = start.client_hello().server_name().map(str::to_owned);
    let refuse = |start: tokio_rustls::StartHandshake<TcpStream>, why: String| {
        worker.stats.add(Counter::SniRefused);
        tracing::info!("{peer}: port {port}: {why}; the connection is reset without an alert, as Istio does");
        reset(start.io);
        None
    };
    let Some(chain) = matching::filter_chain(chains, sni.as_deref()) else {
        let why = match &sni {
            Some(name) => format!("no Gateway server on this port has the host {name} (SNI)"),
            None => {
                "the client sent no server name (SNI), and no Gateway server on this port has the host *".to_owned()
            }
        };
        return refuse(start, why);
    };
    let shown = sni.as_deref().unwrap_or("no SNI");
    let config = match generation.handshakes.choose(chain, &start.client_hello()) {
        Ok(config) => config,
        Err(why) => return refuse(start, format!("{} cannot serve {shown}: {why}", chain.name)),
    };
    match start.into_stream(config).into_fallible().await {
        Ok(stream) => Some(Shaken {
            stream,
            name: chain.name.clone(),
            routes: Arc::clone(&chain.routes),
            sni,
        }),
        Err((error, stream)) => {
            failed(Some(shown), &error);
            linger(stream).await;
            None
        }
    }
}

/// Closes so that the client reads the alert: one with TLS 1.3 has its first
/// request under way already, and to close on unread bytes would be a reset
/// that overtakes the alert.
async fn linger(mut stream: TcpStream) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut unread = [0; 1024];
    let drained = async { while matches!(stream.read(&mut unread).await, Ok(1..)) {} };
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), drained).await;
}

/// Speaks HTTP until the connection ends.
async fn speak<T>(connection: Rc<Connection>, stream: T, speaks_h2: bool)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let worker = Rc::clone(&connection.worker);
    let signals = Rc::clone(&connection.signals);
    let limits = &worker.settings.limits;
    let watched = Watched::new(stream, Arc::clone(&signals.activity), !speaks_h2, limits.head_bytes);
    let io = TokioIo::new(watched);
    let service = service_fn(move |request| proxy::answer(Rc::clone(&connection), request));
    if speaks_h2 {
        let serving = http2::Builder::new(LocalExecutor)
            .max_concurrent_streams(limits.streams)
            .max_pending_accept_reset_streams(limits.pending_resets)
            .max_header_list_size(limits.head_bytes as u32)
            .max_send_buf_size(256 * 1024)
            .initial_stream_window_size(1024 * 1024)
            .initial_connection_window_size(4 * 1024 * 1024)
            .serve_connection(io, service);
        tokio::pin!(serving);
        loop {
            tokio::select! {
                biased;
                ended = serving.as_mut() => return note(ended),
                how = signals.next() => match how {
                    Cut::Now => return,
                    _ => serving.as_mut().graceful_shutdown(),
                },
            }
        }
    }
    let serving = http1::Builder::new()
        .header_read_timeout(None)
        .max_headers(limits.header_lines)
        .max_header_size(limits.head_bytes)
        .serve_connection(io, service)
        .with_upgrades();
    tokio::pin!(serving);
    loop {
        tokio::select! {
            biased;
            ended = serving.as_mut() => {
                note(ended);
                return signals.upgraded().await;
            }
            how = signals.next() => match how {
                Cut::Now => return,
                _ => serving.as_mut().graceful_shutdown(),
            },
        }
    }
}

fn note(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!("a connection ended: {error}");
    }
}
