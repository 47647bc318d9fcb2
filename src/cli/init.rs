//! `istio-tls init`: writes the first istio-tls.yaml, from answers or flags.

use std::collections::BTreeMap;

use dialoguer::{Input, Select};
use serde_json::json;

use super::args::choice;
use super::context::{Context, Format};
use crate::ops::entries::{self, Recorded};
use super::{Exit, Failure};
use crate::files::shown;
use crate::names::{self, Host, is_dns_label};
use crate::problem::Problem;
use crate::shell::quote;
use crate::workspace::config::{FILE_NAME, IstioTarget, Mode, SecretStyle, WorkspaceConfig};
use crate::workspace::file::{WorkspaceFile, new_id};

/// Writes istio-tls.yaml: questions on a terminal, flags otherwise
///
/// gen-certs writes the file by itself when there is none; init is for other
/// choices than its defaults. An existing file is never overwritten.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls init                                      (asks)\n  istio-tls init --no-input                           (takes the defaults)\n  istio-tls init --host httpbin.example.com --mode simple\n  istio-tls init --gateway-name public --selector istio=public --gateway-namespace ingress"
)]
pub(super) struct InitArgs {
    /// A host to list (repeatable); gen-certs makes its chain
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// How clients are authenticated [default: mutual]
    #[arg(long, value_parser = choice(Mode::WORDS))]
    mode: Option<Mode>,
    /// How the gateway gets certificates and keys [default: credential]
    #[arg(long, value_parser = choice(SecretStyle::WORDS))]
    secrets: Option<SecretStyle>,
    /// Which Istio the manifests are for [default: latest]
    #[arg(long, value_parser = choice(IstioTarget::WORDS))]
    istio: Option<IstioTarget>,
    /// The Gateway's name [default: mygateway]
    #[arg(long, value_name = "NAME")]
    gateway_name: Option<String>,
    /// A label of the gateway's pods (repeatable) [default: istio=ingressgateway]
    #[arg(long, value_name = "LABEL=VALUE")]
    selector: Vec<String>,
}

pub(super) fn run(args: &InitArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let path = context.dir.join(FILE_NAME);
    if path.symlink_metadata().is_ok() {
        return Err(Failure::usage(
            Problem::new(format!("{} exists already", path.display()))
                .why("init writes a new file only")
                .fix(format!("edit {}, or give another folder with -C", path.display())),
        ));
    }
    let starter = WorkspaceFile::starter(&context.dir, &new_id().map_err(Failure::runtime)?);
    let (mut wanted, mut hosts) = from_flags(args, context, &starter.config)?;
    if context.interactive && !context.yes {
        ask(args, &mut wanted, &mut hosts)?;
    }
    let recorded: Vec<Recorded> = hosts
        .into_iter()
        .map(|host| Recorded {
            host,
            mode: None,
            credential_name: None,
            clients: Vec::new(),
        })
        .collect();
    let wanted = entries::record(&wanted, &recorded);
    let file = starter.edit(&wanted).map_err(Failure::runtime)?;
    if !context.dir.is_dir() {
        std::fs::create_dir_all(&context.dir).map_err(|error| {
            Failure::runtime(
                Problem::new(format!("{} cannot be made", context.dir.display())).why(crate::files::plain(&error)),
            )
        })?;
    }
    file.write().map_err(Failure::runtime)?;
    let shown = shown(&path);
    match format {
        Format::Json => {
            context.print_json(&json!({"schema": 1, "workspace": shown, "id": wanted.id, "hosts": recorded.len()}))?;
        }
        Format::Text => {
            let host = wanted
                .hosts
                .first()
                .map_or("httpbin.example.com", |entry| entry.host.as_str());
            context.print(&format!("wrote {shown}\n\nnext: istio-tls gen-certs {}\n", quote(host)))?;
        }
    }
    Ok(Exit::Done)
}

fn from_flags(
    args: &InitArgs,
    context: &Context,
    starter: &WorkspaceConfig,
) -> Result<(WorkspaceConfig, Vec<Host>), Failure> {
    let mut hosts: Vec<Host> = Vec::new();
    for text in &args.hosts {
        let host = Host::parse(text).map_err(Failure::usage)?;
        if hosts.contains(&host) {
            return Err(Failure::usage(Problem::new(format!("the host {host} is given twice"))));
        }
        hosts.push(host);
    }
    let mut wanted = starter.clone();
    wanted.mode = args.mode.unwrap_or(wanted.mode);
    wanted.secrets = args.secrets.unwrap_or(wanted.secrets);
    wanted.istio = args.istio.unwrap_or(wanted.istio);
    if let Some(name) = &args.gateway_name {
        names::check_object_name("Gateway", name).map_err(Failure::usage)?;
        wanted.gateway.name.clone_from(name);
    }
    if let Some(namespace) = &context.namespace {
        wanted.gateway.namespace.clone_from(namespace);
    }
    if let Some(namespace) = &context.gateway_namespace {
        wanted.gateway.pod_namespace.clone_from(namespace);
    }
    if !args.selector.is_empty() {
        wanted.gateway.selector = selector(&args.selector)?;
    }
    Ok((wanted, hosts))
}

fn selector(labels: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    labels
        .iter()
        .map(|label| match label.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err(Failure::usage(
                Problem::new(format!("{label:?} is not a label")).fix("give LABEL=VALUE, as istio=ingressgateway"),
            )),
        })
        .collect()
}

/// Asks for what no flag has said.
fn ask(args: &InitArgs, wanted: &mut WorkspaceConfig, hosts: &mut Vec<Host>) -> Result<(), Failure> {
    if hosts.is_empty() {
        let text: String = asked(
            Input::new()
                .with_prompt("Host that the gateway serves (empty for none yet)")
                .allow_empty(true)
                .validate_with(|text: &String| -> Result<(), String> {
                    if text.is_empty() {
                        return Ok(());
                    }
                    Host::parse(text).map(drop).map_err(|problem| problem.what)
                })
                .interact_text(),
        )?;
        if !text.is_empty() {
            hosts.push(Host::parse(&text).map_err(Failure::usage)?);
        }
    }
    if args.mode.is_none() {
        wanted.mode = select("Client certificates", Mode::WORDS, wanted.mode)?;
    }
    if args.secrets.is_none() {
        wanted.secrets = select("How the gateway gets its keys", SecretStyle::WORDS, wanted.secrets)?;
    }
    if args.istio.is_none() {
        wanted.istio = select("Istio", IstioTarget::WORDS, wanted.istio)?;
    }
    wanted.gateway.pod_namespace = asked(
        Input::new()
            .with_prompt("Namespace of the gateway's pods")
            .default(wanted.gateway.pod_namespace.clone())
            .validate_with(|text: &String| {
                if is_dns_label(text) {
                    Ok(())
                } else {
                    Err("a namespace holds lower-case letters, digits and hyphens")
                }
            })
            .interact_text(),
    )?;
    Ok(())
}

fn select<T: Copy + PartialEq>(prompt: &str, words: &[(&str, T)], now: T) -> Result<T, Failure> {
    let items: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let default = words.iter().position(|(_, value)| *value == now).unwrap_or_default();
    let chosen = asked(
        Select::new()
            .with_prompt(prompt)
            .items(&items)
            .default(default)
            .interact(),
    )?;
    Ok(words[chosen].1)
}

fn asked<T>(answer: dialoguer::Result<T>) -> Result<T, Failure> {
    answer.map_err(|error| {
        let mut failure = Failure::runtime(
            Problem::new("the question was not answered")
                .why(error.to_string())
                .fix("istio-tls init --no-input takes the defaults"),
        );
        let dialoguer::Error::IO(error) = error;
        if error.kind() == std::io::ErrorKind::Interrupted {
            failure.exit = Exit::Interrupted;
        }
        failure
    })
}
