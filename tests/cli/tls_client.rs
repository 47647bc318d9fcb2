//! A client for the gateway's tests: one TLS connection, HTTP/1.1 on it, and
//! the certificate that was presented.

#![allow(dead_code, reason = "each test target uses its part")]

use std::io::{ErrorKind, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Whom a client trusts, and who it says it is.
#[derive(Default, Clone)]
pub(crate) struct Identity {
    /// PEM of the CA certificates.
    pub(crate) authorities: String,
    /// PEM of the client's certificate and of its key.
    pub(crate) client: Option<(String, String)>,
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// An open connection.
pub(crate) struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    host: String,
}

impl Connection {
    /// Completes the handshake; an error is the alert or what else ended it, in words.
    pub(crate) fn open(address: SocketAddr, host: &str, identity: &Identity) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(identity.authorities.as_bytes()) {
            roots
                .add(certificate.expect("a CA certificate"))
                .expect("a trust anchor");
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the default versions")
            .with_root_certificates(roots);
        let config = match &identity.client {
            Some((certificate, key)) => {
                let chain = CertificateDer::pem_slice_iter(certificate.as_bytes())
                    .collect::<Result<_, _>>()
                    .expect("a client certificate");
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a client key");
                builder.with_client_auth_cert(chain, key).expect("a client identity")
            }
            None => builder.with_no_client_auth(),
        };
        let name = ServerName::try_from(host.to_owned()).expect("a server name");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a connection");
        let socket = TcpStream::connect(address).map_err(|error| error.to_string())?;
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a timeout");
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream
                .conn
                .complete_io(&mut stream.sock)
                .map_err(|error| error.to_string())?;
        }
        Ok(Self {
            stream,
            host: host.to_owned(),
        })
    }

    /// The server's leaf.
    pub(crate) fn leaf(&self) -> Vec<u8> {
        self.stream.conn.peer_certificates().expect("a chain")[0].to_vec()
    }

    /// Sends a request and reads its answer; the connection stays open.
    pub(crate) fn get(&mut self, path: &str) -> Result<Answer, String> {
        let authority = self.host.clone();
        self.get_as(&authority, path)
    }

    /// Sends bytes and reads as many.
    pub(crate) fn echo(mut self, bytes: &[u8]) -> Vec<u8> {
        self.stream.write_all(bytes).expect("they are sent");
        let mut back = vec![0; bytes.len()];
        std::io::Read::read_exact(&mut self.stream, &mut back).expect("as many come back");
        back
    }

    /// As [`Connection::get`], with another Host.
    pub(crate) fn get_as(&mut self, authority: &str, path: &str) -> Result<Answer, String> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        self.stream
            .write_all(request.as_bytes())
            .map_err(|error| error.to_string())?;
        read_answer(&mut self.stream)
    }
}

/// One request over plain HTTP.
pub(crate) fn plain_get(address: SocketAddr, authority: &str, path: &str) -> Result<Answer, String> {
    let mut stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .map_err(|error| error.to_string())?;
    read_answer(&mut stream)
}

fn read_answer(stream: &mut impl std::io::Read) -> Result<Answer, String> {
    let mut content = Vec::new();
    let mut more = [0; 4096];
    loop {
        if let Some(end) = content.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&content[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().expect("a length"));
            if content.len() >= end + 4 + length {
                return Ok(Answer {
                    status: head[9..12].parse().expect("a status"),
                    body: String::from_utf8_lossy(&content[end + 4..end + 4 + length]).into_owned(),
                    head,
                });
            }
        }
        match stream.read(&mut more) {
            Ok(0) => return Err("closed".to_owned()),
            Ok(count) => content.extend_from_slice(&more[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}
