//! A healthy cluster, and variations of it.

use std::sync::OnceLock;

use time::OffsetDateTime;
use time::macros::datetime;

use super::examine;
use super::facts::{
    Account, Certificate, Container, End, Facts, Ingress, Log, Needs, OfApi, PROXY, Pod, Proxy, Refusal, Served,
    Source, View,
};
use super::kube_gateways;
use crate::certs::inspect::{self, CertificateFacts};
use crate::certs::{Authority, Chain, ChainPlan, issue_chain, pem};
use crate::lint::{Finding, Report};
use crate::manifests::model::{Deployment, Gateway, Service};
use crate::names::Host;
use crate::remedy::Cluster;

pub(super) const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);
pub(super) const HOST: &str = "httpbin.example.com";

fn issue() -> Chain {
    let plan = ChainPlan::new(Host::parse(HOST).unwrap());
    issue_chain(&plan, Authority::New, NOW).unwrap()
}

pub(super) fn chain() -> &'static Chain {
    static CHAIN: OnceLock<Chain> = OnceLock::new();
    CHAIN.get_or_init(issue)
}

/// Another chain for the same host.
pub(super) fn other_chain() -> &'static Chain {
    static CHAIN: OnceLock<Chain> = OnceLock::new();
    CHAIN.get_or_init(issue)
}

pub(super) fn leaf_of(chain: &Chain) -> CertificateFacts {
    let leaf = pem::certificates(chain.server_pem().as_bytes(), "a").unwrap().remove(0);
    inspect::certificate(&leaf, NOW).unwrap()
}

/// A Gateway with these servers, in JSON separated by commas.
pub(super) fn gateway(servers: &str) -> Gateway {
    let json = format!(
        r#"{{"apiVersion":"networking.istio.io/v1","kind":"Gateway","metadata":{{"name":"mygateway","namespace":"default"}},
        "spec":{{"selector":{{"istio":"ingressgateway"}},"servers":[{servers}]}}}}"#
    );
    serde_json::from_str(&json).unwrap()
}

/// A Service in the gateway's namespace; selector and ports in JSON.
pub(super) fn service(name: &str, selector: &str, ports: &str) -> Service {
    let json = format!(
        r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"{name}","namespace":"istio-system"}},
        "spec":{{"selector":{selector},"ports":[{ports}]}}}}"#
    );
    serde_json::from_str(&json).unwrap()
}

/// A ready pod with the proxy.
pub(super) fn pod(name: &str, labels: &[(&str, &str)]) -> Pod {
    let labels = labels
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Pod {
        namespace: "istio-system".into(),
        name: name.into(),
        labels: labels.collect(),
        phase: "Running".into(),
        ready: true,
        containers: vec![Container {
            name: PROXY.into(),
            ..Container::default()
        }],
        account: "istio-ingressgateway".into(),
        ports: [("https".to_owned(), 8443)].into(),
        ..Pod::default()
    }
}

/// A healthy cluster.
pub(super) fn healthy() -> Facts {
    let leaf = leaf_of(chain());
    Facts {
        now: NOW,
        hosts: vec![HOST.into()],
        covered: [].into(),
        chainless: Vec::new(),
        pod_namespace: "istio-system".into(),
        is_elsewhere: false,
        selector: [("istio".to_owned(), "ingressgateway".to_owned())].into(),
        found_namespace: "istio-system".into(),
        secret_namespace: "istio-system".into(),
        of_api: None,
        own_secrets: [("httpbin-credential".to_owned(), Needs::Nothing)].into(),
        own_hosts: [HOST.to_owned()].into(),
        workspace: true,
        flags: Cluster::default(),
        kinds: Ok(true),
        istiod: Ok(vec![pod("istiod", &[("app", "istiod")])]),
        gateways: Ok(vec![gateway(
            r#"{"port":{"number":443,"name":"https","protocol":"HTTPS"},"hosts":["httpbin.example.com"],
            "tls":{"mode":"MUTUAL","credentialName":"httpbin-credential"}}"#,
        )]),
        unseen_gateways: None,
        complaints: Vec::new(),
        pods: Ok(vec![pod(
            "gateway",
            &[("app", "istio-ingressgateway"), ("istio", "ingressgateway")],
        )]),
        unseen_pods: None,
        deployments: Ok(Vec::new()),
        replicas: [].into(),
        secrets: [("httpbin-credential".to_owned(), Ok(true))].into(),
        services: Ok(vec![service(
            "istio-ingressgateway",
            r#"{"app":"istio-ingressgateway","istio":"ingressgateway"}"#,
            r#"{"name":"http2","port":80,"targetPort":8080},{"name":"https","port":443,"targetPort":8443}"#,
        )]),
        endpoints: Ok([("istio-ingressgateway".to_owned(), 1), ("edge".to_owned(), 1)].into()),
        ingress: Ok(Ingress {
            host: "192.0.2.1".into(),
            others: Vec::new(),
            port: 443,
            source: "the LoadBalancer of Service istio-system/istio-ingressgateway".into(),
            pending: None,
        }),
        linted: Report::default(),
        after_apply: Report::default(),
        accounts: vec![Account {
            namespace: "istio-system".into(),
            name: "istio-ingressgateway".into(),
            verbs: Ok(["get", "watch", "list"].into()),
        }],
        certificates: vec![Certificate {
            gateway: "Gateway default/mygateway".into(),
            index: 0,
            hosts: vec![HOST.into()],
            source: Source::Credential("httpbin-credential".into()),
            secret: "istio-system/httpbin-credential".into(),
            leaf: Ok(Some(leaf.clone())),
        }],
        proxies: vec![Proxy {
            pod: "istio-system/gateway".into(),
            view: Ok(View {
                active: vec![("kubernetes://httpbin-credential".into(), Some(leaf.clone()))],
                warming: Vec::new(),
                loaded: vec![("<inline>".into(), leaf.serial.replace(':', "").to_lowercase())],
            }),
        }],
        served: Ok(vec![Served {
            host: HOST.into(),
            address: "192.0.2.1".into(),
            target: "192.0.2.1:443".into(),
            outcome: Ok(leaf),
        }]),
        logs: vec![Log {
            pod: "istio-system/gateway".into(),
            lines: Ok(vec!["info Envoy proxy is ready".into()]),
        }],
        dns: Vec::new(),
    }
}

/// A Deployment without replicas whose pods have the label `istio`.
pub(super) fn deployment(name: &str, istio: &str) -> Deployment {
    serde_json::from_value(serde_json::json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "istio-system"},
        "spec": {"template": {"metadata": {"labels": {"istio": istio}}, "spec": {"containers": []}}},
    }))
    .unwrap()
}

/// A healthy cluster for a Gateway of the Gateway API, whose pods istiod created.
pub(super) fn of_api() -> Facts {
    let value = serde_json::json!({
        "metadata": {"name": "edge", "namespace": "web"},
        "spec": {"gatewayClassName": "istio", "listeners": [{"name": "https", "port": 443, "protocol": "HTTPS",
            "hostname": HOST, "tls": {"certificateRefs": [{"name": "httpbin-credential", "namespace": "istio-system"}]}}]},
    });
    let labels = kube_gateways::pod_labels(&value);
    let mut pod = pod("edge-istio-7d8f", &[]);
    pod.labels.clone_from(&labels);
    pod.namespace = "web".into();
    change(|facts| {
        facts.found_namespace = "web".into();
        facts.of_api = Some(OfApi {
            class: "istio".into(),
            is_known: Ok(true),
            unclaimed: None,
            service: None,
            listeners: Vec::new(),
        });
        facts.gateways = Ok(vec![kube_gateways::gateway(&value, &labels).unwrap()]);
        facts.pods = Ok(vec![pod]);
        facts.accounts.clear();
        facts.services = Ok(vec![service(
            "edge-istio",
            r#"{"gateway.networking.k8s.io/gateway-name":"edge"}"#,
            r#"{"name":"https","port":443}"#,
        )]);
        facts.endpoints = Ok([("edge-istio".to_owned(), 1)].into());
        facts.certificates[0].gateway = "Gateway web/edge".into();
        let view = facts.proxies[0].view.as_mut().unwrap();
        view.active[0].0 = "kubernetes-gateway://istio-system/httpbin-credential".into();
    })
}

/// A healthy cluster, except that the connection for its only host ended like this.
pub(super) fn ended(end: End) -> Facts {
    change(|facts| {
        facts.served.as_mut().unwrap()[0].outcome = Err(Refusal {
            end,
            what: "the connection was reset".into(),
            fix: "look there".into(),
        });
    })
}

/// A healthy cluster with a change.
pub(super) fn change(change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = healthy();
    change(&mut facts);
    facts
}

/// The only finding, with this code and this text.
#[track_caller]
pub(super) fn assert_one(facts: &Facts, code: &str, words: &str) -> Finding {
    let mut findings = examine(facts).findings;
    let shown: Vec<(&str, &str)> = findings.iter().map(|one| (one.code, one.what.as_str())).collect();
    assert_eq!(findings.len(), 1, "{shown:?}");
    let finding = findings.remove(0);
    assert_eq!(finding.code, code, "{}", finding.what);
    assert!(finding.what.contains(words), "{}", finding.what);
    assert!(!finding.fix.is_empty() && !finding.why.is_empty());
    finding
}

/// Asserts that the code is skipped for this reason.
#[track_caller]
pub(super) fn assert_skipped(facts: &Facts, code: &str, reason: &str) {
    let report = examine(facts);
    let mut of_code = report.skipped.iter().filter(|skipped| skipped.code == code);
    assert!(
        of_code.any(|skipped| skipped.reason.contains(reason)),
        "{code} is not skipped for {reason:?}: {:?}",
        report.skipped
    );
    assert!(
        report.findings.iter().all(|finding| finding.code != code),
        "{code} is reported"
    );
}
