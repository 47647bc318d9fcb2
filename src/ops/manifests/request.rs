//! What is to be made, as the user says it.

use std::path::PathBuf;

use crate::manifests::build::envoy::Upstream;
use crate::manifests::build::{Api, Issuer, Part};
use crate::names::Host;
use crate::workspace::config::{IstioTarget, Mode, RouteEntry, SecretStyle};

/// What is to be made, and where it goes.
#[derive(Debug, Clone)]
pub struct Request {
    /// What it is made of.
    pub wanted: Wanted,
    /// What is made.
    pub product: Product,
    /// The folder that it is written to; it is given back when there is none.
    pub folder: Option<PathBuf>,
    /// In which form.
    pub format: Format,
}

/// The workspace's hosts, and what is other than istio-tls.yaml says.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The hosts, in the order of their servers; all when there are none.
    pub hosts: Vec<Host>,
    /// How clients are authenticated.
    pub mode: Option<Mode>,
    /// How Secrets reach the gateway.
    pub secrets: Option<SecretStyle>,
    /// The Istio that reads the objects.
    pub istio: Option<IstioTarget>,
    /// The name of the Gateway.
    pub gateway_name: Option<String>,
    /// The name of the credential Secret of the one host.
    pub credential_name: Option<String>,
    /// Where paths of the one host lead.
    pub routes: Vec<RouteEntry>,
    /// The API of gateways and routes.
    pub api: Api,
    /// Who issues certificates in the cluster.
    pub issuer: Option<Issuer>,
    /// The namespace of the Secrets.
    pub secret_namespace: Option<String>,
}

/// What is made.
#[derive(Debug, Clone)]
pub enum Product {
    /// Objects.
    Objects {
        /// Only these parts; the usual ones when there are none.
        only: Vec<Part>,
        /// Also the samples.
        samples: bool,
        /// They are linted before, and an error stops.
        linted: bool,
    },
    /// The gateway's volumes as values of Istio's Helm chart.
    HelmValues,
    /// A bootstrap of Envoy.
    Envoy {
        /// Where a Service's requests go.
        upstreams: Vec<Upstream>,
    },
}

/// In which form it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML documents.
    Yaml,
    /// One JSON value.
    Json,
}
