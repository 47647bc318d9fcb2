//! Lint's findings on the live Gateways, Secrets and certificates, as far as they prevent a gateway
//! from serving.

use super::causes::Causes;
use super::facts::{Certificate, Facts, Needs, server_index};
use crate::lint::codes::{
    CERTIFICATE_ENDS_SOON, CERTIFICATE_EXPIRED, CREDENTIAL_FILE_MISSING, CREDENTIAL_IN_OTHER_NAMESPACE,
    CREDENTIAL_MISSING, GRANT_MISSING, PORT_NOT_ON_SERVICE, ROUTE_NO_GATEWAY, SELECTOR_NO_PODS, Subject,
};
use crate::lint::{self, Finding, Findings, Made, Severity};
use crate::remedy::{Kind, Line, Remedy, kubectl, ours};
use crate::secrets::reference::MountedFile;

/// Codes that a cluster has more information about than manifests.
const OWN: [&str; 2] = [SELECTOR_NO_PODS.id, PORT_NOT_ON_SERVICE.id];

/// Whether `doctor` reports a lint code: those for Gateways of either API, Gateways in combination,
/// credentials and certificates.
pub fn is_of_doctor(code: &str) -> bool {
    crate::lint::codes::find(code).is_some_and(|code| match code.subject {
        Subject::Gateway | Subject::Gateways | Subject::Credential | Subject::Certificate => !OWN.contains(&code.id),
        // Codes for routes come after them.
        Subject::GatewayApi => code.id < ROUTE_NO_GATEWAY.id,
        _ => false,
    })
}

pub(super) fn check(facts: &Facts, causes: &mut Causes, found: &mut Findings) {
    for skipped in &facts.linted.skipped {
        if let Some(code) = crate::lint::codes::find(skipped.code) {
            found.skip(code, skipped.reason.clone());
        }
    }
    for finding in in_one(&facts.linted.findings) {
        // For live objects, it is certain that the listener gets no certificate.
        let finding = if finding.code == GRANT_MISSING.id {
            finding.severity(Severity::Error)
        } else {
            finding
        };
        // Infos are left to lint.
        let is_told = finding.severity > Severity::Info || finding.code == CREDENTIAL_FILE_MISSING.id;
        if !is_of_doctor(finding.code) || !is_told {
            continue;
        }
        let secret = secret_of(facts, &finding);
        let name = secret.and_then(|secret| Some(secret.split_once('/')?.1));
        if let Some(cause) = explained(causes, &finding, name) {
            if let Some(code) = crate::lint::codes::find(finding.code) {
                super::causes::skip_for(found, code, &finding.object, cause);
            }
            continue;
        }
        if finding.severity == Severity::Error || finding.code == CREDENTIAL_FILE_MISSING.id {
            match name {
                Some(name) => drop(causes.secrets.insert(name.to_owned(), finding.code)),
                None => hosts_of_server(facts, &finding, causes),
            }
        }
        found.push(with_fix(facts, &finding, secret));
    }
}

/// Another finding that has the same cause.
fn explained(causes: &Causes, finding: &Finding, secret: Option<&str>) -> Option<&'static str> {
    if finding.code == CREDENTIAL_FILE_MISSING.id {
        return secret.and_then(|secret| causes.secrets.get(secret)).copied();
    }
    // The Secrets are in the workspace's namespace, but the pods are not.
    let elsewhere = crate::lint::codes::GATEWAY_PODS_ELSEWHERE.id;
    (finding.code == CREDENTIAL_IN_OTHER_NAMESPACE.id && causes.rights == Some(elsewhere)).then_some(elsewhere)
}

/// Merges findings about unmounted files into one for each Gateway: one patch mounts certificate,
/// key and CA.
fn in_one(findings: &[Finding]) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for finding in findings {
        let same = |one: &&mut Finding| one.code == finding.code && one.object == finding.object;
        if let (lint::Facts::Unmounted(more), Some(first)) = (&finding.facts, all.iter_mut().find(same))
            && let lint::Facts::Unmounted(paths) = &mut first.facts
        {
            for path in more {
                first.what.push_str(", ");
                first.what.push_str(path);
            }
            paths.extend(more.iter().cloned());
        } else {
            all.push(finding.clone());
        }
    }
    all
}

/// If the workspace has the Secret, its own commands restore it.
fn with_fix(facts: &Facts, finding: &Finding, secret: Option<&str>) -> Finding {
    let finding = finding.clone();
    if let lint::Facts::Unmounted(paths) = &finding.facts {
        let is_own =
            |path: &String| MountedFile::parse(path).is_some_and(|file| facts.own_secrets.contains_key(&file.secret()));
        return if paths.iter().all(is_own) {
            finding.fix(Remedy::from(ours::apply()).and(", which mounts the workspace's Secrets"))
        } else {
            finding
        };
    }
    let named = secret.and_then(|secret| secret.split_once('/'));
    if let (Some(_), lint::Facts::NotCovered(host)) = (&facts.of_api, &finding.facts) {
        // Other hosts may use its Secret, too.
        let fix =
            format!("use a certificate that covers {host}, in a Secret listed in certificateRefs of this listener");
        return finding.fix(fix);
    }
    if finding.code == GRANT_MISSING.id {
        return match named {
            Some((namespace, name)) => granted(finding, namespace, name),
            None => finding,
        };
    }
    let own = named.filter(|(namespace, _)| *namespace == facts.secret_namespace);
    let Some((secret, needs)) = own.and_then(|(_, name)| facts.own_secrets.get_key_value(name)) else {
        return match named {
            Some((namespace, name)) if finding.code == CREDENTIAL_MISSING.id => made(facts, finding, namespace, name),
            _ => finding,
        };
    };
    if !is_mended(facts, &finding) {
        return of_own_chain(facts, finding, secret);
    }
    let is_missing = [
        CREDENTIAL_MISSING.id,
        CREDENTIAL_IN_OTHER_NAMESPACE.id,
        CREDENTIAL_FILE_MISSING.id,
    ]
    .contains(&finding.code);
    let namespace = &facts.secret_namespace;
    let brings_back = format!(" restores Secret {namespace}/{secret} from the workspace");
    let fix = match (*needs, is_missing) {
        (Needs::Nothing, true) => ours::fix_or_apply().and(format!(", creates Secret {namespace}/{secret}")),
        // --fix changes only errors.
        (Needs::Nothing, false) if finding.severity < Severity::Error => Remedy::from(ours::apply()).and(brings_back),
        (Needs::Nothing, false) => ours::fix_or_apply().and(",").and(brings_back),
        (Needs::Replace, _) => Remedy::from(ours::apply_replace()).and(format!(
            " deletes Secret {namespace}/{secret} and recreates it from the workspace"
        )),
        (Needs::ForceConflicts, _) => Remedy::from(ours::apply_force_conflicts())
            .and(brings_back)
            .and(", overwriting changes by others"),
    };
    finding.fix(fix)
}

/// The command that allows a Gateway of the Gateway API to refer to a Secret in another namespace.
fn granted(finding: Finding, namespace: &str, name: &str) -> Finding {
    let of_gateway = finding
        .object
        .split_once(' ')
        .and_then(|(_, full)| full.split_once('/'));
    let Some((own, _)) = of_gateway else { return finding };
    let grant = format!(
        r#"{{"apiVersion":"gateway.networking.k8s.io/v1beta1","kind":"ReferenceGrant","metadata":{{"name":"{name}-for-{own}","namespace":"{namespace}"}},"spec":{{"from":[{{"group":"gateway.networking.k8s.io","kind":"Gateway","namespace":"{own}"}}],"to":[{{"group":"","kind":"Secret","name":"{name}"}}]}}}}"#
    );
    finding.fix(Line::new(Kind::EchoObject, ["echo", &grant]).pipe(kubectl::apply()))
}

/// How to create a Secret if the workspace has none with that name.
fn made(facts: &Facts, finding: Finding, namespace: &str, name: &str) -> Finding {
    if facts.of_api.is_some() {
        return finding.fix(kubectl::create_pair(namespace, name));
    }
    match finding.facts {
        lint::Facts::Missing(Made::OfHost) => {
            let usual = if facts.workspace {
                &facts.pod_namespace
            } else {
                "istio-system"
            };
            if namespace == usual {
                return finding;
            }
            // Without this flag, they would be for another namespace.
            let fix = finding
                .fix
                .clone()
                .map_lines(|line| line.with_flag_in(Kind::ManifestsSecrets, "--gateway-namespace", namespace));
            finding.fix(fix)
        }
        lint::Facts::Missing(Made::OfCa) => finding.fix(kubectl::create_ca(namespace, name)),
        lint::Facts::Missing(Made::OfPair) => finding.fix(kubectl::create_pair(namespace, name)),
        lint::Facts::None | lint::Facts::Secrets(_) | lint::Facts::Unmounted(_) | lint::Facts::NotCovered(_) => finding,
    }
}

/// Whether a finding disappears with the workspace's own Secrets.
fn is_mended(facts: &Facts, finding: &Finding) -> bool {
    let mut left = facts.after_apply.findings.iter();
    !left.any(|one| one.code == finding.code && one.object == finding.object && one.path == finding.path)
}

/// If the workspace's own certificate expires, it is renewed by the existing CA.
fn of_own_chain(facts: &Facts, finding: Finding, secret: &str) -> Finding {
    let ends = [CERTIFICATE_EXPIRED.id, CERTIFICATE_ENDS_SOON.id].contains(&finding.code);
    let certificates = facts.certificates.iter().filter(|one| one.secret_name() == secret);
    match certificates.flat_map(|one| &one.hosts).next().filter(|_| ends) {
        Some(host) if is_of_ca(&finding) => finding.fix(ours::rotate_ca(host.as_str())),
        Some(host) => finding.fix(ours::rotate(host.as_str())),
        None => finding,
    }
}

/// Whether the certificate of a finding is the CA for clients.
fn is_of_ca(finding: &Finding) -> bool {
    ["[\"ca", ".ca"].iter().any(|field| finding.path.contains(field))
}

/// The Secret of a finding, as `namespace/name`: its own object, or the one that the server refers
/// to.
fn secret_of<'f>(facts: &'f Facts, finding: &'f Finding) -> Option<&'f str> {
    if let Some(name) = finding.object.strip_prefix("Secret ") {
        return Some(name);
    }
    let is_material =
        matches!(finding.subject, Subject::Credential | Subject::Certificate) || finding.code == GRANT_MISSING.id;
    let reference = finding.path.split_once(".certificateRefs[");
    let number = reference.and_then(|(_, rest)| rest.split_once(']')?.0.parse().ok());
    let mut all = certificates(facts, finding).filter(|_| is_material);
    Some(&all.nth(number.unwrap_or(0))?.secret)
}

/// The certificates of the server in a finding's path.
fn certificates<'f>(facts: &'f Facts, finding: &'f Finding) -> impl Iterator<Item = &'f Certificate> {
    let index = server_index(&finding.path);
    facts
        .certificates
        .iter()
        .filter(move |one| one.gateway == finding.object && Some(one.index) == index)
}

fn hosts_of_server(facts: &Facts, finding: &Finding, causes: &mut Causes) {
    for certificate in certificates(facts, finding) {
        for host in &certificate.hosts {
            causes.hosts.insert(host.clone(), finding.code);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_of_doctor;
    use crate::doctor::facts::{Facts, Needs};
    use crate::doctor::testing::{assert_one, assert_skipped, change, of_api};
    use crate::lint::{self, Code, Finding, Place, Skipped, codes};
    use crate::remedy::Remedy;

    fn linted(code: &'static Code, object: &str, path: &str) -> Facts {
        let place = Place {
            object: object.into(),
            path: path.into(),
            ..Place::default()
        };
        change(|facts| facts.linted.findings.push(Finding::new(code, place, "as lint says")))
    }

    #[test]
    fn codes_of_routes_and_of_what_a_cluster_knows_better_are_left_out() {
        for (code, expected) in [
            ("ITL0101", true),
            ("ITL0301", true),
            ("ITL0420", true),
            ("ITL0201", false),
            ("ITL0202", false),
            ("ITL0307", true),
            ("ITL0501", false),
            ("ITL0901", true),
            ("ITL0920", false),
            ("ITL1101", false),
            ("", false),
        ] {
            assert_eq!(is_of_doctor(code), expected, "{code}");
        }
    }

    #[test]
    fn a_missing_secret_is_told_once() {
        let mut facts = linted(
            &codes::CREDENTIAL_MISSING,
            "Gateway default/mygateway",
            "spec.servers[0].tls.credentialName",
        );
        facts.certificates[0].leaf = Ok(None);
        let view = facts.proxies[0].view.as_mut().unwrap();
        view.warming = vec!["kubernetes://httpbin-credential".into()];
        view.active.clear();
        view.loaded.clear();
        facts.served.as_mut().unwrap()[0].outcome = Err(crate::doctor::facts::Refusal {
            end: crate::doctor::facts::End::Silent,
            what: "reset".into(),
            fix: Remedy::default(),
        });
        let finding = assert_one(&facts, "ITL0301", "as lint says");
        assert!(finding.fix.contains("doctor --fix"), "{}", finding.fix);
        assert_skipped(&facts, "ITL1150", "see ITL0301");
        assert_skipped(&facts, "ITL1161", "see ITL0301");
        facts.own_secrets.clear();
        assert_eq!(
            assert_one(&facts, "ITL0301", "").fix,
            (codes::CREDENTIAL_MISSING.fix)().to_string()
        );
    }

    #[test]
    fn a_listener_gets_a_secret_of_its_own() {
        let mut facts = of_api();
        let place = Place {
            object: "Gateway web/edge".into(),
            ..Place::default()
        };
        let fix = "use a certificate that covers a.com; for tests: istio-tls gen-certs a.com";
        let finding = Finding::new(&codes::HOST_NOT_COVERED, place, "as lint says")
            .fix(fix)
            .about(lint::Facts::NotCovered("a.com".into()));
        facts.linted.findings.push(finding);
        let words = assert_one(&facts, codes::HOST_NOT_COVERED.id, "as lint says").fix;
        assert_eq!(
            words,
            "use a certificate that covers a.com, in a Secret listed in certificateRefs of this listener"
        );
    }

    #[test]
    fn what_the_workspace_owns_is_brought_back_by_its_own_commands() {
        const OBJECT: &str = "Secret istio-system/httpbin-credential";
        for code in [
            &codes::KEY_MISMATCH,
            &codes::SECRET_WITHOUT_PAIR,
            &codes::CLIENT_CA_MISSING,
            &codes::HOST_NOT_COVERED,
            &codes::CERTIFICATE_EXPIRED,
        ] {
            let mut facts = linted(code, OBJECT, "data[\"tls.key\"]");
            let fix = |facts: &Facts| assert_one(facts, code.id, "as lint says").fix;
            let words = fix(&facts);
            assert!(
                words.contains("istio-tls apply, restores Secret istio-system/httpbin-credential"),
                "{words}"
            );
            for (needs, expected) in [
                (Needs::ForceConflicts, "istio-tls apply --force-conflicts restores"),
                (Needs::Replace, "istio-tls apply --replace deletes"),
            ] {
                facts.own_secrets.insert("httpbin-credential".into(), needs);
                let words = fix(&facts);
                assert!(words.starts_with(expected), "{words}");
            }
            // The workspace's own chain has the same fault.
            facts.after_apply = facts.linted.clone();
            let words = fix(&facts);
            if code.id == codes::CERTIFICATE_EXPIRED.id {
                assert_eq!(words, "istio-tls rotate httpbin.example.com");
            } else {
                assert_eq!(words, (code.fix)().to_string());
            }
            // It belongs to someone else.
            facts.own_secrets.clear();
            assert_eq!(fix(&facts), (code.fix)().to_string());
        }
    }

    #[test]
    fn a_gateway_without_its_mounts_is_one_finding() {
        let mut facts = change(|facts| {
            for path in [
                "ingressgateway-certs/tls.crt",
                "ingressgateway-certs/tls.key",
                "ingressgateway-ca-certs/ca.crt",
            ] {
                let place = Place {
                    object: "Gateway default/mygateway".into(),
                    path: "spec.servers[0].tls.x".into(),
                    ..Place::default()
                };
                let what = format!("Deployment istio-system/gateway mounts no volume at /etc/istio/{path}");
                let finding = Finding::new(&codes::CREDENTIAL_FILE_NOT_MOUNTED, place, what)
                    .about(lint::Facts::Unmounted(vec![format!("/etc/istio/{path}")]));
                facts.linted.findings.push(finding);
            }
        });
        let words = "no volume at /etc/istio/ingressgateway-certs/tls.crt, /etc/istio/ingressgateway-certs/tls.key, /etc/istio/ingressgateway-ca-certs/ca.crt";
        let finding = assert_one(&facts, "ITL0306", words);
        assert!(finding.fix.contains("--only ingress-volumes"), "{}", finding.fix);
        for name in ["istio-ingressgateway-certs", "istio-ingressgateway-ca-certs"] {
            facts.own_secrets.insert(name.into(), Needs::Nothing);
        }
        assert_eq!(
            assert_one(&facts, "ITL0306", words).fix,
            "istio-tls apply, which mounts the workspace's Secrets"
        );
    }

    #[test]
    fn what_is_merely_good_to_know_is_left_to_lint() {
        let facts = linted(
            &codes::CHAIN_WITH_ROOT,
            "Secret istio-system/httpbin-credential",
            "data[\"tls.crt\"]",
        );
        assert!(crate::doctor::examine(&facts).findings.is_empty());
        let facts = linted(
            &codes::CERTIFICATE_ENDS_SOON,
            "Secret istio-system/httpbin-credential",
            "data[\"tls.crt\"]",
        );
        assert_one(&facts, "ITL0422", "as lint says");
    }

    #[test]
    fn what_lint_skipped_is_skipped() {
        let facts = change(|facts| {
            facts.linted.skipped.push(Skipped {
                code: "ITL0301",
                reason: "Secrets may not be read".into(),
            });
        });
        assert_skipped(&facts, "ITL0301", "may not be read");
    }
}
