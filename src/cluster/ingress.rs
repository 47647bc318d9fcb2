//! The external address of the ingress gateway, from its Service, its pods, the nodes and the
//! Gateway of the Gateway API, as in Istio's task "Determining the ingress IP and ports". Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::problem::Problem;
use crate::remedy::{Line, Remedy, Word, kubectl, other, ours};

/// The Service of Istio's default ingress gateway.
pub const DEFAULT_SERVICE: &str = "istio-ingressgateway";

/// An address of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingress {
    /// An IP address or a DNS name.
    pub host: String,
    /// Additional ones that should lead there, too.
    pub others: Vec<Other>,
    /// The HTTPS port.
    pub secure_port: u16,
    /// The HTTP port, if there is one.
    pub plain_port: Option<u16>,
    /// The source object, in words.
    pub source: String,
    /// For a node's address that replaces a pending LoadBalancer's: how to get the latter.
    pub pending: Option<Remedy>,
}

/// An additional address, with the ports of the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// An IP address or a DNS name.
    pub host: String,
    /// The source object, in words.
    pub source: String,
}

impl Ingress {
    /// Makes the additional address at this index the first.
    pub fn prefer(&mut self, place: usize) {
        if let Some(other) = self.others.get_mut(place) {
            std::mem::swap(&mut self.host, &mut other.host);
            std::mem::swap(&mut self.source, &mut other.source);
        }
    }
}

/// The first of several addresses, and the others without duplicates.
fn first_of(addresses: impl IntoIterator<Item = (String, String)>) -> Option<(String, String, Vec<Other>)> {
    let mut seen = std::collections::HashSet::new();
    let mut each = addresses.into_iter().filter(|(host, _)| seen.insert(host.clone()));
    let (host, source) = each.next()?;
    let others = each.map(|(host, source)| Other { host, source }).collect();
    Some((host, source, others))
}

/// The gateway to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The namespace of the gateway's pods and their Service.
    pub pod_namespace: String,
    /// `spec.selector` of the Gateway: labels of those pods.
    pub selector: BTreeMap<String, String>,
    /// Namespace of the Gateway, for the Gateway API.
    pub namespace: String,
    /// Name of the Gateway, for the Gateway API.
    pub name: String,
}

/// What was found in the cluster; nothing if the user lacks permission.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The Services in the gateway's namespace.
    pub services: Vec<Value>,
    /// The pods that the Gateway's selector selects.
    pub pods: Vec<Value>,
    /// All nodes; none if nodes may not be listed, which is normal for users.
    pub nodes: Option<Vec<Value>>,
    /// The Gateway of `gateway.networking.k8s.io` with the Gateway's name.
    pub gateway: Option<Value>,
}

/// Chooses the address: the LoadBalancer's, otherwise a node's with the `NodePort`, otherwise the
/// one in the status of the Gateway API's Gateway.
///
/// # Errors
/// If there is none: what was searched, and what to do.
pub fn choose(found: &Found, wanted: &Wanted) -> Result<Ingress, Problem> {
    choose_for(found, wanted, None)
}

/// The same, but with the port that leads to this port of a Gateway instead of the one named https.
///
/// # Errors
/// See [`choose`].
pub fn choose_for(found: &Found, wanted: &Wanted, gateway_port: Option<u32>) -> Result<Ingress, Problem> {
    let of_service = match best_service(found, wanted, gateway_port) {
        Some(service) => of_service(service, found, wanted, gateway_port),
        None => Err(no_service(found, wanted)),
    };
    let of_status = |gateway| of_gateway(gateway, gateway_port);
    of_service.or_else(|problem| found.gateway.as_ref().and_then(of_status).ok_or(problem))
}

/// Whether the gateway exists in its namespace: a pod, or a Service for its pods.
pub fn is_there(found: &Found, wanted: &Wanted) -> bool {
    !found.pods.is_empty() || service(found, wanted).is_some()
}

/// The Service that selects the gateway's pods. If no pod is known, the one whose selector contains
/// the Gateway's. Of several, one with an HTTPS port.
pub(super) fn service<'f>(found: &'f Found, wanted: &Wanted) -> Option<&'f Value> {
    best_service(found, wanted, None)
}

fn best_service<'f>(found: &'f Found, wanted: &Wanted, gateway_port: Option<u32>) -> Option<&'f Value> {
    let leads_there = |service: &Value| {
        let Some(selector) = service["spec"]["selector"].as_object().filter(|map| !map.is_empty()) else {
            return false;
        };
        if found.pods.is_empty() {
            let holds = |(name, value): (&String, &String)| selector.get(name).and_then(Value::as_str) == Some(value);
            return !wanted.selector.is_empty() && wanted.selector.iter().all(holds);
        }
        (found.pods.iter()).any(|pod| {
            let labels = &pod["metadata"]["labels"];
            selector.iter().all(|(name, value)| &labels[name] == value)
        })
    };
    (found.services.iter())
        .filter(|service| leads_there(service))
        .min_by_key(|service| {
            let name = text(&service["metadata"]["name"]);
            (
                secure_for(service, gateway_port).is_none(),
                name != DEFAULT_SERVICE,
                name.to_owned(),
            )
        })
}

fn of_service(service: &Value, found: &Found, wanted: &Wanted, gateway_port: Option<u32>) -> Result<Ingress, Problem> {
    let name = text(&service["metadata"]["name"]);
    let title = format!("Service {}/{name}", wanted.pod_namespace);
    let Some(secure) = secure_for(service, gateway_port) else {
        return Err(Problem::new(match gateway_port {
            None => format!("{title} has no port named https, and no port 443"),
            Some(number) => format!("{title} has no port that leads to port {number}"),
        })
        .why(format!("its ports are {}", port_names(service)))
        .fix(Remedy::from(at_address()).or("add the port https to the Service, as in Istio's default")));
    };
    let plain = port_of(service, &["http2", "http"], 80);
    let kind = service["spec"]["type"].as_str().unwrap_or("ClusterIP");
    let balanced = service["status"]["loadBalancer"]["ingress"].as_array();
    let balancer = format!("the LoadBalancer of {title}");
    // An entry may have both; a name may have addresses of both families.
    let addresses = balanced.into_iter().flatten().flat_map(|entry| {
        let fields = ["ip", "hostname"].into_iter();
        fields.filter_map(|field| entry[field].as_str().filter(|text| !text.is_empty()))
    });
    let addresses = addresses.map(|address| (address.to_owned(), balancer.clone()));
    if let (Some((host, source, others)), Some(port)) = (first_of(addresses), number(&secure["port"])) {
        return Ok(Ingress {
            host,
            others,
            secure_port: port,
            plain_port: plain.and_then(|port| number(&port["port"])),
            source,
            pending: None,
        });
    }
    let ports = format!("8443:{}", number(&secure["port"]).unwrap_or(443));
    let forward = Remedy::from(kubectl::port_forward(
        &wanted.pod_namespace,
        format!("service/{name}"),
        &ports,
    ))
    .and(", and in another terminal ")
    .and(ours::probe_at(ours::HOST, "127.0.0.1:8443"));
    let pending = kind == "LoadBalancer";
    let wait = || {
        Remedy::from("with minikube: ")
            .and(other::minikube_tunnel())
            .and(", in another terminal; otherwise wait, or ")
            .and(at_address())
            .and(", or")
            .below(forward.clone())
    };
    let words = if pending {
        ", whose LoadBalancer has no address yet"
    } else {
        ""
    };
    let of_nodes = node_addresses(found);
    let of_nodes = of_nodes
        .into_iter()
        .map(|(host, owner)| (host, format!("{owner} and the NodePort of {title}{words}")));
    if let Some(port) = number(&secure["nodePort"])
        && let Some((host, source, others)) = first_of(of_nodes)
    {
        return Ok(Ingress {
            host,
            others,
            secure_port: port,
            plain_port: plain.and_then(|port| number(&port["nodePort"])),
            source,
            pending: pending.then(wait),
        });
    }
    Err(if pending {
        Problem::new(format!("the LoadBalancer of {title} has no address yet"))
            .why(
                "status.loadBalancer.ingress is empty: the cloud has not assigned one yet, or nothing in this \
                cluster assigns any",
            )
            .fix(wait())
    } else if number(&secure["nodePort"]).is_some() {
        Problem::new(format!("no node address is known for the NodePort of {title}"))
            .why(match &found.nodes {
                Some(_) => "no node has an ExternalIP or InternalIP, and no pod of the gateway a hostIP",
                None => "this user may not list nodes, and no pod of the gateway has a hostIP",
            })
            .fix(
                Remedy::from(at_address())
                    .and(" with the address of a node; or")
                    .below(forward),
            )
    } else {
        Problem::new(format!(
            "{title} has no address that can be reached from outside the cluster"
        ))
        .why(format!("its type is {kind}"))
        .fix(forward.or("change its type to LoadBalancer or NodePort"))
    })
}

/// The command for an address that the user knows.
fn at_address() -> Line {
    ours::probe_at(ours::HOST, Word::Placeholder("ADDRESS:PORT"))
}

fn no_service(found: &Found, wanted: &Wanted) -> Problem {
    let selector: Vec<String> = (wanted.selector.iter())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let selector = selector.join(",");
    let names: Vec<&str> = (found.services.iter())
        .map(|service| text(&service["metadata"]["name"]))
        .collect();
    let there = match names.len() {
        0 => "there is no Service".to_owned(),
        1..=10 => format!("there are {}", names.join(", ")),
        many => format!("there are {many} others"),
    };
    Problem::new(format!(
        "the ingress gateway has no Service in the namespace {}",
        wanted.pod_namespace
    ))
    .why(format!("expected one that selects the pods with {selector}; {there}"))
    .fix(
        Remedy::from(kubectl::get(&["services", "-A", "-l", &selector]))
            .and(" shows where it is: pass that namespace with --gateway-namespace")
            .or(at_address()),
    )
}

/// The addresses of nodes, with descriptions: first the nodes where the gateway runs, because
/// others may not forward to it (`externalTrafficPolicy: Local`), and ExternalIPs before
/// InternalIPs.
fn node_addresses(found: &Found) -> Vec<(String, String)> {
    let runs = |node: &Value| {
        (found.pods.iter())
            .any(|pod| pod["spec"]["nodeName"].is_string() && pod["spec"]["nodeName"] == node["metadata"]["name"])
    };
    let mut nodes: Vec<&Value> = found.nodes.iter().flatten().collect();
    nodes.sort_by_key(|node| !runs(node));
    let mut all = Vec::new();
    for kind in ["ExternalIP", "InternalIP"] {
        for node in &nodes {
            let addresses = node["status"]["addresses"].as_array().into_iter().flatten();
            let of_kind = addresses.filter(|address| address["type"] == kind);
            let name = text(&node["metadata"]["name"]);
            let of_kind = of_kind.filter_map(|address| address["address"].as_str());
            all.extend(of_kind.map(|address| (address.to_owned(), format!("the {kind} of the node {name}"))));
        }
    }
    if all.is_empty() {
        for pod in &found.pods {
            let name = text(&pod["metadata"]["name"]);
            let of_list = pod["status"]["hostIPs"].as_array().into_iter().flatten();
            let addresses = [&pod["status"]["hostIP"]]
                .into_iter()
                .chain(of_list.map(|entry| &entry["ip"]));
            let addresses = addresses.filter_map(Value::as_str);
            all.extend(addresses.map(|address| (address.to_owned(), format!("the hostIP of the pod {name}"))));
        }
    }
    all
}

/// The address in the status of the Gateway API's Gateway. A name that only the cluster's DNS
/// resolves does not count.
fn of_gateway(gateway: &Value, gateway_port: Option<u32>) -> Option<Ingress> {
    let listeners = gateway["spec"]["listeners"].as_array();
    let port = |protocols: &[&str]| {
        let is_meant = |listener: &&Value| {
            let is_port = |wanted| number(&listener["port"]).map(u32::from) == Some(wanted);
            protocols.contains(&text(&listener["protocol"]))
                && (gateway_port.is_none_or(is_port) || text(&listener["protocol"]) == "HTTP")
        };
        (listeners.into_iter().flatten())
            .find(is_meant)
            .and_then(|listener| number(&listener["port"]))
    };
    let addresses = gateway["status"]["addresses"].as_array().into_iter().flatten();
    let source = format!(
        "the status of the Gateway API's Gateway {}/{}",
        text(&gateway["metadata"]["namespace"]),
        text(&gateway["metadata"]["name"])
    );
    let addresses = addresses
        .filter_map(|address| address["value"].as_str())
        .filter(|value| !value.is_empty() && value.split('.').nth(2) != Some("svc"));
    let (host, source, others) = first_of(addresses.map(|address| (address.to_owned(), source.clone())))?;
    Some(Ingress {
        host,
        others,
        secure_port: port(&["HTTPS", "TLS"])?,
        plain_port: port(&["HTTP"]),
        source,
        pending: None,
    })
}

pub(super) fn secure(service: &Value) -> Option<&Value> {
    port_of(service, &["https"], 443)
}

/// The port that leads to a Gateway's port; by default the HTTPS port.
fn secure_for(service: &Value, gateway_port: Option<u32>) -> Option<&Value> {
    let Some(gateway_port) = gateway_port else {
        return secure(service);
    };
    let ports = service["spec"]["ports"].as_array()?;
    let leads = |field: &str| {
        let mut tcp = ports.iter().filter(|port| is_tcp(port));
        tcp.find(|port| number(&port[field]).map(u32::from) == Some(gateway_port))
    };
    leads("port").or_else(|| leads("targetPort"))
}

/// The port with one of these names, otherwise with this number.
fn port_of<'s>(service: &'s Value, names: &[&str], usual: u16) -> Option<&'s Value> {
    let ports = service["spec"]["ports"].as_array()?;
    // The same number may exist for UDP, for HTTP/3.
    let mut tcp = ports.iter().filter(|port| is_tcp(port));
    let named = |name: &&str| tcp.clone().find(|port| port["name"] == **name);
    (names.iter().find_map(named)).or_else(|| tcp.find(|port| number(&port["port"]) == Some(usual)))
}

fn is_tcp(port: &Value) -> bool {
    port["protocol"].as_str().is_none_or(|protocol| protocol == "TCP")
}

fn port_names(service: &Value) -> String {
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    let words: Vec<String> = ports
        .map(|port| match port["name"].as_str() {
            Some(name) => format!("{name} {}", port["port"]),
            None => port["port"].to_string(),
        })
        .collect();
    match words.len() {
        0 => "none".to_owned(),
        _ => words.join(", "),
    }
}

pub(super) fn number(value: &Value) -> Option<u16> {
    value
        .as_u64()
        .and_then(|number| u16::try_from(number).ok())
        .filter(|port| *port != 0)
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests;
