//! Whether the running pods have the files that a Gateway refers to.

use std::collections::BTreeSet;

use super::causes::{Causes, skip_for};
use super::control_plane::field;
use super::facts::{Facts, Source, some_of};
use crate::lint::codes::POD_WITHOUT_VOLUME;
use crate::lint::{Finding, Findings};
use crate::remedy::{Remedy, kubectl};

pub(super) fn check(facts: &Facts, causes: &mut Causes, found: &mut Findings) {
    let wanted: BTreeSet<&str> = facts
        .certificates
        .iter()
        .filter(|certificate| matches!(certificate.source, Source::File(_)))
        .map(super::facts::Certificate::secret_name)
        .collect();
    if wanted.is_empty() {
        return;
    }
    let deployments = match &facts.deployments {
        Ok(deployments) => deployments,
        Err(reason) => return found.skip(&POD_WITHOUT_VOLUME, reason),
    };
    let pods = facts.gateway_pods();
    for deployment in deployments {
        let template = &deployment.spec.template;
        let own: Vec<_> = pods
            .iter()
            .filter(|pod| !template.metadata.labels.is_empty() && pod.is_selected(&template.metadata.labels))
            .collect();
        let volumes = template.spec.volumes.iter().filter_map(|volume| volume.secret.as_ref());
        let names: BTreeSet<&str> = volumes.filter_map(|secret| secret.secret_name.as_deref()).collect();
        for secret in names.intersection(&wanted) {
            let old: Vec<&str> = own
                .iter()
                .filter(|pod| !pod.secret_volumes.contains_key(*secret))
                .map(|pod| pod.name.as_str())
                .collect();
            if old.is_empty() {
                continue;
            }
            let (namespace, name) = (&facts.found_namespace, &deployment.metadata.name);
            let title = format!("Deployment {namespace}/{name}");
            if let Some(cause) = causes.secrets.get(*secret).or(causes.pods.as_ref()) {
                skip_for(found, &POD_WITHOUT_VOLUME, &title, cause);
                continue;
            }
            causes.secrets.insert((*secret).to_owned(), POD_WITHOUT_VOLUME.id);
            found.push(
                Finding::new(
                    &POD_WITHOUT_VOLUME,
                    field(&title, "spec.template.spec.volumes"),
                    format!(
                        "{title} mounts Secret {secret}, but {} of its pods are older than that: {}",
                        old.len(),
                        some_of(&old)
                    ),
                )
                .fix(
                    Remedy::from(kubectl::rollout_status(namespace, name))
                        .and("; if nothing happens, ")
                        .and(kubectl::rollout_restart(namespace, name)),
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::doctor::examine;
    use crate::doctor::facts::{Facts, Source};
    use crate::doctor::testing::{assert_one, assert_skipped, change};

    const SECRET: &str = "istio-ingressgateway-certs";
    const PATH: &str = "/etc/istio/ingressgateway-certs/tls.crt";

    fn mounted(in_pod: bool) -> Facts {
        let deployment = serde_json::from_value(serde_json::json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "istio-ingressgateway", "namespace": "istio-system"},
            "spec": {"template": {
                "metadata": {"labels": {"istio": "ingressgateway"}},
                "spec": {"containers": [], "volumes": [{"name": "certs", "secret": {"secretName": SECRET}}]},
            }},
        }))
        .unwrap();
        change(|facts| {
            facts.deployments = Ok(vec![deployment]);
            facts.certificates[0].source = Source::File(PATH.into());
            facts.certificates[0].secret = format!("istio-system/{SECRET}");
            let view = facts.proxies[0].view.as_mut().unwrap();
            view.active[0].0 = format!("file-cert:{PATH}~/etc/istio/ingressgateway-certs/tls.key");
            if in_pod {
                facts.pods.as_mut().unwrap()[0]
                    .secret_volumes
                    .insert(SECRET.into(), true);
            } else {
                view.active.clear();
                view.loaded.clear();
            }
        })
    }

    #[test]
    fn pods_that_are_older_than_their_volume_are_told_of() {
        assert!(examine(&mounted(true)).findings.is_empty());
        let finding = assert_one(&mounted(false), "ITL1140", "older than that: gateway");
        assert!(finding.fix.contains("rollout restart deployment/istio-ingressgateway"));
        assert_skipped(&mounted(false), "ITL1150", "see ITL1140");
        let mut unread = mounted(true);
        unread.deployments = Err("forbidden".into());
        assert_skipped(&unread, "ITL1140", "forbidden");
    }
}
