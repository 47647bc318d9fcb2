//! What is known about a cluster and its gateway, as plain values. Gathering them involves no
//! judgement; the rules in this folder read only these.

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

/// What was seen, or why it could not be read, in words.
pub type Seen<T> = Result<T, String>;

/// Labels, or a selector for them.
pub type Labels = BTreeMap<String, String>;

/// The input of the rules.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The time of the examination.
    pub now: OffsetDateTime,
    /// The relevant hosts, in lowercase; empty means those of every Gateway.
    pub hosts: Vec<String>,
    /// Those of them that belong to a server of a gateway that is examined separately.
    pub covered: BTreeSet<String>,
    /// Hosts of the workspace without a usable chain in this folder.
    pub chainless: Vec<Chainless>,
    /// The expected namespace of the gateway's pods, from a flag or istio-tls.yaml.
    pub pod_namespace: String,
    /// Whether it was set explicitly, and no gateway has pods there.
    pub is_elsewhere: bool,
    /// The expected labels of those pods, if no Gateway specifies them.
    pub selector: Labels,
    /// The actual namespace; the same if there are no pods.
    pub found_namespace: String,
    /// The namespace of the workspace's Secrets for these pods.
    pub secret_namespace: String,
    /// Facts about the Gateway of the Gateway API, if the gateway is one.
    pub of_api: Option<OfApi>,
    /// Secrets that the workspace can create, by name, each with what `apply` needs for it.
    pub own_secrets: BTreeMap<String, Needs>,
    /// The hosts of the workspace.
    pub own_hosts: BTreeSet<String>,
    /// Whether there is an istio-tls.yaml, so that workspace commands help.
    pub workspace: bool,
    /// The flags with which commands reach this cluster; empty if none are needed.
    pub flags: Cluster,
    /// Whether the server has the CRDs of networking.istio.io.
    pub kinds: Seen<bool>,
    /// The pods of the control plane.
    pub istiod: Seen<Vec<Pod>>,
    /// The relevant Gateways.
    pub gateways: Seen<Vec<Gateway>>,
    /// Why Gateways outside the workspace's namespaces are not included.
    pub unseen_gateways: Option<String>,
    /// Errors in the status of Gateways and VirtualServices.
    pub complaints: Vec<Complaint>,
    /// The pods in the gateway's namespace, and those that a Gateway's selector matches elsewhere.
    pub pods: Seen<Vec<Pod>>,
    /// Why pods in other namespaces are not included, if they were looked up.
    pub unseen_pods: Option<String>,
    /// The Deployments in the gateway's namespace.
    pub deployments: Seen<Vec<Deployment>>,
    /// The number of replicas of each, by name.
    pub replicas: BTreeMap<String, u64>,
    /// Whether Secrets that pods or Gateways refer to exist in the gateway's namespace, by name.
    pub secrets: BTreeMap<String, Seen<bool>>,
    /// The Services in the gateway's namespace.
    pub services: Seen<Vec<Service>>,
    /// Ready addresses by Service name, in the gateway's namespace.
    pub endpoints: Seen<BTreeMap<String, usize>>,
    /// The address of the gateway, or why it is unknown.
    pub ingress: Result<Ingress, Problem>,
    /// Lint's findings on the live Gateways, their Secrets and certificates.
    pub linted: Report,
    /// The same, but with the workspace's own Secrets instead.
    pub after_apply: Report,
    /// What the service accounts of the gateway's pods may do with Secrets.
    pub accounts: Vec<Account>,
    /// The certificate that each TLS server should serve.
    pub certificates: Vec<Certificate>,
    /// What each gateway pod's proxy reports.
    pub proxies: Vec<Proxy>,
    /// What the ingress address serves, or why it was not checked.
    pub served: Seen<Vec<Served>>,
    /// The end of each gateway pod's log.
    pub logs: Vec<Log>,
    /// The DNS records of the hosts.
    pub dns: Vec<Name>,
}

/// What `apply` needs to restore a Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// No flag.
    Nothing,
    /// To take over fields of others: --force-conflicts.
    ForceConflicts,
    /// To delete it first, because its type is wrong: --replace.
    Replace,
}

/// A host in istio-tls.yaml whose chain is missing or unusable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chainless {
    /// The host.
    pub host: String,
    /// Whether it is one of the relevant hosts.
    pub matters: bool,
    /// The problem with its folder.
    pub problem: Problem,
    /// Whether there is a folder anyway, which `adopt` would have to replace.
    pub has_folder: bool,
    /// The Secret in the cluster that holds its certificate: `istio-system/httpbin-credential`.
    pub secret: Option<String>,
}

/// A Gateway of the Gateway API, in addition to [`Gateway`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfApi {
    /// `spec.gatewayClassName`.
    pub class: String,
    /// Whether the cluster has a GatewayClass with this name.
    pub is_known: Seen<bool>,
    /// Set if no controller has accepted it yet: the content of its status.
    pub unclaimed: Option<String>,
    /// The Service in `spec.addresses`, instead of pods that istiod creates.
    pub service: Option<String>,
    /// Errors of listeners in its status, by index.
    pub listeners: Vec<(usize, String)>,
}

/// How many addresses of a gateway are checked.
pub const ADDRESSES_ASKED: usize = 8;

/// An address of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingress {
    /// An IP address or a DNS name.
    pub host: String,
    /// Additional ones, if the LoadBalancer has several.
    pub others: Vec<String>,
    /// The HTTPS port.
    pub port: u16,
    /// The source object, in words.
    pub source: String,
    /// For a node's address that replaces a pending LoadBalancer's: how to get the latter.
    pub pending: Option<Remedy>,
}

/// The properties of a pod that matter for a gateway.
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
    /// Secrets mounted by its volumes: name, and whether the volume is optional.
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

    /// The proxy container.
    pub fn proxy(&self) -> Option<&Container> {
        self.containers.iter().find(|container| container.name == PROXY)
    }

    /// Whether a selector matches it; an empty one means every gateway.
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
    /// When it last terminated, and why: `OOMKilled, exit code 137`.
    pub ended: Option<(OffsetDateTime, String)>,
    /// Why it is not running: `ImagePullBackOff`.
    pub waiting: Option<String>,
}

/// An error in an object's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// `Gateway default/mygateway`.
    pub object: String,
    /// `status.conditions[type=Reconciled]`.
    pub path: String,
    /// In the control plane's words.
    pub message: String,
}

/// What a service account may do with Secrets in its namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Which of the verbs get, watch and list it has.
    pub verbs: Seen<BTreeSet<&'static str>>,
}

/// The source of a server's certificate.
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
    /// The server's index there.
    pub index: usize,
    /// The relevant hosts of the server.
    pub hosts: Vec<String>,
    /// The source for the proxy.
    pub source: Source,
    /// The Secret that holds it: `istio-system/httpbin-credential`.
    pub secret: String,
    /// Its leaf; none if the Secret is missing or unusable.
    pub leaf: Seen<Option<CertificateFacts>>,
}

impl Certificate {
    /// The Secret's name without namespace.
    pub fn secret_name(&self) -> &str {
        self.secret.split_once('/').map_or(&self.secret, |(_, name)| name)
    }
}

/// A pod's proxy.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// `namespace/name` of the pod.
    pub pod: String,
    /// What it reports.
    pub view: Seen<View>,
}

/// The certificates reported by a proxy's admin interface.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// Secrets in use: name, and the leaf if it holds a certificate.
    pub active: Vec<(String, Option<CertificateFacts>)>,
    /// Names of Secrets that it is waiting for.
    pub warming: Vec<String>,
    /// Serial numbers of the certificates in its TLS contexts, by path.
    pub loaded: Vec<(String, String)>,
}

/// What was served for a host at the ingress address.
#[derive(Debug, Clone)]
pub struct Served {
    /// The host.
    pub host: String,
    /// The address of the gateway; empty for a port-forward.
    pub address: String,
    /// The target that was dialled: address and port.
    pub target: String,
    /// The leaf, or the failure.
    pub outcome: Result<CertificateFacts, Refusal>,
}

/// Why no certificate was served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// How far the connection got.
    pub end: End,
    /// The reason in words.
    pub what: String,
    /// What to do.
    pub fix: Remedy,
}

/// How a connection without a certificate ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Unreachable from here: no response, no route, or no name.
    Unreachable,
    /// Nothing listens there.
    Refused,
    /// It was reset or closed without a response, as by a gateway without a certificate for the
    /// name.
    Silent,
    /// Another way, as described in words.
    Told,
}

impl Refusal {
    /// Whether there was no connection.
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

/// The DNS result of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The host.
    pub host: String,
    /// Its addresses, or why it was not looked up.
    pub addresses: Seen<Vec<IpAddr>>,
    /// Those of the ingress; empty if unknown.
    pub ingress: Vec<IpAddr>,
}

/// A server that terminates TLS.
pub struct TlsServer<'g> {
    /// Its Gateway.
    pub gateway: &'g Gateway,
    /// Its index there.
    pub index: usize,
    /// The server.
    pub server: &'g Server,
    /// Its relevant hosts; for each match, the more specific of the two names.
    pub hosts: Vec<String>,
}

/// `Gateway default/mygateway`.
pub fn title(gateway: &Gateway) -> String {
    let namespace = gateway.metadata.namespace_or("default");
    format!("Gateway {namespace}/{}", gateway.metadata.name)
}

/// The relevant hosts of a server; all if no hosts were requested.
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

/// Whether a server terminates TLS with its own certificate.
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

/// The index of the server in a field's path.
pub fn server_index(path: &str) -> Option<usize> {
    let rest = path
        .strip_prefix("spec.servers[")
        .or_else(|| path.strip_prefix("spec.listeners["))?;
    rest.split_once(']')?.0.parse().ok()
}

/// Whether a Gateway was read from the Gateway API by [`super::kube_gateways`].
pub fn is_of_api(gateway: &Gateway) -> bool {
    gateway.api_version.starts_with("gateway.networking.k8s.io/")
}

impl Ingress {
    /// All addresses.
    pub fn hosts(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.host).chain(&self.others)
    }
}

impl Facts {
    /// The known Gateways.
    pub fn gateways(&self) -> &[Gateway] {
        self.gateways.as_deref().unwrap_or_default()
    }

    /// The namespace of istiod, as far as known.
    pub fn control_plane_namespace(&self) -> &str {
        let pod = self.istiod.iter().flatten().next();
        pod.map_or("istio-system", |pod| pod.namespace.as_str())
    }

    /// The servers that terminate TLS for a relevant host.
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

    /// The selectors of the Gateways, each with its Gateway; without any, the default one.
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

    /// The gateway's pods: those that any Gateway selects, in their actual namespace.
    pub fn gateway_pods(&self) -> Vec<&Pod> {
        let pods = self.pods.as_deref().unwrap_or_default().iter();
        let selectors = self.selectors();
        pods.filter(|pod| !pod.ending && pod.namespace == self.found_namespace)
            .filter(|pod| selectors.iter().any(|(_, selector)| pod.is_selected(selector)))
            .collect()
    }
}

/// `istio=ingressgateway,app=x`, in the format of kubectl -l.
pub fn selector_words(selector: &Labels) -> String {
    let words: Vec<String> = selector
        .iter()
        .map(|(label, value)| format!("{label}={value}"))
        .collect();
    words.join(",")
}

/// `a`, `a and b`, `a, b and 3 more`: shortens long lists.
pub fn some_of<T: AsRef<str>>(names: &[T]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match names.len() {
        0 => "none".to_owned(),
        1..=SHOWN => shown.join(", "),
        all => format!("{} and {} more", shown.join(", "), all - SHOWN),
    }
}
