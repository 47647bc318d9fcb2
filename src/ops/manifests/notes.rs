//! Notes for readers of the objects.

use crate::manifests::build::{Api, Intent, Part, frontend, ingress_volumes};
use crate::workspace::config::{IstioTarget, Mode};

/// No route leads to a sample, so no sample is among the objects.
pub fn no_sample(intent: &Intent) -> Option<String> {
    const SAMPLES: &[&str] = &["httpbin", "helloworld-v1", "productpage"];
    let mut routes = intent.hosts.iter().flat_map(|host| &host.routes);
    let leads_to_one = routes.any(|route| SAMPLES.contains(&route.service.as_str()));
    (!leads_to_one).then(|| format!("no host leads to a Service of the samples ({})", SAMPLES.join(", ")))
}

/// Notes for readers of the objects.
pub(super) fn notes(intent: &Intent, parts: &[Part]) -> Vec<String> {
    let mut notes = Vec::new();
    if parts.contains(&Part::IngressVolumes) {
        notes.push(format!(
            "Deployment {}/{} is a patch of the gateway's own: apply it with --server-side, and \
             never pass it to kubectl delete",
            intent.gateway.pod_namespace,
            ingress_volumes::INGRESS_DEPLOYMENT
        ));
    }
    if parts.contains(&Part::Gateway) && intent.api == Api::GatewayApi {
        notes.extend(of_gateway_api(intent));
    }
    if parts.contains(&Part::Samples) {
        let leads_to = |service: &str| {
            let mut routes = intent.hosts.iter().flat_map(|host| &host.routes);
            routes.any(|route| route.service == service)
        };
        if intent.istio == IstioTarget::V1_1 {
            if leads_to("helloworld-v1") {
                notes.push(
                    "the task page's Service helloworld-v1 exposes port 8000, but its route leads \
                     to 5000, so it cannot work (--istio latest exposes 5000)"
                        .to_owned(),
                );
            }
            notes.push(
                "the task page's Deployments are extensions/v1beta1, which no API server since \
                 Kubernetes 1.16 accepts"
                    .to_owned(),
            );
        }
        notes.extend(no_sample(intent));
    }
    notes
}

/// What releases of Istio and of the Gateway API do with client certificates.
fn of_gateway_api(intent: &Intent) -> Option<String> {
    if frontend(&intent.hosts).is_some() {
        return Some(
            "spec.tls.frontend needs the definitions of Gateway API 1.5 or later: an API server with older ones \
             refuses it or drops it, and without it no client certificate is asked for. Its CA is in a ConfigMap: \
             after rotate --ca write and apply these objects anew"
                .to_owned(),
        );
    }
    let has_optional = intent.hosts.iter().any(|host| host.mode == Mode::OptionalMutual);
    has_optional.then(|| {
        "releases of Istio without the fix of its issue 60618 reset every connection to a listener with \
         OPTIONAL_MUTUAL: their release notes name the issue"
            .to_owned()
    })
}
