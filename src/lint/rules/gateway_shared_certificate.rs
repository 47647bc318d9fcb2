//! The same certificate in several Gateways for the same pods (istioctl's
//! GatewayDuplicateCertificate), compared by reference, not by content.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::lint::codes::CERTIFICATE_SHARED;
use crate::lint::index::servers::{COUNTED, ServerAt, is_placeholder, set};
use crate::lint::{Code, Findings, Rule, Severity, World};

pub(super) static RULES: &[&dyn Rule] = &[&Shared];

type Selector = BTreeMap<String, String>;

/// The reference to a certificate.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Certificate<'a> {
    Secret(&'a str),
    Files(&'a str, &'a str),
}

/// Secrets or files that servers of different Gateways refer to.
struct Shared;

impl Rule for Shared {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CERTIFICATE_SHARED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        if world.gateways.len() < 2 {
            return;
        }
        let mut users: HashMap<Certificate<'_>, Vec<(ServerAt<'_, '_>, String)>> = HashMap::new();
        for at in world.servers() {
            for (certificate, field) in certificates(&at) {
                users.entry(certificate).or_default().push((at, field));
            }
        }
        for (certificate, users) in users {
            let (Some((first, _)), Some((last, _))) = (users.first(), users.last()) else {
                continue;
            };
            // Servers are iterated Gateway by Gateway.
            if first.number == last.number {
                continue;
            }
            let gateways = Gateways::new(users.iter().map(|(at, _)| at));
            for (at, field) in &users {
                let others = gateways.others(at);
                if others.is_empty() {
                    continue;
                }
                let what = match certificate {
                    Certificate::Secret(name) => format!("the Secret {name}"),
                    Certificate::Files(path, _) => format!("the certificate {path}"),
                };
                let what = format!("{what} is also used by Gateway {}", world.gateway_names(&others));
                let finding = at.finding(&CERTIFICATE_SHARED, field, what);
                found.push(if gateways.share_a_port(at, &others) {
                    finding
                } else {
                    finding
                        .severity(Severity::Info)
                        .why("their ports or addresses differ, so clients do not share connections and nothing fails; Istio's analysis reports it anyway")
                        .fix("nothing has to change; separate certificates can be replaced independently")
                });
            }
        }
    }
}

/// The certificate references of a server, each with its field.
fn certificates<'a>(at: &ServerAt<'_, 'a>) -> Vec<(Certificate<'a>, String)> {
    let Some(tls) = &at.server.tls else { return Vec::new() };
    let mut found = Vec::new();
    if let Some(name) = set(tls.credential_name.as_ref()) {
        found.push((Certificate::Secret(name), "tls.credentialName".to_owned()));
    }
    for (index, name) in tls.credential_names.iter().enumerate() {
        if !name.is_empty() && found.iter().all(|(known, _)| *known != Certificate::Secret(name)) {
            found.push((Certificate::Secret(name), format!("tls.credentialNames[{index}]")));
        }
    }
    if found.is_empty()
        && let (Some(path), Some(key)) = (set(tls.server_certificate.as_ref()), set(tls.private_key.as_ref()))
        && !is_placeholder(path)
    {
        found.push((Certificate::Files(path, key), "tls.serverCertificate".to_owned()));
    }
    found
}

/// The Gateways with the same certificate, by their selectors.
struct Gateways<'a> {
    by_selector: Vec<(&'a Selector, Vec<usize>)>,
    /// The selectors that contain a label with a value.
    by_label: HashMap<(&'a str, &'a str), Vec<usize>>,
    /// A Gateway, and a port and address of it that use the certificate.
    ports: HashSet<(usize, u32, &'a str)>,
}

impl<'a> Gateways<'a> {
    fn new<'s>(servers: impl Iterator<Item = &'s ServerAt<'s, 'a>>) -> Self
    where
        'a: 's,
    {
        let mut numbers: HashMap<&Selector, usize> = HashMap::new();
        let mut gateways = Self {
            by_selector: Vec::new(),
            by_label: HashMap::new(),
            ports: HashSet::new(),
        };
        for at in servers {
            gateways.ports.insert((at.number, at.server.port.number, at.bind()));
            let selector: &'a Selector = &at.gateway.object.spec.selector;
            let number = *numbers.entry(selector).or_insert_with(|| {
                let number = gateways.by_selector.len();
                gateways.by_selector.push((selector, Vec::new()));
                for (label, value) in selector {
                    gateways.by_label.entry((label, value)).or_default().push(number);
                }
                number
            });
            let of_selector = &mut gateways.by_selector[number].1;
            if of_selector.last() != Some(&at.number) {
                of_selector.push(at.number);
            }
        }
        gateways
    }

    /// Whether one of the Gateways uses the certificate on the same port and address.
    fn share_a_port(&self, at: &ServerAt<'_, 'a>, others: &[usize]) -> bool {
        let (port, bind) = (at.server.port.number, at.bind());
        others.iter().any(|number| self.ports.contains(&(*number, port, bind)))
    }

    /// Up to a limit, the other Gateways whose selectors contain all labels of this one's selector.
    fn others(&self, at: &ServerAt<'_, 'a>) -> Vec<usize> {
        let own = &at.gateway.object.spec.selector;
        let rarest = own
            .iter()
            .filter_map(|(label, value)| self.by_label.get(&(label.as_str(), value.as_str())))
            .min_by_key(|selectors| selectors.len());
        let all: Vec<usize>;
        let candidates = if let Some(selectors) = rarest {
            selectors
        } else {
            all = (0..self.by_selector.len()).collect();
            &all
        };
        let mut others: Vec<usize> = candidates
            .iter()
            .map(|number| &self.by_selector[*number])
            .filter(|(selector, _)| own.iter().all(|(label, value)| selector.get(label) == Some(value)))
            .flat_map(|(_, gateways)| gateways.iter().copied())
            .filter(|number| *number != at.number)
            .take(COUNTED)
            .collect();
        others.sort_unstable();
        others
    }
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::{assert_cases, gateway, named};
    use crate::lint::Severity;
    use crate::lint::testing::lint_yaml;

    fn server(name: &str, tls: &str) -> String {
        format!(
            "{{port: {{number: 443, name: {name}, protocol: HTTPS}}, hosts: [{name}.com], tls: {{mode: SIMPLE, {tls}}}}}"
        )
    }

    fn two(one: (&str, &str), other: (&str, &str)) -> String {
        format!(
            "{}{}",
            named("alpha", "default", one.0, &server("a", one.1)),
            named("beta", "other", other.0, &server("b", other.1))
        )
    }

    #[test]
    fn a_certificate_is_in_one_gateway() {
        let (own, wider, secret) = (
            "{istio: ingressgateway}",
            "{istio: ingressgateway, type: internal}",
            "credentialName: c",
        );
        let files = "serverCertificate: /c, privateKey: /k";
        let (name, list, path): (&str, &str, &str) = (
            "spec.servers[0].tls.credentialName",
            "spec.servers[0].tls.credentialNames[1]",
            "spec.servers[0].tls.serverCertificate",
        );
        assert_cases(
            "ITL0207",
            &[
                (two((own, secret), (own, secret)), &[name, name]),
                (two((own, secret), (wider, secret)), &[name]),
                (two(("{}", secret), (own, secret)), &[name]),
                (two((own, files), (own, files)), &[path, path]),
                (two((own, "credentialNames: [x, c]"), (own, secret)), &[list, name]),
                (two((own, secret), ("{istio: egressgateway}", secret)), &[]),
                (two((own, secret), (own, "credentialName: other")), &[]),
                (
                    two((own, files), (own, "serverCertificate: /c, privateKey: /other")),
                    &[],
                ),
                (two((own, files), (own, &format!("{secret}, {files}"))), &[]),
                (
                    gateway(&format!("{}, {}", server("a", secret), server("b", secret))),
                    &[],
                ),
            ],
        );
    }

    #[test]
    fn ports_that_differ_are_good_to_know() {
        let own = "{istio: ingressgateway}";
        let on = |port: &str, bind: &str| {
            format!(
                "{{port: {{number: {port}, name: a, protocol: HTTPS}}, {bind}hosts: [a.com], \
                 tls: {{mode: SIMPLE, credentialName: c}}}}"
            )
        };
        for (other, severity) in [
            (on("443", ""), Severity::Warning),
            (format!("{}, {}", on("8443", ""), on("443", "")), Severity::Warning),
            (on("8443", ""), Severity::Info),
            (on("443", "bind: 10.0.0.1, "), Severity::Info),
        ] {
            let yaml = format!(
                "{}{}",
                named("alpha", "default", own, &on("443", "")),
                named("beta", "default", own, &other)
            );
            let findings = lint_yaml(&yaml).findings.into_iter();
            let mut of_code = findings.filter(|finding| finding.code == "ITL0207");
            let first = of_code.next().expect("a finding");
            assert_eq!(first.severity, severity, "{yaml}");
            assert_eq!(
                first.why.contains("HTTP/2"),
                severity == Severity::Warning,
                "{}",
                first.why
            );
        }
    }

    #[test]
    fn every_other_gateway_is_counted() {
        let all: String = (0..20)
            .map(|number| {
                let name = format!("g{number}");
                named(
                    &name,
                    "default",
                    "{istio: ingressgateway}",
                    &server("a", "credentialName: c"),
                )
            })
            .collect();
        let findings = lint_yaml(&all).findings.into_iter();
        let what: Vec<String> = findings
            .filter(|finding| finding.code == "ITL0207")
            .map(|finding| finding.what)
            .collect();
        assert_eq!(what.len(), 20);
        assert!(
            what[0].ends_with("default/g1, default/g2, default/g3 and 16 more"),
            "{}",
            what[0]
        );
    }

    #[test]
    fn many_gateways_are_compared_in_linear_time() {
        let all: String = (0..3000)
            .map(|number| {
                let selector = format!("{{istio: ingressgateway, of: \"{number}\"}}");
                named(
                    &format!("g{number}"),
                    "default",
                    &selector,
                    &server("a", "credentialName: c"),
                )
            })
            .collect();
        assert_cases("ITL0207", &[(all, &[])]);
    }
}
