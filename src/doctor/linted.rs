//! What lint says of the live Gateways, Secrets and certificates: the part of
//! it that keeps a gateway from serving.

use super::causes::Causes;
use super::facts::{Certificate, Facts};
use crate::lint::codes::{
    CREDENTIAL_FILE_MISSING, CREDENTIAL_IN_OTHER_NAMESPACE, CREDENTIAL_MISSING, PORT_NOT_ON_SERVICE, SELECTOR_NO_PODS,
};
use crate::lint::{Finding, Findings, Severity};

/// Codes of which a cluster tells more than manifests do.
const OWN: [&str; 2] = [SELECTOR_NO_PODS.id, PORT_NOT_ON_SERVICE.id];

/// Whether a code of lint is one that `doctor` reports: those of Gateways,
/// Gateways together, credentials and certificates.
pub fn is_of_doctor(code: &str) -> bool {
    let subject = code.get(3..5).unwrap_or_default();
    matches!(subject, "01" | "02" | "03" | "04") && !OWN.contains(&code)
}

pub(super) fn check(facts: &Facts, causes: &mut Causes, found: &mut Findings) {
    for skipped in &facts.linted.skipped {
        if let Some(code) = crate::lint::codes::find(skipped.code) {
            found.skip(code, skipped.reason.clone());
        }
    }
    for finding in &facts.linted.findings {
        // What is merely good to know is lint's own affair.
        let is_told = finding.severity > Severity::Info || finding.code == CREDENTIAL_FILE_MISSING.id;
        if !is_of_doctor(finding.code) || !is_told {
            continue;
        }
        let secret = secret_of(facts, finding);
        if let Some(cause) = explained(causes, finding, secret) {
            if let Some(code) = crate::lint::codes::find(finding.code) {
                super::causes::skip_for(found, code, &finding.object, cause);
            }
            continue;
        }
        if finding.severity == Severity::Error || finding.code == CREDENTIAL_FILE_MISSING.id {
            match secret {
                Some(secret) => drop(causes.secrets.insert(secret.to_owned(), finding.code)),
                None => hosts_of_server(facts, finding, causes),
            }
        }
        found.push(with_fix(facts, finding, secret));
    }
}

/// Another finding that says the same of the cause.
fn explained(causes: &Causes, finding: &Finding, secret: Option<&str>) -> Option<&'static str> {
    if finding.code == CREDENTIAL_FILE_MISSING.id {
        return secret.and_then(|secret| causes.secrets.get(secret)).copied();
    }
    // The Secrets are where the workspace says, and the pods are not.
    let elsewhere = crate::lint::codes::GATEWAY_PODS_ELSEWHERE.id;
    (finding.code == CREDENTIAL_IN_OTHER_NAMESPACE.id && causes.rights == Some(elsewhere)).then_some(elsewhere)
}

/// Where the workspace has the Secret, its own commands bring it.
fn with_fix(facts: &Facts, finding: &Finding, secret: Option<&str>) -> Finding {
    let is_missing = [
        CREDENTIAL_MISSING.id,
        CREDENTIAL_IN_OTHER_NAMESPACE.id,
        CREDENTIAL_FILE_MISSING.id,
    ]
    .contains(&finding.code);
    match secret.filter(|secret| is_missing && facts.own_secrets.contains(*secret)) {
        Some(secret) => finding.clone().fix(format!(
            "istio-tls doctor --fix, or istio-tls apply, makes Secret {}/{secret}",
            facts.found_namespace
        )),
        None => finding.clone(),
    }
}

/// The Secret that a finding is about: its own object, or what the server names.
fn secret_of<'f>(facts: &'f Facts, finding: &'f Finding) -> Option<&'f str> {
    if let Some(name) = finding.object.strip_prefix("Secret ") {
        return name.split_once('/').map(|(_, name)| name);
    }
    let is_material = matches!(finding.code.get(3..5), Some("03" | "04"));
    let certificate = certificates(facts, finding).next().filter(|_| is_material)?;
    Some(certificate.secret_name())
}

/// The certificates of the server that a finding's path leads to.
fn certificates<'f>(facts: &'f Facts, finding: &'f Finding) -> impl Iterator<Item = &'f Certificate> {
    let index = finding.path.strip_prefix("spec.servers[").and_then(|rest| {
        let (index, _) = rest.split_once(']')?;
        index.parse::<usize>().ok()
    });
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
    use crate::doctor::facts::Facts;
    use crate::doctor::testing::{assert_one, assert_skipped, change};
    use crate::lint::{Code, Finding, Place, Skipped, codes};

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
            unreachable: false,
            what: "reset".into(),
            fix: String::new(),
        });
        let finding = assert_one(&facts, "ITL0301", "as lint says");
        assert!(finding.fix.contains("doctor --fix"), "{}", finding.fix);
        assert_skipped(&facts, "ITL1150", "see ITL0301");
        assert_skipped(&facts, "ITL1161", "see ITL0301");
        facts.own_secrets.clear();
        assert_eq!(assert_one(&facts, "ITL0301", "").fix, codes::CREDENTIAL_MISSING.fix);
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
