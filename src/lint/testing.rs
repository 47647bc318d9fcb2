//! Lints YAML in unit tests: only the input, in a folder without a workspace.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use time::macros::datetime;

use super::{Finding, Report, Settings, Unseen, World, lint};
use crate::certs::{Authority, Chain, ChainPlan, Issued, issue_chain};
use crate::names::Host;
use crate::sources::disk::DiskFiles;
use crate::sources::{Gone, Sources};
use crate::workspace::config::IstioTarget;

/// The time of every check.
pub(super) const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

/// Lints for the latest Istio.
pub(super) fn lint_yaml(yaml: &str) -> Report {
    lint_for(yaml, IstioTarget::Latest)
}

/// Lints for a target.
pub(super) fn lint_for(yaml: &str, target: IstioTarget) -> Report {
    lint_seeing(yaml, target, &[])
}

/// Lints as if it were the visible part of a cluster: of these kinds, only objects in the namespace
/// `seen` are visible.
pub(super) fn lint_seeing(yaml: &str, target: IstioTarget, partly: &[&str]) -> Report {
    let sources = Sources {
        stdin: Some(yaml.as_bytes().to_vec()),
        workspace: PathBuf::from("no-such-folder"),
        ..Sources::default()
    };
    let files = DiskFiles::default();
    let collected = sources
        .collect(&files, Gone::IsError)
        .expect("nothing is read from disk");
    let settings = Settings {
        target,
        now: NOW,
        namespace: collected.namespace.clone(),
        pod_labels: collected.pod_labels.clone(),
        secrets_elsewhere: false,
        unseen: partly
            .iter()
            .map(|kind| {
                let unseen = Unseen {
                    seen_in: BTreeSet::from(["seen".to_owned()]),
                    why: format!("{kind} elsewhere are not visible"),
                };
                ((*kind).to_owned(), unseen)
            })
            .collect(),
    };
    let world = World::new(
        &collected.objects,
        &collected.errors,
        &collected.warnings,
        &collected.store,
        &settings,
    );
    lint(&world)
}

/// The codes found, in report order, each with its field path.
pub(super) fn found(yaml: &str) -> Vec<(&'static str, String)> {
    let report = lint_yaml(yaml);
    let findings = report.findings.into_iter();
    findings.map(|finding| (finding.code, finding.path)).collect()
}

/// Asserts that YAML has exactly these findings, each a code and a field path.
#[track_caller]
pub(super) fn assert_found(yaml: &str, expected: &[(&str, &str)]) {
    let found = found(yaml);
    let found: Vec<(&str, &str)> = found.iter().map(|(code, path)| (*code, path.as_str())).collect();
    assert_eq!(found, expected, "{yaml}");
}

/// Asserts that a code is found at exactly these paths, regardless of other findings.
#[track_caller]
pub(super) fn assert_code(yaml: &str, code: &str, paths: &[&str]) {
    let found = found(yaml);
    let of_code: Vec<&str> = found
        .iter()
        .filter(|(known, _)| *known == code)
        .map(|(_, path)| path.as_str())
        .collect();
    assert_eq!(of_code, paths, "all findings: {found:?}\n{yaml}");
}

/// A plan with defaults for a host.
pub(super) fn plan(host: &str) -> ChainPlan {
    ChainPlan::new(Host::parse(host).expect("a host"))
}

/// The chain of a plan, issued at [`NOW`].
pub(super) fn issue(plan: &ChainPlan) -> Chain {
    issue_chain(plan, Authority::New, NOW).expect("a chain")
}

/// A valid chain for httpbin.example.com, issued once.
pub(super) fn httpbin() -> &'static Chain {
    static CHAIN: OnceLock<Chain> = OnceLock::new();
    CHAIN.get_or_init(|| issue(&plan("httpbin.example.com")))
}

/// The server key as PEM.
pub(super) fn key_pem(issued: &Issued) -> String {
    issued.key.as_ref().expect("a key").pem().to_string()
}

/// A Secret in namespace istio-system.
pub(super) fn secret(name: &str, values: &[(&str, &str)]) -> String {
    secret_in("istio-system", name, values)
}

/// A Secret as YAML, its values in base64.
pub(super) fn secret_in(namespace: &str, name: &str, values: &[(&str, &str)]) -> String {
    let values: Vec<String> = values
        .iter()
        .map(|(key, value)| format!("  {key}: \"{}\"\n", STANDARD.encode(value)))
        .collect();
    let values = values.concat();
    format!("---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata:\n{values}")
}

/// A Secret with a chain's certificate and key.
pub(super) fn secret_of(name: &str, chain: &Chain) -> String {
    let (certificate, key) = (chain.server_pem(), key_pem(&chain.server));
    secret(name, &[("tls.crt", &certificate), ("tls.key", &key)])
}

/// A Secret with a chain's certificate, key and CA.
pub(super) fn mutual_secret_of(name: &str, chain: &Chain) -> String {
    let (certificate, key, ca) = (chain.server_pem(), key_pem(&chain.server), chain.ca_chain_pem());
    secret(name, &[("tls.crt", &certificate), ("tls.key", &key), ("ca.crt", &ca)])
}

/// A Gateway in namespace default for Istio's ingress gateway; each server has its hosts and its
/// `tls`, both in YAML flow style, and port 443.
pub(super) fn gateway(name: &str, servers: &[(&str, &str)]) -> String {
    let servers: Vec<String> = servers
        .iter()
        .enumerate()
        .map(|(index, (hosts, tls))| {
            format!("  - port: {{number: 443, name: https-{name}-{index}, protocol: HTTPS}}\n    hosts: [{hosts}]\n    tls: {{{tls}}}\n")
        })
        .collect();
    let servers = servers.concat();
    format!(
        "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: {name}, namespace: default}}\nspec:\n  selector: {{istio: ingressgateway}}\n  servers:\n{servers}"
    )
}

/// A Gateway for httpbin.example.com with `mode: SIMPLE, credentialName: c`, followed by other
/// objects.
pub(super) fn simple(beside: &str) -> String {
    gateway("a", &[("httpbin.example.com", "mode: SIMPLE, credentialName: c")]) + beside
}

/// The same in mode MUTUAL.
pub(super) fn mutual(beside: &str) -> String {
    gateway("a", &[("httpbin.example.com", "mode: MUTUAL, credentialName: c")]) + beside
}

/// The only finding with this code.
#[track_caller]
pub(super) fn only(yaml: &str, code: &str) -> Finding {
    let mut of_code = lint_yaml(yaml)
        .findings
        .into_iter()
        .filter(|finding| finding.code == code);
    let found = of_code.next().unwrap_or_else(|| panic!("no {code}\n{yaml}"));
    assert!(of_code.next().is_none(), "several {code}\n{yaml}");
    found
}

/// The Secret `c` with the certificate and key of [`httpbin`] and further values.
pub(super) fn httpbin_with(values: &[(&str, &str)]) -> String {
    let (certificate, key) = (httpbin().server_pem(), key_pem(&httpbin().server));
    let mut all = vec![("tls.crt", certificate.as_str()), ("tls.key", key.as_str())];
    all.extend_from_slice(values);
    secret("c", &all)
}
