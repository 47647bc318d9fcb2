//! `istio-tls manifests`: prints or writes the objects for a cluster.

use std::path::PathBuf;

use super::context::Context;
use super::value_parsers::{choice, parser};
use super::{Exit, Failure};
use crate::manifests::build::envoy::Upstream;
use crate::manifests::build::{Api, Issuer, Part};
use crate::manifests::routes;
use crate::names::Host;
use crate::ops::manifests::request::{Format, Product, Request, Wanted};
use crate::ops::manifests::run::{Outcome, run as make};
use crate::report::manifests_text;
use crate::workspace::config::{IstioTarget, Mode, RouteEntry, SecretStyle};

/// Prints the Secrets, Gateway and VirtualServices
///
/// Generates objects for the hosts in istio-tls.yaml, or for the chains in the folder if
/// there is no such file. They go to standard output, including keys, ready for kubectl.
/// They are linted first; an error stops with exit code 1 unless --no-lint is given.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls manifests | kubectl apply --server-side -f -\n  istio-tls manifests httpbin.example.com bookinfo.com --mode simple\n  istio-tls manifests --only secrets --out secrets/\n  istio-tls manifests shop.example --route /api=orders:8080 --route /=shop:80\n  istio-tls manifests --secrets file-mount --istio 1.1\n  istio-tls manifests --secrets file-mount --helm-values > values.yaml\n  istio-tls manifests --api gateway-api\n  istio-tls manifests --export envoy --upstream httpbin=http://127.0.0.1:8000 --out envoy/"
)]
pub(super) struct ManifestsArgs {
    /// Hosts, in the order of their servers [default: all hosts of the workspace]
    #[arg(value_name = "HOST", value_parser = parser(Host::parse))]
    hosts: Vec<Host>,
    /// Write files to this folder instead of standard output (those with keys readable
    /// only by you)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only these parts, comma-separated
    #[arg(long, value_name = "PART", value_delimiter = ',', value_parser = choice(Part::WORDS))]
    only: Vec<Part>,
    /// Also the workloads and Services of the samples that the hosts lead to
    #[arg(long)]
    samples: bool,

    /// How clients are authenticated [default: istio-tls.yaml's]
    #[arg(long, value_parser = choice(Mode::WORDS), help_heading = "Objects")]
    mode: Option<Mode>,
    /// How the gateway gets Secrets [default: istio-tls.yaml's, else credential]
    #[arg(long, value_name = "STYLE", value_parser = choice(SecretStyle::WORDS), help_heading = "Objects")]
    secrets: Option<SecretStyle>,
    /// The Istio version that the objects are for [default: istio-tls.yaml's, else
    /// latest]
    #[arg(long, value_name = "VERSION", value_parser = choice(IstioTarget::WORDS), help_heading = "Objects")]
    istio: Option<IstioTarget>,
    /// Name of the Gateway [default: istio-tls.yaml's, else mygateway]
    #[arg(long, value_name = "NAME", help_heading = "Objects")]
    gateway_name: Option<String>,
    /// Name of the credential Secret, for a single HOST [default: the recorded one]
    #[arg(long, value_name = "NAME", help_heading = "Objects")]
    credential_name: Option<String>,
    /// Destination of a path, for a single HOST (repeatable) [default: the recorded
    /// routes]
    #[arg(long = "route", value_name = "PREFIX=SERVICE:PORT", value_parser = parser(routes::parse_route), help_heading = "Objects")]
    routes: Vec<RouteEntry>,
    /// Print only the volumes of file-mount style, as values for Istio's Helm chart
    #[arg(long, conflicts_with_all = ["only", "samples"], help_heading = "Objects")]
    helm_values: bool,
    /// Generate the objects even if lint finds errors in them
    #[arg(long, help_heading = "Objects")]
    no_lint: bool,
    /// The API of gateways and routes
    #[arg(long, value_parser = choice(Api::WORDS), default_value = "istio", help_heading = "Objects")]
    api: Api,
    /// Have certificates issued and renewed in the cluster, by the host's intermediate
    #[arg(long, value_parser = choice(Issuer::WORDS), help_heading = "Objects")]
    issuer: Option<Issuer>,
    /// Namespace of the Secrets: the same as --gateway-namespace
    #[arg(long, value_name = "NAMESPACE", help_heading = "Objects")]
    secret_namespace: Option<String>,

    /// Instead of objects, the configuration of a gateway without Istio
    #[arg(long, value_parser = choice(Export::WORDS), conflicts_with_all = ["only", "samples", "helm_values"], help_heading = "Export")]
    export: Option<Export>,
    /// Endpoint of a Service in that configuration (repeatable) [default: the Service's
    /// name]
    #[arg(long = "upstream", value_name = "SERVICE[:PORT]=http://HOST:PORT", value_parser = parser(Upstream::parse), requires = "export", help_heading = "Export")]
    upstreams: Vec<Upstream>,
}

/// A configuration instead of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Export {
    /// An Envoy bootstrap configuration.
    Envoy,
}

impl Export {
    const WORDS: &[(&str, Self)] = &[("envoy", Self::Envoy)];
}

impl ManifestsArgs {
    fn request(self, format: Format) -> Request {
        let product = match self.export {
            _ if self.helm_values => Product::HelmValues,
            Some(Export::Envoy) => Product::Envoy {
                upstreams: self.upstreams,
            },
            None => Product::Objects {
                only: self.only,
                samples: self.samples,
                linted: !self.no_lint,
            },
        };
        Request {
            wanted: Wanted {
                hosts: self.hosts,
                mode: self.mode,
                secrets: self.secrets,
                istio: self.istio,
                gateway_name: self.gateway_name,
                credential_name: self.credential_name,
                routes: self.routes,
                api: self.api,
                issuer: self.issuer,
                secret_namespace: self.secret_namespace,
            },
            product,
            folder: self.out,
            format,
        }
    }
}

pub(super) fn run(args: ManifestsArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.output(&[("yaml", Format::Yaml), ("json", Format::Json)])?;
    match make(&args.request(format), context)? {
        Outcome::Text(text) => context.print(&text)?,
        Outcome::Files { written, next } => {
            context.say(&manifests_text::written(&written, next.as_ref(), &context.aim));
        }
    }
    Ok(Exit::Done)
}
