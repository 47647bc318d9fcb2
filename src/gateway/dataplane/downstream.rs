//! What a request knows of the connection that it came on: a value, made once
//! for each connection. Downstream is Envoy's word for the client's side.

use std::net::SocketAddr;

use http::HeaderValue;

use super::forwarded;
use super::headers::Client;

/// A connection as its requests see it.
pub(super) struct Downstream {
    /// The client's address.
    pub(super) peer: SocketAddr,
    /// The Gateway server's `port.number` that it connected to.
    pub(super) gateway_port: u16,
    /// None on a port that is plain HTTP.
    pub(super) tls: Option<DownstreamTls>,
    /// The client's address as upstreams are told it.
    address: HeaderValue,
}

/// What the handshake established.
pub(super) struct DownstreamTls {
    /// The filter chain's name.
    pub(super) chain: String,
    /// The server name that the client asked for.
    pub(super) sni: Option<String>,
    /// `x-forwarded-client-cert`, when the client proved a certificate.
    pub(super) certificate: Option<HeaderValue>,
    /// The client certificate's subject; empty without one.
    pub(super) client_subject: String,
    /// `TLSv1.3`.
    pub(super) version: &'static str,
    /// The cipher suite in OpenSSL's words.
    pub(super) cipher: &'static str,
}

impl Downstream {
    pub(super) fn new(peer: SocketAddr, gateway_port: u16, tls: Option<DownstreamTls>) -> Self {
        Self {
            peer,
            gateway_port,
            tls,
            address: forwarded::address_text(peer.ip()),
        }
    }

    /// Whether the client speaks TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The server name that the client asked for.
    pub(super) fn sni(&self) -> Option<&str> {
        self.tls.as_ref()?.sni.as_deref()
    }

    /// What upstreams are told.
    pub(super) fn client(&self) -> Client<'_> {
        Client {
            address: &self.address,
            is_tls: self.is_tls(),
            certificate: self.tls.as_ref().and_then(|tls| tls.certificate.as_ref()),
        }
    }
}
