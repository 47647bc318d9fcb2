//! The hosts of a server: present, with valid syntax, and names that clients can request.

use std::net::IpAddr;

use crate::lint::codes::{HOST, HOST_ADDRESS, HOST_BESIDE_ALL, HOST_NAMESPACE, NO_HOSTS};
use crate::lint::index::servers::ServerAt;
use crate::lint::{Code, Findings, Rule, Severity, World};

pub(super) static RULES: &[&dyn Rule] = &[&Hosts, &BesideAll, &Addresses];

/// The syntax of every host.
struct Hosts;

impl Rule for Hosts {
    fn codes(&self) -> &'static [&'static Code] {
        &[&NO_HOSTS, &HOST, &HOST_NAMESPACE]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            if at.server.hosts.is_empty() {
                let what = format!("the server on port {} has no hosts", at.server.port.number);
                found.push(at.finding(&NO_HOSTS, "hosts", what));
            }
            for (index, host) in at.server.hosts.iter().enumerate() {
                check_host(&at, index, host, found);
            }
        }
    }
}

fn check_host(at: &ServerAt<'_, '_>, index: usize, host: &str, found: &mut Findings) {
    let field = format!("hosts[{index}]");
    let name = match host.split_once('/') {
        Some((namespace, name)) => {
            if namespace.is_empty() || name.is_empty() {
                let side = if namespace.is_empty() { "before" } else { "after" };
                let what = format!("host {host:?} has nothing {side} the slash");
                found.push(at.finding(&HOST_NAMESPACE, &field, what));
                return;
            }
            if !matches!(namespace, "*" | ".") && !is_label(namespace) {
                let what = format!("{namespace:?} in host {host:?} is not a namespace");
                found.push(at.finding(&HOST_NAMESPACE, &field, what));
            }
            name
        }
        None => host,
    };
    if let Some(fault) = name_fault(name) {
        let shown: String = host.chars().take(80).collect();
        found.push(at.finding(&HOST, &field, format!("host {shown:?} {fault}")));
    }
}

/// Why Istio refuses a name, if it does.
fn name_fault(name: &str) -> Option<String> {
    if name == "*" || name.parse::<std::net::Ipv4Addr>().is_ok() {
        return None;
    }
    if name.parse::<IpAddr>().is_ok() {
        return Some("is an IPv6 address, which Gateways do not support".into());
    }
    if name.is_empty() {
        return Some("is empty".into());
    }
    if name.len() > 255 {
        return Some("is longer than 255 characters".into());
    }
    if !name.contains('.') {
        return Some("is a short name: a full name has a dot".into());
    }
    let rest = match name.strip_prefix("*.") {
        Some(rest) => rest,
        None if name.contains('*') => {
            return Some("has a wildcard that is not the whole first label".into());
        }
        None => name,
    };
    // A full name may end with a dot.
    let rest = rest.strip_suffix('.').unwrap_or(rest);
    if rest.contains('*') {
        return Some("has a wildcard that is not the whole first label".into());
    }
    if let Some(label) = rest.split('.').find(|label| !is_label(label)) {
        return Some(if label.is_empty() {
            "has an empty label".into()
        } else {
            format!("has {label:?}, which is not a DNS label")
        });
    }
    let last = rest.rsplit('.').next().unwrap_or_default();
    last.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| "ends with a number, so it is neither a DNS name nor an IP address".into())
}

/// Whether it is a label by Istio's rules: at most 63 letters of either case, digits, and inner
/// hyphens.
fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Hosts next to `*/*`, on which istiod replaces the list while iterating over it.
struct BesideAll;

impl Rule for BesideAll {
    fn codes(&self) -> &'static [&'static Code] {
        &[&HOST_BESIDE_ALL]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let hosts = &at.server.hosts;
            let Some(all) = hosts.iter().position(|host| host == "*/*") else {
                continue;
            };
            let mut others = hosts.iter().enumerate().filter(|(_, host)| *host != "*/*");
            let Some((other, host)) = others.next() else { continue };
            // It then writes the host back past the end of the list.
            let is_written = |host: &String| host != "*/*" && (host.starts_with("*/") || host.starts_with("./"));
            let panics = hosts
                .iter()
                .enumerate()
                .skip(all + 1)
                .find(|(_, host)| is_written(host));
            found.push(match panics {
                Some((index, host)) => at
                    .finding(&HOST_BESIDE_ALL, &format!("hosts[{index}]"), format!("{host} comes after */*"))
                    .severity(Severity::Error)
                    .why("istiod replaces the list with * when it encounters */*, and panics at the next host that begins with */ or ./: no proxy gets its configuration any more"),
                None => at.finding(
                    &HOST_BESIDE_ALL,
                    &format!("hosts[{other}]"),
                    format!("{host} has no effect next to */*"),
                ),
            });
        }
    }
}

/// IP addresses as hosts of servers that are chosen by SNI.
struct Addresses;

impl Rule for Addresses {
    fn codes(&self) -> &'static [&'static Code] {
        &[&HOST_ADDRESS]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let hosts = at.hosts();
            // `*` accepts every connection, including those without SNI.
            if at.spoken_tls().is_none() || hosts.iter().any(|host| host.name == "*") {
                continue;
            }
            for (index, host) in hosts.iter().enumerate() {
                if host.name.parse::<std::net::Ipv4Addr>().is_ok() {
                    let what = format!("host {} is an IP address, for which clients send no SNI", host.name);
                    found.push(at.finding(&HOST_ADDRESS, &format!("hosts[{index}]"), what));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::{assert_cases, gateway};
    use crate::lint::Severity;
    use crate::lint::testing::only;

    fn hosts(hosts: &str) -> String {
        gateway(&format!(
            "{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: [{hosts}]}}"
        ))
    }

    #[test]
    fn there_is_a_host() {
        assert_cases(
            "ITL0120",
            &[
                (hosts(""), &["spec.servers[0].hosts"]),
                (hosts("a.com"), &[]),
                (hosts("'*'"), &[]),
                (hosts("a.com, b.com"), &[]),
            ],
        );
    }

    #[test]
    fn names_are_dns_names() {
        let label = "a".repeat(64);
        let long = vec!["abcdefg"; 33].join(".");
        for bad in [
            "''",
            "short",
            "ns/short",
            "'*foo.com'",
            "'a.*.com'",
            "'*.*.com'",
            "'a*.com'",
            "a..com",
            "-a.com",
            "a_b.com",
            "'https://a.com'",
            "'a.com:443'",
            "1.2.3",
            "a.1",
            "'::1'",
            "'ä.com'",
            "'a b.com'",
            "'a.com/b'",
            &format!("{label}.com"),
            &long,
        ] {
            let yaml = hosts(&format!("a.com, {bad}"));
            assert_cases("ITL0121", &[(yaml, &["spec.servers[0].hosts[1]"])]);
        }
        for good in [
            "a.com",
            "A.Example.COM",
            "'*'",
            "'*.com'",
            "'*.a.com'",
            "./a.com",
            "'*/a.com'",
            "'*/*'",
            "'ns-1/*.a.com'",
            "10.0.0.1",
            "a.com.",
            "xn--bcher-kva.example",
            "1a.com",
            "0.a",
        ] {
            assert_cases("ITL0121", &[(hosts(good), &[])]);
        }
    }

    #[test]
    fn namespaces_are_labels() {
        let at: &[&str] = &["spec.servers[0].hosts[0]"];
        assert_cases(
            "ITL0122",
            &[
                (hosts("/a.com"), at),
                (hosts("ns/"), at),
                (hosts("a.b/a.com"), at),
                (hosts("'**/a.com'"), at),
                (hosts("'~/a.com'"), at),
                (hosts("ns/a.com"), &[]),
                (hosts("./a.com"), &[]),
                (hosts("'*/a.com'"), &[]),
                (hosts("a.com"), &[]),
            ],
        );
    }

    #[test]
    fn all_namespaces_and_hosts_stand_alone() {
        for (given, index, severity) in [
            ("'*/*', '*/a.test'", 1, Severity::Error),
            ("a.com, '*/*', ./a.test", 2, Severity::Error),
            ("'*/*', a.com", 1, Severity::Warning),
            ("'*/a.com', '*/*'", 0, Severity::Warning),
        ] {
            let finding = only(&hosts(given), "ITL0124");
            assert_eq!(finding.path, format!("spec.servers[0].hosts[{index}]"), "{given}");
            assert_eq!(finding.severity, severity, "{given}");
        }
        for good in ["'*/*'", "'*/*', '*/*'", "'*/a.com', ./b.com", "'*', a.com"] {
            assert_cases("ITL0124", &[(hosts(good), &[])]);
        }
    }

    #[test]
    fn addresses_have_no_sni() {
        let server = |protocol: &str, hosts: &str, tls: &str| {
            gateway(&format!(
                "{{port: {{number: 443, name: p, protocol: {protocol}}}, hosts: [{hosts}]{tls}}}"
            ))
        };
        let tls = ", tls: {mode: SIMPLE, credentialName: c}";
        let at: &[&str] = &["spec.servers[0].hosts[1]"];
        assert_cases(
            "ITL0123",
            &[
                (server("HTTPS", "a.com, 10.0.0.1", tls), at),
                (server("TLS", "a.com, ./10.0.0.1", ", tls: {mode: PASSTHROUGH}"), at),
                (server("HTTPS", "'*', 10.0.0.1", tls), &[]),
                (server("HTTPS", "'*/*', 10.0.0.1", tls), &[]),
                (server("HTTP", "a.com, 10.0.0.1", ""), &[]),
                (server("TCP", "a.com, 10.0.0.1", ""), &[]),
                (server("HTTPS", "a.com, b.com", tls), &[]),
            ],
        );
    }
}
