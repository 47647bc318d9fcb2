//! Further tests after a failed handshake, each on a separate connection: whether the port speaks
//! plain HTTP, and which version, cipher suite or protocol the server accepts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::dial::{Dial, TlsVersions, connect, printable, secure};
use super::facts::{Survey, Tls, TlsOutcome, TlsVersion};
use super::wire::{self, Answer};

/// The time limit of each test.
const PATIENCE: Duration = Duration::from_secs(2);
/// Enough for any ServerHello and Certificate.
const ANSWER_LIMIT: usize = 64 << 10;

/// Runs the tests that the result of the handshake calls for. A chain that an old server sends in
/// plaintext is added to the facts.
pub(super) async fn ask(address: SocketAddr, tls: &mut Tls, dial: &Dial, provider: &Arc<CryptoProvider>) -> Survey {
    let patience = dial.patience.min(PATIENCE);
    let mut survey = Survey::default();
    match tls.outcome {
        TlsOutcome::Reset { answered: false }
        | TlsOutcome::Closed { answered: false }
        | TlsOutcome::TimedOut
        | TlsOutcome::NotTls(_) => {
            survey.plain_http = plain_http(address, dial, patience).await;
        }
        TlsOutcome::Legacy(version) => survey.version = Some(version),
        TlsOutcome::Alert(alert) if alert.0 == 70 => {
            survey.version = version(address, tls, dial, provider, patience).await;
        }
        TlsOutcome::Alert(alert) if matches!(alert.0, 40 | 71) && !tls.client_certificate.requested => {
            let answer = hello(address, TlsVersion::V1_2, dial, patience).await;
            survey.cipher = answer.hello.map(|(_, cipher)| wire::suite_name(cipher));
            take_chain(tls, answer);
        }
        TlsOutcome::Alert(alert) if alert.0 == 120 => {
            survey.alpn = alpn(address, dial, provider, patience).await;
        }
        _ => {}
    }
    survey
}

/// Sends a plain HTTP request; returns the status line, unless it says that TLS is required.
async fn plain_http(address: SocketAddr, dial: &Dial, patience: Duration) -> Option<String> {
    let mut stream = open(address, patience).await?;
    let (authority, path) = match &dial.request {
        Some(request) => (request.authority.clone(), request.path.clone()),
        None => (address.to_string(), "/".to_owned()),
    };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    let answer = converse(&mut stream, request.as_bytes(), patience, |bytes| bytes.len() > 4096).await;
    let wants_tls = String::from_utf8_lossy(&answer).to_uppercase().contains("HTTPS");
    let line = printable(&answer);
    (line.starts_with("HTTP/") && !(wants_tls && line.contains(" 400"))).then_some(line)
}

/// The version that the server accepts: a current one, otherwise an obsolete one.
async fn version(
    address: SocketAddr,
    tls: &mut Tls,
    dial: &Dial,
    provider: &Arc<CryptoProvider>,
    patience: Duration,
) -> Option<TlsVersion> {
    if dial.versions != TlsVersions::Any {
        let wider = Dial {
            versions: TlsVersions::Any,
            patience,
            ..dial.clone()
        };
        let stream = open(address, patience).await?;
        let (facts, _) = secure(stream, &wider, provider).await;
        if facts.version.is_some() {
            return facts.version;
        }
    }
    for old in [0x0302, 0x0301, 0x0300] {
        let answer = hello(address, TlsVersion(old), dial, patience).await;
        if let Some((version, _)) = answer.hello {
            take_chain(tls, answer);
            return Some(version);
        }
    }
    None
}

async fn alpn(address: SocketAddr, dial: &Dial, provider: &Arc<CryptoProvider>, patience: Duration) -> Option<String> {
    for names in [&["h2", "http/1.1"][..], &["http/1.0", "h3", "istio"]] {
        let usual = Dial {
            alpn: names.iter().map(|name| (*name).to_owned()).collect(),
            patience,
            ..dial.clone()
        };
        let stream = open(address, patience).await?;
        let (facts, _) = secure(stream, &usual, provider).await;
        if facts.alpn.is_some() {
            return facts.alpn;
        }
    }
    None
}

fn take_chain(tls: &mut Tls, answer: Answer) {
    if tls.chain.is_empty() {
        tls.chain = answer.chain;
    }
}

/// Sends an old-style ClientHello and reads the response as far as it is plaintext.
async fn hello(address: SocketAddr, version: TlsVersion, dial: &Dial, patience: Duration) -> Answer {
    let Some(mut stream) = open(address, patience).await else {
        return Answer::default();
    };
    // A placeholder: no key is ever derived from it.
    let hello = wire::client_hello(version, dial.sni.as_deref(), [0x5a; 32]);
    let enough = |bytes: &[u8]| {
        let answer = wire::read_answer(bytes);
        answer.alert.is_some() || answer.not_tls || (answer.hello.is_some() && !answer.chain.is_empty())
    };
    wire::read_answer(&converse(&mut stream, &hello, patience, enough).await)
}

async fn open(address: SocketAddr, patience: Duration) -> Option<TcpStream> {
    connect(address, patience).await.1
}

/// Writes, then reads until `enough`, the end of the stream, or the timeout.
async fn converse(
    stream: &mut TcpStream,
    question: &[u8],
    patience: Duration,
    enough: impl Fn(&[u8]) -> bool,
) -> Vec<u8> {
    let mut answer = Vec::new();
    let talk = async {
        stream.write_all(question).await?;
        let mut buffer = [0; 4096];
        loop {
            let read = stream.read(&mut buffer).await?;
            answer.extend_from_slice(&buffer[..read]);
            if read == 0 || answer.len() >= ANSWER_LIMIT || enough(&answer) {
                return Ok::<(), std::io::Error>(());
            }
        }
    };
    // However it ends, the received bytes are the response.
    let _ = timeout(patience, talk).await;
    answer
}
