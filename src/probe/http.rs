//! One HTTP request over an open stream, and the response as facts.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant as Deadline, timeout_at};

use super::facts::{Http, HttpOutcome};
use super::stream::{Observed, ReadEnd};

/// How much of a response body a probe keeps.
pub const PROBE_BODY: usize = 64 << 10;

/// The request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: http::Method,
    /// The host of the request (`Host`, `:authority`).
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// Additional headers, in order.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// The body.
    pub body: Bytes,
}

impl Request {
    /// The GET request that a probe sends.
    pub fn get(authority: &str, path: &str) -> Self {
        let agent = http::HeaderValue::from_static(concat!("istio-tls/", env!("CARGO_PKG_VERSION")));
        Self {
            method: http::Method::GET,
            authority: authority.to_owned(),
            path: path.to_owned(),
            headers: vec![
                (http::header::USER_AGENT, agent),
                (http::header::ACCEPT, http::HeaderValue::from_static("*/*")),
            ],
            body: Bytes::new(),
        }
    }
}

/// Sends `request` and reads the response, with at most `limit` bytes of its body. The second value
/// is the body.
pub async fn exchange<S>(stream: S, http2: bool, request: &Request, limit: usize, patience: Duration) -> (Http, Vec<u8>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let start = Instant::now();
    let deadline = Deadline::now() + patience;
    let (stream, end) = Observed::new(stream);
    let mut facts = Http {
        micros: 0,
        protocol: if http2 { "HTTP/2" } else { "HTTP/1.1" }.to_owned(),
        path: request.path.clone(),
        outcome: HttpOutcome::Answered,
        status: None,
        headers: Vec::new(),
        body: String::new(),
    };
    let mut body = Vec::new();
    let outcome = timeout_at(deadline, send(TokioIo::new(stream), http2, request)).await;
    facts.micros = start.elapsed().as_micros() as u64;
    match outcome {
        Err(_) => facts.outcome = HttpOutcome::TimedOut,
        Ok(Err(error)) => {
            // The connection's task may see the alert shortly after the request failed.
            facts.outcome = match end.get().take() {
                Some(ReadEnd::Alert(alert)) => HttpOutcome::Alert(alert),
                Some(ReadEnd::Reset) => HttpOutcome::Reset,
                Some(ReadEnd::Closed) => HttpOutcome::Closed,
                Some(ReadEnd::Failed(why)) => HttpOutcome::Failed(why),
                None => HttpOutcome::Failed(error),
            };
        }
        Ok(Ok(response)) => {
            let (head, incoming) = response.into_parts();
            facts.status = Some(head.status.as_u16());
            facts.headers = head
                .headers
                .iter()
                .map(|(name, value)| {
                    (
                        name.as_str().to_owned(),
                        String::from_utf8_lossy(value.as_bytes()).into_owned(),
                    )
                })
                .collect();
            if timeout_at(deadline, read_body(incoming, limit, &mut body))
                .await
                .is_err()
            {
                facts.outcome = HttpOutcome::TimedOut;
                facts.micros = start.elapsed().as_micros() as u64;
            }
            facts.body = String::from_utf8_lossy(&body[..body.len().min(PROBE_BODY)]).into_owned();
        }
    }
    (facts, body)
}

async fn send<S>(io: TokioIo<S>, http2: bool, request: &Request) -> Result<http::Response<Incoming>, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let built = build(http2, request)?;
    let words = |error: hyper::Error| error.to_string();
    if http2 {
        let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
            .await
            .map_err(words)?;
        let task = tokio::spawn(connection);
        let answer = sender.send_request(built).await;
        settle(answer, task).await
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.map_err(words)?;
        let task = tokio::spawn(connection);
        let answer = sender.send_request(built).await;
        settle(answer, task).await
    }
}

/// After a failed request, waits for the connection's task to finish, so that it has read
/// everything that the server sent.
async fn settle(
    answer: hyper::Result<http::Response<Incoming>>,
    task: tokio::task::JoinHandle<hyper::Result<()>>,
) -> Result<http::Response<Incoming>, String> {
    match answer {
        Ok(response) => Ok(response),
        Err(error) => {
            let _ = tokio::time::timeout(Duration::from_millis(500), task).await;
            Err(error.to_string())
        }
    }
}

fn build(http2: bool, request: &Request) -> Result<http::Request<Full<Bytes>>, String> {
    let target = if http2 {
        format!("https://{}{}", request.authority, request.path)
    } else {
        request.path.clone()
    };
    let mut builder = http::Request::builder().method(request.method.clone()).uri(target);
    if !http2 {
        builder = builder.header(http::header::HOST, &request.authority);
    }
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    builder
        .body(Full::new(request.body.clone()))
        .map_err(|error| error.to_string())
}

async fn read_body(mut incoming: Incoming, limit: usize, body: &mut Vec<u8>) {
    while body.len() < limit {
        match incoming.frame().await {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    body.extend_from_slice(&data[..data.len().min(limit - body.len())]);
                }
            }
            Some(Err(_)) | None => break,
        }
    }
}
