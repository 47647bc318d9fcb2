//! What `serve` says once it is ready: addresses, hosts, and a line to try.

use std::fmt::Write as _;

use super::start::RunningGateway;
use crate::cli::context::Context;
use crate::gateway::admin::summary::{HostSummary, ListenerSummary};
use crate::gateway::dataplane::listener::OpenListener;
use crate::names::Host;
use crate::shell::quote;
use crate::workspace::layout::{ChainLayout, Part};

/// How many hosts are listed.
const LISTED: usize = 8;

/// The message, without a final newline; what to try next only if the gateway `stays`.
pub(in crate::cli) fn banner(running: &RunningGateway, context: &Context, stays: bool) -> String {
    let open = running.listeners();
    let mut text = String::from("the gateway is ready");
    for listener in running.summary() {
        let Some(address) = open.iter().find(|open| open.gateway_port == listener.port) else {
            continue;
        };
        let protocol = if listener.tls { "HTTPS" } else { "HTTP" };
        let _ = write!(
            text,
            "\n  {}  {protocol}, Gateway port {}",
            address.address, listener.port
        );
        for host in listener.hosts.iter().take(LISTED) {
            let _ = write!(text, "\n    {}", describe(host));
        }
        if listener.hosts.len() > LISTED {
            let _ = write!(text, "\n    and {} more", listener.hosts.len() - LISTED);
        }
    }
    if let Some(admin) = running.admin() {
        let _ = write!(
            text,
            "\n  http://{admin}  admin: /certs /config_dump /ready /stats/prometheus /logging"
        );
    }
    if !stays {
        return text;
    }
    if let Some(line) = curl_line(running.summary(), &open, context) {
        let _ = write!(text, "\ntry:\n  {line}\n  istio-tls probe");
    }
    text.push_str("\nCtrl-C ends it");
    text
}

fn describe(host: &HostSummary) -> String {
    match (host.mode, host.broken) {
        (_, true) => format!("{}  no certificate, so connections are reset (see above)", host.name),
        (Some(mode), false) => format!("{}  {mode}", host.name),
        (None, false) => host.name.clone(),
    }
}

/// A curl line for the first host that has a name and works.
pub(in crate::cli) fn curl_line(
    listeners: &[ListenerSummary],
    open: &[OpenListener],
    context: &Context,
) -> Option<String> {
    listeners.iter().filter(|listener| listener.tls).find_map(|listener| {
        let address = open.iter().find(|open| open.gateway_port == listener.port)?.address;
        let host = listener
            .hosts
            .iter()
            .find(|host| !host.broken && !host.name.starts_with('*'))?;
        let layout = ChainLayout::new(&context.dir, &Host::parse(&host.name).ok()?);
        let shown = |part: Part<'_>| -> Option<String> {
            let path = layout.path(part);
            let path = path.strip_prefix(".").unwrap_or(&path).to_owned();
            path.exists().then(|| quote(&path.display().to_string()))
        };
        let (name, port) = (&host.name, address.port());
        let ip = if address.ip().is_unspecified() {
            "127.0.0.1".to_owned()
        } else {
            address.ip().to_string()
        };
        let mut line = format!("curl -v --resolve {name}:{port}:{ip}");
        let authority = shown(Part::CaChain).unwrap_or_else(|| "CA.pem".to_owned());
        let _ = write!(line, " --cacert {authority}");
        if host.mode == Some("MUTUAL") {
            let certificate = shown(Part::ClientCert(name)).unwrap_or_else(|| "CLIENT.cert.pem".to_owned());
            let key = shown(Part::ClientKey(name)).unwrap_or_else(|| "CLIENT.key.pem".to_owned());
            let _ = write!(line, " --cert {certificate} --key {key}");
        }
        let path = host.path.as_deref().unwrap_or("/");
        let _ = write!(line, " {}", quote(&format!("https://{name}:{port}{path}")));
        Some(line)
    })
}
