//! Whether the gateway's pods may have their Secrets.

use super::causes::Causes;
use super::control_plane::object;
use super::facts::{Facts, Source};
use crate::lint::codes::{SECRETS_MAY_NOT_BE_LISTED, SECRETS_MAY_NOT_BE_WATCHED};
use crate::lint::{Finding, Findings};
use crate::remedy::{Kind, Line, kubectl};

pub(super) fn check(facts: &Facts, causes: &mut Causes, found: &mut Findings) {
    // The kubelet mounts files, with its own permissions.
    let by_credential = facts
        .certificates
        .iter()
        .any(|certificate| matches!(certificate.source, Source::Credential(_)));
    if !by_credential {
        return;
    }
    for account in &facts.accounts {
        let (namespace, name) = (&account.namespace, &account.name);
        let title = format!("ServiceAccount {namespace}/{name}");
        let verbs = match &account.verbs {
            Ok(verbs) => verbs,
            Err(reason) => {
                found.skip(&SECRETS_MAY_NOT_BE_LISTED, reason);
                found.skip(&SECRETS_MAY_NOT_BE_WATCHED, reason);
                continue;
            }
        };
        // One of the two may exist: `auth reconcile` adds what is missing.
        let fix = role(namespace, name).and(role_binding(namespace, name));
        if !verbs.contains("list") {
            causes.rights = Some(SECRETS_MAY_NOT_BE_LISTED.id);
            found.push(
                Finding::new(
                    &SECRETS_MAY_NOT_BE_LISTED,
                    object(&title),
                    format!(
                        "the gateway's service account {namespace}/{name} may not list Secrets in namespace {namespace}"
                    ),
                )
                .fix(fix),
            );
        } else if verbs.len() < 3 {
            let lacking: Vec<&str> = ["get", "watch"]
                .into_iter()
                .filter(|verb| !verbs.contains(verb))
                .collect();
            found.push(
                Finding::new(
                    &SECRETS_MAY_NOT_BE_WATCHED,
                    object(&title),
                    format!(
                        "the gateway's service account {namespace}/{name} may list Secrets, but not {} them",
                        lacking.join(" or ")
                    ),
                )
                .fix(fix),
            );
        }
    }
}

/// Creates a role that allows a gateway to get its Secrets.
fn role(namespace: &str, account: &str) -> Line {
    let role = format!("{account}-sds");
    let words = ["create", "role", &role, "--resource=secrets", "--verb=get,watch,list"];
    reconciled(kubectl::within(namespace, Kind::KubectlCreateRole, &words))
}

/// Binds it to a service account.
fn role_binding(namespace: &str, account: &str) -> Line {
    let role = format!("{account}-sds");
    let of_role = format!("--role={role}");
    let to = format!("--serviceaccount={namespace}:{account}");
    let words = ["create", "rolebinding", &role, &of_role, &to];
    reconciled(kubectl::within(namespace, Kind::KubectlCreateRoleBinding, &words))
}

/// Merges what a command would create into what exists.
fn reconciled(line: Line) -> Line {
    let reconcile = Line::new(Kind::KubectlAuthReconcile, ["auth", "reconcile", "-f", "-"]);
    line.args(&["--dry-run=client", "-o", "yaml"]).pipe(reconcile)
}

#[cfg(test)]
mod tests {
    use crate::doctor::examine;
    use crate::doctor::facts::Source;
    use crate::doctor::testing::{assert_one, assert_skipped, change};
    use crate::lint::Severity;

    #[test]
    fn the_account_must_list_secrets() {
        let verbs = |verbs: &[&'static str]| {
            let verbs = verbs.iter().copied().collect();
            change(|facts| facts.accounts[0].verbs = Ok(verbs))
        };
        let finding = assert_one(&verbs(&[]), "ITL0307", "istio-system/istio-ingressgateway may not list");
        assert!(
            finding.fix.contains("create role istio-ingressgateway-sds"),
            "{}",
            finding.fix
        );
        assert_one(&verbs(&["get", "watch"]), "ITL0307", "may not list");
        let finding = assert_one(&verbs(&["list"]), "ITL1130", "not get or watch");
        assert_eq!(finding.severity, Severity::Info);
        assert!(examine(&verbs(&["list", "get", "watch"])).findings.is_empty());
        let unseen = change(|facts| facts.accounts[0].verbs = Err("may not ask".into()));
        assert_skipped(&unseen, "ITL0307", "may not ask");
    }

    #[test]
    fn mounted_files_need_no_rights() {
        let facts = change(|facts| {
            facts.accounts[0].verbs = Ok([].into());
            facts.certificates[0].source = Source::File("/etc/istio/ingressgateway-certs/tls.crt".into());
            facts.proxies.clear();
        });
        assert!(examine(&facts).findings.is_empty());
    }
}
