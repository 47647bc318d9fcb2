//! What is known of a cluster and its gateway, as plain values. Whoever gathers
//! it judges nothing; the rules beside this file read it and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use time::OffsetDateTime;

use crate::certs::inspect::CertificateFacts;
use crate::lint::Report;
use crate::manifests::model::gateway::{Server, TlsMode};
use crate::manifests::model::{Deployment, Gateway, Service};
use crate::manifests::server_hosts::{hosts_of, intersection};
use crate::problem::Problem;
use crate::remedy::{Cluster, Remedy};

/// What was seen, or why it could not be looked at, in words.
pub type Seen<T> = Result<T, String>;

/// Labels, or a selector of them.
pub type Labels = BTreeMap<String, String>;

/// Everything that the rules look at.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The time of the examination.
    pub now: OffsetDateTime,
    /// The hosts that matter, lower case; empty means those of every Gateway.
    pub hosts: Vec<String>,
    /// Of these, those for which a gateway has a server that is examined by itself.
    pub covered: BTreeSet<String>,
    /// Hosts of the workspace of which this folder has no chain that can be used.
    pub chainless: Vec<Chainless>,
    /// Where the gateway's pods should be, by flag or istio-tls.yaml.
    pub pod_namespace: String,
    /// Whether anybody said so, and no gateway has its pods there.
    pub is_elsewhere: bool,
    /// The labels that those pods should have, where no Gateway says it.
    pub selector: Labels,
    /// Where they are; the same where there are none.
    pub found_namespace: String,
    /// Where the workspace's Secrets are for these pods.
    pub secret_namespace: String,
    /// What is known of the Gateway API's Gateway, where the gateway is one.
    pub of_api: Option<OfApi>,
    /// Secrets that the workspace can make, by name, each with what `apply` needs to.
    pub own_secrets: BTreeMap<String, Needs>,
    /// The hosts of the workspace.
    pub own_hosts: BTreeSet<String>,
    /// Whether there is an istio-tls.yaml, so that its commands help.
    pub workspace: bool,
    /// The flags with which commands lead to this cluster; empty where they come
    /// there by themselves.
    pub flags: Cluster,
    /// Whether the server knows the kinds of networking.istio.io.
    pub kinds: Seen<bool>,
    /// The pods of the control plane.
    pub istiod: Seen<Vec<Pod>>,
    /// The Gateways that matter.
    pub gateways: Seen<Vec<Gateway>>,
    /// Why Gateways of other namespaces than the workspace's are not among them.
    pub unseen_gateways: Option<String>,
    /// What the status of Gateways and VirtualServices complains of.
    pub complaints: Vec<Complaint>,
    /// The pods of the gateway's namespace, and those that a Gateway's selector finds elsewhere.
    pub pods: Seen<Vec<Pod>>,
    /// Why pods of other namespaces are not among them, where they were looked for.
    pub unseen_pods: Option<String>,
    /// The Deployments of the gateway's namespace.
    pub deployments: Seen<Vec<Deployment>>,
    /// How many pods each of them is to have, by name.
    pub replicas: BTreeMap<String, u64>,
    /// Whether Secrets that pods or Gateways name are in the gateway's namespace, by name.
    pub secrets: BTreeMap<String, Seen<bool>>,
    /// The Services of the gateway's namespace.
    pub services: Seen<Vec<Service>>,
    /// Ready addresses by Service name, in the gateway's namespace.
    pub endpoints: Seen<BTreeMap<String, usize>>,
    /// Where the gateway is reached, or why that is not known.
    pub ingress: Result<Ingress, Problem>,
    /// What lint says of the live Gateways, their Secrets and certificates.
    pub linted: Report,
    /// The same with the workspace's own Secrets in their place.
    pub after_apply: Report,
    /// What the service accounts of the gateway's pods may do with Secrets.
    pub accounts: Vec<Account>,
    /// The certificate that each TLS server should serve.
    pub certificates: Vec<Certificate>,
    /// What each gateway pod's proxy tells of itself.
    pub proxies: Vec<Proxy>,
    /// What the ingress address serves; none where it was not asked: why.
    pub served: Seen<Vec<Served>>,
    /// The end of each gateway pod's log.
    pub logs: Vec<Log>,
    /// What DNS knows of the hosts.
    pub dns: Vec<Name>,
}

/// What `apply` needs to bring a Secret back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// No more than to be run.
    Nothing,
    /// To take over what others have written: --force-conflicts.
    ForceConflicts,
    /// To delete it first, for its type does not fit: --replace.
    Replace,
}

/// A host that istio-tls.yaml names and whose chain is not there, or is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chainless {
    /// The host.
    pub host: String,
    /// Whether it is one that matters here.
    pub matters: bool,
    /// What is the matter with its folder.
    pub problem: Problem,
    /// Whether there is a folder all the same, that `adopt` would have to replace.
    pub has_folder: bool,
    /// The Secret of the cluster that holds its certificate: `istio-system/httpbin-credential`.
    pub secret: Option<String>,
}

/// A Gateway of the Gateway API, beside what [`Gateway`] holds of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfApi {
    /// `spec.gatewayClassName`.
    pub class: String,
    /// Whether the cluster has a GatewayClass of this name.
    pub is_known: Seen<bool>,
    /// No controller has said anything of it yet: what its status holds.
    pub unclaimed: Option<String>,
    /// The Service that `spec.addresses` names, in place of pods that istiod makes.
    pub service: Option<String>,
    /// What its status says of listeners that are not as they should be, by their numbers.
    pub listeners: Vec<(usize, String)>,
}

/// How many addresses of a gateway are asked.
pub const ADDRESSES_ASKED: usize = 8;

/// An address of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingress {
    /// An IP address or a DNS name.
    pub host: String,
    /// Further ones, where the LoadBalancer has several.
    pub others: Vec<String>,
    /// The port for HTTPS.
    pub port: u16,
    /// Which object says so, in words.
    pub source: String,
    /// For a node's address in place of that of a LoadBalancer which has none
    /// yet: what to do about that.
    pub pending: Option<Remedy>,
}

/// A pod, as far as it matters to a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pod {
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.labels`.
    pub labels: Labels,
    /// `status.phase`.
    pub phase: String,
    /// The condition Ready.
    pub ready: bool,
    /// It is being deleted.
    pub ending: bool,
    /// Its containers.
    pub containers: Vec<Container>,
    /// `spec.serviceAccountName`.
    pub account: String,
    /// Secrets that its volumes mount: name, and whether the volume is optional.
    pub secret_volumes: BTreeMap<String, bool>,
    /// Named ports of its containers.
    pub ports: BTreeMap<String, u16>,
    /// Why it is not scheduled or not ready, in the cluster's words.
    pub message: String,
}

impl Pod {
    /// `Pod namespace/name`.
    pub fn title(&self) -> String {
        format!("Pod {}/{}", self.namespace, self.name)
    }

    /// The container that is the gateway.
    pub fn proxy(&self) -> Option<&Container> {
        self.containers.iter().find(|container| container.name == PROXY)
    }

    /// Whether it has every label of a selector; an empty one means every gateway.
    pub fn is_selected(&self, selector: &Labels) -> bool {
        if selector.is_empty() {
            return self.proxy().is_some() && self.labels.keys().any(|label| label == "istio");
        }
        selector
            .iter()
            .all(|(label, value)| self.labels.get(label) == Some(value))
    }
}

/// The name of Istio's container.
pub const PROXY: &str = "istio-proxy";

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// How often it was restarted.
    pub restarts: u32,
    /// When it ended last, and why: `OOMKilled, exit code 137`.
    pub ended: Option<(OffsetDateTime, String)>,
    /// Why it does not run: `ImagePullBackOff`.
    pub waiting: Option<String>,
}

/// What an object's status complains of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// `Gateway default/mygateway`.
    pub object: String,
    /// `status.conditions[type=Reconciled]`.
    pub path: String,
    /// In the control plane's words.
    pub message: String,
}

/// What a service account may do with Secrets of its namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The verbs of get, watch and list that it has.
    pub verbs: Seen<BTreeSet<&'static str>>,
}

/// Where a server's certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `credentialName`.
    Credential(String),
    /// The path of a file in the gateway's pods.
    File(String),
}

/// The certificate that a TLS server should serve.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The server's Gateway: `Gateway default/mygateway`.
    pub gateway: String,
    /// The server's number there.
    pub index: usize,
    /// The server's hosts, those that matter.
    pub hosts: Vec<String>,
    /// Where the proxy gets it from.
    pub source: Source,
    /// The Secret that holds it: `istio-system/httpbin-credential`.
    pub secret: String,
    /// Its leaf; none where the Secret is missing or unusable.
    pub leaf: Seen<Option<CertificateFacts>>,
}

impl Certificate {
    /// The Secret's name alone.
    pub fn secret_name(&self) -> &str {
        self.secret.split_once('/').map_or(&self.secret, |(_, name)| name)
    }
}

/// A pod's proxy.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// `namespace/name` of the pod.
    pub pod: String,
    /// What it tells.
    pub view: Seen<View>,
}

/// What a proxy's admin interface tells of its certificates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// Secrets that it uses: name, and the leaf where it holds a certificate.
    pub active: Vec<(String, Option<CertificateFacts>)>,
    /// Names of those that it waits for.
    pub warming: Vec<String>,
    /// Serial numbers of the certificates that its TLS contexts hold, by path.
    pub loaded: Vec<(String, String)>,
}

/// What was served for a host at the ingress address.
#[derive(Debug, Clone)]
pub struct Served {
    /// The host.
    pub host: String,
    /// The address of the gateway; empty through a port-forward.
    pub address: String,
    /// Where it was asked: address and port.
    pub target: String,
    /// The leaf, or what came instead.
    pub outcome: Result<CertificateFacts, Refusal>,
}

/// Why no certificate was served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// How far it came.
    pub end: End,
    /// In words.
    pub what: String,
    /// What to do.
    pub fix: Remedy,
}

/// How a connection ended that brought no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// There is no way from here: no answer, no route, no name.
    Unreachable,
    /// Nothing listens at the end of the way.
    Refused,
    /// It was reset or closed without an answer, as by a gateway that has no
    /// certificate for the name.
    Silent,
    /// Otherwise: the words tell it.
    Told,
}

impl Refusal {
    /// No connection came about.
    pub fn is_unconnected(&self) -> bool {
        matches!(self.end, End::Unreachable | End::Refused)
    }
}

/// The end of a pod's log.
#[derive(Debug, Clone)]
pub struct Log {
    /// `namespace/name` of the pod.
    pub pod: String,
    /// Its lines, oldest first.
    pub lines: Seen<Vec<String>>,
}

/// What DNS knows of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The host.
    pub host: String,
    /// Its addresses, or why it was not looked up.
    pub addresses: Seen<Vec<IpAddr>>,
    /// Those of the ingress; empty where they are not known.
    pub ingress: Vec<IpAddr>,
}

/// A server that terminates TLS.
pub struct TlsServer<'g> {
    /// Its Gateway.
    pub gateway: &'g Gateway,
    /// Its number there.
    pub index: usize,
    /// The server.
    pub server: &'g Server,
    /// Those of its hosts that matter, each as the more specific of the two says.
    pub hosts: Vec<String>,
}

/// `Gateway default/mygateway`.
pub fn title(gateway: &Gateway) -> String {
    let namespace = gateway.metadata.namespace_or("default");
    format!("Gateway {namespace}/{}", gateway.metadata.name)
}

/// Those of a server's hosts that matter; all where no host is asked for.
pub fn hosts_that_matter(gateway: &Gateway, server: &Server, wanted: &[String]) -> Vec<String> {
    let hosts = hosts_of(server, gateway.metadata.namespace_or("default"));
    let mut found: Vec<String> = if wanted.is_empty() {
        hosts.into_iter().map(|host| host.name).collect()
    } else {
        let pairs = hosts
            .iter()
            .flat_map(|host| wanted.iter().map(move |wanted| (host, wanted)));
        pairs
            .filter_map(|(host, wanted)| intersection(&host.name, wanted).map(str::to_owned))
            .collect()
    };
    found.sort();
    found.dedup();
    found
}

/// Whether a server terminates TLS with a certificate of its own.
pub fn terminates(server: &Server) -> bool {
    server.tls.as_ref().is_some_and(|tls| {
        matches!(
            tls.effective_mode(),
            TlsMode::Simple | TlsMode::Mutual | TlsMode::OptionalMutual
        )
    })
}

/// The field of a server: `spec.servers[0]`, or `spec.listeners[0]` in the Gateway API.
pub fn server_path(gateway: &Gateway, index: usize) -> String {
    let list = if is_of_api(gateway) { "listeners" } else { "servers" };
    format!("spec.{list}[{index}]")
}

/// The number of the server that a field's path leads to.
pub fn server_index(path: &str) -> Option<usize> {
    let rest = path
        .strip_prefix("spec.servers[")
        .or_else(|| path.strip_prefix("spec.listeners["))?;
    rest.split_once(']')?.0.parse().ok()
}

/// Whether a Gateway is one of the Gateway API, as [`super::kube_gateways`] reads it.
pub fn is_of_api(gateway: &Gateway) -> bool {
    gateway.api_version.starts_with("gateway.networking.k8s.io/")
}

impl Ingress {
    /// Every address.
    pub fn hosts(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.host).chain(&self.others)
    }
}

impl Facts {
    /// The Gateways, as far as they are known.
    pub fn gateways(&self) -> &[Gateway] {
        self.gateways.as_deref().unwrap_or_default()
    }

    /// Where istiod runs, as far as it is known.
    pub fn control_plane_namespace(&self) -> &str {
        let pod = self.istiod.iter().flatten().next();
        pod.map_or("istio-system", |pod| pod.namespace.as_str())
    }

    /// The servers that terminate TLS for a host that matters.
    pub fn tls_servers(&self) -> Vec<TlsServer<'_>> {
        let servers = self.gateways().iter().flat_map(|gateway| {
            let numbered = gateway.spec.servers.iter().enumerate();
            numbered.map(move |(index, server)| TlsServer {
                gateway,
                index,
                server,
                hosts: hosts_that_matter(gateway, server, &self.hosts),
            })
        });
        servers
            .filter(|server| terminates(server.server) && !server.hosts.is_empty())
            .collect()
    }

    /// The selectors of the Gateways, each with its Gateway; without any, the usual one.
    pub fn selectors(&self) -> Vec<(Option<&Gateway>, &Labels)> {
        let gateways = self.gateways().iter();
        let of_gateways: Vec<_> = gateways
            .map(|gateway| (Some(gateway), &gateway.spec.selector))
            .collect();
        if of_gateways.is_empty() {
            return vec![(None, &self.selector)];
        }
        of_gateways
    }

    /// The pods that a Gateway selects and that are not being deleted.
    pub fn pods_of(&self, selector: &Labels) -> Vec<&Pod> {
        let pods = self.pods.as_deref().unwrap_or_default().iter();
        pods.filter(|pod| !pod.ending && pod.is_selected(selector)).collect()
    }

    /// The gateway's pods: those that any Gateway selects, in the namespace where they are.
    pub fn gateway_pods(&self) -> Vec<&Pod> {
        let pods = self.pods.as_deref().unwrap_or_default().iter();
        let selectors = self.selectors();
        pods.filter(|pod| !pod.ending && pod.namespace == self.found_namespace)
            .filter(|pod| selectors.iter().any(|(_, selector)| pod.is_selected(selector)))
            .collect()
    }
}

/// `istio=ingressgateway,app=x`, as kubectl's -l takes it.
pub fn selector_words(selector: &Labels) -> String {
    let words: Vec<String> = selector
        .iter()
        .map(|(label, value)| format!("{label}={value}"))
        .collect();
    words.join(",")
}

/// `a`, `a and b`, `a, b and 3 more`: not every one of many.
pub fn some_of<T: AsRef<str>>(names: &[T]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match names.len() {
        0 => "none".to_owned(),
        1..=SHOWN => shown.join(", "),
        all => format!("{} and {} more", shown.join(", "), all - SHOWN),
    }
}
