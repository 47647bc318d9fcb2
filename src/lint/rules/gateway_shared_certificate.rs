//! One certificate in several Gateways of the same pods (istioctl's
//! GatewayDuplicateCertificate): compared by name, not by content.

use std::collections::{BTreeMap, HashMap};

use crate::lint::codes::CERTIFICATE_SHARED;
use crate::lint::index::servers::{ServerAt, is_placeholder, listed, set};
use crate::lint::{Code, Findings, Rule, World};

pub(super) static RULES: &[&dyn Rule] = &[&Shared];

/// How many other Gateways a finding looks up.
const NAMED: usize = 4;

type Selector = BTreeMap<String, String>;

/// What names a certificate.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Certificate<'a> {
    Secret(&'a str),
    Files(&'a str, &'a str),
}

/// Secrets or files that servers of different Gateways name.
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
            // Servers come Gateway by Gateway.
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
                let names: Vec<String> = others
                    .iter()
                    .map(|number| world.gateways[*number].full_name())
                    .collect();
                let what = format!("{what} is that of Gateway {} too", listed(&names));
                found.push(at.finding(&CERTIFICATE_SHARED, field, what));
            }
        }
    }
}

/// The certificates that a server names, each with its field.
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

/// The Gateways that name one certificate, by their selectors.
struct Gateways<'a> {
    by_selector: Vec<(&'a Selector, Vec<usize>)>,
    /// The selectors that hold a label with a value.
    by_label: HashMap<(&'a str, &'a str), Vec<usize>>,
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
        };
        for at in servers {
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

    /// A few other Gateways whose selectors hold all labels of this one's.
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
            .take(NAMED)
            .collect();
        others.sort_unstable();
        others
    }
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::{assert_cases, gateway, named};

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
