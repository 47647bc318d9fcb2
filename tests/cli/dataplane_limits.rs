//! What one client may use up of a gateway: slow and oversized heads, HTTP/2's
//! known floods, silent and too many connections.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use istio_tls::gateway::config::table::{
    Cluster, Destination, Endpoint, Forward, HeaderOperations, Listener, ListenerProtocol, RetryPolicy, Route,
    RouteAction, RouteMatch, RouteTable, Sample, Table, VirtualHost,
};
use istio_tls::gateway::dataplane::limits::Limits;
use istio_tls::gateway::dataplane::settings::ServerSettings;
use istio_tls::gateway::server::Server;

/// One plain port; everything is answered by the echo.
fn table() -> Table {
    let forward = Forward {
        destinations: vec![Destination {
            cluster: 0,
            weight: 1,
            headers: HeaderOperations::default(),
            authority: None,
        }],
        rewrite: None,
        timeout: None,
        retries: RetryPolicy {
            attempts: 0,
            ..RetryPolicy::default()
        },
        mirrors: Vec::new(),
        missing: http::StatusCode::SERVICE_UNAVAILABLE,
    };
    let route = Route {
        name: "default/all".into(),
        when: RouteMatch::default(),
        action: RouteAction::Forward(forward),
        headers: HeaderOperations::default(),
        fault: None,
        cors: None,
    };
    let host = VirtualHost {
        name: "*".into(),
        require_tls: false,
        routes: vec![route],
    };
    let routes = RouteTable {
        any: Some(Arc::new(host)),
        ..RouteTable::default()
    };
    Table {
        listeners: vec![Listener {
            port: 80,
            protocol: ListenerProtocol::Http(Arc::new(routes)),
        }],
        clusters: vec![Cluster {
            name: "echo".into(),
            endpoint: Endpoint::Sample(Sample::Echo),
        }],
    }
}

struct Gateway(Server);

impl Gateway {
    fn start(limits: Limits) -> Self {
        let settings = ServerSettings {
            ports: HashMap::from([(80, 0)]),
            limits,
            ..ServerSettings::default()
        };
        Self(Server::start(settings, table()).expect("the gateway starts"))
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.0.listeners()[0].address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Whether a new client is served.
    fn serves(&self) -> bool {
        let mut stream = self.connect();
        let asked = stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        let mut start = [0; 12];
        asked.is_ok() && stream.read_exact(&mut start).is_ok() && &start == b"HTTP/1.1 200"
    }
}

/// Reads until the gateway closes; panics when it does not within the time.
fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return read,
            Ok(count) => read.extend_from_slice(&bytes[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return read,
            Err(error) => panic!("the gateway does not close: {error}"),
        }
    }
}

#[test]
fn a_slow_head_is_cut_however_steadily_it_drips() {
    let gateway = Gateway::start(Limits {
        head_time: Duration::from_secs(1),
        ..Limits::default()
    });
    let mut stream = gateway.connect();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let start = Instant::now();
    // A header byte now and then does not help it.
    while start.elapsed() < Duration::from_secs(20) {
        if stream.write_all(b"x").is_err() {
            break;
        }
        match stream.read(&mut [0; 64]) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            _ => break,
        }
    }
    assert!(start.elapsed() < Duration::from_secs(10), "it was not cut");
    assert!(gateway.serves());
}

#[test]
fn a_body_that_stalls_and_a_silent_client_are_cut() {
    let gateway = Gateway::start(Limits {
        head_time: Duration::from_secs(1),
        body_idle: Duration::from_secs(1),
        idle: Duration::from_secs(1),
        ..Limits::default()
    });
    let mut stalls = gateway.connect();
    stalls
        .write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf")
        .unwrap();
    let mut idles = gateway.connect();
    idles.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let mut silent = gateway.connect();
    // HTTP/2's preface and settings, and then nothing: no acknowledgement, no answer to a ping.
    let mut http2 = gateway.connect();
    http2.write_all(&start_of_http2()).unwrap();
    until_closed(&mut stalls);
    assert!(until_closed(&mut idles).starts_with(b"HTTP/1.1 200"));
    assert_eq!(until_closed(&mut silent), b"");
    until_closed(&mut http2);
}

#[test]
fn no_more_connections_than_the_limit() {
    let gateway = Gateway::start(Limits {
        connections: 3,
        ..Limits::default()
    });
    let mut kept: Vec<TcpStream> = (0..3).map(|_| gateway.connect()).collect();
    for stream in &mut kept {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"HTTP/1.1 200");
    }
    assert!(!gateway.serves(), "the fourth is served");
    drop(kept.pop());
    let start = Instant::now();
    while !gateway.serves() {
        assert!(start.elapsed() < Duration::from_secs(10), "a freed place stays taken");
    }
}

/// An HTTP/2 frame.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ENHANCE_YOUR_CALM: u32 = 11;

fn start_of_http2() -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    bytes
}

/// `GET / http a` in HPACK: three fields of the static table, and a literal authority.
const REQUEST: &[u8] = &[0x82, 0x86, 0x84, 0x41, 1, b'a'];

/// The frames that came, as kind, stream and payload.
fn frames(mut bytes: &[u8]) -> Vec<(u8, u32, &[u8])> {
    let mut all = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<9>() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let Some((payload, rest)) = rest.split_at_checked(length) else {
            break;
        };
        all.push((head[3], stream, payload));
        bytes = rest;
    }
    all
}

/// Sends the start and this, over and over with fresh streams, until the
/// gateway has enough; gives the reason of its GOAWAY and what it was sent.
fn flood(gateway: &Gateway, mut next: impl FnMut(u32) -> Vec<u8>) -> (Option<u32>, usize) {
    let mut stream = gateway.connect();
    stream.write_all(&start_of_http2()).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let reading = std::thread::spawn(move || until_closed(&mut reader));
    let mut sent = 0;
    for number in 0..200_000 {
        let bytes = next(number);
        // The gateway may close on us at any moment.
        if reading.is_finished() || stream.write_all(&bytes).is_err() {
            break;
        }
        sent += bytes.len();
    }
    let read = reading.join().unwrap();
    let reason = frames(&read)
        .into_iter()
        .filter(|(kind, ..)| *kind == GOAWAY)
        .filter_map(|(_, _, payload)| payload.get(4..8)?.try_into().ok().map(u32::from_be_bytes))
        .next_back();
    (reason, sent)
}

#[test]
fn rapid_reset_ends_with_goaway() {
    let gateway = Gateway::start(Limits::default());
    // Many in one packet, as the attack does it: opened and given up at once.
    let (reason, _) = flood(&gateway, |number| {
        let streams = (0..100).map(|at| 2 * (number * 100 + at) + 1);
        streams
            .flat_map(|stream| {
                let mut both = frame(HEADERS, END_STREAM | END_HEADERS, stream, REQUEST);
                both.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
                both
            })
            .collect()
    });
    assert_eq!(reason, Some(ENHANCE_YOUR_CALM));
    assert!(gateway.serves());
}

#[test]
fn a_continuation_flood_ends_the_connection() {
    let gateway = Gateway::start(Limits::default());
    for field in [&b""[..], b"\x00\x01x\x01y"] {
        let (_, sent) = flood(&gateway, |number| match number {
            0 => frame(HEADERS, END_STREAM, 1, REQUEST),
            _ => frame(CONTINUATION, 0, 1, field),
        });
        assert!(sent < 1_500_000, "{sent} bytes of one head were taken");
    }
    assert!(gateway.serves());
}

#[test]
fn an_oversized_http2_head_is_a_431() {
    let gateway = Gateway::start(Limits::default());
    let mut stream = gateway.connect();
    let mut bytes = start_of_http2();
    // Five fields of 16,000 bytes: beyond 60 KiB, each within a frame.
    bytes.extend(frame(HEADERS, END_STREAM, 1, REQUEST));
    for at in 0..5 {
        let mut field = vec![0, 1, b'x', 0x7f];
        // The length 16,000 as an HPACK integer with a prefix of 7 bits.
        let rest: u16 = 16_000 - 127;
        field.extend([(rest % 128) as u8 | 0x80, (rest / 128) as u8]);
        field.extend(std::iter::repeat_n(b'y', 16_000));
        bytes.extend(frame(CONTINUATION, if at == 4 { END_HEADERS } else { 0 }, 1, &field));
    }
    stream.write_all(&bytes).unwrap();
    let mut read = Vec::new();
    let mut part = [0; 4096];
    loop {
        let count = stream.read(&mut part).expect("an answer");
        assert_ne!(count, 0, "closed without an answer: {read:?}");
        read.extend_from_slice(&part[..count]);
        if let Some((.., payload)) = frames(&read).into_iter().find(|(kind, ..)| *kind == HEADERS) {
            // The status as text, or in HPACK's Huffman code.
            let coded: &[u8] = &[0x69, 0x90, 0xff];
            let is_431 = payload.windows(3).any(|window| window == b"431" || window == coded);
            assert!(is_431, "{payload:x?}");
            break;
        }
    }
}
