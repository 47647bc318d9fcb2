//! A connection that is not HTTP here: its bytes pass both ways between the client and
//! the destination of its route (Envoy's TCP proxy), or come back as an echo.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::access_log::PassedEntry;
use super::clock;
use super::current::Generation;
use super::signals::{Cut, Signals};
use super::upstream::Wire;
use super::worker_state::WorkerState;
use crate::gateway::config::table::{Endpoint, TcpRoute};
use crate::gateway::matching;

/// A connection and its route.
pub(super) struct Passing<'a> {
    pub(super) worker: &'a Rc<WorkerState>,
    pub(super) signals: &'a Signals,
    pub(super) generation: &'a Generation,
    pub(super) route: &'a TcpRoute,
    pub(super) peer: SocketAddr,
    /// The Gateway server's `port.number`.
    pub(super) port: u16,
    /// The server name that the client asked for.
    pub(super) sni: Option<&'a str>,
}

impl Passing<'_> {
    /// Passes the bytes on until one side ends, nothing comes for long, or the worker
    /// cuts the connection.
    pub(super) async fn pass<T>(&self, client: T)
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let started = clock::now();
        // No HTTP request is awaited here, so none of the limits on waiting for one holds.
        self.signals.begin();
        let counts = Rc::new(Counts::default());
        let mut client = Counted {
            inner: client,
            counts: Rc::clone(&counts),
        };
        let mut entry = PassedEntry {
            at: started,
            peer: self.peer,
            sni: self.sni.map(str::to_owned),
            route: self.route.name.clone(),
            flags: "-",
            bytes_received: 0,
            bytes_sent: 0,
            upstream: None,
            cluster: None,
        };
        tokio::select! {
            biased;
            () = self.join(&mut client, &mut entry) => {}
            () = self.idle(&counts) => entry.flags = "SI",
            () = self.cut() => {}
        }
        entry.bytes_received = counts.received.get();
        entry.bytes_sent = counts.sent.get();
        self.worker
            .log
            .write_passed(&entry, clock::now().saturating_sub(started));
        self.signals.end(self.worker.seconds.load(Relaxed));
    }

    /// Joins the client with the destination.
    async fn join<T>(&self, client: &mut T, entry: &mut PassedEntry)
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let table = &self.generation.table;
        let destination = matching::tcp_destination(self.route, self.worker.random.next());
        let index = destination.map(|destination| destination.cluster);
        let Some((index, cluster)) = index.and_then(|index| Some((index, table.clusters.get(index)?))) else {
            entry.flags = "NC";
            return;
        };
        entry.cluster = Some(cluster.name.clone());
        match (&cluster.endpoint, self.generation.remotes.get(index)) {
            (Endpoint::Remote { .. }, Some(Some(remote))) => {
                let upstream = self.worker.upstreams.get(remote);
                entry.upstream = Some(upstream.name.clone());
                let (upstreams, stats) = (&self.worker.upstreams, &self.worker.stats);
                let ended = match upstream.connection(upstreams, stats, self.route.passes_tls).await {
                    Ok(Wire::Plain(mut server)) => copy(client, &mut server).await,
                    Ok(Wire::Tls(mut server)) => copy(client, server.as_mut()).await,
                    Err(error) => {
                        entry.flags = "UF";
                        self.say(&format!(
                            "{} cannot be reached: {error}; the connection is closed",
                            upstream.name
                        ));
                        return;
                    }
                };
                if let Err(error) = ended {
                    tracing::debug!("{}: port {}: a connection ended: {error}", self.peer, self.port);
                }
            }
            (Endpoint::Sample(_), _) if !self.route.passes_tls => {
                entry.upstream = Some("echo".to_owned());
                let (mut read, mut write) = tokio::io::split(client);
                let _ = tokio::io::copy(&mut read, &mut write).await;
            }
            (Endpoint::Sample(_), _) => {
                entry.flags = "UH";
                let name = &cluster.name;
                self.say(&format!(
                    "no --upstream says where {name} is, and its TLS is passed on; the connection is closed"
                ));
            }
            (Endpoint::Unknown | Endpoint::Remote { .. }, _) => {
                entry.flags = "NC";
                self.say(&format!("{} does not exist; the connection is closed", cluster.name));
            }
        }
    }

    fn say(&self, what: &str) {
        tracing::info!("{}: port {}: {what}", self.peer, self.port);
    }

    /// Waits until nothing has passed for as long as an idle connection may stay.
    async fn idle(&self, counts: &Counts) {
        let limit = self.worker.settings.limits.idle;
        let mut last = counts.all();
        let mut quiet = Duration::ZERO;
        let step = (limit / 60).max(Duration::from_millis(50));
        while quiet < limit {
            tokio::time::sleep(step).await;
            let now = counts.all();
            quiet = if now == last { quiet + step } else { Duration::ZERO };
            last = now;
        }
    }

    /// Waits until the worker ends: nobody can tell the peers of a connection that is
    /// only passed on to hurry, so it may go on until the grace of a drain is over.
    async fn cut(&self) {
        while self.signals.next().await != Cut::Now {}
    }
}

async fn copy<A, B>(client: &mut A, server: &mut B) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    tokio::io::copy_bidirectional(client, server).await.map(drop)
}

/// How many bytes came from a client, and went to it.
#[derive(Default)]
struct Counts {
    received: Cell<u64>,
    sent: Cell<u64>,
}

impl Counts {
    fn all(&self) -> (u64, u64) {
        (self.received.get(), self.sent.get())
    }
}

/// A client's stream, counted.
struct Counted<T> {
    inner: T,
    counts: Rc<Counts>,
}

fn add(count: &Cell<u64>, bytes: usize) {
    count.set(count.get() + bytes as u64);
}

impl<T: AsyncRead + Unpin> AsyncRead for Counted<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buffer);
        add(&self.counts.received, buffer.filled().len() - before);
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Counted<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, bytes);
        if let Poll::Ready(Ok(written)) = &polled {
            add(&self.counts.sent, *written);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
