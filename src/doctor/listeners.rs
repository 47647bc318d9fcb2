//! Errors in the status of a Gateway of the Gateway API that no other finding explains.

use super::causes::{Causes, skip_for};
use super::control_plane::field;
use super::facts::{Facts, OfApi, server_path, title};
use crate::lint::codes::{INGRESS_WITHOUT_ADDRESS, OBJECT_NOT_ACCEPTED};
use crate::lint::{Finding, Findings};
use crate::manifests::model::Gateway;
use crate::remedy::{Remedy, kubectl};

pub(super) fn check(facts: &Facts, causes: &mut Causes, found: &mut Findings) {
    let (Some(of_api), Some(gateway)) = (&facts.of_api, facts.gateways().first()) else {
        return;
    };
    let whole = title(gateway);
    let mut is_explained = false;
    for (index, words) in &of_api.listeners {
        // Those of other hosts are skipped.
        let servers = facts.tls_servers();
        let Some(server) = servers.iter().find(|server| server.index == *index) else {
            continue;
        };
        let listener = format!("listener {} of {whole}", server.server.port.name);
        if let Some(cause) = cause_of(facts, causes, *index, &server.hosts) {
            is_explained = true;
            skip_for(found, &OBJECT_NOT_ACCEPTED, &listener, cause);
            continue;
        }
        is_explained = true;
        for host in &server.hosts {
            causes.hosts.insert(host.clone(), OBJECT_NOT_ACCEPTED.id);
        }
        found.push(
            Finding::new(
                &OBJECT_NOT_ACCEPTED,
                field(&whole, &server_path(gateway, *index)),
                format!("{listener} is not accepted: {words}"),
            )
            .fix(look(facts, of_api, gateway)),
        );
    }
    for complaint in &facts.complaints {
        let is_address = facts.ingress.is_err() || facts.ingress.iter().any(|ingress| ingress.pending.is_some());
        let cause = match causes.any() {
            Some(cause) => Some(cause),
            None if is_address && complaint.path.contains("Programmed") => Some(INGRESS_WITHOUT_ADDRESS.id),
            None => is_explained.then_some(OBJECT_NOT_ACCEPTED.id),
        };
        match cause {
            Some(cause) => skip_for(found, &OBJECT_NOT_ACCEPTED, &complaint.object, cause),
            None => found.push(
                Finding::new(
                    &OBJECT_NOT_ACCEPTED,
                    field(&complaint.object, &complaint.path),
                    format!("{} is not accepted: {}", complaint.object, complaint.message),
                )
                .fix(look(facts, of_api, gateway)),
            ),
        }
    }
}

/// The finding about a listener, its hosts or its Secrets.
fn cause_of(facts: &Facts, causes: &Causes, index: usize, hosts: &[String]) -> Option<&'static str> {
    let certificates = facts.certificates.iter().filter(|one| one.index == index);
    let mut secrets = certificates.filter_map(|one| causes.secrets.get(one.secret_name()));
    let of_secret = secrets.next().copied();
    of_secret.or_else(|| hosts.iter().find_map(|host| causes.hosts.get(host).copied()))
}

/// Where to look if nothing known explains it.
fn look(facts: &Facts, of_api: &OfApi, gateway: &Gateway) -> Remedy {
    let (namespace, name) = (gateway.metadata.namespace_or("default"), &gateway.metadata.name);
    Remedy::from(format!(
        "correct what the status reports; if it is outdated (istiod writes it, class {}): ",
        of_api.class
    ))
    .and(kubectl::logs_of_istiod(facts.control_plane_namespace()))
    .and(" shows more, and ")
    .and(kubectl::api_gateway(namespace, name))
    .and(" shows it")
}

#[cfg(test)]
mod tests {
    use crate::doctor::facts::{Complaint, Facts};
    use crate::doctor::testing::{assert_one, assert_skipped, of_api};
    use crate::lint::{Finding, Place, codes};
    use crate::problem::Problem;

    fn complaining() -> Facts {
        let mut facts = of_api();
        facts.of_api.as_mut().unwrap().listeners = vec![(0, "ResolvedRefs is False (R: m)".to_owned())];
        facts
    }

    fn programmed(facts: &mut Facts) {
        facts.complaints.push(Complaint {
            object: "Gateway web/edge".into(),
            path: "status.conditions[type=Programmed]".into(),
            message: "AddressNotAssigned: m".into(),
        });
    }

    #[test]
    fn a_listener_is_told_where_nothing_explains_it() {
        let mut facts = complaining();
        let finding = assert_one(
            &facts,
            "ITL1103",
            "listener https of Gateway web/edge is not accepted: ResolvedRefs",
        );
        assert_eq!(finding.path, "spec.listeners[0]");
        assert!(
            finding.fix.contains("kubectl -n istio-system logs -l app=istiod"),
            "{}",
            finding.fix
        );
        programmed(&mut facts);
        assert_one(&facts, "ITL1103", "listener https");
        // A listener for other hosts.
        facts.complaints.clear();
        facts.of_api.as_mut().unwrap().listeners[0].0 = 1;
        assert_eq!(crate::doctor::examine(&facts).findings, []);
    }

    #[test]
    fn our_own_diagnosis_comes_first() {
        let mut facts = complaining();
        let place = |path: &str| Place {
            object: "Gateway web/edge".into(),
            path: path.into(),
            ..Place::default()
        };
        let missing = place("spec.listeners[0].tls.certificateRefs[0].name");
        facts.linted.findings = vec![Finding::new(&codes::CREDENTIAL_MISSING, missing, "as lint says")];
        programmed(&mut facts);
        let finding = assert_one(&facts, "ITL0301", "as lint says");
        assert!(
            finding.fix.contains("creates Secret istio-system/httpbin-credential"),
            "{}",
            finding.fix
        );
        assert_skipped(&facts, "ITL1103", "listener https of Gateway web/edge: see ITL0301");
        assert_skipped(&facts, "ITL1103", "Gateway web/edge: see ITL0301");
        // Not one of the workspace's.
        facts.secret_namespace = "elsewhere".into();
        assert_eq!(
            assert_one(&facts, "ITL0301", "as lint says").fix,
            "kubectl create -n istio-system secret tls httpbin-credential --cert=FILE --key=FILE"
        );
        let ungranted = place("spec.listeners[0].tls.certificateRefs[0].namespace");
        facts.linted.findings = vec![Finding::new(&codes::GRANT_MISSING, ungranted, "as lint says")];
        let finding = assert_one(&facts, "ITL0901", "as lint says");
        assert_eq!(finding.severity, crate::lint::Severity::Error);
        assert!(
            finding.fix.contains(r#""kind":"ReferenceGrant""#)
                && finding.fix.ends_with("| kubectl apply --server-side -f -"),
            "{}",
            finding.fix
        );
        assert_skipped(&facts, "ITL1103", "see ITL0901");
    }

    #[test]
    fn an_address_that_is_awaited_is_told_by_the_service() {
        let mut facts = of_api();
        programmed(&mut facts);
        assert_one(&facts, "ITL1103", "AddressNotAssigned");
        facts.ingress = Err(Problem::new("the LoadBalancer has no address yet"));
        facts.served = Err("not asked".into());
        assert_one(&facts, "ITL1122", "no address yet");
        assert_skipped(&facts, "ITL1103", "see ITL1122");
    }
}
