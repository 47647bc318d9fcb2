//! Connections to upstreams: one set of pools per worker, reused across
//! requests and across tables.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::current::Remote;
use super::request_body::RequestBody;
use super::settings::ServerSettings;
use super::stats::{Counter, Stats};
use super::tasks::LocalExecutor;
use super::upstream_tls;
use crate::gateway::config::table::UpstreamProtocol;

/// Why no connection could be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// The host name has no address.
    #[error("{0} has no address")]
    Unresolved(String),
    /// Refused, unreachable, or a failed handshake.
    #[error("{0}")]
    Failed(#[from] io::Error),
    /// HTTP/2's first frames failed.
    #[error("{0}")]
    Protocol(#[from] hyper::Error),
    /// Not within the limit.
    #[error("no connection in time")]
    TimedOut,
}

/// A worker's upstreams, by [`Remote::index`].
pub(super) struct Upstreams {
    list: RefCell<Vec<Option<Rc<Upstream>>>>,
    connect: Duration,
    idle: Duration,
    most_idle: usize,
    tls: Arc<rustls::ClientConfig>,
    tls_local: Arc<rustls::ClientConfig>,
}

impl Upstreams {
    pub(super) fn new(settings: &ServerSettings) -> Self {
        let (tls, tls_local) = upstream_tls::configs(&settings.upstream_authorities);
        Self {
            list: RefCell::default(),
            connect: settings.limits.connect,
            idle: settings.limits.upstream_idle,
            most_idle: settings.limits.upstream_connections,
            tls,
            tls_local,
        }
    }

    /// The pool of a remote.
    pub(super) fn get(&self, remote: &Arc<Remote>) -> Rc<Upstream> {
        let mut list = self.list.borrow_mut();
        if list.len() <= remote.index {
            list.resize_with(remote.index + 1, || None);
        }
        let upstream = list[remote.index].get_or_insert_with(|| {
            Rc::new(Upstream {
                remote: Arc::clone(remote),
                name: format!("{}:{}", remote.host, remote.port),
                idle: RefCell::default(),
                streams: RefCell::default(),
                connecting: tokio::sync::Mutex::new(()),
                chose_h2: Cell::new(false),
                now: Cell::new(0),
                most_idle: self.most_idle,
            })
        });
        Rc::clone(upstream)
    }

    /// Closes what was unused for too long.
    pub(super) fn sweep(&self, now: u32) {
        for upstream in self.list.borrow().iter().flatten() {
            upstream.now.set(now);
            let limit = self.idle.as_secs() as u32;
            upstream
                .idle
                .borrow_mut()
                .retain(|idle| !idle.sender.is_closed() && now.saturating_sub(idle.since) <= limit);
            upstream.streams.borrow_mut().retain(|sender| !sender.is_closed());
        }
    }
}

/// One upstream's connections in one worker.
pub(super) struct Upstream {
    remote: Arc<Remote>,
    /// `host:port`.
    pub(super) name: String,
    idle: RefCell<Vec<Idle>>,
    /// HTTP/2 connections; many requests share one.
    streams: RefCell<Vec<http2::SendRequest<RequestBody>>>,
    /// One HTTP/2 connection is opened at a time, for all that wait.
    connecting: tokio::sync::Mutex<()>,
    /// An HTTPS upstream chose HTTP/2 by ALPN.
    chose_h2: Cell<bool>,
    now: Cell<u32>,
    most_idle: usize,
}

struct Idle {
    sender: http1::SendRequest<RequestBody>,
    since: u32,
}

/// A connection for one request.
pub(super) enum Sender {
    /// HTTP/1.1, for this request alone; and whether it has waited so long that
    /// the upstream may be closing it this moment.
    Http1(Lease, bool),
    /// HTTP/2, shared.
    Http2(http2::SendRequest<RequestBody>),
}

/// A connection for bytes as they come.
pub(super) enum Wire {
    /// TCP.
    Plain(TcpStream),
    /// TLS, which is spoken here.
    Tls(Box<TlsStream<TcpStream>>),
}

/// An HTTP/1.1 connection, given back to its pool when dropped.
pub(super) struct Lease {
    sender: Option<http1::SendRequest<RequestBody>>,
    upstream: Rc<Upstream>,
    /// No request follows on it.
    is_last: bool,
}

impl Lease {
    /// Leaves the connection out of its pool.
    pub(super) fn end(&mut self) {
        self.is_last = true;
    }

    pub(super) fn sender(&mut self) -> Option<&mut http1::SendRequest<RequestBody>> {
        self.sender.as_mut()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.take()
            && !sender.is_closed()
            && !self.is_last
        {
            let mut idle = self.upstream.idle.borrow_mut();
            if idle.len() < self.upstream.most_idle {
                let since = self.upstream.now.get();
                idle.push(Idle { sender, since });
            }
        }
    }
}

impl Upstream {
    /// Whether a request may be sent over HTTP/2.
    pub(super) fn may_speak_http2(&self, is_grpc: bool) -> bool {
        match self.remote.protocol {
            UpstreamProtocol::H2c | UpstreamProtocol::Https => true,
            UpstreamProtocol::Http | UpstreamProtocol::Tcp => is_grpc,
        }
    }

    /// What the wire speaks under HTTP.
    pub(super) fn is_tls(&self) -> bool {
        self.remote.protocol == UpstreamProtocol::Https
    }

    /// A connection: one in use for HTTP/2, an unused one, or a new one.
    pub(super) async fn sender(
        self: &Rc<Self>,
        upstreams: &Upstreams,
        stats: &Stats,
        is_grpc: bool,
        upgrades: bool,
    ) -> Result<Sender, ConnectError> {
        let h2 = !upgrades
            && match self.remote.protocol {
                UpstreamProtocol::H2c => true,
                UpstreamProtocol::Http | UpstreamProtocol::Tcp => is_grpc,
                UpstreamProtocol::Https => self.chose_h2.get(),
            };
        if h2 {
            return self.shared(upstreams, stats, upgrades).await;
        }
        if let Some(idle) = self.take_idle() {
            let stale = self.now.get().saturating_sub(idle.since) >= 1;
            return Ok(Sender::Http1(self.lease(idle.sender), stale));
        }
        self.connect(upstreams, stats, false, upgrades).await
    }

    fn lease(self: &Rc<Self>, sender: http1::SendRequest<RequestBody>) -> Lease {
        Lease {
            sender: Some(sender),
            upstream: Rc::clone(self),
            is_last: false,
        }
    }

    /// The connection used last that is ready: the others may rest and close.
    fn take_idle(&self) -> Option<Idle> {
        let mut idle = self.idle.borrow_mut();
        let mut at = idle.len();
        while at > 0 {
            at -= 1;
            if idle[at].sender.is_closed() {
                idle.swap_remove(at);
            } else if idle[at].sender.is_ready() {
                return Some(idle.remove(at));
            }
        }
        None
    }

    fn open_stream(&self) -> Option<http2::SendRequest<RequestBody>> {
        let mut streams = self.streams.borrow_mut();
        streams.retain(|sender| !sender.is_closed());
        streams.last().cloned()
    }

    async fn shared(
        self: &Rc<Self>,
        upstreams: &Upstreams,
        stats: &Stats,
        upgrades: bool,
    ) -> Result<Sender, ConnectError> {
        if let Some(sender) = self.open_stream() {
            return Ok(Sender::Http2(sender));
        }
        let _one = self.connecting.lock().await;
        if let Some(sender) = self.open_stream() {
            return Ok(Sender::Http2(sender));
        }
        self.connect(upstreams, stats, true, upgrades).await
    }

    async fn connect(
        self: &Rc<Self>,
        upstreams: &Upstreams,
        stats: &Stats,
        h2: bool,
        upgrades: bool,
    ) -> Result<Sender, ConnectError> {
        let connected = tokio::time::timeout(upstreams.connect, self.dial(upstreams, h2, upgrades)).await;
        match connected.unwrap_or(Err(ConnectError::TimedOut)) {
            Ok(sender) => {
                stats.add(Counter::UpstreamConnections);
                Ok(sender)
            }
            Err(error) => {
                stats.add(Counter::UpstreamConnectFailed);
                tracing::debug!("upstream {}: {error}", self.name);
                Err(error)
            }
        }
    }

    async fn dial(self: &Rc<Self>, upstreams: &Upstreams, h2: bool, upgrades: bool) -> Result<Sender, ConnectError> {
        let stream = self.reach().await?;
        if !self.is_tls() {
            return self.speak(stream, h2).await;
        }
        let alpn = upgrades.then_some(upstream_tls::HTTP_1_1_ONLY);
        let stream = self.secure(upstreams, stream, alpn).await?;
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        if !upgrades {
            self.chose_h2.set(h2);
        }
        self.speak(stream, h2).await
    }

    /// Speaks TLS on a new connection; `alpn` in place of HTTP's protocols.
    async fn secure(
        &self,
        upstreams: &Upstreams,
        stream: TcpStream,
        alpn: Option<&[&[u8]]>,
    ) -> io::Result<TlsStream<TcpStream>> {
        let local = stream
            .peer_addr()
            .is_ok_and(|peer| peer.ip().to_canonical().is_loopback());
        let config = if local { &upstreams.tls_local } else { &upstreams.tls };
        let config = alpn.map_or_else(|| Arc::clone(config), |alpn| upstream_tls::with_alpn(config, alpn));
        upstream_tls::connect(config, &self.remote.host, stream)
            .await
            .inspect_err(|error| {
                tracing::warn!("upstream {}: the TLS handshake failed: {error}", self.name);
            })
    }

    /// A connection for one client's bytes alone. TLS is spoken to an https upstream,
    /// unless the client's own is passed on.
    pub(super) async fn connection(
        &self,
        upstreams: &Upstreams,
        stats: &Stats,
        passes_tls: bool,
    ) -> Result<Wire, ConnectError> {
        let opening = async {
            let stream = self.reach().await?;
            if passes_tls || !self.is_tls() {
                return Ok(Wire::Plain(stream));
            }
            let stream = self.secure(upstreams, stream, Some(&[])).await?;
            Ok(Wire::Tls(Box::new(stream)))
        };
        let opened = tokio::time::timeout(upstreams.connect, opening).await;
        let opened = opened.unwrap_or(Err(ConnectError::TimedOut));
        stats.add(match opened {
            Ok(_) => Counter::UpstreamConnections,
            Err(_) => Counter::UpstreamConnectFailed,
        });
        opened
    }

    /// Tries the host's addresses in order.
    async fn reach(&self) -> Result<TcpStream, ConnectError> {
        let host = self.remote.host.trim_matches(['[', ']']);
        let addresses: Vec<SocketAddr> = match host.parse() {
            Ok(address) => vec![SocketAddr::new(address, self.remote.port)],
            Err(_) => match tokio::net::lookup_host((host, self.remote.port)).await {
                Ok(addresses) => addresses.collect(),
                Err(_) => Vec::new(),
            },
        };
        let mut last = ConnectError::Unresolved(host.to_owned());
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }

    async fn speak<T>(self: &Rc<Self>, stream: T, h2: bool) -> Result<Sender, ConnectError>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(stream);
        if h2 {
            let (sender, connection) = http2::Builder::new(LocalExecutor)
                .initial_stream_window_size(1024 * 1024)
                .initial_connection_window_size(4 * 1024 * 1024)
                .handshake(io)
                .await?;
            tokio::task::spawn_local(connection);
            self.streams.borrow_mut().push(sender.clone());
            return Ok(Sender::Http2(sender));
        }
        let (sender, connection) = http1::Builder::new().handshake(io).await?;
        tokio::task::spawn_local(connection.with_upgrades());
        Ok(Sender::Http1(self.lease(sender), false))
    }
}
