//! The gateway's HTTP, through raw sockets: what it answers by itself, what it
//! refuses, and what an upstream and a client see of each other.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use istio_tls::gateway::config::table::{
    Cluster, Destination, Endpoint, Forward, HeaderOperations, Listener, ListenerProtocol, PathRewrite, Redirect,
    RetryPolicy, Rewrite, Route, RouteAction, RouteMatch, RouteTable, Sample, StringMatch, Table, UpstreamProtocol,
    VirtualHost,
};
use istio_tls::gateway::dataplane::settings::ServerSettings;
use istio_tls::gateway::server::Server;

const GATEWAY_PORT: u16 = 80;

fn forward(cluster: usize) -> Forward {
    Forward {
        destinations: vec![Destination {
            cluster,
            weight: 1,
            headers: HeaderOperations::default(),
            authority: None,
        }],
        rewrite: None,
        timeout: None,
        retries: RetryPolicy::default(),
        mirrors: Vec::new(),
        missing: http::StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn route(prefix: &str, action: RouteAction) -> Route {
    Route {
        name: format!("default/test {prefix}"),
        when: RouteMatch {
            path: Some(StringMatch::Prefix(prefix.into())),
            ..RouteMatch::default()
        },
        action,
        headers: HeaderOperations::default(),
        fault: None,
        cors: None,
    }
}

/// `a.test` with a route per case, `secure.test` that redirects to https.
fn table(upstream: SocketAddr) -> Table {
    let remote = |port| Endpoint::Remote {
        host: "127.0.0.1".into(),
        port,
        protocol: UpstreamProtocol::Http,
    };
    let refusing = crate::running_program::free_port();
    let cluster = |name: &str, endpoint| Cluster {
        name: name.into(),
        endpoint,
    };
    let clusters = vec![
        cluster("upstream", remote(upstream.port())),
        cluster("refuses", remote(refusing)),
        cluster("unknown", Endpoint::Unknown),
        cluster("httpbin", Endpoint::Sample(Sample::Httpbin)),
    ];
    let rewritten = Forward {
        rewrite: Some(Rewrite {
            path: Some(PathRewrite::Prefix {
                matched: "/old/".len(),
                with: "/ok/".into(),
            }),
            authority: Some("inner.test".into()),
        }),
        ..forward(0)
    };
    let redirect = Redirect {
        status: http::StatusCode::MOVED_PERMANENTLY,
        path: Some(PathRewrite::Whole("/there".into())),
        authority: Some("other.example.com".into()),
        scheme: Some("https".into()),
        port: None,
    };
    let direct = RouteAction::Direct {
        status: http::StatusCode::ACCEPTED,
        body: "said here".into(),
    };
    let quick = |cluster| Forward {
        timeout: Some(Duration::from_millis(200)),
        ..forward(cluster)
    };
    let host = VirtualHost {
        name: "a.test".into(),
        require_tls: false,
        routes: vec![
            route("/refused", RouteAction::Forward(forward(1))),
            route("/unknown", RouteAction::Forward(forward(2))),
            route("/old/", RouteAction::Forward(rewritten)),
            route("/redirect", RouteAction::Redirect(redirect)),
            route("/direct", direct),
            route("/status", RouteAction::Forward(forward(3))),
            route("/post", RouteAction::Forward(forward(3))),
            route("/delay", RouteAction::Forward(quick(3))),
            route("/silent", RouteAction::Forward(quick(0))),
            route("/", RouteAction::Forward(forward(0))),
        ],
    };
    let secure = VirtualHost {
        name: "secure.test".into(),
        require_tls: true,
        routes: Vec::new(),
    };
    let mut routes = RouteTable::default();
    routes.exact.insert("a.test".into(), Arc::new(host));
    routes.exact.insert("secure.test".into(), Arc::new(secure));
    Table {
        listeners: vec![Listener {
            port: GATEWAY_PORT,
            protocol: ListenerProtocol::Http(Arc::new(routes)),
        }],
        clusters,
    }
}

/// An upstream that keeps every request's head and answers by path.
struct Upstream {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&heads);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || Self::serve(stream, &kept));
            }
        });
        Self { address, heads }
    }

    fn serve(mut stream: TcpStream, heads: &Mutex<Vec<String>>) {
        let mut buffer = Vec::new();
        loop {
            let Some(head) = read_head(&mut stream, &mut buffer) else {
                return;
            };
            heads.lock().unwrap().push(head.clone());
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            if head.contains("transfer-encoding: chunked") {
                while !buffer.ends_with(b"0\r\n\r\n") {
                    let mut more = [0; 4096];
                    let Ok(count @ 1..) = stream.read(&mut more) else {
                        return;
                    };
                    buffer.extend_from_slice(&more[..count]);
                }
                heads
                    .lock()
                    .unwrap()
                    .push(String::from_utf8_lossy(&buffer).into_owned());
                buffer.clear();
            }
            let answer: &[u8] = match path.as_str() {
                "/closes" => return,
                // Until the gateway has had enough.
                "/silent" => {
                    let _ = stream.read_to_end(&mut Vec::new());
                    return;
                }
                "/garbage" => b"what is this\r\n\r\n",
                "/early" => b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
                "/hop" => b"HTTP/1.1 200 OK\r\nserver: nginx\r\nconnection: x-secret\r\nx-secret: 1\r\nkeep-alive: 5\r\ncontent-length: 2\r\n\r\nok",
                "/chunked" => b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 9\r\n\r\n",
                "/socket" => {
                    stream
                        .write_all(b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: abc\r\n\r\n")
                        .unwrap();
                    let mut bytes = [0; 64];
                    while let Ok(count @ 1..) = stream.read(&mut bytes) {
                        bytes[..count].make_ascii_uppercase();
                        stream.write_all(&bytes[..count]).unwrap();
                    }
                    return;
                }
                _ => b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
            };
            if stream.write_all(answer).is_err() {
                return;
            }
        }
    }

    fn last(&self) -> String {
        self.heads
            .lock()
            .unwrap()
            .last()
            .cloned()
            .expect("a request reached the upstream")
    }
}

fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let rest = buffer.split_off(end + 4);
            let head = std::mem::replace(buffer, rest);
            return Some(String::from_utf8_lossy(&head).into_owned());
        }
        let mut more = [0; 4096];
        match stream.read(&mut more) {
            Ok(count @ 1..) => buffer.extend_from_slice(&more[..count]),
            _ => return None,
        }
    }
}

struct Gateway {
    server: Server,
    upstream: Upstream,
    address: SocketAddr,
}

impl Gateway {
    fn start() -> Self {
        let upstream = Upstream::start();
        let settings = ServerSettings {
            ports: HashMap::from([(GATEWAY_PORT, 0), (81, 0)]),
            threads: 2,
            ..ServerSettings::default()
        };
        let server = Server::start(settings, table(upstream.address)).expect("the gateway starts");
        let address = server.listeners()[0].address;
        Self {
            server,
            upstream,
            address,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends bytes, closes nothing, and reads one answer with a Content-Length.
    fn ask(&self, request: &str) -> Answer {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        Answer::read(&mut stream)
    }

    fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: a.test\r\n\r\n"))
    }
}

#[derive(Debug)]
struct Answer {
    head: String,
    body: String,
}

impl Answer {
    fn read(stream: &mut TcpStream) -> Self {
        let mut buffer = Vec::new();
        let head = read_head(stream, &mut buffer).unwrap_or_default();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.trim().parse().unwrap());
        while buffer.len() < length {
            let mut more = [0; 4096];
            match stream.read(&mut more) {
                Ok(count @ 1..) => buffer.extend_from_slice(&more[..count]),
                _ => break,
            }
        }
        Self {
            head,
            body: String::from_utf8_lossy(&buffer).into_owned(),
        }
    }

    fn status(&self) -> u16 {
        self.head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

#[test]
fn what_the_gateway_answers_by_itself_is_what_envoy_answers() {
    let gateway = Gateway::start();
    let after = "upstream connect error or disconnect/reset before headers.";
    let refused = format!("{after} retried and the latest reset reason: remote connection failure");
    let closed = format!("{after} reset reason: connection termination");
    let protocol = format!("{after} reset reason: protocol error");
    let row = |request: &str, status: u16, body: &str, location: Option<&str>| {
        let answer = gateway.ask(request);
        assert_eq!(
            (answer.status(), answer.body.as_str()),
            (status, body),
            "{request}\n{answer:?}"
        );
        assert_eq!(answer.header("server"), Some("istio-envoy"), "{request}");
        assert!(answer.header("date").is_some(), "{request}");
        assert_eq!(answer.header("location"), location, "{request}");
        let kind = (!body.is_empty()).then_some("text/plain");
        assert_eq!(answer.header("content-type"), kind, "{request}");
    };
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: a.test\r\n\r\n");
    row("GET / HTTP/1.1\r\nhost: nobody.test\r\n\r\n", 404, "", None);
    row(&get("/refused"), 503, &refused, None);
    row(&get("/unknown"), 503, "", None);
    row(&get("/closes"), 503, &closed, None);
    row(&get("/garbage"), 502, &protocol, None);
    row(&get("/silent"), 504, "upstream request timeout", None);
    row(&get("/delay/3"), 504, "upstream request timeout", None);
    row(&get("/direct"), 202, "said here", None);
    row(
        &get("/redirect?a=b"),
        301,
        "",
        Some("https://other.example.com/there?a=b"),
    );
    row(
        "GET /x?y=z HTTP/1.1\r\nhost: secure.test:8080\r\n\r\n",
        301,
        "",
        Some("https://secure.test:8080/x?y=z"),
    );
    row("GET / HTTP/1.0\r\nhost: a.test\r\n\r\n", 426, "Upgrade Required", None);
    row("GET / HTTP/1.1\r\nx: y\r\n\r\n", 400, "", None);
    row("GET / HTTP/1.1\r\nhost: a.test\r\nhost: b.test\r\n\r\n", 404, "", None);
    row("CONNECT a.test:80 HTTP/1.1\r\nhost: a.test\r\n\r\n", 404, "", None);
    row(
        "GET / HTTP/1.1\r\nhost: a.test\r\nconnection: upgrade\r\nupgrade: irc\r\n\r\n",
        403,
        "",
        None,
    );
}

#[test]
fn no_request_can_be_smuggled() {
    let gateway = Gateway::start();
    let hidden = "GET /hidden HTTP/1.1\r\nhost: a.test\r\n\r\n";
    let cases = [
        ("CL and TE", "content-length: 4\r\ntransfer-encoding: chunked\r\n", 400),
        ("TE and CL", "transfer-encoding: chunked\r\ncontent-length: 4\r\n", 400),
        (
            "two lengths that differ",
            "content-length: 4\r\ncontent-length: 5\r\n",
            400,
        ),
        ("a list of lengths", "content-length: 4, 5\r\n", 400),
        ("a signed length", "content-length: +4\r\n", 400),
        ("a negative length", "content-length: -4\r\n", 400),
        ("a hexadecimal length", "content-length: 0x4\r\n", 400),
        (
            "a length beyond 64 bits",
            "content-length: 99999999999999999999\r\n",
            400,
        ),
        ("space before the colon", "transfer-encoding : chunked\r\n", 400),
        (
            "TE that ends in something else",
            "transfer-encoding: chunked, identity\r\n",
            501,
        ),
        ("TE with another coding", "transfer-encoding: gzip, chunked\r\n", 501),
        (
            "TE twice",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            501,
        ),
        ("TE that is no chunked", "transfer-encoding: xchunked\r\n", 501),
        ("a NUL in a value", "x: a\0b\r\n", 400),
        ("a bare CR in a value", "x: a\rb\r\n", 400),
        ("a space in a name", "x y: z\r\n", 400),
        ("a line without colon", "nothing\r\n", 400),
    ];
    for (name, lines, status) in cases {
        let mut stream = gateway.connect();
        let request = format!("POST /probe HTTP/1.1\r\nhost: a.test\r\n{lines}\r\n0\r\n\r\n{hidden}");
        stream.write_all(request.as_bytes()).unwrap();
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        let all = String::from_utf8_lossy(&all);
        assert!(all.starts_with(&format!("HTTP/1.1 {status} ")), "{name}: {all}");
        assert_eq!(
            all.matches("HTTP/1.1 ").count(),
            1,
            "{name}: the connection was used on\n{all}"
        );
    }
    let seen = gateway.upstream.heads.lock().unwrap().clone();
    assert!(seen.iter().all(|head| !head.contains("/hidden")), "{seen:?}");
}

#[test]
fn an_upstream_sees_the_client_announced_and_no_hop_headers() {
    let gateway = Gateway::start();
    let answer = gateway.ask(
        "GET /a/./b/../c?q=1 HTTP/1.1\r\nhost: A.test:8080\r\nconnection: keep-alive, x-hop\r\nx-hop: 1\r\nx-mine: 2\r\n\
         x-forwarded-proto: https\r\nx-forwarded-client-cert: Hash=1\r\nx-envoy-internal: true\r\nexpect: 100-continue\r\n\
         proxy-connection: x\r\nte: trailers\r\n\r\n",
    );
    assert_eq!((answer.status(), answer.body.as_str()), (200, "ok"));
    assert!(answer.header("x-envoy-upstream-service-time").is_some());
    let head = gateway.upstream.last();
    assert!(head.starts_with("GET /a/c?q=1 HTTP/1.1\r\n"), "{head}");
    for line in [
        "host: A.test:8080",
        "x-mine: 2",
        "x-forwarded-for: 127.0.0.1",
        "x-forwarded-proto: http",
        "x-envoy-external-address: 127.0.0.1",
        "x-envoy-attempt-count: 1",
        "te: trailers",
    ] {
        assert!(head.lines().any(|had| had == line), "{line} not in\n{head}");
    }
    assert!(head.contains("x-request-id: "), "{head}");
    for name in [
        "connection:",
        "x-hop:",
        "x-forwarded-client-cert:",
        "x-envoy-internal:",
        "expect:",
        "proxy-connection:",
    ] {
        assert!(!head.contains(name), "{name} in\n{head}");
    }
    assert_eq!(gateway.get("/old/x?q=1").status(), 200);
    let head = gateway.upstream.last();
    assert!(head.starts_with("GET /ok/x?q=1 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("host: inner.test\r\n"), "{head}");
    assert!(head.contains("x-envoy-original-path: /old/x?q=1\r\n"), "{head}");
}

#[test]
fn a_client_sees_the_gateway_and_not_the_upstreams_hop() {
    let gateway = Gateway::start();
    let answer = gateway.get("/hop");
    assert_eq!(answer.header("server"), Some("istio-envoy"));
    for name in ["keep-alive", "connection"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
    let early = gateway.get("/early");
    assert_eq!((early.status(), early.body.as_str()), (200, "ok"), "{early:?}");
}

#[test]
fn bodies_stream_both_ways_without_the_trailers_of_http1() {
    let gateway = Gateway::start();
    let mut stream = gateway.connect();
    stream
        .write_all(b"POST /chunked HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\nte: trailers\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        .unwrap();
    let mut text = String::new();
    let mut bytes = [0; 4096];
    while !text.ends_with("\r\n\r\n") || !text.contains("\r\n0\r\n") {
        let count = stream.read(&mut bytes).unwrap();
        assert_ne!(count, 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    assert!(text.contains("abc") && !text.contains("x-sum: 9"), "{text}");
    assert!(gateway.upstream.last().contains("hello"), "{}", gateway.upstream.last());

    let mut stream = gateway.connect();
    stream
        .write_all(b"POST /post HTTP/1.1\r\nhost: a.test\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n")
        .unwrap();
    let mut buffer = Vec::new();
    let head = read_head(&mut stream, &mut buffer).unwrap();
    assert!(head.starts_with("HTTP/1.1 100"), "{head}");
    stream.write_all(b"hello").unwrap();
    let answer = Answer::read(&mut stream);
    assert!(answer.body.contains("\"data\": \"hello\""), "{answer:?}");
}

#[test]
fn a_websocket_passes_through() {
    let gateway = Gateway::start();
    let mut stream = gateway.connect();
    stream
        .write_all(b"GET /socket HTTP/1.1\r\nhost: a.test\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: k\r\nsec-websocket-version: 13\r\n\r\n")
        .unwrap();
    let mut buffer = Vec::new();
    let head = read_head(&mut stream, &mut buffer).unwrap();
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(head.contains("sec-websocket-accept: abc"), "{head}");
    stream.write_all(b"both ways").unwrap();
    let mut bytes = [0; 9];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"BOTH WAYS");
}

#[test]
fn upstream_connections_are_reused_and_a_dead_one_is_replaced() {
    let gateway = Gateway::start();
    let mut stream = gateway.connect();
    for path in ["/one", "/two", "/closes", "/three"] {
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: a.test\r\n\r\n").as_bytes())
            .unwrap();
        let answer = Answer::read(&mut stream);
        let wanted = if path == "/closes" { 503 } else { 200 };
        assert_eq!(answer.status(), wanted, "{path} {answer:?}");
    }
}

#[test]
fn tls_on_a_plain_port_is_a_400_in_plain_text() {
    let gateway = Gateway::start();
    let mut stream = gateway.connect();
    stream.write_all(&[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]).unwrap();
    let answer = Answer::read(&mut stream);
    assert_eq!((answer.status(), answer.body.as_str()), (400, "Bad Request"));
}

#[test]
fn heads_beyond_the_limits_are_refused() {
    let gateway = Gateway::start();
    let long = format!("GET / HTTP/1.1\r\nhost: a.test\r\nx: {}\r\n\r\n", "y".repeat(70 * 1024));
    assert_eq!(gateway.ask(&long).status(), 431);
    let many = format!("GET / HTTP/1.1\r\nhost: a.test\r\n{}\r\n", "x: y\r\n".repeat(200));
    assert_eq!(gateway.ask(&many).status(), 431);
}

#[test]
fn a_new_table_opens_and_closes_ports_and_cuts_nothing() {
    let gateway = Gateway::start();
    let mut kept = gateway.connect();
    let ask = |stream: &mut TcpStream| {
        stream.write_all(b"GET /one HTTP/1.1\r\nhost: a.test\r\n\r\n").unwrap();
        Answer::read(stream).status()
    };
    assert_eq!(ask(&mut kept), 200);
    let mut next = table(gateway.upstream.address);
    let more = table(gateway.upstream.address).listeners.swap_remove(0).protocol;
    next.listeners.push(Listener {
        port: 81,
        protocol: more,
    });
    gateway.server.replace(next).expect("the new port opens");
    let opened = gateway.server.listeners();
    assert_eq!(opened.iter().map(|l| l.gateway_port).collect::<Vec<_>>(), [80, 81]);
    assert_eq!(ask(&mut TcpStream::connect(opened[1].address).unwrap()), 200);
    gateway.server.replace(Table::default()).expect("ports close");
    assert!(gateway.server.listeners().is_empty());
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(gateway.address).is_ok() {
        assert!(std::time::Instant::now() < deadline, "the port stays open");
    }
    assert_eq!(ask(&mut kept), 404, "an open connection stays, without routes");
}

#[test]
fn a_drain_answers_what_is_in_work() {
    let gateway = Gateway::start();
    let mut stream = gateway.connect();
    stream
        .write_all(b"GET /status/200 HTTP/1.1\r\nhost: a.test\r\n\r\n")
        .unwrap();
    assert_eq!(Answer::read(&mut stream).status(), 200);
    let server = gateway.server;
    server.drain(Duration::from_secs(5));
    assert!(TcpStream::connect(gateway.address).is_err());
    let mut rest = Vec::new();
    assert!(
        matches!(stream.read_to_end(&mut rest), Ok(0)),
        "an idle connection is closed"
    );
}

#[test]
fn a_grpc_client_gets_the_gateways_own_answers_as_grpc() {
    let gateway = Gateway::start();
    for (path, status) in [("/refused", "14"), ("/unknown", "14")] {
        let answer = gateway.ask(&format!(
            "POST {path} HTTP/1.1\r\nhost: a.test\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n\r\n"
        ));
        assert_eq!(answer.status(), 200, "{path} {answer:?}");
        assert_eq!(answer.header("grpc-status"), Some(status), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/grpc"), "{path}");
    }
}
