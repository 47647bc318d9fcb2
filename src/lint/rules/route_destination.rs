//! The checks of Istio's admission webhook on destinations and their weights.

use crate::lint::codes::{DESTINATION_HOST_INVALID, PORT_OUT_OF_RANGE, SUBSET_NAME, WEIGHT_INVALID};
use crate::lint::istio_names::{check_wildcard_domain, is_label};
use crate::lint::rules::vs_destinations::destinations;
use crate::lint::spot::Spot;
use crate::lint::{Code, Findings, Rule, World};
use crate::manifests::model::virtual_service::Destination;

pub(super) static RULES: &[&dyn Rule] = &[&Destinations, &Weights];

/// Every destination of every route, including mirrors.
struct Destinations;

impl Rule for Destinations {
    fn codes(&self) -> &'static [&'static Code] {
        &[&DESTINATION_HOST_INVALID, &SUBSET_NAME, &PORT_OUT_OF_RANGE]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            for (spot, to) in destinations(service) {
                check_destination(to, &spot, found);
            }
        }
    }
}

fn check_destination(to: &Destination, spot: &Spot<'_>, found: &mut Findings) {
    let checked = if to.host == "*" {
        Err("* is not the name of a Service".to_owned())
    } else {
        check_wildcard_domain(&to.host)
    };
    if let Err(why) = checked {
        let what = format!("the destination \"{}\" is not a DNS name: {why}", to.host);
        found.push(spot.field("host").finding(&DESTINATION_HOST_INVALID, what));
    }
    if let Some(subset) = to
        .subset
        .as_deref()
        .filter(|subset| !subset.is_empty() && !is_label(subset))
    {
        let what = format!("the subset \"{subset}\" is not a DNS label");
        found.push(spot.field("subset").finding(&SUBSET_NAME, what));
    }
    if let Some(port) = to.port.as_ref().filter(|port| !(1..=65535).contains(&port.number)) {
        let what = format!("{} is not a port number", port.number);
        found.push(spot.field("port.number").finding(&PORT_OUT_OF_RANGE, what));
    }
}

/// The weights of every route.
struct Weights;

impl Rule for Weights {
    fn codes(&self) -> &'static [&'static Code] {
        &[&WEIGHT_INVALID]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            let spec = &service.object.spec;
            let spot = |field: &str, at: usize| Spot::new(service, format!("spec.{field}[{at}].route"));
            for (at, route) in spec.http.iter().enumerate() {
                let weights = route.route.iter().map(|to| to.weight);
                check_weights(weights, &spot("http", at), found);
            }
            for (at, route) in spec.tls.iter().enumerate() {
                let weights = route.route.iter().map(|to| to.weight);
                check_weights(weights, &spot("tls", at), found);
            }
            for (at, route) in spec.tcp.iter().enumerate() {
                let weights = route.route.iter().map(|to| to.weight);
                check_weights(weights, &spot("tcp", at), found);
            }
        }
    }
}

fn check_weights(weights: impl ExactSizeIterator<Item = Option<i32>>, spot: &Spot<'_>, found: &mut Findings) {
    let several = weights.len() > 1;
    let mut total = 0;
    for (at, weight) in weights.enumerate() {
        let weight = weight.unwrap_or_default();
        if weight < 0 {
            let what = format!("the weight {weight} is negative");
            found.push(spot.at(at).field("weight").finding(&WEIGHT_INVALID, what));
        }
        total += i64::from(weight);
    }
    if several && total == 0 {
        found.push(spot.finding(&WEIGHT_INVALID, "the weights of several destinations add up to 0"));
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::assert_code;

    /// Each row: routes of a VirtualService, and the paths at which the code is found.
    fn table(code: &str, cases: &[(&str, &[&str])]) {
        for (routes, paths) in cases {
            let yaml = format!(
                "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a}}\n\
                 spec: {{hosts: [a.com], {routes}}}\n"
            );
            assert_code(&yaml, code, paths);
        }
    }

    #[test]
    fn hosts_are_names() {
        table(
            "ITL0612",
            &[
                ("http: [{route: [{destination: {host: reviews}}]}]", &[]),
                (
                    "http: [{route: [{destination: {host: reviews.shop.svc.cluster.local}}]}]",
                    &[],
                ),
                ("tcp: [{route: [{destination: {host: '*.example.com'}}]}]", &[]),
                ("http: [{route: [{destination: {host: reviews.}}]}]", &[]),
                (
                    "http: [{route: [{destination: {host: '*'}}]}]",
                    &["spec.http[0].route[0].destination.host"],
                ),
                (
                    "http: [{route: [{destination: {host: a}}], mirror: {host: 'http://b'}}]",
                    &["spec.http[0].mirror.host"],
                ),
                (
                    "tcp: [{route: [{destination: {host: ''}}]}]",
                    &["spec.tcp[0].route[0].destination.host"],
                ),
            ],
        );
    }

    #[test]
    fn subsets_and_ports() {
        let to = |destination: &str| format!("http: [{{route: [{{destination: {{host: a{destination}}}}}]}}]");
        table(
            "ITL0613",
            &[
                (&to(", subset: v1"), &[]),
                (&to(", subset: ''"), &[]),
                (&to(""), &[]),
                (&to(", subset: v1.2"), &["spec.http[0].route[0].destination.subset"]),
            ],
        );
        table(
            "ITL0607",
            &[
                (&to(", port: {number: 1}"), &[]),
                (&to(", port: {number: 65535}"), &[]),
                (&to(""), &[]),
                (
                    &to(", port: {number: 0}"),
                    &["spec.http[0].route[0].destination.port.number"],
                ),
                (
                    &to(", port: {number: 65536}"),
                    &["spec.http[0].route[0].destination.port.number"],
                ),
            ],
        );
    }

    #[test]
    fn weights_share_out() {
        let two = |a: &str, b: &str| {
            format!("http: [{{route: [{{destination: {{host: a}}{a}}}, {{destination: {{host: b}}{b}}}]}}]")
        };
        table(
            "ITL0614",
            &[
                (&two(", weight: 1", ", weight: 2"), &[]),
                (&two(", weight: 0", ", weight: 100"), &[]),
                ("http: [{route: [{destination: {host: a}, weight: 0}]}]", &[]),
                (&two("", ""), &["spec.http[0].route"]),
                (&two(", weight: -1", ", weight: 3"), &["spec.http[0].route[0].weight"]),
                (
                    "tcp: [{route: [{destination: {host: a}, weight: 0}, {destination: {host: b}}]}]",
                    &["spec.tcp[0].route"],
                ),
                (
                    "tls: [{match: [{sniHosts: [a.com]}], route: [{destination: {host: a}, weight: -1}]}]",
                    &["spec.tls[0].route[0].weight"],
                ),
            ],
        );
    }
}
