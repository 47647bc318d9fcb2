//! Remedies for hosts that are not served, based on what is known about the cluster, which a probe
//! does not know.

use super::facts::{Certificate, End, Facts, Refusal, Served};
use super::served::certificates;
use crate::manifests::model::service::TargetPort;
use crate::manifests::server_hosts::intersection;
use crate::remedy::{Kind, Line, Remedy, Word, kubectl, ours};

/// Whether a proxy of the gateway has certificates, so that the problem is on the path to it.
fn is_ready_inside(facts: &Facts) -> bool {
    let views = facts.proxies.iter().filter_map(|proxy| proxy.view.as_ref().ok());
    views
        .into_iter()
        .any(|view| !view.active.is_empty() || !view.loaded.is_empty())
}

/// How to check the gateway itself, and where the path to it ends.
fn around(facts: &Facts, host: &str) -> Remedy {
    Remedy::from("the gateway's proxy has its certificates, so check the path to it: whether the address is the gateway's, firewall, node ports (")
        .and(kubectl::services(&facts.found_namespace))
        .and(");")
        .below(past_the_way(facts, host))
}

/// A connection to the pod itself.
fn past_the_way(facts: &Facts, host: &str) -> Remedy {
    let pods = facts.gateway_pods();
    let pod = match pods.first() {
        Some(pod) => format!("pod/{}", pod.name).into(),
        None => Word::Placeholder("pod/POD"),
    };
    let ports = format!("8443:{}", pod_port(facts, host));
    Remedy::from("to bypass it: ")
        .and(kubectl::port_forward(&facts.found_namespace, pod, &ports))
        .and(", and in another terminal ")
        .and(ours::probe_at(host, "127.0.0.1:8443"))
}

/// The port of the pods that serves a host.
fn pod_port(facts: &Facts, host: &str) -> u32 {
    const INSTALLED: u32 = 8443;
    let servers = facts.tls_servers();
    let mut covering = servers
        .iter()
        .filter(|server| server.hosts.iter().any(|known| intersection(known, host).is_some()));
    let Some(number) = covering.next().map(|server| server.server.port.number) else {
        return INSTALLED;
    };
    let pods = facts.gateway_pods();
    let services = facts.services.as_deref().unwrap_or_default().iter();
    let leading = services.filter(|service| pods.iter().any(|pod| pod.is_selected(&service.spec.selector)));
    let mut ports = leading.flat_map(|service| &service.spec.ports);
    match ports
        .find(|port| u32::from(port.port) == number)
        .map(|port| &port.target_port)
    {
        Some(Some(TargetPort::Number(target))) => u32::from(*target),
        Some(Some(TargetPort::Name(name))) => {
            let mut named = pods.iter().filter_map(|pod| pod.ports.get(name));
            named.next().map_or(number, |port| u32::from(*port))
        }
        _ => number,
    }
}

/// The remedy, based on what is known about the cluster, which the probe does not know.
pub(super) fn fix_of(facts: &Facts, one: &Served, refusal: &Refusal) -> Remedy {
    match refusal.end {
        End::Told if refusal.fix.is_empty() => ours::probe_cluster(one.host.as_str()).into(),
        End::Told => refusal.fix.clone(),
        End::Unreachable | End::Refused if is_ready_inside(facts) => around(facts, &one.host),
        End::Unreachable | End::Refused | End::Silent => by_what_is_known(facts, one),
    }
}

/// If everything visible is correct, the remedy is to check what is not visible.
fn by_what_is_known(facts: &Facts, one: &Served) -> Remedy {
    let mut unknown: Vec<String> = Vec::new();
    if let Err(reason) = &facts.gateways {
        unknown.push(format!("whether a Gateway has {} ({reason})", one.host));
    }
    if let Some(Certificate {
        secret,
        leaf: Err(reason),
        ..
    }) = certificates(facts, &one.host).first()
    {
        unknown.push(format!("the content of Secret {secret} ({reason})"));
    }
    if let Err(reason) = &facts.pods {
        unknown.push(format!("whether the gateway's pods are running ({reason})"));
    }
    if let Err(reason) = &facts.services {
        unknown.push(format!("whether a Service selects them ({reason})"));
    }
    let views = || facts.proxies.iter().map(|proxy| &proxy.view);
    if facts.pods.is_ok() && !views().any(Result::is_ok) {
        // The reason may be long, and is listed there.
        unknown.push("what the gateway's proxy has loaded (skipped: ITL1150)".to_owned());
    }
    let namespace = &facts.found_namespace;
    let pods = facts.gateway_pods();
    match (unknown.is_empty(), pods.first()) {
        (true, _) => Remedy::from(format!(
            "Gateway, Secret and proxy are correct, so check what else may respond at {}: ",
            one.target
        ))
        .and(kubectl::services(namespace))
        .and(";")
        .below(past_the_way(facts, &one.host)),
        (false, Some(pod)) => Remedy::from(format!(
            "the visible part of the cluster is correct; not known here: {};",
            unknown.join(", ")
        ))
        .below("a user who may port-forward and can reach the node sees it: ")
        .and(kubectl::port_forward(namespace, format!("pod/{}", pod.name), "15000"))
        .and(", and in another terminal ")
        .and(Line::new(
            Kind::CurlAdmin,
            ["curl", "-s", "http://127.0.0.1:15000/certs"],
        )),
        (false, None) => Remedy::from(format!("not known here: {};", unknown.join(", ")))
            .below(ours::doctor().arg(one.host.as_str()))
            .and(" as a user who may read that shows more"),
    }
}

#[cfg(test)]
mod tests {
    use crate::doctor::facts::End;
    use crate::doctor::testing::{assert_one, ended, service};

    #[test]
    fn where_the_proxy_is_well_the_way_to_it_is_looked_at() {
        let finding = assert_one(&ended(End::Unreachable), "ITL1162", "cannot be reached from here");
        assert!(
            finding.fix.contains("port-forward pod/gateway 8443:8443"),
            "{}",
            finding.fix
        );
        assert!(!finding.fix.contains("istio-tls apply"), "{}", finding.fix);
        // Nothing listens there: a different machine, or not a port of the gateway.
        let mut facts = ended(End::Refused);
        let finding = assert_one(&facts, "ITL1161", "is not served");
        assert!(
            finding.fix.contains("port-forward pod/gateway 8443:8443"),
            "{}",
            finding.fix
        );
        // The pod's port is the target port of the Service.
        for (target, expected) in [("9443", 9443), ("\"https\"", 8443), ("null", 443)] {
            let ports = format!(r#"{{"name":"https","port":443,"targetPort":{target}}}"#);
            facts.services = Ok(vec![service(
                "istio-ingressgateway",
                r#"{"istio":"ingressgateway"}"#,
                &ports,
            )]);
            let finding = assert_one(&facts, "ITL1161", "is not served");
            assert!(
                finding.fix.contains(&format!("pod/gateway 8443:{expected},")),
                "{}",
                finding.fix
            );
        }
    }

    #[test]
    fn the_advice_fits_what_is_known() {
        let finding = assert_one(&ended(End::Silent), "ITL1161", "reset");
        assert!(
            finding.fix.starts_with("Gateway, Secret and proxy are correct"),
            "{}",
            finding.fix
        );
        for end in [End::Silent, End::Refused, End::Unreachable] {
            let code = if end == End::Unreachable { "ITL1162" } else { "ITL1161" };
            let mut facts = ended(end);
            facts.proxies[0].view = Err("pods/portforward is forbidden".into());
            let finding = assert_one(&facts, code, "reset");
            assert!(
                finding
                    .fix
                    .contains("what the gateway's proxy has loaded (skipped: ITL1150)")
                    && finding.fix.contains("port-forward pod/gateway 15000"),
                "{}",
                finding.fix
            );
            facts.certificates[0].leaf = Err("secrets are forbidden".into());
            facts.gateways = Err("gateways are forbidden".into());
            facts.pods = Err("pods are forbidden".into());
            let finding = assert_one(&facts, code, "reset");
            for words in [
                "secrets are",
                "gateways are",
                "pods are",
                "istio-tls doctor httpbin.example.com as a user",
            ] {
                assert!(finding.fix.contains(words), "{}", finding.fix);
            }
            assert!(!finding.fix.contains("istio-tls apply"), "{}", finding.fix);
        }
    }
}
