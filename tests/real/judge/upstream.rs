//! The upstream of both gateways: it writes down what it sees and answers as
//! the request's `x-answer` says.
//!
//! `x-answer` holds the answer's bytes with `~` for the ends of lines and `\xHH`
//! for those that no header may have. `|`
//! parts the answers of a request's attempts; the last one counts on. `close`
//! closes without an answer, `stall` never answers, `wait MS ANSWER` waits before.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::outcome::{Fields, Outcome};
use super::upstream_http2;

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Which destination got it, as the bootstrap names it.
    pub(super) service: String,
    pub(super) line: String,
    pub(super) fields: Fields,
    pub(super) body: Vec<u8>,
    pub(super) trailers: Fields,
}

/// What all connections of one gateway share.
#[derive(Default)]
pub(super) struct Log {
    seen: Mutex<Vec<Seen>>,
    /// How many requests came since it was last taken.
    attempts: Mutex<usize>,
}

impl Log {
    /// Notes a request and tells how it is answered.
    pub(super) fn note(&self, seen: Seen) -> Reply {
        let answer = (seen.fields.iter())
            .find(|(name, _)| name == "x-answer")
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned());
        let attempt = {
            let mut attempts = self.attempts.lock().expect("no panic");
            *attempts += 1;
            *attempts - 1
        };
        let head_only = seen.line.starts_with("HEAD ");
        let service = seen.service.clone();
        self.seen.lock().expect("no panic").push(seen);
        match answer {
            None => Reply::says(&service, head_only),
            Some(text) => {
                let all: Vec<&str> = text.split('|').collect();
                Reply::parse(all[attempt.min(all.len() - 1)].trim())
            }
        }
    }

    pub(super) fn count(&self) -> usize {
        self.seen.lock().expect("no panic").len()
    }

    /// Adds what was seen to an outcome, and forgets it.
    pub(super) fn take(&self, outcome: &mut Outcome) {
        *self.attempts.lock().expect("no panic") = 0;
        let all = std::mem::take(&mut *self.seen.lock().expect("no panic"));
        outcome.set("upstream requests", all.len().to_string());
        for (index, seen) in all.iter().enumerate() {
            let prefix = format!("upstream {} ", index + 1);
            outcome.set(format!("{prefix}service"), &seen.service);
            outcome.set(format!("{prefix}line"), &seen.line);
            outcome.set_fields(&prefix, "header", &seen.fields);
            outcome.set(format!("{prefix}body"), super::outcome::visible(&seen.body));
            outcome.set_fields(&prefix, "trailer", &seen.trailers);
        }
    }
}

/// What a connection does with a request.
pub(super) enum Reply {
    Bytes(Duration, Vec<u8>),
    Close,
    Stall,
}

impl Reply {
    fn says(service: &str, head_only: bool) -> Self {
        let body = if head_only { "" } else { service };
        let length = service.len();
        Self::Bytes(
            Duration::ZERO,
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n{body}")
                .into_bytes(),
        )
    }

    fn parse(text: &str) -> Self {
        match text {
            "close" => Self::Close,
            "stall" => Self::Stall,
            _ => {
                let (wait, bytes) = match text.strip_prefix("wait ").and_then(|rest| rest.split_once(' ')) {
                    Some((wait, bytes)) => (wait.parse().expect("milliseconds"), bytes),
                    None => (0, text),
                };
                Self::Bytes(Duration::from_millis(wait), unescaped(&bytes.replace('~', "\r\n")))
            }
        }
    }
}

/// Text with `\xHH` made bytes.
fn unescaped(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two hex digits"));
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    bytes
}

/// The listeners of one gateway's upstreams, ended when dropped.
pub(super) struct Upstreams {
    addresses: BTreeMap<String, SocketAddr>,
    pub(super) log: Arc<Log>,
    ended: Arc<AtomicBool>,
    /// Ports on which nothing listens, kept from others.
    closed: Vec<socket2::Socket>,
}

impl Upstreams {
    /// One listener for each destination.
    pub(super) fn start(keys: impl Iterator<Item = String>) -> Self {
        let mut made = Self {
            addresses: BTreeMap::new(),
            log: Arc::default(),
            ended: Arc::default(),
            closed: Vec::new(),
        };
        for key in keys {
            let address = if key.starts_with("refuse") {
                made.closed_port()
            } else {
                made.listen(&key)
            };
            made.addresses.insert(key, address);
        }
        made
    }

    pub(super) fn address(&self, key: &str) -> Option<SocketAddr> {
        self.addresses.get(key).copied()
    }

    fn closed_port(&mut self) -> SocketAddr {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        socket.bind(&any.into()).expect("a port");
        let address = socket.local_addr().expect("an address").as_socket();
        self.closed.push(socket);
        address.expect("an IP address")
    }

    fn listen(&self, key: &str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (log, ended, key) = (Arc::clone(&self.log), Arc::clone(&self.ended), key.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let (log, key) = (Arc::clone(&log), key.clone());
                std::thread::spawn(move || serve(stream, &key, &log));
            }
        });
        address
    }
}

impl Drop for Upstreams {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        for address in self.addresses.values() {
            // Wakes the one that accepts.
            let _ = TcpStream::connect(address);
        }
    }
}

fn serve(stream: TcpStream, service: &str, log: &Arc<Log>) {
    if service.starts_with("tcp") {
        return echo(stream, service);
    }
    let mut start = [0; 3];
    // Long enough for any preface; what closes before says nothing.
    if !matches!(stream.peek(&mut start), Ok(1..)) {
        return;
    }
    if start == *b"PRI" {
        upstream_http2::serve(stream, service, log);
    } else {
        while let Some(true) = answer_one(&stream, service, log) {}
    }
}

/// Says its name, then what it is told.
fn echo(mut stream: TcpStream, service: &str) {
    if stream.write_all(format!("{service}\n").as_bytes()).is_err() {
        return;
    }
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
    let _ = stream.shutdown(Shutdown::Write);
}

/// Reads a request and answers it; none when the connection has ended, false
/// when it must.
fn answer_one(mut stream: &TcpStream, service: &str, log: &Log) -> Option<bool> {
    let mut reader = Reader {
        stream,
        buffered: Vec::new(),
    };
    let head = reader.until(b"\r\n\r\n")?;
    let mut lines = head
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let line = super::outcome::visible(lines.next().unwrap_or_default());
    let fields: Fields = lines.filter(|line| !line.is_empty()).map(field).collect();
    let value = |name: &str| {
        fields
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.clone())
    };
    let mut seen = Seen {
        service: service.to_owned(),
        line,
        ..Seen::default()
    };
    let upgrade = value("upgrade").is_some();
    if value("transfer-encoding").is_some_and(|coding| coding == b"chunked") {
        reader.chunked(&mut seen);
    } else if let Some(length) = value("content-length") {
        let length = String::from_utf8_lossy(&length).parse().unwrap_or(0);
        seen.body = reader.exactly(length).unwrap_or_else(|| b"(cut)".to_vec());
    }
    seen.fields = fields;
    if !reader.buffered.is_empty() {
        // Nothing that the proxies send may follow a request unasked.
        seen.trailers.push((
            "bytes behind the request".to_owned(),
            std::mem::take(&mut reader.buffered),
        ));
    }
    match log.note(seen) {
        Reply::Bytes(wait, bytes) => {
            std::thread::sleep(wait);
            stream.write_all(&bytes).ok()?;
            if upgrade && bytes.starts_with(b"HTTP/1.1 101") {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    stream.write_all(&buffer[..count]).ok()?;
                }
                return Some(false);
            }
            let head = String::from_utf8_lossy(&bytes).to_lowercase();
            let head = head.split("\r\n\r\n").next().unwrap_or_default();
            let framed = head.contains("content-length:")
                || head.contains("transfer-encoding:")
                || head.contains(" 204")
                || head.contains(" 304");
            let open = framed && !head.contains("connection: close");
            if !open {
                let _ = stream.shutdown(Shutdown::Write);
            }
            Some(open)
        }
        Reply::Close => {
            let _ = stream.shutdown(Shutdown::Both);
            Some(false)
        }
        Reply::Stall => {
            // Until the proxy gives up.
            let _ = stream.read(&mut [0; 1]);
            Some(false)
        }
    }
}

fn field(line: &[u8]) -> (String, Vec<u8>) {
    let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
    let value = line.get(colon + 1..).unwrap_or_default();
    (
        super::outcome::visible(&line[..colon]),
        value.trim_ascii_start().to_vec(),
    )
}

struct Reader<'a> {
    stream: &'a TcpStream,
    buffered: Vec<u8>,
}

impl Reader<'_> {
    fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 8192];
        let count = self.stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        self.buffered.extend_from_slice(&buffer[..count]);
        Some(())
    }

    /// Everything up to and with a mark.
    fn until(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.buffered.windows(mark.len()).position(|window| window == mark) {
                let rest = self.buffered.split_off(at + mark.len());
                return Some(std::mem::replace(&mut self.buffered, rest));
            }
            self.more()?;
        }
    }

    fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.buffered.len() < length {
            self.more()?;
        }
        let rest = self.buffered.split_off(length);
        Some(std::mem::replace(&mut self.buffered, rest))
    }

    /// A chunked body and its trailers; what breaks off is marked.
    fn chunked(&mut self, seen: &mut Seen) {
        let whole = (|| {
            loop {
                let size = self.until(b"\r\n")?;
                let size = usize::from_str_radix(String::from_utf8_lossy(&size).trim(), 16).ok()?;
                if size == 0 {
                    break;
                }
                seen.body.extend(self.exactly(size)?);
                self.until(b"\r\n")?;
            }
            loop {
                let line = self.until(b"\r\n")?;
                if line == b"\r\n" {
                    return Some(());
                }
                seen.trailers.push(field(line.trim_ascii_end()));
            }
        })();
        if whole.is_none() {
            seen.body.extend_from_slice(b"(cut)");
        }
    }
}
