//! VirtualServices that others delegate routes to.

use std::collections::{BTreeMap, HashMap};

use crate::lint::codes::{DELEGATE_MATCH_CONFLICT, DELEGATE_NOT_EXPORTED, DELEGATE_NOT_FOUND};
use crate::lint::spot::Spot;
use crate::lint::{Code, Findings, Item, Rule, World};
use crate::manifests::delegation::{conflicts, is_shown};
use crate::manifests::model::VirtualService;
use crate::manifests::model::http_route::HttpRoute;

pub(super) static RULES: &[&dyn Rule] = &[&Delegates];

/// The maximum number of match pairs that are compared: roots that share large delegates would
/// otherwise take quadratic time.
const MOST_PAIRS: usize = 2_000_000;

/// Every delegating route.
struct Delegates;

impl Rule for Delegates {
    fn codes(&self) -> &'static [&'static Code] {
        &[&DELEGATE_NOT_FOUND, &DELEGATE_NOT_EXPORTED, &DELEGATE_MATCH_CONFLICT]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let mut by_name: HashMap<&str, BTreeMap<&str, &Item<'_, VirtualService>>> = HashMap::new();
        for service in &world.virtual_services {
            let of_name = by_name.entry(service.metadata.name.as_str()).or_default();
            of_name.insert(service.namespace, service);
        }
        let mut pairs = 0;
        for root in world
            .virtual_services
            .iter()
            .filter(|root| !root.object.spec.hosts.is_empty())
        {
            for (at, route) in root.object.spec.http.iter().enumerate() {
                let Some(reference) = &route.delegate else { continue };
                let spot = Spot::new(root, format!("spec.http[{at}].delegate"));
                let name = reference.name.as_deref().unwrap_or_default();
                let named = reference.namespace.as_deref().filter(|namespace| !namespace.is_empty());
                let namespace = named.unwrap_or(root.namespace);
                let of_name = by_name.get(name);
                let Some(delegate) = of_name.and_then(|of_name| of_name.get(namespace)) else {
                    if !world.sees("VirtualService", namespace) {
                        continue;
                    }
                    let what = format!("there is no VirtualService {name} in namespace {namespace}");
                    let finding = spot.field("name").finding(&DELEGATE_NOT_FOUND, what);
                    found.push(match of_name.and_then(BTreeMap::first_key_value) {
                        Some((other, _)) => finding.fix(format!("add namespace: {other}, where it exists")),
                        None => finding,
                    });
                    continue;
                };
                if !delegate.object.spec.hosts.is_empty() {
                    let what = format!("{} has hosts, so it cannot be a delegate", delegate.title());
                    let finding = spot.field("name").finding(&DELEGATE_NOT_FOUND, what);
                    found.push(finding.fix("remove the delegate's hosts and gateways"));
                } else if !is_shown(&delegate.object.spec.export_to, delegate.namespace, root.namespace) {
                    let what = format!("{} is not exported to namespace {}", delegate.title(), root.namespace);
                    found.push(spot.field("name").finding(&DELEGATE_NOT_EXPORTED, what));
                } else if pairs < MOST_PAIRS {
                    pairs += check_matches(root, route, delegate, found);
                } else {
                    found.skip(
                        &DELEGATE_MATCH_CONFLICT,
                        "there are too many matches to compare them all",
                    );
                }
            }
        }
    }
}

/// Compares a delegate's matches with those of the route, and returns the number of pairs compared.
fn check_matches(
    root: &Item<'_, VirtualService>,
    route: &HttpRoute,
    delegate: &Item<'_, VirtualService>,
    found: &mut Findings,
) -> usize {
    let mut pairs = 0;
    for (at, own) in delegate.object.spec.http.iter().enumerate() {
        pairs += 1 + route.matches.len() * own.matches.len();
        if route.matches.is_empty() {
            continue;
        }
        let outside = own
            .matches
            .iter()
            .position(|own| route.matches.iter().all(|outer| conflicts(outer, own)));
        if let Some(number) = outside {
            let what = format!(
                "the match is not a subset of any match of the delegating route in {}, so the whole route is dropped",
                root.title()
            );
            let path = format!("spec.http[{at}].match[{number}]");
            found.push(Spot::new(delegate, path).finding(&DELEGATE_MATCH_CONFLICT, what));
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::assert_code;

    fn root(delegate: &str, wanted: &str) -> String {
        format!(
            "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: root, namespace: here}}\n\
             spec: {{hosts: [a.com], gateways: [g], http: [{{{wanted} delegate: {{{delegate}}}}}]}}\n"
        )
    }

    fn delegate(namespace: &str, head: &str, wanted: &str) -> String {
        format!(
            "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: d, namespace: {namespace}}}\n\
             spec: {{{head} http: [{{{wanted} route: [{{destination: {{host: a}}}}]}}]}}\n"
        )
    }

    #[test]
    fn delegates_are_there_and_can_be_seen() {
        let name = "spec.http[0].delegate.name";
        for (root, delegate, missing, hidden) in [
            (root("name: d", ""), delegate("here", "", ""), &[][..], &[][..]),
            (
                root("name: d, namespace: there", ""),
                delegate("there", "", ""),
                &[],
                &[],
            ),
            (
                root("name: d, namespace: there", ""),
                delegate("there", "exportTo: [here],", ""),
                &[],
                &[],
            ),
            (root("name: d", ""), delegate("here", "exportTo: [.],", ""), &[], &[]),
            (root("name: d", ""), delegate("there", "", ""), &[name], &[]),
            (root("name: e", ""), delegate("here", "", ""), &[name], &[]),
            (
                root("", ""),
                delegate("here", "", ""),
                &["spec.http[0].delegate.name"],
                &[],
            ),
            (
                root("name: d", ""),
                delegate("here", "hosts: [b.com],", ""),
                &[name],
                &[],
            ),
            (
                root("name: d, namespace: there", ""),
                delegate("there", "exportTo: [.],", ""),
                &[],
                &[name],
            ),
        ] {
            let yaml = format!("{root}{delegate}");
            assert_code(&yaml, "ITL0517", missing);
            assert_code(&yaml, "ITL0518", hidden);
        }
    }

    #[test]
    fn matches_of_a_delegate_lie_within_those_of_the_root() {
        let path = &["spec.http[0].match[0]"][..];
        for (outer, inner, paths) in [
            ("uri: {prefix: /a}", "uri: {prefix: /a/b}", &[][..]),
            ("uri: {prefix: /a}", "uri: {exact: /a/b}", &[]),
            ("uri: {prefix: /a}", "headers: {x: {exact: v}}", &[]),
            ("headers: {x: {exact: v}}", "uri: {regex: .*}", &[]),
            ("uri: {exact: /a}", "uri: {exact: /a}", &[]),
            ("uri: {prefix: /x}}, {uri: {prefix: /a}", "uri: {prefix: /a/b}", &[]),
            ("port: 80", "uri: {prefix: /}", &[]),
            ("uri: {prefix: /a}", "uri: {prefix: /b}", path),
            ("uri: {prefix: /a}", "uri: {regex: /a.*}", path),
            ("uri: {exact: /a}", "uri: {prefix: /a}", path),
            ("uri: {prefix: /a}, ignoreUriCase: true", "uri: {prefix: /a}", path),
            ("port: 80", "port: 443", path),
            ("headers: {x: {exact: v}}", "headers: {x: {exact: w}}", path),
            ("gateways: [g]", "gateways: [h]", path),
        ] {
            let outer = root("name: d", &format!("match: [{{{outer}}}],"));
            let inner = delegate("here", "", &format!("match: [{{{inner}}}],"));
            assert_code(&format!("{outer}{inner}"), "ITL0519", paths);
        }
        let open = delegate("here", "", "");
        assert_code(
            &format!("{}{open}", root("name: d", "match: [{uri: {prefix: /a}}],")),
            "ITL0519",
            &[],
        );
    }
}
