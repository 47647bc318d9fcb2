//! The pods that a Gateway selects, and whether Services expose its ports.

use std::collections::HashSet;

use crate::lint::codes::{PORT_NOT_ON_SERVICE, SELECTOR_NO_PODS};
use crate::lint::index::pods::Labels;
use crate::lint::{Code, Finding, Findings, Need, Rule, Severity, World};
use crate::remedy::{Kind, Line, Remedy};
use crate::spelling::is_near;

pub(super) static RULES: &[&dyn Rule] = &[&SelectorPods, &ServicePorts];

/// The value of the label `istio` on the gateway that Istio installs.
const INSTALLED: &str = "ingressgateway";
/// How many Service ports a finding lists.
const SHOWN: usize = 12;

/// Selectors that match neither the ingress gateway's pods nor pods in the input.
struct SelectorPods;

impl Rule for SelectorPods {
    fn codes(&self) -> &'static [&'static Code] {
        &[&SELECTOR_NO_PODS]
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::AllOf(&["Pod"])]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        // Without gateway pods in the input, only a typo can be distinguished from a gateway that
        // is installed elsewhere.
        let knows_gateways = world.store.in_cluster
            || world
                .pods
                .all()
                .iter()
                .any(|pods| !pods.is_assumed() && pods.template.is_gateway());
        for (number, gateway) in world.gateways.iter().enumerate() {
            if world.workloads.has_pods(number) {
                continue;
            }
            let selector = &gateway.object.spec.selector;
            let finding = Finding::new(
                &SELECTOR_NO_PODS,
                gateway.place("spec.selector"),
                format!("the Gateway's selector {} matches no pods", selector_words(selector)),
            );
            let labels = selector_words(&world.settings.pod_labels);
            let source = world.store.source();
            found.push(
                if knows_gateways || is_slip(world, selector) {
                    finding.why(format!(
                        "the ingress gateway's pods have {labels}, and no pods in {source} match; the Gateway's ports do not open"
                    ))
                } else {
                    finding.severity(Severity::Info).why(format!(
                        "{source} has no gateway pods, and Istio's default gateway has {labels}; unless another gateway runs, the Gateway's ports do not open"
                    ))
                }
                .fix(fix_of_selector(world, selector)),
            );
        }
    }
}

/// Other labels may be intended (egress, east-west, Helm's names), so a correction is suggested
/// only for what looks like a typo.
fn is_slip(world: &World<'_>, selector: &Labels) -> bool {
    let is_installed = world
        .settings
        .pod_labels
        .get("istio")
        .is_some_and(|value| value == INSTALLED);
    let only = selector.iter().next().filter(|_| selector.len() == 1);
    let is_near_it = only.is_some_and(|(label, value)| match label.as_str() {
        // The egress gateway's label differs by two letters.
        "istio" if value == "egressgateway" => false,
        "istio" => value == "istio-ingressgateway" || is_near(value, INSTALLED),
        "app" => value == INSTALLED,
        _ => false,
    });
    is_installed && is_near_it
}

fn fix_of_selector(world: &World<'_>, selector: &Labels) -> Remedy {
    match (world.store.in_cluster, is_slip(world, selector)) {
        (true, true) => "write istio: ingressgateway, if that is what you meant".into(),
        (true, false) => {
            let pods = Line::new(Kind::KubectlGet, ["get", "pods", "-A", "--show-labels"]);
            Remedy::from("write the labels of your gateway's pods; ")
                .and(pods)
                .and(" lists them")
        }
        (false, true) => {
            "write istio: ingressgateway, if that is what you meant; otherwise lint together with the Deployment of these pods"
                .into()
        }
        (false, false) => {
            "lint together with the Deployment of these pods; if there is none, write the labels of your gateway's pods"
                .into()
        }
    }
}

fn selector_words(labels: &Labels) -> String {
    let words: Vec<String> = labels
        .iter()
        .map(|(label, value)| format!("{label}: {value}"))
        .collect();
    words.join(", ")
}

/// Ports that cannot be reached through a Service.
struct ServicePorts;

impl Rule for ServicePorts {
    fn codes(&self) -> &'static [&'static Code] {
        &[&PORT_NOT_ON_SERVICE]
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::AllOf(&["Service"])]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let mut told: HashSet<(usize, u32)> = HashSet::new();
        for at in world.servers() {
            let port = at.server.port.number;
            // Unix sockets have no Service, and an invalid port is a separate error.
            let is_port = (1..=65535).contains(&port) && !at.bind().starts_with("unix://");
            if !is_port
                || !world.workloads.has_pods(at.number)
                || world.workloads.is_on_service(at.number, port)
                || !told.insert((at.number, port))
            {
                continue;
            }
            let ports: Vec<String> = world
                .workloads
                .service_ports(at.number)
                .iter()
                .take(SHOWN)
                .map(u32::to_string)
                .collect();
            let what = if ports.is_empty() {
                format!("port {port} is on no Service, because none selects the gateway's pods")
            } else {
                format!(
                    "port {port} is not a port of the gateway's Services, which have {}",
                    ports.join(", ")
                )
            };
            let finding = at.finding(&PORT_NOT_ON_SERVICE, "port.number", what);
            if ports.is_empty() && world.services.is_empty() && !world.store.in_cluster {
                found.push(
                    finding
                        .severity(Severity::Info)
                        .why("the input has the gateway's pods but no Service for them; without one, external clients cannot reach the port")
                        .fix("lint together with the gateway's Service, or add a Service with this port"),
                );
                continue;
            }
            found.push(if world.workloads.is_on_installed_service(at.number, port) {
                finding
                    .severity(Severity::Info)
                    .why(format!("the Service is not in {}, so its ports are those that istioctl analyze assumes; Istio's installation maps port 80 to 8080 and 443 to 8443, and there the port can be reached", world.store.source()))
                    .fix(if world.store.in_cluster {
                        "number: 80 or 443, which works with either Service"
                    } else {
                        "number: 80 or 443, which works with either Service, or lint together with the Service"
                    })
            } else {
                finding
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::{assert_cases, gateway, named};
    use crate::lint::Severity;
    use crate::lint::testing::{lint_yaml, only};

    fn http(port: &str) -> String {
        format!("{{port: {{number: {port}, name: p{port}, protocol: HTTP}}, hosts: [a.com]}}")
    }

    fn workload(kind: &str, version: &str, labels: &str) -> String {
        format!(
            "---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: mine, namespace: edge}}\n\
             spec: {{template: {{metadata: {{labels: {labels}}}}}}}\n"
        )
    }

    fn pod(namespace: &str, labels: &str) -> String {
        format!("---\napiVersion: v1\nkind: Pod\nmetadata: {{name: mine, namespace: {namespace}, labels: {labels}}}\n")
    }

    fn service(name: &str, namespace: &str, selector: &str, ports: &str) -> String {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
             spec: {{selector: {selector}, ports: [{ports}]}}\n"
        )
    }

    fn selecting(selector: &str, port: &str) -> String {
        named("gw", "default", selector, &http(port))
    }

    #[test]
    fn selectors_match_pods() {
        let at: &[&str] = &["spec.selector"];
        let mine = selecting("{istio: mine}", "80");
        let labels = "{istio: mine, app: x}";
        assert_cases(
            "ITL0201",
            &[
                (selecting("{istio: ingresstypo}", "80"), at),
                (selecting("{istio: ingressgateway, app: other}", "80"), at),
                (
                    format!("{mine}{}", workload("Deployment", "apps/v1", "{istio: else}")),
                    at,
                ),
                (format!("{mine}{}", workload("Job", "batch/v1", labels)), at),
                (selecting("{istio: ingressgateway}", "80"), &[]),
                (selecting("{app: istio-ingressgateway}", "80"), &[]),
                (selecting("{}", "80"), &[]),
                (format!("{mine}{}", workload("Deployment", "apps/v1", labels)), &[]),
                (format!("{mine}{}", workload("DaemonSet", "apps/v1", labels)), &[]),
                (format!("{}{mine}", pod("edge", labels)), &[]),
            ],
        );
    }

    #[test]
    fn other_labels_are_proposed_only_for_a_slip() {
        for (selector, is_slip) in [
            ("{istio: ingressgatway}", true),
            ("{istio: ingress-gateway}", true),
            ("{istio: istio-ingressgateway}", true),
            ("{app: ingressgateway}", true),
            ("{istio: egressgateway}", false),
            ("{istio: eastwestgateway}", false),
            ("{istio: ingress}", false),
            ("{istio: ingressgatway, app: other}", false),
            ("{app: my-gateway}", false),
        ] {
            let finding = only(&selecting(selector, "80"), "ITL0201");
            assert_eq!(finding.fix.contains("istio: ingressgateway"), is_slip, "{selector}");
            assert!(finding.fix.contains("Deployment of these pods"), "{selector}");
            let severity = if is_slip { Severity::Error } else { Severity::Info };
            assert_eq!((finding.severity, finding.istio), (severity, Some("IST0101")));
        }
    }

    /// If the input has gateway pods, a selector that matches none is wrong.
    #[test]
    fn selectors_are_judged_where_gateways_are_known() {
        let of = |kind: &str, template: &str| {
            format!(
                "---\napiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: gw, namespace: edge}}\nspec: {{template: {{{template}}}}}\n"
            )
        };
        let by_hand = "metadata: {labels: {istio: edge}}, spec: {containers: [{name: istio-proxy}]}";
        let injected = "metadata: {labels: {istio: edge}, annotations: {inject.istio.io/templates: gateway}}";
        let other = "metadata: {labels: {app: shop}}, spec: {containers: [{name: shop}]}";
        for (beside, severity) in [
            (of("Deployment", by_hand), Severity::Error),
            (of("DaemonSet", injected), Severity::Error),
            (of("Deployment", other), Severity::Info),
        ] {
            let yaml = format!("{}{beside}", selecting("{app: mine}", "80"));
            assert_eq!(only(&yaml, "ITL0201").severity, severity, "{yaml}");
        }
    }

    /// The cases of Istio's own analysis: by port, by target port, by neither.
    #[test]
    fn ports_are_on_a_service() {
        let at: &[&str] = &["spec.servers[0].port.number"];
        let mine = |port: &str| format!("{}{}", selecting("{my: gw}", port), pod("edge", "{my: gw}"));
        let with = |port: &str, service_port: &str| {
            format!("{}{}", mine(port), service("s", "edge", "{my: gw}", service_port))
        };
        let ingress = |ports: &str| {
            format!(
                "{}{}",
                gateway(&http("9080")),
                service("istio-ingressgateway", "istio-system", "{istio: ingressgateway}", ports)
            )
        };
        assert_cases(
            "ITL0202",
            &[
                (gateway(&http("8004")), at),
                (
                    gateway(&format!("{}, {}", http("80"), http("8004"))),
                    &["spec.servers[1].port.number"],
                ),
                (mine("80"), at),
                (with("8004", "{port: 80}"), at),
                (with("8004", "{port: 80, targetPort: 8003}"), at),
                (with("8004", "{port: 8004, protocol: UDP}"), at),
                (with("8004", "{port: 80, targetPort: http}"), at),
                (
                    format!("{}{}", mine("80"), service("s", "other", "{my: gw}", "{port: 80}")),
                    at,
                ),
                (ingress("{port: 443}"), at),
                (gateway(&format!("{}, {}", http("80"), http("443"))), &[]),
                (gateway(&format!("{}, {}", http("31400"), http("15443"))), &[]),
                (with("8003", "{port: 80, targetPort: 8003}"), &[]),
                (with("80", "{port: 80, targetPort: 8003, protocol: TCP}"), &[]),
                (with("8003", "{port: 80, targetPort: \"8003\"}"), &[]),
                (ingress("{port: 80, targetPort: 9080}"), &[]),
                (selecting("{istio: ingresstypo}", "8080"), &[]),
                (gateway(&http("0")), &[]),
            ],
        );
    }

    /// Istio's installation has target ports that `istioctl analyze` does not assume.
    #[test]
    fn target_ports_of_the_installation_are_told_of() {
        let severity = |yaml: &str| {
            let findings = lint_yaml(yaml).findings.into_iter();
            let mut of_code = findings.filter(|finding| finding.code == "ITL0202");
            of_code.next().map(|finding| finding.severity)
        };
        let own = service(
            "istio-ingressgateway",
            "istio-system",
            "{istio: ingressgateway}",
            "{port: 80}",
        );
        for (yaml, expected) in [
            (gateway(&http("8080")), Some(Severity::Info)),
            (gateway(&http("8443")), Some(Severity::Info)),
            (gateway(&http("8004")), Some(Severity::Warning)),
            (format!("{}{own}", gateway(&http("8080"))), Some(Severity::Warning)),
            (gateway(&http("80")), None),
            // Without any Service in the input, it is unknown whether there is one.
            (
                format!("{}{}", selecting("{my: gw}", "80"), pod("edge", "{my: gw}")),
                Some(Severity::Info),
            ),
        ] {
            assert_eq!(severity(&yaml), expected, "{yaml}");
        }
    }

    #[test]
    fn a_service_beside_the_ingress_gateways_adds_ports() {
        let more = service("more", "istio-system", "{app: istio-ingressgateway}", "{port: 9443}");
        let yaml = format!("{}{more}", gateway(&format!("{}, {}", http("9443"), http("443"))));
        assert_cases("ITL0202", &[(yaml, &[])]);
    }
}
