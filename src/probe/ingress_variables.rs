//! The variables in Istio's tasks for the address of the gateway: INGRESS_HOST, INGRESS_PORT (HTTP)
//! and SECURE_INGRESS_PORT (HTTPS). Pure.

use std::net::{IpAddr, Ipv6Addr};

use super::target::{DEFAULT_PORT, Target, reachable};

/// The known variables of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngressVariables {
    /// Name and value, in the order of the tasks.
    pub values: Vec<(&'static str, String)>,
    /// Whether INGRESS_HOST is a name, which curl's `--resolve` does not accept.
    pub host_is_name: bool,
}

/// The known variables of `target`; none without a gateway. IPv6 addresses get brackets, which URLs
/// and curl need before a port.
pub fn variables(target: &Target) -> Option<IngressVariables> {
    let (host, secure, plain) = match target {
        Target::Address {
            host, port, plain_port, ..
        } => (host.clone(), *port, *plain_port),
        Target::Running(serve) => {
            let listener = |tls: bool, usual: u16| {
                let mut of_kind = serve.listeners.iter().filter(move |listener| listener.tls == tls);
                let first = of_kind.clone().next();
                let found = of_kind.find(|listener| listener.port == usual).or(first);
                found.map(|listener| reachable(listener.address))
            };
            let secure = listener(true, DEFAULT_PORT)?;
            let plain = listener(false, 80).filter(|plain| plain.ip() == secure.ip());
            (secure.ip().to_string(), secure.port(), plain.map(|plain| plain.port()))
        }
        Target::None => return None,
    };
    let host_is_name = host.parse::<IpAddr>().is_err();
    let is_ipv6 = host.parse::<Ipv6Addr>().is_ok();
    let host = if is_ipv6 { format!("[{host}]") } else { host };
    let mut values = vec![("INGRESS_HOST", host)];
    values.extend(plain.map(|port| ("INGRESS_PORT", port.to_string())));
    values.push(("SECURE_INGRESS_PORT", secure.to_string()));
    Some(IngressVariables { values, host_is_name })
}
