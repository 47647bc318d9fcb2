//! A server with TLS settings, from either kind of Gateway.

use std::collections::BTreeMap;

use super::{ClientCa, Credential, FileField};
use crate::lint::finding::Place;
use crate::lint::index::pods::Pods;
use crate::lint::item::Item;
use crate::manifests::load::Origin;
use crate::manifests::model::gateway::{Server, ServerTlsSettings, TlsMode};
use crate::manifests::model::{Gateway, Other};
use crate::manifests::server_hosts::{ServerHost, hosts_of};

/// The object that a server belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// Index in the world's Istio Gateways.
    Istio(usize),
    /// Index in the world's other objects: a Gateway of the Gateway API.
    GatewayApi(usize),
}

/// One of `certificateRefs` in the Gateway API.
pub(super) struct Reference {
    /// The field's path.
    pub(super) field: String,
    /// The Secret.
    pub(super) name: String,
    /// Its namespace, if given.
    pub(super) namespace: Option<String>,
}

/// One server and the material that it refers to.
pub(crate) struct TlsServer<'a> {
    /// The object.
    pub owner: Owner,
    /// `Gateway default/mygateway`.
    pub title: String,
    /// `default/mygateway`.
    pub full_name: String,
    /// The field's path: `spec.servers[0]`.
    pub path: String,
    /// `port.name` of the server, or the listener's name.
    pub name: String,
    /// The hosts, in the order of the object.
    pub hosts: Vec<ServerHost>,
    /// The port.
    pub port: u32,
    /// The bind address, if given.
    pub bind: Option<String>,
    /// Whether HTTP is routed after TLS is terminated.
    pub serves_http: bool,
    /// The effective TLS mode.
    pub mode: TlsMode,
    /// The TLS settings of an Istio Gateway.
    pub tls: Option<&'a ServerTlsSettings>,
    /// The pods that serve it.
    pub pods: Pods,
    /// The labels with which an Istio Gateway selects them.
    pub selector: Option<&'a BTreeMap<String, String>>,
    /// The fields that refer to Secrets with certificates.
    pub credentials: Vec<Credential<'a>>,
    /// `caCertCredentialName`.
    pub ca_credential: Option<Credential<'a>>,
    /// Where the CA for clients is looked up, if it is in a Secret.
    pub client_ca: Option<ClientCa<'a>>,
    /// The fields that refer to files.
    pub files: Vec<FileField<'a>>,
    /// CA bundles in files, by index.
    pub file_authorities: Vec<usize>,
    /// Certificates and keys, by index.
    pub pairs: Vec<usize>,
    origin: &'a Origin,
}

impl<'a> TlsServer<'a> {
    pub(super) fn of_gateway(
        gateway: &Item<'a, Gateway>,
        place: usize,
        index: usize,
        server: &'a Server,
        pods: Pods,
    ) -> Self {
        let tls = server.tls.as_ref();
        Self {
            owner: Owner::Istio(place),
            title: gateway.title(),
            full_name: gateway.full_name(),
            path: format!("spec.servers[{index}]"),
            name: server.port.name.clone(),
            hosts: hosts_of(server, gateway.namespace),
            port: server.port.number,
            bind: server.bind.clone().filter(|bind| !bind.is_empty()),
            serves_http: server.port.protocol.eq_ignore_ascii_case("HTTPS"),
            mode: tls.map_or(TlsMode::Passthrough, ServerTlsSettings::effective_mode),
            tls,
            pods,
            selector: Some(&gateway.object.spec.selector),
            credentials: Vec::new(),
            ca_credential: None,
            client_ca: None,
            files: Vec::new(),
            file_authorities: Vec::new(),
            pairs: Vec::new(),
            origin: gateway.origin,
        }
    }

    /// The listeners of a Gateway of the Gateway API that terminate TLS, each
    /// with its certificateRefs.
    pub(super) fn of_gateway_api(object: &Item<'a, Other>, place: usize) -> Vec<(Self, Vec<Reference>)> {
        let other = object.object;
        if other.kind != "Gateway" || !other.api_version.starts_with("gateway.networking.k8s.io/") {
            return Vec::new();
        }
        let listeners = other.content.pointer("/spec/listeners");
        let listeners = listeners.and_then(serde_json::Value::as_array).into_iter().flatten();
        listeners
            .enumerate()
            .filter_map(|(index, listener)| {
                let text = |pointer: &str| listener.pointer(pointer).and_then(serde_json::Value::as_str);
                if text("/tls/mode") == Some("Passthrough") || listener.get("tls").is_none() {
                    return None;
                }
                let option = listener
                    .pointer("/tls/options")
                    .and_then(|options| options.get("gateway.istio.io/tls-terminate-mode"));
                let mode = match option.and_then(serde_json::Value::as_str) {
                    Some("MUTUAL") => TlsMode::Mutual,
                    Some("OPTIONAL_MUTUAL") => TlsMode::OptionalMutual,
                    Some("ISTIO_MUTUAL") => TlsMode::IstioMutual,
                    _ => TlsMode::Simple,
                };
                let path = format!("spec.listeners[{index}]");
                let server = Self {
                    owner: Owner::GatewayApi(place),
                    title: object.title(),
                    full_name: object.full_name(),
                    name: text("/name").unwrap_or_default().to_owned(),
                    hosts: vec![ServerHost::any_namespace(
                        text("/hostname").filter(|host| !host.is_empty()).unwrap_or("*"),
                    )],
                    port: listener
                        .get("port")
                        .and_then(serde_json::Value::as_u64)
                        .and_then(|port| u32::try_from(port).ok())
                        .unwrap_or_default(),
                    bind: None,
                    serves_http: text("/protocol") == Some("HTTPS"),
                    mode,
                    tls: None,
                    // Each of these Gateways has its own pods.
                    pods: Pods::Unknown([("gateway".to_owned(), object.full_name())].into()),
                    selector: None,
                    credentials: Vec::new(),
                    ca_credential: None,
                    client_ca: None,
                    files: Vec::new(),
                    file_authorities: Vec::new(),
                    pairs: Vec::new(),
                    origin: object.origin,
                    path: path.clone(),
                };
                let references = listener.pointer("/tls/certificateRefs");
                let references = references.and_then(serde_json::Value::as_array).into_iter().flatten();
                let references = references.enumerate().filter_map(|(index, reference)| {
                    let text = |field: &str| reference.get(field).and_then(serde_json::Value::as_str);
                    // Kinds other than Secrets are implementation-specific.
                    if text("kind").is_some_and(|kind| kind != "Secret") {
                        return None;
                    }
                    let field = format!("{path}.tls.certificateRefs[{index}].name");
                    Some(Reference {
                        field,
                        name: text("name")?.to_owned(),
                        namespace: text("namespace").map(str::to_owned),
                    })
                });
                let references = references.collect();
                Some((server, references))
            })
            .collect()
    }

    /// The place of a field of the object.
    pub(crate) fn place(&self, path: &str) -> Place {
        Place::field(self.title.clone(), self.origin, path)
    }

    /// The place of a host.
    pub(crate) fn host_place(&self, index: usize) -> Place {
        self.place(&self.host_path(index))
    }

    fn host_path(&self, index: usize) -> String {
        match self.owner {
            Owner::Istio(_) => format!("{}.hosts[{index}]", self.path),
            Owner::GatewayApi(_) => format!("{}.hostname", self.path),
        }
    }

    /// Its hosts without namespaces.
    pub(crate) fn host_names(&self) -> Vec<String> {
        self.hosts.iter().map(|host| host.name.clone()).collect()
    }

    /// The server in words: `server https-a of Gateway default/mygateway`.
    pub(crate) fn called(&self) -> String {
        let part = match self.owner {
            Owner::Istio(_) => "server",
            Owner::GatewayApi(_) => "listener",
        };
        if self.name.is_empty() {
            format!("{} of {}", self.path, self.title)
        } else {
            format!("{part} {} of {}", self.name, self.title)
        }
    }

    /// Whether it terminates TLS with a configured certificate.
    pub(crate) fn terminates(&self) -> bool {
        matches!(self.mode, TlsMode::Simple | TlsMode::Mutual | TlsMode::OptionalMutual)
    }
}
