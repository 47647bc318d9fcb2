//! `istio-tls manifests`: prints or writes the objects for a cluster.

mod output;

use std::path::PathBuf;

use self::output::{Format, Out, envoy_bootstrap, helm_values};
use super::args::choice;
use super::context::Context;
use super::{Exit, Failure, lint};
use crate::ops::{intent};
use crate::manifests::build::envoy::Upstream;
use crate::manifests::build::{Api, Intent, Issuer, Part, ingress_volumes};
use crate::manifests::routes;
use crate::names::{Host, check_object_name};
use crate::problem::Problem;
use crate::shell::quote;
use crate::workspace::config::{HostEntry, IstioTarget, Mode, RouteEntry, SecretStyle, WorkspaceConfig};
use crate::workspace::layout::ChainLayout;
use crate::workspace::store;

/// Prints the Secrets, Gateway and VirtualServices
///
/// Objects are made for the hosts of istio-tls.yaml, or for the chains in the
/// folder where there is no such file. They go to standard output, keys
/// included, ready for kubectl. They are linted before; an error stops with exit
/// code 1 unless --no-lint.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls manifests | kubectl apply --server-side -f -\n  istio-tls manifests httpbin.example.com bookinfo.com --mode simple\n  istio-tls manifests --only secrets --out secrets/\n  istio-tls manifests shop.example --route /api=orders:8080 --route /=shop:80\n  istio-tls manifests --secrets file-mount --istio 1.1\n  istio-tls manifests --secrets file-mount --helm-values > values.yaml\n  istio-tls manifests --api gateway-api\n  istio-tls manifests --export envoy --upstream httpbin=http://127.0.0.1:8000 --out envoy/"
)]
pub(super) struct ManifestsArgs {
    /// Hosts, in the order of their servers [default: all of the workspace]
    #[arg(value_name = "HOST", value_parser = Host::parse)]
    hosts: Vec<Host>,
    /// Write files into this folder, in place of standard output (those with keys readable by you only)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only these parts, with commas
    #[arg(long, value_name = "PART", value_delimiter = ',', value_parser = choice(Part::WORDS))]
    only: Vec<Part>,
    /// Also the workloads and Services of the samples that the hosts lead to
    #[arg(long)]
    samples: bool,

    /// How clients are authenticated [default: istio-tls.yaml's]
    #[arg(long, value_parser = choice(Mode::WORDS), help_heading = "Objects")]
    mode: Option<Mode>,
    /// How Secrets reach the gateway [default: istio-tls.yaml's, else credential]
    #[arg(long, value_name = "STYLE", value_parser = choice(SecretStyle::WORDS), help_heading = "Objects")]
    secrets: Option<SecretStyle>,
    /// The Istio that reads the objects [default: istio-tls.yaml's, else latest]
    #[arg(long, value_name = "VERSION", value_parser = choice(IstioTarget::WORDS), help_heading = "Objects")]
    istio: Option<IstioTarget>,
    /// Name of the Gateway [default: istio-tls.yaml's, else mygateway]
    #[arg(long, value_name = "NAME", help_heading = "Objects")]
    gateway_name: Option<String>,
    /// Name of the credential Secret, for one HOST [default: the recorded one]
    #[arg(long, value_name = "NAME", help_heading = "Objects")]
    credential_name: Option<String>,
    /// Where paths lead, for one HOST (repeatable) [default: the recorded routes]
    #[arg(long = "route", value_name = "PREFIX=SERVICE:PORT", value_parser = routes::parse_route, help_heading = "Objects")]
    routes: Vec<RouteEntry>,
    /// The volumes of file-mount style as values of Istio's Helm chart, and nothing else
    #[arg(long, conflicts_with_all = ["only", "samples"], help_heading = "Objects")]
    helm_values: bool,
    /// Make the objects even when lint finds errors in them
    #[arg(long, help_heading = "Objects")]
    no_lint: bool,
    /// The API of gateways and routes
    #[arg(long, value_parser = choice(Api::WORDS), default_value = "istio", help_heading = "Objects")]
    api: Api,
    /// Certificates issued and renewed in the cluster, by the host's intermediate
    #[arg(long, value_parser = choice(Issuer::WORDS), help_heading = "Objects")]
    issuer: Option<Issuer>,
    /// Namespace of the Secrets: the same as --gateway-namespace
    #[arg(long, value_name = "NAMESPACE", help_heading = "Objects")]
    secret_namespace: Option<String>,

    /// In place of objects, the configuration of a gateway without Istio
    #[arg(long, value_parser = choice(Export::WORDS), conflicts_with_all = ["only", "samples", "helm_values"], help_heading = "Export")]
    export: Option<Export>,
    /// Where a Service's requests go in that configuration (repeatable) [default: the Service's name]
    #[arg(long = "upstream", value_name = "SERVICE[:PORT]=http://HOST:PORT", value_parser = Upstream::parse, requires = "export", help_heading = "Export")]
    upstreams: Vec<Upstream>,
}

/// A configuration in place of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Export {
    /// A bootstrap of Envoy.
    Envoy,
}

impl Export {
    const WORDS: &[(&str, Self)] = &[("envoy", Self::Envoy)];
}

pub(super) fn run(args: &ManifestsArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.output(&[("yaml", Format::Yaml), ("json", Format::Json)])?;
    let out = Out {
        folder: args.out.as_deref(),
        format,
    };
    let intent = wanted(args, context).map_err(Failure::usage)?;
    if args.helm_values {
        return helm_values(&intent, out, context);
    }
    if let Some(Export::Envoy) = args.export {
        return envoy_bootstrap(&intent, &args.upstreams, out, context);
    }
    let parts = parts(args, &intent);
    if !args.no_lint {
        let findings = lint::findings_of_made(&intent, &parts, context).map_err(Failure::usage)?;
        lint::stop_on_errors(findings, context)?;
    }
    for note in notes(&intent, &parts) {
        context.say_always(&format!("note: {note}"));
    }
    output::objects(&intent, &parts, out, context)
}

fn parts(args: &ManifestsArgs, intent: &Intent) -> Vec<Part> {
    let mut parts = if args.only.is_empty() {
        Part::default_of(intent.secrets)
    } else {
        args.only.clone()
    };
    if args.samples && !parts.contains(&Part::Samples) {
        parts.push(Part::Samples);
    }
    parts
}

/// The workspace's configuration, changed as the flags say, with its chains.
fn wanted(args: &ManifestsArgs, context: &Context) -> Result<Intent, Problem> {
    let mut config = intent::workspace(context)?;
    config.secrets = args.secrets.unwrap_or(config.secrets);
    config.istio = args.istio.unwrap_or(config.istio);
    if let Some(name) = &args.gateway_name {
        check_object_name("Gateway", name)?;
        config.gateway.name.clone_from(name);
    }
    if let Some(namespace) = &context.namespace {
        config.gateway.namespace.clone_from(namespace);
    }
    if let Some(namespace) = secret_namespace(args, context)? {
        config.gateway.pod_namespace = namespace;
    }
    let mut entries: Vec<HostEntry> = intent::entries_of(&config, &args.hosts)?.into_iter().cloned().collect();
    for_one_host(args, &config, &mut entries)?;
    for entry in &mut entries {
        entry.mode = args.mode.or(entry.mode);
    }
    let mut intent = intent::intent(&context.dir, &config, &entries.iter().collect::<Vec<_>>())?;
    intent.api = args.api;
    intent.issuer = args.issuer;
    if args.issuer.is_some() {
        for host in &mut intent.hosts {
            refuse_while_rotating(context, &host.names.host)?;
            host.material.issuer_key = intent::issuer_key(&context.dir, &host.names.host)?;
        }
    }
    Ok(intent)
}

/// cert-manager would issue the server's leaf from the new CA at once, while
/// there are clients that trust only the previous one.
fn refuse_while_rotating(context: &Context, host: &Host) -> Result<(), Problem> {
    if !store::has_previous_ca(&ChainLayout::new(&context.dir, host)) {
        return Ok(());
    }
    let host = quote(host.as_str());
    Err(Problem::new(format!(
        "the CA of {host} is being rotated, so cert-manager cannot have it yet"
    ))
    .why("it would serve a leaf of the new CA at once, which clients of the previous one refuse")
    .fix(format!("istio-tls rotate {host} --finish, or --abort")))
}

/// The flags that mean one host.
fn for_one_host(args: &ManifestsArgs, config: &WorkspaceConfig, entries: &mut [HostEntry]) -> Result<(), Problem> {
    let flag = match (&args.credential_name, args.routes.is_empty()) {
        (Some(_), _) => "--credential-name",
        (None, false) => "--route",
        (None, true) => return Ok(()),
    };
    let [entry] = entries else {
        let hosts: Vec<String> = config.hosts.iter().map(|entry| entry.host.to_string()).collect();
        return Err(
            Problem::new(format!("{flag} is for one host, and {} are wanted here", entries.len()))
                .fix(format!("name one of them: {}", shortened(&hosts))),
        );
    };
    if let Some(name) = &args.credential_name {
        check_object_name("Secret", name)?;
        entry.credential_name.clone_from(name);
    }
    if !args.routes.is_empty() {
        entry.routes.clone_from(&args.routes);
    }
    Ok(())
}

/// The first few of a list that may be long.
fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 5;
    if names.len() <= SHOWN {
        return names.join(", ");
    }
    format!("{} and {} more", names[..SHOWN].join(", "), names.len() - SHOWN)
}

fn secret_namespace(args: &ManifestsArgs, context: &Context) -> Result<Option<String>, Problem> {
    match (&args.secret_namespace, &context.gateway_namespace) {
        (Some(one), Some(other)) if one != other => Err(Problem::new(format!(
            "--secret-namespace {one} and --gateway-namespace {other} differ"
        ))
        .why("Istio reads a credential only from the namespace of the gateway's pods")),
        (Some(namespace), _) if !crate::names::is_dns_label(namespace) => {
            Err(Problem::new(format!("{namespace:?} is not a namespace"))
                .why("a namespace holds lower-case letters, digits and hyphens, at most 63 (RFC 1123 label)"))
        }
        (one, other) => Ok(one.clone().or_else(|| other.clone())),
    }
}

/// That no route leads to a sample, so that there is none among the objects.
pub(super) fn no_sample(intent: &Intent) -> Option<String> {
    const SAMPLES: &[&str] = &["httpbin", "helloworld-v1", "productpage"];
    let mut routes = intent.hosts.iter().flat_map(|host| &host.routes);
    let leads_to_one = routes.any(|route| SAMPLES.contains(&route.service.as_str()));
    (!leads_to_one).then(|| format!("no host leads to a Service of the samples ({})", SAMPLES.join(", ")))
}

/// What a reader of the objects should know.
fn notes(intent: &Intent, parts: &[Part]) -> Vec<String> {
    let mut notes = Vec::new();
    if parts.contains(&Part::IngressVolumes) {
        notes.push(format!(
            "Deployment {}/{} is a patch of the gateway's own: apply it with --server-side, \
             and never hand it to kubectl delete",
            intent.gateway.pod_namespace,
            ingress_volumes::INGRESS_DEPLOYMENT
        ));
    }
    if parts.contains(&Part::Samples) {
        let leads_to = |service: &str| {
            let mut routes = intent.hosts.iter().flat_map(|host| &host.routes);
            routes.any(|route| route.service == service)
        };
        if intent.istio == IstioTarget::V1_1 {
            if leads_to("helloworld-v1") {
                notes.push(
                    "the task page's Service helloworld-v1 exposes port 8000, but its route leads to 5000: \
                     it cannot work as it stands there (--istio latest exposes 5000)"
                        .to_owned(),
                );
            }
            notes.push(
                "the task page's Deployments are extensions/v1beta1, which no API server since Kubernetes 1.16 takes"
                    .to_owned(),
            );
        }
        notes.extend(no_sample(intent));
    }
    notes
}
