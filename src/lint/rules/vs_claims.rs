//! Routes by JWT claims, which a RequestAuthentication must verify first.

use std::collections::HashMap;

use super::virtual_service::claims_of;
use crate::lint::codes::CLAIM_WITHOUT_AUTHENTICATION;
use crate::lint::index::bindings::{Gateways, MESH};
use crate::lint::index::pods::{Labels, PodKind, matches};
use crate::lint::{Code, Findings, Need, Rule, World};

pub(super) static RULES: &[&dyn Rule] = &[&Authenticated];

/// The namespace whose RequestAuthentications apply to the whole mesh.
const ROOT_NAMESPACE: &str = "istio-system";

/// Every gateway that matches claims.
struct Authenticated;

impl Rule for Authenticated {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CLAIM_WITHOUT_AUTHENTICATION]
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::AllOf(&["RequestAuthentication"])]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let gateways = Gateways::of(world);
        let mut selectors = None;
        let mut by_selector = HashMap::new();
        for service in &world.virtual_services {
            let Some((claim, spot)) = claims_of(service).into_iter().next() else {
                continue;
            };
            for name in service.object.spec.gateways.iter().filter(|name| *name != MESH) {
                let Some(gateway) = gateways.find(name, service.namespace) else {
                    continue;
                };
                let selector = &gateway.item.object.spec.selector;
                let selectors = selectors.get_or_insert_with(|| selectors_of(world));
                let lacks_one = *by_selector.entry(selector).or_insert_with(|| {
                    let mut pods = world.pods.of_selector(selector);
                    pods.any(|pods| !is_authenticated(pods, selectors))
                });
                if lacks_one {
                    let what = format!(
                        "the route needs the claim {claim}, but no RequestAuthentication applies to the pods of {}",
                        gateway.item.title()
                    );
                    found.push(spot.finding(&CLAIM_WITHOUT_AUTHENTICATION, what));
                }
            }
        }
    }
}

/// The selectors of the RequestAuthentications by namespace.
fn selectors_of<'w>(world: &'w World<'_>) -> HashMap<&'w str, Vec<Labels>> {
    let mut selectors: HashMap<&str, Vec<Labels>> = HashMap::new();
    for other in &world.others {
        if other.object.kind == "RequestAuthentication" && other.object.api_version.starts_with("security.istio.io/") {
            let labels = &other.object.content["spec"]["selector"]["matchLabels"];
            let labels = labels.as_object().into_iter().flatten();
            let selector = labels
                .filter_map(|(label, value)| value.as_str().map(|value| (label.clone(), value.to_owned())))
                .collect();
            selectors.entry(other.namespace).or_default().push(selector);
        }
    }
    selectors
}

/// Whether a RequestAuthentication selects the pods.
fn is_authenticated(pods: &PodKind<'_>, selectors: &HashMap<&str, Vec<Labels>>) -> bool {
    let namespaces = [ROOT_NAMESPACE, pods.namespace];
    let mut of_pod = namespaces
        .iter()
        .filter_map(|namespace| selectors.get(namespace))
        .flatten();
    of_pod.any(|selector| matches(selector, pods.labels()))
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::assert_code;

    fn world(header: &str, authentication: &str) -> String {
        let authentication = match authentication {
            "" => String::new(),
            text => {
                let (namespace, selector) = text.split_once(' ').expect("a namespace");
                format!(
                    "---\napiVersion: security.istio.io/v1\nkind: RequestAuthentication\n\
                     metadata: {{name: r, namespace: {namespace}}}\nspec: {{{selector}}}\n"
                )
            }
        };
        format!(
            "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: g, namespace: here}}\n\
             spec: {{selector: {{istio: ingressgateway}}, \
             servers: [{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: [a.com]}}]}}\n\
             ---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a, namespace: here}}\n\
             spec: {{hosts: [a.com], gateways: [g], \
             http: [{{match: [{{headers: {{'{header}': {{exact: x}}}}}}], route: [{{destination: {{host: a}}}}]}}]}}\n\
             {authentication}"
        )
    }

    #[test]
    fn claims_need_a_request_authentication() {
        let claim = "@request.auth.claims.sub";
        let path = &["spec.http[0].match[0].headers[\"@request.auth.claims.sub\"]"][..];
        let selector = "istio-system selector: {matchLabels: {istio: ingressgateway}}";
        for (header, authentication, paths) in [
            ("x-user", "", &[][..]),
            (claim, selector, &[]),
            (claim, "istio-system selector: {}", &[]),
            (claim, "", path),
            (claim, "here selector: {}", path),
            (claim, "istio-system selector: {matchLabels: {istio: other}}", path),
        ] {
            assert_code(&world(header, authentication), "ITL0516", paths);
        }
        let other_pods = world(claim, "").replace("{istio: ingressgateway}", "{istio: elsewhere}");
        assert_code(&other_pods, "ITL0516", &[]);
        for kind in ["Deployment", "DaemonSet", "ReplicaSet"] {
            let known = format!(
                "{other_pods}---\napiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: g, namespace: here}}\n\
                 spec: {{template: {{metadata: {{labels: {{istio: elsewhere}}}}}}}}\n"
            );
            assert_code(&known, "ITL0516", path);
        }
    }
}
