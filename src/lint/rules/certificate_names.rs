//! Whether a server's certificates cover its hosts.

use std::collections::{HashMap, HashSet};

use crate::lint::codes::{HOST_NOT_COVERED, ROUTED_HOST_NOT_COVERED};
use crate::lint::index::credentials::{Certificate, Owner, Pair, TlsServer};
use crate::lint::remedies::name_host;
use crate::lint::{Code, Facts, Finding, Findings, Rule, Severity, World};
use crate::names::Host;

pub(super) static RULES: &[&dyn Rule] = &[&Hosts, &RoutedHosts];

/// Each certificate of a server covers every host of the server.
struct Hosts;

impl Rule for Hosts {
    fn codes(&self) -> &'static [&'static Code] {
        &[&HOST_NOT_COVERED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let credentials = world.credentials();
        for server in credentials.servers.iter().filter(|server| server.terminates()) {
            for pair in credentials.pairs_of(server) {
                let Some(leaf) = pair.leaf() else { continue };
                // A leaf without names has its own finding, not one per host.
                if leaf.names_shown.is_empty() || (leaf.is_ca && pair.chain().len() > 1) {
                    continue;
                }
                for (index, host) in server.hosts.iter().enumerate() {
                    found.push_some(uncovered(world, server, index, &host.name, pair, leaf));
                }
            }
        }
    }
}

fn uncovered(
    world: &World<'_>,
    server: &TlsServer<'_>,
    index: usize,
    name: &str,
    pair: &Pair<'_>,
    leaf: &Certificate,
) -> Option<Finding> {
    // There is nothing to compare for `*` and for invalid hosts.
    let host = Host::parse(name).ok()?;
    // Clients send no SNI for an address, so such a server is never chosen.
    if host.ip().is_some() || leaf.covers(&host) {
        return None;
    }
    let suffix = name.strip_prefix('*').unwrap_or("\0");
    let below: Vec<&str> = leaf
        .names
        .iter()
        .map(String::as_str)
        .filter(|known| known.len() > suffix.len() && known.ends_with(suffix))
        .collect();
    let held = shortened(&leaf.names_shown);
    let finding = Finding::new(
        &HOST_NOT_COVERED,
        server.host_place(index),
        format!(
            "the certificate in {} is not valid for {host}; its names are {held}",
            pair.certificate.name()
        ),
    )
    .fix(name_host(world, pair, &host))
    .about(Facts::NotCovered(host.to_string()));
    if let Some(first) = below.first() {
        return Some(finding.severity(Severity::Warning).why(format!(
            "clients of {first} are served; clients of other names below {} refuse the certificate",
            suffix.trim_start_matches('.')
        )));
    }
    Some(match wildcard_over(leaf, name) {
        Some(why) => finding.why(why),
        None => finding,
    })
}

/// Explains why a wildcard of the certificate does not cover the host although it looks as if it
/// did.
fn wildcard_over(leaf: &Certificate, host: &str) -> Option<String> {
    leaf.names.iter().find_map(|name| {
        let domain = name.strip_prefix("*.")?;
        if domain.contains('*') {
            return Some(format!(
                "clients do not accept {name}: only the whole first label may be a wildcard"
            ));
        }
        if host == domain {
            return Some(format!(
                "{name} covers names below {domain}, but not {domain} itself; the certificate needs both"
            ));
        }
        let below = host.strip_suffix(domain)?.strip_suffix('.')?;
        (below.contains('.') || below == "*")
            .then(|| format!("{name} covers only one label before {domain}, and {host} has more"))
    })
}

/// Lists at most five names and counts the rest.
pub(super) fn shortened(names: &[String]) -> String {
    let shown = names.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(5) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Hosts of VirtualServices that a server matches with a wildcard.
struct RoutedHosts;

impl Rule for RoutedHosts {
    fn codes(&self) -> &'static [&'static Code] {
        &[&ROUTED_HOST_NOT_COVERED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let credentials = world.credentials();
        // By Gateway and domain, so that no VirtualService is compared with every server.
        let mut wide: HashMap<(&str, &str), Vec<WideServer<'_>>> = HashMap::new();
        let mut exact: HashSet<(&str, &str)> = HashSet::new();
        for server in &credentials.servers {
            if !server.terminates() || !matches!(server.owner, Owner::Istio(_)) {
                continue;
            }
            for host in &server.hosts {
                match host.name.strip_prefix('*') {
                    Some(domain) => wide
                        .entry((server.full_name.as_str(), domain.trim_start_matches('.')))
                        .or_default()
                        .push((server, host.namespace.as_deref())),
                    None => {
                        exact.insert((server.full_name.as_str(), host.name.as_str()));
                    }
                }
            }
        }
        if wide.is_empty() {
            return;
        }
        for service in &world.virtual_services {
            for gateway in &service.object.spec.gateways {
                let gateway = if gateway.contains('/') {
                    gateway.clone()
                } else {
                    format!("{}/{gateway}", service.namespace)
                };
                for (index, name) in service.object.spec.hosts.iter().enumerate() {
                    let name = name.to_ascii_lowercase();
                    // A wildcard binds to the Gateway's own wildcard, which is checked itself.
                    let Ok(host) = Host::parse(&name) else { continue };
                    if host.is_wildcard() || exact.contains(&(gateway.as_str(), name.as_str())) {
                        continue;
                    }
                    // A host may be restricted to the VirtualServices of one namespace.
                    let takes = |(_, namespace): &&WideServer<'_>| {
                        namespace.is_none_or(|namespace| namespace == service.namespace)
                    };
                    let server = domains(&name).find_map(|domain| {
                        let servers = wide.get(&(gateway.as_str(), domain))?;
                        servers.iter().take(MOST_ALIKE).find(takes)
                    });
                    let Some((server, _)) = server else { continue };
                    for pair in credentials.pairs_of(server) {
                        let Some(leaf) = pair.leaf().filter(|leaf| !leaf.names.is_empty()) else {
                            continue;
                        };
                        if !leaf.covers(&host) {
                            let finding = Finding::new(
                                &ROUTED_HOST_NOT_COVERED,
                                service.place(&format!("spec.hosts[{index}]")),
                                format!(
                                    "{host} is served by {}, whose certificate in {} covers {}",
                                    server.called(),
                                    pair.certificate.name(),
                                    shortened(&leaf.names_shown)
                                ),
                            );
                            found.push(match wildcard_over(leaf, &name) {
                                Some(why) => finding.why(why),
                                None => finding,
                            });
                        }
                    }
                }
            }
        }
    }
}

/// A server with a wildcard host, and the namespace whose VirtualServices may bind to it.
type WideServer<'s> = (&'s TlsServer<'s>, Option<&'s str>);

/// How many servers with the same wildcard host are checked; more than one is a mistake.
const MOST_ALIKE: usize = 16;

/// The parent domains of a name, longest first, and finally the empty one, which stands for `*`.
pub(super) fn domains(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(name);
    std::iter::from_fn(move || {
        let current = rest?;
        if current.is_empty() {
            rest = None;
            return None;
        }
        let above = current.split_once('.').map_or("", |(_, above)| above);
        rest = Some(above);
        Some(above)
    })
}

#[cfg(test)]
mod tests {
    use super::domains;
    use crate::certs::Chain;
    use crate::certs::plan::San;
    use crate::lint::Severity;
    use crate::lint::testing::{assert_code, gateway, httpbin, issue, key_pem, only, plan, secret, secret_of};

    fn named(names: &[&str]) -> Chain {
        let mut plan = plan(names.first().expect("a name"));
        plan.sans = names.iter().map(|name| San::parse(name).expect("a name")).collect();
        issue(&plan)
    }

    fn served(hosts: &str, chain: &Chain) -> String {
        gateway("a", &[(hosts, "mode: SIMPLE, credentialName: c")]) + &secret_of("c", chain)
    }

    #[test]
    fn every_host_is_named() {
        let wildcard = named(&["*.example.com"]);
        let both = named(&["*.example.com", "example.com"]);
        let first = &["spec.servers[0].hosts[0]"][..];
        for (hosts, chain, paths) in [
            ("httpbin.example.com", httpbin(), &[][..]),
            ("HTTPBIN.example.com", httpbin(), &[]),
            (
                "./httpbin.example.com, other/httpbin.example.com, \"*/httpbin.example.com\"",
                httpbin(),
                &[],
            ),
            ("\"*\"", httpbin(), &[]),
            ("\"*/*\"", httpbin(), &[]),
            ("httpbin.example.com, a.example.com, \"*.example.com\"", &wildcard, &[]),
            ("example.com, a.example.com", &both, &[]),
            ("192.0.2.1", httpbin(), &[]),
            // Failing.
            ("other.example.com", httpbin(), first),
            ("ns/other.example.com", httpbin(), first),
            ("example.com", &wildcard, first),
            ("a.b.example.com", &wildcard, first),
            ("\"*.b.example.com\"", &wildcard, first),
            ("\"*.example.com\"", httpbin(), first),
            (
                "httpbin.example.com, b.example.com",
                httpbin(),
                &["spec.servers[0].hosts[1]"],
            ),
        ] {
            assert_code(&served(hosts, chain), "ITL0440", paths);
        }
        let severity = |hosts: &str, chain| only(&served(hosts, chain), "ITL0440").severity;
        assert_eq!(severity("other.example.com", httpbin()), Severity::Error);
        // Some of its names are served.
        assert_eq!(severity("\"*.example.com\"", httpbin()), Severity::Warning);
        assert_eq!(
            only(&served("a.com", &wildcard), "ITL0440").fix,
            "use a certificate that covers a.com; for tests: istio-tls gen-certs a.com && \
             istio-tls manifests a.com --credential-name c --only secrets"
        );
        let why = only(&served("example.com", &wildcard), "ITL0440").why;
        assert!(why.starts_with("*.example.com covers names below example.com"), "{why}");
    }

    #[test]
    fn both_certificates_of_a_server_name_its_hosts() {
        let yaml = |second: &Chain| {
            gateway("a", &[("httpbin.example.com", "mode: SIMPLE, credentialNames: [c, d]")])
                + &secret_of("c", httpbin())
                + &secret_of("d", second)
        };
        assert_code(&yaml(&named(&["*.example.com"])), "ITL0440", &[]);
        let found = only(&yaml(&named(&["b.example.com"])), "ITL0440");
        assert!(
            found.what.contains("tls.crt of secret istio-system/d"),
            "{}",
            found.what
        );
    }

    #[test]
    fn names_are_told_once_where_there_are_none() {
        let mut bad = plan("httpbin.example.com");
        bad.bad = Some(crate::certs::Bad::NoSan);
        assert_code(
            &served("httpbin.example.com, b.example.com", &issue(&bad)),
            "ITL0440",
            &[],
        );
        // The chain starts with its CA, which has its own finding.
        let upside_down = format!("{}{}", httpbin().intermediate_pem(), httpbin().server_pem());
        let values = secret(
            "c",
            &[("tls.crt", &upside_down), ("tls.key", &key_pem(&httpbin().server))],
        );
        let yaml = gateway("a", &[("httpbin.example.com", "mode: SIMPLE, credentialName: c")]) + &values;
        assert_code(&yaml, "ITL0440", &[]);
    }

    #[test]
    fn hosts_below_a_wildcard_are_named() {
        let wildcard = named(&["*.example.com"]);
        let service = |hosts: &str, gateways: &str| {
            format!(
                "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: v, namespace: default}}\nspec:\n  hosts: [{hosts}]\n  gateways: [{gateways}]\n  http: [{{route: [{{destination: {{host: h}}}}]}}]\n"
            )
        };
        let star = "\"*.example.com\"";
        let first = &["spec.hosts[0]"][..];
        for (gateway, service, paths) in [
            (served(star, &wildcard), service("a.example.com", "a"), &[][..]),
            (served(star, &wildcard), service("\"*.example.com\"", "a"), &[]),
            (served(star, &wildcard), service("a.b.example.com", "other"), &[]),
            (served(star, &wildcard), service("a.b.example.com", "mesh"), &[]),
            (served(star, &wildcard), service("a.example.org", "default/a"), &[]),
            // Hosts of other namespaces do not bind.
            (
                served("\"other/*.example.com\"", &wildcard),
                service("a.b.example.com", "a"),
                &[],
            ),
            (
                served("\"./*.example.com\"", &wildcard),
                service("a.b.example.com", "a"),
                first,
            ),
            // The Gateway's own host is reported at the Gateway.
            (
                served(&format!("{star}, a.b.example.com"), &wildcard),
                service("a.b.example.com", "a"),
                &[],
            ),
            (served(star, &wildcard), service("a.b.example.com", "a"), first),
            (served(star, &wildcard), service("A.b.example.com", "default/a"), first),
            (served("\"*\"", &wildcard), service("a.example.org", "a"), first),
        ] {
            assert_code(&format!("{gateway}{service}"), "ITL0441", paths);
        }
    }

    #[test]
    fn the_domains_above_a_name() {
        let above = |name: &'static str| domains(name).collect::<Vec<_>>();
        assert_eq!(above("a.b.com"), ["b.com", "com", ""]);
        assert_eq!(above("com"), [""]);
        assert!(above("").is_empty());
    }
}
