//! A zoo of broken endpoints: each is one row with the verdict that `probe`
//! must give. The endpoints are openssl's s_server, nginx, and a few lines of
//! TCP; the certificates are made by zoo/certificates.sh.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Dir, Ran};

const HOST: &str = "zoo.example.com";

/// What stands behind the port.
enum Endpoint {
    /// `openssl s_server` with these options.
    Openssl(&'static [&'static str]),
    /// nginx with TLS and this in its `server` block.
    Nginx(&'static str),
    /// A listener that treats each connection so.
    Tcp(fn(TcpStream)),
    /// Nothing.
    Closed,
}

struct Row {
    name: &'static str,
    endpoint: Endpoint,
    /// Flags of probe besides --target and --cacert.
    flags: &'static [&'static str],
    code: &'static str,
    fault: &'static str,
    /// Both must stand in the summary.
    values: [&'static str; 2],
    /// Whether `inspect HOST:PORT` shows the certificates too.
    inspect: bool,
}

const GOOD: &[&str] = &[
    "-cert",
    "good.pem",
    "-key",
    "good.key",
    "-cert_chain",
    "intermediate.pem",
];
const MUTUAL: &[&str] = &[
    "-cert",
    "good.pem",
    "-key",
    "good.key",
    "-cert_chain",
    "intermediate.pem",
    "-CAfile",
    "authorities.pem",
    "-Verify",
    "3",
    "-verify_return_error",
];

macro_rules! served {
    ($name:literal) => {
        &[
            "-cert",
            concat!($name, ".pem"),
            "-key",
            concat!($name, ".key"),
            "-cert_chain",
            "intermediate.pem",
        ]
    };
}

/// A row about the served chain.
fn chain(name: &'static str, options: &'static [&'static str], code: &'static str, values: [&'static str; 2]) -> Row {
    Row {
        name,
        endpoint: Endpoint::Openssl(options),
        flags: &[],
        code,
        fault: "server",
        values,
        inspect: true,
    }
}

fn row(
    name: &'static str,
    endpoint: Endpoint,
    flags: &'static [&'static str],
    verdict: (&'static str, &'static str),
    values: [&'static str; 2],
) -> Row {
    Row {
        name,
        endpoint,
        flags,
        code: verdict.0,
        fault: verdict.1,
        values,
        inspect: false,
    }
}

fn rows() -> Vec<Row> {
    use Endpoint::{Closed, Nginx, Openssl, Tcp};
    let client = ("client-certificate-required", "client");
    let rejected = ("client-certificate-rejected", "client");
    vec![
        chain(
            "expired leaf",
            served!("expired"),
            "certificate-expired",
            ["2021-01-01", "leaf"],
        ),
        chain(
            "expired intermediate",
            &[
                "-cert",
                "underold.pem",
                "-key",
                "underold.key",
                "-cert_chain",
                "old.pem",
            ],
            "certificate-expired",
            ["2021-01-01", "intermediate"],
        ),
        chain(
            "not yet valid",
            served!("future"),
            "certificate-not-yet-valid",
            ["2048-01-01", "leaf"],
        ),
        chain(
            "wrong host",
            served!("elsewhere"),
            "name-mismatch",
            [HOST, "elsewhere.example.com"],
        ),
        chain("CN only", served!("nosan"), "no-san", [HOST, "CN"]),
        chain(
            "self-signed",
            &["-cert", "selfsigned.pem", "-key", "selfsigned.key"],
            "self-signed",
            [HOST, "sign"],
        ),
        chain(
            "unknown CA",
            &[
                "-cert",
                "unknown.pem",
                "-key",
                "unknown.key",
                "-cert_chain",
                "strange.pem",
            ],
            "unknown-issuer",
            ["Strange Root", "Zoo Root"],
        ),
        chain(
            "intermediate missing",
            &["-cert", "good.pem", "-key", "good.key"],
            "incomplete-chain",
            ["Zoo Intermediate", "Zoo Root"],
        ),
        chain(
            "chain in wrong order",
            &["-cert", "good.pem", "-key", "good.key", "-cert_chain", "rootfirst.pem"],
            "wrong-order",
            ["each followed by its issuer", "1, 3, 2"],
        ),
        chain("CA certificate as leaf", served!("caleaf"), "ca-as-leaf", ["CA", HOST]),
        chain(
            "wrong EKU",
            served!("purpose"),
            "wrong-eku",
            ["serverAuth", "clientAuth"],
        ),
        chain(
            "SHA-1 signature",
            &[
                "-cert",
                "sha1.pem",
                "-key",
                "sha1.key",
                "-cert_chain",
                "intermediate.pem",
                "-cipher",
                "DEFAULT@SECLEVEL=0",
            ],
            "weak-signature",
            ["SHA-1", "SHA-256"],
        ),
        chain(
            "RSA 1024",
            &[
                "-cert",
                "weak.pem",
                "-key",
                "weak.key",
                "-cert_chain",
                "intermediate.pem",
                "-cipher",
                "DEFAULT@SECLEVEL=0",
            ],
            "weak-key",
            ["1024", "2048"],
        ),
        chain(
            "X.509 v1",
            &[
                "-cert",
                "v1.pem",
                "-key",
                "v1.key",
                "-cert_chain",
                "intermediate.pem",
                "-cipher",
                "DEFAULT@SECLEVEL=0",
            ],
            "x509-v1",
            ["1", "3"],
        ),
        Row {
            flags: &["--crl", "all.crl"],
            ..chain(
                "revoked",
                served!("revoked"),
                "certificate-revoked",
                ["revoked", "leaf"],
            )
        },
        Row {
            inspect: true,
            ..row(
                "TLS 1.1 only",
                Openssl(&[
                    "-cert",
                    "rsa.pem",
                    "-key",
                    "rsa.key",
                    "-cert_chain",
                    "intermediate.pem",
                    "-tls1_1",
                    "-cipher",
                    "DEFAULT@SECLEVEL=0",
                ]),
                &[],
                ("protocol-version", "server"),
                ["TLS 1.1", "TLS 1.2 and TLS 1.3"],
            )
        },
        row(
            "TLS 1.2 only, asked for 1.3",
            Openssl(&[
                "-cert",
                "good.pem",
                "-key",
                "good.key",
                "-cert_chain",
                "intermediate.pem",
                "-tls1_2",
            ]),
            &["--tls", "1.3"],
            ("protocol-version", "server"),
            ["TLS 1.2", "TLS 1.3"],
        ),
        row(
            "TLS 1.3 only, asked for 1.2",
            Openssl(&[
                "-cert",
                "good.pem",
                "-key",
                "good.key",
                "-cert_chain",
                "intermediate.pem",
                "-tls1_3",
            ]),
            &["--tls", "1.2"],
            ("protocol-version", "server"),
            ["TLS 1.2", "TLS 1.3"],
        ),
        row(
            "no common cipher",
            Openssl(&[
                "-cert",
                "rsa.pem",
                "-key",
                "rsa.key",
                "-cert_chain",
                "intermediate.pem",
                "-tls1_2",
                "-cipher",
                "AES256-SHA",
            ]),
            &[],
            ("no-common-cipher", "server"),
            ["AES256-SHA", "ECDHE"],
        ),
        row(
            "plain HTTP",
            Tcp(plain_http),
            &[],
            ("plain-http", "server"),
            ["TLS", "HTTP/1.1 200 OK"],
        ),
        row(
            "no TLS at all",
            Tcp(ssh),
            &[],
            ("not-tls", "server"),
            ["TLS", "SSH-2.0-zoo"],
        ),
        row(
            "connection refused",
            Closed,
            &[],
            ("connection-refused", "network"),
            ["expected a gateway on 127.0.0.1", "refused"],
        ),
        row(
            "accepted, then silent",
            Tcp(silent),
            &["--timeout", "300ms"],
            ("timeout", "network"),
            ["ServerHello", "no answer"],
        ),
        row(
            "reset after the ClientHello",
            Tcp(reset),
            &[],
            ("reset-after-client-hello", "server"),
            ["expected a certificate for SNI \"zoo.example.com\"", "reset"],
        ),
        row(
            "closed after the ClientHello",
            Tcp(close),
            &[],
            ("closed-after-client-hello", "server"),
            ["expected a certificate for SNI \"zoo.example.com\"", "closed"],
        ),
        row(
            "ALPN mismatch",
            Openssl(&[
                "-cert",
                "good.pem",
                "-key",
                "good.key",
                "-cert_chain",
                "intermediate.pem",
                "-alpn",
                "http/1.1",
            ]),
            &["--alpn", "h2"],
            ("alpn-mismatch", "server"),
            ["h2", "\"http/1.1\""],
        ),
        row(
            "ALPN not spoken",
            Openssl(GOOD),
            &["--alpn", "h2"],
            ("alpn-mismatch", "server"),
            ["\"h2\"", "none"],
        ),
        row(
            "client certificate required, TLS 1.2",
            Openssl(MUTUAL),
            &["--tls", "1.2"],
            client,
            ["none was sent", "Zoo Root"],
        ),
        row(
            "client certificate required, TLS 1.3",
            Openssl(MUTUAL),
            &["--tls", "1.3"],
            client,
            ["alert 116", "Zoo Root"],
        ),
        row(
            "client certificate required, nginx",
            Nginx(
                "ssl_verify_client on; ssl_client_certificate authorities.pem; ssl_verify_depth 3; location / { return 200; }",
            ),
            &[],
            client,
            ["none was sent", "Zoo Root"],
        ),
        row(
            "client certificate of a wrong CA, TLS 1.2",
            Openssl(MUTUAL),
            &[
                "--cert",
                "clientstrange.pem",
                "--key",
                "clientstrange.key",
                "--tls",
                "1.2",
            ],
            rejected,
            ["Strange Root", "Zoo Root"],
        ),
        row(
            "client certificate of a wrong CA, TLS 1.3",
            Openssl(MUTUAL),
            &[
                "--cert",
                "clientstrange.pem",
                "--key",
                "clientstrange.key",
                "--tls",
                "1.3",
            ],
            rejected,
            ["Strange Root", "Zoo Root"],
        ),
        row(
            "client certificate expired, TLS 1.2",
            Openssl(MUTUAL),
            &[
                "--cert",
                "clientexpired.pem",
                "--key",
                "clientexpired.key",
                "--tls",
                "1.2",
            ],
            rejected,
            ["alert 45", "2021-01-01"],
        ),
        row(
            "client certificate expired, TLS 1.3",
            Openssl(MUTUAL),
            &[
                "--cert",
                "clientexpired.pem",
                "--key",
                "clientexpired.key",
                "--tls",
                "1.3",
            ],
            rejected,
            ["alert 45", "2021-01-01"],
        ),
        row(
            "a server's certificate for a client's",
            Openssl(MUTUAL),
            &["--cert", "good.pem", "--key", "good.key"],
            rejected,
            ["clientAuth", "serverAuth"],
        ),
        row(
            "client certificate not required",
            Nginx("location / { return 200; }"),
            &["--mtls", "--cert", "client.pem", "--key", "client.key"],
            ("client-certificate-not-required", "server"),
            ["expected to be refused", "HTTP 200"],
        ),
        row(
            "client key that does not match",
            Openssl(MUTUAL),
            &["--cert", "client.pem", "--key", "good.key"],
            ("client-key-mismatch", "config"),
            ["client.pem is for public key SHA-256", "good.key has"],
        ),
        row(
            "encrypted client key without password",
            Openssl(MUTUAL),
            &["--cert", "client.pem", "--key", "clientencrypted.key"],
            ("client-key-encrypted", "config"),
            ["expected a password", "none"],
        ),
        row(
            "HTTP 404",
            Nginx("location / { return 404; }"),
            &["--path", "/status/418", "--expect-status", "418"],
            ("unexpected-status", "server"),
            ["418", "404"],
        ),
        row(
            "HTTP 503",
            Nginx("location / { default_type text/plain; return 503 'no healthy upstream'; }"),
            &[],
            ("unexpected-status", "server"),
            ["below 500", "503"],
        ),
        row(
            "all is well",
            Openssl(GOOD),
            &["--expect-status", "200"],
            ("ok", ""),
            ["200", "TLS 1.3"],
        ),
        row(
            "all is well, mutual",
            Openssl(MUTUAL),
            &["--cert", "client.pem", "--key", "client.key"],
            ("ok", ""),
            ["200", "client certificate accepted"],
        ),
        row(
            "all is well, mutual, with the key's password",
            Openssl(MUTUAL),
            &[
                "--cert",
                "client.pem",
                "--key",
                "clientencrypted.key",
                "--key-password-file",
                "password",
            ],
            ("ok", ""),
            ["200", "client certificate accepted"],
        ),
    ]
}

#[test]
fn every_broken_endpoint_has_its_verdict() {
    let zoo = Dir::new();
    make_certificates(&zoo);
    let mut failures = Vec::new();
    for row in rows() {
        if let Err(why) = check(&zoo, &row) {
            failures.push(format!("{}: {why}", row.name));
        }
    }
    assert!(
        failures.is_empty(),
        "{} rows failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn a_name_without_an_address_is_named() {
    let zoo = Dir::new();
    let ran = zoo
        .run(&["probe", "nowhere.invalid:443", "-o", "json", "--timeout", "5s"])
        .exits(1);
    let verdict = &ran.json()["results"][0]["verdict"];
    assert_eq!(verdict["code"], "name-not-resolved");
    assert_eq!(verdict["fault"], "network");
}

fn make_certificates(zoo: &Dir) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/zoo/certificates.sh");
    let output = Command::new("sh")
        .arg(script)
        .arg(zoo.path(""))
        .output()
        .expect("sh starts");
    assert!(
        output.status.success(),
        "openssl could not make the zoo's certificates (is openssl installed?)\n{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        std::fs::read_to_string(zoo.path("openssl.log")).unwrap_or_default()
    );
    zoo.write("password", "secret\n");
}

fn check(zoo: &Dir, row: &Row) -> Result<(), String> {
    let running = Running::start(zoo, &row.endpoint);
    let target = running.address.to_string();
    let mut args = vec!["probe", HOST, "--target", &target, "--cacert", "root.pem", "-o", "json"];
    args.extend(row.flags);
    let ran = zoo.run(&args);
    let json: serde_json::Value =
        serde_json::from_str(&ran.stdout).map_err(|error| format!("{error}\n{}\n{}", ran.stdout, ran.stderr))?;
    let shown = || format!("{:#}", json["results"][0]["verdict"]);
    let code = if row.code == "ok" { 0 } else { 1 };
    if ran.code != Some(code) {
        return Err(format!("ended with {:?}, not {code}: {}", ran.code, shown()));
    }
    let results = json["results"].as_array().ok_or("no results")?;
    let result = results
        .iter()
        .find(|result| result["ok"] == (row.code == "ok"))
        .ok_or_else(shown)?;
    let verdict = &result["verdict"];
    if verdict["code"] != row.code {
        return Err(format!("code is {}, not {}: {verdict:#}", verdict["code"], row.code));
    }
    let summary = verdict["summary"].as_str().unwrap_or_default();
    for value in row.values {
        if !summary.contains(value) {
            return Err(format!("the summary does not name {value:?}: {summary}"));
        }
    }
    if row.code != "ok" {
        if verdict["fault"] != row.fault {
            return Err(format!("fault is {}, not {}", verdict["fault"], row.fault));
        }
        if verdict["fix"].as_str().is_none_or(str::is_empty) {
            return Err("there is no fix".to_owned());
        }
        for field in ["expected", "found"] {
            if verdict[field].as_str().is_none_or(str::is_empty) {
                return Err(format!("{field} is not named"));
            }
        }
        if !documented(row.code) {
            return Err(format!("docs/probe-verdicts.md does not list {}", row.code));
        }
    }
    if row.inspect {
        inspect(zoo, &target)?;
    }
    Ok(())
}

fn documented(code: &str) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/probe-verdicts.md");
    std::fs::read_to_string(path).is_ok_and(|text| text.contains(&format!("| `{code}` |")))
}

/// `inspect` explains every certificate it can get, however broken, and ends with 0.
fn inspect(zoo: &Dir, target: &str) -> Result<(), String> {
    let ran: Ran = zoo.run(&["inspect", target, "-o", "json"]);
    if ran.code != Some(0) {
        return Err(format!(
            "inspect ended with {:?}\n{}\n{}",
            ran.code, ran.stdout, ran.stderr
        ));
    }
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).map_err(|error| error.to_string())?;
    if json.to_string().contains("CN=") {
        Ok(())
    } else {
        Err(format!("inspect shows no certificate: {json:#}"))
    }
}

/// A running endpoint, ended when dropped.
struct Running {
    address: SocketAddr,
    child: Option<Child>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Running {
    fn start(zoo: &Dir, endpoint: &Endpoint) -> Self {
        match endpoint {
            Endpoint::Openssl(options) => Self::openssl(zoo, options),
            Endpoint::Nginx(block) => Self::nginx(zoo, block),
            Endpoint::Tcp(treat) => Self::tcp(*treat),
            Endpoint::Closed => {
                let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
                let address = listener.local_addr().expect("an address");
                Self { address, child: None }
            }
        }
    }

    fn openssl(zoo: &Dir, options: &[&str]) -> Self {
        let mut child = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-www"])
            .args(options)
            .current_dir(zoo.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl is not installed");
        // It tells its port once it listens: "ACCEPT 127.0.0.1:34567".
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("ACCEPT ")?.trim().parse().ok())
            .unwrap_or_else(|| panic!("openssl s_server {options:?} does not listen"));
        // Its further words are read away, so that it never waits for a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self {
            address,
            child: Some(child),
        }
    }

    fn nginx(zoo: &Dir, block: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let config = format!(
            "daemon off; master_process off; pid nginx.pid; error_log nginx.log;\nevents {{}}\nhttp {{ access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\nserver {{ listen {address} ssl http2; ssl_certificate goodchain.pem; ssl_certificate_key good.key; {block} }} }}\n"
        );
        let chain = zoo.read("good.pem") + &zoo.read("intermediate.pem");
        zoo.write("goodchain.pem", chain);
        zoo.write("nginx.conf", config);
        let child = Command::new("nginx")
            .args(["-e", "nginx.log", "-p"])
            .arg(zoo.path(""))
            .args(["-c", "nginx.conf"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx is not installed");
        let mut running = Self {
            address,
            child: Some(child),
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            let ended = running.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(
                Instant::now() < deadline && ended.is_none(),
                "nginx does not listen: {}",
                std::fs::read_to_string(zoo.path("nginx.log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        running
    }

    fn tcp(treat: fn(TcpStream)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        // The thread waits for connections until the test's process ends.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                std::thread::spawn(move || treat(stream));
            }
        });
        Self { address, child: None }
    }
}

fn plain_http(mut stream: TcpStream) {
    let mut first = [0; 4096];
    let read = stream.read(&mut first).unwrap_or(0);
    let answer: &[u8] = if first[..read].starts_with(b"GET ") {
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    } else {
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    };
    let _ = stream.write_all(answer);
}

fn ssh(mut stream: TcpStream) {
    let _ = stream.write_all(b"SSH-2.0-zoo\r\n");
    let _ = stream.read(&mut [0; 4096]);
}

fn silent(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
}

fn close(mut stream: TcpStream) {
    let mut buffer = [0; 16 << 10];
    let _ = stream.read(&mut buffer);
}

fn reset(stream: TcpStream) {
    let mut buffer = [0; 64];
    let _ = (&stream).read(&mut buffer);
    // Closing with unread bytes, or with no time to linger, is a reset.
    let socket = socket2::Socket::from(stream);
    let _ = socket.set_linger(Some(Duration::ZERO));
}
