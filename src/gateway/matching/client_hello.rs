//! The server name that a client asks for, out of the first bytes of a connection
//! (RFC 8446 section 4.1.2, RFC 6066 section 3): where TLS is passed on, nobody here
//! speaks it. Clients of any TLS version are understood, as by Envoy's TLS inspector.

/// What the first bytes of a connection are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstBytes {
    /// A ClientHello whose end has not come yet.
    Incomplete,
    /// No ClientHello.
    NotTls,
    /// A whole ClientHello, and the name in it.
    Hello(Option<String>),
}

/// The longest ClientHello that is waited for, in bytes (Envoy: 16 KiB).
pub const LONGEST: usize = 16 * 1024;

/// Reads what has come of a connection so far.
pub fn first_bytes(bytes: &[u8]) -> FirstBytes {
    match message(bytes) {
        Ok(Some(hello)) => server_name(&hello).map_or(FirstBytes::NotTls, FirstBytes::Hello),
        Ok(None) if bytes.len() < LONGEST => FirstBytes::Incomplete,
        Ok(None) | Err(NotTls) => FirstBytes::NotTls,
    }
}

struct NotTls;

/// The body of the ClientHello, which may be spread over several records; `None` while
/// it is incomplete.
fn message(mut bytes: &[u8]) -> Result<Option<Vec<u8>>, NotTls> {
    let mut message: Vec<u8> = Vec::new();
    loop {
        // Record: content type handshake (22), version 3.x, length.
        let header = [22, 3];
        let came = bytes.len().min(header.len());
        if bytes[..came] != header[..came] {
            return Err(NotTls);
        }
        let Some((head, rest)) = bytes.split_at_checked(5) else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
        if length == 0 || length > LONGEST {
            return Err(NotTls);
        }
        message.extend_from_slice(&rest[..length.min(rest.len())]);
        // Handshake: type client_hello (1), length of three bytes.
        if message.first().is_some_and(|kind| *kind != 1) {
            return Err(NotTls);
        }
        if let [1, a, b, c, body @ ..] = message.as_slice() {
            let wanted = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
            if wanted > LONGEST {
                return Err(NotTls);
            }
            if let Some(body) = body.get(..wanted) {
                return Ok(Some(body.to_vec()));
            }
        }
        match rest.get(length..) {
            Some(next) => bytes = next,
            None => return Ok(None),
        }
    }
}

/// The name in a ClientHello's body, if it has one.
fn server_name(hello: &[u8]) -> Result<Option<String>, NotTls> {
    let mut rest = Reader(hello);
    // Version and random.
    rest.take(2 + 32)?;
    let _session = rest.vector(1)?;
    let _cipher_suites = rest.vector(2)?;
    let _compression = rest.vector(1)?;
    if rest.0.is_empty() {
        return Ok(None);
    }
    let mut extensions = Reader(rest.vector(2)?);
    while !extensions.0.is_empty() {
        let kind = extensions.take(2)?;
        let content = extensions.vector(2)?;
        if kind == [0, 0] {
            let mut names = Reader(Reader(content).vector(2)?);
            let kind = names.take(1)?;
            let name = names.vector(2)?;
            let is_host = kind == [0] && names.0.is_empty();
            return host(name).filter(|_| is_host).map(Some).ok_or(NotTls);
        }
    }
    Ok(None)
}

fn host(name: &[u8]) -> Option<String> {
    let is_name = !name.is_empty() && name.len() <= 255 && name.iter().all(u8::is_ascii_graphic);
    is_name.then(|| String::from_utf8_lossy(name).into_owned())
}

/// Bytes that are read from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], NotTls> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(NotTls)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A vector whose length is in so many bytes before it.
    fn vector(&mut self, bytes: usize) -> Result<&'a [u8], NotTls> {
        let length = self
            .take(bytes)?
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{FirstBytes, first_bytes};

    /// What rustls sends first to this name.
    fn hello(name: &str) -> Vec<u8> {
        let config =
            rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
        let name = name.to_owned().try_into().unwrap();
        let mut client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_server_name_is_found_whole_and_every_beginning_is_incomplete() {
        let bytes = hello("a.example.com");
        let expected = FirstBytes::Hello(Some("a.example.com".into()));
        assert_eq!(first_bytes(&bytes), expected);
        for length in 0..bytes.len() {
            assert_eq!(first_bytes(&bytes[..length]), FirstBytes::Incomplete, "{length} bytes");
        }
        // What follows it does not matter.
        assert_eq!(first_bytes(&[bytes, b"early data".to_vec()].concat()), expected);
        assert_eq!(first_bytes(&hello("127.0.0.1")), FirstBytes::Hello(None));
    }

    #[test]
    fn a_hello_may_be_spread_over_records() {
        let bytes = hello("a.example.com");
        let parts = bytes[5..].chunks(7);
        let spread: Vec<u8> = parts
            .flat_map(|part| [&[22, 3, 1, 0, part.len() as u8], part].concat())
            .collect();
        assert_eq!(first_bytes(&spread), FirstBytes::Hello(Some("a.example.com".into())));
    }

    #[test]
    fn a_client_of_tls_1_0_is_understood() {
        let extension = [0, 0, 0, 8, 0, 6, 0, 0, 3, b'a', b'.', b'b'];
        let mut body = vec![3, 1];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0, 0x2f, 1, 0, 0, extension.len() as u8]);
        body.extend(extension);
        let wrapped = |body: &[u8]| {
            let length = body.len() as u8;
            [&[22, 3, 1, 0, length + 4, 1, 0, 0, length], body].concat()
        };
        assert_eq!(first_bytes(&wrapped(&body)), FirstBytes::Hello(Some("a.b".into())));
        // Without extensions at all.
        assert_eq!(first_bytes(&wrapped(&body[..41])), FirstBytes::Hello(None));
        // A length that leads past the end.
        body[42] += 1;
        assert_eq!(first_bytes(&wrapped(&body)), FirstBytes::NotTls);
    }

    #[test]
    fn other_protocols_are_no_tls_from_their_first_byte_on() {
        for bytes in [
            &b"GET / HTTP/1.1"[..],
            b"PRI * HTTP/2.0",
            b"\x16\x02",
            b"\x16\x03\x01\x00\x00",
        ] {
            assert_eq!(first_bytes(bytes), FirstBytes::NotTls, "{bytes:?}");
        }
        assert_eq!(first_bytes(b"\x16\x03\x01\x00\x05\x02"), FirstBytes::NotTls);
        assert_eq!(first_bytes(b""), FirstBytes::Incomplete);
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_answer(bytes: Vec<u8>, flip in any::<proptest::sample::Index>(), to: u8) {
            first_bytes(&bytes);
            let mut hello = hello("a.example.com");
            let at = flip.index(hello.len());
            hello[at] = to;
            let found = first_bytes(&hello);
            prop_assert_eq!(first_bytes(&hello), found);
        }
    }
}
