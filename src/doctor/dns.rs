//! Whether the hosts' DNS records point to the gateway.

use std::net::{IpAddr, SocketAddr};

use super::control_plane::object;
use super::facts::{Facts, Name, some_of};
use crate::lint::codes::{DNS_ELSEWHERE, DNS_UNRESOLVED};
use crate::lint::{Finding, Findings, Severity};
use crate::remedy::{Remedy, ours};

pub(super) fn check(facts: &Facts, found: &mut Findings) {
    for name in &facts.dns {
        match &name.addresses {
            Err(reason) => {
                found.skip(&DNS_UNRESOLVED, format!("{}: {reason}", name.host));
                found.skip(&DNS_ELSEWHERE, format!("{}: {reason}", name.host));
            }
            Ok(addresses) if addresses.is_empty() => found.push(unresolved(facts, name)),
            Ok(addresses) if name.ingress.is_empty() => {
                let reason = format!(
                    "{} is at {}; the gateway's address is unknown",
                    name.host,
                    some_of(&texts(addresses))
                );
                found.skip(&DNS_ELSEWHERE, reason);
            }
            Ok(addresses) if addresses.iter().any(|address| name.ingress.contains(address)) => {}
            Ok(addresses) => found.push(elsewhere(name, addresses)),
        }
    }
}

/// Why a host is not looked up, although it is a name: reserved names (RFC 2606, RFC 6761) are not
/// expected in DNS, and the second host of the task page is a third party's domain.
pub fn not_expected(host: &str) -> Option<&'static str> {
    const RESERVED: [&str; 8] = [
        "example.com",
        "example.net",
        "example.org",
        "example",
        "test",
        "invalid",
        "localhost",
        "local",
    ];
    const SAMPLE: &str = "bookinfo.com";
    let is_below = |domain: &str| {
        host.strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if host.starts_with('*') {
        Some("a wildcard cannot be looked up in DNS")
    } else if host.parse::<IpAddr>().is_ok() {
        Some("it is an IP address")
    } else if RESERVED.iter().any(|domain| is_below(domain)) {
        Some("the domain is reserved for examples and tests, and is not expected in DNS")
    } else if is_below(SAMPLE) {
        Some("the sample's domain belongs to a third party, and is not expected to point here")
    } else {
        None
    }
}

fn texts(addresses: &[IpAddr]) -> Vec<String> {
    addresses.iter().map(IpAddr::to_string).collect()
}

fn unresolved(facts: &Facts, name: &Name) -> Finding {
    let finding = Finding::new(
        &DNS_UNRESOLVED,
        object(""),
        format!("DNS has no address for {}", name.host),
    );
    let Some(address) = name.ingress.first() else {
        return finding;
    };
    let port = facts.ingress.as_ref().map_or(443, |ingress| ingress.port);
    let probe = ours::probe_at(name.host.as_str(), SocketAddr::new(*address, port).to_string());
    finding.fix(
        Remedy::from(format!(
            "create a DNS record {} with {address}; until then, ",
            name.host
        ))
        .and(probe)
        .and(" reaches it"),
    )
}

fn elsewhere(name: &Name, addresses: &[IpAddr]) -> Finding {
    let finding = Finding::new(
        &DNS_ELSEWHERE,
        object(""),
        format!(
            "{} resolves to {}, but the gateway is at {}",
            name.host,
            some_of(&texts(addresses)),
            some_of(&texts(&name.ingress))
        ),
    );
    // The address of a test cluster is not in public DNS.
    if name.ingress.iter().all(is_inside) {
        finding.severity(Severity::Info)
    } else {
        finding
    }
}

/// Whether an address belongs to this machine or a private network.
fn is_inside(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_loopback() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::not_expected;
    use crate::doctor::examine;
    use crate::doctor::facts::{Facts, Name};
    use crate::doctor::testing::{assert_one, assert_skipped, change};
    use crate::lint::Severity;

    fn with(addresses: Result<&[&str], &str>, ingress: &[&str]) -> Facts {
        let parse = |texts: &[&str]| -> Vec<IpAddr> { texts.iter().map(|text| text.parse().unwrap()).collect() };
        let name = Name {
            host: "shop.acme.com".into(),
            addresses: addresses.map(parse).map_err(str::to_owned),
            ingress: parse(ingress),
        };
        change(|facts| facts.dns = vec![name])
    }

    #[test]
    fn dns_should_lead_to_the_gateway() {
        let gateway = &["203.0.113.7"][..];
        for facts in [
            with(Ok(gateway), gateway),
            with(Ok(&["198.51.100.1", "203.0.113.7"]), gateway),
        ] {
            assert!(examine(&facts).findings.is_empty());
        }
        let finding = assert_one(&with(Ok(&[]), gateway), "ITL1180", "no address for shop.acme.com");
        assert_eq!(finding.severity, Severity::Info);
        assert!(finding.fix.contains("203.0.113.7"), "{}", finding.fix);
        let finding = assert_one(&with(Ok(&["198.51.100.1"]), gateway), "ITL1181", "198.51.100.1");
        assert_eq!(finding.severity, Severity::Warning);
        for inside in ["127.0.0.1", "192.168.49.2", "fd00::1"] {
            let finding = assert_one(&with(Ok(&["198.51.100.1"]), &[inside]), "ITL1181", inside);
            assert_eq!(finding.severity, Severity::Info);
        }
        assert_skipped(&with(Err("reserved"), gateway), "ITL1180", "shop.acme.com: reserved");
        assert_skipped(&with(Ok(gateway), &[]), "ITL1181", "is unknown");
    }

    #[test]
    fn names_that_nobody_expects_in_dns() {
        for (host, expected) in [
            ("httpbin.example.com", true),
            ("example.com", true),
            ("notexample.com", false),
            ("bookinfo.com", true),
            ("a.test", true),
            ("10.0.0.1", true),
            ("*.acme.com", true),
            ("shop.acme.com", false),
        ] {
            assert_eq!(not_expected(host).is_some(), expected, "{host}");
        }
    }
}
