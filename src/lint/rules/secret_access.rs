//! Whether the gateway's pods may have their Secrets.

use std::collections::HashSet;

use serde_json::Value;

use crate::lint::codes::SECRETS_MAY_NOT_BE_LISTED;
use crate::lint::{Code, Finding, Findings, Item, Need, Rule, World};
use crate::manifests::model::Other;

pub(super) static RULES: &[&dyn Rule] = &[&ServiceAccount];

/// The service account of a gateway's pods may list Secrets, as far as the input shows its
/// permissions.
struct ServiceAccount;

impl Rule for ServiceAccount {
    fn codes(&self) -> &'static [&'static Code] {
        &[&SECRETS_MAY_NOT_BE_LISTED]
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::AllOf(&[
            "Role",
            "RoleBinding",
            "ClusterRole",
            "ClusterRoleBinding",
        ])]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let with_secrets = world
            .credentials()
            .servers
            .iter()
            .filter(|server| !server.credentials.is_empty());
        let mut told = HashSet::new();
        let gateways = with_secrets.flat_map(|server| world.pods.in_input(&server.pods));
        for pods in gateways {
            let Some(owner) = pods.owner.as_ref().filter(|owner| told.insert(owner.title())) else {
                continue;
            };
            let named = pods.template.spec.service_account_name.as_deref();
            let account = named.unwrap_or("default");
            let Some(roles) = roles_of(world, pods.namespace, account) else {
                continue;
            };
            if roles.iter().any(|role| lists_secrets(role)) {
                continue;
            }
            let called: Vec<String> = roles.iter().map(|role| role.title()).collect();
            found.push(Finding::new(
                &SECRETS_MAY_NOT_BE_LISTED,
                owner.place(&pods.path("serviceAccountName")),
                format!(
                    "the gateway's service account {}/{account} may not list Secrets: {} does not allow it",
                    pods.namespace,
                    called.join(" and ")
                ),
            ));
        }
    }
}

/// The roles that the input binds to an account in its namespace; none if one of them is missing
/// from the input, or if the account itself is never bound, because then its other permissions are
/// unknown.
fn roles_of<'w, 'a>(world: &'w World<'a>, namespace: &str, account: &str) -> Option<Vec<&'w Item<'a, Other>>> {
    let mut roles = Vec::new();
    let mut named = false;
    let text = |value: &'w Value, field: &str| value.get(field).and_then(Value::as_str);
    for binding in &world.others {
        let of_namespace = binding.object.kind == "RoleBinding" && binding.namespace == namespace;
        if !of_namespace && binding.object.kind != "ClusterRoleBinding" {
            continue;
        }
        let content = &binding.object.content;
        let own = list(content, "subjects").any(|subject| {
            text(subject, "kind") == Some("ServiceAccount")
                && text(subject, "name") == Some(account)
                && text(subject, "namespace").unwrap_or(binding.namespace) == namespace
        });
        let bound = own || list(content, "subjects").any(|subject| is_group_of(subject, namespace));
        named |= own;
        if !bound {
            continue;
        }
        let reference = content.get("roleRef")?;
        let (kind, name) = (text(reference, "kind")?, text(reference, "name")?);
        let role = world.others.iter().find(|role| {
            role.object.kind == kind
                && role.metadata.name == name
                && (kind == "ClusterRole" || role.namespace == binding.namespace)
        })?;
        // Aggregated rules come from other roles.
        if role.object.content.get("aggregationRule").is_some() {
            return None;
        }
        roles.push(role);
    }
    named.then_some(roles)
}

/// Whether a subject is a group that contains the service accounts of a namespace.
fn is_group_of(subject: &Value, namespace: &str) -> bool {
    let text = |field: &str| subject.get(field).and_then(Value::as_str);
    text("kind") == Some("Group")
        && text("name").is_some_and(|name| {
            matches!(name, "system:serviceaccounts" | "system:authenticated")
                || name.strip_prefix("system:serviceaccounts:") == Some(namespace)
        })
}

fn list<'v>(value: &'v Value, field: &str) -> impl Iterator<Item = &'v Value> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

/// Whether a role allows its subjects to list all Secrets.
fn lists_secrets(role: &Item<'_, Other>) -> bool {
    list(&role.object.content, "rules").any(|rule| {
        let has = |field: &str, word: &str| {
            list(rule, field)
                .filter_map(Value::as_str)
                .any(|known| known == word || known == "*")
        };
        has("apiGroups", "")
            && has("resources", "secrets")
            && has("verbs", "list")
            && list(rule, "resourceNames").next().is_none()
    })
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{assert_code, httpbin, secret_of, simple};

    fn with(objects: &str) -> String {
        let deployment = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ingress, namespace: istio-system}\nspec:\n  template:\n    metadata: {labels: {istio: ingressgateway}}\n    spec: {serviceAccountName: ingress, containers: [{name: proxy}]}\n";
        simple(&format!("{}{deployment}{objects}", secret_of("c", httpbin())))
    }

    fn role(kind: &str, rules: &str) -> String {
        format!(
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: r, namespace: istio-system}}\nrules: [{rules}]\n"
        )
    }

    fn binding(kind: &str, role: &str, subject: &str) -> String {
        format!(
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: b, namespace: istio-system}}\nroleRef: {{kind: {role}, name: r}}\nsubjects: [{subject}]\n"
        )
    }

    #[test]
    fn the_gateways_account_may_list_secrets() {
        let own = "{kind: ServiceAccount, name: ingress, namespace: istio-system}";
        let other = "{kind: ServiceAccount, name: other, namespace: istio-system}";
        let all = "{kind: Group, name: \"system:serviceaccounts:istio-system\"}";
        let secrets = "{apiGroups: [\"\"], resources: [secrets], verbs: [get, list]}";
        let maps = "{apiGroups: [\"\"], resources: [configmaps], verbs: [\"*\"]}";
        let one = "{apiGroups: [\"\"], resources: [secrets], verbs: [list], resourceNames: [c]}";
        let get = "{apiGroups: [\"*\"], resources: [\"*\"], verbs: [get]}";
        let path = &["spec.template.spec.serviceAccountName"][..];
        let bound = |rules: &str| role("Role", rules) + &binding("RoleBinding", "Role", own);
        for (objects, paths) in [
            (String::new(), &[][..]),
            (bound(secrets), &[]),
            (bound(&format!("{maps}, {secrets}")), &[]),
            (bound("{apiGroups: [\"*\"], resources: [\"*\"], verbs: [\"*\"]}"), &[]),
            (
                role("ClusterRole", secrets) + &binding("ClusterRoleBinding", "ClusterRole", all),
                &[],
            ),
            (
                role("ClusterRole", maps) + &binding("ClusterRoleBinding", "ClusterRole", all),
                &[],
            ),
            (
                bound(maps) + &role("ClusterRole", secrets) + &binding("ClusterRoleBinding", "ClusterRole", all),
                &[],
            ),
            // What a role outside the input allows is unknown.
            (binding("RoleBinding", "Role", own), &[]),
            (bound(maps) + &binding("ClusterRoleBinding", "ClusterRole", own), &[]),
            (role("Role", maps) + &binding("RoleBinding", "Role", other), &[]),
            (bound(maps), path),
            (bound(one), path),
            (bound(get), path),
        ] {
            assert_code(&with(&objects), "ITL0307", paths);
        }
    }
}
