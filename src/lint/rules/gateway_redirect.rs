//! Redirects to HTTPS need a TLS server for the host.

use std::collections::HashMap;

use crate::lint::codes::REDIRECT_NOWHERE;
use crate::lint::index::host_set::HostSet;
use crate::lint::index::servers::{Protocol, ServerAt, listed};
use crate::lint::{Code, Findings, Rule, World};

pub(super) static RULES: &[&dyn Rule] = &[&RedirectNowhere];

/// Ports where plain HTTP means that TLS is terminated in front of the gateway.
const TLS_PORTS: [u32; 2] = [443, 8443];

/// Redirects of hosts that no server on the same pods serves with TLS.
struct RedirectNowhere;

impl Rule for RedirectNowhere {
    fn codes(&self) -> &'static [&'static Code] {
        &[&REDIRECT_NOWHERE]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let (redirecting, others): (Vec<ServerAt<'_, '_>>, Vec<_>) = world.servers().partition(redirects);
        if redirecting.is_empty() {
            return;
        }
        let serving: Vec<(usize, Vec<String>)> = others
            .iter()
            .filter(|at| serves_https(at))
            .map(|at| (at.number, names(at)))
            .collect();
        let mut served: HashMap<usize, HostSet<'_>> = HashMap::new();
        for (gateway, names) in &serving {
            for group in world.workloads.groups(*gateway) {
                let index = served.entry(*group).or_default();
                for name in names {
                    index.insert(name);
                }
            }
        }
        for at in redirecting {
            let mut groups = world.workloads.groups(at.number).iter();
            let nowhere: Vec<String> = names(&at)
                .into_iter()
                .filter(|name| {
                    !groups
                        .clone()
                        .any(|group| served.get(group).is_some_and(|index| index.overlaps(name)))
                })
                .collect();
            if nowhere.is_empty() {
                continue;
            }
            let alone = groups.all(|group| !served.contains_key(group));
            let finding = at.finding(
                &REDIRECT_NOWHERE,
                "tls.httpsRedirect",
                format!(
                    "port {} redirects {} to HTTPS, but no TLS server on these pods serves {}",
                    at.server.port.number,
                    listed(&nowhere),
                    if nowhere.len() == 1 { "it" } else { "them" }
                ),
            );
            found.push(if alone {
                finding.why("there is no TLS server on these pods: clients are sent to HTTPS and find nothing there, unless TLS is terminated in front of the gateway")
            } else {
                finding
            });
        }
    }
}

fn redirects(at: &ServerAt<'_, '_>) -> bool {
    let asked = at.server.tls.as_ref().and_then(|tls| tls.https_redirect) == Some(true);
    asked && at.protocol() == Some(Protocol::Http)
}

/// TLS of any mode, or plain HTTP on a port where a load balancer terminates TLS.
fn serves_https(at: &ServerAt<'_, '_>) -> bool {
    match at.protocol() {
        Some(Protocol::Tls) => at.server.tls.is_some(),
        Some(Protocol::Http) => TLS_PORTS.contains(&at.server.port.number),
        _ => false,
    }
}

fn names(at: &ServerAt<'_, '_>) -> Vec<String> {
    at.hosts().into_iter().map(|host| host.name).collect()
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::{assert_cases, gateway, named};

    fn plain(hosts: &str) -> String {
        format!("{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: {hosts}, tls: {{httpsRedirect: true}}}}")
    }

    fn tls(hosts: &str) -> String {
        format!(
            "{{port: {{number: 443, name: https, protocol: HTTPS}}, hosts: {hosts}, \
             tls: {{mode: SIMPLE, credentialName: c}}}}"
        )
    }

    #[test]
    fn redirects_lead_to_tls() {
        let at: &[&str] = &["spec.servers[0].tls.httpsRedirect"];
        let both = |http: &str, https: &str| gateway(&format!("{}, {}", plain(http), tls(https)));
        let apart = |selector: &str| {
            format!(
                "{}{}",
                gateway(&plain("[a.com]")),
                named("other", "else", selector, &tls("['*/a.com']"))
            )
        };
        assert_cases(
            "ITL0112",
            &[
                (gateway(&plain("[a.com]")), at),
                (both("[a.com, b.com]", "[a.com]"), at),
                (both("['*.a.com']", "[a.com]"), at),
                (apart("{istio: egressgateway}"), at),
                (both("[a.com]", "[a.com]"), &[]),
                (both("['*']", "[a.com]"), &[]),
                (both("['*.a.com']", "[x.a.com]"), &[]),
                (both("['ns/a.com']", "['./A.com']"), &[]),
                (both("[x.a.com]", "['*.a.com']"), &[]),
                (apart("{istio: ingressgateway}"), &[]),
                (apart("{app: istio-ingressgateway}"), &[]),
                (
                    gateway(&format!(
                        "{}, {{port: {{number: 443, name: h, protocol: HTTP}}, hosts: [a.com]}}",
                        plain("[a.com]")
                    )),
                    &[],
                ),
                (
                    gateway(&plain("[a.com]").replace("httpsRedirect: true", "httpsRedirect: false")),
                    &[],
                ),
            ],
        );
    }
}
