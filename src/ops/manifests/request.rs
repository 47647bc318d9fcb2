//! The request of `manifests`.

use std::path::PathBuf;

use crate::manifests::build::envoy::Upstream;
use crate::manifests::build::{Api, Issuer, Part};
use crate::names::Host;
use crate::workspace::config::{IstioTarget, Mode, RouteEntry, SecretStyle};

/// What to generate, and where it goes.
#[derive(Debug, Clone)]
pub struct Request {
    /// The input.
    pub wanted: Wanted,
    /// The output.
    pub product: Product,
    /// The folder to write to; by default the result is returned.
    pub folder: Option<PathBuf>,
    /// The format.
    pub format: Format,
}

/// The workspace's hosts, and changes to istio-tls.yaml.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The hosts, in the order of their servers; all if empty.
    pub hosts: Vec<Host>,
    /// How clients are authenticated.
    pub mode: Option<Mode>,
    /// How the gateway gets Secrets.
    pub secrets: Option<SecretStyle>,
    /// The Istio version that the objects are for.
    pub istio: Option<IstioTarget>,
    /// The name of the Gateway.
    pub gateway_name: Option<String>,
    /// The name of the credential Secret, for a single host.
    pub credential_name: Option<String>,
    /// The destination of paths, for a single host.
    pub routes: Vec<RouteEntry>,
    /// The API of gateways and routes.
    pub api: Api,
    /// The issuer of certificates in the cluster.
    pub issuer: Option<Issuer>,
    /// The namespace of the Secrets.
    pub secret_namespace: Option<String>,
}

/// The kind of output.
#[derive(Debug, Clone)]
pub enum Product {
    /// Objects.
    Objects {
        /// Only these parts; the default ones if empty.
        only: Vec<Part>,
        /// Also the samples.
        samples: bool,
        /// Lint them first, and stop on an error.
        linted: bool,
    },
    /// The gateway's volumes as values for Istio's Helm chart.
    HelmValues,
    /// An Envoy bootstrap configuration.
    Envoy {
        /// The endpoint for requests to a Service.
        upstreams: Vec<Upstream>,
    },
}

/// The format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML documents.
    Yaml,
    /// One JSON value.
    Json,
}
