//! A case of tests/data/judge: the manifests, what Istio made of them, and the
//! requests that are sent to both gateways.
//!
//! `requests` is a text: a title behind `##`, the connection, then the bytes.
//!
//! ```text
//! ## a prefix is a plain prefix of the text
//! tls 443 a.example.com h2
//! differs: row-of-the-table: status, upstream*
//! GET /foobar HTTP/2
//! Host: a.example.com
//!
//! ```
//!
//! Lines end in CRLF on the wire, the last line of a request in nothing (so an
//! empty line ends a head); `\r`, `\n`, `\t`, `\\` and `\xHH` are bytes, `\*NUMBERx` is a byte that
//! many times. `%%trailers` after a body begins the trailers of HTTP/2. Over HTTP/2 the same text is sent as
//! fields of frames.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Where the cases are.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/judge")
}

/// A case with all that stands in its folder.
pub(super) struct Case {
    pub(super) name: String,
    /// The Services that all cases share, and the case's own objects.
    pub(super) manifests: String,
    pub(super) fixture: Fixture,
    pub(super) requests: Vec<Request>,
}

/// What `scripts/record-judge` wrote.
pub(super) struct Fixture {
    pub(super) bootstrap: Value,
    pub(super) upstreams: Vec<Destination>,
    /// SDS answers by name.
    pub(super) secrets: BTreeMap<String, Value>,
}

/// A Service's port that the bootstrap has an endpoint for.
#[derive(Clone)]
pub(super) struct Destination {
    pub(super) host: String,
    pub(super) port: String,
    pub(super) subset: String,
    pub(super) protocol: String,
}

impl Destination {
    /// As the bootstrap's placeholder names it.
    pub(super) fn key(&self) -> String {
        format!("{}|{}|{}", self.host, self.port, self.subset)
    }

    /// As `serve --upstream` names it.
    pub(super) fn service(&self) -> String {
        let name = self.host.trim_end_matches(".svc.cluster.local");
        format!("{name}:{}", self.port)
    }
}

/// What is spoken on a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Protocol {
    Http1,
    Http2,
    /// Bytes, then the end; all that comes back.
    Tcp,
}

/// How a request's connection is made.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) port: u16,
    pub(super) tls: Option<Tls>,
    pub(super) protocol: Protocol,
    /// How many answers are awaited.
    pub(super) answers: usize,
    /// How many requests must have reached upstreams before they are compared.
    pub(super) upstream: Option<usize>,
    /// No answer is expected: silence is waited for a short time only.
    pub(super) silent: bool,
}

/// The client's side of TLS.
#[derive(Clone, Debug, Default)]
pub(super) struct Tls {
    pub(super) sni: Option<String>,
    /// The client's certificate, as `material` knows it.
    pub(super) client: Option<String>,
    /// 12 or 13; both are offered without it.
    pub(super) version: Option<u8>,
    /// The protocols offered, in place of the one that is spoken.
    pub(super) alpn: Option<Vec<String>>,
}

/// A difference that the table explains.
#[derive(Clone, Debug)]
pub(super) struct Allowed {
    pub(super) row: String,
    /// Names of aspects; a `*` at the end stands for any rest.
    pub(super) aspects: Vec<String>,
}

/// One request, or several on one connection.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) title: String,
    pub(super) connection: Connection,
    pub(super) bytes: Vec<u8>,
    pub(super) allowed: Vec<Allowed>,
}

impl Case {
    /// Reads a case's folder.
    pub(super) fn read(name: &str) -> Self {
        let path = folder().join(name);
        let text = |file: &Path| {
            std::fs::read_to_string(file)
                .unwrap_or_else(|error| panic!("{}: {error}; scripts/record-judge makes envoy.json", file.display()))
        };
        let services = text(&folder().join("services.yaml"));
        Self {
            name: name.to_owned(),
            manifests: format!("{services}---\n{}", text(&path.join("manifests.yaml"))),
            fixture: Fixture::of(&text(&path.join("envoy.json"))),
            requests: requests(&text(&path.join("requests"))),
        }
    }

    /// The names of all cases.
    pub(super) fn names() -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder())
            .expect("cases")
            .map(|entry| entry.expect("a folder's entry"))
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().into_string().expect("a name"))
            .collect();
        names.sort();
        names
    }
}

impl Fixture {
    fn of(text: &str) -> Self {
        let made: Value = serde_json::from_str(text).expect("JSON of the judge");
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            bootstrap: made["bootstrap"].clone(),
            upstreams: (made["upstreams"].as_array().into_iter().flatten())
                .map(|one| Destination {
                    host: word(&one["host"]),
                    port: word(&one["port"]),
                    subset: word(&one["subset"]),
                    protocol: word(&one["protocol"]),
                })
                .collect(),
            secrets: (made["secrets"].as_object().into_iter().flatten())
                .map(|(name, answer)| (name.clone(), answer.clone()))
                .collect(),
        }
    }

    /// The ports of its listeners, as the Gateways number them.
    pub(super) fn ports(&self) -> Vec<u16> {
        let listeners = self.bootstrap["static_resources"]["listeners"].as_array();
        (listeners.into_iter().flatten())
            .filter_map(|listener| {
                let port = listener["address"]["socket_address"]["port_value"].as_str()?;
                port.strip_prefix("{{port ")?.strip_suffix("}}")?.parse().ok()
            })
            .collect()
    }
}

/// Reads the text of `requests`.
pub(super) fn requests(text: &str) -> Vec<Request> {
    let mut blocks: Vec<(String, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            blocks.push((title.to_owned(), Vec::new()));
        } else if let Some((_, lines)) = blocks.last_mut() {
            lines.push(line);
        }
    }
    blocks
        .into_iter()
        .map(|(title, lines)| request(title, &lines))
        .collect()
}

fn request(title: String, lines: &[&str]) -> Request {
    let mut lines = lines.iter().copied().peekable();
    let connection =
        connection(lines.next().unwrap_or_default()).unwrap_or_else(|problem| panic!("request {title:?}: {problem}"));
    let mut allowed = Vec::new();
    while let Some(mark) = lines.peek().and_then(|line| line.strip_prefix("differs: ")) {
        let (row, aspects) = mark
            .split_once(": ")
            .unwrap_or_else(|| panic!("{title}: a mark without aspects"));
        allowed.push(Allowed {
            row: row.to_owned(),
            aspects: aspects.split(", ").map(str::to_owned).collect(),
        });
        lines.next();
    }
    let mut rest: Vec<&str> = lines.collect();
    // The empty line before the next title is for readers; one that ends a head stays.
    if rest.last() == Some(&"") {
        rest.pop();
    }
    let ends_head = !rest.contains(&"") && connection.protocol != Protocol::Tcp;
    let mut bytes = Vec::new();
    for (index, line) in rest.iter().enumerate() {
        if index > 0 {
            bytes.extend_from_slice(b"\r\n");
        }
        unescape(line, &mut bytes);
    }
    if ends_head {
        bytes.extend_from_slice(b"\r\n\r\n");
    }
    Request {
        title,
        connection,
        bytes,
        allowed,
    }
}

fn connection(line: &str) -> Result<Connection, String> {
    let mut words = line.split(' ');
    let kind = words.next().unwrap_or_default();
    let port = words.next().and_then(|port| port.parse().ok()).ok_or("no port")?;
    let mut tls = match kind {
        "plain" => None,
        "tls" => Some(Tls {
            sni: words.next().filter(|sni| *sni != "-").map(str::to_owned),
            ..Tls::default()
        }),
        other => return Err(format!("{other:?} is neither plain nor tls")),
    };
    let mut made = Connection {
        port,
        tls: None,
        protocol: Protocol::Http1,
        answers: 1,
        upstream: None,
        silent: false,
    };
    for word in words {
        let number = |value: &str| value.parse().map_err(|_| format!("{word:?} has no number"));
        match (word.split_once('=').unwrap_or((word, "")), &mut tls) {
            (("h2", _), _) => made.protocol = Protocol::Http2,
            (("tcp", _), _) => made.protocol = Protocol::Tcp,
            (("silent", _), _) => made.silent = true,
            (("answers", value), _) => made.answers = number(value)?,
            (("upstream", value), _) => made.upstream = Some(number(value)?),
            (("client", value), Some(tls)) => tls.client = Some(value.to_owned()),
            (("version", value), Some(tls)) => tls.version = Some(value.parse().map_err(|_| "no version")?),
            (("alpn", value), Some(tls)) => {
                tls.alpn = Some(
                    value
                        .split(',')
                        .filter(|name| !name.is_empty())
                        .map(str::to_owned)
                        .collect(),
                );
            }
            _ => return Err(format!("{word:?} is not known")),
        }
    }
    made.tls = tls;
    Ok(made)
}

/// Appends a line's bytes with its escapes resolved.
fn unescape(line: &str, bytes: &mut Vec<u8>) {
    let mut rest = line.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (&escaped, after) = rest.split_first().expect("a byte after the backslash");
        rest = after;
        if escaped == b'*' {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let count = std::str::from_utf8(&rest[..digits]).expect("digits");
            bytes.extend(std::iter::repeat_n(rest[digits], count.parse().expect("a number")));
            rest = &rest[digits + 1..];
            continue;
        }
        bytes.push(match escaped {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'x' => {
                let digits = std::str::from_utf8(&rest[..2]).expect("two hex digits");
                rest = &rest[2..];
                u8::from_str_radix(digits, 16).expect("two hex digits")
            }
            other => other,
        });
    }
}

impl Case {
    /// The ports that its requests and its listeners use.
    pub(super) fn ports(&self) -> Vec<u16> {
        let mut ports = self.fixture.ports();
        ports.extend(self.requests.iter().map(|request| request.connection.port));
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}
