//! What every conversion looks at, and which Gateways are played.

use std::collections::BTreeMap;

use serde_json::Value;

use super::grants::Grants;
use super::kube::Stored;
use super::namespaces::Namespaces;
use crate::gateway::config::clusters::KnownServices;
use crate::manifests::gateway_api as api;
use crate::manifests::model::Service;
use crate::problem::Problem;
use crate::secrets::SecretStore;

/// What the objects of the Gateway API are read in.
pub struct Scene<'s> {
    /// The labels of the gateway's pods.
    pub pod_labels: &'s BTreeMap<String, String>,
    /// The Services of the input.
    pub services: &'s KnownServices,
    /// The Secrets; its namespace is that of the gateway's pods.
    pub store: &'s SecretStore<'s>,
}

/// What all conversions look at.
pub(super) struct Context<'s> {
    pub(super) scene: &'s Scene<'s>,
    pub(super) store: &'s SecretStore<'s>,
    pub(super) grants: Grants,
    pub(super) namespaces: Namespaces,
    pub(super) services: Vec<(&'s str, &'s Service)>,
}

impl Context<'_> {
    /// Whether the pods that are played are those of a Gateway.
    pub(super) fn is_played(&self, gateway: &Stored<'_>, classes: &[Stored<'_>]) -> Result<(), Box<Problem>> {
        let not_played = |field: &str, why: String| {
            Err(Box::new(
                Problem::new(format!("serve does not play {}", gateway.kube.title()))
                    .at(gateway.kube.place(field))
                    .why(why),
            ))
        };
        let class = api::class(&gateway.content);
        let listed: Vec<Value> = (classes.iter())
            .filter(|one| one.kube.name() == class)
            .map(|one| one.content.clone())
            .collect();
        if !api::is_of_istio(class, (!listed.is_empty()).then_some(&listed)) {
            let why = format!("its class {class} is none of Istio's gateways");
            return not_played("spec.gatewayClassName", why);
        }
        let pods = &self.store.namespace;
        if gateway.kube.namespace != pods {
            let why = format!("it is in another namespace than the pods that are played, {pods}");
            return not_played("metadata", why);
        }
        let labels = self.scene.pod_labels;
        let selector = match api::service(&gateway.content, gateway.kube.namespace) {
            None => api::pod_labels(&gateway.content),
            Some((name, namespace)) if namespace == *pods => {
                let mut named = self.services.iter();
                let service = named.find(|(of, service)| *of == namespace && service.metadata.name == name);
                service
                    .map(|(_, service)| service.spec.selector.clone())
                    .unwrap_or_default()
            }
            Some((name, namespace)) => {
                let why = format!("Service {namespace}/{name} is in another namespace than the Gateway");
                return not_played("spec.addresses", why);
            }
        };
        let unmet: Vec<String> = (selector.iter())
            .filter(|(label, value)| labels.get(*label) != Some(*value))
            .map(|(label, value)| format!("{label}: {value}"))
            .collect();
        if unmet.is_empty() {
            return Ok(());
        }
        let why = format!("its pods have {}, and those that are played have not", unmet.join(", "));
        not_played("metadata.name", why)
    }

    /// Why a port is not opened: the Service that the Gateway names has it not.
    pub(super) fn not_on_service(&self, gateway: &Stored<'_>, port: u64) -> Option<String> {
        let (name, namespace) = api::service(&gateway.content, gateway.kube.namespace)?;
        let mut named = self.services.iter();
        let (_, service) = named.find(|(of, service)| *of == namespace && service.metadata.name == name)?;
        let has_it = service.spec.ports.iter().any(|own| u64::from(own.port) == port);
        (!has_it).then(|| format!("Service {namespace}/{name} has no port {port}"))
    }
}
