//! Whether a Service exposes the gateway's pods and ports.

use std::collections::BTreeSet;

use super::causes::{Causes, skip_all, skip_for};
use super::control_plane::{field, object};
use super::facts::{Facts, Ingress, Labels, OfApi, Pod, Served, selector_words, server_path, title};
use super::kube_gateways::made_name;
use crate::lint::codes::{
    INGRESS_PORT_MISSING, INGRESS_SERVICE_MISSING, INGRESS_SERVICE_SELECTOR, INGRESS_WITHOUT_ADDRESS,
    INGRESS_WITHOUT_ENDPOINTS,
};
use crate::lint::{Code, Finding, Findings, Severity};
use crate::manifests::model::Service;
use crate::manifests::model::service::{ServicePort, TargetPort};
use crate::remedy::{Line, Remedy, kubectl, other};

/// The Service that Istio's installation creates.
const INSTALLED: &str = "istio-ingressgateway";
/// The target port of 443 in Istio's installation.
const INSTALLED_TARGET: &str = "8443";

pub(super) fn check(facts: &Facts, causes: &mut Causes, found: &mut Findings) {
    let all: [&'static Code; 5] = [
        &INGRESS_SERVICE_MISSING,
        &INGRESS_SERVICE_SELECTOR,
        &INGRESS_WITHOUT_ADDRESS,
        &INGRESS_PORT_MISSING,
        &INGRESS_WITHOUT_ENDPOINTS,
    ];
    let services = match &facts.services {
        Ok(services) => services,
        Err(reason) => return skip_all(found, &all, reason),
    };
    let pods = facts.gateway_pods();
    if pods.is_empty() {
        let reason = match causes.pods {
            Some(cause) => format!("the gateway's pods are unknown: see {cause}"),
            None => "the gateway's pods are unknown".to_owned(),
        };
        return skip_all(found, &all, &reason);
    }
    let mut leading: Vec<&Service> = services.iter().filter(|service| leads_to(service, &pods)).collect();
    // First the one whose address is checked.
    leading.sort_by_key(|service| (!has_port_443(service), name_of(service) != INSTALLED));
    if leading.is_empty() {
        let finding = not_leading(facts, services, &pods);
        causes.service = Some(finding.code);
        found.push(finding);
        return;
    }
    let ports = ports(facts, &leading, &pods, causes, found);
    endpoints(facts, &leading, causes, found);
    let is_https = |port: &ServicePort| port.port == 443 || port.name.as_deref() == Some("https");
    let mut all_ports = leading.iter().flat_map(|service| &service.spec.ports);
    if facts.ingress.is_err() && facts.tls_servers().is_empty() && !all_ports.any(is_https) {
        let reason = "the HTTPS port of the Service is unknown, because there is no known Gateway";
        return found.skip(&INGRESS_WITHOUT_ADDRESS, reason);
    }
    // Without the port, there is no address for it either.
    if let (Err(problem), false) = (&facts.ingress, ports) {
        let service = name_of(leading[0]);
        let mut finding = Finding::new(
            &INGRESS_WITHOUT_ADDRESS,
            object(&format!("Service {}/{service}", facts.found_namespace)),
            problem.what.clone(),
        );
        if let Some(why) = &problem.why {
            finding = finding.why(why.clone());
        }
        if let Some(fix) = &problem.fix {
            finding = finding.fix(by_probe(facts, fix));
        }
        found.push(finding);
    }
    if let Ok(Ingress {
        source,
        pending: Some(fix),
        ..
    }) = &facts.ingress
    {
        let service = name_of(leading[0]);
        // The node's address replaces it, if it works.
        let is_reached = !facts.served.iter().flatten().any(is_unconnected);
        let finding = Finding::new(
            &INGRESS_WITHOUT_ADDRESS,
            object(&format!("Service {}/{service}", facts.found_namespace)),
            format!(
                "the LoadBalancer of Service {}/{service} has no address yet",
                facts.found_namespace
            ),
        )
        .fix(by_probe(facts, fix));
        found.push(if is_reached {
            finding.severity(Severity::Info).why(format!(
                "status.loadBalancer.ingress is empty; in the meantime the address is {source}"
            ))
        } else {
            causes.service.get_or_insert(INGRESS_WITHOUT_ADDRESS.id);
            finding.why(format!(
                "status.loadBalancer.ingress is empty, and {source} cannot be reached from here"
            ))
        });
    }
}

/// A fix with a known host filled into the commands that probe a host.
fn by_probe(facts: &Facts, fix: &Remedy) -> Remedy {
    let servers = facts.tls_servers();
    let mut hosts = facts
        .hosts
        .iter()
        .chain(servers.iter().flat_map(|server| &server.hosts));
    match hosts.next() {
        Some(host) => fix.clone().fill("HOST", host),
        None => fix.clone(),
    }
}

fn is_unconnected(served: &Served) -> bool {
    matches!(&served.outcome, Err(refusal) if refusal.is_unconnected())
}

fn name_of(service: &Service) -> &str {
    &service.metadata.name
}

fn leads_to(service: &Service, pods: &[&Pod]) -> bool {
    let selector = &service.spec.selector;
    !selector.is_empty() && pods.iter().any(|pod| pod.is_selected(selector))
}

/// No Service selects the pods: either its selector is wrong, or there is none.
fn not_leading(facts: &Facts, services: &[Service], pods: &[&Pod]) -> Finding {
    let namespace = &facts.found_namespace;
    let labels = &pods[0].labels;
    let meant = services
        .iter()
        .find(|service| name_of(service) == INSTALLED)
        .or_else(|| {
            services
                .iter()
                .find(|service| has_port_443(service) && shares(service, labels))
        });
    if let (None, Some(of_api), Some(gateway)) = (meant, &facts.of_api, facts.gateways().first()) {
        let name = made_name(&gateway.metadata.name, &of_api.class);
        return Finding::new(
            &INGRESS_SERVICE_MISSING,
            object(""),
            format!(
                "no Service in namespace {namespace} selects the pods of {}",
                title(gateway)
            ),
        )
        .fix(
            Remedy::from(format!(
                "istiod creates the Service {namespace}/{name} together with the pods: "
            ))
            .and(kubectl::logs_of_istiod(facts.control_plane_namespace()))
            .and(" shows what prevents it"),
        );
    }
    let Some(service) = meant else {
        let words = selector_words(labels);
        return Finding::new(
            &INGRESS_SERVICE_MISSING,
            object(""),
            format!("no Service in namespace {namespace} selects the gateway's pods"),
        )
        .fix(
            Remedy::from("install the ingress gateway's Service (")
                .and(other::istioctl_install())
                .and(format!(
                    ", or the Helm chart istio/gateway), with a selector that matches the pods: {words}"
                )),
        );
    };
    let name = name_of(service);
    let selector = &service.spec.selector;
    let wrong: Labels = selector
        .iter()
        .filter(|(label, value)| labels.get(*label) != Some(value))
        .map(|(label, value)| (label.clone(), value.clone()))
        .collect();
    let what = if selector.is_empty() {
        format!("Service {namespace}/{name} has no selector, so it selects no pods")
    } else {
        format!(
            "Service {namespace}/{name} selects {}, but pod {} has {}",
            selector_words(selector),
            pods[0].name,
            selector_words(labels)
        )
    };
    // Labels that the pods do not have are removed, with null in a merge patch.
    let right: Vec<String> = wrong
        .keys()
        .map(|label| match labels.get(label) {
            Some(value) => format!("\"{label}\":\"{value}\""),
            None => format!("\"{label}\":null"),
        })
        .collect();
    let fix = if right.is_empty() {
        Remedy::from(format!("set the Service's selector to {}", selector_words(labels)))
    } else {
        let patch = format!(r#"{{"spec":{{"selector":{{{}}}}}}}"#, right.join(","));
        kubectl::patch(namespace, "service", name, "merge", &patch).into()
    };
    Finding::new(
        &INGRESS_SERVICE_SELECTOR,
        field(&format!("Service {namespace}/{name}"), "spec.selector"),
        what,
    )
    .fix(fix)
}

fn has_port_443(service: &Service) -> bool {
    service.spec.ports.iter().any(|port| port.port == 443)
}

/// Whether the selector has one of the pods' labels.
fn shares(service: &Service, labels: &Labels) -> bool {
    let mut selector = service.spec.selector.iter();
    selector.any(|(label, value)| labels.get(label) == Some(value))
}

/// Every server's port is a port of a Service; returns whether one was missing.
fn ports(facts: &Facts, leading: &[&Service], pods: &[&Pod], causes: &mut Causes, found: &mut Findings) -> bool {
    let mut seen = BTreeSet::new();
    let mut is_missing = false;
    let namespace = &facts.found_namespace;
    for server in facts.tls_servers() {
        let number = server.server.port.number;
        if !seen.insert(number) {
            continue;
        }
        let all = leading
            .iter()
            .flat_map(|service| service.spec.ports.iter().map(move |port| (*service, port)));
        let meant: Vec<(&Service, &ServicePort)> = all
            .filter(|(_, port)| is_tcp(port) && (u32::from(port.port) == number || target(port) == Some(number)))
            .collect();
        if meant.iter().any(|(_, port)| is_open(port, pods)) {
            continue;
        }
        is_missing = true;
        for host in &server.hosts {
            causes.hosts.insert(host.clone(), INGRESS_PORT_MISSING.id);
        }
        let title = title(server.gateway);
        let path = server_path(server.gateway, server.index);
        let path = if facts.of_api.is_some() {
            format!("{path}.port")
        } else {
            format!("{path}.port.number")
        };
        let service = name_of(leading[0]);
        found.push(if let Some((service, port)) = meant.first() {
            let name = match &port.target_port {
                Some(TargetPort::Name(name)) => name.clone(),
                _ => String::new(),
            };
            let place = service.spec.ports.iter().position(|one| one == *port).unwrap_or(0);
            let service = name_of(service);
            let called = format!("Service {namespace}/{service}");
            Finding::new(
                &INGRESS_PORT_MISSING,
                field(&called, "spec.ports"),
                format!(
                    "port {} of {called} has the target port {name:?}, but no container of the gateway's pods has a port with that name",
                    port.port
                ),
            )
            .why("a Service skips pods that do not have the named port")
            .fix(kubectl::patch(
                namespace,
                "service",
                service,
                "json",
                &format!(
                    r#"[{{"op":"replace","path":"/spec/ports/{place}/targetPort","value":{}}}]"#,
                    target_of(number)
                ),
            ))
        } else {
            let there: Vec<String> = leading.iter().flat_map(|service| &service.spec.ports).map(shown).collect();
            Finding::new(
                &INGRESS_PORT_MISSING,
                field(&title, &path),
                format!("Service {namespace}/{service} does not expose port {number} of {title}"),
            )
            .why(format!(
                "the port number of a Gateway's server is a port of the Service; the Service has {}",
                if there.is_empty() { "no ports".to_owned() } else { there.join(", ") }
            ))
            .fix(match &facts.of_api {
                Some(OfApi { service: None, .. }) => {
                    Remedy::from("istiod adds a port to the Service for each listener that it programs: ")
                        .and(kubectl::api_gateway(namespace, &server.gateway.metadata.name))
                        .and(" shows in status.listeners why not for this one")
                }
                _ => with_port(namespace, leading[0], number).into(),
            })
        });
    }
    is_missing
}

/// The target port in the pods that a Service should have for a Gateway's port.
fn target_of(number: u32) -> String {
    if number == 443 {
        INSTALLED_TARGET.to_owned()
    } else {
        number.to_string()
    }
}

/// The command that adds a port to a Service.
fn with_port(namespace: &str, service: &Service, number: u32) -> Line {
    // A single port of a Service needs no name, but several do.
    let named = match &service.spec.ports[..] {
        [ServicePort { name: None, port, .. }] => {
            format!("{{\"op\":\"add\",\"path\":\"/spec/ports/0/name\",\"value\":\"port-{port}\"}},")
        }
        _ => String::new(),
    };
    let patch = format!(
        r#"[{named}{{"op":"add","path":"/spec/ports/-","value":{{"name":"https-{number}","port":{number},"targetPort":{}}}}}]"#,
        target_of(number)
    );
    kubectl::patch(namespace, "service", name_of(service), "json", &patch)
}

fn shown(port: &ServicePort) -> String {
    match &port.name {
        Some(name) => format!("{} ({name})", port.port),
        None => port.port.to_string(),
    }
}

fn is_tcp(port: &ServicePort) -> bool {
    port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP")
}

/// The target port, if it is a number.
fn target(port: &ServicePort) -> Option<u32> {
    match &port.target_port {
        None => Some(port.port.into()),
        Some(TargetPort::Number(number)) => Some((*number).into()),
        Some(TargetPort::Name(_)) => None,
    }
}

/// Whether the pods have the named target port of a port.
fn is_open(port: &ServicePort, pods: &[&Pod]) -> bool {
    match &port.target_port {
        Some(TargetPort::Name(name)) => pods.iter().any(|pod| pod.ports.contains_key(name)),
        _ => true,
    }
}

fn endpoints(facts: &Facts, leading: &[&Service], causes: &mut Causes, found: &mut Findings) {
    let ready = match &facts.endpoints {
        Ok(ready) => ready,
        Err(reason) => return found.skip(&INGRESS_WITHOUT_ENDPOINTS, reason),
    };
    for service in leading {
        let name = name_of(service);
        if ready.get(name).is_some_and(|count| *count > 0) {
            continue;
        }
        let title = format!("Service {}/{name}", facts.found_namespace);
        if let Some(cause) = causes.pods {
            skip_for(found, &INGRESS_WITHOUT_ENDPOINTS, &title, cause);
            continue;
        }
        causes.service.get_or_insert(INGRESS_WITHOUT_ENDPOINTS.id);
        found.push(
            Finding::new(
                &INGRESS_WITHOUT_ENDPOINTS,
                object(&title),
                format!("{title} has no ready endpoint, although its pods exist"),
            )
            .fix(kubectl::get_in(
                &facts.found_namespace,
                &[
                    "endpointslices",
                    "-l",
                    &format!("kubernetes.io/service-name={name}"),
                    "-o",
                    "yaml",
                ],
            )),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::doctor::examine;
    use crate::doctor::facts::{End, Refusal};
    use crate::doctor::testing::{assert_one, assert_skipped, change, of_api, service};
    use crate::lint::Severity;
    use crate::problem::Problem;
    use crate::remedy::{Remedy, Word, ours};

    const PORTS: &str = r#"{"name":"https","port":443,"targetPort":8443}"#;
    const SELECTOR: &str = r#"{"istio":"ingressgateway"}"#;

    #[test]
    fn a_service_must_lead_to_the_pods() {
        let only = |name: &'static str, selector: &'static str| {
            change(move |facts| facts.services = Ok(vec![service(name, selector, PORTS)]))
        };
        let finding = assert_one(
            &only(
                "istio-ingressgateway",
                r#"{"istio":"ingress","app":"istio-ingressgateway","x":"y"}"#,
            ),
            "ITL1121",
            "selects app=istio-ingressgateway,istio=ingress,x=y",
        );
        assert!(
            finding.fix.ends_with(
                r#"patch service istio-ingressgateway --type=merge -p '{"spec":{"selector":{"istio":"ingressgateway","x":null}}}'"#
            ),
            "{}",
            finding.fix
        );
        assert_one(&only("istio-ingressgateway", "{}"), "ITL1121", "has no selector");
        assert_one(
            &only("edge", r#"{"app":"istio-ingressgateway","x":"y"}"#),
            "ITL1121",
            "istio-system/edge",
        );
        assert_one(
            &only("web", r#"{"app":"web"}"#),
            "ITL1120",
            "selects the gateway's pods",
        );
        let none = change(|facts| facts.services = Ok(Vec::new()));
        assert_one(&none, "ITL1120", "no Service in namespace istio-system");
        assert_skipped(
            &change(|facts| facts.services = Err("forbidden".into())),
            "ITL1120",
            "forbidden",
        );
    }

    #[test]
    fn a_gateways_port_must_be_one_of_the_service() {
        for (ports, expected) in [
            (PORTS, None),
            (r#"{"port":443}"#, None),
            (r#"{"port":8443,"targetPort":443}"#, None),
            (r#"{"port":443,"targetPort":"https"}"#, None),
            (r#"{"port":443,"targetPort":"web"}"#, Some("the target port \"web\"")),
            (r#"{"port":80}"#, Some("does not expose port")),
            (r#"{"port":443,"protocol":"UDP"}"#, Some("does not expose port")),
            (r#"{"port":443,"protocol":"UDP"},{"name":"https","port":443}"#, None),
            ("", Some("does not expose port")),
        ] {
            let facts = change(|facts| {
                facts.services = Ok(vec![service("istio-ingressgateway", SELECTOR, ports)]);
                if expected.is_some() {
                    facts.ingress = Err(Problem::new("no port named https"));
                    facts.served = Err("no address".into());
                }
            });
            match expected {
                None => assert_eq!(examine(&facts).findings, [], "{ports}"),
                Some(words) => drop(assert_one(&facts, "ITL1123", words)),
            }
        }
    }

    #[test]
    fn the_line_that_adds_a_port_is_one_that_the_server_takes() {
        let fix = |ports: &'static str| {
            let facts = change(|facts| {
                facts.services = Ok(vec![service("istio-ingressgateway", SELECTOR, ports)]);
                facts.served = Err("not asked".into());
            });
            assert_one(&facts, "ITL1123", "").fix
        };
        let added =
            r#"{"op":"add","path":"/spec/ports/-","value":{"name":"https-443","port":443,"targetPort":8443}}]'"#;
        let words = fix(r#"{"port":80}"#);
        let named = format!(r#"-p '[{{"op":"add","path":"/spec/ports/0/name","value":"port-80"}},{added}"#);
        assert!(words.ends_with(&named), "{words}");
        let words = fix(r#"{"port":80,"name":"http"}"#);
        assert!(words.ends_with(&format!("-p '[{added}")), "{words}");
        let words = fix(r#"{"port":80,"name":"http"},{"name":"https","port":443,"targetPort":"web"}"#);
        assert!(
            words.contains(r#"{"op":"replace","path":"/spec/ports/1/targetPort","value":8443}"#),
            "{words}"
        );
    }

    #[test]
    fn the_service_of_a_gateway_of_the_api_is_istiods() {
        let mut facts = of_api();
        facts.served = Err("not asked".into());
        facts.services.as_mut().unwrap()[0].spec.ports[0].port = 80;
        let finding = assert_one(&facts, "ITL1123", "does not expose port 443 of Gateway web/edge");
        assert_eq!(finding.path, "spec.listeners[0].port");
        assert!(finding.fix.contains("for each listener"), "{}", finding.fix);
        facts.of_api.as_mut().unwrap().service = Some("edge-istio".into());
        let finding = assert_one(&facts, "ITL1123", "does not expose port 443");
        assert!(
            finding.fix.starts_with("kubectl -n web patch service edge-istio"),
            "{}",
            finding.fix
        );
        facts.services = Ok(Vec::new());
        let finding = assert_one(&facts, "ITL1120", "selects the pods of Gateway web/edge");
        assert!(
            finding.fix.contains("creates the Service web/edge-istio"),
            "{}",
            finding.fix
        );
    }

    #[test]
    fn an_address_that_is_not_there_is_told_as_discovery_tells_it() {
        let facts = change(|facts| {
            facts.ingress = Err(Problem::new("the LoadBalancer has no address yet")
                .why("w")
                .fix("minikube tunnel"));
            facts.served = Err("no address".into());
        });
        let finding = assert_one(&facts, "ITL1122", "no address yet");
        assert_eq!((finding.why.as_str(), finding.fix), ("w", "minikube tunnel".into()));
        // A command for any host gets a known host.
        let facts = change(|facts| {
            let line = |address: Word| ours::probe_at(ours::HOST, address);
            let fix = Remedy::from(line(Word::Placeholder("ADDRESS:PORT"))).or(line("b".into()));
            facts.ingress = Err(Problem::new("no address").fix(fix));
            facts.served = Err("no address".into());
        });
        let line = "istio-tls probe httpbin.example.com --target";
        assert_eq!(
            assert_one(&facts, "ITL1122", "no address").fix,
            format!("{line} ADDRESS:PORT; or {line} b")
        );
    }

    #[test]
    fn without_gateways_no_port_is_missed() {
        let facts = |ports: &'static str| {
            change(move |facts| {
                facts.gateways = Err("gateways may not be listed".into());
                facts.certificates.clear();
                facts.services = Ok(vec![service("istio-ingressgateway", SELECTOR, ports)]);
                facts.ingress = Err(Problem::new("no address").fix("f"));
                facts.served = Err("no address".into());
            })
        };
        assert_skipped(&facts(r#"{"name":"tls","port":9443}"#), "ITL1122", "no known Gateway");
        assert_one(&facts(r#"{"name":"https","port":9443}"#), "ITL1122", "no address");
    }

    #[test]
    fn a_load_balancer_without_an_address_is_told_although_a_node_has_one() {
        let pending = |unconnected: bool| {
            change(move |facts| {
                let ingress = facts.ingress.as_mut().unwrap();
                ingress.source = "the InternalIP of the node one and the NodePort of Service a/b".into();
                ingress.pending = Some("minikube tunnel".into());
                if unconnected {
                    facts.served.as_mut().unwrap()[0].outcome = Err(Refusal {
                        end: End::Refused,
                        what: "refused".into(),
                        fix: "istio-tls apply".into(),
                    });
                }
            })
        };
        let finding = assert_one(&pending(false), "ITL1122", "has no address yet");
        assert_eq!(
            (finding.severity, finding.fix),
            (Severity::Info, "minikube tunnel".into())
        );
        let finding = assert_one(&pending(true), "ITL1122", "has no address yet");
        assert_eq!(
            (finding.severity, &finding.fix),
            (Severity::Warning, &"minikube tunnel".into())
        );
        assert!(finding.why.contains("and the InternalIP"), "{}", finding.why);
        assert_skipped(&pending(true), "ITL1161", "see ITL1122");
    }

    #[test]
    fn endpoints_must_be_ready() {
        let empty = change(|facts| {
            facts.endpoints = Ok([("istio-ingressgateway".to_owned(), 0)].into());
        });
        assert_one(&empty, "ITL1124", "has no ready endpoint");
        let explained = change(|facts| {
            facts.endpoints = Ok([].into());
            facts.pods.as_mut().unwrap()[0].ready = false;
        });
        assert_one(&explained, "ITL1112", "no gateway pod");
        assert_skipped(&explained, "ITL1124", "see ITL1112");
        assert_skipped(
            &change(|facts| facts.endpoints = Err("forbidden".into())),
            "ITL1124",
            "forbidden",
        );
    }
}
