//! `istio-tls manifests`.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::args::choice;
use super::context::Context;
use super::{Exit, Failure, intent};
use crate::manifests::build::{self, Intent, Part, ingress_volumes};
use crate::manifests::model::Manifest;
use crate::manifests::{render, routes};
use crate::names::{Host, check_object_name};
use crate::problem::Problem;
use crate::workspace::config::{HostEntry, IstioTarget, Mode, RouteEntry, SecretStyle, WorkspaceConfig};
use crate::workspace::store;

/// Prints the Secrets, Gateway and VirtualServices
///
/// Objects are made for the hosts of istio-tls.yaml, or for the chains in the
/// folder where there is no such file. They go to standard output, keys
/// included, ready for kubectl.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls manifests | kubectl apply --server-side -f -\n  istio-tls manifests httpbin.example.com bookinfo.com --mode simple\n  istio-tls manifests --only secrets --out secrets/\n  istio-tls manifests shop.example --route /api=orders:8080 --route /=shop:80\n  istio-tls manifests --secrets file-mount --istio 1.1\n  istio-tls manifests --secrets file-mount --helm-values > values.yaml"
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
    /// Namespace of the Secrets: the same as --gateway-namespace
    #[arg(long, value_name = "NAMESPACE", help_heading = "Objects")]
    secret_namespace: Option<String>,
}

/// What is printed.
#[derive(Clone, Copy)]
enum Format {
    Yaml,
    Json,
}

pub(super) fn run(args: ManifestsArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.output(&[("yaml", Format::Yaml), ("json", Format::Json)])?;
    let intent = wanted(&args, context).map_err(Failure::usage)?;
    if args.helm_values {
        return helm_values(&args, &intent, format, context);
    }
    let parts = parts(&args, &intent);
    for note in notes(&intent, &parts) {
        context.say_always(&format!("note: {note}"));
    }
    if let Some(folder) = &args.out {
        return write(folder, &intent, &parts, format, context);
    }
    let objects = build::objects(&intent, &parts).map_err(Failure::usage)?;
    context.print(&rendered(&objects, format))?;
    Ok(Exit::Done)
}

/// Values for `helm install`, to standard output or a file in `--out`.
fn helm_values(args: &ManifestsArgs, intent: &Intent, format: Format, context: &Context) -> Result<Exit, Failure> {
    if intent.secrets != SecretStyle::FileMount {
        return Err(Failure::usage(
            Problem::new("there are no volumes to mount")
                .why("the gateway fetches Secrets by credentialName; only file-mount style has volumes")
                .fix("add --secrets file-mount"),
        ));
    }
    let values = ingress_volumes::helm_values(intent);
    let (text, extension) = match format {
        Format::Yaml => (render::yaml_document(&values), "yaml"),
        Format::Json => (render::json_document(&values), "json"),
    };
    let Some(folder) = &args.out else {
        context.print(&text)?;
        return Ok(Exit::Done);
    };
    let path = folder.join(format!("helm-values.{extension}"));
    write_files(folder, &[(path, text, store::PUBLIC)], context)?;
    Ok(Exit::Done)
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

fn rendered(objects: &[Manifest], format: Format) -> Zeroizing<String> {
    match format {
        Format::Yaml => render::yaml(objects),
        Format::Json => render::json(objects),
    }
}

/// The workspace's configuration, changed as the flags say, with its chains.
fn wanted(args: &ManifestsArgs, context: &Context) -> Result<Intent, Problem> {
    let mut config = intent::workspace(&context.dir)?;
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
    intent::intent(&context.dir, &config, &entries.iter().collect::<Vec<_>>())
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
        if !["httpbin", "helloworld-v1", "productpage"].into_iter().any(leads_to) {
            notes.push("no host leads to a Service of the samples (httpbin, helloworld-v1, productpage)".to_owned());
        }
    }
    notes
}

/// A file per part, those with keys for their owner only.
fn write(folder: &Path, intent: &Intent, parts: &[Part], format: Format, context: &Context) -> Result<Exit, Failure> {
    let extension = match format {
        Format::Yaml => "yaml",
        Format::Json => "json",
    };
    // Everything is made before anything is written.
    let mut files: Vec<OutFile> = Vec::new();
    for (word, part) in Part::WORDS {
        if parts.contains(part) {
            let objects = build::objects(intent, &[*part]).map_err(Failure::usage)?;
            let mode = if *part == Part::Secrets {
                store::SECRET
            } else {
                store::PUBLIC
            };
            if !objects.is_empty() {
                files.push((
                    folder.join(format!("{word}.{extension}")),
                    rendered(&objects, format),
                    mode,
                ));
            }
        }
    }
    write_files(folder, &files, context)?;
    context.say(&format!("next: kubectl apply --server-side -f {}", folder.display()));
    Ok(Exit::Done)
}

/// A file's path, content and permissions.
type OutFile = (PathBuf, Zeroizing<String>, u32);

fn write_files(folder: &Path, files: &[OutFile], context: &Context) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::runtime(Problem::new(format!("{} cannot be made", folder.display())).why(crate::files::plain(&error)))
    })?;
    for (path, text, mode) in files {
        store::write_file(path, text.as_bytes(), *mode).map_err(Failure::runtime)?;
    }
    let names: Vec<String> = files.iter().map(|(path, ..)| path.display().to_string()).collect();
    context.say(&format!("wrote {}", names.join(", ")));
    Ok(())
}
