//! Has every host a server, and is what was applied accepted?

use super::causes::Causes;
use super::control_plane::{field, object};
use super::facts::Facts;
use crate::lint::codes::{HOST_WITHOUT_SERVER, OBJECT_NOT_ACCEPTED};
use crate::lint::{Finding, Findings};
use crate::manifests::server_hosts::intersection;
use crate::shell::quote;

pub(super) fn check(facts: &Facts, causes: &mut Causes, found: &mut Findings) {
    for complaint in &facts.complaints {
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

fn hosts(facts: &Facts, causes: &mut Causes, found: &mut Findings) {
    let servers = facts.tls_servers();
    for host in &facts.hosts {
        let covered = servers.iter().flat_map(|server| &server.hosts);
        let mut covered = covered.filter(|known| intersection(known, host) == Some(host));
        if covered.next().is_some() {
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
            format!("no Gateway of the cluster has a server that terminates TLS for {host}"),
        );
        found.push(if facts.workspace {
            finding.fix("istio-tls apply, if the workspace has this host")
        } else {
            finding.fix(format!(
                "istio-tls gen-certs {} && istio-tls apply, or add the host to a server of a Gateway",
                quote(host)
            ))
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::doctor::facts::Complaint;
    use crate::doctor::testing::{HOST, assert_one, assert_skipped, change, gateway};

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
