//! Every verdict that the probe can give, in one table: the code, whose fault
//! it is, what was seen, and what causes it under Istio. docs/probe-verdicts.md
//! is made from it. Codes are never reused for another meaning.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::certs::verify::FaultCode;

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The gateway or what it was given.
    Server,
    /// This client's request or certificate.
    Client,
    /// Something between the two.
    Network,
    /// The settings of this probe.
    Config,
}

impl Fault {
    /// The word in every output.
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
    /// Whose fault it is; none when all is well.
    pub fault: Option<Fault>,
    /// What was seen.
    pub seen: &'static str,
    /// What causes it under Istio, and what to do.
    pub cause: &'static str,
}

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// As expected.
    Ok,
    /// No gateway to go to.
    NoLocalGateway,
    /// The name has no address.
    NameNotResolved,
    /// Nothing listens.
    ConnectionRefused,
    /// The address cannot be reached.
    Unreachable,
    /// No answer in time.
    Timeout,
    /// Reset where the ServerHello should be.
    ResetAfterClientHello,
    /// Closed where the ServerHello should be.
    ClosedAfterClientHello,
    /// HTTP without TLS on this port.
    PlainHttp,
    /// Neither TLS nor HTTP.
    NotTls,
    /// No version in common.
    ProtocolVersion,
    /// No cipher suite in common.
    NoCommonCipher,
    /// No protocol in common, or another than demanded.
    AlpnMismatch,
    /// An alert that says that the name is unknown.
    UnrecognizedName,
    /// Any other failure of the handshake.
    HandshakeFailed,
    /// The server does not hold the leaf's key.
    ServerKeyMismatch,
    /// The chain does not verify, and why.
    Certificate(FaultCode),
    /// None was sent and the server demands one.
    ClientCertificateRequired,
    /// The one sent is refused.
    ClientCertificateRejected,
    /// Served without one, though it should have been refused.
    ClientCertificateNotRequired,
    /// Certificate and key do not belong together.
    ClientKeyMismatch,
    /// The key needs a password.
    ClientKeyEncrypted,
    /// Another status than expected.
    UnexpectedStatus,
    /// 404 on a connection that was opened for another host.
    CoalescedNotFound,
    /// No HTTP answer on a good TLS connection.
    HttpFailed,
}

impl Code {
    /// The code as it stands in every output.
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

    /// Whose fault it is; none when all is well.
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
        json_schema!({"description": "What was found; docs/probe-verdicts.md explains the codes", "enum": words})
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

/// The table, in the order in which a connection meets the reasons.
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
        "no gateway to go to: no running `serve` of this workspace, no INGRESS_HOST, no cluster that `apply` recorded",
        "start `istio-tls serve`, set INGRESS_HOST and SECURE_INGRESS_PORT, or give --target cluster or its address",
    ),
    other(
        Code::ClientKeyEncrypted,
        Fault::Config,
        "the client's key is encrypted and no password was given",
        "give --key-password-file; Istio itself takes no encrypted keys",
    ),
    other(
        Code::ClientKeyMismatch,
        Fault::Config,
        "the client's key does not belong to its certificate",
        "give the key that the certificate was made for",
    ),
    other(
        Code::NameNotResolved,
        Fault::Network,
        "the name has no address",
        "a load balancer's hostname takes a while to resolve; or set the address with --resolve or --target",
    ),
    other(
        Code::ConnectionRefused,
        Fault::Network,
        "nothing listens on the port",
        "the gateway is not running, or its Service has no such port; compare SECURE_INGRESS_PORT with `kubectl -n istio-system get service istio-ingressgateway`",
    ),
    other(
        Code::Unreachable,
        Fault::Network,
        "the system knows no way to the address",
        "a private address without a route or tunnel (minikube tunnel, VPN)",
    ),
    other(
        Code::Timeout,
        Fault::Network,
        "no answer in time, to the connection, the ClientHello or the request",
        "a firewall that drops packets, a listener that never answers, or a backend slower than --timeout",
    ),
    server(
        Code::ResetAfterClientHello,
        "the connection was reset where the server's hello should come",
        "the gateway has no server for this SNI, or that server's Secret (credentialName) is missing, in another namespace than the gateway's pods, or broken",
    ),
    server(
        Code::ClosedAfterClientHello,
        "the connection was closed where the server's hello should come",
        "no Gateway server names this SNI (hosts), or a load balancer has no healthy backend",
    ),
    server(
        Code::UnrecognizedName,
        "the server says that it does not know the name (alert 112)",
        "another proxy than Istio's answers, or the host is missing from the Gateway's servers",
    ),
    server(
        Code::PlainHttp,
        "plain HTTP is spoken on the port (confirmed by a plaintext request)",
        "the Gateway's server has protocol HTTP and no tls block; it must be HTTPS with tls.mode",
    ),
    server(
        Code::NotTls,
        "the answer is neither TLS nor HTTP",
        "the port belongs to another service",
    ),
    server(
        Code::ProtocolVersion,
        "server and client have no TLS version in common",
        "minProtocolVersion or maxProtocolVersion of the Gateway's server, or an outdated server",
    ),
    server(
        Code::NoCommonCipher,
        "server and client have no cipher suite in common",
        "cipherSuites of the Gateway's server, or a server that only has outdated suites",
    ),
    server(
        Code::AlpnMismatch,
        "the server chose another protocol by ALPN than demanded, or none",
        "Istio's gateway offers h2 and http/1.1; another proxy or a PASSTHROUGH backend answers otherwise",
    ),
    server(
        Code::HandshakeFailed,
        "the handshake failed for another reason",
        "the summary names the alert; the gateway's log says more",
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
        "tls.crt of the Secret holds something else than certificates",
    ),
    chain(
        FaultCode::CertificateExpired,
        "a certificate of the chain (leaf or intermediate, said which) has expired",
        "the Secret was not renewed; istiod pushes expired certificates all the same",
    ),
    chain(
        FaultCode::CertificateNotYetValid,
        "a certificate of the chain is not valid yet",
        "a wrong clock, or a certificate for later",
    ),
    chain(
        FaultCode::NameMismatch,
        "no name in the certificate covers the host",
        "credentialName points to another host's Secret, or the certificate lacks this SAN",
    ),
    chain(
        FaultCode::NoSan,
        "the host stands only in the subject's CN",
        "clients look only at subjectAltName; issue the certificate with a SAN",
    ),
    chain(
        FaultCode::SelfSigned,
        "the leaf is signed by its own key and is not trusted",
        "a placeholder certificate; put one that your CA issued into the Secret",
    ),
    chain(
        FaultCode::IncompleteChain,
        "an intermediate is neither sent nor known",
        "tls.crt of the Secret must hold the leaf, then the intermediates",
    ),
    chain(
        FaultCode::UnknownIssuer,
        "the chain ends at a root that this client does not trust",
        "another CA than --cacert issued it; the Secret may be an older chain's",
    ),
    chain(
        FaultCode::BadSignature,
        "a signature was not made with the issuer's key",
        "two CAs of the same name: the chain is mixed from an old and a new one",
    ),
    chain(
        FaultCode::CertificateRevoked,
        "a CRL lists the certificate",
        "issue a new leaf and replace the Secret",
    ),
    chain(
        FaultCode::CaAsLeaf,
        "the first certificate is a CA's",
        "tls.crt begins with the intermediate or the root; the leaf comes first",
    ),
    chain(
        FaultCode::WrongEku,
        "extendedKeyUsage or keyUsage does not allow a TLS server",
        "a client's certificate in tls.crt; a server needs serverAuth, and digitalSignature where keyUsage is given",
    ),
    chain(
        FaultCode::IssuerNotCa,
        "an issuer in the chain may not issue certificates",
        "basicConstraints CA:TRUE is missing in the issuer",
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
        "the certificate is of X.509 version 1 or 2",
        "what `openssl x509 -req` makes without an extensions file",
    ),
    chain(
        FaultCode::WeakKey,
        "an RSA key of less than 2048 bits",
        "Envoy refuses it and browsers too; make a new key",
    ),
    chain(
        FaultCode::UnsupportedKey,
        "a key of the chain that Envoy and Go cannot use: another curve than P-256, P-384 and P-521, or one by its parameters",
        "make a P-256 key (`openssl ecparam -name prime256v1`, without explicit parameters)",
    ),
    chain(
        FaultCode::WeakSignature,
        "a signature by SHA-1 or MD5",
        "modern clients refuse it; issue it with SHA-256",
    ),
    chain(
        FaultCode::UnknownCriticalExtension,
        "a critical extension that verifiers do not know",
        "issue the certificate without it, or not critical",
    ),
    chain(
        FaultCode::DuplicateExtension,
        "a certificate has an extension twice",
        "issue it again: Go and OpenSSL refuse it",
    ),
    chain(
        FaultCode::MustStaple,
        "the certificate demands an OCSP response in every handshake (a note, never a failure)",
        "Envoy loads it only with one (`tls.ocsp-staple` of the Secret)",
    ),
    chain(
        FaultCode::WrongOrder,
        "the certificates are not in order, leaf first and each followed by its issuer",
        "many clients put them in order themselves, strict ones do not; order tls.crt",
    ),
    chain(
        FaultCode::RootSent,
        "the root was sent too (a note, never a failure)",
        "leave it out of tls.crt",
    ),
    chain(
        FaultCode::CrlExpired,
        "a CRL given is past its nextUpdate (a note, never a failure)",
        "publish a new one",
    ),
    other(
        Code::ClientCertificateRequired,
        Fault::Client,
        "the server demands a client certificate and none was sent (TLS 1.2: alert 40; TLS 1.3: alert 116, after the handshake looked complete)",
        "tls.mode is MUTUAL; give --cert and --key; `istio-tls gen-certs HOST --mode mutual` issues them",
    ),
    other(
        Code::ClientCertificateRejected,
        Fault::Client,
        "the server refuses the client certificate; the alert says why (48 unknown CA, 45 expired, 44 revoked, 43 wrong purpose)",
        "the client's issuer must be in ca.crt of the host's Secret (or NAME-cacert), and the certificate must be valid for clientAuth",
    ),
    server(
        Code::ClientCertificateNotRequired,
        "served without a client certificate, although mutual TLS was expected",
        "tls.mode is SIMPLE or OPTIONAL_MUTUAL; MUTUAL refuses",
    ),
    server(
        Code::HttpFailed,
        "TLS stands, but no HTTP answer came",
        "the gateway or its backend ended the connection; its log says why",
    ),
    server(
        Code::CoalescedNotFound,
        "404 for a host asked over the HTTP/2 connection of another whose certificate names both, as browsers do (`--coalesce`)",
        "two servers with overlapping certificates: each has its own route table; put both hosts into one server, or end the overlap",
    ),
    server(
        Code::UnexpectedStatus,
        "another HTTP status than expected",
        "404: no VirtualService route for host and path; 503: the destination has no healthy endpoint",
    ),
];

/// docs/probe-verdicts.md.
pub fn document() -> String {
    let mut text = String::from(
        "# Verdicts of `istio-tls probe`\n\nMade from the table in src/probe/codes.rs by `ISTIO_TLS_BLESS=1 cargo test --lib probe::codes`.\n\nEvery result of `probe` carries one verdict: its code, whose fault it is, a summary that names the two values that differ, and what to do next. A run exits 0 if every verdict is `ok`, else 1.\n\n| code | fault | seen | cause under Istio, and what to do |\n|---|---|---|---|\n",
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
        let stored = std::fs::read_to_string(&path).expect("docs/probe-verdicts.md is there");
        assert!(
            stored == document(),
            "docs/probe-verdicts.md is out of date: ISTIO_TLS_BLESS=1 cargo test --lib probe::codes"
        );
    }
}
