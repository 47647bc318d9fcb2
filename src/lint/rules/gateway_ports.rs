//! The port of a server: number, protocol, address, and whether the TLS settings fit the protocol.

use std::net::IpAddr;

use crate::lint::codes::{
    BIND, PORT_NUMBER, PORT_PROTOCOL, PORT_TARGET, PORT_UDP, REDIRECT_NOT_HTTP, TLS_MISSING, TLS_ON_PLAIN,
};
use crate::lint::index::servers::{Protocol, ServerAt, passes_through, set};
use crate::lint::{Code, Finding, Findings, Rule, World};

pub(super) static RULES: &[&dyn Rule] = &[&Ports, &Binds, &TlsFits, &RedirectFits];

/// The prefix of Unix socket paths in Istio.
const UNIX: &str = "unix://";

/// Number, protocol and target port.
struct Ports;

impl Rule for Ports {
    fn codes(&self) -> &'static [&'static Code] {
        &[&PORT_NUMBER, &PORT_PROTOCOL, &PORT_TARGET, &PORT_UDP]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let port = &at.server.port;
            let on_socket = at.bind().starts_with(UNIX);
            if port.number > 65535 || (port.number == 0 && !on_socket) {
                found.push(at.finding(
                    &PORT_NUMBER,
                    "port.number",
                    format!("{} is not a TCP port", port.number),
                ));
            }
            match at.protocol() {
                None => {
                    let what = format!("{:?} is not a protocol that Gateways support", port.protocol);
                    let finding = at.finding(&PORT_PROTOCOL, "port.protocol", what);
                    found.push(match Protocol::meant(&port.protocol) {
                        Some(meant) => finding.fix(format!("did you mean {meant}?")),
                        None => finding,
                    });
                }
                Some(Protocol::Udp) => found.push(at.finding(
                    &PORT_UDP,
                    "port.protocol",
                    format!("port {} uses UDP, which a gateway does not forward", port.number),
                )),
                Some(_) => {}
            }
            if let Some(target) = port.target_port.filter(|target| *target > 0) {
                found.push(at.finding(
                    &PORT_TARGET,
                    "port.targetPort",
                    format!("targetPort {target} has no effect on a Gateway"),
                ));
            }
        }
    }
}

/// Addresses and Unix sockets.
struct Binds;

impl Rule for Binds {
    fn codes(&self) -> &'static [&'static Code] {
        &[&BIND]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let bind = at.bind();
            match bind.strip_prefix(UNIX) {
                Some(socket) => {
                    if let Some(fault) = socket_fault(socket) {
                        found.push(at.finding(&BIND, "bind", format!("{bind} {fault}")));
                    }
                    if at.server.port.number != 0 {
                        found.push(
                            at.finding(
                                &BIND,
                                "port.number",
                                format!(
                                    "port {} is set together with the Unix socket {bind}",
                                    at.server.port.number
                                ),
                            )
                            .fix("number: 0, or remove bind"),
                        );
                    }
                }
                None if !bind.is_empty() && !is_address(bind) => {
                    found.push(at.finding(
                        &BIND,
                        "bind",
                        format!("{bind:?} is neither an IP address nor a unix:// path"),
                    ));
                }
                None => {}
            }
        }
    }
}

/// Whether it is an IP address; an IPv6 address may have a zone.
fn is_address(text: &str) -> bool {
    match text.split_once('%') {
        Some((address, zone)) => !zone.is_empty() && matches!(address.parse(), Ok(IpAddr::V6(_))),
        None => text.parse::<IpAddr>().is_ok(),
    }
}

fn socket_fault(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("has no socket path");
    }
    // An abstract socket has no path.
    if path.starts_with('@') {
        return None;
    }
    if !path.starts_with('/') {
        Some("is not an absolute path")
    } else if path.ends_with('/') {
        Some("is a folder")
    } else {
        None
    }
}

/// TLS settings on ports that speak TLS, and nowhere else.
struct TlsFits;

impl Rule for TlsFits {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_MISSING, &TLS_ON_PLAIN]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let protocol = &at.server.port.protocol;
            match (at.protocol(), &at.server.tls) {
                (Some(Protocol::Tls), None) => found.push(at.finding(
                    &TLS_MISSING,
                    "port.protocol",
                    format!("port {} uses {protocol} but has no tls", at.server.port.number),
                )),
                (Some(Protocol::Http), Some(_)) => {
                    if let Some(finding) = on_http(&at) {
                        found.push(finding);
                    }
                }
                (Some(Protocol::Tcp | Protocol::Udp), Some(_)) => found.push(
                    at.finding(
                        &TLS_ON_PLAIN,
                        "tls",
                        format!("port {} uses {protocol} but has tls", at.server.port.number),
                    )
                    .why("Istio refuses the Gateway: traffic of this protocol is forwarded as is")
                    .fix("use protocol: TLS to terminate TLS in front of a TCP route, or remove tls"),
                ),
                _ => {}
            }
        }
    }
}

/// What plain HTTP may not have under tls; only httpsRedirect is allowed.
fn on_http(at: &ServerAt<'_, '_>) -> Option<Finding> {
    let tls = at.server.tls.as_ref()?;
    let mode = tls.effective_mode();
    let port = format!("port {} uses plain {}", at.server.port.number, at.server.port.protocol);
    if !passes_through(mode) {
        let what = format!("{port}, but tls has mode {}", mode.as_str());
        return Some(at.finding(&TLS_ON_PLAIN, "tls.mode", what));
    }
    [
        ("serverCertificate", &tls.server_certificate),
        ("privateKey", &tls.private_key),
        ("caCertificates", &tls.ca_certificates),
    ]
    .into_iter()
    .find(|(_, value)| set(value.as_ref()).is_some())
    .map(|(field, _)| {
        at.finding(
            &TLS_ON_PLAIN,
            &format!("tls.{field}"),
            format!("{port}, but tls has {field}"),
        )
    })
}

/// Redirects are on servers for plain HTTP.
struct RedirectFits;

impl Rule for RedirectFits {
    fn codes(&self) -> &'static [&'static Code] {
        &[&REDIRECT_NOT_HTTP]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let redirects = at.server.tls.as_ref().and_then(|tls| tls.https_redirect) == Some(true);
            if redirects && at.protocol() != Some(Protocol::Http) {
                let what = format!(
                    "httpsRedirect is set on port {}, which uses {}",
                    at.server.port.number, at.server.port.protocol
                );
                found.push(at.finding(&REDIRECT_NOT_HTTP, "tls.httpsRedirect", what));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::{assert_cases, gateway};

    fn port(number: &str, protocol: &str, more: &str) -> String {
        gateway(&format!(
            "{{port: {{number: {number}, name: p, protocol: {protocol}}}, hosts: [a.com]{more}}}"
        ))
    }

    #[test]
    fn numbers_and_protocols() {
        let number: &[&str] = &["spec.servers[0].port.number"];
        assert_cases(
            "ITL0105",
            &[
                (port("0", "HTTP", ""), number),
                (port("65536", "HTTP", ""), number),
                (port("4294967295", "HTTP", ""), number),
                (port("1", "HTTP", ""), &[]),
                (port("65535", "HTTP", ""), &[]),
                (port("0", "HTTP", ", bind: 'unix:///var/run/a.sock'"), &[]),
            ],
        );
        let protocol: &[&str] = &["spec.servers[0].port.protocol"];
        assert_cases(
            "ITL0106",
            &[
                (port("80", "HTTP3", ""), protocol),
                (port("80", "''", ""), protocol),
                (port("80", "http", ""), &[]),
                (port("80", "Grpc-Web", ""), &[]),
                (port("80", "MySQL", ""), &[]),
                (port("80", "UDP", ""), &[]),
            ],
        );
        assert_cases(
            "ITL0115",
            &[
                (port("53", "UDP", ""), protocol),
                (port("53", "TCP", ""), &[]),
                (port("53", "HTTP", ""), &[]),
                (port("53", "QUIC", ""), &[]),
            ],
        );
    }

    #[test]
    fn target_ports_are_the_services() {
        let with = |target: &str| {
            gateway(&format!(
                "{{port: {{number: 80, name: p, protocol: HTTP, targetPort: {target}}}, hosts: [a.com]}}"
            ))
        };
        assert_cases(
            "ITL0107",
            &[
                (with("8080"), &["spec.servers[0].port.targetPort"]),
                (with("0"), &[]),
                (with("null"), &[]),
                (port("80", "HTTP", ""), &[]),
            ],
        );
    }

    #[test]
    fn binds() {
        let bind: &[&str] = &["spec.servers[0].bind"];
        let with = |number: &str, bind: &str| port(number, "TCP", &format!(", bind: '{bind}'"));
        assert_cases(
            "ITL0108",
            &[
                (with("80", "localhost"), bind),
                (with("80", "10.0.0.1:80"), bind),
                (with("80", "10.0.0.1%eth0"), bind),
                (with("0", "unix://"), bind),
                (with("0", "unix://run/a.sock"), bind),
                (with("0", "unix:///run/"), bind),
                (with("80", "unix:///run/a.sock"), &["spec.servers[0].port.number"]),
                (with("0", "unix:///run/a.sock"), &[]),
                (with("0", "unix://@abstract"), &[]),
                (with("80", "::"), &[]),
                (with("80", "fe80::1%eth0"), &[]),
                (with("80", "0.0.0.0"), &[]),
                (with("80", ""), &[]),
            ],
        );
    }

    #[test]
    fn tls_where_it_is_spoken() {
        assert_cases(
            "ITL0110",
            &[
                (port("443", "HTTPS", ""), &["spec.servers[0].port.protocol"]),
                (port("443", "tls", ""), &["spec.servers[0].port.protocol"]),
                (port("443", "HTTPS", ", tls: {}"), &[]),
                (port("443", "TLS", ", tls: {mode: PASSTHROUGH}"), &[]),
                (port("443", "HTTP", ""), &[]),
                (port("443", "TCP", ""), &[]),
            ],
        );
        assert_cases(
            "ITL0111",
            &[
                (
                    port("80", "HTTP", ", tls: {mode: SIMPLE, credentialName: c}"),
                    &["spec.servers[0].tls.mode"],
                ),
                (
                    port("80", "HTTP", ", tls: {httpsRedirect: true, caCertificates: /ca}"),
                    &["spec.servers[0].tls.caCertificates"],
                ),
                (
                    port("80", "TCP", ", tls: {mode: PASSTHROUGH}"),
                    &["spec.servers[0].tls"],
                ),
                (port("80", "MONGO", ", tls: {}"), &["spec.servers[0].tls"]),
                (port("80", "HTTP", ", tls: {httpsRedirect: true}"), &[]),
                (port("80", "GRPC", ", tls: {mode: PASSTHROUGH, privateKey: ''}"), &[]),
                (port("443", "HTTPS", ", tls: {mode: SIMPLE, credentialName: c}"), &[]),
                (port("80", "HTTP", ""), &[]),
            ],
        );
    }

    #[test]
    fn redirects_of_plain_requests() {
        let redirect = ", tls: {mode: SIMPLE, credentialName: c, httpsRedirect: true}";
        assert_cases(
            "ITL0109",
            &[
                (port("443", "HTTPS", redirect), &["spec.servers[0].tls.httpsRedirect"]),
                (port("443", "TLS", redirect), &["spec.servers[0].tls.httpsRedirect"]),
                (port("80", "HTTP", ", tls: {httpsRedirect: true}"), &[]),
                (port("80", "http2", ", tls: {httpsRedirect: true}"), &[]),
                (
                    port(
                        "443",
                        "HTTPS",
                        ", tls: {mode: SIMPLE, credentialName: c, httpsRedirect: false}",
                    ),
                    &[],
                ),
            ],
        );
    }
}
