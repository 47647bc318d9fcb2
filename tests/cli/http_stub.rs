//! An HTTP/1.1 server of a test: answers each request as the test says, drops
//! it, delays it, or sends it on. One request per connection.

#![allow(dead_code, reason = "each test target uses its part")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request.
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) body: Vec<u8>,
    head: Vec<u8>,
}

impl Request {
    /// Request line and headers, as they came but for `Connection`.
    pub(crate) fn head(&self) -> String {
        String::from_utf8_lossy(&self.head).into_owned()
    }
}

/// What becomes of a request.
pub(crate) enum Reply {
    /// This status, further header lines, and JSON or text.
    Answer(u16, &'static str, String),
    /// The connection ends without a word.
    Drop,
    /// On to this server, after a while.
    Forward(SocketAddr, Duration),
    /// On to this server, whose answer is lost.
    Lost(SocketAddr),
    /// On to this server, when this says so; the connection ends when it never will.
    Held(SocketAddr, Receiver<()>),
}

/// A running server. It listens until the test's process ends.
pub(crate) struct HttpStub {
    pub(crate) address: SocketAddr,
}

impl HttpStub {
    /// Starts it; `answer` is asked for every request, one at a time.
    pub(crate) fn start(answer: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let answer = Arc::new(Mutex::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = Arc::clone(&answer);
                std::thread::spawn(move || {
                    // A client that has gone away is the test's own doing.
                    let _ = serve(stream, &mut |request| answer.lock().expect("no panic")(request));
                });
            }
        });
        Self { address }
    }
}

fn serve(mut stream: TcpStream, answer: &mut dyn FnMut(&Request) -> Reply) -> std::io::Result<()> {
    let Some(request) = read(&stream)? else { return Ok(()) };
    match answer(&request) {
        Reply::Answer(status, headers, body) => write!(
            stream,
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ),
        Reply::Drop => Ok(()),
        Reply::Forward(upstream, delay) => {
            std::thread::sleep(delay);
            forward(&mut stream, &request, upstream)
        }
        Reply::Lost(upstream) => forward(&mut Vec::new(), &request, upstream),
        Reply::Held(upstream, until) => match until.recv() {
            Ok(()) => forward(&mut stream, &request, upstream),
            Err(_) => Ok(()),
        },
    }
}

fn forward(answered: &mut dyn std::io::Write, request: &Request, upstream: SocketAddr) -> std::io::Result<()> {
    let mut upstream = TcpStream::connect(upstream)?;
    upstream.write_all(&request.head)?;
    upstream.write_all(&request.body)?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    answered.write_all(&answer)
}

fn read(stream: &TcpStream) -> std::io::Result<Option<Request>> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let mut words = first.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default().to_owned();
    let (mut head, mut length) = (first.clone().into_bytes(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if !lower.starts_with("connection:") {
            head.extend(line.as_bytes());
        }
    }
    head.extend(b"Connection: close\r\n\r\n");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Request {
        method,
        target,
        body,
        head,
    }))
}
