//! What a dial saw, phase by phase: plain values, no judgement. [`super::dial`]
//! records them, [`super::verdict`] judges them, `report` shows them.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use crate::alert::Alert;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

/// Everything that one dial of one endpoint saw. A phase that was not reached
/// is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default, JsonSchema)]
pub struct Facts {
    /// Name lookup; none when an address was given.
    pub resolve: Option<Resolve>,
    /// The TCP connection.
    pub connect: Option<Connect>,
    /// The TLS handshake.
    pub tls: Option<Tls>,
    /// The HTTP exchange.
    pub http: Option<Http>,
}

/// A name lookup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Resolve {
    /// How long it took.
    pub micros: u64,
    /// What was looked up.
    pub name: String,
    /// The addresses, in the resolver's order.
    pub addresses: Vec<IpAddr>,
    /// Why there are none.
    pub error: Option<String>,
}

/// A TCP connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Connect {
    /// How long it took.
    pub micros: u64,
    /// Where to.
    pub address: SocketAddr,
    /// How it ended.
    pub outcome: ConnectOutcome,
}

/// How connecting ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectOutcome {
    /// Connected.
    Connected,
    /// Nothing listens there.
    Refused,
    /// No answer in time.
    TimedOut,
    /// Another failure, in the system's words.
    Failed(String),
}

/// A TLS handshake, as far as it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// How long it took.
    pub micros: u64,
    /// The server name that was sent.
    pub sni: Option<String>,
    /// The protocol names that were offered.
    pub offered_alpn: Vec<String>,
    /// The TLS versions that were offered.
    pub offered_versions: Vec<TlsVersion>,
    /// How the handshake ended.
    pub outcome: TlsOutcome,
    /// What was agreed.
    pub version: Option<TlsVersion>,
    /// The cipher suite, in IANA's name.
    pub cipher: Option<String>,
    /// The key exchange group.
    pub group: Option<String>,
    /// The protocol that the server chose by ALPN.
    pub alpn: Option<String>,
    /// The served chain in the served order, as DER.
    #[serde(skip)]
    pub chain: Vec<Vec<u8>>,
    /// Whether an OCSP response was stapled.
    pub ocsp_stapled: bool,
    /// Whether the server proved that it holds the leaf's key.
    pub signature: HandshakeSignature,
    /// What the server asked of the client, and what the client did.
    pub client_certificate: ClientCertificate,
    /// What further questions on connections of their own found out.
    pub survey: Survey,
}

/// How a handshake ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TlsOutcome {
    /// It completed (in TLS 1.3 the server may still refuse the client's certificate).
    Complete,
    /// The server sent a fatal alert.
    Alert(Alert),
    /// The connection was reset.
    Reset {
        /// Whether any byte came before.
        answered: bool,
    },
    /// The connection was closed.
    Closed {
        /// Whether any byte came before.
        answered: bool,
    },
    /// No answer in time.
    TimedOut,
    /// The answer was no TLS record; its printable beginning.
    NotTls(String),
    /// The server chose a version that nobody should speak any more.
    Legacy(TlsVersion),
    /// The client gave up; its reason.
    Failed(String),
}

/// A TLS version by its number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TlsVersion(pub u16);

impl TlsVersion {
    /// TLS 1.2.
    pub const V1_2: Self = Self(0x0303);
    /// TLS 1.3.
    pub const V1_3: Self = Self(0x0304);
}

impl std::fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0x0002 => f.write_str("SSL 2.0"),
            0x0300 => f.write_str("SSL 3.0"),
            0x0301 => f.write_str("TLS 1.0"),
            0x0302 => f.write_str("TLS 1.1"),
            0x0303 => f.write_str("TLS 1.2"),
            0x0304 => f.write_str("TLS 1.3"),
            other => write!(f, "TLS version {other:#06x}"),
        }
    }
}

impl Serialize for TlsVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for TlsVersion {
    fn schema_name() -> Cow<'static, str> {
        "TlsVersion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "description": "A TLS version: `TLS 1.3`"})
    }
}

/// Whether the handshake's signature was made with the leaf's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HandshakeSignature {
    /// No signature came.
    None,
    /// It verifies.
    Verified,
    /// It does not verify: the server holds another key than the leaf's.
    Wrong,
    /// It could not be checked: the certificate or its algorithm is one that modern clients refuse.
    Unchecked(String),
}

/// The client certificate's part of the handshake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientCertificate {
    /// Whether the server asked for one.
    pub requested: bool,
    /// The names of the authorities that the server accepts, as it sent them.
    pub authorities: Vec<String>,
    /// The same names as DER, for comparison with an issuer.
    #[serde(skip)]
    pub authorities_der: Vec<Vec<u8>>,
    /// The signature schemes that the server takes from clients.
    pub schemes: Vec<String>,
    /// What the client did.
    pub sent: SentCertificate,
}

/// What the client presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SentCertificate {
    /// Nothing: it has none, or none was asked for.
    #[default]
    None,
    /// Its certificate.
    Certificate,
    /// Nothing, although it has one: the server takes no signature that its key can make.
    NoCommonScheme,
}

/// Answers to questions that a failed handshake raises, each asked on a
/// connection of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Survey {
    /// The answer to a plain HTTP request: its status line.
    pub plain_http: Option<String>,
    /// The version that the server chooses when older ones are offered too.
    pub version: Option<TlsVersion>,
    /// The cipher suite that the server chooses when outdated ones are offered too.
    pub cipher: Option<String>,
    /// The protocol that the server chooses by ALPN when the usual ones are offered.
    pub alpn: Option<String>,
}

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Http {
    /// Time to the answer's head.
    pub micros: u64,
    /// `HTTP/1.1` or `HTTP/2`.
    pub protocol: String,
    /// The request's path.
    pub path: String,
    /// How it ended.
    pub outcome: HttpOutcome,
    /// The answer's status.
    pub status: Option<u16>,
    /// The answer's headers, in order.
    pub headers: Vec<(String, String)>,
    /// The answer's body, as far as it is text, at most 64 KiB.
    pub body: String,
}

impl Http {
    /// The first header of a name, compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// How an HTTP exchange ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HttpOutcome {
    /// An answer came.
    Answered,
    /// A fatal alert came instead: in TLS 1.3 the client's certificate is judged only now.
    Alert(Alert),
    /// The connection was reset.
    Reset,
    /// The connection was closed.
    Closed,
    /// No answer in time.
    TimedOut,
    /// The answer was no HTTP, or another failure.
    Failed(String),
}
