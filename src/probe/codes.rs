//! The table of the probe's verdicts: the code, whose fault it is, what was seen, and the cause
//! under Istio. docs/probe-verdicts.md is generated from it. Codes are never reused with a
//! different meaning.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::certs::verify::FaultCode;

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The gateway or its configuration.
    Server,
    /// This client's request or certificate.
    Client,
    /// Something between the two.
    Network,
    /// The settings of this probe.
    Config,
}

impl Fault {
    /// The name in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Network => "network",
            Self::Config => "config",
        }
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct Entry {
    /// The code.
    pub code: Code,
    /// Whose fault it is; none if everything is OK.
    pub fault: Option<Fault>,
    /// What was seen.
    pub seen: &'static str,
    /// The cause under Istio, and the remedy.
    pub cause: &'static str,
}

/// The result of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// As expected.
    Ok,
    /// No gateway to connect to.
    NoLocalGateway,
    /// The name has no IP address.
    NameNotResolved,
    /// Nothing listens on the port.
    ConnectionRefused,
    /// There is no route to the address.
    Unreachable,
    /// No answer in time.
    Timeout,
    /// Reset instead of a ServerHello.
    ResetAfterClientHello,
    /// Closed instead of a ServerHello.
    ClosedAfterClientHello,
    /// HTTP without TLS on this port.
    PlainHttp,
    /// Neither TLS nor HTTP.
    NotTls,
    /// No common TLS version.
    ProtocolVersion,
    /// No common cipher suite.
    NoCommonCipher,
    /// No common ALPN protocol, or not the required one.
    AlpnMismatch,
    /// The alert `unrecognized_name`.
    UnrecognizedName,
    /// Any other handshake failure.
    HandshakeFailed,
    /// The server does not have the leaf's key.
    ServerKeyMismatch,
    /// The chain cannot be verified, with the reason.
    Certificate(FaultCode),
    /// The server requires a client certificate and none was sent.
    ClientCertificateRequired,
    /// The client certificate was refused.
    ClientCertificateRejected,
    /// Served without a client certificate although it should have been refused.
    ClientCertificateNotRequired,
    /// The client's certificate and key do not match.
    ClientKeyMismatch,
    /// The client's key needs a password.
    ClientKeyEncrypted,
    /// An unexpected status.
    UnexpectedStatus,
    /// 404 on a connection opened for another host.
    CoalescedNotFound,
    /// No HTTP response over a valid TLS connection.
    HttpFailed,
}

impl Code {
    /// The code in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoLocalGateway => "no-local-gateway",
            Self::NameNotResolved => "name-not-resolved",
            Self::ConnectionRefused => "connection-refused",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::ResetAfterClientHello => "reset-after-client-hello",
            Self::ClosedAfterClientHello => "closed-after-client-hello",
            Self::PlainHttp => "plain-http",
            Self::NotTls => "not-tls",
            Self::ProtocolVersion => "protocol-version",
            Self::NoCommonCipher => "no-common-cipher",
            Self::AlpnMismatch => "alpn-mismatch",
            Self::UnrecognizedName => "unrecognized-name",
            Self::HandshakeFailed => "handshake-failed",
            Self::ServerKeyMismatch => "server-key-mismatch",
            Self::Certificate(fault) => fault.as_str(),
            Self::ClientCertificateRequired => "client-certificate-required",
            Self::ClientCertificateRejected => "client-certificate-rejected",
            Self::ClientCertificateNotRequired => "client-certificate-not-required",
            Self::ClientKeyMismatch => "client-key-mismatch",
            Self::ClientKeyEncrypted => "client-key-encrypted",
            Self::UnexpectedStatus => "unexpected-status",
            Self::CoalescedNotFound => "coalesced-not-found",
            Self::HttpFailed => "http-failed",
        }
    }

    /// Whose fault it is; none if everything is OK.
    pub fn fault(self) -> Option<Fault> {
        self.entry().and_then(|entry| entry.fault)
    }

    /// Its row.
    pub fn entry(self) -> Option<&'static Entry> {
        TABLE.iter().find(|entry| entry.code == self)
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl JsonSchema for Code {
    fn schema_name() -> Cow<'static, str> {
        "VerdictCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = TABLE.iter().map(|entry| entry.code.as_str()).collect();
        json_schema!({"description": "The result; docs/probe-verdicts.md explains the codes", "enum": words})
    }
}

const fn server(code: Code, seen: &'static str, cause: &'static str) -> Entry {
    Entry {
        code,
        fault: Some(Fault::Server),
        seen,
        cause,
    }
}

const fn other(code: Code, fault: Fault, seen: &'static str, cause: &'static str) -> Entry {
    Entry {
        code,
        fault: Some(fault),
        seen,
        cause,
    }
}

const fn chain(fault: FaultCode, seen: &'static str, cause: &'static str) -> Entry {
    server(Code::Certificate(fault), seen, cause)
}

/// The table, in the order in which a connection encounters the reasons.
pub const TABLE: &[Entry] = &[
    Entry {
        code: Code::Ok,
        fault: None,
        seen: "everything is as expected",
        cause: "nothing to do",
    },
    other(
        Code::NoLocalGateway,
        Fault::Config,
        "no gateway to connect to: no running `serve` of this workspace, no INGRESS_HOST, no cluster recorded \
        by `apply`",
        "start `istio-tls serve`, set INGRESS_HOST and SECURE_INGRESS_PORT, or pass --target cluster or an address",
    ),
    other(
        Code::ClientKeyEncrypted,
        Fault::Config,
        "the client's key is encrypted, and no password was given",
        "pass --key-password-file; Istio itself does not accept encrypted keys",
    ),
    other(
        Code::ClientKeyMismatch,
        Fault::Config,
        "the client's key does not match its certificate",
        "pass the key that belongs to the certificate",
    ),
    other(
        Code::NameNotResolved,
        Fault::Network,
        "the name does not resolve to an IP address",
        "a new load balancer hostname takes a while to resolve; or set the address with --resolve or --target",
    ),
    other(
        Code::ConnectionRefused,
        Fault::Network,
        "nothing listens on the port",
        "the gateway is not running, or its Service does not have this port; compare SECURE_INGRESS_PORT with `kubectl -n istio-system get service istio-ingressgateway`",
    ),
    other(
        Code::Unreachable,
        Fault::Network,
        "no route to the address",
        "a private address, but no route or tunnel to it (minikube tunnel, VPN)",
    ),
    other(
        Code::Timeout,
        Fault::Network,
        "the connection, the ClientHello or the request timed out",
        "a firewall drops packets, a listener never answers, or a backend is slower than --timeout",
    ),
    server(
        Code::ResetAfterClientHello,
        "the connection was reset instead of a ServerHello",
        "the gateway has no server for this SNI, or that server's Secret (credentialName) is missing, broken, or outside the namespace of the gateway's pods",
    ),
    server(
        Code::ClosedAfterClientHello,
        "the connection was closed instead of a ServerHello",
        "no Gateway server has this SNI in its hosts, or a load balancer has no healthy backend",
    ),
    server(
        Code::UnrecognizedName,
        "the server does not know the name (alert 112, unrecognized_name)",
        "a proxy other than Istio's answers, or the host is missing from the Gateway's servers",
    ),
    server(
        Code::PlainHttp,
        "the port serves plain HTTP (confirmed by a plaintext request)",
        "the Gateway's server has protocol HTTP and no tls block; it must have protocol HTTPS and tls.mode",
    ),
    server(
        Code::NotTls,
        "the answer is neither TLS nor HTTP",
        "the port belongs to another service",
    ),
    server(
        Code::ProtocolVersion,
        "server and client have no common TLS version",
        "minProtocolVersion or maxProtocolVersion of the Gateway's server, or an outdated server",
    ),
    server(
        Code::NoCommonCipher,
        "server and client have no common cipher suite",
        "cipherSuites of the Gateway's server, or a server with only outdated suites",
    ),
    server(
        Code::AlpnMismatch,
        "with ALPN, the server chose a protocol other than the required one, or none",
        "Istio's gateway offers h2 and http/1.1; other proxies or a PASSTHROUGH backend may differ",
    ),
    server(
        Code::HandshakeFailed,
        "the handshake failed for another reason",
        "the summary shows the alert; the gateway's log has the details",
    ),
    server(
        Code::ServerKeyMismatch,
        "the handshake was not signed with the certificate's key",
        "tls.key of the Secret does not belong to tls.crt",
    ),
    chain(
        FaultCode::NoCertificate,
        "the server sent no certificate",
        "tls.crt of the Secret is empty",
    ),
    chain(
        FaultCode::CertificateUnreadable,
        "a certificate of the served chain cannot be parsed",
        "tls.crt of the Secret holds something other than certificates",
    ),
    chain(
        FaultCode::CertificateExpired,
        "a certificate of the chain has expired (leaf or intermediate, as stated)",
        "the Secret was not renewed; istiod distributes expired certificates anyway",
    ),
    chain(
        FaultCode::CertificateNotYetValid,
        "a certificate of the chain is not valid yet",
        "a wrong clock, or a certificate for future use",
    ),
    chain(
        FaultCode::NameMismatch,
        "no name in the certificate covers the host",
        "credentialName points to another host's Secret, or the certificate lacks this SAN",
    ),
    chain(
        FaultCode::NoSan,
        "the host is only in the subject's CN",
        "clients look only at subjectAltName; issue the certificate with a SAN",
    ),
    chain(
        FaultCode::SelfSigned,
        "the leaf is self-signed and not trusted",
        "a placeholder certificate; put one issued by your CA into the Secret",
    ),
    chain(
        FaultCode::IncompleteChain,
        "an intermediate is neither sent nor known",
        "tls.crt of the Secret must hold the leaf, followed by the intermediates",
    ),
    chain(
        FaultCode::UnknownIssuer,
        "the chain ends at a root that this client does not trust",
        "it was issued by a CA other than --cacert; the Secret may hold an older chain",
    ),
    chain(
        FaultCode::BadSignature,
        "a signature was not made with the issuer's key",
        "two CAs with the same name: the chain is a mix of an old and a new one",
    ),
    chain(
        FaultCode::CertificateRevoked,
        "the certificate is revoked by a CRL",
        "issue a new leaf and replace the Secret",
    ),
    chain(
        FaultCode::CaAsLeaf,
        "the first certificate is a CA certificate",
        "tls.crt begins with the intermediate or the root; the leaf must come first",
    ),
    chain(
        FaultCode::WrongEku,
        "extendedKeyUsage or keyUsage does not allow a TLS server",
        "tls.crt holds a client certificate; a server needs serverAuth, and digitalSignature if keyUsage is present",
    ),
    chain(
        FaultCode::IssuerNotCa,
        "an issuer in the chain may not issue certificates",
        "the issuer lacks basicConstraints CA:TRUE",
    ),
    chain(
        FaultCode::PathTooLong,
        "pathLenConstraint is exceeded",
        "too many intermediates below the CA",
    ),
    chain(
        FaultCode::NameConstraintViolation,
        "a name constraint of a CA forbids a name",
        "the CA may not issue for this host",
    ),
    chain(
        FaultCode::X509V1,
        "the certificate is X.509 version 1 or 2",
        "this is what `openssl x509 -req` issues without an extensions file",
    ),
    chain(
        FaultCode::WeakKey,
        "an RSA key with less than 2048 bits",
        "Envoy and browsers refuse it; create a new key",
    ),
    chain(
        FaultCode::UnsupportedKey,
        "a key in the chain that Envoy and Go do not support: a curve other than P-256, P-384 and P-521, or explicit curve parameters",
        "create a P-256 key (`openssl ecparam -name prime256v1`, without explicit parameters)",
    ),
    chain(
        FaultCode::WeakSignature,
        "a SHA-1 or MD5 signature",
        "modern clients refuse it; use SHA-256",
    ),
    chain(
        FaultCode::UnknownCriticalExtension,
        "a critical extension that verifiers do not know",
        "issue the certificate without it, or with it not critical",
    ),
    chain(
        FaultCode::DuplicateExtension,
        "a certificate has a duplicate extension",
        "reissue it: Go and OpenSSL refuse it",
    ),
    chain(
        FaultCode::MustStaple,
        "the certificate is must-staple: it requires an OCSP response in every handshake (a note, never a failure)",
        "Envoy loads it only with an OCSP response (`tls.ocsp-staple` of the Secret)",
    ),
    chain(
        FaultCode::WrongOrder,
        "the certificates are not in order (leaf first, each followed by its issuer)",
        "many clients reorder them, but strict ones do not; fix the order in tls.crt",
    ),
    chain(
        FaultCode::RootSent,
        "the chain includes the root (a note, never a failure)",
        "remove it from tls.crt",
    ),
    chain(
        FaultCode::CrlExpired,
        "a CRL is past its nextUpdate (a note, never a failure)",
        "publish a new one",
    ),
    other(
        Code::ClientCertificateRequired,
        Fault::Client,
        "the server requires a client certificate, and none was sent (TLS 1.2: alert 40; TLS 1.3: alert 116, after the handshake appeared complete)",
        "tls.mode is MUTUAL; pass --cert and --key; `istio-tls gen-certs HOST --mode mutual` issues them",
    ),
    other(
        Code::ClientCertificateRejected,
        Fault::Client,
        "the server refuses the client certificate; the alert gives the reason (48 unknown CA, 45 expired, 44 revoked, 43 wrong purpose)",
        "the client's issuer must be in ca.crt of the host's Secret (or of NAME-cacert), and the certificate must allow clientAuth",
    ),
    server(
        Code::ClientCertificateNotRequired,
        "served without a client certificate, although mutual TLS was expected",
        "tls.mode is SIMPLE or OPTIONAL_MUTUAL; only MUTUAL refuses clients without one",
    ),
    server(
        Code::HttpFailed,
        "TLS is established, but there was no HTTP response",
        "the gateway or its backend closed the connection; see its log",
    ),
    server(
        Code::CoalescedNotFound,
        "404 for a request over the HTTP/2 connection of another host whose certificate covers both, as browsers do (`--coalesce`)",
        "two servers with overlapping certificates: each has its own route table; put both hosts into one server, or remove the overlap",
    ),
    server(
        Code::UnexpectedStatus,
        "an unexpected HTTP status",
        "404: no VirtualService route for this host and path; 503: the destination has no healthy endpoint",
    ),
];

/// docs/probe-verdicts.md.
pub fn document() -> String {
    let mut text = String::from(
        "# Verdicts of `istio-tls probe`\n\nGenerated from the table in src/probe/codes.rs by `ISTIO_TLS_BLESS=1 cargo test --lib probe::codes`.\n\nEvery result of `probe` has a verdict: its code, whose fault it is, a summary with the expected and the actual value, and what to do next. The exit code is 0 if every verdict is `ok`, otherwise 1.\n\n| code | fault | seen | cause under Istio, and remedy |\n|---|---|---|---|\n",
    );
    for entry in TABLE {
        let fault = entry.fault.map_or("", Fault::as_str);
        for part in [
            "| `",
            entry.code.as_str(),
            "` | ",
            fault,
            " | ",
            entry.seen,
            " | ",
            entry.cause,
            " |\n",
        ] {
            text.push_str(part);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::Path;

    use super::{TABLE, document};

    #[test]
    fn codes_are_listed_once() {
        let codes: HashSet<&str> = TABLE.iter().map(|entry| entry.code.as_str()).collect();
        assert_eq!(codes.len(), TABLE.len());
    }

    #[test]
    fn the_document_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/probe-verdicts.md");
        if std::env::vars().any(|(name, _)| name == "ISTIO_TLS_BLESS") {
            std::fs::write(&path, document()).expect("the document is written");
        }
        let stored = std::fs::read_to_string(&path).expect("docs/probe-verdicts.md exists");
        assert!(
            stored == document(),
            "docs/probe-verdicts.md is out of date: ISTIO_TLS_BLESS=1 cargo test --lib probe::codes"
        );
    }
}
