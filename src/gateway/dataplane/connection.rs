//! One client connection from its first byte to its last: plain or TLS,
//! HTTP/1.1, HTTP/2 or passed on, and when it is closed.

use std::cell::RefCell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response, Version};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::binding::Binding;
use super::closing::reset;
use super::current::Generation;
use super::downstream::Downstream;
use super::exchange::Exchange;
use super::handshake::{Handshake, Shaken, no_chain};
use super::http1::head::Bounds;
use super::http1::reader::Http1Reader;
use super::proxy;
use super::reason_phrase;
use super::response_body::ResponseBody;
use super::signals::{Cut, Signals};
use super::stats::Counter;
use super::tasks::LocalExecutor;
use super::tcp::Passing;
use super::wire::Watched;
use super::worker_state::WorkerState;
use crate::gateway::config::table::{Filter, ListenerProtocol, SniTable, Transport};
use crate::gateway::matching;
use crate::gateway::matching::client_hello::{self, FirstBytes};

/// A connection that speaks HTTP.
struct Connection {
    worker: Rc<WorkerState>,
    signals: Rc<Signals>,
    downstream: Rc<Downstream>,
    binding: RefCell<Rc<Binding>>,
}

impl Connection {
    fn new(
        worker: &Rc<WorkerState>,
        signals: Rc<Signals>,
        downstream: Downstream,
        generation: Arc<Generation>,
    ) -> Rc<Self> {
        Rc::new(Self {
            worker: Rc::clone(worker),
            signals,
            binding: RefCell::new(Rc::new(Binding::new(generation, &downstream))),
            downstream: Rc::new(downstream),
        })
    }

    /// The routes of the current table.
    fn binding(&self) -> Rc<Binding> {
        let number = self.worker.current.number();
        if self.binding.borrow().generation.number != number {
            let generation = self.worker.current.generation();
            *self.binding.borrow_mut() = Rc::new(Binding::new(generation, &self.downstream));
        }
        Rc::clone(&self.binding.borrow())
    }
}

/// Serves one connection until it ends.
pub(super) async fn serve(
    worker: &Rc<WorkerState>,
    stream: TcpStream,
    peer: SocketAddr,
    port: u16,
    signals: Rc<Signals>,
) {
    let _ = stream.set_nodelay(true);
    let generation = worker.current.generation();
    match generation.listener(port).map(|listener| &listener.protocol) {
        Some(ListenerProtocol::Http(_)) => plain(worker, stream, peer, port, signals, generation).await,
        Some(ListenerProtocol::Tls(chains)) if chains.is_inspected => {
            inspected(worker, stream, peer, port, signals, &generation, chains).await;
        }
        Some(ListenerProtocol::Tls(chains)) => {
            tls(worker, stream, peer, port, signals, &generation, chains).await;
        }
        Some(ListenerProtocol::Tcp(route)) => {
            let passing = Passing {
                worker,
                signals: &signals,
                generation: &generation,
                route,
                peer,
                port,
                sni: None,
            };
            passing.pass(stream).await;
        }
        None => reset(stream),
    }
}

/// Chooses the chain before anybody speaks TLS, since some of the port's chains take the
/// bytes as they come.
async fn inspected(
    worker: &Rc<WorkerState>,
    stream: TcpStream,
    peer: SocketAddr,
    port: u16,
    signals: Rc<Signals>,
    generation: &Arc<Generation>,
    chains: &SniTable,
) {
    let limit = worker.settings.limits.handshake;
    let looked = tokio::select! {
        looked = tokio::time::timeout(limit, inspect(&stream)) => looked,
        _ = signals.next() => return,
    };
    let sni = match looked {
        Ok(Ok(FirstBytes::Hello(sni))) => sni,
        Ok(Ok(FirstBytes::NotTls | FirstBytes::Incomplete)) => None,
        Ok(Err(_)) => return,
        Err(_) => {
            let seconds = limit.as_secs();
            tracing::info!("{peer}: port {port}: the client did not say within {seconds} s what it wants");
            return reset(stream);
        }
    };
    let refused = |stream: TcpStream, why: &str| {
        worker.stats.add(Counter::SniRefused);
        tracing::info!("{peer}: port {port}: {why}; the connection is reset");
        reset(stream);
    };
    let Some(chain) = matching::filter_chain(chains, sni.as_deref()) else {
        return refused(stream, &no_chain(sni.as_deref()));
    };
    match (&chain.transport, &chain.filter) {
        (Transport::Tls(_), _) => tls(worker, stream, peer, port, signals, generation, chains).await,
        (Transport::Raw, Filter::Http(_)) => plain(worker, stream, peer, port, signals, Arc::clone(generation)).await,
        (Transport::Raw, Filter::Closed(why)) => {
            let shown = sni.as_deref().unwrap_or("no SNI");
            refused(stream, &format!("{} closes {shown}: {why}", chain.name));
        }
        (Transport::Raw, Filter::Tcp(route)) => {
            let passing = Passing {
                worker,
                signals: &signals,
                generation,
                route,
                peer,
                port,
                sni: sni.as_deref(),
            };
            passing.pass(stream).await;
        }
    }
}

/// Looks at a connection's first bytes, without taking them, until it is clear whether
/// they are a ClientHello and which name it has.
async fn inspect(stream: &TcpStream) -> std::io::Result<FirstBytes> {
    let mut bytes = vec![0; 2048];
    loop {
        let length = stream.peek(&mut bytes).await?;
        if length == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match client_hello::first_bytes(&bytes[..length]) {
            FirstBytes::Incomplete if length == bytes.len() => bytes.resize(2 * length, 0),
            // More of it is under way; a peek cannot wait for it.
            FirstBytes::Incomplete => tokio::time::sleep(std::time::Duration::from_millis(2)).await,
            found => return Ok(found),
        }
    }
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

async fn plain(
    worker: &Rc<WorkerState>,
    stream: TcpStream,
    peer: SocketAddr,
    port: u16,
    signals: Rc<Signals>,
    generation: Arc<Generation>,
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
    }
    let connection = Connection::new(worker, signals, Downstream::new(peer, port, None), generation);
    speak(connection, stream, &bytes[..length] == PREFACE).await;
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
    worker: &Rc<WorkerState>,
    stream: TcpStream,
    peer: SocketAddr,
    port: u16,
    signals: Rc<Signals>,
    generation: &Arc<Generation>,
    chains: &SniTable,
) {
    let limit = worker.settings.limits.handshake;
    let handshake = Handshake {
        stats: &worker.stats,
        peer,
        port,
        generation,
        chains,
        aim: &worker.settings.aim,
    };
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(limit, handshake.shake(stream)) => shaken,
        _ = signals.next() => return,
    };
    let Ok(shaken) = shaken else {
        worker.stats.add(Counter::HandshakesFailed);
        let seconds = limit.as_secs();
        tracing::info!("{peer}: port {port}: the client did not finish the handshake within {seconds} s");
        return;
    };
    let Some(Shaken {
        stream,
        chain,
        speaks_h2,
        tls,
    }) = shaken
    else {
        return;
    };
    worker.stats.add(Counter::Handshakes);
    if let Filter::Tcp(route) = &chain.filter {
        let passing = Passing {
            worker,
            signals: &signals,
            generation,
            route,
            peer,
            port,
            sni: tls.sni.as_deref(),
        };
        return passing.pass(stream).await;
    }
    let downstream = Downstream::new(peer, port, Some(tls));
    let connection = Connection::new(worker, signals, downstream, Arc::clone(generation));
    speak(connection, stream, speaks_h2).await;
}

/// Speaks HTTP until the connection ends.
async fn speak<T>(connection: Rc<Connection>, stream: T, speaks_h2: bool)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let worker = Rc::clone(&connection.worker);
    let signals = Rc::clone(&connection.signals);
    let limits = &worker.settings.limits;
    let watched = Watched::new(stream, Arc::clone(&signals.activity));
    let bounds = Bounds {
        bytes: limits.head_bytes,
        lines: limits.header_lines,
        is_tls: connection.downstream.is_tls(),
    };
    let service = service_fn(move |request| answer(Rc::clone(&connection), request));
    if speaks_h2 {
        let serving = http2::Builder::new(LocalExecutor)
            .max_concurrent_streams(limits.streams)
            .max_pending_accept_reset_streams(limits.pending_resets)
            .max_header_list_size(limits.head_bytes as u32)
            .max_send_buf_size(256 * 1024)
            .initial_stream_window_size(1024 * 1024)
            .initial_connection_window_size(4 * 1024 * 1024)
            .serve_connection(TokioIo::new(watched), service);
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
    let reader = Http1Reader::new(watched, Arc::clone(&signals.activity), bounds);
    let serving = http1::Builder::new()
        .header_read_timeout(None)
        // The reader has applied the limits; what it writes is a little longer.
        .max_headers(limits.header_lines + 1)
        .max_header_size(2 * limits.head_bytes)
        .serve_connection(TokioIo::new(reader), service)
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

/// Answers one request of a connection.
async fn answer(connection: Rc<Connection>, request: Request<Incoming>) -> Result<Response<ResponseBody>, Infallible> {
    let refusal = connection.signals.begin();
    let ends_with_head = request.method() == Method::HEAD && request.version() == Version::HTTP_2;
    let exchange = Exchange::begin(
        &connection.worker,
        &connection.signals,
        &connection.downstream,
        &request,
    );
    let binding = connection.binding();
    let mut response = proxy::answer(request, refusal, exchange, &binding).await;
    reason_phrase::set(&mut response);
    if ends_with_head {
        // The codec of HTTP/1.1 leaves the body out by itself, that of HTTP/2 sends it.
        if let Some(length) = response.body_mut().leave_out().filter(|length| *length > 0) {
            response.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
        }
    }
    Ok(response)
}

fn note(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!("a connection ended: {error}");
    }
}
