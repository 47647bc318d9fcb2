//! The same intent for the Kubernetes Gateway API: Gateway, HTTPRoutes, and ReferenceGrants for
//! references across namespaces.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::intent::{LISTENERS_PER_GATEWAY, Material};
use super::metadata::{self, gateway_metadata};
use super::{HTTPS_PORT, HostIntent, Intent, virtual_services};
use crate::manifests::gateway_api::{GROUP, TERMINATE_MODE};
use crate::manifests::model::{ObjectMeta, Other};
use crate::workspace::config::{Mode, RouteEntry};

/// The maximum number of references in a ReferenceGrant (a limit of the CRD).
const REFERENCES_PER_GRANT: usize = 16;
/// The class whose controller is Istio.
const CLASS: &str = "istio";

/// The Gateways, each after the CA for its clients if it has its own, then the grants that allow
/// them to read the Secrets.
pub(super) fn gateways(intent: &Intent) -> Vec<Other> {
    let mut objects = Vec::new();
    for (part, hosts) in intent.hosts.chunks(LISTENERS_PER_GATEWAY).enumerate() {
        let name = intent.gateway_name(part * LISTENERS_PER_GATEWAY);
        let mut spec = json!({ "gatewayClassName": CLASS });
        let frontend = frontend(hosts);
        if let Some(material) = frontend {
            let config_map = format!("{name}-clients");
            spec["tls"] = json!({ "frontend": { "default": { "validation": {
                "caCertificateRefs": [{ "group": "", "kind": "ConfigMap", "name": config_map }],
            } } } });
            objects.push(authorities(intent, &config_map, material));
        }
        let listeners = hosts.iter().map(|host| listener(intent, host, frontend.is_some()));
        spec["listeners"] = json!(listeners.collect::<Vec<_>>());
        let metadata = gateway_metadata(intent, &name);
        objects.push(object(format!("{GROUP}/v1"), "Gateway", metadata, &spec));
    }
    if intent.gateway.namespace != intent.gateway.pod_namespace {
        let secrets: Vec<Value> = intent
            .hosts
            .iter()
            .map(|host| json!({ "group": "", "kind": "Secret", "name": host.names.credential }))
            .collect();
        let name = format!("{}-credentials", intent.gateway.name);
        objects.extend(grants(
            intent,
            &name,
            "Gateway",
            &intent.gateway.pod_namespace,
            &secrets,
        ));
    }
    objects
}

/// What clients of all listeners are verified with, if it is the same for all: the API has
/// one CA for a port. None: some listener needs Istio's option.
pub fn frontend(hosts: &[HostIntent]) -> Option<&Material> {
    let first = &hosts.first()?.material;
    let is_alike =
        |host: &HostIntent| host.mode == Mode::Mutual && host.material.ca == first.ca && host.material.crl == first.crl;
    (first.ca.is_some() && hosts.iter().all(is_alike)).then_some(first)
}

/// The ConfigMap with the CA for clients, and its CRLs.
fn authorities(intent: &Intent, name: &str, material: &Material) -> Other {
    let text = |pem: &[u8]| String::from_utf8_lossy(pem).into_owned();
    let mut data = json!({ "ca.crt": material.ca.as_deref().map(text) });
    if let Some(crl) = &material.crl {
        data["ca.crl"] = json!(text(crl));
    }
    let metadata = gateway_metadata(intent, name);
    Other {
        content: json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data }),
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        metadata,
    }
}

fn listener(intent: &Intent, host: &HostIntent, has_frontend: bool) -> Value {
    let mut reference = json!({ "name": host.names.credential });
    if intent.gateway.namespace != intent.gateway.pod_namespace {
        reference["namespace"] = json!(intent.gateway.pod_namespace);
    }
    let mut listener = json!({ "name": host.names.server });
    // Clients send no SNI for an IP address; the API does not accept one as a hostname either.
    if host.names.host.ip().is_none() {
        listener["hostname"] = json!(host.names.host.as_str());
    }
    listener["port"] = json!(HTTPS_PORT);
    listener["protocol"] = json!("HTTPS");
    listener["tls"] = json!({ "mode": "Terminate", "certificateRefs": [reference] });
    if host.mode != Mode::Simple && !has_frontend {
        listener["tls"]["options"] = json!({ TERMINATE_MODE: host.mode.istio() });
    }
    listener["allowedRoutes"] = json!({ "namespaces": { "from": "Same" } });
    listener
}

/// An HTTPRoute per host, then the grants for Services in other namespaces.
pub(super) fn routes(intent: &Intent) -> Vec<Other> {
    let mut objects = Vec::new();
    let mut foreign: BTreeSet<(String, String)> = BTreeSet::new();
    for (index, host) in intent.hosts.iter().enumerate() {
        let rules: Vec<Value> = virtual_services::by_destination(&host.routes)
            .iter()
            .map(|group| {
                let (service, namespace) = service_of(&group[0].service);
                let mut backend = json!({ "name": service, "port": group[0].port });
                if let Some(namespace) = namespace.filter(|namespace| *namespace != intent.gateway.namespace) {
                    backend["namespace"] = json!(namespace);
                    foreign.insert((namespace.to_owned(), service.to_owned()));
                }
                json!({
                    "matches": group.iter().map(|route| json!({ "path": path(route) })).collect::<Vec<_>>(),
                    "backendRefs": [backend],
                })
            })
            .collect();
        let mut spec = json!({
            "parentRefs": [{ "name": intent.gateway_name(index), "sectionName": host.names.server }],
        });
        if host.names.host.ip().is_none() {
            spec["hostnames"] = json!([host.names.host.as_str()]);
        }
        spec["rules"] = json!(rules);
        let metadata = gateway_metadata(intent, &host.names.virtual_service);
        objects.push(object(format!("{GROUP}/v1"), "HTTPRoute", metadata, &spec));
    }
    let namespaces: BTreeSet<&str> = foreign.iter().map(|(namespace, _)| namespace.as_str()).collect();
    for namespace in namespaces {
        let services: Vec<Value> = foreign
            .iter()
            .filter(|(of, _)| of == namespace)
            .map(|(_, service)| json!({ "group": "", "kind": "Service", "name": service }))
            .collect();
        let name = format!("{}-routes", intent.gateway.name);
        objects.extend(grants(intent, &name, "HTTPRoute", namespace, &services));
    }
    objects
}

fn path(route: &RouteEntry) -> Value {
    match (&route.exact, &route.prefix) {
        (Some(path), _) => json!({ "type": "Exact", "value": path }),
        (None, prefix) => json!({ "type": "PathPrefix", "value": prefix.as_deref().unwrap_or("/") }),
    }
}

/// `name`, `name.namespace` or a full name.
fn service_of(service: &str) -> (&str, Option<&str>) {
    let mut labels = service.split('.');
    (labels.next().unwrap_or_default(), labels.next())
}

/// The grants that allow objects of `kind` in the Gateway's namespace to refer to `to` in
/// `namespace`.
fn grants(intent: &Intent, name: &str, kind: &str, namespace: &str, to: &[Value]) -> Vec<Other> {
    to.chunks(REFERENCES_PER_GRANT)
        .enumerate()
        .map(|(part, to)| {
            let name = match part {
                0 => name.to_owned(),
                part => format!("{name}-{}", part + 1),
            };
            let spec = json!({
                "from": [{ "group": GROUP, "kind": kind, "namespace": intent.gateway.namespace }],
                "to": to,
            });
            let metadata = metadata::metadata(intent, &name, namespace);
            object(format!("{GROUP}/v1beta1"), "ReferenceGrant", metadata, &spec)
        })
        .collect()
}

/// An object of an untyped kind.
pub(super) fn object(api_version: String, kind: &str, metadata: ObjectMeta, spec: &Value) -> Other {
    Other {
        content: json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec }),
        api_version,
        kind: kind.to_owned(),
        metadata,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::intent;
    use super::super::{Api, Intent, Part, objects};
    use crate::manifests::model::Manifest;
    use crate::manifests::{load, render, routes};
    use crate::workspace::config::{IstioTarget, Mode, SecretStyle};

    fn wanted(hosts: &[&str], mode: Mode) -> Intent {
        let mut intent = intent(hosts, mode, SecretStyle::Credential, IstioTarget::Latest);
        intent.api = Api::GatewayApi;
        intent
    }

    fn made(intent: &Intent) -> Vec<(String, serde_json::Value)> {
        let objects = objects(intent, &[Part::Gateway, Part::VirtualServices]).unwrap();
        let loaded = load::load(&render::yaml(&objects), "made").whole().unwrap();
        assert_eq!(loaded.objects.len(), objects.len());
        objects
            .into_iter()
            .zip(loaded.objects)
            .map(|(made, loaded)| match (made, loaded.manifest) {
                (Manifest::Other(made), Manifest::Other(loaded)) => {
                    assert_eq!(made.content, loaded.content);
                    (format!("{} {}", made.kind, made.metadata.name), made.content)
                }
                (made, _) => panic!("a typed {}", made.kind()),
            })
            .collect()
    }

    #[test]
    fn listeners_routes_and_grants() {
        let made = made(&wanted(&["httpbin.example.com", "10.0.0.1"], Mode::OptionalMutual));
        let names: Vec<&str> = made.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "Gateway mygateway",
                "ReferenceGrant mygateway-credentials",
                "HTTPRoute httpbin",
                "HTTPRoute ip-10-0-0-1"
            ]
        );
        let listeners = &made[0].1["spec"]["listeners"];
        assert_eq!(
            listeners[0]["tls"]["options"]["gateway.istio.io/tls-terminate-mode"],
            "OPTIONAL_MUTUAL"
        );
        assert!(listeners[1].get("hostname").is_none());
        assert!(made[3].1["spec"].get("hostnames").is_none());
        assert_eq!(made[3].1["spec"]["parentRefs"][0]["sectionName"], "https-ip-10-0-0-1");
    }

    #[test]
    fn clients_of_one_ca_are_verified_by_the_frontend() {
        let ca = |intent: &mut Intent, number: usize, pem: &str| {
            intent.hosts[number].material.ca = Some(pem.as_bytes().to_vec());
        };
        let mut intent = wanted(&["a.com", "b.com"], Mode::Mutual);
        ca(&mut intent, 0, "one");
        ca(&mut intent, 1, "one");
        for host in &mut intent.hosts {
            host.material.crl = Some(b"list".to_vec());
        }
        let objects = made(&intent);
        assert_eq!(
            (objects[0].0.as_str(), objects[1].0.as_str()),
            ("ConfigMap mygateway-clients", "Gateway mygateway")
        );
        assert_eq!(
            objects[0].1["data"],
            serde_json::json!({"ca.crt": "one", "ca.crl": "list"})
        );
        assert_eq!(
            objects[0].1["metadata"]["namespace"],
            objects[1].1["metadata"]["namespace"]
        );
        let spec = &objects[1].1["spec"];
        let reference = &spec["tls"]["frontend"]["default"]["validation"]["caCertificateRefs"][0];
        assert_eq!(
            reference,
            &serde_json::json!({"group": "", "kind": "ConfigMap", "name": "mygateway-clients"})
        );
        assert!(spec["listeners"][0]["tls"].get("options").is_none());
        // Two CAs, a listener without clients' certificates, or no CA: Istio's option.
        let mut two = intent.clone();
        ca(&mut two, 1, "two");
        let mut simple = intent.clone();
        simple.hosts[1].mode = Mode::Simple;
        let mut none = intent;
        for host in &mut none.hosts {
            host.material.ca = None;
        }
        for intent in [two, simple, none] {
            let objects = made(&intent);
            let spec = &objects[0].1["spec"];
            assert!(spec.get("tls").is_none());
            let options = &spec["listeners"][0]["tls"]["options"];
            assert_eq!(options["gateway.istio.io/tls-terminate-mode"], "MUTUAL");
        }
    }

    #[test]
    fn no_grant_within_a_namespace() {
        let mut intent = wanted(&["httpbin.example.com"], Mode::Simple);
        intent.gateway.pod_namespace = "default".into();
        let made = made(&intent);
        assert_eq!(made.len(), 2);
        let tls = &made[0].1["spec"]["listeners"][0]["tls"];
        assert!(tls["certificateRefs"][0].get("namespace").is_none());
        assert!(tls.get("options").is_none());
    }

    #[test]
    fn services_of_other_namespaces_are_granted() {
        let mut intent = wanted(&["shop.example"], Mode::Simple);
        intent.hosts[0].routes = vec![routes::parse_route("/=orders.shop.svc.cluster.local:80").unwrap()];
        let made = made(&intent);
        let backend = &made[2].1["spec"]["rules"][0]["backendRefs"][0];
        assert_eq!(
            (backend["name"].as_str(), backend["namespace"].as_str()),
            (Some("orders"), Some("shop"))
        );
        assert_eq!(made[3].0, "ReferenceGrant mygateway-routes");
        assert_eq!(made[3].1["metadata"]["namespace"], "shop");
    }

    #[test]
    fn many_hosts_are_split() {
        let hosts: Vec<String> = (0..130).map(|number| format!("h{number}.example")).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let made = made(&wanted(&hosts, Mode::Simple));
        let count = |kind: &str| made.iter().filter(|(name, _)| name.starts_with(kind)).count();
        assert_eq!(
            (count("Gateway"), count("ReferenceGrant"), count("HTTPRoute")),
            (3, 9, 130)
        );
        let last = &made.last().unwrap().1;
        assert_eq!(last["spec"]["parentRefs"][0]["name"], "mygateway-3");
    }

    #[test]
    fn what_does_not_go_together() {
        let mut old = wanted(&["a.com"], Mode::Simple);
        old.istio = IstioTarget::V1_1;
        let mut mounted = wanted(&["a.com"], Mode::Simple);
        mounted.secrets = SecretStyle::FileMount;
        for intent in [old, mounted] {
            assert!(objects(&intent, &[Part::Gateway]).unwrap_err().fix.is_some());
        }
    }
}
