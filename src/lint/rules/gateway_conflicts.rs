//! Servers that compete for the same port of the same pods.

use std::collections::{BTreeSet, HashMap};

use crate::lint::codes::{GATEWAYS_CONFLICT, HOST_TAKEN, PORT_PROTOCOLS, SNI_TWICE};
use crate::lint::index::servers::{COUNTED, Protocol, ServerAt, listed, passes_through};
use crate::lint::{Code, Findings, Rule, World};
use crate::manifests::server_hosts::ServerHost;

pub(super) static RULES: &[&dyn Rule] = &[&SameHost, &HostTaken, &SniTwice, &Protocols];

/// The same host and port in Gateways for the same pods (istioctl's ConflictingGateways).
struct SameHost;

impl Rule for SameHost {
    fn codes(&self) -> &'static [&'static Code] {
        &[&GATEWAYS_CONFLICT]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        if world.gateways.len() < 2 {
            return;
        }
        let servers: Vec<(ServerAt<'_, '_>, Vec<[String; 2]>)> = world.servers().map(|at| (at, texts(&at))).collect();
        // By pods, port, address and host: the Gateways, each once.
        let mut users: HashMap<(usize, u32, &str, &str), Vec<usize>> = HashMap::new();
        for (at, hosts) in &servers {
            for group in world.workloads.groups(at.number) {
                for text in hosts.iter().flatten() {
                    let key = (*group, at.server.port.number, at.bind(), text.as_str());
                    let users = users.entry(key).or_default();
                    if users.last() != Some(&at.number) {
                        users.push(at.number);
                    }
                }
            }
        }
        for (at, hosts) in &servers {
            let mut others: BTreeSet<usize> = BTreeSet::new();
            let mut shared: Vec<(usize, &str)> = Vec::new();
            for (index, texts) in hosts.iter().enumerate() {
                let mut conflict = false;
                for group in world.workloads.groups(at.number) {
                    for text in texts {
                        let key = (*group, at.server.port.number, at.bind(), text.as_str());
                        let users = users.get(&key).map_or(&[][..], Vec::as_slice);
                        let found = users.iter().filter(|user| **user != at.number).take(COUNTED);
                        for user in found {
                            conflict = true;
                            if others.len() == COUNTED {
                                break;
                            }
                            others.insert(*user);
                        }
                    }
                }
                if conflict {
                    shared.push((index, &texts[0]));
                }
            }
            let Some((index, _)) = shared.first() else { continue };
            let others: Vec<usize> = others.into_iter().collect();
            let names: Vec<&str> = shared.iter().map(|(_, name)| *name).collect();
            let finding = at.finding(
                &GATEWAYS_CONFLICT,
                &format!("hosts[{index}]"),
                format!(
                    "port {} also has host {} in Gateway {}",
                    at.server.port.number,
                    listed(&names),
                    world.gateway_names(&others)
                ),
            );
            found.push(if at.server.tls.is_none() && at.protocol() == Some(Protocol::Http) {
                finding.why("Istio merges plain HTTP servers on the same port: requests for the host meet the routes of both Gateways, those of the oldest VirtualService first")
            } else {
                finding
            });
        }
    }
}

/// Each host as written, which Istio's analysis compares, and normalised, which its gateways
/// compare.
fn texts(at: &ServerAt<'_, '_>) -> Vec<[String; 2]> {
    let normal = at.hosts();
    at.server
        .hosts
        .iter()
        .enumerate()
        // `*/*` replaces the whole list.
        .map(|(index, host)| {
            let text = normal.get(index).or(normal.first()).map(ServerHost::text);
            [host.clone(), text.unwrap_or_default()]
        })
        .collect()
}

/// The same host and port in two servers of one Gateway that have TLS settings.
struct HostTaken;

impl Rule for HostTaken {
    fn codes(&self) -> &'static [&'static Code] {
        &[&HOST_TAKEN]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let mut taken: HashMap<(usize, u32, &str, String), usize> = HashMap::new();
        for at in world.servers().filter(|at| at.server.tls.is_some()) {
            let key = move |text: String| (at.number, at.server.port.number, at.bind(), text);
            let texts: Vec<String> = at.hosts().iter().map(ServerHost::text).collect();
            let owner = texts.iter().enumerate().find_map(|(index, text)| {
                let owner = taken.get(&key(text.clone()))?;
                Some((index, text, *owner))
            });
            if let Some((index, text, owner)) = owner {
                let what = format!(
                    "host {text} on port {} already belongs to spec.servers[{owner}]",
                    at.server.port.number
                );
                found.push(at.finding(&HOST_TAKEN, &format!("hosts[{index}]"), what));
            } else {
                taken.extend(texts.into_iter().map(|text| (key(text), at.index)));
            }
        }
    }
}

/// The same name and port in two servers for different namespaces.
struct SniTwice;

impl Rule for SniTwice {
    fn codes(&self) -> &'static [&'static Code] {
        &[&SNI_TWICE]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        type Key<'k> = (usize, u32, &'k str, String);
        let mut taken: HashMap<Key<'_>, (ServerAt<'_, '_>, String)> = HashMap::new();
        for at in world.servers() {
            // With passthrough, the VirtualServices' SNI hosts determine the filter chains.
            if at.spoken_tls().is_none_or(|tls| passes_through(tls.effective_mode())) {
                continue;
            }
            let mut clash = None;
            let hosts = at.hosts();
            // With `*` in its list, a server's filter chain does not match on SNI.
            let takes_all = hosts.iter().any(|host| host.name == "*");
            let asked = hosts.into_iter().enumerate();
            for (index, host) in asked.filter(|(_, host)| !takes_all || host.name == "*") {
                let text = host.text();
                for group in world.workloads.groups(at.number) {
                    let key = (*group, at.server.port.number, at.bind(), host.name.clone());
                    let (owner, own_text) = taken.entry(key).or_insert_with(|| (at, text.clone()));
                    let other = (owner.number, owner.index) != (at.number, at.index);
                    if other && *own_text != text && clash.is_none() {
                        clash = Some((index, text.clone(), *owner, own_text.clone()));
                    }
                }
            }
            if let Some((index, text, owner, other)) = clash {
                let what = format!(
                    "host {text} on port {} has the same SNI as {other} in spec.servers[{}] of Gateway {}",
                    at.server.port.number,
                    owner.index,
                    owner.gateway.full_name()
                );
                found.push(at.finding(&SNI_TWICE, &format!("hosts[{index}]"), what));
            }
        }
    }
}

/// Incompatible protocols on a port.
struct Protocols;

impl Rule for Protocols {
    fn codes(&self) -> &'static [&'static Code] {
        &[&PORT_PROTOCOLS]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let mut servers: Vec<(ServerAt<'_, '_>, Protocol)> = world
            .servers()
            .filter_map(|at| Some((at, at.protocol()?)))
            // An invalid protocol has its own finding.
            .filter(|(at, protocol)| match protocol {
                Protocol::Tls => at.server.tls.is_some(),
                Protocol::Http | Protocol::Tcp => true,
                Protocol::Udp => false,
            })
            .collect();
        servers.sort_by(|(one, _), (other, _)| one.gateway.age().cmp(&other.gateway.age()));
        let mut open: HashMap<(usize, u32, &str), Open<'_, '_>> = HashMap::new();
        for (at, protocol) in &servers {
            let port = at.server.port.number;
            let groups = world.workloads.groups(at.number);
            let clash = groups.iter().find_map(|group| {
                let open = open.get(&(*group, port, at.bind()))?;
                open.refuses(at, *protocol)
            });
            let Some((first, speaks)) = clash else {
                for group in groups {
                    let open = open.entry((*group, port, at.bind())).or_default();
                    let of_kind = match protocol {
                        Protocol::Tls => &mut open.tls,
                        _ => &mut open.plain,
                    };
                    of_kind.get_or_insert((*at, *protocol));
                }
                continue;
            };
            let where_first = if first.number == at.number {
                format!("spec.servers[{}]", first.index)
            } else {
                format!("Gateway {}", first.gateway.full_name())
            };
            let finding = at.finding(
                &PORT_PROTOCOLS,
                "port.protocol",
                format!(
                    "port {port} uses {} here, but {} in {where_first}",
                    protocol.words(),
                    speaks.words()
                ),
            );
            found.push(if *protocol == Protocol::Tcp && speaks == Protocol::Tcp {
                finding.why(
                    "plain TCP servers cannot be told apart: Istio keeps the one that was created first and drops the other",
                )
            } else {
                finding
            });
        }
    }
}

/// The first servers of a port, as istiod tracks them.
#[derive(Default)]
struct Open<'w, 'a> {
    plain: Option<(ServerAt<'w, 'a>, Protocol)>,
    tls: Option<(ServerAt<'w, 'a>, Protocol)>,
}

impl<'w, 'a> Open<'w, 'a> {
    /// The server because of which another one is dropped: a plain one, unless both are HTTP. After
    /// TLS servers, the first plain one is added to them; the order is known within a Gateway, and
    /// between Gateways with creation timestamps.
    fn refuses(&self, at: &ServerAt<'w, 'a>, protocol: Protocol) -> Option<(ServerAt<'w, 'a>, Protocol)> {
        let is_dated = |at: &ServerAt<'_, '_>| at.gateway.metadata.creation_timestamp.is_some();
        if let Some((_, speaks)) = self.plain {
            return self
                .plain
                .filter(|_| (speaks, protocol) != (Protocol::Http, Protocol::Http));
        }
        self.tls.filter(|(first, _)| {
            protocol != Protocol::Tls && first.number != at.number && !(is_dated(first) && is_dated(at))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::{assert_cases, gateway, named};
    use crate::lint::testing::{assert_code, lint_yaml};

    const INGRESS: &str = "{istio: ingressgateway}";

    fn http(port: u32, hosts: &str) -> String {
        format!("{{port: {{number: {port}, name: h{port}, protocol: HTTP}}, hosts: [{hosts}]}}")
    }

    fn tls(port: u32, name: &str, hosts: &str) -> String {
        format!(
            "{{port: {{number: {port}, name: {name}, protocol: HTTPS}}, hosts: [{hosts}], \
             tls: {{mode: SIMPLE, credentialName: {name}}}}}"
        )
    }

    fn two(one: (&str, &str), other: (&str, &str)) -> String {
        format!(
            "{}{}",
            named("alpha", "default", one.0, one.1),
            named("beta", "other", other.0, other.1)
        )
    }

    #[test]
    fn a_host_of_a_port_is_in_one_gateway() {
        let both: &[&str] = &["spec.servers[0].hosts[0]", "spec.servers[0].hosts[0]"];
        let same = |one: &str, other: &str| two((INGRESS, one), (INGRESS, other));
        let bound = "{port: {number: 80, name: h, protocol: HTTP}, bind: 10.0.0.1, hosts: [a.com]}";
        let pods = |labels: &str| {
            format!("---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: x, labels: {labels}}}\n")
        };
        let (wide, narrow) = ("{my: gw}", "{my: gw, more: yes-}");
        assert_cases(
            "ITL0203",
            &[
                (same(&http(80, "a.com"), &http(80, "a.com")), both),
                (same(&tls(443, "a", "a.com"), &tls(443, "b", "'*/a.com'")), both),
                (same(&http(80, "./a.com"), &http(80, "./a.com")), both),
                (same(&http(80, "'*'"), &http(80, "'*/*'")), both),
                (same(bound, bound), both),
                (
                    same(
                        &http(80, "a.com"),
                        &format!("{}, {}", http(81, "a.com"), http(80, "b.com, a.com")),
                    ),
                    &["spec.servers[0].hosts[0]", "spec.servers[1].hosts[1]"],
                ),
                (
                    two(
                        (INGRESS, &http(80, "a.com")),
                        ("{app: istio-ingressgateway}", &http(80, "a.com")),
                    ),
                    both,
                ),
                (two((INGRESS, &http(80, "a.com")), ("{}", &http(80, "a.com"))), both),
                (
                    two(("{no: pods}", &http(80, "a.com")), ("{no: pods}", &http(80, "a.com"))),
                    both,
                ),
                (
                    format!(
                        "{}{}",
                        two((wide, &http(80, "a.com")), (narrow, &http(80, "a.com"))),
                        pods(narrow)
                    ),
                    both,
                ),
                (
                    format!(
                        "{}{}",
                        two((wide, &http(80, "a.com")), (narrow, &http(80, "a.com"))),
                        pods(wide)
                    ),
                    &[],
                ),
                (same(&http(80, "a.com"), &http(8080, "a.com")), &[]),
                (same(&http(80, "a.com"), &http(80, "b.com")), &[]),
                (same(&http(80, "'*.a.com'"), &http(80, "x.a.com")), &[]),
                (same(&http(80, "one/a.com"), &http(80, "two/a.com")), &[]),
                (same(&http(80, "a.com"), bound), &[]),
                (
                    two(
                        (INGRESS, &http(80, "a.com")),
                        ("{istio: egressgateway}", &http(80, "a.com")),
                    ),
                    &[],
                ),
                (gateway(&format!("{}, {}", http(80, "a.com"), http(80, "a.com"))), &[]),
            ],
        );
    }

    #[test]
    fn many_gateways_are_named_in_part() {
        let all: String = (0..2000)
            .map(|number| named(&format!("g{number}"), "default", INGRESS, &http(80, "'*'")))
            .collect();
        let report = lint_yaml(&all);
        let conflicts = report.findings.iter().filter(|finding| finding.code == "ITL0203");
        assert_eq!(conflicts.clone().count(), 2000);
        assert!(conflicts.clone().all(|finding| finding.what.len() < 120));
    }

    #[test]
    fn every_other_gateway_is_counted() {
        let gateways = |count: usize| -> String {
            (0..count)
                .map(|number| named(&format!("g{number}"), "default", INGRESS, &http(80, "a.com")))
                .collect()
        };
        for (count, words) in [
            (2, "Gateway default/g1"),
            (4, "Gateway default/g1, default/g2 and default/g3"),
            (20, "Gateway default/g1, default/g2, default/g3 and 16 more"),
        ] {
            let findings = lint_yaml(&gateways(count)).findings.into_iter();
            let first = findings.into_iter().find(|finding| finding.code == "ITL0203");
            let what = first.map(|finding| finding.what).unwrap_or_default();
            assert!(what.ends_with(words), "{what}");
        }
    }

    #[test]
    fn a_host_of_a_port_is_in_one_server() {
        let servers = |one: &str, other: &str| gateway(&format!("{one}, {other}"));
        let redirect = |name: &str| {
            format!(
                "{{port: {{number: 80, name: {name}, protocol: HTTP}}, hosts: [a.com], tls: {{httpsRedirect: true}}}}"
            )
        };
        assert_cases(
            "ITL0204",
            &[
                (
                    servers(&tls(443, "a", "a.com"), &tls(443, "b", "b.com, A.com")),
                    &["spec.servers[1].hosts[1]"],
                ),
                (
                    servers(&tls(443, "a", "'default/a.com'"), &tls(443, "b", "./a.com")),
                    &["spec.servers[1].hosts[0]"],
                ),
                (servers(&redirect("a"), &redirect("b")), &["spec.servers[1].hosts[0]"]),
                (
                    // A dropped server does not occupy a host.
                    servers(
                        &tls(443, "a", "a.com"),
                        &format!("{}, {}", tls(443, "b", "a.com, b.com"), tls(443, "c", "b.com")),
                    ),
                    &["spec.servers[1].hosts[0]"],
                ),
                (servers(&tls(443, "a", "a.com"), &tls(8443, "b", "a.com")), &[]),
                (servers(&tls(443, "a", "a.com"), &tls(443, "b", "'*.a.com'")), &[]),
                (servers(&tls(443, "a", "x/a.com"), &tls(443, "b", "a.com")), &[]),
                (servers(&http(80, "a.com"), &redirect("b")), &[]),
                (servers(&tls(443, "a", "a.com"), &tls(443, "b", "b.com")), &[]),
            ],
        );
    }

    #[test]
    fn an_sni_has_one_certificate() {
        let servers = |one: &str, other: &str| gateway(&format!("{one}, {other}"));
        let passed = tls(443, "b", "y/a.com").replace("mode: SIMPLE, credentialName: b", "mode: PASSTHROUGH");
        assert_cases(
            "ITL0205",
            &[
                (
                    servers(&tls(443, "a", "x/a.com"), &tls(443, "b", "b.com, y/a.com")),
                    &["spec.servers[1].hosts[1]"],
                ),
                (
                    two((INGRESS, &tls(443, "a", "./a.com")), ("{}", &tls(443, "b", "./a.com"))),
                    &["spec.servers[0].hosts[0]"],
                ),
                (gateway(&tls(443, "a", "x/a.com, y/a.com")), &[]),
                (servers(&tls(443, "a", "x/a.com"), &tls(443, "b", "'*', y/a.com")), &[]),
                (servers(&tls(443, "a", "x/a.com, '*'"), &tls(443, "b", "y/a.com")), &[]),
                (
                    servers(&tls(443, "a", "x/a.com, 'x/*'"), &tls(443, "b", "b.com, 'y/*'")),
                    &["spec.servers[1].hosts[1]"],
                ),
                (servers(&tls(443, "a", "x/a.com"), &passed), &[]),
                (servers(&tls(443, "a", "x/a.com"), &tls(8443, "b", "y/a.com")), &[]),
                (servers(&http(80, "x/a.com"), &http(80, "y/a.com")), &[]),
                (
                    two(
                        (INGRESS, &tls(443, "a", "./a.com")),
                        ("{istio: other}", &tls(443, "b", "./a.com")),
                    ),
                    &[],
                ),
            ],
        );
    }

    #[test]
    fn a_port_speaks_one_language() {
        let servers = |one: &str, other: &str| gateway(&format!("{one}, {other}"));
        let of = |protocol: &str, more: &str| {
            format!("{{port: {{number: 443, name: {protocol}, protocol: {protocol}}}, hosts: [b.com]{more}}}")
        };
        let second: &[&str] = &["spec.servers[1].port.protocol"];
        assert_cases(
            "ITL0206",
            &[
                (servers(&of("HTTP", ""), &tls(443, "a", "a.com")), second),
                // After a TLS server, the first plain one is still added.
                (servers(&tls(443, "a", "a.com"), &of("HTTP", "")), &[]),
                (servers(&tls(443, "a", "a.com"), &of("TCP", "")), &[]),
                (
                    gateway(&format!(
                        "{}, {}, {}",
                        tls(443, "a", "a.com"),
                        of("HTTP", ""),
                        tls(443, "b", "b.com")
                    )),
                    &["spec.servers[2].port.protocol"],
                ),
                (servers(&of("TCP", ""), &of("MONGO", "")), second),
                (
                    two(
                        (INGRESS, &of("GRPC", "")),
                        (INGRESS, &of("TLS", ", tls: {mode: PASSTHROUGH}")),
                    ),
                    &["spec.servers[0].port.protocol"],
                ),
                (servers(&of("HTTP", ""), &of("GRPC", "")), &[]),
                (
                    servers(&tls(443, "a", "a.com"), &of("TLS", ", tls: {mode: PASSTHROUGH}")),
                    &[],
                ),
                (servers(&http(80, "a.com"), &tls(443, "a", "a.com")), &[]),
                (servers(&of("TCP", ""), &of("MONGO", ", bind: 10.0.0.1")), &[]),
                (servers(&of("HTTP", ""), &of("HTTPS", "")), &[]),
                (two((INGRESS, &of("TCP", "")), ("{istio: other}", &of("TCP", ""))), &[]),
            ],
        );
    }

    #[test]
    fn the_younger_gateway_has_the_finding() {
        let dated = |name: &str, date: &str, server: &str| {
            named(
                name,
                &format!("default, creationTimestamp: \"{date}\""),
                INGRESS,
                server,
            )
        };
        let yaml = format!(
            "{}{}",
            dated("alpha", "2026-02-01T00:00:00Z", &tls(443, "a", "a.com")),
            dated("beta", "2026-01-01T00:00:00Z", &http(443, "b.com"))
        );
        let report = lint_yaml(&yaml);
        let found: Vec<&str> = report
            .findings
            .iter()
            .filter(|finding| finding.code == "ITL0206")
            .map(|finding| finding.object.as_str())
            .collect();
        assert_eq!(found, ["Gateway default/alpha"]);
        // The other way round, both run.
        let yaml = yaml.replace("2026-02-01", "2025-02-01");
        assert_code(&yaml, "ITL0206", &[]);
    }
}
