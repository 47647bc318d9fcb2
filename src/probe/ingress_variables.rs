//! The variables of Istio's tasks that say where the gateway is: INGRESS_HOST,
//! INGRESS_PORT (HTTP) and SECURE_INGRESS_PORT (HTTPS). Pure.

use std::net::Ipv6Addr;

use super::target::{DEFAULT_PORT, Target, reachable};
use crate::shell::quote;

/// The variables that are known of `target`, by name; none without a gateway. An
/// IPv6 address has brackets, as URLs and curl need it before a port.
pub fn variables(target: &Target) -> Option<Vec<(&'static str, String)>> {
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
    let is_ipv6 = host.parse::<Ipv6Addr>().is_ok();
    let host = if is_ipv6 { format!("[{host}]") } else { host };
    let mut variables = vec![("INGRESS_HOST", host)];
    variables.extend(plain.map(|port| ("INGRESS_PORT", port.to_string())));
    variables.push(("SECURE_INGRESS_PORT", secure.to_string()));
    Some(variables)
}

/// Lines that a POSIX shell evaluates.
pub fn export_lines(variables: &[(&str, String)]) -> String {
    let lines: Vec<String> = (variables.iter())
        .map(|(name, value)| format!("export {name}={}\n", quote(value)))
        .collect();
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::{export_lines, variables};
    use crate::probe::expectation::Place;
    use crate::probe::target::Target;
    use crate::workspace::running::{RunningListener, RunningServe};

    fn serve(listeners: &[(u16, &str, bool)]) -> Target {
        let listeners = listeners.iter().map(|(port, address, tls)| RunningListener {
            port: *port,
            address: address.parse().expect("an address"),
            tls: *tls,
        });
        Target::Running(RunningServe {
            schema: 1,
            id: "0".repeat(32),
            pid: 1,
            admin: "127.0.0.1:15000".parse().expect("an address"),
            listeners: listeners.collect(),
        })
    }

    #[test]
    fn what_is_known_is_exported() {
        let address = |host: &str, plain_port| Target::Address {
            host: host.to_owned(),
            port: 30443,
            plain_port,
            place: Place::Cluster,
        };
        for (target, expected) in [
            (
                address("10.0.0.7", Some(30080)),
                "export INGRESS_HOST=10.0.0.7\nexport INGRESS_PORT=30080\nexport SECURE_INGRESS_PORT=30443\n",
            ),
            (
                address("a b'c", None),
                "export INGRESS_HOST='a b'\\''c'\nexport SECURE_INGRESS_PORT=30443\n",
            ),
            (
                address("2001:db8::7", None),
                "export INGRESS_HOST='[2001:db8::7]'\nexport SECURE_INGRESS_PORT=30443\n",
            ),
            (
                serve(&[
                    (80, "0.0.0.0:8080", false),
                    (444, "0.0.0.0:8444", true),
                    (443, "0.0.0.0:8443", true),
                ]),
                "export INGRESS_HOST=127.0.0.1\nexport INGRESS_PORT=8080\nexport SECURE_INGRESS_PORT=8443\n",
            ),
            (
                serve(&[(80, "127.0.0.2:8080", false), (443, "[::1]:8443", true)]),
                "export INGRESS_HOST='[::1]'\nexport SECURE_INGRESS_PORT=8443\n",
            ),
        ] {
            assert_eq!(export_lines(&variables(&target).expect("a gateway")), expected);
        }
        assert_eq!(variables(&Target::None), None);
        assert_eq!(variables(&serve(&[(80, "0.0.0.0:8080", false)])), None);
    }
}
