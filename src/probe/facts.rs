//! The facts of a dial, phase by phase: plain values without judgement. [`super::dial`] records
//! them, [`super::verdict`] judges them, `report` shows them.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use crate::alert::Alert;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

/// Everything that was observed in one dial. A phase that was not reached is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default, JsonSchema)]
pub struct Facts {
    /// Name lookup; none if an address was given.
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
    /// The name that was looked up.
    pub name: String,
    /// The addresses, in the resolver's order.
    pub addresses: Vec<IpAddr>,
    /// Why there are no addresses.
    pub error: Option<String>,
    /// The resolver gave no answer, so the name may have addresses all the same.
    #[serde(skip)]
    pub is_unanswered: bool,
}

/// A TCP connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Connect {
    /// How long it took.
    pub micros: u64,
    /// The address.
    pub address: SocketAddr,
    /// How it ended.
    pub outcome: ConnectOutcome,
}

/// The result of connecting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectOutcome {
    /// Connected.
    Connected,
    /// Nothing listens there.
    Refused,
    /// No answer in time.
    TimedOut,
    /// Another failure, with the system's message.
    Failed(String),
}

/// A TLS handshake, as far as it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// How long it took.
    pub micros: u64,
    /// The server name (SNI) that was sent.
    pub sni: Option<String>,
    /// The protocol names that were offered.
    pub offered_alpn: Vec<String>,
    /// The TLS versions that were offered.
    pub offered_versions: Vec<TlsVersion>,
    /// How the handshake ended.
    pub outcome: TlsOutcome,
    /// The negotiated version.
    pub version: Option<TlsVersion>,
    /// The cipher suite, by its IANA name.
    pub cipher: Option<String>,
    /// The key exchange group.
    pub group: Option<String>,
    /// The protocol that the server chose with ALPN.
    pub alpn: Option<String>,
    /// The served chain, in the served order, as DER.
    #[serde(skip)]
    pub chain: Vec<Vec<u8>>,
    /// Whether an OCSP response was stapled.
    pub ocsp_stapled: bool,
    /// Whether the server proved that it has the leaf's key.
    pub signature: HandshakeSignature,
    /// The server's certificate request, and the client's response.
    pub client_certificate: ClientCertificate,
    /// Results of further tests on separate connections.
    pub survey: Survey,
}

/// How a handshake ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TlsOutcome {
    /// It completed (in TLS 1.3, the server may still refuse the client certificate).
    Complete,
    /// The server sent a fatal alert.
    Alert(Alert),
    /// The connection was reset.
    Reset {
        /// Whether any byte was received before.
        answered: bool,
    },
    /// The connection was closed.
    Closed {
        /// Whether any byte was received before.
        answered: bool,
    },
    /// No answer in time.
    TimedOut,
    /// The response was not a TLS record; its printable beginning.
    NotTls(String),
    /// The server chose an obsolete version.
    Legacy(TlsVersion),
    /// The client aborted, with its reason.
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

/// The result of verifying the handshake signature with the leaf's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HandshakeSignature {
    /// There was no signature.
    None,
    /// It verifies.
    Verified,
    /// It does not verify: the server has a different key than the leaf's.
    Wrong,
    /// It could not be checked: modern clients refuse the certificate or its algorithm.
    Unchecked(String),
}

/// The part of the handshake about the client certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientCertificate {
    /// Whether the server requested one.
    pub requested: bool,
    /// The names of the CAs that the server accepts, as sent.
    pub authorities: Vec<String>,
    /// The same names as DER, for comparison with an issuer.
    #[serde(skip)]
    pub authorities_der: Vec<Vec<u8>>,
    /// The signature schemes that the server accepts from clients.
    pub schemes: Vec<String>,
    /// The client's response.
    pub sent: SentCertificate,
}

/// What the client presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SentCertificate {
    /// Nothing: it has none, or none was requested.
    #[default]
    None,
    /// Its certificate.
    Certificate,
    /// Nothing, although it has one: its key cannot create any signature that the server accepts.
    NoCommonScheme,
}

/// Results of further tests after a failed handshake, each on a separate connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Survey {
    /// The status line of the response to a plain HTTP request.
    pub plain_http: Option<String>,
    /// The version that the server chooses if older ones are offered, too.
    pub version: Option<TlsVersion>,
    /// The cipher suite that the server chooses if outdated ones are offered, too.
    pub cipher: Option<String>,
    /// The protocol that the server chooses with ALPN if the usual ones are offered.
    pub alpn: Option<String>,
}

/// One request and its response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Http {
    /// Time to the response head.
    pub micros: u64,
    /// `HTTP/1.1` or `HTTP/2`.
    pub protocol: String,
    /// The request's path.
    pub path: String,
    /// How it ended.
    pub outcome: HttpOutcome,
    /// The response status.
    pub status: Option<u16>,
    /// The response headers, in order.
    pub headers: Vec<(String, String)>,
    /// The response body, as far as it is text, at most 64 KiB.
    pub body: String,
}

impl Http {
    /// The first header with a name, case-insensitive.
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
    /// There was a response.
    Answered,
    /// A fatal alert: in TLS 1.3, the client certificate is only judged now.
    Alert(Alert),
    /// The connection was reset.
    Reset,
    /// The connection was closed.
    Closed,
    /// No answer in time.
    TimedOut,
    /// The response was not HTTP, or another failure.
    Failed(String),
}
