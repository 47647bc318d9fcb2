//! The routing table: everything a listener needs, built once per
//! configuration and never changed. It is made of manifests by `build`,
//! `matching` chooses from it for each request, and the data plane serves it.
//! Names follow Istio's and Envoy's.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

use super::header_text::{HeaderText, RequestField};
use crate::certs::key::PrivateKey;

/// One whole configuration of the gateway.
#[derive(Default)]
pub struct Table {
    /// One per Gateway server port (ports merged as istiod merges them).
    pub listeners: Vec<Listener>,
    /// The destinations that routes name by index.
    pub clusters: Vec<Cluster>,
}

/// A port that the Gateways open.
pub struct Listener {
    /// The Gateway server's `port.number`, before any mapping to a local port.
    pub port: u16,
    /// What is spoken on it.
    pub protocol: ListenerProtocol,
}

/// A listener speaks plain HTTP, TLS (chosen by SNI) or any TCP.
pub enum ListenerProtocol {
    /// Plain HTTP: one route table for every server of the port.
    Http(Arc<RouteTable>),
    /// Filter chains, chosen by SNI. One without server names may speak no TLS:
    /// Istio lets a plain server join the port of TLS servers that stand before it.
    Tls(SniTable),
    /// TCP, whatever is spoken over it: one route for every connection.
    Tcp(Arc<TcpRoute>),
}

/// Filter chains by SNI: exact, then the longest wildcard suffix, then the one
/// without server names (which also takes clients that send no SNI).
#[derive(Default)]
pub struct SniTable {
    /// By lower-case name.
    pub exact: HashMap<Box<str>, Arc<FilterChain>>,
    /// By suffix without the `*`: `.example.com`.
    pub wildcard: HashMap<Box<str>, Arc<FilterChain>>,
    /// Hosts `*`.
    pub any: Option<Arc<FilterChain>>,
    /// A chain takes the bytes as they come, so the server name is looked for before
    /// TLS is spoken (Envoy's TLS inspector).
    pub is_inspected: bool,
}

impl SniTable {
    /// Every chain, once for each of its server names.
    pub fn chains(&self) -> impl Iterator<Item = &Arc<FilterChain>> {
        self.exact.values().chain(self.wildcard.values()).chain(&self.any)
    }
}

/// What becomes of a connection to one Gateway server.
pub struct FilterChain {
    /// For logs and the admin: `namespace/gateway port-name`.
    pub name: String,
    /// Whether TLS ends here.
    pub transport: Transport,
    /// What is done with its bytes then.
    pub filter: Filter,
}

impl FilterChain {
    /// The chain of a server that terminates TLS and speaks HTTP.
    pub fn https(name: String, tls: Result<TlsMaterial, String>, routes: Arc<RouteTable>) -> Self {
        Self {
            name,
            transport: Transport::Tls(tls.map(Arc::new)),
            filter: Filter::Http(routes),
        }
    }

    /// Its virtual hosts, when it speaks HTTP; no other server's are reachable through it.
    pub fn routes(&self) -> Option<&Arc<RouteTable>> {
        match &self.filter {
            Filter::Http(routes) => Some(routes),
            Filter::Tcp(_) | Filter::Closed(_) => None,
        }
    }

    /// The key material of a chain that terminates TLS, or why it has none.
    pub fn material(&self) -> Option<Result<&TlsMaterial, &String>> {
        match &self.transport {
            Transport::Tls(tls) => Some(tls.as_deref()),
            Transport::Raw => None,
        }
    }
}

/// Who speaks TLS.
pub enum Transport {
    /// The gateway: with this key material, or why it is missing; then the connection is
    /// reset, as in Istio.
    Tls(Result<Arc<TlsMaterial>, String>),
    /// Not the gateway: the bytes are taken as they come.
    Raw,
}

/// What is done with a connection's bytes.
pub enum Filter {
    /// They are HTTP.
    Http(Arc<RouteTable>),
    /// They are passed on.
    Tcp(Arc<TcpRoute>),
    /// The connection is reset: what the server is to do is not run here, and why.
    Closed(String),
}

/// Where the connections of a server go (VirtualService `tcp`, `tls`).
pub struct TcpRoute {
    /// For logs: `namespace/virtualservice tcp[i]`.
    pub name: String,
    /// The clients' own TLS is passed on (PASSTHROUGH), so none is spoken to the
    /// destination, and no stand-in of this program can answer for it.
    pub passes_tls: bool,
    /// One of these, by weight.
    pub destinations: Vec<TcpDestination>,
}

/// One weighted destination of TCP.
pub struct TcpDestination {
    /// Index into [`Table::clusters`].
    pub cluster: usize,
    /// Its share.
    pub weight: u32,
}

/// What a server presents and demands.
pub struct TlsMaterial {
    /// A certificate, or several for clients that understand different keys: RSA beside ECDSA.
    pub identities: Vec<ServerIdentity>,
    /// Whether clients present a certificate.
    pub client_auth: ClientAuth,
    /// `ServerTLSSettings.minProtocolVersion`, `maxProtocolVersion`: 0x0303 or 0x0304.
    pub versions: (u16, u16),
    /// TLS 1.2 cipher suites in OpenSSL's names; empty is the default list.
    pub cipher_suites: Vec<String>,
    /// `ServerTLSSettings.ecdhCurves`: key exchange groups; empty is the default list.
    pub ecdh_curves: Vec<String>,
}

/// A certificate that a server presents, and its key.
pub struct ServerIdentity {
    /// Where it came from, for `/certs`: `Secret istio-system/httpbin-credential` or a path.
    pub source: String,
    /// Leaf first.
    pub certificates: Arc<[CertificateDer<'static>]>,
    /// The leaf's key.
    pub key: PrivateKey,
}

/// How clients are authenticated (`ServerTLSSettings.mode`).
pub enum ClientAuth {
    /// SIMPLE.
    None,
    /// OPTIONAL_MUTUAL.
    Optional(ClientVerification),
    /// MUTUAL.
    Required(ClientVerification),
}

/// What a client's certificate must satisfy.
#[derive(Default)]
pub struct ClientVerification {
    /// A certificate that no list is for is not refused for that: the lists
    /// come from `--crl` alone, for whichever servers they fit. A Secret's
    /// lists leave no CA of a chain out, as in Envoy.
    pub unlisted_allowed: bool,
    /// Trust anchors.
    pub authorities: Arc<[CertificateDer<'static>]>,
    /// Revocation lists.
    pub crls: Vec<CertificateRevocationListDer<'static>>,
    /// `subjectAltNames`: one must match exactly; empty accepts any.
    pub subject_alt_names: Vec<String>,
    /// `verifyCertificateSpki`: base64 SHA-256 of the SPKI; empty accepts any.
    pub spki_sha256: Vec<[u8; 32]>,
    /// `verifyCertificateHash`: SHA-256 of the certificate; empty accepts any.
    pub certificate_sha256: Vec<[u8; 32]>,
    /// `insecureSkipVerify`: an untrusted certificate is tolerated.
    pub accept_untrusted: bool,
}

/// Virtual hosts by authority (port left out, lower case): exact, then longest
/// `*.suffix`, then `*`. None matching is a 404.
#[derive(Default)]
pub struct RouteTable {
    /// By lower-case domain.
    pub exact: HashMap<Box<str>, Arc<VirtualHost>>,
    /// By suffix without the `*`: `.example.com`.
    pub wildcard: HashMap<Box<str>, Arc<VirtualHost>>,
    /// The domain `*`.
    pub any: Option<Arc<VirtualHost>>,
}

/// A virtual host and its routes, in order of evaluation.
#[derive(Default)]
pub struct VirtualHost {
    /// For logs: the domain.
    pub name: String,
    /// `httpsRedirect`: every request is answered 301 to https.
    pub require_tls: bool,
    /// The first that matches wins.
    pub routes: Vec<Route>,
}

/// One route: a match and what is done.
pub struct Route {
    /// For logs: `namespace/virtualservice http[i]`.
    pub name: String,
    /// All parts must hold.
    pub when: RouteMatch,
    /// What is done with the request.
    pub action: RouteAction,
    /// Header operations on the route.
    pub headers: HeaderOperations,
    /// `fault`.
    pub fault: Option<Fault>,
    /// `corsPolicy`.
    pub cors: Option<CorsPolicy>,
}

/// A route's conditions (Istio `HTTPMatchRequest`); an empty one matches all.
#[derive(Default)]
pub struct RouteMatch {
    /// On the path without the query.
    pub path: Option<StringMatch>,
    /// `ignoreUriCase`: for exact and prefix.
    pub ignore_path_case: bool,
    /// On `:scheme`.
    pub scheme: Option<StringMatch>,
    /// On `:method`.
    pub method: Option<StringMatch>,
    /// On `:authority`, with its port.
    pub authority: Option<StringMatch>,
    /// By header or pseudo header; any of its values may fit.
    pub headers: Vec<(RequestField, ValueMatch)>,
    /// Inverted header conditions: none of the values may fit.
    pub without_headers: Vec<(RequestField, ValueMatch)>,
    /// By query parameter; the first occurrence counts.
    pub query: Vec<(String, ValueMatch)>,
}

/// Istio `StringMatch`.
pub enum StringMatch {
    /// The whole text.
    Exact(String),
    /// The text's beginning (plain string prefix).
    Prefix(String),
    /// A path's beginning, up to the end of a segment (the Gateway API's prefix).
    PathPrefix(String),
    /// A regular expression over the whole text (RE2 full match; anchors are added when built).
    Regex(regex::Regex),
}

/// A header or parameter: present, or its value matches.
pub enum ValueMatch {
    /// Any value.
    Present,
    /// This value.
    Value(StringMatch),
}

/// What a route does.
pub enum RouteAction {
    /// Sends the request on.
    Forward(Forward),
    /// Answers with a Location.
    Redirect(Redirect),
    /// Answers by itself.
    Direct {
        /// The status.
        status: http::StatusCode,
        /// The body.
        body: bytes::Bytes,
    },
}

/// A route to one destination or several by weight.
pub struct Forward {
    /// Destination and its weight; the sum need not be 100.
    pub destinations: Vec<Destination>,
    /// `rewrite`.
    pub rewrite: Option<Rewrite>,
    /// `timeout`: the whole request including retries; none is unlimited.
    pub timeout: Option<Duration>,
    /// `retries`.
    pub retries: RetryPolicy,
    /// `mirror` and `mirrors`.
    pub mirrors: Vec<Mirror>,
    /// The answer where the destination is unknown.
    pub missing: http::StatusCode,
}

/// One weighted destination.
pub struct Destination {
    /// Index into [`Table::clusters`].
    pub cluster: usize,
    /// Its share.
    pub weight: u32,
    /// Header operations of this destination.
    pub headers: HeaderOperations,
    /// The authority that its requests get, where the route sets none.
    pub authority: Option<String>,
}

/// A share of requests, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u32);

impl Share {
    const WHOLE: u32 = 1_000_000;

    /// That of a percentage from 0 to 100.
    #[allow(clippy::cast_sign_loss, reason = "it is between zero and a million")]
    pub fn of(percent: f64) -> Self {
        Self((percent.clamp(0.0, 100.0) * 10_000.0) as u32)
    }

    /// Whether a request with this evenly spread number belongs to the share.
    pub fn holds(self, random: u64) -> bool {
        random % u64::from(Self::WHOLE) < u64::from(self.0)
    }
}

/// Istio `HTTPFaultInjection`.
pub struct Fault {
    /// A pause before anything else is done.
    pub delay: Option<(Share, Duration)>,
    /// An answer in place of the route's.
    pub abort: Option<(Share, Abort)>,
}

/// What an injected fault answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abort {
    /// `httpStatus`.
    Http(http::StatusCode),
    /// `grpcStatus`, by its number.
    Grpc(u16),
}

/// Istio `CorsPolicy`.
pub struct CorsPolicy {
    /// Origins that may read.
    pub origins: Vec<StringMatch>,
    /// `access-control-allow-methods`.
    pub methods: Option<http::HeaderValue>,
    /// `access-control-allow-headers`.
    pub headers: Option<http::HeaderValue>,
    /// `access-control-expose-headers`.
    pub exposed: Option<http::HeaderValue>,
    /// `access-control-max-age`, in seconds.
    pub max_age: Option<http::HeaderValue>,
    /// `access-control-allow-credentials: true`.
    pub credentials: bool,
    /// `unmatchedPreflights: IGNORE`: the gateway answers preflights of other
    /// origins, too, instead of passing them on.
    pub answers_unmatched: bool,
}

/// A destination that gets copies of requests; its answers are dropped.
pub struct Mirror {
    /// Index into [`Table::clusters`].
    pub cluster: usize,
    /// Of how many requests.
    pub share: Share,
}

/// Istio `HTTPRetry`, as istiod makes an Envoy `RetryPolicy` of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts after the first.
    pub attempts: u32,
    /// What is tried again.
    pub on: RetryOn,
    /// The longest time of one attempt.
    pub per_try_timeout: Option<Duration>,
    /// The longest first pause; it doubles up to ten times this.
    pub backoff: Duration,
}

impl Default for RetryPolicy {
    /// Istio's, where a VirtualService says nothing.
    fn default() -> Self {
        Self {
            attempts: 2,
            on: RetryOn::default(),
            per_try_timeout: None,
            backoff: Duration::from_millis(25),
        }
    }
}

/// Envoy's `retry_on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryOn {
    /// `5xx`: any such status, and every reset.
    pub server_error: bool,
    /// `gateway-error`: 502, 503, 504, and every reset.
    pub gateway_error: bool,
    /// `reset`: the upstream broke off before its answer's head.
    pub reset: bool,
    /// `connect-failure`.
    pub connect_failure: bool,
    /// `refused-stream`: HTTP/2 says that nothing was processed.
    pub refused_stream: bool,
    /// Statuses named by number, and 409 for `retriable-4xx`.
    pub statuses: Vec<http::StatusCode>,
    /// gRPC statuses of an answer's head.
    pub grpc: Vec<u16>,
}

impl Default for RetryOn {
    /// Istio's, where a VirtualService says nothing.
    fn default() -> Self {
        Self {
            server_error: false,
            gateway_error: false,
            reset: false,
            connect_failure: true,
            refused_stream: true,
            statuses: Vec::new(),
            grpc: vec![14, 1],
        }
    }
}

/// Istio `HTTPRewrite`.
pub struct Rewrite {
    /// The new path or path prefix.
    pub path: Option<PathRewrite>,
    /// The new authority.
    pub authority: Option<String>,
}

/// How a path is rewritten; the query is kept.
pub enum PathRewrite {
    /// The first `matched` bytes are replaced.
    Prefix {
        /// Length of the matched prefix.
        matched: usize,
        /// What replaces it.
        with: String,
    },
    /// The whole path is replaced.
    Whole(String),
    /// Every match is replaced; groups as `${1}`.
    Regex {
        /// What is searched.
        pattern: regex::Regex,
        /// What replaces it.
        with: String,
    },
}

/// Istio `HTTPRedirect`.
pub struct Redirect {
    /// 301, 302, 303, 307 or 308.
    pub status: http::StatusCode,
    /// The new path.
    pub path: Option<PathRewrite>,
    /// The new authority.
    pub authority: Option<String>,
    /// The new scheme.
    pub scheme: Option<String>,
    /// The new port.
    pub port: Option<u16>,
}

/// Istio `Headers`: remove, then set, then add.
#[derive(Default, Clone)]
pub struct HeaderOperations {
    /// On the request.
    pub request: HeaderEdit,
    /// On the response.
    pub response: HeaderEdit,
}

/// Edits of one header map.
#[derive(Default, Clone)]
pub struct HeaderEdit {
    /// Names taken out.
    pub remove: Vec<http::HeaderName>,
    /// Values that replace.
    pub set: Vec<(http::HeaderName, HeaderText)>,
    /// Values that are appended.
    pub add: Vec<(http::HeaderName, HeaderText)>,
}

impl HeaderOperations {
    /// Whether values are filled in for each request.
    pub fn is_filled(&self) -> bool {
        let edits = [&self.request, &self.response];
        let mut values = edits.into_iter().flat_map(|edit| edit.set.iter().chain(&edit.add));
        values.any(|(_, value)| value.is_filled())
    }

    /// Adds operations that come after these.
    pub fn append(&mut self, later: Self) {
        self.request.append(later.request);
        self.response.append(later.response);
    }
}

impl HeaderEdit {
    fn append(&mut self, later: Self) {
        self.remove.extend(later.remove);
        self.set.extend(later.set);
        self.add.extend(later.add);
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }
}

/// A destination Service and where it is reached.
pub struct Cluster {
    /// `httpbin.default.svc.cluster.local:8000`, for logs and stats.
    pub name: String,
    /// The endpoint.
    pub endpoint: Endpoint,
}

/// Where a cluster's requests go.
pub enum Endpoint {
    /// A sample built into this program.
    Sample(Sample),
    /// An `--upstream`.
    Remote {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
        /// HTTP/1.1, h2c or HTTPS.
        protocol: UpstreamProtocol,
    },
    /// The destination names a Service or port that does not exist.
    Unknown,
}

/// How an upstream is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpstreamProtocol {
    /// HTTP/1.1 in plain text; a gRPC request is sent over h2c.
    Http,
    /// HTTP/2 with prior knowledge.
    H2c,
    /// TLS, HTTP/2 or HTTP/1.1 by ALPN.
    Https,
    /// Whatever the client speaks; HTTP routes send HTTP/1.1 there.
    Tcp,
}

/// The built-in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// The httpbin sample.
    Httpbin,
    /// The helloworld sample.
    Helloworld,
    /// The bookinfo product page.
    Productpage,
    /// Answers with what it was asked.
    Echo,
}
