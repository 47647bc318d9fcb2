//! The intent: hosts, with mode and style, for an Istio version and API.

use zeroize::Zeroizing;

use crate::manifests::naming::HostNames;
use crate::workspace::config::{GatewayEntry, IstioTarget, Mode, RouteEntry, SecretStyle};

/// The maximum number of servers per Gateway, so that the object stays well below etcd's size
/// limit.
pub const SERVERS_PER_GATEWAY: usize = 500;
/// The maximum number of listeners of a Gateway API Gateway (a limit of the CRD).
pub(super) const LISTENERS_PER_GATEWAY: usize = 64;
/// The port of every generated server.
pub const HTTPS_PORT: u16 = 443;

/// The intent.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The hosts, in the order of their servers.
    pub hosts: Vec<HostIntent>,
    /// The Gateway's name, namespace and selector, and the namespace of its pods.
    pub gateway: GatewayEntry,
    /// How key material reaches the gateway.
    pub secrets: SecretStyle,
    /// The Istio version that the objects are for.
    pub istio: IstioTarget,
    /// The API that routes are written in.
    pub api: Api,
    /// What issues server certificates in the cluster; none means that ours are used.
    pub issuer: Option<Issuer>,
}

impl Intent {
    /// The Gateway with the server of the host at `index`.
    pub(super) fn gateway_name(&self, index: usize) -> String {
        let size = match self.api {
            Api::Istio => SERVERS_PER_GATEWAY,
            Api::GatewayApi => LISTENERS_PER_GATEWAY,
        };
        match index / size {
            0 => self.gateway.name.clone(),
            part => format!("{}-{}", self.gateway.name, part + 1),
        }
    }
}

/// The API that Gateways and routes are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Api {
    /// networking.istio.io: Gateway and VirtualService.
    #[default]
    Istio,
    /// gateway.networking.k8s.io: Gateway, HTTPRoute and ReferenceGrant.
    GatewayApi,
}

impl Api {
    /// All APIs with their names in flags.
    pub const WORDS: &[(&str, Self)] = &[("istio", Self::Istio), ("gateway-api", Self::GatewayApi)];
}

/// What issues server certificates in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer {
    /// cert-manager, with the host's intermediate as its CA.
    CertManager,
}

impl Issuer {
    /// All issuers with their names in flags.
    pub const WORDS: &[(&str, Self)] = &[("cert-manager", Self::CertManager)];
}

/// One host of an [`Intent`].
#[derive(Debug, Clone)]
pub struct HostIntent {
    /// The host and the names of its objects.
    pub names: HostNames,
    /// How clients are authenticated.
    pub mode: Mode,
    /// The destinations of its paths; never empty.
    pub routes: Vec<RouteEntry>,
    /// Its chain, for the Secrets.
    pub material: Material,
}

/// The key material of one host, as PEM.
#[derive(Clone, Default)]
pub struct Material {
    /// The leaf, followed by the intermediate.
    pub certificate: Vec<u8>,
    /// The leaf's key.
    pub key: Zeroizing<Vec<u8>>,
    /// The CA bundle for client certificates: intermediate, followed by root.
    pub ca: Option<Vec<u8>>,
    /// The CRLs of those CAs, concatenated.
    pub crl: Option<Vec<u8>>,
    /// The intermediate's key, for an issuer in the cluster.
    pub issuer_key: Option<Zeroizing<Vec<u8>>>,
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Material").finish_non_exhaustive()
    }
}
