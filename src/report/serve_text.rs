//! What `serve` prints once it is ready.

use std::fmt::Write as _;

use crate::gateway::admin::summary::{Fault, HostSummary, Speaks};
use crate::ops::serve::ready::Ready;
use crate::remedy::{Aim, Kind, Line};

/// The number of hosts that are listed per port.
const LISTED: usize = 8;

/// The message, without a final newline; commands to try next only if the gateway
/// `stays`.
pub fn ready(ready: &Ready, stays: bool, aim: &Aim) -> String {
    let mut text = String::from("the gateway is ready");
    for port in &ready.ports {
        let protocol = match port.speaks {
            Speaks::Http => "HTTP",
            Speaks::Tls if port.hosts.iter().all(|host| host.is_tcp) => "TLS",
            Speaks::Tls => "HTTPS",
            Speaks::Tcp => "TCP",
        };
        let _ = write!(
            text,
            "\n  {}  {protocol}, Gateway port {}",
            port.address, port.gateway_port
        );
        for host in port.hosts.iter().take(LISTED) {
            let _ = write!(text, "\n    {}", described(host));
        }
        if port.hosts.len() > LISTED {
            let _ = write!(text, "\n    and {} more", port.hosts.len() - LISTED);
        }
    }
    if let Some(admin) = ready.admin {
        let _ = write!(
            text,
            "\n  http://{admin}  admin: /certs /config_dump /ready /stats/prometheus /logging"
        );
    }
    if !stays {
        return text;
    }
    if let Some(curl) = &ready.curl {
        let probe = Line::new(Kind::Probe, ["probe"]);
        let _ = write!(text, "\ntry:\n  {}\n  {}", curl.typed(aim), probe.typed(aim));
    }
    text.push_str("\nCtrl-C stops it");
    text
}

fn described(host: &HostSummary) -> String {
    let name = &host.name;
    let over_tcp = if host.is_tcp && host.mode != Some("PASSTHROUGH") {
        ", then TCP"
    } else {
        ""
    };
    match (host.fault, host.mode) {
        (Some(Fault::NoCertificate), _) => format!("{name}  no certificate, so connections are reset (see above)"),
        (Some(Fault::NotRun), _) => format!("{name}  not supported by serve, so connections are reset (see above)"),
        (None, Some(mode)) => format!("{name}  {mode}{over_tcp}"),
        (None, None) => name.clone(),
    }
}
