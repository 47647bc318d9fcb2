//! Dials one endpoint: resolve, connect, TLS, HTTP, each with a time limit and each recorded.
//! Nothing is judged here.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::facts::{Connect, ConnectOutcome, Facts, Resolve, Tls, TlsOutcome, TlsVersion};
use super::http::{self, Request};
use super::recorder::{self, Record};
use super::stream::{ReadEnd, Recorded, Recording, Shared, tls_error};
use super::{survey, wire};

/// Where to dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// An address.
    Address(SocketAddr),
    /// A name that is looked up first.
    Name {
        /// The name.
        name: String,
        /// The port.
        port: u16,
    },
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name { name, port } => write!(f, "{name}:{port}"),
        }
    }
}

/// The TLS versions that a dial offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersions {
    /// TLS 1.2 and 1.3.
    #[default]
    Any,
    /// TLS 1.2 only.
    Tls12,
    /// TLS 1.3 only.
    Tls13,
}

impl TlsVersions {
    /// The values of `--tls`.
    pub const WORDS: &[(&str, Self)] = &[("1.2", Self::Tls12), ("1.3", Self::Tls13)];

    /// The version numbers.
    pub fn offered(self) -> Vec<TlsVersion> {
        match self {
            Self::Any => vec![TlsVersion::V1_2, TlsVersion::V1_3],
            Self::Tls12 => vec![TlsVersion::V1_2],
            Self::Tls13 => vec![TlsVersion::V1_3],
        }
    }

    fn supported(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Any => vec![&rustls::version::TLS13, &rustls::version::TLS12],
            Self::Tls12 => vec![&rustls::version::TLS12],
            Self::Tls13 => vec![&rustls::version::TLS13],
        }
    }
}

/// Decides from the handshake's facts whether the request may be sent.
pub type Gate = Arc<dyn Fn(&Facts) -> bool + Send + Sync>;

/// One dial: what is offered and what is requested.
#[derive(Clone)]
pub struct Dial {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The server name to send, if any.
    pub sni: Option<String>,
    /// The offered versions.
    pub versions: TlsVersions,
    /// The protocols offered with ALPN, in order of preference; empty means no ALPN.
    pub alpn: Vec<String>,
    /// The client's certificate and key.
    pub credential: Option<Arc<CertifiedKey>>,
    /// The request to send once TLS is established; none stops there.
    pub request: Option<Request>,
    /// Called with the facts so far before the request is sent; `false` stops there.
    pub before_request: Option<Gate>,
    /// How much of the response body is kept.
    pub body_limit: usize,
    /// The time limit of each phase.
    pub patience: Duration,
}

/// The result of a dial: the facts, and the bytes of the body.
pub struct Dialled {
    /// The facts of each phase.
    pub facts: Facts,
    /// The response body.
    pub body: Vec<u8>,
}

/// Dials once.
pub async fn dial(dial: &Dial, provider: &Arc<CryptoProvider>) -> Dialled {
    let mut facts = Facts::default();
    let mut body = Vec::new();
    let addresses = match &dial.endpoint {
        Endpoint::Address(address) => vec![*address],
        Endpoint::Name { name, port } => {
            let resolve = resolve(name, *port, dial.patience).await;
            let addresses = resolve
                .addresses
                .iter()
                .map(|address| SocketAddr::new(*address, *port))
                .collect();
            facts.resolve = Some(resolve);
            addresses
        }
    };
    let mut stream = None;
    for address in addresses {
        let (connect, connected) = connect(address, dial.patience).await;
        facts.connect = Some(connect);
        stream = connected.map(|connected| (address, connected));
        if stream.is_some() {
            break;
        }
    }
    if let Some((address, stream)) = stream {
        let (mut tls, secured) = secure(stream, dial, provider).await;
        if secured.is_none() {
            tls.survey = survey::ask(address, &mut tls, dial, provider).await;
        }
        let http2 = tls.alpn.as_deref() == Some("h2");
        facts.tls = Some(tls);
        if let (Some(secured), Some(request)) = (secured, &dial.request)
            && dial.before_request.as_ref().is_none_or(|allows| allows(&facts))
        {
            let (http, bytes) = http::exchange(secured, http2, request, dial.body_limit, dial.patience).await;
            facts.http = Some(http);
            body = bytes;
        }
    }
    Dialled { facts, body }
}

/// Resolves a name with the system's resolver.
pub async fn resolve(name: &str, port: u16, patience: Duration) -> Resolve {
    let start = Instant::now();
    let found = timeout(patience, tokio::net::lookup_host((name, port))).await;
    let mut is_unanswered = false;
    let (addresses, error) = match found {
        Err(_) => {
            is_unanswered = true;
            (Vec::new(), Some("the resolver timed out".to_owned()))
        }
        Ok(Err(error)) => {
            is_unanswered = is_no_answer(&error);
            (Vec::new(), Some(crate::files::plain(&error)))
        }
        Ok(Ok(found)) => {
            let mut addresses = Vec::new();
            for address in found {
                if !addresses.contains(&address.ip()) {
                    addresses.push(address.ip());
                }
            }
            (addresses, None)
        }
    };
    Resolve {
        micros: start.elapsed().as_micros() as u64,
        name: name.to_owned(),
        error: error.or_else(|| addresses.is_empty().then(|| "the name has no IP address".to_owned())),
        addresses,
        is_unanswered,
    }
}

/// Whether a resolver's error is temporary: the system says so only in its words
/// (`getaddrinfo`, EAI_AGAIN).
fn is_no_answer(error: &io::Error) -> bool {
    let words = error.to_string();
    ["emporary failure", "ry again"].iter().any(|part| words.contains(part))
}

pub(super) async fn connect(address: SocketAddr, patience: Duration) -> (Connect, Option<TcpStream>) {
    let start = Instant::now();
    let (outcome, stream) = match timeout(patience, TcpStream::connect(address)).await {
        Err(_) => (ConnectOutcome::TimedOut, None),
        Ok(Ok(stream)) => {
            // Without it, a small request may wait for an acknowledgement.
            let _ = stream.set_nodelay(true);
            (ConnectOutcome::Connected, Some(stream))
        }
        Ok(Err(error)) => {
            let outcome = match error.kind() {
                io::ErrorKind::ConnectionRefused => ConnectOutcome::Refused,
                io::ErrorKind::TimedOut => ConnectOutcome::TimedOut,
                _ => ConnectOutcome::Failed(crate::files::plain(&error)),
            };
            (outcome, None)
        }
    };
    let connect = Connect {
        micros: start.elapsed().as_micros() as u64,
        address,
        outcome,
    };
    (connect, stream)
}

/// The TLS handshake over an open connection.
pub(super) async fn secure(
    stream: TcpStream,
    dial: &Dial,
    provider: &Arc<CryptoProvider>,
) -> (Tls, Option<TlsStream<Recorded<TcpStream>>>) {
    let start = Instant::now();
    let mut tls = Tls {
        micros: 0,
        sni: dial.sni.clone(),
        offered_alpn: dial.alpn.clone(),
        offered_versions: dial.versions.offered(),
        outcome: TlsOutcome::Complete,
        version: None,
        cipher: None,
        group: None,
        alpn: None,
        chain: Vec::new(),
        ocsp_stapled: false,
        signature: super::facts::HandshakeSignature::None,
        client_certificate: super::facts::ClientCertificate::default(),
        survey: super::facts::Survey::default(),
    };
    let set_up = recorder::config(
        provider,
        &dial.versions.supported(),
        &dial.alpn,
        dial.credential.clone(),
    );
    let (mut config, record) = match set_up {
        Ok(set_up) => set_up,
        Err(error) => {
            tls.outcome = TlsOutcome::Failed(error.to_string());
            return (tls, None);
        }
    };
    config.enable_sni = dial.sni.is_some();
    let name = dial
        .sni
        .clone()
        .and_then(|sni| ServerName::try_from(sni).ok())
        .unwrap_or_else(|| ServerName::IpAddress(std::net::Ipv4Addr::UNSPECIFIED.into()));
    let (stream, recording) = Recorded::new(stream);
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let outcome = timeout(dial.patience, connecting).await;
    tls.micros = start.elapsed().as_micros() as u64;
    take_record(&mut tls, &record);
    let recording = recording.get().clone();
    match outcome {
        Ok(Ok(stream)) => {
            let connection = stream.get_ref().1;
            tls.version = connection
                .protocol_version()
                .map(|version| TlsVersion(u16::from(version)));
            tls.cipher = connection
                .negotiated_cipher_suite()
                .and_then(|suite| suite.suite().as_str().map(|name| name.replace("TLS13_", "TLS_")));
            tls.group = connection
                .negotiated_key_exchange_group()
                .and_then(|group| group.name().as_str().map(str::to_owned));
            tls.alpn = connection
                .alpn_protocol()
                .map(|name| String::from_utf8_lossy(name).into_owned());
            (tls, Some(stream))
        }
        Ok(Err(error)) => {
            tls.outcome = failed(&error, &recording);
            take_answer(&mut tls, &recording);
            (tls, None)
        }
        Err(_) => {
            tls.outcome = TlsOutcome::TimedOut;
            take_answer(&mut tls, &recording);
            (tls, None)
        }
    }
}

fn take_record(tls: &mut Tls, record: &Shared<Record>) {
    let mut record = record.get();
    tls.chain = std::mem::take(&mut record.chain);
    tls.ocsp_stapled = record.ocsp_stapled;
    tls.signature = record.signature.clone();
    tls.client_certificate = std::mem::take(&mut record.client_certificate);
}

/// Facts from the raw bytes of a failed handshake.
fn take_answer(tls: &mut Tls, recording: &Recording) {
    let answer = wire::read_answer(&recording.received);
    tls.version = answer.hello.map(|(version, _)| version);
    if tls.chain.is_empty() {
        tls.chain = answer.chain;
    }
}

/// How a handshake failed, from the TLS library's error and the raw bytes.
fn failed(error: &io::Error, recording: &Recording) -> TlsOutcome {
    let answer = wire::read_answer(&recording.received);
    let answered = !recording.received.is_empty();
    if answer.not_tls {
        return TlsOutcome::NotTls(printable(&recording.received));
    }
    if let Some(alert) = answer.alert {
        return TlsOutcome::Alert(alert);
    }
    if let Some((version, _)) = answer.hello
        && version < TlsVersion::V1_2
    {
        return TlsOutcome::Legacy(version);
    }
    match ReadEnd::of(error) {
        ReadEnd::Alert(alert) => TlsOutcome::Alert(alert),
        ReadEnd::Reset => TlsOutcome::Reset { answered },
        ReadEnd::Closed => TlsOutcome::Closed { answered },
        ReadEnd::Failed(why) => {
            if tls_error(error).is_none() && recording.reset {
                TlsOutcome::Reset { answered }
            } else {
                TlsOutcome::Failed(why)
            }
        }
    }
}

/// The first line of a response, with non-printable characters replaced.
pub(super) fn printable(bytes: &[u8]) -> String {
    bytes
        .iter()
        .take(80)
        .take_while(|byte| !matches!(byte, b'\r' | b'\n'))
        .map(|byte| {
            if byte.is_ascii_graphic() || *byte == b' ' {
                char::from(*byte)
            } else {
                '.'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_resolver_that_is_out_of_reach_says_nothing_of_a_name() {
        for (words, expected) in [
            (
                "failed to lookup address information: Temporary failure in name resolution",
                true,
            ),
            ("failed to lookup address information: Try again", true),
            ("failed to lookup address information: Name or service not known", false),
            (
                "failed to lookup address information: No address associated with hostname",
                false,
            ),
        ] {
            assert_eq!(super::is_no_answer(&std::io::Error::other(words)), expected, "{words}");
        }
    }
}
