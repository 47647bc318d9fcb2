//! A local port that is forwarded to a port of a pod.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::Portforwarder;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::words::Wanted;
use super::{PodRef, api};
use crate::cluster::client::{Client, REQUEST_LIMIT, bounded, stream_error};
use crate::cluster::failure::ApiError;
use crate::cluster::kubeconfig::Access;
use crate::problem::Problem;

/// How long to wait for a silent pod after its client has finished sending, because its response
/// may be slow. The protocol can signal that end to the pod only by closing both directions. TLS
/// clients signal it themselves, and then the pod closes the connection at once.
const LINGER: Duration = REQUEST_LIMIT;
/// The pause after a failed accept, for example without free file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// A loopback port that is forwarded to a port of a pod, until dropped. Each connection has its own
/// stream. Needs the runtime on which it was opened.
pub struct Forward {
    address: SocketAddr,
    way: Arc<Way>,
    accepting: JoinHandle<()>,
}

/// The destination of streams.
struct Way {
    pods: Api<Pod>,
    pod: PodRef,
    port: u16,
    access: Access,
    /// The last failure.
    trouble: Mutex<Option<Problem>>,
}

impl Forward {
    /// Listens on a free port of 127.0.0.1, after a test stream to the pod was opened.
    ///
    /// # Errors
    /// If the user may not forward ports, the pod does not exist, or its node cannot be reached. If
    /// nothing listens in the pod, that shows later: [`Forward::trouble`].
    pub async fn open(client: &Client<'_>, pod: &PodRef, port: u16) -> Result<Self, Problem> {
        let way = Way {
            pods: api(client, pod),
            pod: pod.clone(),
            port,
            access: client.access.clone(),
            trouble: Mutex::new(None),
        };
        // Closed at once: a pod would wait for its first bytes.
        client
            .persist(|| way.stream())
            .await
            .map_err(|error| way.problem(&error))?;
        let listening = async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            Ok((listener.local_addr()?, listener))
        };
        let (address, listener) = listening.await.map_err(|error: std::io::Error| {
            Problem::new("cannot listen on any port of 127.0.0.1").why(crate::files::plain(&error))
        })?;
        let way = Arc::new(way);
        Ok(Self {
            address,
            accepting: tokio::spawn(accept(listener, Arc::clone(&way))),
            way,
        })
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Why the last failed connection failed; returned once.
    pub fn trouble(&self) -> Option<Problem> {
        self.way.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        // Accepted connections are dropped with it.
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, way: Arc<Way>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    let way = Arc::clone(&way);
                    connections.spawn(async move {
                        if let Err(problem) = way.carry(socket).await {
                            *way.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
                        }
                    });
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Way {
    async fn stream(&self) -> Result<Portforwarder, ApiError> {
        let stream = async {
            let stream = self.pods.portforward(&self.pod.name, &[self.port]).await;
            stream.map_err(|error| stream_error(&error))
        };
        bounded(stream).await
    }

    fn problem(&self, error: &ApiError) -> Problem {
        Wanted::port_forward(&self.pod).problem(error, &self.access)
    }

    /// Copies both directions until the pod closes, or the client has finished and the pod is
    /// silent.
    async fn carry(&self, mut socket: TcpStream) -> Result<(), Problem> {
        let mut forwarder = self.stream().await.map_err(|error| self.problem(&error))?;
        let (Some(stream), Some(error)) = (forwarder.take_stream(self.port), forwarder.take_error(self.port)) else {
            return Ok(());
        };
        let (from_pod, mut to_pod) = split(stream);
        let (from_client, mut to_client) = socket.split();
        copy_both((from_client, &mut to_client), (from_pod, &mut to_pod), LINGER).await;
        let trouble = error.now_or_never().flatten();
        drop(to_pod);
        match trouble {
            Some(message) => {
                let failed = Wanted::port_forward(&self.pod).port_failed(self.port, &message);
                Err(self.access.aim(failed))
            }
            None => Ok(()),
        }
    }
}

/// Copies both directions until the pod closes, or the client has finished and the pod is silent
/// for this long.
async fn copy_both<A, B, C, D>(
    (mut from_client, to_client): (A, &mut B),
    (from_pod, to_pod): (C, &mut D),
    quiet: Duration,
) where
    A: AsyncRead + Unpin,
    B: AsyncWrite + Unpin,
    C: AsyncRead + Unpin,
    D: AsyncWrite + Unpin,
{
    let (ended, client_ended) = watch::channel(false);
    let up = async {
        // A client that breaks off has finished, too. The stream is not closed here, because that
        // would also close the direction from the pod.
        let _ = copy(&mut from_client, to_pod).await;
        let _ = ended.send(true);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = down(from_pod, to_client, client_ended, quiet) => {}
        () = up => {}
    }
    // The client has received everything; it may be gone.
    let _ = to_client.shutdown().await;
}

/// Copies data from the pod.
async fn down(
    mut from_pod: impl AsyncRead + Unpin,
    to_client: &mut (impl AsyncWrite + Unpin),
    mut client_ended: watch::Receiver<bool>,
    quiet: Duration,
) {
    let mut buffer = vec![0; 32 << 10];
    loop {
        let silence = async {
            // An error: the other direction has ended, which never happens before this one.
            let _ = client_ended.wait_for(|ended| *ended).await;
            tokio::time::sleep(quiet).await;
        };
        tokio::select! {
            read = from_pod.read(&mut buffer) => match read {
                Ok(read) if read > 0 => {
                    if to_client.write_all(&buffer[..read]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
            () = silence => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex, split};

    use super::copy_both;

    const NEVER: Duration = Duration::from_secs(1 << 20);

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(test);
    }

    #[test]
    fn an_answer_comes_after_the_client_has_ended() {
        run(async {
            let ((mut client, near), (mut pod, far)) = (duplex(64), duplex(64));
            let (from_client, mut to_client) = split(near);
            let (from_pod, mut to_pod) = split(far);
            let talk = async {
                client.write_all(b"question").await.expect("written");
                // That is all, as with `nc -N`: the client only listens from here on.
                client.shutdown().await.expect("ended");
                let mut question = [0; 8];
                pod.read_exact(&mut question).await.expect("the question");
                for part in [&b"an "[..], b"answer"] {
                    // All other tasks have run and are waiting.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    pod.write_all(part).await.expect("written");
                }
                drop(pod);
                let mut answer = String::new();
                client.read_to_string(&mut answer).await.expect("the answer");
                assert_eq!((&question, answer.as_str()), (b"question", "an answer"));
            };
            let copied = copy_both((from_client, &mut to_client), (from_pod, &mut to_pod), NEVER);
            tokio::join!(talk, copied);
        });
    }

    #[test]
    fn a_pod_that_says_nothing_more_is_left_after_a_while() {
        run(async {
            let ((client, near), (mut pod, far)) = (duplex(64), duplex(64));
            let (from_client, mut to_client) = split(near);
            let (from_pod, mut to_pod) = split(far);
            pod.write_all(b"half").await.expect("written");
            drop(client);
            copy_both(
                (from_client, &mut to_client),
                (from_pod, &mut to_pod),
                Duration::from_millis(1),
            )
            .await;
        });
    }

    #[test]
    fn a_client_that_is_there_may_be_silent() {
        run(async {
            let ((mut client, near), (mut pod, far)) = (duplex(64), duplex(64));
            let (from_client, mut to_client) = split(near);
            let (from_pod, mut to_pod) = split(far);
            let talk = async {
                // Longer than a pod may be silent after its client has finished.
                tokio::time::sleep(Duration::from_millis(20)).await;
                pod.write_all(b"late").await.expect("written");
                drop(pod);
                let mut answer = String::new();
                client.read_to_string(&mut answer).await.expect("the answer");
                assert_eq!(answer, "late");
            };
            let copied = copy_both((from_client, &mut to_client), (from_pod, &mut to_pod), Duration::ZERO);
            tokio::join!(talk, copied);
        });
    }
}
