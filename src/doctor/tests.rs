//! Properties of every examination.

use super::examine;
use super::facts::Facts;
use super::testing::{change, healthy};
use crate::lint::codes;
use crate::remedy::Cluster;

#[test]
fn a_healthy_cluster_has_no_finding_and_nothing_skipped() {
    let report = examine(&healthy());
    assert_eq!(report.findings, []);
    assert_eq!(report.skipped, []);
}

#[test]
fn every_line_to_type_leads_to_the_cluster_that_was_looked_at() {
    let broken = |flags: Cluster| {
        let mut facts = change(|facts| {
            facts.pods.as_mut().unwrap()[0].ready = false;
            facts.istiod.as_mut().unwrap()[0].ready = false;
            facts.accounts[0].verbs = Ok([].into());
        });
        facts.flags = flags;
        examine(&facts).findings
    };
    let findings = broken(Cluster {
        context: Some("edge".to_owned()),
        kubeconfig: Some("k".to_owned()),
    });
    assert_eq!(findings.len(), 3);
    for (plain, aimed) in broken(Cluster::default()).iter().zip(&findings) {
        assert!(plain.fix.contains("kubectl -n istio-system "), "{}", plain.fix);
        let fix = aimed.fix.to_string();
        let lines = fix.matches("kubectl ").count();
        let to_edge = fix.matches("kubectl --context edge --kubeconfig k ").count();
        assert!(lines > 0 && lines == to_edge, "{}", aimed.fix);
    }
}

/// A user who may read nothing.
fn blind() -> Facts {
    let denied = || "forbidden".to_owned();
    change(|facts| {
        facts.kinds = Err(denied());
        facts.istiod = Err(denied());
        facts.gateways = Err(denied());
        facts.pods = Err(denied());
        facts.deployments = Err(denied());
        facts.services = Err(denied());
        facts.endpoints = Err(denied());
        facts.ingress = Err(crate::problem::Problem::new("services may not be listed"));
        facts.accounts.clear();
        facts.certificates.clear();
        facts.proxies.clear();
        facts.served = Err(denied());
        facts.logs.clear();
    })
}

#[test]
fn what_may_not_be_read_is_no_finding() {
    let report = examine(&blind());
    assert_eq!(report.findings, []);
    assert!(report.skipped.len() > 10, "{:?}", report.skipped);
    assert!(
        report
            .skipped
            .iter()
            .all(|skipped| skipped.reason.contains("forbidden"))
    );
}

#[test]
fn every_code_that_is_reported_or_skipped_is_in_the_table() {
    for facts in [healthy(), blind()] {
        let report = examine(&facts);
        let found = report.findings.iter().map(|finding| finding.code);
        for code in found.chain(report.skipped.iter().map(|skipped| skipped.code)) {
            assert!(codes::find(code).is_some(), "{code}");
        }
    }
}
