//! The same request as a command for curl, openssl or grpcurl, quoted for a POSIX shell, so that it
//! can be pasted. Pure; keys appear only as file names.

use super::dial::{Endpoint, TlsVersions};
use super::expectation::Expectation;
use crate::shell::quote;

/// A program whose command can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// curl.
    Curl,
    /// openssl s_client.
    Openssl,
    /// grpcurl.
    Grpcurl,
}

impl Tool {
    /// The values of `--print`.
    pub const WORDS: &[(&str, Self)] = &[
        ("curl", Self::Curl),
        ("openssl", Self::Openssl),
        ("grpcurl", Self::Grpcurl),
    ];
}

/// What is sent in addition to the path.
#[derive(Debug, Clone, Default)]
pub struct Extras {
    /// `-X`; none means GET, or POST with data.
    pub method: Option<http::Method>,
    /// `-H`, in the form `Name: value`.
    pub headers: Vec<String>,
    /// `-d`.
    pub data: Option<String>,
    /// `-i`: show the response head.
    pub include: bool,
}

/// The command for `wanted`, without a newline.
pub fn line(tool: Tool, wanted: &Expectation, extras: &Extras) -> String {
    let words = match tool {
        Tool::Curl => curl(wanted, extras),
        Tool::Openssl => return openssl(wanted, extras),
        Tool::Grpcurl => grpcurl(wanted, extras),
    };
    join(&words)
}

fn join(words: &[String]) -> String {
    words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

fn port(wanted: &Expectation) -> u16 {
    match &wanted.endpoint {
        Endpoint::Address(address) => address.port(),
        Endpoint::Name { port, .. } => *port,
    }
}

fn curl(wanted: &Expectation, extras: &Extras) -> Vec<String> {
    let mut words: Vec<String> = vec!["curl".into()];
    let mut add = |parts: &[&str]| words.extend(parts.iter().map(|part| (*part).to_owned()));
    if extras.include {
        add(&["-i"]);
    }
    if let Some(method) = &extras.method {
        add(&["-X", method.as_str()]);
    }
    for header in &extras.headers {
        add(&["-H", header]);
    }
    if let Some(data) = &extras.data {
        add(&["--data-raw", data]);
    }
    match wanted.versions {
        TlsVersions::Any => {}
        TlsVersions::Tls12 => add(&["--tlsv1.2", "--tls-max", "1.2"]),
        TlsVersions::Tls13 => add(&["--tlsv1.3"]),
    }
    match wanted.alpn.first().filter(|_| wanted.alpn_demanded).map(String::as_str) {
        Some("h2") => add(&["--http2"]),
        Some("http/1.1") => add(&["--http1.1"]),
        _ => {}
    }
    if !wanted.trust.roots.is_empty() {
        add(&["--cacert", &wanted.trust.source]);
    }
    if let Some(client) = &wanted.client {
        add(&["--cert", &client.source, "--key", &client.key_source]);
    }
    let port = port(wanted);
    // curl sends the URL's host as SNI; a different --sni needs the host in a header.
    let name = wanted.sni.as_deref().unwrap_or(wanted.authority.as_str());
    if name != wanted.authority {
        add(&["-H", &format!("Host: {}", wanted.authority)]);
    }
    match &wanted.endpoint {
        Endpoint::Address(address) if address.ip().to_string() == name.trim_matches(['[', ']']) => {}
        Endpoint::Address(address) if wanted.sni.is_some() => {
            let ip = match address.ip() {
                std::net::IpAddr::V6(ip) => format!("[{ip}]"),
                std::net::IpAddr::V4(ip) => ip.to_string(),
            };
            add(&["--resolve", &format!("{name}:{port}:{ip}")]);
        }
        Endpoint::Address(address) => add(&["--connect-to", &format!("{name}:{port}:{address}")]),
        Endpoint::Name { name: other, .. } if other == name => {}
        Endpoint::Name { name: other, .. } => add(&["--connect-to", &format!("{name}:{port}:{other}:{port}")]),
    }
    let shown_port = if port == 443 { String::new() } else { format!(":{port}") };
    add(&[&format!("https://{name}{shown_port}{}", wanted.path)]);
    words
}

fn openssl(wanted: &Expectation, extras: &Extras) -> String {
    let method = extras
        .method
        .as_ref()
        .map_or(if extras.data.is_some() { "POST" } else { "GET" }, http::Method::as_str);
    let mut request = format!(
        "{method} {} HTTP/1.1\\r\\nHost: {}\\r\\n",
        wanted.path, wanted.authority
    );
    for header in &extras.headers {
        request.push_str(header);
        request.push_str("\\r\\n");
    }
    if let Some(data) = &extras.data {
        for part in ["Content-Length: ", &data.len().to_string(), "\\r\\n"] {
            request.push_str(part);
        }
    }
    request.push_str("Connection: close\\r\\n\\r\\n");
    let mut words: Vec<String> = ["openssl", "s_client", "-quiet", "-verify_return_error", "-connect"]
        .map(str::to_owned)
        .to_vec();
    words.push(wanted.endpoint.to_string());
    let mut add = |parts: &[&str]| words.extend(parts.iter().map(|part| (*part).to_owned()));
    match &wanted.sni {
        Some(name) => add(&["-servername", name]),
        None => add(&["-noservername"]),
    }
    if wanted.host.ip().is_some() {
        add(&["-verify_ip", wanted.host.as_str()]);
    } else {
        add(&["-verify_hostname", wanted.host.as_str()]);
    }
    if !wanted.trust.roots.is_empty() {
        add(&["-CAfile", &wanted.trust.source]);
    }
    if let Some(client) = &wanted.client {
        // The chain file has the intermediate, which -cert alone does not send.
        add(&[
            "-cert",
            &client.source,
            "-cert_chain",
            &client.source,
            "-key",
            &client.key_source,
        ]);
    }
    match wanted.versions {
        TlsVersions::Any => {}
        TlsVersions::Tls12 => add(&["-tls1_2"]),
        TlsVersions::Tls13 => add(&["-tls1_3"]),
    }
    let format = quote(&request.replace('%', "%%"));
    let data = extras
        .data
        .as_deref()
        .map_or_else(String::new, |data| format!("; printf %s {}", quote(data)));
    let ask = if data.is_empty() {
        format!("printf {format}")
    } else {
        format!("{{ printf {format}{data}; }}")
    };
    format!("{ask} | {}", join(&words))
}

fn grpcurl(wanted: &Expectation, extras: &Extras) -> Vec<String> {
    let mut words: Vec<String> = vec!["grpcurl".into()];
    let mut add = |parts: &[&str]| words.extend(parts.iter().map(|part| (*part).to_owned()));
    for header in &extras.headers {
        add(&["-H", header]);
    }
    if let Some(data) = &extras.data {
        add(&["-d", data]);
    }
    if !wanted.trust.roots.is_empty() {
        add(&["-cacert", &wanted.trust.source]);
    }
    if let Some(client) = &wanted.client {
        add(&["-cert", &client.source, "-key", &client.key_source]);
    }
    add(&["-authority", &wanted.authority, &wanted.endpoint.to_string()]);
    let method = wanted.path.trim_start_matches('/');
    add(&[if method.is_empty() { "list" } else { method }]);
    words
}
