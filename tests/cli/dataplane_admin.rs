//! The admin and the access log of a running `serve`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::Dir;
use crate::serve_process::Serve;

/// A running `serve`, and its admin.
struct Served<'d> {
    _serve: Serve<'d>,
    admin: String,
}

impl<'d> Served<'d> {
    fn start(dir: &'d Dir) -> Self {
        dir.run(&["gen-certs", "httpbin.example.com"]).exits(0);
        let serve = Serve::start(dir, &["--threads", "1"]);
        Self {
            admin: serve.admin().to_string(),
            _serve: serve,
        }
    }

    fn ask(&self, head: &str) -> String {
        let mut stream = TcpStream::connect(&self.admin).expect("the admin");
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "{head}\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: {}", self.admin))
    }
}

#[test]
fn the_admin_tells_what_is_served_and_no_key() {
    let dir = Dir::new();
    let serve = Served::start(&dir);
    let body = |answer: &str| answer.split_once("\r\n\r\n").expect("a head").1.to_owned();

    let ready = serve.get("/ready");
    assert!(
        ready.starts_with("HTTP/1.1 200") && ready.ends_with("LIVE\n"),
        "{ready}"
    );
    assert!(ready.contains("x-istio-tls-id: "), "{ready}");

    let certs: serde_json::Value = serde_json::from_str(&body(&serve.get("/certs"))).expect("JSON");
    let leaf = &certs["certificates"][0]["cert_chain"][0];
    assert_eq!(leaf["subject_alt_names"][0]["dns"], "httpbin.example.com");
    let days: i64 = leaf["days_until_expiration"]
        .as_str()
        .expect("text")
        .parse()
        .expect("a number");
    assert!((363..=365).contains(&days), "{days}");

    let dump = serve.get("/config_dump");
    assert!(dump.contains("\"private_key\": \"[redacted]\""), "{dump}");
    let key = dir.read("httpbin.example.com/3_application/private/httpbin.example.com.key.pem");
    let line = key.lines().nth(1).expect("base64");
    assert!(
        !dump.contains(line) && !dump.contains("PRIVATE KEY"),
        "the key is in the dump"
    );

    let stats = serve.get("/stats/prometheus");
    assert!(stats.contains("\nenvoy_server_live 1\n"), "{stats}");
    assert!(serve.get("/nothing").starts_with("HTTP/1.1 404"));
    assert!(serve.get("/help").contains("/config_dump"));
}

#[test]
fn a_web_page_cannot_reach_the_admin() {
    let dir = Dir::new();
    let serve = Served::start(&dir);
    let port = serve.admin.rsplit(':').next().expect("a port");
    for (host, status) in [
        (format!("127.0.0.1:{port}"), "200"),
        (format!("localhost:{port}"), "200"),
        (format!("evil.example.com:{port}"), "403"),
        ("127.0.0.1.evil.example.com".to_owned(), "403"),
    ] {
        let answer = serve.ask(&format!("GET /ready HTTP/1.1\r\nhost: {host}"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
    }
    let form = format!(
        "POST /logging?level=debug HTTP/1.1\r\nhost: {}\r\ncontent-length: 0\r\norigin: ",
        serve.admin
    );
    assert!(
        serve
            .ask(&format!("{form}https://evil.example.com"))
            .starts_with("HTTP/1.1 403")
    );
    let own = serve.ask(&format!("{form}http://{}", serve.admin));
    assert!(own.starts_with("HTTP/1.1 200") && own.contains("debug"), "{own}");
    assert!(serve.get("/logging").contains("debug"));
    let wrong = format!("POST /logging HTTP/1.1\r\nhost: {}\r\ncontent-length: 0", serve.admin);
    assert!(serve.ask(&wrong).starts_with("HTTP/1.1 400"));
}
