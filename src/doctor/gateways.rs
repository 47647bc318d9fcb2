//! Whether every host has a server, and the applied objects were accepted.

use super::causes::{Causes, skip_for};
use super::control_plane::{field, object};
use super::facts::{Facts, OfApi, title};
use crate::lint::codes::{API_GATEWAY_UNCLAIMED, HOST_WITHOUT_SERVER, OBJECT_NOT_ACCEPTED};
use crate::lint::{Finding, Findings};
use crate::manifests::server_hosts::intersection;
use crate::remedy::{Remedy, kubectl, ours};

pub(super) fn check(facts: &Facts, causes: &mut Causes, found: &mut Findings) {
    if let Some(of_api) = &facts.of_api {
        taken_up(facts, of_api, causes, found);
    }
    // Those of the Gateway API are checked later, when more is known: see `listeners`.
    for complaint in facts.complaints.iter().filter(|_| facts.of_api.is_none()) {
        found.push(Finding::new(
            &OBJECT_NOT_ACCEPTED,
            field(&complaint.object, &complaint.path),
            format!("{} is not accepted: {}", complaint.object, complaint.message),
        ));
    }
    match &facts.gateways {
        Err(reason) => found.skip(&HOST_WITHOUT_SERVER, reason),
        Ok(_) => hosts(facts, causes, found),
    }
}

/// A Gateway of the Gateway API needs a controller: istiod, for its own classes.
fn taken_up(facts: &Facts, of_api: &OfApi, causes: &mut Causes, found: &mut Findings) {
    let (Some(state), Some(gateway)) = (&of_api.unclaimed, facts.gateways().first()) else {
        return;
    };
    if let Some(cause) = causes.control_plane {
        causes.pods = Some(cause);
        return skip_for(found, &API_GATEWAY_UNCLAIMED, &title(gateway), cause);
    }
    causes.pods = Some(API_GATEWAY_UNCLAIMED.id);
    let class = &of_api.class;
    let finding = Finding::new(
        &API_GATEWAY_UNCLAIMED,
        field(&title(gateway), "spec.gatewayClassName"),
        match of_api.is_known {
            Ok(false) => format!("{} has the class {class:?}, which does not exist", title(gateway)),
            _ => format!("no controller has accepted {}: {state}", title(gateway)),
        },
    );
    let (namespace, name) = (gateway.metadata.namespace_or("default"), &gateway.metadata.name);
    let classes = Remedy::from(kubectl::get(&["gatewayclasses"])).and(" lists the existing ones");
    found.push(match of_api.is_known {
        Ok(false) if class != "istio" => {
            let patch = r#"{"spec":{"gatewayClassName":"istio"}}"#;
            let line = kubectl::patch(namespace, kubectl::API_GATEWAYS, name, "merge", patch);
            finding.fix(Remedy::from(line).and("; ").and(classes))
        }
        Ok(false) => finding.fix(
            Remedy::from(kubectl::pods_of_istiod())
                .and(" shows whether istiod, which creates that class, is running; ")
                .and(classes),
        ),
        _ => finding.fix(
            Remedy::from(kubectl::pods_of_istiod())
                .and(" shows whether istiod is running; ")
                .and(kubectl::get(&["gatewayclass", class, "-o", "yaml"]))
                .and(" shows the controller of the class"),
        ),
    });
}

fn hosts(facts: &Facts, causes: &mut Causes, found: &mut Findings) {
    let servers = facts.tls_servers();
    for host in &facts.hosts {
        let covered = servers.iter().flat_map(|server| &server.hosts);
        let mut covered = covered.filter(|known| intersection(known, host) == Some(host));
        if covered.next().is_some() || facts.covered.contains(host) {
            continue;
        }
        if let Some(reason) = &facts.unseen_gateways {
            found.skip(&HOST_WITHOUT_SERVER, reason);
            continue;
        }
        causes.hosts.insert(host.clone(), HOST_WITHOUT_SERVER.id);
        let finding = Finding::new(
            &HOST_WITHOUT_SERVER,
            object(""),
            format!("no Gateway in the cluster has a server that terminates TLS for {host}"),
        );
        found.push(if facts.own_hosts.contains(host) {
            finding.fix(ours::apply())
        } else {
            finding.fix(
                Remedy::from(ours::gen_certs(host.as_str()).and(ours::apply()))
                    .and(", or add the host to a server of a Gateway"),
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::doctor::examine;
    use crate::doctor::facts::Complaint;
    use crate::doctor::testing::{HOST, assert_one, assert_skipped, change, gateway, of_api};

    #[test]
    fn a_gateway_of_the_api_waits_for_a_controller() {
        let waiting = |class: &'static str, is_known: Result<bool, &'static str>| {
            let mut facts = of_api();
            facts.pods = Ok(Vec::new());
            let of_api = facts.of_api.as_mut().unwrap();
            class.clone_into(&mut of_api.class);
            of_api.is_known = is_known.map_err(str::to_owned);
            of_api.unclaimed = Some("Accepted is Unknown (Pending: Waiting for controller)".into());
            facts
        };
        let finding = assert_one(
            &waiting("isto", Ok(false)),
            "ITL1106",
            "class \"isto\", which does not exist",
        );
        assert!(
            finding.fix.contains("patch gateways.gateway.networking.k8s.io edge"),
            "{}",
            finding.fix
        );
        let finding = assert_one(&waiting("istio", Ok(false)), "ITL1106", "class \"istio\"");
        assert!(!finding.fix.contains("-o yaml"), "{}", finding.fix);
        assert_one(
            &waiting("istio", Ok(true)),
            "ITL1106",
            "no controller has accepted Gateway web/edge: Accepted is Unknown",
        );
        assert_one(
            &waiting("istio", Err("forbidden")),
            "ITL1106",
            "no controller has accepted",
        );
        assert_skipped(&waiting("istio", Ok(true)), "ITL1110", "see ITL1106");
        let mut down = waiting("istio", Ok(true));
        down.istiod.as_mut().unwrap()[0].ready = false;
        assert_one(&down, "ITL1102", "istiod");
        assert_skipped(&down, "ITL1106", "see ITL1102");
        assert_eq!(examine(&of_api()).findings, []);
    }

    #[test]
    fn a_host_of_another_gateway_needs_no_server_here() {
        let mut facts = change(|facts| facts.hosts.push("shop.example.com".into()));
        assert_one(&facts, "ITL1104", "shop.example.com");
        facts.covered.insert("shop.example.com".into());
        assert_eq!(examine(&facts).findings, []);
    }

    #[test]
    fn every_host_has_a_server_that_terminates_tls() {
        for servers in [
            "",
            r#"{"port":{"number":443,"name":"a","protocol":"HTTPS"},"hosts":["other.example.com"],"tls":{"mode":"SIMPLE","credentialName":"c"}}"#,
            r#"{"port":{"number":443,"name":"a","protocol":"TLS"},"hosts":["httpbin.example.com"],"tls":{"mode":"PASSTHROUGH"}}"#,
            r#"{"port":{"number":80,"name":"a","protocol":"HTTP"},"hosts":["httpbin.example.com"]}"#,
        ] {
            let facts = change(|facts| {
                facts.gateways = Ok(vec![gateway(servers)]);
                facts.certificates.clear();
            });
            let finding = assert_one(&facts, "ITL1104", HOST);
            assert!(finding.fix.contains("istio-tls apply"));
        }
        let unread = change(|facts| {
            facts.gateways = Err("forbidden".into());
            facts.certificates.clear();
        });
        assert_skipped(&unread, "ITL1104", "forbidden");
        let other = change(|facts| facts.hosts = vec!["shop.example.com".into()]);
        let finding = assert_one(&other, "ITL1104", "shop.example.com");
        assert!(
            finding
                .fix
                .starts_with("istio-tls gen-certs shop.example.com && istio-tls apply"),
            "{}",
            finding.fix
        );
        let partly = change(|facts| {
            facts.gateways = Ok(Vec::new());
            facts.unseen_gateways = Some("other namespaces may not be listed".into());
            facts.certificates.clear();
        });
        assert_skipped(&partly, "ITL1104", "other namespaces");
    }

    #[test]
    fn a_status_that_complains_is_told() {
        let facts = change(|facts| {
            facts.complaints.push(Complaint {
                object: "Gateway default/mygateway".into(),
                path: "status.conditions[type=Reconciled]".into(),
                message: "Invalid: no port".into(),
            });
        });
        assert_one(&facts, "ITL1103", "no port");
    }
}
